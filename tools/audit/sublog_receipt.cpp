#include "tools/audit/sublog_receipt.h"

#include "ledger/base/posix_file_system.h"
#include "ledger/chain/state_receipt.h"
#include "ledger/state/keys.h"

#include <optional>
#include <utility>
#include <variant>

namespace tally::tools {
namespace {

/// Whose sub-log a key is of; nothing for other keys.
std::optional<PartyId> member_of(const Bytes& key) {
    if (key.size() != 1 + PartyId::size) {
        return std::nullopt;
    }
    const PartyId party = keys::party_at(key, 1);
    return key == keys::sublog(party) && is_valid(party) ? std::optional{party} : std::nullopt;
}

}  // namespace

Expected<SublogReceipt, std::string> read_sublog_receipt(const std::string& file,
                                                         const Genesis& genesis) {
    const PosixFileSystem files;
    const auto bytes = files.read(file, 0, state_receipt_bytes_max + 1);
    if (!bytes) {
        return Unexpected{file + ": " + to_text(bytes.error())};
    }
    const std::optional<StateReceipt> receipt = StateReceipt::decode(*bytes);
    if (!receipt) {
        return Unexpected{file + ": is not a whole state receipt"};
    }
    const auto* const entry = std::get_if<StateReceipt::Entry>(&receipt->content);
    const std::optional<PartyId> member = entry == nullptr ? std::nullopt : member_of(entry->key);
    if (!member) {
        return Unexpected{file + ": is a receipt of something else than a member's sub-log"};
    }
    if (const auto problem = verify_state_receipt(*receipt, genesis)) {
        return Unexpected{file + ": does not hold: " + *problem};
    }
    std::optional<SublogRecord> record{SublogRecord{}};  // absent: nothing has touched the member
    if (entry->value) {
        record = decode_record<SublogRecord>(*entry->value);
    }
    if (!record) {
        return Unexpected{file + ": has a value that is no sub-log"};
    }
    const BlockHeader& header = receipt->header;
    return SublogReceipt{file,
                         *member,
                         {header.height, std::move(*record)},
                         {header.height, header.digest(), header.state_root}};
}

}  // namespace tally::tools
