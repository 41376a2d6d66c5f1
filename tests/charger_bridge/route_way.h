#pragma once

// A route with a charger, upstream and the bridge's sessions played by texts.

#include "charger_bridge/ocpp/v16/translation.h"
#include "charger_bridge/ocpp/v201/translation.h"
#include "charger_bridge/proxy/route.h"

#include <boost/json/parse.hpp>
#include <catch2/catch.hpp>

#include <set>
#include <string>
#include <vector>

namespace tally::bridge::test {

using Texts = std::vector<std::string>;

class Book final : public RoamingBook {
public:
    bool holds_token(const std::string& token) const override { return tokens.contains(token); }
    bool holds_start(const StartFacts& start) const override {
        return starts.contains(start.timestamp);
    }
    bool holds_transaction(const TransactionName& name) const override {
        return transactions.contains(name);
    }
    bool holds_stop(const StopFacts& stop) const override {
        return transactions.contains(stop.transaction);
    }
    bool is_charging(std::uint16_t connector) const override {
        return connectors.contains(connector);
    }
    bool is_any_open() const override { return any_open; }

    std::set<std::string> tokens;
    std::set<std::string> starts;
    std::set<TransactionName> transactions;
    std::set<std::uint16_t> connectors;
    bool any_open{false};
};

inline constexpr const char* prefix{"00000000000000ff-"};

/// A charger's connection with upstream reached, unless told otherwise.
struct Way {
    explicit Way(const Translation& translation = v16::translation(), bool open = true)
        : route{translation, book, aliases, {{"Invalid", "Unknown"}, prefix}, now} {
        if (open) {
            static_cast<void>(route.upstream_opened(now));
        }
    }
    RouteOutput charger(const std::string& text) { return route.from_charger(text, now); }
    RouteOutput upstream(const std::string& text) { return route.from_upstream(text, now); }
    RouteOutput bridge(const std::string& text) { return route.from_bridge(text, now); }

    Book book;
    AliasMap aliases;
    Route::Time now{1'000'000};
    Route route;
};

inline std::string id_of(const std::string& text) {
    return std::string{boost::json::parse(text).at(1).as_string()};
}

inline std::string authorize(const std::string& id, const std::string& token) {
    return R"([2,")" + id + R"(","Authorize",{"idTag":")" + token + R"("}])";
}

inline std::string tag_answer(const std::string& id, const std::string& status) {
    return R"([3,")" + id + R"(",{"idTagInfo":{"status":")" + status + R"("}}])";
}

inline std::string start(const std::string& id, const std::string& token, int connector = 1) {
    return R"([2,")" + id + R"(","StartTransaction",{"connectorId":)" + std::to_string(connector) +
           R"(,"idTag":")" + token + R"(","meterStart":5,"timestamp":"2026-03-01T08:00:00Z"}])";
}

inline std::string start_answer(const std::string& id, std::int64_t number,
                                const std::string& status = "Accepted") {
    return R"([3,")" + id + R"(",{"idTagInfo":{"status":")" + status + R"("},"transactionId":)" +
           std::to_string(number) + "}]";
}

inline std::string values(const std::string& id, std::int64_t number) {
    return R"([2,")" + id + R"(","MeterValues",{"connectorId":1,"transactionId":)" +
           std::to_string(number) +
           R"(,"meterValue":[{"timestamp":"2026-03-01T08:01:00Z",)"
           R"("sampledValue":[{"value":"9"}]}]}])";
}

inline std::string stop(const std::string& id, std::int64_t number) {
    return R"([2,")" + id + R"(","StopTransaction",{"transactionId":)" + std::to_string(number) +
           R"(,"meterStop":9,"timestamp":"2026-03-01T08:02:00Z"}])";
}

inline constexpr const char* boot{
    R"([2,"b","BootNotification",{"chargePointVendor":"v","chargePointModel":"m"}])"};
inline constexpr const char* heartbeat{R"([2,"h","Heartbeat",{}])"};
inline constexpr const char* status_call{
    R"([2,"s","StatusNotification",{"connectorId":1,"errorCode":"NoError","status":"Charging"}])"};

/// A token that upstream does not know and the home operator approves; the swipe is answered.
inline void roam(Way& way, const std::string& token) {
    REQUIRE(way.charger(authorize("ra", token)).to_upstream == Texts{authorize("ra", token)});
    const RouteOutput unknown = way.upstream(tag_answer("ra", "Invalid"));
    REQUIRE(unknown.to_bridge == Texts{authorize("ra", token)});
    REQUIRE(unknown.to_charger.empty());
    REQUIRE(way.bridge(tag_answer("ra", "Accepted")).to_charger ==
            Texts{tag_answer("ra", "Accepted")});
    way.book.tokens.insert(token);
    way.book.any_open = true;
}

}  // namespace tally::bridge::test
