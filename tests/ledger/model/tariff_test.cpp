#include "ledger/model/tariff.h"

#include "ledger/model/day_bands.h"
#include "tests/ledger/model/samples.h"

#include <catch2/catch.hpp>

namespace tally {

namespace {

Bytes bytes_of(const Tariff& tariff) {
    Encoder encoder;
    tariff.encode(encoder);
    return std::move(encoder).take();
}

bool decodes(const Bytes& bytes) {
    Decoder decoder{bytes};
    static_cast<void>(Tariff::decode(decoder));
    return decoder.finished();
}

DayBands sample_bands() {
    return {test::currency("CNY"),
            {{0, 4'000, 3'000}, {420, 9'000, 0}, {1'320, 4'000, 3'000}},
            10'000,
            5'000,
            600};
}

}  // namespace

TEST_CASE("a tariff within its bounds is valid, and one beyond any of them is not", "[tariff]") {
    REQUIRE_FALSE(test::sample_tariff().find_problem());
    const auto wrong = [](auto&& change) {
        Tariff tariff = test::sample_tariff();
        change(tariff);
        return tariff.find_problem().value_or("valid");
    };
    CHECK(wrong([](Tariff& t) { t.currency = {}; }) == "currency must be three letters A-Z");
    CHECK(wrong([](Tariff& t) { t.elements.clear(); }) == "must have 1 to 64 elements");
    CHECK(wrong([](Tariff& t) { t.elements.resize(65, t.elements[0]); }) ==
          "must have 1 to 64 elements");
    CHECK(wrong([](Tariff& t) { t.elements.resize(64, t.elements[0]); }) == "valid");
    CHECK(wrong([](Tariff& t) { t.elements[1].components.clear(); }) ==
          "elements[1] must have 1 to 5 price components");
    CHECK(wrong([](Tariff& t) { t.elements[0].components[1].kind = PriceKind::energy; }) ==
          "elements[0] prices energy twice");
    CHECK(wrong([](Tariff& t) { t.elements[0].components[0].kind = PriceKind{6}; }) ==
          "elements[0] is of no known kind");
    CHECK(wrong([](Tariff& t) { t.elements[0].components[0].price = -1; }) != "valid");
    CHECK(wrong([](Tariff& t) { t.elements[0].components[0].price = amount_max + 1; }) != "valid");
    CHECK(wrong([](Tariff& t) { t.elements[0].components[0].vat = vat_max + 1; }) ==
          "elements[0] has a tax rate above 100 %");
    CHECK(wrong([](Tariff& t) { t.elements[0].components[0].step_size = step_size_max + 1; }) !=
          "valid");
    CHECK(wrong([](Tariff& t) { t.min_price->incl_vat = t.min_price->excl_vat - 1; }) != "valid");
    CHECK(wrong([](Tariff& t) { t.max_price->excl_vat = amount_max + 1; }) != "valid");
    CHECK(wrong([](Tariff& t) { t.max_price->excl_vat = 4'999; }) ==
          "min_price is above max_price");
    CHECK(wrong([](Tariff& t) { t.valid_until = -1; }) != "valid");
    CHECK(wrong([](Tariff& t) { t.valid_from = unix_millis_max + 1; }) != "valid");
}

TEST_CASE("restrictions have bounds of their own", "[tariff]") {
    const auto is_valid = [](auto&& change) {
        Tariff tariff = test::sample_tariff();
        change(tariff.elements[2].restrictions);
        return tariff.is_valid();
    };
    using Limits = TariffRestrictions;
    CHECK(is_valid([](Limits& r) { r.start_minute = 1'439; }));
    CHECK_FALSE(is_valid([](Limits& r) { r.start_minute = 1'440; }));
    CHECK_FALSE(is_valid([](Limits& r) { r.end_minute = 0; }));
    CHECK_FALSE(is_valid([](Limits& r) { r.end_minute = 1'441; }));
    CHECK_FALSE(is_valid([](Limits& r) { r.days_of_week = 0; }));
    CHECK_FALSE(is_valid([](Limits& r) { r.days_of_week = 0x80; }));
    CHECK(is_valid([](Limits& r) { r.end_day = local_day_max; }));
    CHECK_FALSE(is_valid([](Limits& r) { r.end_day = local_day_max + 1; }));
    CHECK_FALSE(is_valid([](Limits& r) { r.start_day = -1; }));
    CHECK_FALSE(is_valid([](Limits& r) { r.min_wh = register_wh_max + 1; }));
    CHECK_FALSE(is_valid([](Limits& r) { r.max_current_ua = -1; }));
    CHECK_FALSE(is_valid([](Limits& r) { r.min_power_mw = restriction_max + 1; }));
    CHECK_FALSE(is_valid([](Limits& r) { r.max_duration_s = duration_s_max + 1; }));
    CHECK_FALSE(is_valid([](Limits& r) { r.reservation = ReservationRule{3}; }));
}

TEST_CASE("tariffs are read back from their bytes, and checked", "[tariff]") {
    const Tariff tariff = test::sample_tariff();
    const Bytes bytes = bytes_of(tariff);
    Decoder decoder{bytes};
    CHECK(Tariff::decode(decoder) == tariff);
    CHECK(decoder.finished());
    for (std::size_t length = 0; length < bytes.size(); ++length) {
        Decoder shorter{ByteView{bytes}.first(length)};
        static_cast<void>(Tariff::decode(shorter));
        CHECK_FALSE(shorter.ok());
    }
    SECTION("every restriction has its own place") {
        Tariff all = tariff;
        all.elements[2].restrictions = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, {}};
        const Bytes copy = bytes_of(all);
        Decoder again{copy};
        CHECK(Tariff::decode(again) == all);
    }
    SECTION("an unknown restriction is refused") {
        Tariff one;
        one.currency = test::currency("EUR");
        one.elements = {{{{PriceKind::flat, 1, std::nullopt, 1}}, {}}};
        Bytes raw = bytes_of(one);
        REQUIRE(decodes(raw));
        // Currency 3, counts 4 and 4, component 14, times 4, days and reservation 2: the mask.
        constexpr std::size_t mask_at{3 + 4 + 4 + 14 + 4 + 2};
        raw[mask_at] |= 0x04;
        CHECK_FALSE(decodes(raw));
    }
    SECTION("more elements or components than there may be are refused before they are read") {
        Bytes many = bytes;
        many[6] = 65;
        CHECK_FALSE(decodes(many));
        Bytes components = bytes;
        components[10] = 6;
        CHECK_FALSE(decodes(components));
    }
}

TEST_CASE("readings are read back from their bytes, and checked", "[tariff]") {
    for (const MeterReading& reading :
         {MeterReading{test::sample_time, -840, 12, true, Activity::parking, 11'000},
          MeterReading{test::sample_time, 840, 0, false, Activity::reservation_expired, {}}}) {
        Encoder encoder;
        encode(encoder, reading);
        Decoder decoder{encoder.bytes()};
        CHECK(decode_reading(decoder) == reading);
        CHECK(decoder.finished());
    }
    const auto is_refused = [](const MeterReading& reading) {
        Encoder encoder;
        encode(encoder, reading);
        Decoder decoder{encoder.bytes()};
        static_cast<void>(decode_reading(decoder));
        return !decoder.ok();
    };
    CHECK(is_refused({test::sample_time, 841, 12, true}));
    CHECK(is_refused({-1, 0, 12, true}));
    CHECK(is_refused({0, 0, register_wh_max + 1, true}));
    CHECK(is_refused({0, 0, 0, false, Activity{4}}));
    CHECK(is_refused({0, 0, 0, false, Activity::charging, reading_power_w_max + 1}));
}

TEST_CASE("bands of a day are a tariff of elements, and are printed back", "[tariff][bands]") {
    const DayBands form = sample_bands();
    const Tariff tariff = form.tariff();
    REQUIRE(tariff.is_valid());
    REQUIRE(tariff.elements.size() == 4);
    CHECK(tariff.elements[0].components ==
          std::vector<PriceComponent>{{PriceKind::energy, 4'000, 60'000, 1},
                                      {PriceKind::service, 3'000, 60'000, 1}});
    CHECK(tariff.elements[1].components.size() == 1);
    CHECK(tariff.elements[1].restrictions.start_minute == 420);
    CHECK(tariff.elements[1].restrictions.end_minute == 1'320);
    CHECK(tariff.elements[2].restrictions.end_minute == minutes_per_day);
    CHECK(tariff.elements[3].components ==
          std::vector<PriceComponent>{{PriceKind::flat, 10'000, 60'000, 1},
                                      {PriceKind::time, 5'000, 60'000, 1}});
    CHECK(day_bands_of(tariff) == form);
    CHECK(day_bands_of(day_tariff(form.currency, {{0, 1, 0}})) ==
          DayBands{form.currency, {{0, 1, 0}}, 0, 0, 0});
}

TEST_CASE("a tariff that bands cannot say is not printed as bands", "[tariff][bands]") {
    CHECK_FALSE(day_bands_of(test::sample_tariff()));
    CHECK_FALSE(day_bands_of(Tariff{}));
    const auto changed = [](auto&& change) {
        Tariff tariff = sample_bands().tariff();
        change(tariff);
        return day_bands_of(tariff).has_value();
    };
    CHECK_FALSE(changed([](Tariff& t) { t.elements[0].components[0].vat = 60'001; }));
    CHECK_FALSE(changed([](Tariff& t) { t.elements[0].components[0].vat.reset(); }));
    CHECK_FALSE(changed([](Tariff& t) { t.elements[1].components[0].step_size = 2; }));
    CHECK_FALSE(changed([](Tariff& t) { t.elements[1].restrictions.max_wh = 5; }));
    CHECK_FALSE(changed([](Tariff& t) { t.elements[2].restrictions.end_minute = 1'400; }));
    CHECK_FALSE(changed([](Tariff& t) { t.min_price = PriceLimit{}; }));
}

TEST_CASE("bands are 1 to 32, rising from midnight", "[tariff][bands]") {
    const auto is_valid = [](auto&& change) {
        DayBands form = sample_bands();
        change(form);
        return form.is_valid();
    };
    CHECK(sample_bands().is_valid());
    CHECK_FALSE(is_valid([](DayBands& f) { f.currency = {}; }));
    CHECK_FALSE(is_valid([](DayBands& f) { f.bands.clear(); }));
    CHECK_FALSE(is_valid([](DayBands& f) { f.bands[0].start_minute = 1; }));
    CHECK_FALSE(is_valid([](DayBands& f) { f.bands[1].start_minute = 1'320; }));
    CHECK_FALSE(is_valid([](DayBands& f) { f.bands[2].start_minute = minutes_per_day; }));
    CHECK_FALSE(is_valid([](DayBands& f) { f.bands[1].energy_price = -1; }));
    CHECK_FALSE(is_valid([](DayBands& f) { f.bands[1].service_price = amount_max + 1; }));
    CHECK_FALSE(is_valid([](DayBands& f) { f.start_fee = -1; }));
    CHECK_FALSE(is_valid([](DayBands& f) { f.time_fee = amount_max + 1; }));
    CHECK_FALSE(is_valid([](DayBands& f) { f.tax_rate = tax_rate_max + 1; }));
    DayBands many = sample_bands();
    many.bands.clear();
    for (std::uint16_t i = 0; i < day_bands_max; ++i) {
        many.bands.push_back({i, 1, 1});
    }
    CHECK(many.tariff().is_valid());
    many.bands.push_back({40, 1, 1});
    CHECK_FALSE(many.is_valid());
}

}  // namespace tally
