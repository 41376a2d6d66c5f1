#include "tools/genesis/genesis_config.h"

#include "tools/keys/key_set.h"

#include <algorithm>
#include <utility>

namespace tally::tools {

using node::ConfigProblem;
using node::ConfigProblems;
using node::ConfigReader;
using node::ConfigTable;

namespace {

constexpr std::int64_t duration_ms_max{400LL * 24 * 3'600'000};

PartyId read_party(const ConfigTable& table, const char* key) {
    const std::string text = table.text(key);
    const std::optional<PartyId> party = party_from_text(text);
    if (!party && !text.empty()) {
        table.problem(key, "must be three letters, but is \"" + text + "\"");
    }
    return party.value_or(PartyId{});
}

Currency read_currency(const ConfigTable& table) {
    const std::string text = table.text("currency");
    const std::optional<Currency> currency = currency_from_text(text);
    if (!currency && !text.empty()) {
        table.problem("currency", "must be an ISO 4217 code of three letters");
    }
    return currency.value_or(Currency{});
}

Money read_amount(const ConfigTable& table, const char* key, const std::string& fallback) {
    const std::optional<Money> amount = money_from_text(table.text(key, fallback));
    if (!amount || *amount < 0 || *amount > amount_max) {
        table.problem(key, "must be a decimal text such as \"50.00\"");
    }
    return amount.value_or(0);
}

Parameters read_parameters(const ConfigTable& table) {
    Parameters parameters;
    const auto read = [&table](const char* key, UnixMillis& value) {
        value =
            table.duration_ms(key, {1, duration_ms_max}, std::chrono::milliseconds{value}).count();
    };
    read("start_window_ms", parameters.start_window);
    read("record_window_ms", parameters.record_window);
    read("settle_window_ms", parameters.settle_window);
    read("claim_window_ms", parameters.claim_window);
    read("countersign_window_ms", parameters.countersign_window);
    read("home_release_after_ms", parameters.home_release_after);
    read("charger_clock_back_ms", parameters.charger_clock_back);
    read("charger_clock_ahead_ms", parameters.charger_clock_ahead);
    read("delta_ms", parameters.delta);
    read("idle_interval_ms", parameters.idle_interval);
    read("skip_timeout_ms", parameters.skip_timeout);
    read("arbitrate_window_ms", parameters.arbitrate_window);
    read("correction_window_ms", parameters.correction_window);
    read("payment_window_ms", parameters.payment_window);
    parameters.cycle_start =
        table.integer("cycle_start_ms", {0, cycle_start_max}, parameters.cycle_start);
    parameters.cycle_length =
        table
            .duration_ms("cycle_length_ms", {cycle_length_min_ms, duration_ms_max},
                         std::chrono::milliseconds{parameters.cycle_length})
            .count();
    if (table.choice("default_bearer", {"creditor", "shared"}, "creditor") == "shared") {
        parameters.default_bearer = DefaultBearer::shared;
    }
    if (table.choice("dispute_default", {"post", "release"}, "post") == "release") {
        parameters.dispute_default = DisputeDefault::release;
    }
    parameters.minimum_approval = read_amount(table, "minimum_approval", "0");
    parameters.epoch_blocks_max = static_cast<std::uint64_t>(
        table.integer("epoch_blocks_max",
                      {static_cast<std::int64_t>(epoch_blocks_max_floor),
                       static_cast<std::int64_t>(epoch_blocks_limit)},
                      static_cast<std::int64_t>(parameters.epoch_blocks_max)));
    parameters.epoch_blocks_min = static_cast<std::uint64_t>(
        table.integer("epoch_blocks_min", {1, static_cast<std::int64_t>(epoch_blocks_limit)},
                      static_cast<std::int64_t>(parameters.epoch_blocks_min)));
    parameters.admissions_per_epoch = static_cast<std::uint32_t>(table.integer(
        "admissions_per_epoch", {1, admissions_per_epoch_limit}, parameters.admissions_per_epoch));
    return parameters;
}

Member read_member(const ConfigTable& table) {
    Member member;
    member.party = read_party(table, "party");
    member.country = table.text("country");
    member.role = table.choice("role", {"hub", "operator"}, "operator") == "hub"
                      ? MemberRole::hub
                      : MemberRole::operator_;
    member.operator_id = table.text("operator_id", "");
    member.validator = table.boolean("validator", true);
    const std::string path = table.path("keys");
    if (path.empty()) {
        return member;
    }
    const Expected<PublicKeys, std::string> keys = load_public_keys(path);
    if (!keys) {
        table.problem("keys", keys.error());
        return member;
    }
    member.member_key = keys->member;
    member.consensus_key = keys->consensus;
    member.link_key = keys->link;
    return member;
}

GenesisAgreement read_agreement(const ConfigTable& table) {
    GenesisAgreement entry;
    entry.member = read_party(table, "member");
    entry.agreement.partner = read_party(table, "partner");
    entry.agreement.currency = read_currency(table);
    entry.agreement.tariffs_offered = table.texts("tariffs_offered", tariffs_offered_max);
    entry.agreement.exposure_cap = read_amount(table, "exposure_cap", "0");
    return entry;
}

SetLimit read_limit(const ConfigTable& table) {
    SetLimit limit;
    limit.member = read_party(table, "member");
    limit.currency = read_currency(table);
    limit.limit = read_amount(table, "limit", "");
    return limit;
}

}  // namespace

Expected<Genesis, ConfigProblems> load_genesis_config(const std::string& path, UnixMillis now) {
    const Expected<ConfigReader, ConfigProblem> reader = ConfigReader::open(path);
    if (!reader) {
        return Unexpected{ConfigProblems{reader.error()}};
    }
    const ConfigTable root = reader->root();
    Genesis genesis;
    genesis.name = root.text("name");
    genesis.time = root.integer("time_ms", {0, 1LL << 47U}, now);
    genesis.parameters = read_parameters(root.table("parameters"));
    for (const ConfigTable& table : root.tables("member", members_max)) {
        genesis.members.push_back(read_member(table));
    }
    std::sort(genesis.members.begin(), genesis.members.end(),
              [](const Member& left, const Member& right) { return left.party < right.party; });
    for (const ConfigTable& table : root.tables("agreement")) {
        genesis.agreements.push_back(read_agreement(table));
    }
    for (const ConfigTable& table : root.tables("limit")) {
        genesis.limits.push_back(read_limit(table));
    }
    ConfigProblems problems = reader->finish();
    if (problems.empty()) {
        if (const std::optional<std::string> problem = find_problem(genesis)) {
            problems.push_back({path, 0, 0, "genesis", *problem});
        }
    }
    if (!problems.empty()) {
        return Unexpected{std::move(problems)};
    }
    return genesis;
}

}  // namespace tally::tools
