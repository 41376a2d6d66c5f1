#include "tests/charger_bridge/site.h"

#include "charger_bridge/ocpp/time_text.h"
#include "ledger/base/overloaded.h"
#include "ledger/model/day_bands.h"

#include <algorithm>

namespace tally::bridge::test {

namespace {

SecretKey test_key() {
    SecretKey key;
    key.data.fill(7);
    return key;
}

std::uint64_t sequence_of(const node::BridgeMessage& message) {
    std::uint64_t sequence = 0;
    std::visit(
        [&](const auto& concrete) {
            if constexpr (requires { concrete.sequence; }) {
                sequence = concrete.sequence;
            }
        },
        message);
    return sequence;
}

}  // namespace

Tariff flat_tariff() { return day_tariff(*currency_from_text("CNY"), {{0, 10'000, 2'000}}); }

Tariff two_price_tariff() {
    return day_tariff(*currency_from_text("CNY"), {{0, 10'000, 0}, {510, 20'000, 0}});
}

Site::Site() : key{test_key()}, m_core{make_core()} {
    connect();
    link_up();
}

std::unique_ptr<SessionCore> Site::make_core() {
    CoreConfig config;
    config.chain_id.data.fill(9);
    config.bridge_id = "bridge-1";
    config.stations = {{"CP1", 2}, {"CP2", 2}};
    config.ignored_stop = ignored_stop;
    config.cut_off = cut_off;
    config.transaction_first = transaction_first;
    auto core = std::make_unique<SessionCore>(config, key, m_random);
    const auto loaded = core->load(m_store);
    ENSURE(loaded.has_value());
    return core;
}

void Site::pass(std::chrono::milliseconds time) {
    now.wall += time.count();
    now.mono += time;
    feed(Tick{});
}

std::string Site::text_now(std::chrono::milliseconds shift) const {
    return time_to_text(now.wall + shift.count());
}

void Site::crash_at(int count, bool after_write) {
    m_crash_in = count;
    m_crash_after_write = after_write;
}

void Site::feed(const Event& event) {
    if (m_crashed) {
        return;
    }
    Step step = m_core->step(now, event);
    if (!step.changes.operations.empty()) {
        const bool dies = m_crash_in > 0 && --m_crash_in == 0;
        if (!dies || m_crash_after_write) {
            const auto written = m_store.write(step.changes, step.must_sync);
            ENSURE(written.has_value());
        }
        if (dies) {
            m_crashed = true;
            return;
        }
    }
    for (const Effect& effect : step.effects) {
        deliver(effect);
    }
}

void Site::settle() {
    while (!m_inbox.empty() && !m_crashed) {
        const std::vector<node::BridgeMessage> inbox = std::move(m_inbox);
        m_inbox.clear();
        for (const node::BridgeMessage& message : inbox) {
            feed(NodeSaid{message});
        }
    }
}

void Site::restart() {
    m_crashed = false;
    m_crash_in = 0;
    m_inbox.clear();
    m_answers.clear();
    m_core = make_core();
    connect();
    if (m_linked) {
        link_up();
    }
}

void Site::connect() { feed(StationConnected{station}); }
void Site::disconnect() {
    feed(StationDisconnected{station});
    m_answers.clear();
}

void Site::link_up() {
    m_linked = true;
    feed(NodeConnected{});
    settle();
}

void Site::link_down() {
    m_linked = false;
    m_inbox.clear();
    feed(NodeDisconnected{});
}

void Site::deliver(const Effect& effect) {
    const Overloaded visit{
        [&](const SendToNode& send) { to_node(send.message); },
        [&](const RemoteStop& stop) { remote_stops.push_back(stop); },
        [&](const UpdateCost& cost) { costs.push_back(cost); },
        [&](const AskPending& ask) { asked_pending.push_back(ask); },
        [&](const UnlockConnector& unlock) { unlocks.push_back(unlock); },
        [&](const ResetStation& reset) { resets.push_back(reset); },
        [&](const Noted& noted) {
            m_notes.emplace_back(noted.what);
            m_details.emplace_back(noted.what, noted.detail);
        },
        [&](const auto& answer) { m_answers.insert_or_assign(answer.call.id, Effect{answer}); },
    };
    std::visit(visit, effect);
}

void Site::to_node(const node::BridgeMessage& message) {
    if (!m_linked) {
        return;
    }
    m_node_got.push_back(message);
    if (const auto* const request = std::get_if<node::AuthorizeRequest>(&message)) {
        answer_request(*request);
    }
    const std::uint64_t sequence = sequence_of(message);
    if (sequence != 0 && node_acknowledges) {
        m_inbox.emplace_back(node::Acknowledge{sequence});
    }
}

void Site::answer_request(const node::AuthorizeRequest& request) {
    node::AuthorizeResult result;
    result.session = request.session;
    result.accepted = policy.accepts;
    if (policy.accepts) {
        result.authorization.signer = *party_from_text("BBB");
        result.authorization.id.data[0] = static_cast<std::uint8_t>(m_decided.size() + 1);
        result.prepaid = request.prepaid.value_or(policy.prepaid);
        result.start_by = now.wall + policy.start_within.count();
        for (const std::uint16_t connector : {std::uint16_t{1}, std::uint16_t{2}}) {
            node::AuthorizeResult::Evse evse;
            evse.connector = connector;
            evse.evse_id = "CN*AAA*E" + std::to_string(connector);
            evse.rated_power_w = policy.rated_power_w;
            evse.meter_serial = "M" + std::to_string(connector);
            evse.meter_public_key = connector == 1 ? policy.meter_public_key : Bytes{};
            evse.tariff_ref = {"t1", 1};
            evse.tariff = policy.tariff;
            evse.coefficient_permille = policy.coefficient_permille;
            result.evses.push_back(evse);
        }
    } else {
        result.reason = policy.reason;
    }
    // Asking again for the same session gives the same answer.
    const auto [decided, first] = m_decided.emplace(request.session, result);
    if (node_answers) {
        m_inbox.emplace_back(decided->second);
    }
}

std::vector<node::BridgeMessage> Site::durable() const {
    std::map<std::uint64_t, node::BridgeMessage> by_sequence;
    for (const node::BridgeMessage& message : m_node_got) {
        if (const std::uint64_t sequence = sequence_of(message); sequence != 0) {
            by_sequence.emplace(sequence, message);
        }
    }
    std::vector<node::BridgeMessage> result;
    for (const auto& [sequence, message] : by_sequence) {
        result.push_back(message);
    }
    return result;
}

std::vector<std::string> Site::details_of(const std::string& what) const {
    std::vector<std::string> details;
    for (const auto& [name, detail] : m_details) {
        if (name == what) {
            details.push_back(detail);
        }
    }
    return details;
}

std::size_t Site::count_notes(const std::string& what) const {
    return static_cast<std::size_t>(std::count(m_notes.begin(), m_notes.end(), what));
}

CallKey Site::next_call(const std::string& id) {
    return {station, id.empty() ? "m" + std::to_string(++m_calls) : id};
}

std::optional<TagStatus> Site::swipe(const std::string& tag, const std::string& id) {
    const CallKey call = next_call(id);
    feed(AuthorizeCalled{call, tag, 0});
    settle();
    const auto found = m_answers.find(call.id);
    if (found == m_answers.end()) {
        return std::nullopt;
    }
    return std::get<AnswerAuthorize>(found->second).status;
}

std::optional<AnswerStart> Site::start(std::uint16_t connector, const std::string& tag,
                                       std::int64_t meter, std::string timestamp) {
    const CallKey call = next_call();
    StartFacts body;
    body.connector = connector;
    body.token = tag;
    body.meter_start_wh = meter;
    body.timestamp = timestamp.empty() ? text_now() : std::move(timestamp);
    body.time = time_from_text(body.timestamp);
    feed(StartCalled{call, body, "start " + body.timestamp});
    settle();
    const auto found = m_answers.find(call.id);
    if (found == m_answers.end()) {
        return std::nullopt;
    }
    return std::get<AnswerStart>(found->second);
}

bool Site::values(std::uint16_t connector, std::optional<std::int64_t> transaction,
                  std::int64_t meter, std::optional<UnixMillis> time) {
    const CallKey call = next_call();
    ValuesFacts body;
    body.connector = connector;
    if (transaction) {
        body.transaction = *transaction;
    }
    MeterSample sample;
    sample.time = time.value_or(now.wall);
    sample.register_wh = meter;
    body.samples = {sample};
    feed(MeterValuesCalled{call, body, "values " + std::to_string(meter)});
    settle();
    return m_answers.contains(call.id);
}

bool Site::stop(std::int64_t transaction, std::int64_t meter, std::string timestamp,
                const std::string& tag) {
    const CallKey call = next_call();
    StopFacts body;
    body.transaction = transaction;
    body.token = tag;
    body.meter_stop_wh = meter;
    body.timestamp = timestamp.empty() ? text_now() : std::move(timestamp);
    body.time = time_from_text(body.timestamp);
    body.reason = "Local";
    feed(StopCalled{call, body, "stop " + body.timestamp});
    settle();
    return m_answers.contains(call.id);
}

std::optional<Site::ReportAnswer> Site::report(ReportKind kind, const Report& report) {
    const CallKey call = next_call();
    ReportFacts facts;
    facts.kind = kind;
    facts.transaction = report.transaction;
    facts.sequence = report.sequence;
    facts.connector = report.connector;
    facts.token = report.token;
    facts.time = report.time.value_or(now.wall);
    facts.timestamp = time_to_text(*facts.time);
    if (report.meter) {
        MeterSample sample;
        sample.time = facts.time;
        sample.register_wh = *report.meter;
        sample.context = report.context;
        for (const std::string& signed_text : report.signed_texts) {
            sample.signed_readings.push_back({signed_text, "OCMF", "", ReadingContext::other});
        }
        facts.samples = {sample};
    }
    const std::string text = "report " + std::to_string(report.sequence) + " " + facts.timestamp;
    feed(TransactionReported{call, facts, text});
    settle();
    const auto found = m_answers.find(call.id);
    if (found == m_answers.end()) {
        return std::nullopt;
    }
    const Overloaded read{
        [](const AnswerReport& answer) {
            return ReportAnswer{answer.status, answer.reason, answer.amount};
        },
        [](const AnswerStart& answer) {
            return ReportAnswer{answer.status, answer.reason, {}};
        },
        [](const AnswerAuthorize& answer) {
            return ReportAnswer{answer.status, answer.reason, {}};
        },
        [](const auto&) { return ReportAnswer{}; },
    };
    return std::visit(read, found->second);
}

void Site::status(std::uint16_t connector, ConnectorStatus status) {
    feed(StatusReported{station, {connector, status, {}}});
    settle();
}

}  // namespace tally::bridge::test
