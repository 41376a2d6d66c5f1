#include "tools/bank/bank_statement.h"

#include <algorithm>
#include <chrono>

namespace tally::tools {
namespace {

constexpr std::string_view blanks{" \t\r\n"};
constexpr std::size_t decimals{4};

bool is_digit(char character) { return character >= '0' && character <= '9'; }

std::optional<int> number_of(std::string_view digits) {
    int number{0};
    for (const char digit : digits) {
        if (!is_digit(digit)) {
            return std::nullopt;
        }
        number = number * 10 + (digit - '0');
    }
    return number;
}

std::string_view trimmed(std::string_view text) {
    const std::size_t first = text.find_first_not_of(blanks);
    return first == std::string_view::npos
               ? std::string_view{}
               : text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

}  // namespace

std::optional<Money> bank_amount_from_text(std::string_view text) {
    text = trimmed(text);
    // ISO 20022 allows a fifth decimal, which our unit cannot hold: only a zero is taken.
    const std::size_t point = text.find('.');
    while (point != std::string_view::npos && text.size() > point + 1 + decimals &&
           text.ends_with('0')) {
        text.remove_suffix(1);
    }
    const std::optional<Money> amount = money_from_text(text);
    return amount && *amount > 0 ? amount : std::nullopt;
}

std::optional<std::int64_t> bank_day_from_text(std::string_view text) {
    text = trimmed(text);
    constexpr std::size_t date_bytes{10};
    if (text.size() < date_bytes || text[4] != '-' || text[7] != '-') {
        return std::nullopt;
    }
    const auto year = number_of(text.substr(0, 4));
    const auto month = number_of(text.substr(5, 2));
    const auto day = number_of(text.substr(8, 2));
    if (!year || !month || !day) {
        return std::nullopt;
    }
    const std::chrono::year_month_day date{std::chrono::year{*year},
                                           std::chrono::month{static_cast<unsigned>(*month)},
                                           std::chrono::day{static_cast<unsigned>(*day)}};
    if (!date.ok()) {
        return std::nullopt;
    }
    return std::chrono::sys_days{date}.time_since_epoch().count();
}

bool add_reference(BankLine& line, std::string_view text) {
    text = trimmed(text);
    const bool is_known =
        std::find(line.references.begin(), line.references.end(), text) != line.references.end();
    if (text.empty() || text.size() > bank_reference_bytes_max || is_known) {
        return true;
    }
    if (line.references.size() == bank_references_max) {
        return false;
    }
    line.references.emplace_back(text);
    return true;
}

Expected<BankStatement, std::string> read_bank_statement(ByteView bytes) {
    if (bytes.size() > bank_file_bytes_max) {
        return Unexpected{"is larger than " + std::to_string(bank_file_bytes_max) + " bytes"};
    }
    std::string_view text = as_text(bytes);
    if (text.starts_with("\xEF\xBB\xBF")) {
        text.remove_prefix(3);
    }
    if (text.find('\0') != std::string_view::npos) {
        return Unexpected{std::string{"is not a text in UTF-8"}};
    }
    const std::size_t first = text.find_first_not_of(blanks);
    if (first == std::string_view::npos) {
        return Unexpected{std::string{"is empty"}};
    }
    return text[first] == '<' ? read_camt053(text.substr(first)) : read_bank_csv(text);
}

}  // namespace tally::tools
