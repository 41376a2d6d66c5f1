#include "charger_bridge/ocmf/billing.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <set>
#include <utility>

namespace tally::bridge {
namespace {

struct ReasonTexts {
    BillingReason reason;
    const char* name;
    const char* text;
};
constexpr std::array<ReasonTexts, 22> reason_texts{{
    {BillingReason::format_version, "format_version",
     "FV is above 1.4, whose rules are not known here"},
    {BillingReason::no_begin, "no_begin", "there is no reading at the begin (TX B)"},
    {BillingReason::several_begins, "several_begins",
     "there is more than one reading at the begin"},
    {BillingReason::no_end, "no_end", "there is no reading at the end (TX E, L, R, A or P)"},
    {BillingReason::several_ends, "several_ends", "there is more than one reading at the end"},
    {BillingReason::register_not_billable, "register_not_billable",
     "begin or end is not of a register of imported energy (RI, RU)"},
    {BillingReason::obis_differs, "obis_differs", "begin and end are of different registers (RI)"},
    {BillingReason::unit_differs, "unit_differs", "begin and end are in different units (RU)"},
    {BillingReason::value_unreadable, "value_unreadable",
     "the value of begin or end is missing or out of range (RV)"},
    {BillingReason::end_below_begin, "end_below_begin", "the register is lower at the end"},
    {BillingReason::time_unreadable, "time_unreadable",
     "the time of begin or end is missing or not as specified (TM)"},
    {BillingReason::end_before_begin, "end_before_begin", "the end is earlier than the begin"},
    {BillingReason::clock_not_relative, "clock_not_relative",
     "the begin's clock is relative (R), the end's is not"},
    {BillingReason::meter_not_good, "meter_not_good", "the meter was not in good order (ST)"},
    {BillingReason::energy_error, "energy_error", "the energy is marked as not usable (EF)"},
    {BillingReason::exception_reading, "exception_reading",
     "there was an error during the charge (TX X)"},
    {BillingReason::identification_failed, "identification_failed",
     "the driver's identification failed (IL)"},
    {BillingReason::meter_serial_missing, "meter_serial_missing",
     "no serial of a meter is stated (MS, GS)"},
    {BillingReason::meter_serial_differs, "meter_serial_differs",
     "begin and end are of different meters (MS)"},
    {BillingReason::page_missing, "page_missing", "the page is missing or unreadable (PG)"},
    {BillingReason::page_not_of_transaction, "page_not_of_transaction",
     "the reading is not of a transaction (PG)"},
    {BillingReason::page_does_not_follow, "page_does_not_follow",
     "the end's page is not the one after the begin's (PG)"},
}};

const ReasonTexts& texts(BillingReason reason) {
    return reason_texts.at(static_cast<std::size_t>(reason));
}

/// One group of an OBIS code. Up to two characters are hexadecimal, as OCMF writes its reserved
/// registers; three are decimal.
std::optional<unsigned> obis_group(std::string_view text) {
    constexpr std::size_t hex_characters{2};
    constexpr std::size_t decimal_characters{3};
    if (text.empty() || text.size() > decimal_characters) {
        return std::nullopt;
    }
    unsigned value{0};
    const int base = text.size() <= hex_characters ? 16 : 10;
    const char* const end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, value, base);
    return error == std::errc{} && stop == end ? std::optional{value} : std::nullopt;
}

/// The text up to `mark`, which is taken away with it; nothing when there is none.
std::optional<std::string_view> take_group(std::string_view& text, char mark) {
    const std::size_t end = text.find(mark);
    if (end == std::string_view::npos || end == 0) {
        return std::nullopt;
    }
    const std::string_view group = text.substr(0, end);
    text.remove_prefix(end + 1);
    return group;
}

constexpr unsigned import_total{1};
constexpr unsigned transaction{0x98};
constexpr unsigned transaction_device{0x9E};
constexpr unsigned reserved_first{0xB0};
constexpr unsigned reserved_total_device{0xB1};
constexpr unsigned reserved_last{0xC7};

/// C of an OBIS code of a register of energy; nothing for anything else.
std::optional<unsigned> imported_quantity(std::string_view obis) {
    constexpr unsigned electricity{1};
    constexpr unsigned time_integral{8};
    const auto medium = take_group(obis, '-');
    const auto channel = medium ? take_group(obis, ':') : std::nullopt;
    const auto quantity = channel ? take_group(obis, '.') : std::nullopt;
    const auto processing = quantity ? take_group(obis, '.') : std::nullopt;
    if (!processing || obis.empty() || obis_group(*medium) != electricity ||
        obis_group(*processing) != time_integral) {
        return std::nullopt;
    }
    return obis_group(*quantity);
}

bool is_known_version(std::string_view version) {
    constexpr unsigned major_max{1};
    constexpr unsigned minor_max{4};
    const auto number = [](std::string_view text) -> std::optional<unsigned> {
        unsigned value{0};
        const char* const end = text.data() + text.size();
        const auto [stop, error] = std::from_chars(text.data(), end, value);
        return error == std::errc{} && stop == end ? std::optional{value} : std::nullopt;
    };
    const std::size_t point = version.find('.');
    const auto major = number(version.substr(0, point));
    const std::string_view rest =
        point == std::string_view::npos ? std::string_view{"0"} : version.substr(point + 1);
    const auto minor = number(rest.substr(0, rest.find('.')));
    return major && minor && (*major < major_max || (*major == major_max && *minor <= minor_max));
}

/// Collects what the two records say about one charge.
class Check {
public:
    Check(const OcmfRecord& first, const OcmfRecord* second) {
        m_records.push_back(&first);
        if (second != nullptr) {
            m_records.push_back(second);
        }
    }

    Billing run() {
        for (const OcmfRecord* record : m_records) {
            check_record(*record);
        }
        check_pair();
        find_begin();
        find_end();
        check_values();
        check_times();
        check_state();
        m_billing.reasons.assign(m_reasons.begin(), m_reasons.end());
        return std::move(m_billing);
    }

private:
    void find(BillingReason reason) { m_reasons.insert(reason); }

    [[nodiscard]] std::vector<const OcmfReading*> readings(ReadingReason reason) const {
        std::vector<const OcmfReading*> found;
        for (const OcmfRecord* record : m_records) {
            for (const OcmfReading& reading : record->readings) {
                if (reading.reason == reason) {
                    found.push_back(&reading);
                }
            }
        }
        return found;
    }

    static bool is_billable(const OcmfReading* reading) {
        return is_billable_register(reading->obis) &&
               (reading->unit == "Wh" || reading->unit == "kWh");
    }

    void check_record(const OcmfRecord& record) {
        static constexpr std::array<std::string_view, 4> failed{"MISMATCH", "INVALID", "OUTDATED",
                                                                "UNKNOWN"};
        if (!record.version.empty() && !is_known_version(record.version)) {
            find(BillingReason::format_version);
        }
        if (std::find(failed.begin(), failed.end(), record.identification_level) != failed.end()) {
            find(BillingReason::identification_failed);
        }
        if (record.serial().empty()) {
            find(BillingReason::meter_serial_missing);
        }
        if (!record.page) {
            find(BillingReason::page_missing);
        } else if (record.page->context != 'T') {
            find(BillingReason::page_not_of_transaction);
        }
    }

    void check_pair() {
        if (m_records.size() < 2) {
            return;
        }
        const OcmfRecord& first = *m_records.front();
        const OcmfRecord& second = *m_records.back();
        if (first.serial() != second.serial()) {
            find(BillingReason::meter_serial_differs);
        }
        if (first.page && second.page &&
            (first.page->context != second.page->context || second.page->number == 0 ||
             second.page->number - 1 != first.page->number)) {
            find(BillingReason::page_does_not_follow);
        }
    }

    /// Other registers, of exported energy or time, are read at the same moments: the first that
    /// may be billed counts.
    void find_begin() {
        const std::vector<const OcmfReading*> begins = readings(ReadingReason::begin);
        if (begins.empty()) {
            find(BillingReason::no_begin);
            return;
        }
        const auto first = std::find_if(begins.begin(), begins.end(), is_billable);
        if (first == begins.end()) {
            find(BillingReason::register_not_billable);
            m_billing.begin = *begins.front();
            return;
        }
        m_billing.begin = **first;
        if (count_same_register(begins, **first) > 1) {
            find(BillingReason::several_begins);
        }
    }

    void find_end() {
        std::vector<const OcmfReading*> ends = readings(ReadingReason::end);
        if (ends.empty()) {
            find(BillingReason::no_end);
            return;
        }
        const auto others = std::remove_if(
            ends.begin(), ends.end(), [](const OcmfReading* end) { return !is_billable(end); });
        if (others == ends.begin()) {
            find(BillingReason::register_not_billable);
            m_billing.end = *ends.front();
            return;
        }
        ends.erase(others, ends.end());
        const OcmfReading* end = ends.front();
        if (m_billing.begin) {
            const auto same = std::find_if(ends.begin(), ends.end(), [this](const auto* reading) {
                return reading->obis == m_billing.begin->obis;
            });
            if (same == ends.end()) {
                find(BillingReason::obis_differs);
            } else {
                end = *same;
            }
        }
        m_billing.end = *end;
        if (count_same_register(ends, *end) > 1) {
            find(BillingReason::several_ends);
        }
    }

    static std::ptrdiff_t count_same_register(const std::vector<const OcmfReading*>& readings,
                                              const OcmfReading& one) {
        return std::count_if(readings.begin(), readings.end(), [&one](const OcmfReading* reading) {
            return reading->obis == one.obis;
        });
    }

    template <typename Visitor>
    void for_both(const Visitor& visitor) const {
        for (const auto* reading : {&m_billing.begin, &m_billing.end}) {
            if (*reading) {
                visitor(**reading);
            }
        }
    }

    void check_values() {
        for_both([this](const OcmfReading& reading) {
            if (is_billable(&reading) && !reading.energy_mwh) {
                find(BillingReason::value_unreadable);
            }
        });
        if (!m_billing.begin || !m_billing.end) {
            return;
        }
        if (m_billing.begin->unit != m_billing.end->unit) {
            find(BillingReason::unit_differs);
        }
        const auto& from = m_billing.begin->energy_mwh;
        const auto& to = m_billing.end->energy_mwh;
        if (from && to && *to < *from) {
            find(BillingReason::end_below_begin);
        }
    }

    void check_times() {
        for_both([this](const OcmfReading& reading) {
            if (!reading.time) {
                find(BillingReason::time_unreadable);
            }
        });
        if (!m_billing.begin || !m_billing.end) {
            return;
        }
        const OcmfReading& begin = *m_billing.begin;
        const OcmfReading& end = *m_billing.end;
        if (begin.time && end.time && *end.time < *begin.time) {
            find(BillingReason::end_before_begin);
        }
        if (begin.clock == 'R' && end.clock != 'R') {
            find(BillingReason::clock_not_relative);
        }
    }

    void check_state() {
        for_both([this](const OcmfReading& reading) {
            if (reading.status != "G") {
                find(BillingReason::meter_not_good);
            }
            if (reading.errors.find('E') != std::string::npos) {
                find(BillingReason::energy_error);
            }
            for (const OcmfReading* exception : readings(ReadingReason::exception)) {
                if (exception->obis == reading.obis) {
                    find(BillingReason::exception_reading);
                }
            }
        });
    }

    std::vector<const OcmfRecord*> m_records;
    std::set<BillingReason> m_reasons;
    Billing m_billing;
};

}  // namespace

const char* to_text(BillingReason reason) { return texts(reason).name; }

const char* explain(BillingReason reason) { return texts(reason).text; }

bool is_billable_register(std::string_view obis) {
    const std::optional<unsigned> c = imported_quantity(obis);
    return c && (*c == import_total || *c == transaction || *c == transaction_device ||
                 (*c >= reserved_first && *c <= reserved_last));
}

bool is_total_register(std::string_view obis) {
    const std::optional<unsigned> c = imported_quantity(obis);
    return c && (*c == import_total || *c == reserved_first || *c == reserved_total_device);
}

Billing check_billing(const OcmfRecord& first, const OcmfRecord* second) {
    return Check{first, second}.run();
}

}  // namespace tally::bridge
