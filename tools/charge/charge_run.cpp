#include "tools/charge/charge_run.h"

#include "ledger/base/system_clock.h"
#include "node/runtime/asio.h"
#include "tools/support/json_api.h"
#include "tools/support/wait.h"

#include <boost/asio/post.hpp>
#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <date/date.h>

#include <algorithm>
#include <atomic>
#include <future>
#include <set>
#include <sstream>
#include <thread>
#include <utility>

namespace tally::tools {

namespace json = boost::json;
using Clock = std::chrono::steady_clock;

namespace {

constexpr std::chrono::milliseconds sample_interval{250};
constexpr std::int64_t ms_per_hour{3'600'000};

std::string utc_text(UnixMillis time) {
    const date::sys_time<std::chrono::milliseconds> point{std::chrono::milliseconds{time}};
    std::ostringstream text;
    text << date::format("%FT%TZ", point);
    return text.str();
}

std::string text_of(const json::object& object, const char* key) {
    return json_text(json::value(object), key);
}

/// The steps of one charge, each blocking until the station was answered.
class Play {
public:
    Play(boost::asio::io_context& io, const ChargeScript& script, const ChargePlace& place,
         const ChargeProgressHandler& progress)
        : m_io{io},
          m_script{script},
          m_place{place},
          m_progress{progress},
          m_visited{place.visited_api, place.bearer_token},
          m_home{place.home_api, place.bearer_token},
          m_deadline{script.timeout} {}

    ChargeOutcome run() {
        const Clock::time_point begin = Clock::now();
        ChargeOutcome outcome = steps();
        outcome.total = std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - begin);
        outcome.swipe_to_answer = m_swipe_to_answer;
        return outcome;
    }

private:
    enum class State { open, denied };

    ChargeOutcome steps();
    std::optional<ChargeOutcome> swipe();
    void read_meter();
    bool begin_transaction();
    void deliver_energy();
    void end_transaction();
    ChargeOutcome wait_settled();
    void find_receipt(ChargeOutcome& outcome);

    std::optional<CallAnswer> call(const std::string& action, json::object payload);
    void notify_status(std::uint32_t connector, const char* status, const char* error = "NoError");
    void notify_fault(bool faulted);
    std::set<std::string> session_ids() const;
    bool find_session(const std::set<std::string>& before, State wanted);
    bool show_session(const std::set<std::string>& before, State wanted);
    ChargeOutcome refused(const std::set<std::string>& before);
    std::string refusal_at_bridge();
    void show_progress();
    [[nodiscard]] json::object meter_value(UnixMillis time, std::int64_t register_wh) const;
    [[nodiscard]] ChargeOutcome failed(const std::string& what) const;

    boost::asio::io_context& m_io;
    const ChargeScript& m_script;
    const ChargePlace& m_place;
    const ChargeProgressHandler& m_progress;
    JsonApi m_visited;
    JsonApi m_home;
    Deadline m_deadline;
    SystemClock m_clock;
    std::chrono::milliseconds m_swipe_to_answer{0};
    std::string m_session;
    UnixMillis m_begin{0};
    UnixMillis m_time{0};
    std::int64_t m_meter_begin{0};
    std::int64_t m_meter{0};
    std::int64_t m_transaction{-1};
    std::shared_ptr<std::atomic<bool>> m_stopped{std::make_shared<std::atomic<bool>>(false)};
};

ChargeOutcome Play::failed(const std::string& what) const {
    ChargeOutcome outcome;
    outcome.reason = what;
    return outcome;
}

std::optional<CallAnswer> Play::call(const std::string& action, json::object payload) {
    auto promise = std::make_shared<std::promise<CallAnswer>>();
    std::future<CallAnswer> answer = promise->get_future();
    boost::asio::post(m_io, [this, action, payload = std::move(payload), promise]() mutable {
        m_place.point.call(action, std::move(payload),
                           [promise](const CallAnswer& got) { promise->set_value(got); });
    });
    if (answer.wait_for(m_script.timeout) != std::future_status::ready) {
        return std::nullopt;
    }
    return answer.get();
}

void Play::notify_status(std::uint32_t connector, const char* status, const char* error) {
    static_cast<void>(call("StatusNotification",
                           {{"connectorId", connector}, {"errorCode", error}, {"status", status}}));
}

/// A station that is faulted as a whole (connector 0) and at this connector.
void Play::notify_fault(bool faulted) {
    for (const std::uint32_t connector : {0U, m_place.connector}) {
        notify_status(connector, faulted ? "Faulted" : "Available",
                      faulted ? "GroundFailure" : "NoError");
    }
}

std::set<std::string> Play::session_ids() const {
    std::set<std::string> ids;
    if (const auto sessions = m_visited.get("/api/v1/sessions")) {
        for (const json::value& item : json_items(*sessions)) {
            ids.insert(json_text(item, "id"));
        }
    }
    return ids;
}

bool Play::find_session(const std::set<std::string>& before, State wanted) {
    return wait_until(m_deadline, [&] { return show_session(before, wanted); });
}

/// Whether the visited node shows the session of the swipe now.
bool Play::show_session(const std::set<std::string>& before, State wanted) {
    const auto sessions = m_visited.get("/api/v1/sessions");
    if (!sessions) {
        return false;
    }
    for (const json::value& item : json_items(*sessions)) {
        const std::string id = json_text(item, "id");
        const State state = json_text(item, "state") == "denied" ? State::denied : State::open;
        const bool is_new = !before.contains(id) && json_text(item, "station") == m_place.station &&
                            state == wanted;
        if (is_new) {
            m_session = id;
            return true;
        }
    }
    return false;
}

void Play::read_meter() {
    // The register goes on where the ledger last saw it, as the meter of a real station would.
    const UnixMillis now = m_clock.now();
    m_begin = now;
    const auto chargers =
        m_visited.get("/api/v1/chargers?owner=" + m_script.visited + "&evse_id=" + m_place.evse_id);
    if (!chargers) {
        return;
    }
    for (const json::value& item : json_items(*chargers)) {
        if (json_text(item, "evse_id") == m_place.evse_id) {
            m_meter_begin = static_cast<std::int64_t>(json_number(item, "last_register_wh"));
            const auto last_end = static_cast<UnixMillis>(json_number(item, "last_end_time_ms"));
            m_begin = std::max(now, last_end);
        }
    }
    m_meter = m_meter_begin;
    m_time = m_begin;
}

std::optional<ChargeOutcome> Play::swipe() {
    const std::set<std::string> before = session_ids();
    if (!m_script.fault) {
        notify_status(m_place.connector, "Preparing");
    }
    if (!m_script.prepaid.empty()) {
        const std::string data = R"({"amount":")" + m_script.prepaid + R"("})";
        static_cast<void>(call("DataTransfer",
                               {{"vendorId", "tally"}, {"messageId", "Prepaid"}, {"data", data}}));
    }
    const Clock::time_point swiped = Clock::now();
    const auto answer = call("Authorize", {{"idTag", m_place.card}});
    m_swipe_to_answer =
        std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - swiped);
    if (!answer || !answer->error_code.empty()) {
        return failed(answer ? "Authorize: " + answer->error_code : "Authorize was not answered");
    }
    const json::value* info = answer->payload.if_contains("idTagInfo");
    const bool accepted = info != nullptr && json_text(*info, "status") == "Accepted";
    if (!accepted) {
        return refused(before);
    }
    if (!find_session(before, State::open)) {
        return failed("the visited node does not show the session of the swipe");
    }
    return std::nullopt;
}

/// Where nobody knows whose card it is, the node keeps no session, and only the bridge says why.
ChargeOutcome Play::refused(const std::set<std::string>& before) {
    ChargeOutcome outcome;
    outcome.kind = ChargeOutcome::Kind::refused;
    outcome.reason = refusal_at_bridge();
    const bool shown = outcome.reason.empty() ? find_session(before, State::denied)
                                              : show_session(before, State::denied);
    if (!shown && outcome.reason.empty()) {
        return failed("neither bridge nor visited node says why the swipe was refused");
    }
    if (shown) {
        if (const auto session = m_visited.get("/api/v1/sessions/" + m_session)) {
            outcome.session = session->as_object();
            outcome.reason = text_of(outcome.session, "reason");
        }
    }
    if (!m_script.fault) {
        notify_status(m_place.connector, "Available");
    }
    return outcome;
}

std::string Play::refusal_at_bridge() {
    const json::object asked{{"idTag", m_place.card}};
    const auto answer =
        call("DataTransfer",
             {{"vendorId", "tally"}, {"messageId", "Reason"}, {"data", json::serialize(asked)}});
    if (!answer || !answer->error_code.empty()) {
        return {};
    }
    json::error_code error;
    const json::value data = json::parse(text_of(answer->payload, "data"), error);
    return !error && data.is_object() ? json_text(data, "reason") : std::string{};
}

bool Play::begin_transaction() {
    const auto answer = call("StartTransaction", {{"connectorId", m_place.connector},
                                                  {"idTag", m_place.card},
                                                  {"meterStart", m_meter_begin},
                                                  {"timestamp", utc_text(m_begin)}});
    if (!answer || !answer->error_code.empty()) {
        return false;
    }
    const json::value* number = answer->payload.if_contains("transactionId");
    const json::value* info = answer->payload.if_contains("idTagInfo");
    if (number == nullptr || !number->is_int64() || info == nullptr ||
        json_text(*info, "status") != "Accepted") {
        return false;
    }
    m_transaction = number->get_int64();
    boost::asio::post(m_io, [&point = m_place.point, id = m_transaction, stopped = m_stopped] {
        point.on_remote_stop(id, [stopped](std::int64_t) { stopped->store(true); });
    });
    return true;
}

json::object Play::meter_value(UnixMillis time, std::int64_t register_wh) const {
    const json::object sample{{"value", std::to_string(register_wh)},
                              {"context", "Sample.Periodic"},
                              {"measurand", "Energy.Active.Import.Register"},
                              {"unit", "Wh"}};
    return {{"timestamp", utc_text(time)}, {"sampledValue", json::array{sample}}};
}

void Play::show_progress() {
    if (!m_progress) {
        return;
    }
    if (const auto session = m_home.get("/api/v1/sessions/" + m_session)) {
        m_progress(session->as_object());
    }
}

void Play::deliver_energy() {
    notify_status(m_place.connector, "Charging");
    const Clock::time_point real_begin = Clock::now();
    const auto rated = static_cast<std::int64_t>(m_place.rated_power_w);
    const std::int64_t full_ms = m_script.energy_wh * ms_per_hour / rated;
    Clock::time_point next = real_begin;
    while (m_meter - m_meter_begin < m_script.energy_wh && !m_stopped->load()) {
        next += sample_interval;
        std::this_thread::sleep_until(next);
        const auto real_ms =
            std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - real_begin);
        const auto elapsed = std::min(
            full_ms,
            static_cast<std::int64_t>(static_cast<double>(real_ms.count()) * m_script.speed));
        // One simulated second of grace, so that the register never runs ahead of the clock.
        m_time = m_begin + std::max<std::int64_t>(elapsed, 1);
        m_meter = m_meter_begin +
                  (elapsed >= full_ms ? m_script.energy_wh : elapsed * rated / ms_per_hour);
        static_cast<void>(
            call("MeterValues", {{"connectorId", m_place.connector},
                                 {"transactionId", m_transaction},
                                 {"meterValue", json::array{meter_value(m_time, m_meter)}}}));
        show_progress();
    }
}

void Play::end_transaction() {
    static_cast<void>(
        call("StopTransaction", {{"idTag", m_place.card},
                                 {"transactionId", m_transaction},
                                 {"meterStop", m_meter},
                                 {"timestamp", utc_text(m_time)},
                                 {"reason", m_stopped->load() ? "Remote" : "Local"}}));
    boost::asio::post(
        m_io, [&point = m_place.point, id = m_transaction] { point.forget_remote_stop(id); });
    notify_status(m_place.connector, "Available");
}

ChargeOutcome Play::wait_settled() {
    ChargeOutcome outcome;
    const bool settled = wait_until(m_deadline, [&] {
        const auto session = m_visited.get("/api/v1/sessions/" + m_session);
        if (!session) {
            return false;
        }
        outcome.session = session->as_object();
        const std::string state = text_of(outcome.session, "state");
        return state == "settled" || state == "disputed" || state == "expired" ||
               state == "released";
    });
    const std::string state = text_of(outcome.session, "state");
    if (!settled || state != "settled") {
        outcome.reason =
            settled ? "the charge ended as " + state + ": " + text_of(outcome.session, "reason")
                    : "not settled in time; the session is " + state;
        return outcome;
    }
    outcome.kind = ChargeOutcome::Kind::settled;
    show_progress();
    find_receipt(outcome);
    return outcome;
}

/// Record and settlement on the ledger: the authorization names the record, and the settlement is
/// in one of the blocks after it.
void Play::find_receipt(ChargeOutcome& outcome) {
    const std::string ref = text_of(outcome.session, "authorization");
    const auto authorization = m_visited.get("/api/v1/authorizations/" + ref);
    const json::value* record =
        authorization ? authorization->as_object().if_contains("record") : nullptr;
    if (record == nullptr) {
        return;
    }
    outcome.receipt["authorization"] = ref;
    outcome.receipt["authorization_height"] = json_number(*authorization, "height");
    outcome.receipt["signer"] = m_script.home;
    const std::string recorded = json_text(*record, "transaction");
    outcome.receipt["record"] = recorded;
    const auto transaction = m_visited.get("/api/v1/transactions/" + recorded);
    std::uint64_t height = transaction ? json_number(*transaction, "height") : 0;
    outcome.receipt["record_height"] = height;
    const Deadline patience{std::chrono::seconds{10}};
    static_cast<void>(wait_until(patience, [&] {
        const auto page = m_visited.get("/api/v1/blocks?limit=100&from=" + std::to_string(height));
        if (!page) {
            return false;
        }
        for (const json::value& block : json_items(*page)) {
            height = json_number(block, "height") + 1;
            for (const json::value& item : block.at("transactions").as_array()) {
                if (json_text(item, "action") == "SettleCharge" &&
                    json_text(item, "authorization") == ref) {
                    outcome.receipt["settlement"] = json_text(item, "id");
                    outcome.receipt["settlement_height"] = json_number(block, "height");
                    return true;
                }
            }
        }
        return false;
    }));
}

ChargeOutcome Play::steps() {
    {
        const std::lock_guard<std::mutex> turn{m_place.swiping};
        if (m_script.fault) {
            notify_fault(true);
        }
        read_meter();
        std::optional<ChargeOutcome> ended = swipe();
        if (m_script.fault) {
            notify_fault(false);
        }
        if (ended) {
            return std::move(*ended);
        }
        if (!begin_transaction()) {
            return failed("StartTransaction was not accepted");
        }
    }
    deliver_energy();
    end_transaction();
    return wait_settled();
}

}  // namespace

ChargeOutcome play_charge(boost::asio::io_context& io, const ChargeScript& script,
                          const ChargePlace& place, const ChargeProgressHandler& progress) {
    return Play{io, script, place, progress}.run();
}

}  // namespace tally::tools
