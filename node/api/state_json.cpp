#include "node/api/state_json.h"

#include <boost/json/array.hpp>

#include <utility>

namespace tally::node {

namespace json = boost::json;

namespace {

json::object reference_json(const TariffRef& ref) {
    return {{"tariff_id", ref.tariff_id}, {"version", ref.version}};
}

json::object start_json(const Authorization::Start& start) {
    return {{"started_at_ms", start.started_at},
            {"record_by_ms", start.record_by},
            {"evse_id", start.evse_id},
            {"tariff", reference_json(start.tariff)}};
}

json::object record_json(const Authorization::Record& record, const PartyId& visited) {
    return {{"recorded_at_ms", record.recorded_at},
            {"settle_by_ms", record.settle_by},
            {"claim_until_ms", record.claim_until},
            {"begin_time_ms", record.begin_time},
            {"end_time_ms", record.end_time},
            {"energy_wh", record.energy_wh},
            {"rated_amount", money_to_text(record.rated_amount)},
            {"amount", money_to_text(record.amount)},
            {"transaction", to_text(TransactionRef{visited, record.transaction})}};
}

json::object dispute_json(const Authorization::Dispute& dispute) {
    return {{"opened_at_ms", dispute.opened_at},
            {"arbitrate_by_ms", dispute.arbitrate_by},
            {"disputed", money_to_text(dispute.disputed)},
            {"reason", to_text(dispute.reason)},
            {"evidence", to_hex(dispute.evidence)}};
}

json::object end_json(const Authorization& authorization) {
    json::object result{{"ended_at_ms", authorization.end->ended_at},
                        {"posted", money_to_text(authorization.end->posted)}};
    if (authorization.status == AuthorizationStatus::denied) {
        result["reason"] = to_text(authorization.end->deny_reason);
    }
    return result;
}

}  // namespace

json::object to_json(const AccountEntry& entry) {
    const Account& account = entry.account;
    return {{"currency", to_text(entry.currency)},
            {"debits_pending", money_to_text(account.debits_pending)},
            {"debits_posted", money_to_text(account.debits_posted)},
            {"credits_pending", money_to_text(account.credits_pending)},
            {"credits_posted", money_to_text(account.credits_posted)},
            {"net_posted", money_to_text(account.credits_posted - account.debits_posted)},
            {"limit", money_to_text(account.limit)},
            {"limit_used", money_to_text(used_of_limit(account))},
            {"legs_owed", money_to_text(account.legs_owed)},
            {"legs_due", money_to_text(account.legs_due)},
            {"shares_held", money_to_text(account.shares_held)}};
}

json::object to_json(const Authorization& authorization) {
    json::array tariffs;
    for (const TariffRef& ref : authorization.tariffs) {
        tariffs.emplace_back(reference_json(ref));
    }
    json::object result{{"id", to_text(authorization.ref)},
                        {"status", to_text(authorization.status)},
                        {"home", to_text(authorization.home())},
                        {"visited", to_text(authorization.visited)},
                        {"currency", to_text(authorization.currency)},
                        {"amount", money_to_text(authorization.amount)},
                        {"request_hash", to_hex(authorization.request_hash)},
                        {"token_commitment", to_hex(authorization.token_commitment)},
                        {"station", authorization.station},
                        {"tariffs", std::move(tariffs)},
                        {"decided_at_ms", authorization.decided_at},
                        {"start_by_ms", authorization.start_by}};
    if (authorization.start) {
        result["start"] = start_json(*authorization.start);
    }
    if (authorization.record) {
        result["record"] = record_json(*authorization.record, authorization.visited);
    }
    if (authorization.dispute) {
        result["dispute"] = dispute_json(*authorization.dispute);
    }
    if (authorization.end) {
        result["end"] = end_json(authorization);
    }
    return result;
}

json::object to_json(const ChargerEntry& entry) {
    const ChargerRecord& charger = entry.charger;
    json::object result{{"owner", to_text(entry.owner)},
                        {"evse_id", entry.evse_id},
                        {"station", charger.station},
                        {"connector", charger.connector},
                        {"bridge_id", charger.bridge_id},
                        {"rated_power_w", charger.rated_power_w},
                        {"meter_serial", charger.meter_serial},
                        {"meter_epoch", charger.meter_epoch},
                        {"last_end_time_ms", charger.last_end_time}};
    if (charger.last_reading) {
        result["last_register_wh"] = charger.last_reading->register_wh;
    }
    if (charger.busy) {
        result["busy"] = to_text(*charger.busy);
    }
    return result;
}

json::object accounts_json(const StateView& view, const PartyId& member) {
    json::array accounts;
    for (const AccountEntry& entry : find_accounts(view, member)) {
        accounts.emplace_back(to_json(entry));
    }
    return {{"member", to_text(member)}, {"accounts", std::move(accounts)}};
}

}  // namespace tally::node
