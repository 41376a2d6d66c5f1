#include "ledger/state/queries.h"

#include "ledger/base/codec.h"
#include "ledger/state/keys.h"
#include "ledger/state/record_reading.h"

#include <utility>

namespace tally {

using record_reading::decode_own;
using record_reading::find_own;
using record_reading::for_each;
using record_reading::for_each_from;
using record_reading::no_bound;
using record_reading::step_behind;

namespace {

std::vector<AccountEntry> read_accounts(const StateView& view, const Bytes& prefix) {
    std::vector<AccountEntry> accounts;
    for_each(view, prefix, no_bound, [&accounts](const KeyValueStore::Entry& entry) {
        accounts.push_back({keys::party_at(entry.key, 1),
                            keys::currency_at(entry.key, 1 + PartyId::size),
                            decode_own<Account>(entry.value)});
    });
    return accounts;
}

std::optional<Authorization> find_authorization_under(const StateView& view, const Bytes& key,
                                                      const AuthorizationRef& ref) {
    std::optional<Authorization> authorization = find_own<Authorization>(view, key);
    if (authorization) {
        authorization->ref = ref;
    }
    return authorization;
}

}  // namespace

std::optional<MemberRecord> find_member(const StateView& view, const PartyId& party) {
    return find_own<MemberRecord>(view, keys::member(party));
}

std::vector<MemberRecord> list_members(const StateView& view) {
    std::vector<MemberRecord> members;
    for_each(view, keys::table(Table::member), members_max,
             [&members](const KeyValueStore::Entry& entry) {
                 members.push_back(decode_own<MemberRecord>(entry.value));
             });
    return members;
}

std::optional<Account> find_account(const StateView& view, const PartyId& party,
                                    const Currency& currency) {
    return find_own<Account>(view, keys::account(party, currency));
}

std::vector<AccountEntry> find_accounts(const StateView& view, const PartyId& party) {
    return read_accounts(view, keys::of_member(Table::account, party));
}

std::vector<AccountEntry> list_accounts(const StateView& view) {
    return read_accounts(view, keys::table(Table::account));
}

std::optional<AgreementRecord> find_agreement_half(const StateView& view, const PartyId& owner,
                                                   const PartyId& partner) {
    return find_own<AgreementRecord>(view, keys::agreement(owner, partner));
}

std::optional<AgreementPair> find_agreement(const StateView& view, const PartyId& first,
                                            const PartyId& second) {
    std::optional<AgreementRecord> ours = find_agreement_half(view, first, second);
    std::optional<AgreementRecord> theirs = find_agreement_half(view, second, first);
    const bool in_force =
        ours && theirs && ours->active && theirs->active && ours->currency == theirs->currency;
    if (!in_force) {
        return std::nullopt;
    }
    return AgreementPair{std::move(*ours), std::move(*theirs)};
}

Exposure find_exposure(const StateView& view, const PartyId& debtor, const PartyId& creditor,
                       const Currency& currency) {
    return find_own<Exposure>(view, keys::exposure(debtor, creditor, currency))
        .value_or(Exposure{});
}

namespace {

ExposureEntry exposure_entry(const KeyValueStore::Entry& entry) {
    return {keys::party_at(entry.key, 1 + Currency::size),
            keys::party_at(entry.key, 1 + Currency::size + PartyId::size),
            keys::currency_at(entry.key, 1), decode_own<Exposure>(entry.value)};
}

std::vector<ExposureEntry> read_exposures(const StateView& view, const Bytes& prefix) {
    std::vector<ExposureEntry> exposures;
    for_each(view, prefix, no_bound, [&exposures](const KeyValueStore::Entry& entry) {
        exposures.push_back(exposure_entry(entry));
    });
    return exposures;
}

}  // namespace

std::vector<ExposureEntry> list_exposures(const StateView& view) {
    return read_exposures(view, keys::table(Table::exposure));
}

std::vector<ExposureEntry> exposures_in(const StateView& view, const Currency& currency) {
    return read_exposures(view, keys::exposures_in(currency));
}

std::optional<BridgeRecord> find_bridge(const StateView& view, const PartyId& owner,
                                        std::string_view bridge_id) {
    if (bridge_id.size() > bridge_id_bytes_max) {
        return std::nullopt;
    }
    return find_own<BridgeRecord>(view, keys::bridge(owner, bridge_id));
}

std::optional<ChargerRecord> find_charger(const StateView& view, const PartyId& owner,
                                          std::string_view evse_id) {
    if (evse_id.size() > evse_id_bytes_max) {
        return std::nullopt;
    }
    return find_own<ChargerRecord>(view, keys::charger(owner, evse_id));
}

std::optional<ChargerEntry> find_charger_at(const StateView& view, const PartyId& owner,
                                            std::string_view station, std::uint16_t connector) {
    if (station.size() > station_id_bytes_max) {
        return std::nullopt;
    }
    const std::optional<Bytes> evse = view.get(keys::station(owner, station, connector));
    if (!evse) {
        return std::nullopt;
    }
    std::string evse_id{as_text(*evse)};
    std::optional<ChargerRecord> charger = find_charger(view, owner, evse_id);
    ENSURE(charger.has_value());
    return ChargerEntry{owner, std::move(evse_id), std::move(*charger)};
}

std::vector<ChargerEntry> find_chargers_of_station(const StateView& view, const PartyId& owner,
                                                   std::string_view station) {
    std::vector<ChargerEntry> chargers;
    if (station.size() > station_id_bytes_max) {
        return chargers;
    }
    for_each(view, keys::station_prefix(owner, station), no_bound,
             [&](const KeyValueStore::Entry& entry) {
                 std::string evse_id{as_text(entry.value)};
                 std::optional<ChargerRecord> charger = find_charger(view, owner, evse_id);
                 ENSURE(charger.has_value());
                 chargers.push_back({owner, std::move(evse_id), std::move(*charger)});
             });
    return chargers;
}

bool is_station_known(const StateView& view, const PartyId& owner, std::string_view station) {
    if (station.size() > station_id_bytes_max) {
        return false;
    }
    const Bytes prefix = keys::station_prefix(owner, station);
    return view.next(prefix, prefix).has_value();
}

std::vector<BridgeEntry> list_bridges(const StateView& view, const PartyId& owner,
                                      std::size_t count_max) {
    std::vector<BridgeEntry> bridges;
    for_each(
        view, keys::of_member(Table::bridge, owner), count_max,
        [&](const KeyValueStore::Entry& entry) {
            bridges.push_back({keys::name_at(entry.key, 1 + PartyId::size, bridge_id_bytes_max),
                               decode_own<BridgeRecord>(entry.value)});
        });
    return bridges;
}

std::vector<ChargerEntry> list_chargers(const StateView& view, const PartyId& owner,
                                        std::size_t count_max) {
    std::vector<ChargerEntry> chargers;
    for_each(view, keys::of_member(Table::charger, owner), count_max,
             [&](const KeyValueStore::Entry& entry) {
                 chargers.push_back({owner,
                                     keys::name_at(entry.key, 1 + PartyId::size, evse_id_bytes_max),
                                     decode_own<ChargerRecord>(entry.value)});
             });
    return chargers;
}

std::optional<Tariff> find_tariff(const StateView& view, const PartyId& owner,
                                  const TariffRef& ref) {
    if (ref.version == 0 || ref.tariff_id.size() > tariff_id_bytes_max) {
        return std::nullopt;
    }
    return find_own<Tariff>(view, keys::tariff(owner, ref));
}

std::uint32_t latest_tariff_version(const StateView& view, const PartyId& owner,
                                    std::string_view tariff_id) {
    if (tariff_id.size() > tariff_id_bytes_max) {
        return 0;
    }
    const std::optional<Bytes> head =
        view.get(keys::tariff(owner, TariffRef{std::string{tariff_id}, 0}));
    if (!head) {
        return 0;
    }
    Decoder decoder{*head};
    const std::uint32_t version = decoder.u32();
    ENSURE(decoder.finished());
    return version;
}

std::vector<TariffRef> list_tariffs(const StateView& view, const PartyId& owner,
                                    std::size_t count_max) {
    std::vector<TariffRef> tariffs;
    const Bytes prefix = keys::of_member(Table::tariff, owner);
    Bytes from = prefix;
    while (tariffs.size() < count_max) {
        const std::optional<KeyValueStore::Entry> head = view.next(from, prefix);
        if (!head) {
            break;
        }
        TariffRef ref{keys::name_at(head->key, 1 + PartyId::size, tariff_id_bytes_max), 0};
        ref.version = latest_tariff_version(view, owner, ref.tariff_id);
        from = keys::tariff(owner, ref);  // The last version: the next key is another tariff.
        step_behind(from);
        tariffs.push_back(std::move(ref));
    }
    return tariffs;
}

std::optional<Authorization> find_live_authorization(const StateView& view,
                                                     const AuthorizationRef& ref) {
    return find_authorization_under(view, keys::authorization(ref), ref);
}

std::optional<Authorization> find_authorization(const StateView& view,
                                                const AuthorizationRef& ref) {
    std::optional<Authorization> live = find_live_authorization(view, ref);
    return live ? live : find_authorization_under(view, keys::finished(ref), ref);
}

std::vector<Authorization> list_live_authorizations(const StateView& view,
                                                    const AuthorizationRef& from,
                                                    std::size_t count_max) {
    std::vector<Authorization> authorizations;
    for_each_from(view, keys::authorization(from), keys::table(Table::authorization), count_max,
                  [&authorizations](const KeyValueStore::Entry& entry) {
                      authorizations.push_back(decode_own<Authorization>(entry.value));
                      authorizations.back().ref = keys::ref_of(entry.key);
                  });
    return authorizations;
}

std::optional<CountersignRecord> find_countersign(const StateView& view,
                                                  const TransactionRef& ref) {
    return find_own<CountersignRecord>(view, keys::countersign(ref));
}

std::size_t count_countersigns(const StateView& view, const PartyId& member,
                               std::size_t count_max) {
    std::size_t count{0};
    for_each(view, keys::of_member(Table::countersign, member), count_max,
             [&count](const KeyValueStore::Entry&) { ++count; });
    return count;
}

std::optional<CorrectionRecord> find_correction(const StateView& view,
                                                const AuthorizationRef& ref) {
    return find_own<CorrectionRecord>(view, keys::correction(ref));
}

std::optional<ProposalRecord> find_proposal(const StateView& view, const TransactionRef& ref) {
    return find_own<ProposalRecord>(view, keys::proposal(ref));
}

std::vector<ProposalEntry> list_proposals(const StateView& view) {
    std::vector<ProposalEntry> proposals;
    for_each(
        view, keys::table(Table::proposal), open_proposals_in_all_max,
        [&proposals](const KeyValueStore::Entry& entry) {
            proposals.push_back({keys::ref_of(entry.key), decode_own<ProposalRecord>(entry.value)});
        });
    return proposals;
}

std::optional<EvidenceRecord> find_evidence(const StateView& view, std::uint64_t epoch,
                                            const PartyId& offender) {
    return find_own<EvidenceRecord>(view, keys::evidence(epoch, offender));
}

std::vector<EvidenceEntry> list_evidence(const StateView& view, std::uint64_t epoch_from,
                                         std::size_t count_max) {
    std::vector<EvidenceEntry> evidence;
    for_each_from(
        view, keys::evidence(epoch_from, PartyId{}), keys::table(Table::evidence), count_max,
        [&evidence](const KeyValueStore::Entry& entry) {
            auto record = decode_own<EvidenceRecord>(entry.value);
            const std::uint64_t epoch = record.evidence.first.epoch;
            evidence.push_back({epoch, keys::party_at(entry.key, 1 + 8), std::move(record)});
        });
    return evidence;
}

SublogRecord find_sublog(const StateView& view, const PartyId& party) {
    return find_own<SublogRecord>(view, keys::sublog(party)).value_or(SublogRecord{});
}

std::optional<Totals> find_totals(const StateView& view, const Currency& currency) {
    return find_own<Totals>(view, keys::totals(currency));
}

std::optional<Currency> next_posted_currency(const StateView& view, const Currency& from) {
    const Bytes prefix = keys::table(Table::totals);
    Bytes key = keys::totals(from);
    while (std::optional<KeyValueStore::Entry> entry = view.next(key, prefix)) {
        if (decode_own<Totals>(entry->value).debits_posted != 0) {
            return keys::currency_at(entry->key, 1);
        }
        key = std::move(entry->key);
        step_behind(key);
    }
    return std::nullopt;
}

}  // namespace tally
