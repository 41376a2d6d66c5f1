// What `tally rate` takes from JSON, and what it refuses.

#include "ledger/model/day_bands.h"
#include "node/config/json_text.h"
#include "node/config/ocpi_fields.h"
#include "node/config/tariff_json.h"
#include "tests/ledger/model/samples.h"
#include "tools/rate/cdr.h"
#include "tools/rate/report.h"
#include "tools/rate/time_zone.h"

#include <boost/json/serialize.hpp>
#include <catch2/catch.hpp>

#include <string>

namespace tally::tools {

namespace json = boost::json;

namespace {

constexpr std::int64_t hour{3'600'000};
constexpr const char* eur{R"("currency":"EUR")"};

Expected<Tariff, std::string> tariff_of(const std::string& text) {
    const auto document = node::parse_json(text);
    if (!document) {
        return Unexpected{document.error()};
    }
    node::JsonProblems problems;
    Tariff tariff = node::tariff_from_json(*document, "", problems);
    if (problems.any()) {
        return Unexpected{problems.first()};
    }
    CHECK(tariff.is_valid());
    return tariff;
}

std::string tariff_error(const std::string& text) {
    const auto tariff = tariff_of(text);
    return tariff ? "accepted" : tariff.error();
}

std::string with_component(const std::string& fields) {
    return std::string{"{"} + eur + R"(,"elements":[{"price_components":[{)" + fields + "}]}]}";
}

std::string with_restriction(const std::string& fields) {
    return std::string{"{"} + eur +
           R"(,"elements":[{"price_components":[{"type":"FLAT","price":1,"step_size":1}],)" +
           R"("restrictions":{)" + fields + "}}]}";
}

std::string with_top(const std::string& fields) {
    return std::string{"{"} + eur +
           R"(,"elements":[{"price_components":[{"type":"FLAT","price":1,"step_size":1}]}],)" +
           fields + "}";
}

/// A record of one period from 12:00 to 13:00 with these dimensions.
std::string with_dimensions(const std::string& dimensions) {
    return std::string{"{"} + eur +
           R"(,"start_date_time":"2024-01-01T12:00:00Z","end_date_time":"2024-01-01T13:00:00Z",)" +
           R"("charging_periods":[{"start_date_time":"2024-01-01T12:00:00Z","dimensions":[)" +
           dimensions + "]}]}";
}

std::string dimension(const std::string& type, const std::string& volume) {
    return R"({"type":")" + type + R"(","volume":)" + volume + "}";
}

CdrPeriod period_of(const std::string& dimensions) {
    const auto cdr = cdr_from_json(with_dimensions(dimensions));
    INFO((cdr ? "" : cdr.error()));
    REQUIRE(cdr);
    return cdr->periods.front();
}

std::string cdr_error(const std::string& text) {
    const auto cdr = cdr_from_json(text);
    return cdr ? "accepted" : cdr.error();
}

TimeZone zone(const char* name) {
    auto found = TimeZone::named(name);
    REQUIRE(found);
    return *found;
}

}  // namespace

TEST_CASE("an OCPI tariff is read exactly", "[rate]") {
    const auto tariff = tariff_of(R"({"country_code":"DE","currency":"EUR","type":"REGULAR",
        "min_price":{"excl_vat":0.5,"incl_vat":null},
        "max_price":{"excl_vat":100.1234,"incl_vat":120},
        "start_date_time":"2019-06-30T23:59:59Z","end_date_time":null,"energy_mix":{"x":[1]},
        "elements":[{"price_components":[
            {"type":"ENERGY","price":0.2525,"vat":8.875,"step_size":100},
            {"type":"TIME","price":1000000000,"vat":null,"step_size":0},
            {"type":"SERVICE","price":0.1,"step_size":1}],
          "restrictions":{"start_time":"22:30","end_time":"00:00","start_date":"2024-02-29",
            "end_date":"9999-12-31","min_kwh":0.001,"max_kwh":20.5,"min_current":0.000001,
            "max_current":32.0,"min_power":11,"max_power":22.05,"min_duration":60,
            "max_duration":3600,"day_of_week":["MONDAY","SUNDAY"],
            "reservation":"RESERVATION_EXPIRES"}},
         {"price_components":[{"type":"PARKING_TIME","price":2.0,"step_size":900}],
          "restrictions":null}]})");
    INFO((tariff ? "" : tariff.error()));
    REQUIRE(tariff);
    CHECK(tariff->min_price == PriceLimit{5'000, std::nullopt});
    CHECK(tariff->max_price == PriceLimit{1'001'234, 1'200'000});
    CHECK(tariff->valid_from == 1'561'939'199'000);
    CHECK_FALSE(tariff->valid_until);
    REQUIRE(tariff->elements.size() == 2);
    CHECK(tariff->elements[0].components ==
          std::vector<PriceComponent>{{PriceKind::energy, 2'525, 88'750, 100},
                                      {PriceKind::time, amount_max, std::nullopt, 0},
                                      {PriceKind::service, 1'000, std::nullopt, 1}});
    TariffRestrictions limits;
    limits.start_minute = 1'350;
    limits.days_of_week = 0x41;
    limits.start_day = 19'782;
    limits.end_day = 2'932'896;
    limits.min_wh = 1;
    limits.max_wh = 20'500;
    limits.min_current_ua = 1;
    limits.max_current_ua = 32'000'000;
    limits.min_power_mw = 11'000'000;
    limits.max_power_mw = 22'050'000;
    limits.min_duration_s = 60;
    limits.max_duration_s = 3'600;
    limits.reservation = ReservationRule::reservation_expires;
    CHECK(tariff->elements[0].restrictions == limits);
    CHECK(tariff->elements[1].restrictions == TariffRestrictions{});
}

TEST_CASE("a tariff is read back from what is shown of it", "[rate]") {
    const Tariff bands = day_tariff(test::currency("CNY"), {{0, 1, 2}, {7, 3, 0}}, 600);
    for (const Tariff& tariff : {test::sample_tariff(), bands}) {
        const auto again = tariff_of(json::serialize(node::tariff_to_json(tariff)));
        INFO((again ? "" : again.error()));
        REQUIRE(again);
        CHECK(*again == tariff);
    }
    CHECK(node::tariff_to_json(bands).contains("bands"));
    CHECK(node::tariff_to_json(test::sample_tariff()).contains("elements"));
}

TEST_CASE("a wrong tariff is refused with place, value and rule", "[rate]") {
    const std::string component{"/elements/0/price_components/0/"};
    const std::vector<std::pair<std::string, std::string>> refused{
        {"[]", "document: must be an object"},
        {R"({"elements":[]})", "/currency: is missing"},
        {R"({"currency":"EUR","elements":[]})", "/elements: has 0 items, but must be"},
        {R"({"currency":"EUR","elements":null})", "/elements: is missing"},
        {R"({"currency":"EUR","elements":{}})", "/elements: must be a list of 1 to 64 items"},
        {R"({"currency":"eur","elements":[1]})", R"(/currency: is "eur", but must be)"},
        {R"({"currency":5,"elements":[1]})", "/currency: is 5, but must be a text"},
        {R"({"currency":"EUR","elements":[7]})", "/elements/0: must be an object"},
        {R"({"currency":"EUR","elements":[{}]})", "/elements/0/price_components: is missing"},
        {with_component(R"("price":1,"step_size":1)"), component + "type: is missing"},
        {with_component(R"("type":"energy","price":1,"step_size":1)"),
         component + R"(type: is "energy", but must be ENERGY)"},
        {with_component(R"("type":"FLAT","step_size":1)"), component + "price: is missing"},
        {with_component(R"("type":"FLAT","price":0.12345,"step_size":1)"), "at most 4 decimals"},
        {with_component(R"("type":"FLAT","price":-1,"step_size":1)"),
         component + "price: is -1, but must be a number from 0 to 1000000000"},
        {with_component(R"("type":"FLAT","price":1e10,"step_size":1)"), component + "price"},
        {with_component(R"("type":"FLAT","price":true,"step_size":1)"), component + "price"},
        {with_component(R"("type":"FLAT","price":1)"), component + "step_size: is missing"},
        {with_component(R"("type":"TIME","price":1,"step_size":0.5)"), component + "step_size"},
        {with_component(R"("type":"TIME","price":1,"step_size":1,"vat":100.0001)"),
         component + "vat"},
        {with_component(R"("type":"TIME","price":1,"step_size":1,"price_round":{})"),
         component + "price_round: is not a key of OCPI 2.2.1 here"},
        {with_component(
             R"("type":"FLAT","price":1,"step_size":1},{"type":"FLAT","price":2,"step_size":1)"),
         "/elements/0/price_components/1/type: an element may price each type once"},
        {with_restriction(R"("min_kwh":0.0005)"), "/elements/0/restrictions/min_kwh: is "},
        {with_restriction(R"("min_soc":5)"), "/elements/0/restrictions/min_soc: is not a key"},
        {with_restriction(R"("start_time":"24:00")"),
         "start_time: is \"24:00\", but must be a time"},
        {with_restriction(R"("start_time":"7:00")"), "start_time"},
        {with_restriction(R"("end_time":60)"), "end_time"},
        {with_restriction(R"("start_date":"2023-02-29")"), "start_date"},
        {with_restriction(R"("end_date":"1969-12-31")"), "end_date"},
        {with_restriction(R"("max_duration":1.5)"), "max_duration"},
        {with_restriction(R"("day_of_week":["FUNDAY"])"), "day_of_week"},
        {with_restriction(R"("day_of_week":"MONDAY")"), "day_of_week"},
        {with_restriction(R"("reservation":"RESERVED")"), "reservation"},
        {with_top(R"("min_price":{"incl_vat":1})"), "/min_price/excl_vat: is missing"},
        {with_top(R"("min_price":{"excl_vat":1,"incl_vat":0.9})"), "/min_price/incl_vat"},
        {with_top(R"("min_price":{"excl_vat":2},"max_price":{"excl_vat":1})"),
         "tariff: min_price is above max_price"},
        {with_top(R"("tax_included":"YES")"), "/tax_included"},
        {with_top(R"("end_date_time":"never")"), "/end_date_time"},
        {R"({"currency":"EUR","currency":"EUR"})", "currency: is given twice"},
        {std::string(100, '['), "not JSON"},
    };
    for (const auto& [text, wanted] : refused) {
        INFO(text);
        const std::string error = tariff_error(text);
        INFO(error);
        CHECK(error.find(wanted) != std::string::npos);
    }
    CHECK(tariff_error(with_restriction(R"("day_of_week":[],"min_kwh":null)")) == "accepted");
}

TEST_CASE("64 elements are read, and 65 are refused", "[rate]") {
    const auto with_elements = [](std::size_t count) {
        std::string list;
        for (std::size_t i = 0; i < count; ++i) {
            list +=
                (list.empty() ? "" : ",") +
                std::string{R"({"price_components":[{"type":"FLAT","price":1,"step_size":1}]})"};
        }
        return R"({"currency":"EUR","elements":[)" + list + "]}";
    };
    CHECK(tariff_error(with_elements(64)) == "accepted");
    CHECK(tariff_error(with_elements(65)) ==
          "/elements: has 65 items, but must be a list of 1 to 64 items");
}

TEST_CASE("dates and times follow RFC 3339", "[rate]") {
    using node::date_time_from_text;
    CHECK(date_time_from_text("1970-01-01T00:00:00Z") == 0);
    CHECK(date_time_from_text("2024-02-29T23:59:59.999Z") == 1'709'251'199'999);
    CHECK(date_time_from_text("2024-02-29T23:59:59.9999999Z") == 1'709'251'199'999);
    CHECK(date_time_from_text("2015-06-29T22:39:09+02:00") ==
          date_time_from_text("2015-06-29T20:39:09"));
    CHECK(date_time_from_text("2015-06-29T20:39:09-00:30") ==
          date_time_from_text("2015-06-29t21:09:09z"));
    CHECK(date_time_from_text("2015-06-29T20:39:09.5Z") ==
          *date_time_from_text("2015-06-29T20:39:09Z") + 500);
    CHECK(date_time_from_text("9999-12-31T23:59:59Z") == unix_millis_max - 999);
    for (const char* wrong :
         {"", "2015-06-29", "2015-06-29 20:39:09Z", "2015-6-29T20:39:09Z", "2015-06-31T20:39:09Z",
          "2015-13-01T20:39:09Z", "2015-06-29T24:00:00Z", "2015-06-29T20:60:00Z",
          "2015-06-29T20:39:60Z", "2015-06-29T20:39:09.Z", "2015-06-29T20:39:09+2:00",
          "2015-06-29T20:39:09Zx", "1969-12-31T23:59:59Z", "1970-01-01T00:00:00+00:01",
          "9999-12-31T23:59:59-01:00", "20150629T203909Z"}) {
        INFO(wrong);
        CHECK_FALSE(date_time_from_text(wrong));
    }
    for (const UnixMillis time : {UnixMillis{0}, UnixMillis{1'709'251'199'999}, unix_millis_max}) {
        CHECK(date_time_from_text(node::date_time_to_text(time)) == time);
    }
    for (const std::int32_t day : {0, 58, 59, 60, 11'016, 19'782, 2'932'896}) {
        CHECK(node::day_from_text(node::day_to_text(day)) == day);
    }
}

TEST_CASE("volumes are exact, and what has too many digits is rounded with a note", "[rate]") {
    const CdrPeriod period =
        period_of(dimension("ENERGY", "0.1152") + "," + dimension("TIME", "0.5") + "," +
                  dimension("PARKING_TIME", "0.25") + "," + dimension("MAX_CURRENT", "-16.5"));
    CHECK(period.energy_mwh == 115'200);
    CHECK(period.charging_ms == hour / 2);
    CHECK(period.parking_ms == hour / 4);
    CHECK(period.max_current_ua == -16'500'000);
    CHECK(period.min_current_ua == -16'500'000);
    CHECK(period.max_power_mw == 230'400);
    const auto cdr = cdr_from_json(with_dimensions(dimension("ENERGY", "0.12345678")));
    REQUIRE(cdr);
    CHECK(cdr->periods[0].energy_mwh == 123'457);
    CHECK(cdr->notes.size() == 1);
}

TEST_CASE("a volume of time is the clock's when it only rounds it", "[rate]") {
    const auto charging = [](const char* volume) {
        return *period_of(dimension("TIME", volume)).charging_ms;
    };
    CHECK(charging("1") == hour);
    CHECK(charging("0.9996") == hour - 1'440);
    CHECK(charging("0.9995") == hour - 1'800);
    CHECK(charging("0.99996") == hour - 144);
    CHECK(charging("0.999999999") == hour);
    CHECK(charging("0.9999") == hour - 360);
    CHECK(charging("1.25") == hour + hour / 4);
    const std::string nothing_else = GENERATE("", R"(,{"type":"PARKING_TIME","volume":0})");
    const auto minutes = cdr_from_json(
        std::string{"{"} + eur +
        R"(,"start_date_time":"2024-01-01T12:00:00Z","end_date_time":"2024-01-01T12:10:00Z",
        "charging_periods":[{"start_date_time":"2024-01-01T12:00:00Z",
        "dimensions":[{"type":"TIME","volume":0.1667})" +
        nothing_else + "]}]}");
    REQUIRE(minutes);
    CHECK(minutes->periods[0].charging_ms == 600'000);
}

TEST_CASE("what is known of the first period holds for the time before it", "[rate]") {
    Cdr cdr;
    cdr.begin = *node::date_time_from_text("2024-01-01T10:00:00Z");
    cdr.end = cdr.begin + hour;
    CdrPeriod period;
    period.begin = cdr.begin + 1'000;
    period.energy_mwh = 22'000'000;
    period.charging_ms = hour - 1'000;
    period.min_power_mw = 22'000'000;
    period.max_power_mw = 22'000'000;
    cdr.periods = {period};
    const auto periods = rating_periods(cdr, zone("UTC"));
    REQUIRE(periods);
    REQUIRE(periods->size() == 2);
    CHECK(periods->at(0).max_power_mw == 22'000'000);
}

TEST_CASE("a wrong record is refused with place, value and rule", "[rate]") {
    const std::string good = with_dimensions(dimension("TIME", "1"));
    REQUIRE(cdr_error(good) == "accepted");
    const auto changed = [&good](const std::string& from, const std::string& to) {
        std::string text = good;
        const std::size_t at = text.rfind(from);
        REQUIRE(at != std::string::npos);
        return text.replace(at, from.size(), to);
    };
    const std::string place{"/charging_periods/0/dimensions/0/volume: "};
    const std::vector<std::pair<std::string, std::string>> refused{
        {"", "not JSON"},
        {"null", "document: must be an object"},
        {changed(R"("currency":"EUR",)", ""), "/currency: is missing"},
        {changed(R"("end_date_time":"2024-01-01T13:00:00Z",)", ""), "/end_date_time: is missing"},
        {changed("T13:00:00Z", "T11:00:00Z"), "/end_date_time: is "},
        {changed(R"("charging_periods":[{)", R"("charging_periods":[],"x":[{)"),
         "/charging_periods: has 0 items"},
        {changed(R"(Z","dimensions")", R"(+01:00","dimensions")"),
         "/charging_periods/0/start_date_time: must not be before"},
        {changed(R"(12:00:00Z","dimensions")", R"(13:00:01Z","dimensions")"),
         "/charging_periods/0/start_date_time: must not be before"},
        {changed(R"("start_date_time":"2024-01-01T12:00:00Z","dim)", R"("dim)"),
         "/charging_periods/0/start_date_time: is missing"},
        {with_dimensions(""), "/charging_periods/0/dimensions: has 0 items"},
        {with_dimensions("5"), "/charging_periods/0/dimensions/0: must be an object"},
        {with_dimensions(R"({"type":"TIME"})"), place + "is missing"},
        {with_dimensions(R"({"volume":1})"), "/charging_periods/0/dimensions/0/type: is missing"},
        {with_dimensions(dimension("TIME", "null")), place + "is missing"},
        {with_dimensions(dimension("TIME", "\"one\"")), place + "is \"one\", but must be"},
        {with_dimensions(dimension("TIME", "-0.1")), place},
        {with_dimensions(dimension("TIME", "9601")), place + "is 9601, but must be a number"},
        {with_dimensions(dimension("ENERGY", "1e300")), place},
        {with_dimensions(dimension("ENERGY", "1000000000.1")), place},
        {with_dimensions(dimension("ENERGY", "[1]")), place},
        {with_dimensions(dimension("TIME", "1") + "," + dimension("TIME", "1")),
         "/charging_periods/0/dimensions/1/type: is \"TIME\", but must be given once"},
    };
    for (const auto& [text, wanted] : refused) {
        INFO(text);
        const std::string error = cdr_error(text);
        INFO(error);
        CHECK(error.find(wanted) != std::string::npos);
    }
    CHECK(cdr_error(with_dimensions(dimension("ENERGY", "1e400"))) != "accepted");
    CHECK(cdr_error(std::string(cdr_json_bytes_max + 1, ' ')) == "larger than 16 MiB");
    std::string many = dimension("ENERGY_IMPORT", "1");
    for (std::size_t i = 1; i < dimensions_max; ++i) {
        many += "," + dimension("ENERGY_IMPORT", "1");
    }
    CHECK(cdr_error(with_dimensions(many)) == "accepted");
    CHECK(cdr_error(with_dimensions(many + "," + dimension("TIME", "1"))) != "accepted");
}

TEST_CASE("as many periods as the bound says are read", "[rate]") {
    const auto with_periods = [](std::size_t count) {
        std::string list;
        for (std::size_t i = 0; i < count; ++i) {
            list += (list.empty() ? "" : ",") +
                    std::string{R"({"start_date_time":"2024-01-01T12:00:00Z","dimensions":[)"} +
                    dimension("ENERGY", "0.001") + "]}";
        }
        return std::string{"{"} + eur + R"(,"start_date_time":"2024-01-01T12:00:00Z",)" +
               R"("end_date_time":"2024-01-01T12:00:00Z",)" + R"("charging_periods":[)" + list +
               "]}";
    };
    const auto most = cdr_from_json(with_periods(charging_periods_max));
    REQUIRE(most);
    const auto periods = rating_periods(*most, zone("UTC"));
    REQUIRE(periods);
    const auto rating = rate_periods(day_tariff(most->currency, {{0, 10'000, 0}}), *periods);
    REQUIRE(rating);
    CHECK(rating->net == 30'000);
    CHECK(cdr_error(with_periods(charging_periods_max + 1)) != "accepted");
}

TEST_CASE("periods follow from volumes, one activity each", "[rate]") {
    Cdr cdr;
    cdr.begin = 0;
    cdr.end = 3 * hour;
    CdrPeriod period;
    period.begin = hour;
    period.energy_mwh = 5'000;
    period.reservation_ms = hour / 2;
    period.charging_ms = hour;
    period.parking_ms = hour / 2;
    cdr.periods = {period};
    const auto periods = rating_periods(cdr, zone("UTC"));
    REQUIRE(periods);
    REQUIRE(periods->size() == 4);
    CHECK(periods->at(0).activity == Activity::reservation);
    CHECK(periods->at(0).end == hour);
    CHECK(periods->at(0).time_ms == 0);
    CHECK(periods->at(1).activity == Activity::reservation);
    CHECK(periods->at(1).end == hour + hour / 2);
    CHECK(periods->at(1).energy_mwh == 0);
    CHECK(periods->at(2).activity == Activity::charging);
    CHECK(periods->at(2).time_ms == hour);
    CHECK(periods->at(2).energy_mwh == 5'000);
    CHECK(periods->at(3).activity == Activity::parking);
    CHECK(periods->at(3).begin == 2 * hour + hour / 2);
    CHECK(periods->at(3).end == 3 * hour);

    SECTION("a reservation with nothing after it has expired, and uses no energy") {
        CdrPeriod reserved;
        reserved.begin = 0;
        reserved.reservation_ms = hour;
        cdr.periods = {reserved};
        CHECK(rating_periods(cdr, zone("UTC"))->at(0).activity == Activity::reservation_expired);
        cdr.periods[0].energy_mwh = 1;
        CHECK(rating_periods(cdr, zone("UTC")).error() ==
              "/charging_periods/0: has energy in a period of reservation only");
    }
    SECTION("energy without any time is charging") {
        CdrPeriod energy;
        energy.energy_mwh = 7;
        cdr.periods = {energy};
        CHECK(rating_periods(cdr, zone("UTC"))->at(0).activity == Activity::charging);
        cdr.periods[0].parking_ms = hour;
        CHECK(rating_periods(cdr, zone("UTC"))->at(0).energy_mwh == 7);
        CHECK(rating_periods(cdr, zone("UTC"))->at(0).activity == Activity::parking);
    }
}

TEST_CASE("periods are cut where the clocks change", "[rate]") {
    Cdr cdr;
    cdr.begin = *node::date_time_from_text("2024-03-31T00:30:00Z");
    cdr.end = *node::date_time_from_text("2024-03-31T02:00:00Z");
    CdrPeriod period;
    period.begin = cdr.begin;
    period.energy_mwh = 1'000'000;
    period.charging_ms = hour + hour / 2;
    cdr.periods = {period};
    const auto periods = rating_periods(cdr, zone("Europe/Berlin"));
    REQUIRE(periods);
    REQUIRE(periods->size() == 2);
    CHECK(periods->at(0).utc_offset_minutes == 60);
    CHECK(periods->at(0).end == cdr.begin + hour / 2);
    CHECK(periods->at(0).energy_mwh == 333'000);
    CHECK(periods->at(0).time_ms == hour / 2);
    CHECK(periods->at(1).utc_offset_minutes == 120);
    CHECK(periods->at(1).energy_mwh == 667'000);
    CHECK(rating_periods(cdr, zone("Asia/Shanghai"))->at(0).utc_offset_minutes == 480);
    CHECK(rating_periods(cdr, zone("UTC"))->size() == 1);
    CHECK_FALSE(TimeZone::named("Europe/Nowhere"));
    CHECK_FALSE(TimeZone::named(""));
    CHECK_FALSE(TimeZone::named("../../etc/passwd"));
}

TEST_CASE("the answer has money in four places", "[rate]") {
    Rating rating;
    rating.lines = {{LineKind::energy, 20'450'000, 2'500, 100'000, 51'125, 5'113, true},
                    {LineKind::max_price, 1, 50'000, std::nullopt, -1'125, -113, false}};
    rating.net = 50'000;
    rating.tax = 5'000;
    CHECK(rating_json(test::currency("EUR"), rating) ==
          R"({"currency":"EUR","lines":[{"type":"ENERGY","quantity":20.45,"unit":"kWh",)"
          R"("price":0.2500,"vat":10.0000,"excl_vat":5.1125,"vat_amount":0.5113,)"
          R"("incl_vat":5.6238,"estimated":true},{"type":"MAX_PRICE","quantity":1,"unit":"",)"
          R"("price":5.0000,"vat":null,"excl_vat":-0.1125,"vat_amount":-0.0113,)"
          R"("incl_vat":-0.1238,"estimated":false}],)"
          R"("total_cost":{"excl_vat":5.0000,"incl_vat":5.5000}})"
          "\n");
    const std::string text = rating_text(test::currency("EUR"), rating);
    CHECK(text.find("5.6238 *\n") != std::string::npos);
    CHECK(text.find("total EUR") != std::string::npos);
    CHECK(node::parse_json(rating_json(test::currency("EUR"), rating)));
}

}  // namespace tally::tools
