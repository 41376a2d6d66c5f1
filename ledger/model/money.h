#pragma once

#include "ledger/base/bytes.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tally {

/// An amount in 1/10000 of the currency's unit. May be negative (net positions); amounts in actions
/// never are. Arithmetic is checked: an operation that does not fit 64 bits gives nothing.
using Money = std::int64_t;
inline constexpr Money money_scale{10'000};
/// Largest amount in any action: 1 billion units. Sums of a million million of them still fit
/// 128-bit counters, and accounts refuse to pass 64 bits.
inline constexpr Money amount_max{1'000'000'000 * money_scale};

/// ISO 4217 code: three letters A-Z.
using Currency = FixedBytes<3, struct CurrencyTag>;
[[nodiscard]] std::optional<Currency> currency_from_text(std::string_view text);
[[nodiscard]] std::string to_text(const Currency& currency);
[[nodiscard]] bool is_valid(const Currency& currency) noexcept;

[[nodiscard]] std::optional<Money> checked_add(Money left, Money right) noexcept;
[[nodiscard]] std::optional<Money> checked_subtract(Money left, Money right) noexcept;

/// a * b / divisor, rounded half up (half away from zero for negative results), with a 128-bit
/// intermediate. Nothing when the result does not fit. `divisor` > 0.
[[nodiscard]] std::optional<std::int64_t> multiply_divide_half_up(std::int64_t a, std::int64_t b,
                                                                  std::int64_t divisor) noexcept;

/// Always four decimals: "12.3400", "-0.0001".
[[nodiscard]] std::string money_to_text(Money amount);
/// Digits with at most four decimals, optional minus. Nothing on anything else or overflow.
[[nodiscard]] std::optional<Money> money_from_text(std::string_view text);

}  // namespace tally
