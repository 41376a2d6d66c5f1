#include "node/config/genesis_json.h"

#include "node/config/json_fields.h"
#include "node/config/json_text.h"

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>

#include <fstream>

namespace tally::node {

namespace json = boost::json;

namespace {

constexpr std::int64_t duration_ms_max{400LL * 24 * 3'600'000};

PartyId read_party(JsonFields& fields, std::string_view key) {
    const std::optional<PartyId> party = party_from_text(fields.text(key));
    if (!party) {
        fields.problem(key, "must be three letters");
    }
    return party.value_or(PartyId{});
}

Currency read_currency(JsonFields& fields) {
    const std::optional<Currency> currency = currency_from_text(fields.text("currency"));
    if (!currency) {
        fields.problem("currency", "must be an ISO 4217 code of three letters");
    }
    return currency.value_or(Currency{});
}

Member read_member(const json::value& value, const std::string& place, bool validator,
                   JsonProblems& problems) {
    JsonFields fields{value, place, problems};
    Member member;
    member.party = read_party(fields, "party");
    member.country = fields.text("country");
    const std::string role = fields.text("role");
    if (role != "hub" && role != "operator") {
        fields.problem("role", "must be \"hub\" or \"operator\"");
    }
    member.role = role == "hub" ? MemberRole::hub : MemberRole::operator_;
    member.operator_id = fields.text_or("operator_id", "");
    member.member_key = fields.hex<PublicKey>("member_key");
    member.consensus_key = fields.hex<PublicKey>("consensus_key");
    member.link_key = fields.hex<PublicKey>("link_key");
    member.validator = fields.boolean_or("validator", validator);
    fields.finish();
    return member;
}

GenesisAgreement read_agreement(const json::value& value, const std::string& place,
                                JsonProblems& problems) {
    JsonFields fields{value, place, problems};
    GenesisAgreement entry;
    entry.member = read_party(fields, "member");
    entry.agreement.partner = read_party(fields, "partner");
    entry.agreement.active = fields.boolean_or("active", true);
    entry.agreement.currency = read_currency(fields);
    for (const json::value& tariff : fields.list("tariffs_offered", tariffs_offered_max)) {
        if (!tariff.is_string()) {
            fields.problem("tariffs_offered", "must be a list of texts");
            break;
        }
        entry.agreement.tariffs_offered.emplace_back(tariff.get_string());
    }
    entry.agreement.exposure_cap = fields.amount_or("exposure_cap", 0);
    fields.finish();
    return entry;
}

SetLimit read_limit(const json::value& value, const std::string& place, JsonProblems& problems) {
    JsonFields fields{value, place, problems};
    SetLimit limit;
    limit.member = read_party(fields, "member");
    limit.currency = read_currency(fields);
    limit.limit = fields.amount("limit");
    fields.finish();
    return limit;
}

/// The parameters' names in JSON and where they live, for reading and writing alike.
struct DurationField {
    const char* key;
    UnixMillis Parameters::*member;
};
constexpr DurationField duration_fields[]{
    {"start_window_ms", &Parameters::start_window},
    {"record_window_ms", &Parameters::record_window},
    {"settle_window_ms", &Parameters::settle_window},
    {"claim_window_ms", &Parameters::claim_window},
    {"countersign_window_ms", &Parameters::countersign_window},
    {"home_release_after_ms", &Parameters::home_release_after},
    {"charger_clock_back_ms", &Parameters::charger_clock_back},
    {"charger_clock_ahead_ms", &Parameters::charger_clock_ahead},
    {"delta_ms", &Parameters::delta},
    {"idle_interval_ms", &Parameters::idle_interval},
    {"skip_timeout_ms", &Parameters::skip_timeout},
    {"arbitrate_window_ms", &Parameters::arbitrate_window},
    {"correction_window_ms", &Parameters::correction_window},
    {"payment_window_ms", &Parameters::payment_window},
};

std::string item_place(const char* list, std::size_t index) {
    return std::string{list} + "[" + std::to_string(index) + "]";
}

Genesis read_genesis(JsonFields& fields, JsonProblems& problems) {
    Genesis genesis;
    genesis.name = fields.text("name");
    genesis.time = fields.integer("time_ms", 0, 1LL << 47U);
    if (const json::value* parameters = fields.find("parameters")) {
        const Parameters defaults;
        genesis.parameters = parameters_from_json(*parameters, "parameters", &defaults, problems);
    }
    std::size_t index{0};
    for (const json::value& item : fields.list("members", members_max)) {
        genesis.members.push_back(
            read_member(item, item_place("members", index++), true, problems));
    }
    index = 0;
    for (const json::value& item : fields.list("agreements", members_max * members_max)) {
        genesis.agreements.push_back(
            read_agreement(item, item_place("agreements", index++), problems));
    }
    index = 0;
    for (const json::value& item : fields.list("limits", members_max * 16)) {
        genesis.limits.push_back(read_limit(item, item_place("limits", index++), problems));
    }
    return genesis;
}

json::object member_json(const Member& member) {
    return {{"party", to_text(member.party)},
            {"country", member.country},
            {"role", to_text(member.role)},
            {"operator_id", member.operator_id},
            {"member_key", to_hex(member.member_key)},
            {"consensus_key", to_hex(member.consensus_key)},
            {"link_key", to_hex(member.link_key)},
            {"validator", member.validator}};
}

json::object agreement_json(const GenesisAgreement& entry) {
    json::array tariffs;
    for (const std::string& tariff : entry.agreement.tariffs_offered) {
        tariffs.emplace_back(tariff);
    }
    return {{"member", to_text(entry.member)},
            {"partner", to_text(entry.agreement.partner)},
            {"active", entry.agreement.active},
            {"currency", to_text(entry.agreement.currency)},
            {"tariffs_offered", std::move(tariffs)},
            {"exposure_cap", money_to_text(entry.agreement.exposure_cap)}};
}

}  // namespace

Member member_from_json(const json::value& value, const std::string& place,
                        JsonProblems& problems) {
    return read_member(value, place, false, problems);
}

Parameters parameters_from_json(const json::value& value, const std::string& place,
                                const Parameters* defaults, JsonProblems& problems) {
    Parameters parameters;
    JsonFields fields{value, place, problems};
    const auto read = [&](const char* key, std::int64_t min, std::int64_t max,
                          std::int64_t fallback) {
        return defaults == nullptr ? fields.integer(key, min, max)
                                   : fields.integer_or(key, min, max, fallback);
    };
    const Parameters before = defaults == nullptr ? Parameters{} : *defaults;
    for (const DurationField& field : duration_fields) {
        parameters.*field.member = read(field.key, 1, duration_ms_max, before.*field.member);
    }
    parameters.minimum_approval =
        defaults == nullptr ? fields.amount("minimum_approval")
                            : fields.amount_or("minimum_approval", before.minimum_approval);
    parameters.epoch_blocks_max = static_cast<std::uint64_t>(
        read("epoch_blocks_max", static_cast<std::int64_t>(epoch_blocks_max_floor),
             static_cast<std::int64_t>(epoch_blocks_limit),
             static_cast<std::int64_t>(before.epoch_blocks_max)));
    parameters.epoch_blocks_min = static_cast<std::uint64_t>(
        read("epoch_blocks_min", 1, static_cast<std::int64_t>(epoch_blocks_limit),
             static_cast<std::int64_t>(before.epoch_blocks_min)));
    parameters.admissions_per_epoch = static_cast<std::uint32_t>(
        read("admissions_per_epoch", 1, admissions_per_epoch_limit, before.admissions_per_epoch));
    parameters.cycle_start = read("cycle_start_ms", 0, cycle_start_max, before.cycle_start);
    parameters.cycle_length =
        read("cycle_length_ms", cycle_length_min_ms, duration_ms_max, before.cycle_length);
    const auto choose = [&](const char* key, auto& chosen, auto first, auto second) {
        const std::string text =
            defaults == nullptr ? fields.text(key) : fields.text_or(key, to_text(chosen));
        if (text != to_text(first) && text != to_text(second)) {
            fields.problem(key, std::string{"must be \""} + to_text(first) + "\" or \"" +
                                    to_text(second) + "\"");
        }
        chosen = text == to_text(second) ? second : first;
    };
    parameters.dispute_default = before.dispute_default;
    parameters.default_bearer = before.default_bearer;
    choose("dispute_default", parameters.dispute_default, DisputeDefault::post,
           DisputeDefault::release);
    choose("default_bearer", parameters.default_bearer, DefaultBearer::creditor,
           DefaultBearer::shared);
    fields.finish();
    return parameters;
}

json::object parameters_to_json(const Parameters& parameters) {
    json::object result;
    for (const DurationField& field : duration_fields) {
        result[field.key] = parameters.*field.member;
    }
    result["minimum_approval"] = money_to_text(parameters.minimum_approval);
    result["epoch_blocks_max"] = parameters.epoch_blocks_max;
    result["epoch_blocks_min"] = parameters.epoch_blocks_min;
    result["admissions_per_epoch"] = parameters.admissions_per_epoch;
    result["dispute_default"] = to_text(parameters.dispute_default);
    result["cycle_start_ms"] = parameters.cycle_start;
    result["cycle_length_ms"] = parameters.cycle_length;
    result["default_bearer"] = to_text(parameters.default_bearer);
    return result;
}

Expected<Genesis, std::string> genesis_from_json(std::string_view text) {
    if (text.size() > genesis_json_bytes_max) {
        return Unexpected{std::string{"genesis: larger than 4 MiB"}};
    }
    const auto document = parse_json(text);
    if (!document) {
        return Unexpected{"genesis: " + document.error()};
    }
    JsonProblems problems;
    JsonFields fields{*document, "", problems};
    Genesis genesis = read_genesis(fields, problems);
    const std::string stated = fields.text_or("chain_id", "");
    fields.finish();
    if (problems.any()) {
        return Unexpected{"genesis: " + problems.first()};
    }
    if (const std::optional<std::string> problem = find_problem(genesis)) {
        return Unexpected{"genesis: " + *problem};
    }
    if (!stated.empty() && stated != to_hex(genesis.chain_id())) {
        return Unexpected{std::string{"genesis: chain_id: does not belong to this content; "
                                      "expected "} +
                          to_hex(genesis.chain_id())};
    }
    return genesis;
}

std::string genesis_to_json(const Genesis& genesis) {
    json::array members;
    for (const Member& member : genesis.members) {
        members.emplace_back(member_json(member));
    }
    json::array agreements;
    for (const GenesisAgreement& entry : genesis.agreements) {
        agreements.emplace_back(agreement_json(entry));
    }
    json::array limits;
    for (const SetLimit& limit : genesis.limits) {
        limits.emplace_back(json::object{{"member", to_text(limit.member)},
                                         {"currency", to_text(limit.currency)},
                                         {"limit", money_to_text(limit.limit)}});
    }
    const json::object document{{"name", genesis.name},
                                {"time_ms", genesis.time},
                                {"chain_id", to_hex(genesis.chain_id())},
                                {"parameters", parameters_to_json(genesis.parameters)},
                                {"members", std::move(members)},
                                {"agreements", std::move(agreements)},
                                {"limits", std::move(limits)}};
    return json::serialize(document) + "\n";
}

Expected<Genesis, std::string> load_genesis(const std::string& path) {
    std::ifstream file{path, std::ios::binary};
    if (!file) {
        return Unexpected{path + ": cannot be opened"};
    }
    // One byte more than allowed is enough to see that the file is too large.
    std::string text(genesis_json_bytes_max + 1, '\0');
    file.read(text.data(), static_cast<std::streamsize>(text.size()));
    if (file.bad()) {
        return Unexpected{path + ": cannot be read"};
    }
    text.resize(static_cast<std::size_t>(file.gcount()));
    Expected<Genesis, std::string> genesis = genesis_from_json(text);
    if (!genesis) {
        return Unexpected{path + ": " + genesis.error()};
    }
    return genesis;
}

}  // namespace tally::node
