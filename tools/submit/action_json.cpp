#include "tools/submit/action_json.h"

#include "node/config/genesis_json.h"
#include "node/config/json_fields.h"
#include "node/config/json_text.h"
#include "node/config/tariff_json.h"

#include <boost/json/array.hpp>

#include <limits>

namespace tally::tools {

namespace json = boost::json;
using node::JsonFields;
using node::JsonProblems;

namespace {

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

std::string read_name(JsonFields& fields, std::string_view key, std::size_t bytes_max) {
    std::string name = fields.text(key);
    if (!is_valid_name(name, bytes_max)) {
        fields.problem(key, "must be 1 to " + std::to_string(bytes_max) +
                                " printable characters without blanks");
    }
    return name;
}

std::uint32_t read_u32(JsonFields& fields, std::string_view key, std::uint32_t min) {
    return static_cast<std::uint32_t>(
        fields.integer(key, min, std::numeric_limits<std::uint32_t>::max()));
}

Action read_agreement(JsonFields& fields) {
    SetAgreement action;
    action.partner = read_party(fields, "partner");
    action.active = fields.boolean_or("active", true);
    action.currency = read_currency(fields);
    for (const json::value& tariff : fields.list("tariffs_offered", tariffs_offered_max)) {
        if (!tariff.is_string() ||
            !is_valid_name(std::string_view{tariff.get_string()}, tariff_id_bytes_max)) {
            fields.problem("tariffs_offered", "must be a list of texts, each the id of a tariff");
            break;
        }
        action.tariffs_offered.emplace_back(tariff.get_string());
    }
    action.exposure_cap = fields.amount_or("exposure_cap", 0);
    return action;
}

Action read_bridge(JsonFields& fields) {
    RegisterBridge action;
    action.bridge_id = read_name(fields, "bridge_id", bridge_id_bytes_max);
    action.public_key = fields.hex<PublicKey>("public_key");
    const std::string kind = fields.text_or("kind", "site");
    if (kind == "ocpi") {
        action.kind = BridgeKind::ocpi;
    } else if (kind == "tcec") {
        action.kind = BridgeKind::tcec;
    } else if (kind != "site") {
        fields.problem("kind", "must be \"site\", \"ocpi\" or \"tcec\"");
    }
    return action;
}

Action read_charger(JsonFields& fields) {
    RegisterCharger action;
    action.evse_id = read_name(fields, "evse_id", evse_id_bytes_max);
    action.station = read_name(fields, "station", station_id_bytes_max);
    action.connector = static_cast<std::uint16_t>(
        fields.integer("connector", 1, std::numeric_limits<std::uint16_t>::max()));
    action.bridge_id = read_name(fields, "bridge_id", bridge_id_bytes_max);
    action.rated_power_w =
        static_cast<std::uint32_t>(fields.integer("rated_power_w", 1, rated_power_w_max));
    action.meter_serial = read_name(fields, "meter_serial", meter_serial_bytes_max);
    if (fields.has("meter_epoch")) {
        action.meter_epoch = read_u32(fields, "meter_epoch", 0);
    }
    const std::optional<Bytes> key = from_hex(fields.text_or("meter_public_key", ""));
    if (!key || key->size() > meter_key_bytes_max) {
        fields.problem("meter_public_key", "must be hexadecimal, at most " +
                                               std::to_string(meter_key_bytes_max) + " bytes");
    }
    action.meter_public_key = key.value_or(Bytes{});
    return action;
}

Action read_tariff(JsonFields& fields, JsonProblems& problems) {
    PublishTariff action;
    action.ref.tariff_id = read_name(fields, "tariff_id", tariff_id_bytes_max);
    action.ref.version = read_u32(fields, "version", 1);
    const json::value* value = fields.find("tariff");
    if (value == nullptr) {
        fields.problem("tariff", "is missing");
        return action;
    }
    action.tariff = node::tariff_from_json(*value, "tariff", problems);
    return action;
}

Action read_limit(JsonFields& fields) {
    SetLimit action;
    action.member = read_party(fields, "member");
    action.currency = read_currency(fields);
    action.limit = fields.amount("limit");
    return action;
}

TransactionRef read_ref(JsonFields& fields, std::string_view key) {
    const std::optional<TransactionRef> ref = transaction_ref_from_text(fields.text(key));
    if (!ref) {
        fields.problem(key, "must look like AAA- and 32 hexadecimal digits");
    }
    return ref.value_or(TransactionRef{});
}

Action read_countersign(JsonFields& fields) {
    Countersign action;
    action.transaction = read_ref(fields, "transaction");
    action.transaction_hash = fields.hex<Hash>("transaction_hash");
    return action;
}

std::optional<ProvenKey> read_key_if_there(JsonFields& fields, KeyRole role) {
    const std::string key = std::string{to_text(role)} + "_key";
    const std::string possession = std::string{to_text(role)} + "_possession";
    if (!fields.has(key) && !fields.has(possession)) {
        return std::nullopt;
    }
    return ProvenKey{fields.hex<PublicKey>(key), fields.hex<Signature>(possession)};
}

Action read_admission(JsonFields& fields, JsonProblems& problems) {
    AdmitFollower action;
    const json::value* member = fields.find("member");
    if (member == nullptr) {
        fields.problem("member", "is missing");
        return action;
    }
    action.member = node::member_from_json(*member, "member", problems);
    for (std::size_t i = 0; i < key_roles.size(); ++i) {
        action.possessions[i] =
            fields.hex<Signature>(std::string{to_text(key_roles[i])} + "_possession");
    }
    return action;
}

std::uint64_t read_cycle(JsonFields& fields) {
    return static_cast<std::uint64_t>(fields.integer("cycle", 0, 1LL << 53U));
}

Action read_proposal(JsonFields& fields, JsonProblems& problems) {
    ProposeChange action;
    const std::optional<ChangeKind> kind = change_kind_from_text(fields.text("kind"));
    if (!kind) {
        fields.problem("kind",
                       "must be one of promote, demote, suspend, reinstate, replace_keys, "
                       "set_parameters, activate_feature, withdraw_feature, confirm_leg");
    }
    action.kind = kind.value_or(ChangeKind::promote);
    const bool is_feature =
        action.kind == ChangeKind::activate_feature || action.kind == ChangeKind::withdraw_feature;
    if (is_feature) {
        action.feature = static_cast<std::uint32_t>(
            fields.integer("feature", 1, std::numeric_limits<std::uint32_t>::max()));
    } else if (action.kind == ChangeKind::confirm_leg) {
        action.leg = LegKey{read_cycle(fields), read_currency(fields), read_party(fields, "debtor"),
                            read_party(fields, "creditor")};
    } else if (action.kind != ChangeKind::set_parameters) {
        action.member = read_party(fields, "member");
        action.member_key = read_key_if_there(fields, KeyRole::member);
        action.consensus_key = read_key_if_there(fields, KeyRole::consensus);
        action.link_key = read_key_if_there(fields, KeyRole::link);
    } else if (const json::value* parameters = fields.find("parameters")) {
        action.parameters =
            node::parameters_from_json(*parameters, "parameters", nullptr, problems);
    } else {
        fields.problem("parameters", "is missing");
    }
    return action;
}

Action read_vote(JsonFields& fields) {
    VoteOnChange action;
    action.proposal = read_ref(fields, "proposal");
    if (!fields.has("approve")) {
        fields.problem("approve", "is missing");
    }
    action.approve = fields.boolean_or("approve", false);
    return action;
}

Action read_rotation(JsonFields& fields) {
    RotateKey action;
    const std::string role = fields.text("role");
    if (role == to_text(KeyRole::consensus)) {
        action.role = KeyRole::consensus;
    } else if (role == to_text(KeyRole::link)) {
        action.role = KeyRole::link;
    } else if (role != to_text(KeyRole::member)) {
        fields.problem("role", "must be \"member\", \"consensus\" or \"link\"");
    }
    action.new_key = fields.hex<PublicKey>("new_key");
    action.possession = fields.hex<Signature>("possession");
    return action;
}

Action read_revocation(JsonFields& fields) {
    return RevokeBridge{read_name(fields, "bridge_id", bridge_id_bytes_max)};
}

/// A hash that may be left out: zero then.
Hash read_hash_if_there(JsonFields& fields, std::string_view key) {
    return fields.has(key) ? fields.hex<Hash>(key) : Hash{};
}

Action read_dispute(JsonFields& fields) {
    OpenDispute action;
    action.authorization = read_ref(fields, "authorization");
    action.disputed = fields.amount("disputed");
    const std::optional<DisputeReason> reason = dispute_reason_from_text(fields.text("reason"));
    if (!reason) {
        fields.problem("reason",
                       "must be one of energy, price, time, not_our_customer, duplicate, other");
    }
    action.reason = reason.value_or(DisputeReason::other);
    action.evidence = read_hash_if_there(fields, "evidence");
    return action;
}

Action read_acceptance(JsonFields& fields) {
    return AcceptDispute{read_ref(fields, "authorization")};
}

Action read_arbitration(JsonFields& fields) {
    Arbitrate action;
    action.authorization = read_ref(fields, "authorization");
    action.amount = fields.amount("amount");
    action.reason = read_hash_if_there(fields, "reason");
    return action;
}

Action read_credit(JsonFields& fields) {
    CreditCharge action;
    action.authorization = read_ref(fields, "authorization");
    action.record = read_ref(fields, "record");
    action.currency = read_currency(fields);
    action.charged = fields.amount("charged");
    action.amount = fields.amount("amount");
    action.reason = read_hash_if_there(fields, "reason");
    return action;
}

std::optional<Activity> activity_from_text(std::string_view text) {
    for (const Activity activity : {Activity::charging, Activity::parking, Activity::reservation,
                                    Activity::reservation_expired}) {
        if (text == to_text(activity)) {
            return activity;
        }
    }
    return std::nullopt;
}

MeterReading read_reading(const json::value& value, const std::string& place,
                          JsonProblems& problems) {
    JsonFields fields{value, place, problems};
    MeterReading reading;
    reading.time = fields.integer("time_ms", 0, unix_millis_max);
    reading.utc_offset_minutes =
        static_cast<std::int16_t>(fields.integer("utc_offset_minutes", -840, 840));
    reading.register_wh = fields.integer("register_wh", 0, 1LL << 52U);
    reading.estimated = fields.boolean_or("estimated", false);
    const std::optional<Activity> activity =
        activity_from_text(fields.text_or("activity", to_text(Activity::charging)));
    if (!activity) {
        fields.problem("activity",
                       "must be one of charging, parking, reservation, reservation_expired");
    }
    reading.activity = activity.value_or(Activity::charging);
    if (fields.has("power_w")) {
        reading.power_w = static_cast<std::uint32_t>(fields.integer("power_w", 0, 1'000'000'000));
    }
    fields.finish();
    return reading;
}

RatedCharge read_rated(JsonFields& fields, JsonProblems& problems) {
    RatedCharge charge;
    MeteredCharge& metered = charge.metered;
    metered.authorization = read_ref(fields, "authorization");
    metered.evse_id = read_name(fields, "evse_id", evse_id_bytes_max);
    metered.bridge_id = read_name(fields, "bridge_id", bridge_id_bytes_max);
    metered.meter_serial = read_name(fields, "meter_serial", meter_serial_bytes_max);
    metered.meter_epoch = read_u32(fields, "meter_epoch", 0);
    std::size_t index{0};
    for (const json::value& reading : fields.list("readings", readings_max)) {
        metered.readings.push_back(
            read_reading(reading, "readings[" + std::to_string(index++) + "]", problems));
    }
    metered.evidence = read_hash_if_there(fields, "evidence");
    metered.bridge_signature = fields.hex<Signature>("bridge_signature");
    if (const json::value* tariff = fields.find("tariff")) {
        JsonFields ref{*tariff, "tariff", problems};
        charge.tariff.tariff_id = read_name(ref, "tariff_id", tariff_id_bytes_max);
        charge.tariff.version = read_u32(ref, "version", 1);
        ref.finish();
    } else {
        fields.problem("tariff", "is missing");
    }
    charge.currency = read_currency(fields);
    charge.rated_amount = fields.amount("rated_amount");
    charge.amount = fields.amount("amount");
    return charge;
}

Action read_late(JsonFields& fields, JsonProblems& problems) {
    return LateCharge{read_rated(fields, problems)};
}

Action read_rebill(JsonFields& fields, JsonProblems& problems) {
    RebillCharge action;
    action.credit = read_ref(fields, "credit");
    action.charge = read_rated(fields, problems);
    return action;
}

Action read_settlement(JsonFields& fields) {
    SettleCharge action;
    action.authorization = read_ref(fields, "authorization");
    action.amount = fields.amount("amount");
    return action;
}

Action read_confirmation(JsonFields& fields) {
    ConfirmPayment action;
    action.cycle = read_cycle(fields);
    action.currency = read_currency(fields);
    action.debtor = read_party(fields, "debtor");
    action.reference = fields.text("reference");
    return action;
}

/// One action that may be submitted by hand, and what reads its fields.
struct ActionForm {
    std::string_view name;
    Action (*read)(JsonFields& fields, JsonProblems& problems);
};

template <Action (*Read)(JsonFields&)>
Action plain(JsonFields& fields, JsonProblems& /*problems*/) {
    return Read(fields);
}

constexpr ActionForm action_forms[]{
    {"SetAgreement", plain<read_agreement>},
    {"RegisterBridge", plain<read_bridge>},
    {"RevokeBridge", plain<read_revocation>},
    {"RegisterCharger", plain<read_charger>},
    {"PublishTariff", read_tariff},
    {"SetLimit", plain<read_limit>},
    {"Countersign", plain<read_countersign>},
    {"SettleCharge", plain<read_settlement>},
    {"OpenDispute", plain<read_dispute>},
    {"AcceptDispute", plain<read_acceptance>},
    {"Arbitrate", plain<read_arbitration>},
    {"LateCharge", read_late},
    {"CreditCharge", plain<read_credit>},
    {"RebillCharge", read_rebill},
    {"ConfirmPayment", plain<read_confirmation>},
    {"AdmitFollower", read_admission},
    {"ProposeChange", read_proposal},
    {"VoteOnChange", plain<read_vote>},
    {"RotateKey", plain<read_rotation>},
};

Action read_action(JsonFields& fields, JsonProblems& problems) {
    const std::string name = fields.text("action");
    std::string names;
    for (const ActionForm& form : action_forms) {
        if (form.name == name) {
            return form.read(fields, problems);
        }
        names += (names.empty() ? "" : ", ") + std::string{form.name};
    }
    fields.problem("action", "must be one of " + names);
    return SetAgreement{};
}

}  // namespace

Expected<Action, std::string> action_from_json(std::string_view text) {
    if (text.size() > action_json_bytes_max) {
        return Unexpected{std::string{"larger than 1 MiB"}};
    }
    const auto document = node::parse_json(text);
    if (!document) {
        return Unexpected{document.error()};
    }
    JsonProblems problems;
    JsonFields fields{*document, "", problems};
    Action action = read_action(fields, problems);
    fields.finish();
    if (!problems.any() && !is_within_bounds(action)) {
        // Nothing that cannot be encoded may leave here: the encoder takes its bounds for granted.
        problems.add(action_name(action), "has a field out of bounds (docs/protocol/ledger.md)");
    }
    if (problems.any()) {
        return Unexpected{problems.first()};
    }
    return action;
}

}  // namespace tally::tools
