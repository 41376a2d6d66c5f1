// Steps, reservations, limits and splits inside periods: the rules of OCPI 2.2.1, with the figures
// of its worked examples and our own data.

#include "ledger/model/rating.h"
#include "tests/ledger/model/samples.h"

#include <catch2/catch.hpp>

#include <limits>

namespace tally {

namespace {

constexpr std::int64_t minute{60'000};
constexpr std::int64_t hour{60 * minute};
constexpr std::int64_t day{24 * hour};
constexpr UnixMillis monday{20'003 * day};  // midnight UTC

Tariff tariff_of(std::vector<TariffElement> elements) {
    Tariff tariff;
    tariff.currency = test::currency("EUR");
    tariff.elements = std::move(elements);
    return tariff;
}

TariffElement element(std::vector<PriceComponent> components, TariffRestrictions limits = {}) {
    return {std::move(components), limits};
}

TariffRestrictions between(std::uint16_t start_minute, std::uint16_t end_minute) {
    TariffRestrictions limits;
    limits.start_minute = start_minute;
    limits.end_minute = end_minute;
    return limits;
}

TariffRestrictions reserved(ReservationRule rule) {
    TariffRestrictions limits;
    limits.reservation = rule;
    return limits;
}

/// Periods that follow one another from `begin` on.
class Session {
public:
    explicit Session(UnixMillis begin) : m_now{begin} {}
    Session& add(Activity activity, std::int64_t length_ms, std::int64_t energy_mwh = 0) {
        RatingPeriod period;
        period.begin = m_now;
        period.end = m_now + length_ms;
        period.activity = activity;
        period.time_ms = length_ms;
        period.energy_mwh = energy_mwh;
        m_now = period.end;
        periods.push_back(period);
        return *this;
    }
    std::vector<RatingPeriod> periods;

private:
    UnixMillis m_now;
};

Session charging(std::int64_t length_ms, std::int64_t energy_mwh) {
    return Session{monday + 10 * hour}.add(Activity::charging, length_ms, energy_mwh);
}

struct Totals {
    Money excl{0};
    Money incl{0};
    friend bool operator==(const Totals&, const Totals&) = default;
};
std::ostream& operator<<(std::ostream& out, const Totals& totals) {
    return out << money_to_text(totals.excl) << " / " << money_to_text(totals.incl);
}

Totals totals_of(const Tariff& tariff, const Session& session) {
    const auto rating = rate_periods(tariff, session.periods);
    REQUIRE(rating);
    Totals sum;
    for (const RatedLine& line : rating->lines) {
        sum.excl += line.net;
        sum.incl += line.net + line.tax;
    }
    CHECK(sum == Totals{rating->net, rating->total()});
    return sum;
}

constexpr std::int64_t kwh{1'000'000};
constexpr std::uint32_t vat_10{100'000};
constexpr std::uint32_t vat_20{200'000};

const PriceComponent energy_025{PriceKind::energy, 2'500, vat_10, 1};
const PriceComponent start_050{PriceKind::flat, 5'000, vat_20, 1};

}  // namespace

TEST_CASE("energy, a start fee and parking add up", "[rating][ocpi]") {
    CHECK(totals_of(tariff_of({element({energy_025})}), charging(hour, 20 * kwh)) ==
          Totals{50'000, 55'000});
    const Tariff tariff = tariff_of(
        {element({start_050, energy_025, {PriceKind::parking_time, 20'000, vat_20, 900}})});
    CHECK(totals_of(tariff, charging(hour, 20 * kwh).add(Activity::parking, 40 * minute)) ==
          Totals{70'000, 79'000});
}

TEST_CASE("a price is raised to the least and lowered to the most", "[rating][ocpi]") {
    Tariff tariff = tariff_of({element({energy_025})});
    tariff.min_price = PriceLimit{5'000, 5'500};
    tariff.max_price = PriceLimit{100'000, 110'000};
    CHECK(totals_of(tariff, charging(hour, 1 * kwh)) == Totals{5'000, 5'500});
    CHECK(totals_of(tariff, charging(hour, 2 * kwh)) == Totals{5'000, 5'500});
    CHECK(totals_of(tariff, charging(hour, 20 * kwh)) == Totals{50'000, 55'000});
    CHECK(totals_of(tariff, charging(hour, 41 * kwh)) == Totals{100'000, 110'000});
    CHECK(totals_of(tariff, charging(hour, 0)) == Totals{5'000, 5'500});

    SECTION("with and without tax each by their own bound") {
        tariff.max_price = PriceLimit{100'000, 100'000};
        CHECK(totals_of(tariff, charging(hour, 38 * kwh)) == Totals{95'000, 100'000});
        CHECK(totals_of(tariff, charging(hour, 41 * kwh)) == Totals{100'000, 100'000});
        tariff.min_price = PriceLimit{5'000, 20'000};
        CHECK(totals_of(tariff, charging(hour, 4 * kwh)) == Totals{10'000, 20'000});
    }
    SECTION("without a bound with tax, the tax keeps its proportion") {
        tariff.min_price = PriceLimit{5'000, std::nullopt};
        tariff.max_price = PriceLimit{100'000, std::nullopt};
        CHECK(totals_of(tariff, charging(hour, 1 * kwh)) == Totals{5'000, 5'500});
        CHECK(totals_of(tariff, charging(hour, 80 * kwh)) == Totals{100'000, 110'000});
        CHECK(totals_of(tariff, charging(hour, 0)) == Totals{5'000, 5'000});
    }
}

TEST_CASE("time of parking is rounded up, time of charging before it is not", "[rating][ocpi]") {
    const Tariff tariff = tariff_of({element(
        {{PriceKind::time, 30'000, vat_10, 60}, {PriceKind::parking_time, 50'000, vat_20, 300}})});
    CHECK(totals_of(tariff, charging(150 * minute, 0).add(Activity::parking, 42 * minute)) ==
          Totals{112'500, 127'500});
    // 21 minutes of charging stay 21, 16 of parking become 20.
    const Tariff coarse =
        tariff_of({element({{PriceKind::time, 10'000, std::nullopt, 600},
                            {PriceKind::parking_time, 20'000, std::nullopt, 600}})});
    CHECK(totals_of(coarse, charging(21 * minute, 0).add(Activity::parking, 16 * minute)).excl ==
          3'500 + 6'667);
    // Charging again at the end: now that is the last, and its total is rounded.
    CHECK(totals_of(coarse, charging(21 * minute, 0)
                                .add(Activity::parking, 16 * minute)
                                .add(Activity::charging, 4 * minute))
              .excl == 5'000 + 5'333);
}

TEST_CASE("a step is of the total of the charge and of the last price", "[rating][ocpi]") {
    const Tariff tariff =
        tariff_of({element({{PriceKind::energy, 2'000, std::nullopt, 300}}, between(0, 1'020)),
                   element({{PriceKind::energy, 2'700, std::nullopt, 500}})});
    // 4.3 kWh before 17:00 and 1.1 after: 5.5 in all, so 1.2 after.
    Session session{monday + 16 * hour};
    session.add(Activity::charging, hour, 4'300'000).add(Activity::charging, hour, 1'100'000);
    CHECK(totals_of(tariff, session).excl == 8'600 + 3'240);
    CHECK(totals_of(tariff, charging(hour, 4'301'000)).excl == 9'000);
    SECTION("0 rounds nothing") {
        const Tariff exact = tariff_of({element({{PriceKind::energy, 10'000, std::nullopt, 0}})});
        CHECK(totals_of(exact, charging(hour, 115'200)).excl == 1'152);
    }
    SECTION("1 rounds to whole Wh") {
        // The OCPI text: 115.2 Wh are billed as 116.
        CHECK(totals_of(tariff_of({element({energy_025})}), charging(hour, 115'200)).excl == 290);
    }
    SECTION("time that nobody prices is not rounded") {
        const Tariff until_eight = tariff_of(
            {element({{PriceKind::time, 24'000, std::nullopt, 900},
                      {PriceKind::parking_time, 10'000, std::nullopt, 900}},
                     between(1'020, 1'200)),
             element({{PriceKind::time, 24'000, std::nullopt, 900}}, between(1'200, 1'440))});
        Session evening{monday + 19 * hour + 40 * minute};
        evening.add(Activity::charging, 12 * minute).add(Activity::parking, 20 * minute);
        CHECK(totals_of(until_eight, evening).excl == 4'800 + 2'500);
    }
    SECTION("time is split where its price changes") {
        const Tariff by_clock =
            tariff_of({element({{PriceKind::time, 12'000, std::nullopt, 1'800},
                                {PriceKind::parking_time, 10'000, std::nullopt, 900}},
                               between(0, 1'020)),
                       element({{PriceKind::time, 24'000, std::nullopt, 900},
                                {PriceKind::parking_time, 10'000, std::nullopt, 900}},
                               between(1'020, 1'200))});
        Session afternoon{monday + 16 * hour + 55 * minute};
        afternoon.add(Activity::charging, 10 * minute).add(Activity::parking, 2 * minute);
        CHECK(totals_of(by_clock, afternoon).excl == 1'000 + 2'000 + 2'500);
    }
}

TEST_CASE("a reservation is billed by elements for reservations only", "[rating][ocpi]") {
    using Rule = ReservationRule;
    const TariffElement charge = element({start_050, energy_025});
    const Tariff hourly = tariff_of(
        {element({{PriceKind::time, 50'000, vat_20, 60}}, reserved(Rule::reservation)), charge});
    const Tariff fee = tariff_of(
        {element({{PriceKind::flat, 40'000, vat_20, 1}}, reserved(Rule::reservation_expires)),
         element({{PriceKind::time, 20'000, vat_20, 600}}, reserved(Rule::reservation)), charge});
    const Tariff dearer = tariff_of(
        {element({{PriceKind::time, 60'000, vat_20, 600}}, reserved(Rule::reservation_expires)),
         element({{PriceKind::time, 30'000, vat_20, 600}}, reserved(Rule::reservation)), charge});
    const auto used = [](std::int64_t minutes) {
        return Session{monday}
            .add(Activity::reservation, minutes * minute)
            .add(Activity::charging, hour, 20 * kwh);
    };
    CHECK(totals_of(hourly, used(15)) == Totals{67'500, 76'000});
    CHECK(totals_of(fee, used(22)) == Totals{65'000, 73'000});
    CHECK(totals_of(dearer, used(22)) == Totals{70'000, 79'000});
    const auto expired = [](std::int64_t minutes) {
        return Session{monday}.add(Activity::reservation_expired, minutes * minute);
    };
    CHECK(totals_of(fee, expired(60)) == Totals{60'000, 72'000});
    CHECK(totals_of(dearer, expired(90)) == Totals{90'000, 108'000});
    CHECK(totals_of(hourly, expired(60)) == Totals{50'000, 60'000});

    SECTION("a fee of the reservation and one of the charge are both asked, each once") {
        const Tariff both = tariff_of(
            {element({{PriceKind::flat, 20'000, vat_20, 1}, {PriceKind::time, 50'000, vat_20, 300}},
                     reserved(Rule::reservation)),
             charge});
        CHECK(totals_of(both, used(30).add(Activity::charging, hour, 0)).excl ==
              20'000 + 25'000 + 5'000 + 50'000);
    }
    SECTION("durations of the charge do not count the reservation") {
        TariffRestrictions first_half_hour;
        first_half_hour.max_duration_s = 1'800;
        const Tariff tariff =
            tariff_of({element({{PriceKind::energy, 0, std::nullopt, 1}}, first_half_hour),
                       element({{PriceKind::energy, 10'000, std::nullopt, 1}})});
        CHECK(totals_of(tariff, used(120)).excl == 100'000);
    }
}

TEST_CASE("the first element that holds gives the price of a kind", "[rating][ocpi]") {
    TariffRestrictions slow;
    slow.max_current_ua = 32'000'000;
    TariffRestrictions weekdays;
    weekdays.min_current_ua = 32'000'000;
    weekdays.days_of_week = 0x1f;
    TariffRestrictions weekend = weekdays;
    weekend.days_of_week = 0x60;
    TariffRestrictions office = between(540, 1'080);
    office.days_of_week = 0x1f;
    const Tariff tariff =
        tariff_of({element({{PriceKind::flat, 25'000, 150'000, 1}}),
                   element({{PriceKind::time, 10'000, vat_20, 900}}, slow),
                   element({{PriceKind::time, 20'000, vat_20, 600}}, weekdays),
                   element({{PriceKind::time, 12'500, vat_20, 600}}, weekend),
                   element({{PriceKind::parking_time, 50'000, vat_10, 300}}, office)});
    Session session{monday + 9 * hour + 30 * minute};
    session.add(Activity::charging, 165 * minute).add(Activity::parking, 42 * minute);
    session.periods[0].max_current_ua = 16'000'000;
    session.periods[0].min_current_ua = 16'000'000;
    CHECK(totals_of(tariff, session) == Totals{90'000, 103'000});
    session.periods[0].min_current_ua = 32'000'000;
    session.periods[0].max_current_ua = 32'000'000;
    CHECK(totals_of(tariff, session).excl == 25'000 + 55'000 + 37'500);
    // Between the two: neither holds, so charging is free.
    session.periods[0].min_current_ua = 16'000'000;
    CHECK(totals_of(tariff, session).excl == 25'000 + 37'500);
}

TEST_CASE("durations split a period, and what is free costs nothing", "[rating][ocpi]") {
    TariffRestrictions half;
    half.max_duration_s = 1'800;
    TariffRestrictions whole;
    whole.max_duration_s = 3'600;
    const Tariff tariff = tariff_of({element({{PriceKind::energy, 0, vat_20, 1}}, half),
                                     element({{PriceKind::energy, 2'500, vat_20, 1}}, whole),
                                     element({{PriceKind::energy, 4'000, vat_20, 1}})});
    Session session{monday};
    session.add(Activity::charging, 30 * minute, 5 * kwh);
    session.add(Activity::charging, 10 * minute, 1'200'000);
    CHECK(totals_of(tariff, session).excl == 3'000);
    // One period of 40 minutes and 8 kWh: 2 of them after 30 minutes, and this is an estimate.
    const auto rating = rate_periods(tariff, charging(40 * minute, 8 * kwh).periods);
    REQUIRE(rating);
    REQUIRE(rating->lines.size() == 2);
    CHECK(rating->lines[0] == RatedLine{LineKind::energy, 6 * kwh, 0, vat_20, 0, 0, true});
    CHECK(rating->lines[1] ==
          RatedLine{LineKind::energy, 2 * kwh, 2'500, vat_20, 5'000, 1'000, true});
}

TEST_CASE("a flat price is asked when one first holds", "[rating][ocpi]") {
    TariffRestrictions later;
    later.min_duration_s = 3'600;
    const Tariff tariff = tariff_of({element({{PriceKind::flat, 70'000, std::nullopt, 1}}, later)});
    CHECK(totals_of(tariff, charging(hour, 0)).excl == 0);
    CHECK(totals_of(tariff, charging(hour + 1, 0)).excl == 70'000);
    const Tariff two = tariff_of({element({{PriceKind::flat, 70'000, std::nullopt, 1}}, later),
                                  element({{PriceKind::flat, 5'000, std::nullopt, 1}})});
    CHECK(totals_of(two, charging(2 * hour, 0)).excl == 5'000);
}

TEST_CASE("volumes price, and the clock places them", "[rating][ocpi]") {
    const Tariff tariff =
        tariff_of({element({{PriceKind::time, 36'000, std::nullopt, 1}}, between(0, 660)),
                   element({{PriceKind::time, 72'000, std::nullopt, 1}})});
    // Two hours on the clock from 10:00, one hour billed: half of it on each side of 11:00.
    Session session = charging(2 * hour, 0);
    session.periods[0].time_ms = hour;
    CHECK(totals_of(tariff, session).excl == 18'000 + 36'000);
    session.periods[0].end = session.periods[0].begin;
    CHECK(totals_of(tariff, session).excl == 36'000);
}

TEST_CASE("periods out of their bounds are refused", "[rating][ocpi]") {
    const Tariff tariff = tariff_of({element({energy_025})});
    const auto error_after = [&tariff](auto&& change) {
        Session session = charging(hour, kwh).add(Activity::parking, hour);
        change(session.periods);
        const auto rating = rate_periods(tariff, session.periods);
        return rating ? std::string{"rated"} : std::string{to_text(rating.error())};
    };
    using Periods = std::vector<RatingPeriod>;
    CHECK(error_after([](Periods&) {}) == "rated");
    CHECK(error_after([](Periods& p) { p.clear(); }) == "too_few_readings");
    CHECK(error_after([](Periods& p) { p[0].end = p[0].begin - 1; }) == "not_in_order");
    CHECK(error_after([](Periods& p) { p[1].begin = p[0].end - 1; }) == "not_in_order");
    CHECK(error_after([](Periods& p) { p[1].begin = p[0].end + 1; }) == "rated");
    CHECK(error_after([](Periods& p) { p[0].begin = -1; }) == "out_of_range");
    CHECK(error_after([](Periods& p) { p[1].end = unix_millis_max + 1; }) == "out_of_range");
    CHECK(error_after([](Periods& p) { p[1].end = p[0].begin + 401 * day; }) == "out_of_range");
    CHECK(error_after([](Periods& p) { p[0].utc_offset_minutes = 841; }) == "out_of_range");
    CHECK(error_after([](Periods& p) { p[0].activity = Activity{4}; }) == "out_of_range");
    CHECK(error_after([](Periods& p) { p[0].energy_mwh = -1; }) == "out_of_range");
    CHECK(error_after([](Periods& p) {
              p[0].energy_mwh = register_wh_max * mwh_per_wh;
              p[1].energy_mwh = 1;
          }) == "out_of_range");
    CHECK(error_after([](Periods& p) { p[0].time_ms = 401 * day; }) == "out_of_range");
    CHECK(error_after([](Periods& p) {
              p[0].min_power_mw = std::numeric_limits<std::int64_t>::min();
          }) == "out_of_range");
    CHECK(error_after([](Periods& p) { p[0].energy_mwh = register_wh_max * mwh_per_wh; }) ==
          "overflow");
    CHECK(error_after([](Periods& p) { p.assign(rating_periods_max, RatingPeriod{}); }) == "rated");
    CHECK(error_after([](Periods& p) { p.assign(rating_periods_max + 1, RatingPeriod{}); }) ==
          "out_of_range");
}

TEST_CASE("more parts than a charge may have are refused", "[rating][ocpi]") {
    // 130 borders a day between ever other prices.
    std::vector<TariffElement> elements;
    for (std::uint16_t i = 0; i < tariff_elements_max; ++i) {
        const auto start = static_cast<std::uint16_t>(i * 22);
        elements.push_back(element({{PriceKind::energy, i, std::nullopt, 1}},
                                   between(start, static_cast<std::uint16_t>(start + 11))));
    }
    const Tariff tariff = tariff_of(elements);
    Session hundred{monday};
    hundred.add(Activity::charging, 100 * day, 100'000 * kwh);
    const auto rating = rate_periods(tariff, hundred.periods);
    REQUIRE(rating);
    CHECK(rating->lines.size() == tariff_elements_max);
    CHECK(rating->lines[3].estimated);
    Session all{monday};
    all.add(Activity::charging, rated_days_max * day, kwh);
    CHECK(rate_periods(tariff, all.periods).error() == RatingError::out_of_range);
}

}  // namespace tally
