#include "ledger/state/invariants.h"

#include "ledger/base/check.h"
#include "ledger/state/cycle_records.h"
#include "ledger/state/epochs.h"
#include "ledger/state/keys.h"
#include "ledger/state/queries.h"
#include "ledger/state/table_walk.h"

#include <map>
#include <set>
#include <tuple>
#include <utility>

namespace tally {
namespace {

void add(Totals& totals, const Account& account, int sign) {
    totals.debits_pending += WideMoney{account.debits_pending} * sign;
    totals.debits_posted += WideMoney{account.debits_posted} * sign;
    totals.credits_pending += WideMoney{account.credits_pending} * sign;
    totals.credits_posted += WideMoney{account.credits_posted} * sign;
    totals.legs_owed += WideMoney{account.legs_owed} * sign;
    totals.legs_due += WideMoney{account.legs_due} * sign;
}

void add(Totals& totals, const std::optional<Bytes>& encoded, int sign) {
    if (!encoded) {
        return;
    }
    const std::optional<Account> account = decode_record<Account>(*encoded);
    ENSURE(account.has_value());
    add(totals, *account, sign);
}

using AccountKey = std::pair<PartyId, Currency>;
using PairKey = std::tuple<PartyId, PartyId, Currency>;

/// Everything that must agree, summed once over the whole state.
struct Survey {
    std::map<AccountKey, Account> accounts;
    /// What exposures and legs say each account must hold.
    std::map<AccountKey, Account> from_pairs;
    std::map<PairKey, Money> pending;  ///< by live authorizations
    std::map<PairKey, Money> legs;     ///< not confirmed
    std::map<PairKey, Exposure> exposures;
    std::map<Currency, Totals> totals;
    std::map<Bytes, std::uint32_t> open_legs;  ///< by the closed cycle's key
    std::set<Bytes> deadlines;                 ///< keys that there must be
    std::map<std::pair<PartyId, std::string>, AuthorizationRef> busy;
    std::map<Bytes, std::string> stations;
};

void survey_accounts(const StateView& view, Survey& survey) {
    for (const AccountEntry& entry : list_accounts(view)) {
        survey.accounts[{entry.party, entry.currency}] = entry.account;
        add(survey.totals[entry.currency], entry.account, 1);
    }
    for (const auto& [debtor, creditor, currency, exposure] : list_exposures(view)) {
        survey.exposures[{debtor, creditor, currency}] = exposure;
        Account& owes = survey.from_pairs[{debtor, currency}];
        owes.debits_pending += exposure.pending;
        owes.debits_posted += exposure.posted;
        owes.legs_owed += exposure.legs;
        Account& owed = survey.from_pairs[{creditor, currency}];
        owed.credits_pending += exposure.pending;
        owed.credits_posted += exposure.posted;
        owed.legs_due += exposure.legs;
    }
}

void survey_authorizations(const StateView& view, Survey& survey) {
    for_each_entry(view, Table::authorization, [&survey](const KeyValueStore::Entry& entry) {
        auto authorization = decode_entry<Authorization>(entry);
        authorization.ref = keys::ref_of(entry.key);
        survey.pending[{authorization.home(), authorization.visited, authorization.currency}] +=
            authorization.reserved();
        survey.deadlines.insert(keys::deadline(
            {authorization.deadline(), authorization.ref, DeadlineKind::authorization}));
        if (authorization.status == AuthorizationStatus::started) {
            survey.busy[{authorization.visited, authorization.start->evse_id}] = authorization.ref;
        }
    });
    for_each_entry(view, Table::countersign, [&survey](const KeyValueStore::Entry& entry) {
        const auto record = decode_entry<CountersignRecord>(entry);
        survey.deadlines.insert(
            keys::deadline({record.expires, keys::ref_of(entry.key), DeadlineKind::countersign}));
    });
    for_each_entry(view, Table::proposal, [&survey](const KeyValueStore::Entry& entry) {
        const auto record = decode_entry<ProposalRecord>(entry);
        survey.deadlines.insert(
            keys::deadline({record.expires, keys::ref_of(entry.key), DeadlineKind::proposal}));
    });
    for_each_entry(view, Table::correction, [&survey](const KeyValueStore::Entry& entry) {
        const auto record = decode_entry<CorrectionRecord>(entry);
        survey.deadlines.insert(
            keys::deadline({record.expires, keys::ref_of(entry.key), DeadlineKind::correction}));
    });
}

void survey_legs(const StateView& view, Survey& survey) {
    for (const LegEntry& entry : list_legs(view, 0, static_cast<std::size_t>(-1))) {
        const LegKey& key = entry.key;
        if (entry.leg.status != LegStatus::confirmed) {
            survey.legs[{key.debtor, key.creditor, key.currency}] += entry.leg.amount;
            ++survey.open_legs[keys::closed_cycle(key.cycle, key.currency)];
        }
        if (entry.leg.status == LegStatus::defaulted) {
            for (const NetPosition& share : entry.leg.shares) {
                survey.from_pairs[{key.creditor, key.currency}].shares_held += share.amount;
            }
        }
        if (entry.leg.status == LegStatus::pending) {
            survey.deadlines.insert(
                keys::deadline({entry.leg.due_by, leg_ref(key), DeadlineKind::leg}));
        }
    }
}

/// Legs against pairs, and against the closed cycles that wait for them.
std::optional<std::string> check_legs(const StateView& view, const Survey& survey) {
    for (const auto& [key, exposure] : survey.exposures) {
        const auto legs = survey.legs.find(key);
        if (exposure.legs != (legs == survey.legs.end() ? 0 : legs->second)) {
            return "legs from " + to_text(std::get<0>(key)) + " to " + to_text(std::get<1>(key)) +
                   " differ from what the pair owes";
        }
    }
    for (const auto& [key, amount] : survey.legs) {
        if (!survey.exposures.contains(key)) {
            return "a leg of " + to_text(std::get<0>(key)) + " without an exposure";
        }
    }
    std::map<Bytes, std::uint32_t> counted;
    for_each_entry(view, Table::cycle, [&counted](const KeyValueStore::Entry& entry) {
        if (entry.key != keys::cycle()) {
            counted[entry.key] = decode_entry<ClosedCycleRecord>(entry).open_legs;
        }
    });
    if (counted != survey.open_legs) {
        return "closed cycles differ from their open legs";
    }
    return std::nullopt;
}

std::optional<std::string> check_accounts(const Survey& survey) {
    for (const auto& [key, account] : survey.accounts) {
        const auto expected = survey.from_pairs.find(key);
        Account from_pairs = expected == survey.from_pairs.end() ? Account{} : expected->second;
        from_pairs.limit = account.limit;
        if (from_pairs != account) {
            return "account " + to_text(key.first) + " " + to_text(key.second) +
                   " differs from the sum of its pairs";
        }
    }
    for (const auto& [key, expected] : survey.from_pairs) {
        if (!survey.accounts.contains(key)) {
            return "account " + to_text(key.first) + " is missing";
        }
    }
    for (const auto& [key, exposure] : survey.exposures) {
        const auto pending = survey.pending.find(key);
        if (exposure.pending != (pending == survey.pending.end() ? 0 : pending->second)) {
            return "pending from " + to_text(std::get<0>(key)) + " to " +
                   to_text(std::get<1>(key)) + " differs from its live authorizations";
        }
    }
    for (const auto& [key, pending] : survey.pending) {
        if (pending != 0 && !survey.exposures.contains(key)) {
            return "live authorizations of " + to_text(std::get<0>(key)) + " without an exposure";
        }
    }
    return std::nullopt;
}

std::optional<std::string> check_totals(const StateView& view, const Survey& survey) {
    for (const auto& [currency, totals] : survey.totals) {
        if (!totals.balanced()) {
            return "debits and credits differ in " + to_text(currency);
        }
        if (find_totals(view, currency) != totals) {
            return "totals of " + to_text(currency) + " differ from the sum of accounts";
        }
    }
    std::optional<std::string> problem;
    for_each_entry(view, Table::totals, [&](const KeyValueStore::Entry& entry) {
        const Currency currency = keys::currency_at(entry.key, 1);
        if (!survey.totals.contains(currency) && decode_entry<Totals>(entry) != Totals{}) {
            problem = "totals of " + to_text(currency) + " without an account";
        }
    });
    return problem;
}

std::optional<std::string> check_deadlines(const StateView& view, const Survey& survey) {
    std::set<Bytes> found;
    for_each_entry(view, Table::deadline,
                   [&found](const KeyValueStore::Entry& entry) { found.insert(entry.key); });
    if (found != survey.deadlines) {
        return "deadlines differ from what they are derived from";
    }
    return std::nullopt;
}

std::optional<std::string> check_chargers(const StateView& view, Survey& survey) {
    std::map<std::pair<PartyId, std::string>, AuthorizationRef> busy;
    for_each_entry(view, Table::charger, [&](const KeyValueStore::Entry& entry) {
        const PartyId owner = keys::party_at(entry.key, 1);
        std::string evse_id = keys::name_at(entry.key, 1 + PartyId::size, evse_id_bytes_max);
        const auto charger = decode_entry<ChargerRecord>(entry);
        if (charger.busy) {
            busy[{owner, evse_id}] = *charger.busy;
        }
        survey.stations[keys::station(owner, charger.station, charger.connector)] =
            std::move(evse_id);
    });
    if (busy != survey.busy) {
        return "busy chargers differ from the started charges";
    }
    std::map<Bytes, std::string> stations;
    for_each_entry(view, Table::station, [&stations](const KeyValueStore::Entry& entry) {
        stations[entry.key] = std::string{as_text(entry.value)};
    });
    if (stations != survey.stations) {
        return "stations differ from the chargers";
    }
    return std::nullopt;
}

std::optional<std::string> check_members(const StateView& view) {
    std::set<PublicKey> keys;
    bool has_validator{false};
    for (const MemberRecord& record : list_members(view)) {
        const Member& member = record.member;
        // One member may use a key twice; two members never share one.
        for (const PublicKey& key :
             std::set<PublicKey>{member.member_key, member.consensus_key, member.link_key}) {
            if (!keys.insert(key).second) {
                return "a key of " + to_text(member.party) + " is also another member's";
            }
        }
        has_validator = has_validator || member.validator;
    }
    if (!has_validator) {
        return "no member is to be a validator";
    }
    for (const Validator& validator : find_epoch(view).validators) {
        if (!find_member(view, validator.party)) {
            return "validator " + to_text(validator.party) + " is not a member";
        }
    }
    return std::nullopt;
}

}  // namespace

std::optional<std::string> update_totals(StateOverlay& state) {
    std::map<Currency, Totals> changed;
    std::set<Currency> with_account;
    const Bytes first = keys::table(Table::account);
    for (auto change = state.changes().lower_bound(first);
         change != state.changes().end() && change->first.front() == first.front(); ++change) {
        const Currency currency = keys::currency_at(change->first, 1 + PartyId::size);
        const auto [totals, is_new] = changed.try_emplace(currency);
        if (is_new) {
            totals->second = find_totals(state, currency).value_or(Totals{});
        }
        add(totals->second, state.get_before(change->first), -1);
        add(totals->second, change->second, 1);
        if (change->second) {
            with_account.insert(currency);
        }
    }
    for (const auto& [currency, totals] : changed) {
        if (!totals.balanced()) {
            return "debits and credits differ in " + to_text(currency);
        }
        const std::optional<Totals> before = find_totals(state, currency);
        // Accounts that came and went within the block leave nothing behind.
        const bool is_needed = before || with_account.contains(currency);
        if (is_needed && before != totals) {
            state.put(keys::totals(currency), encode(totals));
        }
    }
    return std::nullopt;
}

std::optional<std::string> check_invariants(const StateView& view) {
    Survey survey;
    survey_accounts(view, survey);
    survey_authorizations(view, survey);
    survey_legs(view, survey);
    if (std::optional<std::string> problem = check_legs(view, survey)) {
        return problem;
    }
    if (std::optional<std::string> problem = check_accounts(survey)) {
        return problem;
    }
    if (std::optional<std::string> problem = check_totals(view, survey)) {
        return problem;
    }
    if (std::optional<std::string> problem = check_deadlines(view, survey)) {
        return problem;
    }
    if (std::optional<std::string> problem = check_chargers(view, survey)) {
        return problem;
    }
    return check_members(view);
}

}  // namespace tally
