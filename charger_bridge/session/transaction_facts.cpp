#include "charger_bridge/session/transaction_facts.h"

#include "ledger/base/codec.h"
#include "ledger/crypto/sha256.h"

namespace tally::bridge {

Hash named_facts(const std::string& station, const std::string& name) {
    Encoder encoder;
    encoder.text(station).text(name);
    return tagged_hash("tally/named-transaction/v1", encoder.bytes());
}

Hash facts_of(const std::string& station, const StartFacts& start, const std::string& token) {
    if (!start.transaction.empty()) {
        return named_facts(station, start.transaction);
    }
    Encoder encoder;
    encoder.text(station)
        .u16(start.connector)
        .text(token)
        .i64(start.meter_start_wh.value_or(0))
        .text(start.timestamp);
    return tagged_hash("tally/start-facts/v1", encoder.bytes());
}

Hash facts_of(const std::string& station, const StopFacts& stop) {
    if (const auto* const name = std::get_if<std::string>(&stop.transaction)) {
        return named_facts(station, *name);
    }
    Encoder encoder;
    encoder.text(station)
        .i64(std::get<std::int64_t>(stop.transaction))
        .i64(stop.meter_stop_wh.value_or(0))
        .text(stop.timestamp);
    return tagged_hash("tally/stop-facts/v1", encoder.bytes());
}

bool is_known_name(const TransactionName& name) {
    const auto* const number = std::get_if<std::int64_t>(&name);
    return number == nullptr || *number > 0;
}

std::int64_t number_of(const LiveSession* session, const TransactionName& name) {
    if (const auto* const number = std::get_if<std::int64_t>(&name)) {
        return *number;
    }
    return session != nullptr ? session->record.transaction : 0;
}

}  // namespace tally::bridge
