// Which records can be billed, and each reason for which one cannot.

#include "charger_bridge/ocmf/billing.h"

#include "tests/charger_bridge/ocmf/meter_signer.h"

#include <catch2/catch.hpp>

#include <set>

namespace tally::bridge {
namespace {

using Reasons = std::vector<BillingReason>;

OcmfRecord record_of(const PayloadParts& parts) {
    return parsed(record_text(parts.text(), R"("SD":"00")"));
}

Reasons reasons_of(const PayloadParts& parts) {
    return check_billing(record_of(parts), nullptr).reasons;
}

/// With one thing in the general part, the begin or the end changed.
Reasons general(const char* from, const char* to) {
    PayloadParts parts;
    parts.general = with(parts.general, from, to);
    return reasons_of(parts);
}
Reasons at_begin(const char* from, const char* to) {
    PayloadParts parts;
    parts.begin = with(parts.begin, from, to);
    return reasons_of(parts);
}
Reasons at_end(const char* from, const char* to) {
    PayloadParts parts;
    parts.end = with(parts.end, from, to);
    return reasons_of(parts);
}
/// In both readings.
Reasons at_both(const char* from, const char* to) {
    PayloadParts parts;
    parts.begin = with(parts.begin, from, to);
    parts.end = with(parts.end, from, to);
    return reasons_of(parts);
}

PayloadParts begin_part() {
    PayloadParts parts;
    parts.end.clear();
    return parts;
}
PayloadParts end_part() {
    PayloadParts parts;
    parts.general = with(parts.general, "T7", "T8");
    parts.begin.clear();
    return parts;
}
Reasons pair_reasons(const PayloadParts& begin, const PayloadParts& end) {
    const OcmfRecord second = record_of(end);
    return check_billing(record_of(begin), &second).reasons;
}
Reasons pair_with_end(const char* from, const char* to) {
    PayloadParts end = end_part();
    end.general = with(end.general, from, to);
    return pair_reasons(begin_part(), end);
}

}  // namespace

TEST_CASE("a record with begin and end, and a pair of records, can be billed", "[ocmf]") {
    const Billing billing = check_billing(record_of({}), nullptr);
    CHECK(billing.is_billable());
    CHECK(billing.begin->energy_mwh == 1'000'500'000);
    CHECK(billing.end->energy_mwh == 1'011'250'000);
    CHECK(pair_reasons(begin_part(), end_part()).empty());
    for (const char* const end : {R"("TX":"L")", R"("TX":"R")", R"("TX":"A")", R"("TX":"P")"}) {
        CHECK(at_end(R"("TX":"E")", end).empty());
    }
    CHECK(at_end("1011.25", "1000.5").empty());          // nothing was charged
    CHECK(at_end("T09:", "T08:").empty());               // in no time
    CHECK(at_end(R"("EF":"")", R"("EF":"t")").empty());  // time alone is not usable
    CHECK(general(R"("FV":"1.0",)", "").empty());
    CHECK(general("1.0", "1.4").empty());
    CHECK(general("1.0", "1.4.1").empty());
    CHECK(general("1.0", "0.4").empty());
    CHECK(general(R"("MS":"M1",)", "").empty());  // the gateway is the meter
    CHECK(general(R"(,"IL":"TRUSTED")", "").empty());
    CHECK(general("TRUSTED", "HEARSAY").empty());
}

TEST_CASE("begin and end must be there, once", "[ocmf]") {
    CHECK(reasons_of(begin_part()) == Reasons{BillingReason::no_end});
    CHECK(reasons_of(end_part()) == Reasons{BillingReason::no_begin});
    CHECK(at_end(R"("TX":"E")", R"("TX":"C")") == Reasons{BillingReason::no_end});
    CHECK(at_end(R"("TX":"E")", R"("TX":"B")") ==
          Reasons{BillingReason::several_begins, BillingReason::no_end});
    CHECK(at_begin(R"("TX":"B")", R"("TX":"E")") ==
          Reasons{BillingReason::no_begin, BillingReason::several_ends});
    PayloadParts whole_end = end_part();
    whole_end.begin = PayloadParts{}.begin;
    CHECK(pair_reasons(begin_part(), whole_end) == Reasons{BillingReason::several_begins});
    CHECK(pair_reasons({}, end_part()) == Reasons{BillingReason::several_ends});
}

TEST_CASE("only a register of imported energy is billed, the same at begin and end", "[ocmf]") {
    CHECK(at_both("1-b:1.8.0", "1-b:2.8.0") == Reasons{BillingReason::register_not_billable});
    CHECK(at_both("kWh", "sec") == Reasons{
                                       BillingReason::register_not_billable,
                                   });
    CHECK(at_end("1-b:1.8.0", "1-b:1.8.1") == Reasons{BillingReason::obis_differs});
    CHECK(at_end("kWh", "Wh") ==
          Reasons{BillingReason::unit_differs, BillingReason::end_below_begin});
    PayloadParts parts;
    parts.begin += R"(},{"RV":4.4,"RI":"1-0:2.8.0")";
    parts.end += R"(},{"RV":30,"RI":"01-00:00.08.06.FF","RU":"sec")";
    CHECK(reasons_of(parts).empty());  // exported energy and a duration beside it
}

TEST_CASE("the OBIS codes of imported energy are known in all their spellings", "[ocmf]") {
    for (const char* const code :
         {"1-b:1.8.0", "1-b:1.8.e", "1-0:1.8.0*198", "01-00:01.08.00.FF", "1-0:1.8.0*255",
          "01-00:98.08.00.FF", "01-00:9E.08.00*FF", "01-00:9e.08.00*FF", "1-0:B0.8.0",
          "01-00:B2.08.00*FF", "01-00:C7.08.00.FF", "1-0:152.8.0*255", "1-0:199.8.0"}) {
        INFO(code);
        CHECK(is_billable_register(code));
    }
    for (const char* const code : {"",
                                   "1",
                                   "1-",
                                   "1-0",
                                   "1-0:1",
                                   "1-0:1.8",
                                   "1-0:1.8.",
                                   "1-0:2.8.0",
                                   "1-0:16.8.0",
                                   "1-0:1.7.0",
                                   "1-0:1.6.0",
                                   "2-0:1.8.0",
                                   "0-0:1.8.0",
                                   "01-00:00.08.06.FF",
                                   "1-0:AF.8.0",
                                   "1-0:C8.8.0",
                                   "1-0:97.8.0",
                                   "1-0:200.8.0",
                                   "1-0:1000.8.0",
                                   "x-0:1.8.0",
                                   "1-0:1 .8.0",
                                   "1:0-1.8.0"}) {
        INFO(code);
        CHECK_FALSE(is_billable_register(code));
    }
}

TEST_CASE("value and time must be readable and go forward", "[ocmf]") {
    CHECK(at_end("1011.25", "1000.4") == Reasons{BillingReason::end_below_begin});
    CHECK(at_end("1011.25", "-1") == Reasons{BillingReason::value_unreadable});
    CHECK(at_end("1011.25", "1e99") == Reasons{BillingReason::value_unreadable});
    CHECK(at_end(R"("RV":1011.25,)", "") == Reasons{BillingReason::value_unreadable});
    CHECK(at_begin("1000.5", "\" 1000.5\"").empty());
    CHECK(at_end("T09:", "T07:") == Reasons{BillingReason::end_before_begin});
    CHECK(at_end("+0000", "+0200") == Reasons{BillingReason::end_before_begin});
    CHECK(at_begin("T08:", "T28:") == Reasons{BillingReason::time_unreadable});
}

TEST_CASE("a charge that is timed from its begin must be timed so at its end", "[ocmf]") {
    CHECK(at_begin("+0000 S", "+0000 R") == Reasons{BillingReason::clock_not_relative});
    CHECK(at_both("+0000 S", "+0000 R").empty());
    CHECK(at_end("+0000 S", "+0000 R").empty());
}

TEST_CASE("a meter or reading that is marked as wrong is not billed", "[ocmf]") {
    CHECK(at_begin(R"("ST":"G")", R"("ST":"E")") == Reasons{BillingReason::meter_not_good});
    CHECK(at_end(R"("ST":"G")", R"("ST":"M")") == Reasons{BillingReason::meter_not_good});
    CHECK(at_begin(R"("EF":"")", R"("EF":"Et")") == Reasons{BillingReason::energy_error});
    CHECK(at_end(R"("EF":"")", R"("EF":"E")") == Reasons{BillingReason::energy_error});
    PayloadParts parts;
    parts.begin += R"(},{"TX":"X","RV":1001)";
    CHECK(reasons_of(parts) == Reasons{BillingReason::exception_reading});
}

TEST_CASE("a driver whose identification failed is not billed", "[ocmf]") {
    for (const char* const level : {"MISMATCH", "INVALID", "OUTDATED", "UNKNOWN"}) {
        CHECK(general("TRUSTED", level) == Reasons{BillingReason::identification_failed});
        CHECK(pair_with_end("TRUSTED", level) == Reasons{BillingReason::identification_failed});
    }
}

TEST_CASE("meter, pages and version must be stated and fit", "[ocmf]") {
    CHECK(general(R"("GS":"G1",)", "").empty());
    CHECK(general(R"("GS":"G1","PG":"T7","MS":"M1")", R"("PG":"T7")") ==
          Reasons{BillingReason::meter_serial_missing});
    CHECK(pair_with_end("M1", "M2") == Reasons{BillingReason::meter_serial_differs});
    for (const char* const page : {"", "7", "T", "X7", "T-7", "T7a", "T99999999999999999999"}) {
        INFO(page);
        CHECK(general("T7", page) == Reasons{BillingReason::page_missing});
    }
    CHECK(general("T7", "F7") == Reasons{BillingReason::page_not_of_transaction});
    CHECK(pair_with_end("T8", "T9") == Reasons{BillingReason::page_does_not_follow});
    CHECK(pair_with_end("T8", "T7") == Reasons{BillingReason::page_does_not_follow});
    CHECK(pair_with_end("T8", "T0") == Reasons{BillingReason::page_does_not_follow});
    for (const char* const version : {"1.5", "2.0", "2", "x", "1.x", "."}) {
        INFO(version);
        CHECK(general("1.0", version) == Reasons{BillingReason::format_version});
    }
}

TEST_CASE("every reason has a name of its own and words", "[ocmf]") {
    std::set<std::string> names;
    for (unsigned value = 0; value <= static_cast<unsigned>(BillingReason::page_does_not_follow);
         ++value) {
        const auto reason = static_cast<BillingReason>(value);
        names.insert(to_text(reason));
        CHECK(!std::string{explain(reason)}.empty());
    }
    CHECK(names.size() == static_cast<std::size_t>(BillingReason::page_does_not_follow) + 1);
    CHECK(std::string{to_text(BillingReason::page_does_not_follow)} == "page_does_not_follow");
    CHECK(std::string{to_text(BillingReason::energy_error)} == "energy_error");
}

}  // namespace tally::bridge
