#pragma once

// The signed readings of one charge, from the texts that a charger passes on to what is billed.
// Pure.

#include "charger_bridge/metering/meter_track.h"
#include "charger_bridge/metering/meter_trust.h"
#include "ledger/base/bytes.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tally::bridge {

/// Longest signed record that is looked into; a meter's are a tenth of it.
inline constexpr std::size_t signed_text_bytes_max{16UL * 1024};
/// Records kept of a running charge: one with begin and end, a begin, an end.
inline constexpr std::size_t signed_texts_max{3};
/// Records looked into in one charge; more are a reason for review.
inline constexpr std::uint32_t signed_records_of_charge_max{10'000};

/// What the charger passed on so far. Of all records only those are kept that can still matter.
struct SignedTrack {
    std::vector<std::string> texts;  ///< OCMF records, at most `signed_texts_max`
    std::uint32_t count{0};          ///< records seen
    std::uint32_t invalid{0};        ///< of them unreadable, or not signed by the registered meter
    /// Why one of them cannot be believed: a SignatureVerdict, "unreadable" or "too_large", the
    /// first in the order of the alphabet; empty: all could.
    std::string problem;

    friend bool operator==(const SignedTrack&, const SignedTrack&) = default;
    void encode(Encoder& encoder) const;
    [[nodiscard]] static SignedTrack decode(Decoder& decoder);
};

/// Takes one record, OCMF text or base64 of it. `trust` is null while it is not known whose meter
/// it is; the record is then verified when the charge ends. False when it cannot be believed.
bool add_signed(SignedTrack& track, std::string_view text, const MeterTrust* trust);

enum class SignedVerdict : std::uint8_t {
    billable,      ///< signed, and to be billed by
    not_signed,    ///< no signed begin and end; allowed for this meter
    missing,       ///< the same, and not allowed
    not_billable,  ///< signed by the meter, which marks it as not to be billed
    invalid,       ///< something is not signed by the registered meter
};
[[nodiscard]] const char* to_text(SignedVerdict verdict);

/// What a charge's signed records prove.
struct SignedResult {
    SignedVerdict verdict{SignedVerdict::not_signed};
    std::vector<std::string> reasons;  ///< for review, with the verdict's name in front
    // When billable:
    std::int64_t begin_wh{0};
    std::int64_t end_wh{0};
    /// By the meter's clock; nothing where it is not set (U) or only counts seconds (R).
    std::optional<UnixMillis> begin_time;
    std::optional<UnixMillis> end_time;
    std::vector<Hash> payloads;  ///< SHA-256 of the signed spans: never to be billed again
};

/// Registers are the meter's in whole Wh, fractions cut. A register that begins anew with each
/// charge gives the energy, counted on from `charger_begin_wh`.
[[nodiscard]] SignedResult judge_signed(const SignedTrack& track, const MeterTrust& trust,
                                        std::int64_t charger_begin_wh);

/// Puts what the meter signed (a billable result) in place of the charger's begin and end. The
/// samples between go along with the register, so that price changes keep their place.
void take_signed_readings(const SignedResult& result, MeterTrack& track, MeterReading& end);

}  // namespace tally::bridge
