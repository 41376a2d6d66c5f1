#pragma once

// Texts that carry bytes, as chargers and their makers write them. Pure.

#include "ledger/base/bytes.h"

#include <optional>
#include <string>
#include <string_view>

namespace tally::bridge {

/// RFC 4648, standard or URL alphabet, with or without padding, white space between the characters
/// allowed. Nothing on any other character, an impossible length, padding that is not at the end,
/// or on unused bits that are not zero.
[[nodiscard]] std::optional<Bytes> bytes_from_base64(std::string_view text);

/// Hexadecimal of either case, white space and colons between the digits allowed. Nothing on an odd
/// number of digits, none at all, or any other character.
[[nodiscard]] std::optional<Bytes> bytes_from_spaced_hex(std::string_view text);

/// Without blanks, tabs and line ends at both ends.
[[nodiscard]] std::string_view trimmed(std::string_view text);

}  // namespace tally::bridge
