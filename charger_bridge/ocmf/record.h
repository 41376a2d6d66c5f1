#pragma once

// One signed meter record in the Open Charge Metering Format (OCMF, versions up to 1.4):
// OCMF|payload|signature. Pure text to value; docs/protocol/metering.md says what is accepted.

#include "ledger/base/bytes.h"
#include "ledger/base/clock.h"
#include "ledger/base/expected.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tally::bridge {

inline constexpr std::size_t ocmf_record_bytes_max{64UL * 1024};
inline constexpr std::size_t ocmf_readings_max{256};
inline constexpr std::size_t ocmf_text_bytes_max{4096};  ///< of any field that is used

/// TX: why a reading was taken.
enum class ReadingReason : std::uint8_t {
    none,       ///< outside a transaction
    begin,      ///< B
    charging,   ///< C
    exception,  ///< X: from here on energy or time cannot be used
    end,        ///< E, or more exactly L, R, A, P
    suspended,  ///< S
    tariff,     ///< T
};

/// One entry of RD. Fields that it leaves out have the value of the one before it.
struct OcmfReading {
    ReadingReason reason{ReadingReason::none};
    std::optional<UnixMillis> time;  ///< of TM; nothing when it is missing or not as specified
    char clock{'\0'};                ///< U, I, S or R of TM; 0 when there is none
    /// RV of an energy register in mWh, digits beyond that cut; nothing when RV is missing, is not
    /// a decimal number of 0 to 2^52 Wh, or RU is neither Wh nor kWh.
    std::optional<std::int64_t> energy_mwh;
    std::string value;   ///< RV as written, blanks around it removed
    std::string obis;    ///< RI
    std::string unit;    ///< RU
    std::string errors;  ///< EF
    std::string status;  ///< ST
};

/// PG: "T29" is page 29 of the transactions of a meter, "F3" page 3 of other readings.
struct OcmfPage {
    char context{'\0'};
    std::uint64_t number{0};
};

/// The signature section, with the defaults of the format where it says nothing.
struct OcmfSignature {
    std::string algorithm{"ECDSA-secp256r1-SHA256"};  ///< SA
    std::string encoding{"hex"};                      ///< SE
    std::string mime_type{"application/x-der"};       ///< SM
    std::string data;                                 ///< SD
};

struct OcmfRecord {
    std::string payload;  ///< what is signed: the payload section exactly as it was received
    OcmfSignature signature;
    std::string version;         ///< FV; empty: not stated
    std::string gateway_serial;  ///< GS
    std::string meter_serial;    ///< MS
    std::optional<OcmfPage> page;
    std::string identification_level;  ///< IL
    std::vector<OcmfReading> readings;

    /// The meter's serial, or the gateway's when the gateway is the meter and states only its own.
    [[nodiscard]] const std::string& serial() const {
        return meter_serial.empty() ? gateway_serial : meter_serial;
    }
    /// Names the record: signatures can be altered and stay valid, what they are over cannot.
    [[nodiscard]] Hash payload_hash() const;
};

/// Reads one record; white space around it is passed over. The payload ends where its JSON object
/// ends, so that a '|' inside a text does no harm. Fields that are not named here are allowed. The
/// error says what is wrong, and names the field.
[[nodiscard]] Expected<OcmfRecord, std::string> parse_ocmf(std::string_view text);

/// Decimal text of a register in `unit` (Wh or kWh) to mWh: digits, a point, an exponent; blanks
/// around it. Exact; digits beyond 1 mWh are cut. Nothing on anything else, when negative, or above
/// 2^52 Wh.
[[nodiscard]] std::optional<std::int64_t> energy_mwh_from_text(std::string_view value,
                                                               std::string_view unit);

/// "2021-10-26T10:20:52,000+0200 I": the time in UTC and the state of the clock.
struct OcmfTime {
    UnixMillis time{0};
    char clock{'\0'};
};
/// Nothing when the text is not of that form, or outside the years 1970 to 9999.
[[nodiscard]] std::optional<OcmfTime> ocmf_time_from_text(std::string_view text);

}  // namespace tally::bridge
