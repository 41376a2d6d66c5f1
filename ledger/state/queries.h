#pragma once

// Typed reading of a state: for the state machine itself, the node, the API and the audit.
// All functions read only what the state holds; nothing is a member, a charger and so on that the
// state does not have. A value that does not decode is a broken invariant (ENSURE): state bytes are
// written by this program and covered by the state root.

#include "ledger/state/epoch_records.h"
#include "ledger/state/records.h"
#include "ledger/state/state_view.h"
#include "ledger/state/sublog.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tally {

[[nodiscard]] std::optional<MemberRecord> find_member(const StateView& view, const PartyId& party);
/// All members in order of party (`members_max` at most).
[[nodiscard]] std::vector<MemberRecord> list_members(const StateView& view);

/// Nothing when the member never owed, was owed, or had a limit in that currency.
[[nodiscard]] std::optional<Account> find_account(const StateView& view, const PartyId& party,
                                                  const Currency& currency);
struct AccountEntry {
    PartyId party;
    Currency currency;
    Account account;
};
/// The member's accounts in order of currency.
[[nodiscard]] std::vector<AccountEntry> find_accounts(const StateView& view, const PartyId& party);
[[nodiscard]] std::vector<AccountEntry> list_accounts(const StateView& view);

/// The half that `owner` signed towards `partner`.
[[nodiscard]] std::optional<AgreementRecord> find_agreement_half(const StateView& view,
                                                                 const PartyId& owner,
                                                                 const PartyId& partner);
/// Both halves when both are there and active and name one currency: what a new authorization
/// needs. `ours` is the half of `first`.
struct AgreementPair {
    AgreementRecord ours;
    AgreementRecord theirs;
};
[[nodiscard]] std::optional<AgreementPair> find_agreement(const StateView& view,
                                                          const PartyId& first,
                                                          const PartyId& second);
/// What `debtor` owes `creditor`; zero when nothing was ever owed.
[[nodiscard]] Exposure find_exposure(const StateView& view, const PartyId& debtor,
                                     const PartyId& creditor, const Currency& currency);

struct ExposureEntry {
    PartyId debtor;
    PartyId creditor;
    Currency currency;
    Exposure exposure;
};
/// All of them, in order of currency, debtor and creditor.
[[nodiscard]] std::vector<ExposureEntry> list_exposures(const StateView& view);
/// Those in one currency.
[[nodiscard]] std::vector<ExposureEntry> exposures_in(const StateView& view,
                                                      const Currency& currency);

[[nodiscard]] std::optional<BridgeRecord> find_bridge(const StateView& view, const PartyId& owner,
                                                      std::string_view bridge_id);

struct BridgeEntry {
    std::string bridge_id;
    BridgeRecord bridge;
};
/// Most bridges of one member that a node looks through to recognise a link key.
inline constexpr std::size_t bridges_listed_max{4096};
/// At most `count_max` bridges of a member, in order of id.
[[nodiscard]] std::vector<BridgeEntry> list_bridges(const StateView& view, const PartyId& owner,
                                                    std::size_t count_max);

struct ChargerEntry {
    PartyId owner;
    std::string evse_id;
    ChargerRecord charger;
};
[[nodiscard]] std::optional<ChargerRecord> find_charger(const StateView& view, const PartyId& owner,
                                                        std::string_view evse_id);
[[nodiscard]] std::optional<ChargerEntry> find_charger_at(const StateView& view,
                                                          const PartyId& owner,
                                                          std::string_view station,
                                                          std::uint16_t connector);
/// Connectors of one station, lowest first; empty when the station is unknown.
[[nodiscard]] std::vector<ChargerEntry> find_chargers_of_station(const StateView& view,
                                                                 const PartyId& owner,
                                                                 std::string_view station);
[[nodiscard]] bool is_station_known(const StateView& view, const PartyId& owner,
                                    std::string_view station);
/// At most `count_max` chargers of a member, in order of EVSE id.
[[nodiscard]] std::vector<ChargerEntry> list_chargers(const StateView& view, const PartyId& owner,
                                                      std::size_t count_max);

[[nodiscard]] std::optional<Tariff> find_tariff(const StateView& view, const PartyId& owner,
                                                const TariffRef& ref);
/// 0 when there is no such tariff.
[[nodiscard]] std::uint32_t latest_tariff_version(const StateView& view, const PartyId& owner,
                                                  std::string_view tariff_id);
/// Ids of a member's tariffs with their latest versions, in order of id; at most `count_max`.
[[nodiscard]] std::vector<TariffRef> list_tariffs(const StateView& view, const PartyId& owner,
                                                  std::size_t count_max);

/// Live or finished (settled, denied, released, expired ...). A node that joined by state sync does
/// not know what finished before.
[[nodiscard]] std::optional<Authorization> find_authorization(const StateView& view,
                                                              const AuthorizationRef& ref);
/// Only live ones: what actions look at.
[[nodiscard]] std::optional<Authorization> find_live_authorization(const StateView& view,
                                                                   const AuthorizationRef& ref);
/// Live authorizations with a reference of `from` or greater, in order, at most `count_max`; call
/// again from behind the last one to go on.
[[nodiscard]] std::vector<Authorization> list_live_authorizations(const StateView& view,
                                                                  const AuthorizationRef& from,
                                                                  std::size_t count_max);

[[nodiscard]] std::optional<CountersignRecord> find_countersign(const StateView& view,
                                                                const TransactionRef& ref);
/// How many actions of `member` wait for a second signature; counts up to `count_max`.
[[nodiscard]] std::size_t count_countersigns(const StateView& view, const PartyId& member,
                                             std::size_t count_max);
[[nodiscard]] std::optional<CorrectionRecord> find_correction(const StateView& view,
                                                              const AuthorizationRef& ref);
[[nodiscard]] std::optional<ProposalRecord> find_proposal(const StateView& view,
                                                          const TransactionRef& ref);
struct ProposalEntry {
    TransactionRef ref;
    ProposalRecord proposal;
};
/// Changes that wait for votes, in order of reference (`open_proposals_in_all_max` at most).
[[nodiscard]] std::vector<ProposalEntry> list_proposals(const StateView& view);

struct EvidenceEntry {
    std::uint64_t epoch{0};
    PartyId offender;
    EvidenceRecord record;
};
[[nodiscard]] std::optional<EvidenceRecord> find_evidence(const StateView& view,
                                                          std::uint64_t epoch,
                                                          const PartyId& offender);
/// Evidence from `epoch_from` on in order of epoch and offender, at most `count_max`.
[[nodiscard]] std::vector<EvidenceEntry> list_evidence(const StateView& view,
                                                       std::uint64_t epoch_from,
                                                       std::size_t count_max);

/// Empty when nothing has touched the member yet.
[[nodiscard]] SublogRecord find_sublog(const StateView& view, const PartyId& party);

[[nodiscard]] std::optional<Totals> find_totals(const StateView& view, const Currency& currency);
/// The first currency from `from` on in which something is posted, by the totals: as of the end of
/// a block.
[[nodiscard]] std::optional<Currency> next_posted_currency(const StateView& view,
                                                           const Currency& from);

}  // namespace tally
