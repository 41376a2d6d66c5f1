// OCPP 1.6: what is wrong with a transaction message never keeps it from its answer, and what it
// was about is billed by what is known, or held, or kept. A field is given as the text that stands
// in the message; an empty one is missing.

#include "tests/charger_bridge/called_charger.h"

#include <chrono>
#include <thread>

namespace tally::bridge::test {

namespace {

constexpr const char* begin_known{R"("meterStart":500000)"};
constexpr const char* end_known{R"("meterStop":500700)"};

std::string now_text() { return time_to_text(SystemClock{}.now()); }
std::string time_known() { return R"("timestamp":")" + now_text() + "\""; }

/// Without the empty ones.
std::string object_of(const std::vector<std::string>& fields) {
    std::string text{"{"};
    for (const std::string& field : fields) {
        text += (field.empty() || text.size() == 1 ? "" : ",") + field;
    }
    return text + "}";
}

/// One charger that speaks 1.6, and what came of what it said.
class Case {
public:
    Case() : m_charger{m_site, "ocpp1.6"} { m_charger.boot_16(); }

    json::object ask(const std::string& action, const std::vector<std::string>& fields) {
        return m_charger.ask(action, object_of(fields));
    }
    /// Gives the transaction's number; the answer must be `status`.
    std::int64_t start(const std::string& begin, const std::string& time,
                       const std::string& status = "Accepted") {
        return number_of(
            ask("StartTransaction", {R"("connectorId":1)", R"("idTag":"BBB-1")", begin, time}),
            status);
    }
    static std::int64_t number_of(const json::object& answer, const std::string& status) {
        INFO(json::serialize(answer));
        REQUIRE(answer.contains("transactionId"));
        CHECK(answer.at("idTagInfo").at("status").as_string() == status);
        CHECK(answer.at("transactionId").as_int64() > 0);
        return answer.at("transactionId").as_int64();
    }
    void sample(std::int64_t transaction, std::int64_t register_wh) {
        const std::string value = R"({"value":")" + std::to_string(register_wh) + R"("})";
        const json::object answer =
            ask("MeterValues", {R"("connectorId":1)", named(transaction),
                                R"("meterValue":[{"timestamp":")" + now_text() +
                                    R"(","sampledValue":[)" + value + "]}]"});
        CHECK(answer.empty());
    }
    void stop(std::int64_t transaction, const std::string& end, const std::string& time) {
        CHECK(ask("StopTransaction", {named(transaction), end, time}).empty());
    }
    static std::string named(std::int64_t transaction) {
        return R"("transactionId":)" + std::to_string(transaction);
    }

    /// The only record; waits for it.
    std::vector<MeterReading> billed() {
        const auto until = std::chrono::steady_clock::now() + std::chrono::seconds{60};
        std::vector<node::ChargeEnded> ended = m_site.at_node<node::ChargeEnded>();
        while (ended.empty() && std::chrono::steady_clock::now() < until) {
            std::this_thread::yield();
            ended = m_site.at_node<node::ChargeEnded>();
        }
        REQUIRE(ended.size() == 1);
        CHECK(held().empty());
        return ended[0].metered.readings;
    }
    std::vector<std::string> held() {
        std::vector<std::string> reasons;
        m_site.on_loop([&] {
            for (const LiveSession* const session : m_site.bridge().core().sessions().all()) {
                if (session->record.state == SessionState::in_review) {
                    reasons.push_back(session->record.reason);
                }
            }
        });
        return reasons;
    }
    /// Of the newest sample of the only charge.
    std::int64_t last_register() {
        std::int64_t last{0};
        m_site.on_loop([&] {
            last = m_site.bridge().core().sessions().all()[0]->record.meter.last.register_wh;
        });
        return last;
    }
    std::vector<std::string> orphans() {
        std::vector<std::string> kinds;
        m_site.on_loop([&] {
            for (const Orphan& orphan : m_site.bridge().core().orphans().all()) {
                kinds.push_back(orphan.kind);
            }
        });
        return kinds;
    }

private:
    Harness m_site;
    Charger m_charger;
};

using Kinds = std::vector<std::string>;

/// A Start with this register is accepted, its charge begins with the first sample, or is held.
void check_begin(const std::string& begin, const Kinds& kept = {"irregular_message"}) {
    Case sampled;
    const std::int64_t first = sampled.start(begin, time_known());
    sampled.sample(first, 500'100);
    sampled.stop(first, end_known, time_known());
    const std::vector<MeterReading> readings = sampled.billed();
    CHECK(readings.front().register_wh == 500'100);
    CHECK(readings.back().register_wh == 500'700);
    CHECK(sampled.orphans() == kept);

    Case unsampled;
    unsampled.stop(unsampled.start(begin, time_known()), end_known, time_known());
    CHECK(unsampled.held() == Kinds{"meter_begin_missing"});
}

/// A Stop with this register is answered, and its charge held; it is billed when the end stands
/// among the samples of the Stop.
void check_end(const std::string& end, const Kinds& kept = {"irregular_message"}) {
    Case sampled;
    const std::int64_t first = sampled.start(begin_known, time_known());
    sampled.sample(first, 500'400);
    sampled.stop(first, end, time_known());
    CHECK(sampled.held() == Kinds{"meter_end_missing"});
    CHECK(sampled.orphans() == kept);

    Case told;
    const std::string sample =
        R"("transactionData":[{"timestamp":")" + now_text() +
        R"(","sampledValue":[{"value":"500600","context":"Transaction.End"}]}])";
    const std::int64_t second = told.start(begin_known, time_known());
    CHECK(told.ask("StopTransaction", {Case::named(second), end, time_known(), sample}).empty());
    CHECK(told.billed().back().register_wh == 500'600);
}

/// Start and Stop with these times count as of when they came.
void check_time(const std::string& time) {
    Case site;
    const UnixMillis before = SystemClock{}.now();
    const std::int64_t number = site.start(begin_known, time);
    site.stop(number, end_known, time);
    const std::vector<MeterReading> readings = site.billed();
    CHECK(readings.front().time >= before);
    CHECK(readings.back().time <= SystemClock{}.now());
    CHECK(readings.back().register_wh - readings.front().register_wh == 700);
}

}  // namespace

TEST_CASE("1.6 meter baseline null: accepted, the first sample is the begin, else held") {
    check_begin(R"("meterStart":null)");
}
TEST_CASE("1.6 meter baseline missing: accepted, the first sample is the begin, else held") {
    check_begin("");
}
TEST_CASE("1.6 meter baseline as a fraction: accepted, the first sample is the begin, else held") {
    check_begin(R"("meterStart":12.5)");
}
TEST_CASE("1.6 meter baseline as text: accepted, the first sample is the begin, else held") {
    check_begin(R"("meterStart":"5")");
}
TEST_CASE("1.6 meter baseline negative: accepted, the first sample is the begin, else held") {
    check_begin(R"("meterStart":-5)", {});
}

TEST_CASE("1.6 end register null: answered, held without an end among its samples") {
    check_end(R"("meterStop":null)");
}
TEST_CASE("1.6 end register missing: answered, held without an end among its samples") {
    check_end("");
}
TEST_CASE("1.6 end register as a fraction: answered, held without an end among its samples") {
    check_end(R"("meterStop":12.5)");
}
TEST_CASE("1.6 end register as text: answered, held without an end among its samples") {
    check_end(R"("meterStop":"500700")");
}
TEST_CASE("1.6 end register negative: answered, held without an end among its samples") {
    check_end(R"("meterStop":-5)", {});
}

TEST_CASE("1.6 Start and Stop without a time: answered, they count as of when they came") {
    check_time("");
}
TEST_CASE("1.6 Start and Stop with the time null: answered, they count as of when they came") {
    check_time(R"("timestamp":null)");
}
TEST_CASE("1.6 Start and Stop with a number for a time: they count as of when they came") {
    check_time(R"("timestamp":1772352000)");
}
TEST_CASE("1.6 Start and Stop with an unreadable time: they count as of when they came") {
    check_time(R"("timestamp":"soon")");
}

TEST_CASE("1.6 a Start without card or connector: answered Invalid with a number, and kept") {
    const std::string card{R"("idTag":"BBB-1")"};
    const std::string connector{R"("connectorId":1)"};
    struct Form {
        std::string card;
        std::string connector;
        Kinds kept;
    };
    const Kinds nowhere{"irregular_message", "unknown_connector"};
    const std::vector<Form> forms{
        {"", connector, {"irregular_message"}},
        {R"("idTag":null)", connector, {"irregular_message"}},
        {R"("idTag":7)", connector, {"irregular_message"}},
        {card, "", nowhere},
        {card, R"("connectorId":"1")", nowhere},
        {card, R"("connectorId":-1)", nowhere},
        {card, R"("connectorId":70000)", {"unknown_connector"}},
    };
    for (const Form& form : forms) {
        CAPTURE(form.card, form.connector);
        Case site;
        const std::vector<std::string> fields{form.connector, form.card, begin_known, time_known()};
        const std::int64_t number =
            Case::number_of(site.ask("StartTransaction", fields), "Invalid");
        CHECK(site.orphans() == form.kept);
        site.stop(number, end_known, time_known());  // What was taken all the same is kept, too.
        CHECK(site.orphans().size() == form.kept.size() + 1);
        CHECK(site.held().empty());
    }
}

TEST_CASE("1.6 a Stop that names no transaction: answered and kept, and ends no charge") {
    for (const char* const name :
         {"", R"("transactionId":null)", R"("transactionId":"1")", R"("transactionId":1.5)"}) {
        CAPTURE(name);
        Case site;
        const std::int64_t number = site.start(begin_known, time_known());
        CHECK(site.ask("StopTransaction", {name, R"("meterStop":500300)", time_known()}).empty());
        CHECK(site.orphans() == Kinds{"irregular_message", "unknown_stop"});
        site.stop(number, end_known, time_known());
        CHECK(site.billed().back().register_wh == 500'700);
    }
}

TEST_CASE("1.6 MeterValues without a connector: answered, they go by their transaction") {
    Case site;
    const std::int64_t number = site.start(begin_known, time_known());
    const std::string values{R"("meterValue":[{"timestamp":")" + now_text() +
                             R"(","sampledValue":[{"value":"500200"}]}])"};
    CHECK(site.ask("MeterValues", {values}).empty());
    CHECK(site.ask("MeterValues", {Case::named(number), values}).empty());
    CHECK(site.last_register() == 500'200);
}

}  // namespace tally::bridge::test
