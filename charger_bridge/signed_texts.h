#pragma once

// The signed meter records in a charge's texts, each with what becomes of its signature: for the
// person who decides about a charge that is held. Pure.

#include "charger_bridge/metering/meter_trust.h"

#include <cstddef>
#include <string>
#include <vector>

namespace tally::bridge {

/// Records judged of one charge, half from its begin and half from its end: a signature takes about
/// a millisecond of the loop's thread.
inline constexpr std::size_t signed_texts_judged_max{64};

struct SignedText {
    std::string text;    ///< the record, cut after `signed_text_bytes_max`
    std::string result;  ///< of `to_text(SignatureVerdict)`, or unreadable, too_large, no_key
    std::string why;     ///< a sentence
};

struct SignedTexts {
    std::vector<SignedText> judged;  ///< in the order in which they came
    std::size_t left_out{0};         ///< from their middle
};
/// `texts`: the raw messages of a charge. Records are verified as when it is billed.
[[nodiscard]] SignedTexts signed_texts_of(const std::vector<std::string>& texts,
                                          const MeterTrust& trust);

}  // namespace tally::bridge
