#pragma once

#include "ledger/base/clock.h"

#include <optional>
#include <string>
#include <string_view>

namespace tally::bridge {

/// Reads RFC 3339 ("2026-03-01T08:00:00.123Z", "+08:00"). A missing zone counts as UTC, because
/// several chargers leave it out. Fractions beyond milliseconds are cut. Nothing on anything else,
/// and outside the years 1970 to 9999.
[[nodiscard]] std::optional<UnixMillis> time_from_text(std::string_view text);

/// "2026-03-01T08:00:00.123Z".
[[nodiscard]] std::string time_to_text(UnixMillis time);

}  // namespace tally::bridge
