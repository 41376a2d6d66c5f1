#pragma once

#include "charger_bridge/ocmf/record.h"

#include <optional>
#include <vector>

namespace tally::bridge {

/// Why a record, or a pair of records, with right signatures still proves no energy to bill.
enum class BillingReason : std::uint8_t {
    format_version,         ///< FV is above 1.4: its rules are not known here
    no_begin,               ///< no reading with TX B
    several_begins,         ///< more than one of the same register
    no_end,                 ///< no reading with TX E, L, R, A or P
    several_ends,           ///< more than one of the same register
    register_not_billable,  ///< no import register of energy: OBIS A=1, C=1, 98h, 9Eh or B0h..C7h,
                            ///< D=8, in Wh or kWh
    obis_differs,           ///< begin and end are of different registers
    unit_differs,           ///< or in different units
    value_unreadable,       ///< RV is missing or not a number of 0 to 2^52 Wh
    end_below_begin,        ///< the register went back
    time_unreadable,        ///< TM is missing or not as specified
    end_before_begin,       ///< in time
    clock_not_relative,     ///< the begin's clock is R, the end's is not
    meter_not_good,         ///< ST of begin or end is not G
    energy_error,           ///< EF of begin or end names E
    exception_reading,      ///< a reading with TX X of that register
    identification_failed,  ///< IL is MISMATCH, INVALID, OUTDATED or UNKNOWN
    meter_serial_missing,   ///< neither MS nor GS
    meter_serial_differs,   ///< between the two records
    page_missing,           ///< PG is missing, or not T or F and a number
    page_not_of_transaction,  ///< PG is F
    page_does_not_follow,     ///< the end record's page is not the one after the begin record's
};
/// snake_case, as in reports.
[[nodiscard]] const char* to_text(BillingReason reason);
[[nodiscard]] const char* explain(BillingReason reason);

/// What a charge is billed by. The readings are those found, also where there are reasons.
struct Billing {
    std::vector<BillingReason> reasons;  ///< none: billable; each once, in order of their values
    std::optional<OcmfReading> begin;
    std::optional<OcmfReading> end;

    [[nodiscard]] bool is_billable() const noexcept { return reasons.empty(); }
};

/// The billing checks of OCMF over one record with begin and end, or over the begin record and
/// the end record (`second`, null: none). Signatures are not looked at.
[[nodiscard]] Billing check_billing(const OcmfRecord& first, const OcmfRecord* second);

/// Whether an OBIS code names a register of imported active energy that may be billed: A-B:C.D.E,
/// then F or not, behind a point or an asterisk. B, E and F are not looked at.
[[nodiscard]] bool is_billable_register(std::string_view obis);

/// Whether such a register counts on from charge to charge (C = 1, B0h, B1h), so that it can be
/// held against a charger's own; the others begin anew with each charge.
[[nodiscard]] bool is_total_register(std::string_view obis);

}  // namespace tally::bridge
