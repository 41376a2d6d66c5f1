#include "node/api/ledger_json.h"

#include "ledger/base/overloaded.h"
#include "ledger/model/envelope.h"
#include "node/config/genesis_json.h"
#include "node/config/tariff_json.h"

#include <boost/json/array.hpp>

#include <utility>

namespace tally::node {

namespace json = boost::json;

namespace {

json::object reference_json(const TariffRef& ref) {
    return {{"tariff_id", ref.tariff_id}, {"version", ref.version}};
}

json::object fields(const SetAgreement& action) {
    json::array tariffs;
    for (const std::string& tariff : action.tariffs_offered) {
        tariffs.emplace_back(tariff);
    }
    return {{"partner", to_text(action.partner)},
            {"active", action.active},
            {"currency", to_text(action.currency)},
            {"tariffs_offered", std::move(tariffs)},
            {"exposure_cap", money_to_text(action.exposure_cap)}};
}

const char* kind_text(BridgeKind kind) {
    switch (kind) {
        case BridgeKind::site:
            return "site";
        case BridgeKind::ocpi:
            return "ocpi";
        case BridgeKind::tcec:
            return "tcec";
    }
    return "unknown";
}

json::object fields(const RegisterBridge& action) {
    return {{"bridge_id", action.bridge_id},
            {"public_key", to_hex(action.public_key)},
            {"kind", kind_text(action.kind)}};
}

json::object fields(const RegisterCharger& action) {
    return {{"evse_id", action.evse_id},
            {"station", action.station},
            {"connector", action.connector},
            {"bridge_id", action.bridge_id},
            {"rated_power_w", action.rated_power_w},
            {"meter_serial", action.meter_serial},
            {"meter_epoch", action.meter_epoch},
            {"meter_public_key", to_hex(action.meter_public_key)}};
}

json::object fields(const PublishTariff& action) {
    json::object result = reference_json(action.ref);
    result["tariff"] = to_json(action.tariff);
    return result;
}

json::object fields(const SetLimit& action) {
    return {{"member", to_text(action.member)},
            {"currency", to_text(action.currency)},
            {"limit", money_to_text(action.limit)}};
}

json::object fields(const Countersign& action) {
    return {{"transaction", to_text(action.transaction)},
            {"transaction_hash", to_hex(action.transaction_hash)}};
}

json::object fields(const DecideAuthorization& action) {
    json::object result{{"visited", to_text(action.visited)},
                        {"request_hash", to_hex(action.request_hash)},
                        {"token_commitment", to_hex(action.token_commitment)},
                        {"station", action.station},
                        {"currency", to_text(action.currency)},
                        {"approved", action.approved}};
    if (!action.approved) {
        result["reason"] = to_text(action.reason);
        return result;
    }
    result["amount"] = money_to_text(action.amount);
    result["start_by_ms"] = action.start_by;
    json::array tariffs;
    for (const TariffRef& ref : action.tariffs) {
        tariffs.emplace_back(reference_json(ref));
    }
    result["tariffs"] = std::move(tariffs);
    return result;
}

json::object fields(const ReleaseAuthorization& action) {
    return {{"authorization", to_text(action.authorization)}};
}

json::object fields(const StartCharge& action) {
    return {{"authorization", to_text(action.authorization)},
            {"evse_id", action.evse_id},
            {"tariff", reference_json(action.tariff)}};
}

json::object reading_json(const MeterReading& reading) {
    json::object result{{"time_ms", reading.time},
                        {"utc_offset_minutes", reading.utc_offset_minutes},
                        {"register_wh", reading.register_wh},
                        {"estimated", reading.estimated},
                        {"activity", to_text(reading.activity)}};
    if (reading.power_w) {
        result["power_w"] = *reading.power_w;
    }
    return result;
}

json::object metered_json(const MeteredCharge& metered) {
    json::array readings;
    for (const MeterReading& reading : metered.readings) {
        readings.emplace_back(reading_json(reading));
    }
    return {{"authorization", to_text(metered.authorization)},
            {"evse_id", metered.evse_id},
            {"bridge_id", metered.bridge_id},
            {"meter_serial", metered.meter_serial},
            {"meter_epoch", metered.meter_epoch},
            {"readings", std::move(readings)},
            {"evidence", to_hex(metered.evidence)},
            {"bridge_signature", to_hex(metered.bridge_signature)}};
}

json::object fields(const RecordCharge& action) {
    json::object result = metered_json(action.metered);
    result["rated_amount"] = money_to_text(action.rated_amount);
    result["amount"] = money_to_text(action.amount);
    return result;
}

json::object fields(const SettleCharge& action) {
    return {{"authorization", to_text(action.authorization)},
            {"amount", money_to_text(action.amount)}};
}

json::object fields(const ClaimCharge& action) {
    return {{"authorization", to_text(action.authorization)}};
}

json::object fields(const AdmitFollower& action) {
    json::object result{{"member", to_json(action.member)}};
    for (std::size_t i = 0; i < key_roles.size(); ++i) {
        result[std::string{to_text(key_roles[i])} + "_possession"] = to_hex(action.possessions[i]);
    }
    return result;
}

void add_key(json::object& result, KeyRole role, const std::optional<ProvenKey>& key) {
    if (key) {
        result[std::string{to_text(role)} + "_key"] = to_hex(key->key);
        result[std::string{to_text(role)} + "_possession"] = to_hex(key->possession);
    }
}

json::object fields(const ProposeChange& action) {
    json::object result{{"kind", to_text(action.kind)}};
    if (!action.member.is_zero()) {
        result["member"] = to_text(action.member);
    }
    add_key(result, KeyRole::member, action.member_key);
    add_key(result, KeyRole::consensus, action.consensus_key);
    add_key(result, KeyRole::link, action.link_key);
    if (action.parameters) {
        result["parameters"] = parameters_to_json(*action.parameters);
    }
    if (action.feature != 0) {
        result["feature"] = action.feature;
    }
    if (action.leg) {
        result["cycle"] = action.leg->cycle;
        result["currency"] = to_text(action.leg->currency);
        result["debtor"] = to_text(action.leg->debtor);
        result["creditor"] = to_text(action.leg->creditor);
    }
    return result;
}

json::object fields(const VoteOnChange& action) {
    return {{"proposal", to_text(action.proposal)}, {"approve", action.approve}};
}

json::object fields(const RotateKey& action) {
    return {{"role", to_text(action.role)},
            {"new_key", to_hex(action.new_key)},
            {"possession", to_hex(action.possession)}};
}

json::object fields(const ReportReady& action) {
    return {{"epoch", action.epoch},
            {"next_epoch", to_hex(action.next_epoch)},
            {"height", action.height}};
}

const char* kind_text(VoteKind kind) {
    switch (kind) {
        case VoteKind::notarize:
            return "notarize";
        case VoteKind::nullify:
            return "nullify";
        case VoteKind::finalize:
            return "finalize";
    }
    return "unknown";
}

json::object vote_json(const VoteStatement& statement, const Signature& signature) {
    return {{"epoch", statement.epoch},
            {"kind", kind_text(statement.kind)},
            {"view", statement.view},
            {"parent_view", statement.parent_view},
            {"digest", to_hex(statement.digest)},
            {"signature", to_hex(signature)}};
}

json::object fields(const SubmitEvidence& action) {
    return {{"signer", action.signer},
            {"first", vote_json(action.first, action.first_signature)},
            {"second", vote_json(action.second, action.second_signature)}};
}

json::object fields(const RevokeBridge& action) { return {{"bridge_id", action.bridge_id}}; }

json::object fields(const OpenDispute& action) {
    return {{"authorization", to_text(action.authorization)},
            {"disputed", money_to_text(action.disputed)},
            {"reason", to_text(action.reason)},
            {"evidence", to_hex(action.evidence)}};
}

json::object fields(const AcceptDispute& action) {
    return {{"authorization", to_text(action.authorization)}};
}

json::object fields(const Arbitrate& action) {
    return {{"authorization", to_text(action.authorization)},
            {"amount", money_to_text(action.amount)},
            {"reason", to_hex(action.reason)}};
}

json::object rated_json(const RatedCharge& charge) {
    json::object result = metered_json(charge.metered);
    result["tariff"] = reference_json(charge.tariff);
    result["currency"] = to_text(charge.currency);
    result["rated_amount"] = money_to_text(charge.rated_amount);
    result["amount"] = money_to_text(charge.amount);
    return result;
}

json::object fields(const LateCharge& action) { return rated_json(action.charge); }

json::object fields(const CreditCharge& action) {
    return {{"authorization", to_text(action.authorization)},
            {"record", to_text(action.record)},
            {"currency", to_text(action.currency)},
            {"charged", money_to_text(action.charged)},
            {"amount", money_to_text(action.amount)},
            {"reason", to_hex(action.reason)}};
}

json::object fields(const ConfirmPayment& action) {
    return {{"cycle", action.cycle},
            {"currency", to_text(action.currency)},
            {"debtor", to_text(action.debtor)},
            {"reference", action.reference}};
}

json::object fields(const RebillCharge& action) {
    json::object result = rated_json(action.charge);
    result["credit"] = to_text(action.credit);
    return result;
}

json::object leaf_json(const PartyId& signer, const Bytes& bytes, const Transaction& transaction,
                       ResultCode result) {
    json::object item = to_json(transaction);
    item["id"] = to_text(TransactionRef{signer, transaction.id});
    item["signer"] = to_text(signer);
    item["hash"] = to_hex(transaction_hash(bytes));
    item["result"] = to_text(result);
    return item;
}

}  // namespace

json::object to_json(const Action& action) {
    return std::visit([](const auto& concrete) { return fields(concrete); }, action);
}

json::object to_json(const Transaction& transaction) {
    json::object result = to_json(transaction.action);
    result["action"] = action_name(transaction.action);
    result["id"] = to_hex(transaction.id);
    result["not_after_ms"] = transaction.not_after;
    return result;
}

json::object to_json(const BlockHeader& header) {
    return {{"version", header.version},
            {"chain_id", to_hex(header.chain_id)},
            {"epoch", header.epoch},
            {"height", header.height},
            {"view", header.view},
            {"parent", to_hex(header.parent)},
            {"parent_view", header.parent_view},
            {"time_ms", header.time},
            {"proposer", header.proposer},
            {"body_root", to_hex(header.body_root)},
            {"log_size", header.log_size},
            {"log_root", to_hex(header.log_root)},
            {"state_root", to_hex(header.state_root)},
            {"next_validators_hash", to_hex(header.next_validators_hash)},
            {"seals_epoch", header.seals_epoch}};
}

json::object to_json(const Tariff& tariff) { return tariff_to_json(tariff); }

json::object to_json(const Member& member) {
    return {{"party", to_text(member.party)},
            {"country", member.country},
            {"role", to_text(member.role)},
            {"operator_id", member.operator_id},
            {"member_key", to_hex(member.member_key)},
            {"consensus_key", to_hex(member.consensus_key)},
            {"link_key", to_hex(member.link_key)},
            {"validator", member.validator}};
}

json::array positions_json(const std::vector<NetPosition>& positions) {
    json::array result;
    for (const NetPosition& position : positions) {
        result.emplace_back(json::object{{"party", to_text(position.party)},
                                         {"amount", money_to_text(position.amount)}});
    }
    return result;
}

json::object to_json(const Event& event) {
    if (event.kind == EventKind::cycle_closed) {
        return {{"event", "cycle_closed"},
                {"cycle", event.cycle},
                {"currency", to_text(event.currency)},
                {"net", positions_json(event.positions)},
                {"matrix_hash", to_hex(event.matrix)}};
    }
    if (event.kind == EventKind::leg_defaulted) {
        return {{"event", "leg_defaulted"},
                {"cycle", event.cycle},
                {"currency", to_text(event.currency)},
                {"debtor", to_text(event.debtor)},
                {"creditor", to_text(event.creditor)},
                {"amount", money_to_text(event.amount)},
                {"shares", positions_json(event.positions)}};
    }
    if (event.kind == EventKind::epoch_sealed) {
        json::array validators;
        for (const Validator& validator : event.validators) {
            validators.emplace_back(
                json::object{{"party", to_text(validator.party)},
                             {"consensus_key", to_hex(validator.consensus_key)}});
        }
        json::array features(event.features.begin(), event.features.end());
        return {{"event", "epoch_sealed"},
                {"epoch", event.epoch},
                {"validators", std::move(validators)},
                {"features", std::move(features)}};
    }
    json::object result{
        {"event", "expired"}, {"cause", to_text(event.cause)}, {"ref", to_text(event.ref)}};
    if (!event.debtor.is_zero()) {
        result["debtor"] = to_text(event.debtor);
        result["creditor"] = to_text(event.creditor);
        result["currency"] = to_text(event.currency);
        result["amount"] = money_to_text(event.amount);
    }
    return result;
}

json::object to_json(const QuorumCertificate& certificate) {
    json::array signers;
    for (std::uint32_t index = 0; index < validators_max; ++index) {
        if (((certificate.bitmap >> index) & 1U) != 0) {
            signers.emplace_back(index);
        }
    }
    return {{"epoch", certificate.statement.epoch},
            {"view", certificate.statement.view},
            {"digest", to_hex(certificate.statement.digest)},
            {"signers", std::move(signers)}};
}

std::optional<json::object> transaction_in(const FinalizedBlock& block, const TransactionRef& ref) {
    std::size_t before{0};
    for (const Bytes& encoded : block.block.envelopes) {
        const Expected<Envelope, EnvelopeError> envelope = decode_envelope(encoded);
        ENSURE(envelope.has_value());
        const std::size_t count =
            envelope->signer == ref.signer ? envelope->transactions.size() : 0;
        for (std::size_t index = 0; index < count; ++index) {
            const Bytes& bytes = envelope->transactions[index];
            const Expected<Transaction, TransactionError> transaction = decode_transaction(bytes);
            ENSURE(transaction.has_value() && before + index < block.results.size());
            if (transaction->id == ref.id) {
                return leaf_json(envelope->signer, bytes, *transaction,
                                 block.results[before + index]);
            }
        }
        before += envelope->transactions.size();
    }
    return std::nullopt;
}

json::object to_json(const FinalizedBlock& block) {
    json::array transactions;
    std::size_t index{0};
    for (const Bytes& encoded : block.block.envelopes) {
        const Expected<Envelope, EnvelopeError> envelope = decode_envelope(encoded);
        ENSURE(envelope.has_value());
        for (const Bytes& bytes : envelope->transactions) {
            const Expected<Transaction, TransactionError> transaction = decode_transaction(bytes);
            ENSURE(transaction.has_value() && index < block.results.size());
            transactions.emplace_back(
                leaf_json(envelope->signer, bytes, *transaction, block.results[index]));
            ++index;
        }
    }
    json::array events;
    for (const Event& event : block.events) {
        events.emplace_back(to_json(event));
    }
    json::object result = to_json(block.block.header);
    result["digest"] = to_hex(block.block.header.digest());
    result["envelopes"] = block.block.envelopes.size();
    result["transactions"] = std::move(transactions);
    result["events"] = std::move(events);
    result["finalization"] = to_json(block.finalization);
    return result;
}

}  // namespace tally::node
