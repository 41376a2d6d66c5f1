#include "tools/bench/history_work.h"

#include "ledger/base/check.h"
#include "ledger/crypto/signer.h"
#include "ledger/model/day_bands.h"
#include "ledger/model/envelope.h"
#include "ledger/model/rating.h"

#include <algorithm>
#include <utility>

namespace tally::tools {

namespace {

constexpr const char* bridge_id{"HISTORY"};
constexpr std::uint32_t rated_power_w{60'000};
constexpr std::uint64_t power_min_w{7'000};
constexpr std::uint64_t power_max_w{58'000};
constexpr std::int16_t utc_offset_minutes{480};
constexpr UnixMillis good_for_ms{60'000};
/// A charge starts one block after its approval.
constexpr UnixMillis start_within_ms{120'000};
constexpr UnixMillis start_within_blocks{3};
constexpr UnixMillis ms_per_hour{3'600'000};
constexpr std::size_t connectors_per_station{2};
constexpr std::size_t registrations_per_block{250};
constexpr std::uint64_t denied_percent{4};
constexpr std::uint64_t released_percent{3};
constexpr std::uint64_t unstarted_percent{1};
/// An authorization has four transactions, less what is denied, released or not started.
constexpr std::uint64_t transactions_per_100{92 * 4 + 4 + 3 * 2 + 1};

Tariff make_tariff(const Currency& currency) {
    return day_tariff(currency, {{0, 4'000, 4'000}, {480, 9'000, 5'000}, {1'320, 6'000, 4'500}},
                      600);
}

}  // namespace

std::size_t currency_between(std::size_t one, std::size_t other, std::size_t currencies) {
    return (one + other) % currencies;
}

std::uint64_t HistoryShape::begun_per_block() const {
    return std::max<std::uint64_t>(1, per_block * 100 / transactions_per_100);
}

UnixMillis HistoryShape::start_within() const {
    return std::max(start_within_ms, start_within_blocks * interval);
}

UnixMillis HistoryShape::charge_time_max() const {
    // What `charging_blocks` gives at most, and the block of the record itself.
    return static_cast<UnixMillis>(charge_blocks() * 3 / 2 + 2) * interval;
}

std::uint64_t HistoryShape::charge_blocks() const {
    return std::max<std::uint64_t>(4, open / begun_per_block());
}

HistoryWork::HistoryWork(const Hash& chain_id, std::vector<HistoryMember> members,
                         HistoryShape shape, Random& random)
    : m_chain_id{chain_id}, m_shape{std::move(shape)}, m_random{random} {
    ENSURE(members.size() >= 2 && !m_shape.currencies.empty());
    for (HistoryMember& member : members) {
        m_sites.push_back({std::move(member), {}, {}, {}, {}});
    }
    for (const Currency& currency : m_shape.currencies) {
        m_tariffs.push_back(make_tariff(currency));
    }
    plan_registrations();
}

TariffRef HistoryWork::tariff_ref(std::size_t currency) const {
    return {"HISTORY-" + to_text(m_shape.currencies[currency]), 1};
}

void HistoryWork::plan_registrations() {
    // A half more than are charging on average, and some for approvals that wait.
    const std::uint64_t begun = m_shape.begun_per_block();
    const std::uint64_t all = begun * m_shape.charge_blocks() * 3 / 2 + begun * 8;
    const std::size_t each = static_cast<std::size_t>(all / m_sites.size() + 8);
    for (Site& site : m_sites) {
        const std::string party = to_text(site.member.party);
        RegisterBridge bridge{bridge_id, public_key_of(site.member.bridge_key), BridgeKind::site};
        site.registrations.emplace_back(std::move(bridge));
        for (std::size_t currency = 0; currency < m_tariffs.size(); ++currency) {
            site.registrations.emplace_back(
                PublishTariff{tariff_ref(currency), m_tariffs[currency]});
        }
        for (std::size_t number = 0; number < each; ++number) {
            const std::string name = std::to_string(number);
            Connector place{"CN*" + party + "*H" + name,
                            party + "-H" + std::to_string(number / connectors_per_station),
                            party + "-HM" + name, 0};
            RegisterCharger action;
            action.evse_id = place.evse_id;
            action.station = place.station;
            action.connector = static_cast<std::uint16_t>(number % connectors_per_station + 1);
            action.bridge_id = bridge_id;
            action.rated_power_w = rated_power_w;
            action.meter_serial = place.meter_serial;
            site.registrations.emplace_back(std::move(action));
            site.connectors.push_back(std::move(place));
            site.free.push_back(number);
        }
        std::reverse(site.registrations.begin(), site.registrations.end());
    }
    m_registration_blocks = (m_sites.front().registrations.size() + registrations_per_block - 1) /
                            registrations_per_block;
}

/// False when there is nothing left to register.
bool HistoryWork::add_registrations(UnixMillis time) {
    bool added{false};
    for (std::size_t number = 0; number < m_sites.size(); ++number) {
        std::vector<Action>& left = m_sites[number].registrations;
        for (std::size_t count = 0; count < registrations_per_block && !left.empty(); ++count) {
            Action action = std::move(left.back());
            left.pop_back();
            add(number, std::move(action), time);
            added = true;
        }
    }
    return added;
}

TransactionId HistoryWork::add(std::size_t signer, Action action, UnixMillis time) {
    const TransactionId id = make_transaction_id(time, m_random);
    m_sites[signer].transactions.push_back(
        encode_transaction(Transaction{id, time + good_for_ms, std::move(action)}));
    ++m_counts.transactions;
    return id;
}

void HistoryWork::later(Charge charge, Step step, std::uint64_t blocks) {
    charge.next = step;
    m_due[m_block + blocks].push_back(std::move(charge));
}

std::uint64_t HistoryWork::charging_blocks() {
    const std::uint64_t mean = m_shape.charge_blocks();
    return mean / 2 + 1 + m_random.below(mean);
}

void HistoryWork::begin_charge(UnixMillis time) {
    Charge charge;
    charge.home = m_random.below(m_sites.size());
    charge.visited = (charge.home + 1 + m_random.below(m_sites.size() - 1)) % m_sites.size();
    charge.currency = currency_between(charge.home, charge.visited, m_tariffs.size());
    Site& visited = m_sites[charge.visited];
    if (visited.free.empty()) {
        return;  // all of its connectors are taken
    }
    charge.connector = visited.free.back();
    DecideAuthorization action;
    action.visited = visited.member.party;
    action.request_hash = m_random.fixed<Hash>();
    action.token_commitment = m_random.fixed<Hash>();
    action.station = visited.connectors[charge.connector].station;
    action.currency = m_shape.currencies[charge.currency];
    const std::uint64_t lot = m_random.below(100);
    if (lot < denied_percent) {
        action.reason = DenyReason::insufficient_balance;
        add(charge.home, action, time);
        ++m_counts.denied;
        return;
    }
    charge.approved = static_cast<Money>(10 + m_random.below(90)) * money_scale;
    action.approved = true;
    action.amount = charge.approved;
    action.tariffs = {tariff_ref(charge.currency)};
    action.start_by = time + m_shape.start_within();
    charge.ref = {m_sites[charge.home].member.party, add(charge.home, action, time)};
    if (lot < denied_percent + unstarted_percent) {
        ++m_counts.left_to_expire;
        return;
    }
    ++m_counts.open;
    if (lot < denied_percent + unstarted_percent + released_percent) {
        later(charge, Step::release, 2);
        return;
    }
    visited.free.pop_back();
    later(charge, Step::start, 1);
}

RecordCharge HistoryWork::record(Charge& charge, UnixMillis time) {
    Site& visited = m_sites[charge.visited];
    Connector& connector = visited.connectors[charge.connector];
    const UnixMillis end = std::max(charge.begun + 1, time - m_shape.interval / 2);
    const auto power =
        static_cast<std::int64_t>(power_min_w + m_random.below(power_max_w - power_min_w));
    const std::int64_t energy_wh = power * (end - charge.begun) / ms_per_hour;
    RecordCharge action;
    MeteredCharge& metered = action.metered;
    metered.authorization = charge.ref;
    metered.evse_id = connector.evse_id;
    metered.bridge_id = bridge_id;
    metered.meter_serial = connector.meter_serial;
    const Tariff& tariff = m_tariffs[charge.currency];
    const auto readings = split_at_price_changes(
        tariff, {{charge.begun, utc_offset_minutes, connector.register_wh, false},
                 {end, utc_offset_minutes, connector.register_wh + energy_wh, false}});
    ENSURE(readings.has_value());
    metered.readings = *readings;
    metered.bridge_signature =
        sign_digest(visited.member.bridge_key, metered_signing_digest(m_chain_id, metered));
    const auto rating = rate(tariff, metered.readings);
    ENSURE(rating.has_value());
    action.rated_amount = rating->total();
    action.amount = std::min(action.rated_amount, charge.approved);
    charge.recorded = action.amount;
    connector.register_wh += energy_wh;
    return action;
}

void HistoryWork::take_step(Charge charge, UnixMillis time) {
    Site& visited = m_sites[charge.visited];
    switch (charge.next) {
        case Step::start:
            charge.begun = time;
            add(charge.visited,
                StartCharge{charge.ref, visited.connectors[charge.connector].evse_id,
                            tariff_ref(charge.currency)},
                time);
            later(std::move(charge), Step::record, charging_blocks());
            return;
        case Step::record:
            add(charge.visited, record(charge, time), time);
            visited.free.push_back(charge.connector);
            later(std::move(charge), Step::settle, 1);
            return;
        case Step::settle:
            add(charge.home, SettleCharge{charge.ref, charge.recorded}, time);
            ++m_counts.settled;
            --m_counts.open;
            return;
        case Step::release:
            add(charge.visited, ReleaseAuthorization{charge.ref}, time);
            ++m_counts.released;
            --m_counts.open;
            return;
    }
}

std::vector<Bytes> HistoryWork::sign_block() {
    std::vector<Bytes> envelopes;
    for (Site& site : m_sites) {
        KeySigner key{site.member.key};
        std::vector<Bytes> left = std::exchange(site.transactions, {});
        for (std::size_t from = 0; from < left.size(); from += envelope_transactions_max) {
            const std::size_t to = std::min(left.size(), from + envelope_transactions_max);
            std::vector<Bytes> part{
                std::make_move_iterator(left.begin() + static_cast<std::ptrdiff_t>(from)),
                std::make_move_iterator(left.begin() + static_cast<std::ptrdiff_t>(to))};
            envelopes.push_back(sign_envelope(m_chain_id, site.member.party, std::move(part), key));
        }
    }
    return envelopes;
}

std::vector<Bytes> HistoryWork::next_block(UnixMillis time) {
    if (!add_registrations(time)) {
        if (const auto due = m_due.find(m_block); due != m_due.end()) {
            for (Charge& charge : due->second) {
                take_step(std::move(charge), time);
            }
            m_due.erase(m_block);
        }
        for (std::uint64_t count = 0; count < m_shape.begun_per_block(); ++count) {
            begin_charge(time);
        }
    }
    ++m_block;
    return sign_block();
}

}  // namespace tally::tools
