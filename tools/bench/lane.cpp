#include "tools/bench/lane.h"

#include "ledger/crypto/sha256.h"
#include "ledger/model/rating.h"

#include <algorithm>
#include <utility>

namespace tally::tools {

namespace {

constexpr std::chrono::seconds step_deadline{60};
constexpr std::uint32_t rated_power_w{60'000};
constexpr UnixMillis charge_ms{60'000};
constexpr std::int64_t charge_wh{900};
constexpr Money approval_amount{20 * money_scale};
constexpr UnixMillis start_within_ms{120'000};

Expected<Done, std::string> all_ok(const std::vector<SubmittedTransaction>& finals) {
    for (const SubmittedTransaction& final : finals) {
        if (final.result != "ok") {
            return Unexpected{to_text(final.ref) + ": " + final.result};
        }
    }
    return Done{};
}

}  // namespace

Lane::Lane(const BenchOperator& home, const BenchOperator& visited, std::size_t number,
           std::size_t width)
    : m_home{home}, m_visited{visited} {
    // The time makes the names new, so that a devnet can be benched again.
    const std::string run = std::to_string(m_clock.now());
    m_station = "BENCH-" + run + "-" + std::to_string(number);
    for (std::size_t index = 0; index < width; ++index) {
        const std::string name = run + "*" + std::to_string(number) + "*" + std::to_string(index);
        m_connectors.push_back({"CN*BENCH*" + name, "M*" + name, 0, 0});
    }
}

Expected<Done, std::string> Lane::prepare() {
    std::vector<Action> actions;
    std::uint16_t connector{0};
    for (const Connector& place : m_connectors) {
        RegisterCharger action;
        action.evse_id = place.evse_id;
        action.station = m_station;
        action.connector = ++connector;
        action.bridge_id = m_visited.bridge_id;
        action.rated_power_w = rated_power_w;
        action.meter_serial = place.meter_serial;
        actions.emplace_back(std::move(action));
    }
    const auto finals = submit_and_wait(m_visited.submit, std::move(actions), step_deadline);
    if (!finals) {
        return Unexpected{finals.error()};
    }
    return all_ok(*finals);
}

Expected<std::vector<TransactionRef>, std::string> Lane::step(const SubmitAs& as,
                                                              std::vector<Action> actions,
                                                              Latencies& latency) {
    const auto begin = std::chrono::steady_clock::now();
    const std::size_t count = actions.size();
    const auto submission = submit_actions(as, std::move(actions));
    if (!submission) {
        return Unexpected{submission.error()};
    }
    for (const TransactionRef& ref : submission->last) {
        const auto last = wait_final(as.api, ref, step_deadline);
        if (!last) {
            return Unexpected{last.error()};
        }
        if (last->result != "ok") {
            return Unexpected{to_text(last->ref) + ": " + last->result};
        }
    }
    const auto took = std::chrono::duration_cast<std::chrono::microseconds>(
        std::chrono::steady_clock::now() - begin);
    for (std::size_t index = 0; index < count; ++index) {
        latency.add(took);
    }
    return submission->refs;
}

DecideAuthorization Lane::approval() const {
    SystemRandom random;
    DecideAuthorization action;
    action.visited = m_visited.party;
    action.request_hash = random.fixed<Hash>();
    action.token_commitment = random.fixed<Hash>();
    action.station = m_station;
    action.currency = m_visited.tariff.currency;
    action.approved = true;
    action.amount = approval_amount;
    action.tariffs = {m_visited.tariff_ref};
    action.start_by = m_clock.now() + start_within_ms;
    return action;
}

RecordCharge Lane::record(Connector& connector, const AuthorizationRef& ref) {
    RecordCharge action;
    MeteredCharge& metered = action.metered;
    metered.authorization = ref;
    metered.evse_id = connector.evse_id;
    metered.bridge_id = m_visited.bridge_id;
    metered.meter_serial = connector.meter_serial;
    const UnixMillis begin = std::max(m_clock.now(), connector.last_end);
    const std::vector<MeterReading> ends{
        {begin, 480, connector.register_wh, false},
        {begin + charge_ms, 480, connector.register_wh + charge_wh, false}};
    const auto readings = split_at_price_changes(m_visited.tariff, ends);
    ENSURE(readings.has_value());
    metered.readings = *readings;
    metered.bridge_signature = sign_digest(
        m_visited.bridge_key, metered_signing_digest(m_visited.submit.chain_id, metered));
    const auto rating = rate(m_visited.tariff, metered.readings);
    ENSURE(rating.has_value());
    action.rated_amount = rating->total();
    action.amount = std::min(action.rated_amount, approval_amount);
    connector.last_end = begin + charge_ms;
    connector.register_wh += charge_wh;
    return action;
}

Expected<Done, std::string> Lane::run_round(std::size_t count, BenchLatencies& latencies) {
    const auto begin = std::chrono::steady_clock::now();
    std::vector<Action> approvals;
    for (std::size_t index = 0; index < count; ++index) {
        approvals.emplace_back(approval());
    }
    const auto refs = step(m_home.submit, std::move(approvals), latencies.approve);
    if (!refs) {
        return Unexpected{refs.error()};
    }
    std::vector<Action> starts;
    std::vector<Action> records;
    std::vector<Action> settlements;
    for (std::size_t index = 0; index < count; ++index) {
        const AuthorizationRef& ref = (*refs)[index];
        Connector& connector = m_connectors[index];
        starts.emplace_back(StartCharge{ref, connector.evse_id, m_visited.tariff_ref});
        RecordCharge recorded = record(connector, ref);
        settlements.emplace_back(SettleCharge{ref, recorded.amount});
        records.emplace_back(std::move(recorded));
    }
    if (const auto done = step(m_visited.submit, std::move(starts), latencies.start); !done) {
        return Unexpected{done.error()};
    }
    if (const auto done = step(m_visited.submit, std::move(records), latencies.record); !done) {
        return Unexpected{done.error()};
    }
    if (const auto done = step(m_home.submit, std::move(settlements), latencies.settle); !done) {
        return Unexpected{done.error()};
    }
    const auto took = std::chrono::duration_cast<std::chrono::microseconds>(
        std::chrono::steady_clock::now() - begin);
    for (std::size_t index = 0; index < count; ++index) {
        latencies.charge.add(took);
    }
    return Done{};
}

}  // namespace tally::tools
