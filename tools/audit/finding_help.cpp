#include "tools/audit/finding_help.h"

#include "ledger/store/segment_reader.h"

#include <algorithm>
#include <array>
#include <span>

namespace tally::tools {
namespace {

constexpr const char* take_another_copy{
    "Audit a copy from another member. If that one is whole, replace this copy; if not, ask all "
    "members for theirs."};
constexpr const char* do_not_rely{
    "Do not pay on figures of this copy. Compare with other members (--compare) and with the "
    "receipts that you hold; whoever signed the certificates answers for them."};
constexpr const char* ask_operator{
    "Ask the operators who signed the transaction for their meter data and contract, and settle "
    "the difference by a credit or a new bill."};
constexpr const char* other_outcome{
    "Executing the transactions again gives another outcome than the one that is stored: a result "
    "was changed, or a quorum signed a falsehood."};
constexpr const char* two_histories{
    "There are two histories: this one is not the one that was seen before or elsewhere."};

struct Entry {
    FindingKind kind;
    FindingHelp help;
};

/// Kinds that mean more than damage (before `chain_id`) or a forgery (behind it).
constexpr auto technical = std::to_array<Entry>(
    {Entry{FindingKind::file_header,
           {"The begin of a file is damaged, or the file was given another name.",
            take_another_copy}},
     Entry{FindingKind::torn_tail,
           {"The newest file ends in the middle of an entry.",
            "Usual after a power failure: start the node once, it removes the rest. Otherwise the "
            "copy was cut."}},
     Entry{FindingKind::missing_blocks,
           {"Blocks are left out, repeated or out of order.", take_another_copy}},
     Entry{FindingKind::not_final,
           {"The last blocks are not final yet.",
            "Start the node once, or audit again when it has gone on."}},
     Entry{FindingKind::signer,
           {"A transaction is in the name of somebody who is no member.", do_not_rely}},
     Entry{FindingKind::signature,
           {"A transaction is not signed by the member in whose name it is.", do_not_rely}},
     Entry{FindingKind::feature,
           {"The network uses a rule that this program is too old to know.",
            "Audit again with a newer release."}},
     Entry{FindingKind::execution, {other_outcome, do_not_rely}},
     Entry{FindingKind::seal, {other_outcome, do_not_rely}},
     Entry{FindingKind::state_mismatch, {other_outcome, do_not_rely}},
     Entry{FindingKind::result_differs, {other_outcome, do_not_rely}},
     Entry{FindingKind::event_differs, {other_outcome, do_not_rely}},
     Entry{FindingKind::accounting, {"The book-keeping does not add up.", do_not_rely}}});

/// What the books, and what is known from elsewhere, say.
constexpr auto business = std::to_array<Entry>(
    {Entry{FindingKind::rating,
           {"A charge was recorded with another amount than its published tariff gives for its "
            "meter readings, or with more than was approved.",
            ask_operator}},
     Entry{FindingKind::unmatched,
           {"A step of a charge has none before it: a record without approval, a payment without "
            "record, an expiry of nothing.",
            ask_operator}},
     Entry{FindingKind::late,
           {"A step was accepted though its deadline had passed, or something expired too early.",
            ask_operator}},
     Entry{FindingKind::duplicate,
           {"One charging session appears twice, perhaps at two operators.",
            "Compare the meter data of both records; one of them is to be credited."}},
     Entry{FindingKind::bridge_signature,
           {"Nobody who was registered for it signed what was metered.", ask_operator}},
     Entry{FindingKind::meter_register,
           {"A meter shows less at the begin of a charge than at the end of the one before.",
            "Ask the operator whether the meter was exchanged or tampered with."}},
     Entry{FindingKind::vote,
           {"A change of the network's rules or members was not decided as the rules say.",
            do_not_rely}},
     Entry{FindingKind::proof,
           {"An accusation of double voting was accepted that proves nothing.", do_not_rely}},
     Entry{FindingKind::reconciliation,
           {"The sum of a member's transactions is not the balance of its account.", do_not_rely}},
     Entry{FindingKind::limit,
           {"A member promised or was charged more than its limit, or its agreement with the other "
            "operator, allows.",
            do_not_rely}},
     Entry{FindingKind::withheld,
           {"A member's own list of entries is not complete.", take_another_copy}},
     Entry{FindingKind::evidence,
           {"The meter data that were supplied are not those of the record.", ask_operator}},
     Entry{FindingKind::bank,
           {"A payment that was confirmed on the ledger is not in the bank's statement.",
            "Ask the creditor who confirmed it, and the bank."}},
     Entry{FindingKind::truncated,
           {"The ledger ends before a block that is known to exist.", take_another_copy}},
     Entry{FindingKind::checkpoint,
           {two_histories,
            "Keep both copies and take them to all members: who signed both answers "
            "for it."}},
     Entry{FindingKind::fork,
           {two_histories,
            "Keep the evidence file and take it to all members: it names who signed "
            "both."}},
     Entry{FindingKind::cycle,
           {"What a closed cycle says of who owes whom is not what its transactions add up to.",
            do_not_rely}}});

constexpr auto metering = std::to_array<Entry>(
    {Entry{FindingKind::meter_signature,
           {"The meter data of a charge are not signed by the meter that is registered at the "
            "charger.",
            "Ask the visited operator which meter it was, and do not pay before it is clear."}},
     Entry{FindingKind::meter_reading,
           {"The meter signed other readings than the record states.",
            "Dispute the charge, or have it credited and billed anew by the signed readings."}}});

constexpr std::array<const char*, note_kinds> notes{
    "Recorded charges that were neither settled nor claimed in time: the visited operator "
    "delivered and is not paid. A late charge can still be agreed.",
    "Charges that were started and never recorded.",
    "Energy between two records of one meter that is not on the ledger: usually an operator's own "
    "drivers.",
    "Chargers with another meter, or whose register began anew.",
    "More was used than approved; the visited operator bears the rest.",
    "Records that the home operator contested.",
    "Late charges, credits and new bills, signed by both operators.",
    "Validators that provably signed two contradicting votes.",
    "Members' own lists of entries.",
    "Meter data that were not supplied.",
    "Payments between banks that their receiver has not confirmed.",
    "Charges that were recorded after a later one of the same meter.",
    "Meter data that their meter did not sign, or whose meter has no key registered.",
    "Signed readings that their meter marks as not to be billed, or that are incomplete."};

}  // namespace

FindingHelp help_of(FindingKind kind) {
    const auto is_it = [kind](const Entry& one) { return one.kind == kind; };
    for (const std::span<const Entry> entries :
         {std::span<const Entry>{technical}, std::span<const Entry>{business},
          std::span<const Entry>{metering}}) {
        const auto found = std::find_if(entries.begin(), entries.end(), is_it);
        if (found != entries.end()) {
            return found->help;
        }
    }
    if (kind < FindingKind::chain_id) {
        return {"Bytes of the copy are damaged or were changed after they were written.",
                take_another_copy};
    }
    return {
        "Headers, certificates or contents do not fit together: this is not what a quorum of "
        "the validators signed.",
        do_not_rely};
}

FindingHelp help_of(const Finding& finding) {
    if (finding.kind == FindingKind::file_header && finding.message.starts_with(other_network)) {
        return {
            "The file is whole and belongs to another network, or the genesis that was given "
            "is another network's.",
            "Compare the genesis file with the one that the network's members have, and take "
            "segments of that network only."};
    }
    return help_of(finding.kind);
}

const char* help_of(NoteKind kind) { return notes[static_cast<std::size_t>(kind)]; }

}  // namespace tally::tools
