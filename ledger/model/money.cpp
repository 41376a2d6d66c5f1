#include "ledger/model/money.h"

#include "ledger/base/check.h"

#include <algorithm>
#include <limits>

namespace tally {

namespace {

__extension__ using Wide = unsigned __int128;

constexpr std::size_t decimals{4};
constexpr std::size_t whole_digits_max{15};  // 2^63 / 10^4 has 15 digits

bool is_capital(std::uint8_t octet) noexcept { return octet >= 'A' && octet <= 'Z'; }
bool is_digit(char character) noexcept { return character >= '0' && character <= '9'; }

std::uint64_t magnitude_of(std::int64_t value) noexcept {
    const auto bits = static_cast<std::uint64_t>(value);
    return value < 0 ? ~bits + 1 : bits;
}

/// Nothing when the text is not all digits.
std::optional<std::int64_t> digits_value(std::string_view digits) noexcept {
    std::int64_t value{0};
    for (const char character : digits) {
        if (!is_digit(character)) {
            return std::nullopt;
        }
        value = value * 10 + (character - '0');
    }
    return value;
}

}  // namespace

std::optional<Currency> currency_from_text(std::string_view text) {
    const std::optional<Currency> currency = Currency::from(as_bytes(text));
    return currency && is_valid(*currency) ? currency : std::nullopt;
}

std::string to_text(const Currency& currency) { return std::string{as_text(currency.view())}; }

bool is_valid(const Currency& currency) noexcept {
    return std::all_of(currency.data.begin(), currency.data.end(), is_capital);
}

std::optional<Money> checked_add(Money left, Money right) noexcept {
    Money sum{0};
    return __builtin_add_overflow(left, right, &sum) ? std::nullopt : std::optional{sum};
}

std::optional<Money> checked_subtract(Money left, Money right) noexcept {
    Money difference{0};
    return __builtin_sub_overflow(left, right, &difference) ? std::nullopt
                                                            : std::optional{difference};
}

std::optional<std::int64_t> multiply_divide_half_up(std::int64_t a, std::int64_t b,
                                                    std::int64_t divisor) noexcept {
    ENSURE(divisor > 0);
    const bool negative = (a < 0) != (b < 0);
    // At most 2^126, so doubling it and adding the divisor stays below 2^128.
    const Wide product = Wide{magnitude_of(a)} * magnitude_of(b);
    const Wide wide_divisor{static_cast<std::uint64_t>(divisor)};
    const Wide rounded = (product * 2 + wide_divisor) / (wide_divisor * 2);
    const Wide magnitude_max{static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())};
    if (rounded > magnitude_max + (negative ? 1U : 0U)) {
        return std::nullopt;
    }
    const auto bits = static_cast<std::uint64_t>(rounded);
    return static_cast<std::int64_t>(negative ? ~bits + 1 : bits);
}

std::string money_to_text(Money amount) {
    std::string digits = std::to_string(magnitude_of(amount));
    if (digits.size() <= decimals) {
        digits.insert(0, decimals + 1 - digits.size(), '0');
    }
    digits.insert(digits.size() - decimals, 1, '.');
    return amount < 0 ? "-" + digits : digits;
}

std::optional<Money> money_from_text(std::string_view text) {
    const bool negative = text.starts_with('-');
    text.remove_prefix(negative ? 1 : 0);
    const std::size_t point = std::min(text.find('.'), text.size());
    const std::string_view whole = text.substr(0, point);
    std::string fraction{text.substr(point)};
    if (!fraction.empty()) {
        fraction.erase(0, 1);
        if (fraction.empty()) {
            return std::nullopt;
        }
    }
    if (whole.empty() || whole.size() > whole_digits_max || fraction.size() > decimals) {
        return std::nullopt;
    }
    fraction.append(decimals - fraction.size(), '0');
    const std::optional<std::int64_t> units = digits_value(whole);
    const std::optional<std::int64_t> parts = digits_value(fraction);
    if (!units || !parts) {
        return std::nullopt;
    }
    const std::optional<std::int64_t> scaled =
        multiply_divide_half_up(*units, negative ? -money_scale : money_scale, 1);
    return scaled ? checked_add(*scaled, negative ? -*parts : *parts) : std::nullopt;
}

}  // namespace tally
