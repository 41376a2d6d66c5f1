#include "tools/rate/report.h"

#include <fmt/format.h>

#include <cctype>

namespace tally::tools {

namespace {

struct Unit {
    const char* name{""};
    const char* price{""};
    unsigned decimals{0};
};

Unit unit_of(LineKind kind) {
    switch (kind) {
        case LineKind::energy:
        case LineKind::service:
            return {"kWh", "kWh", 6};
        case LineKind::time:
        case LineKind::parking_time:
        case LineKind::reservation_time:
            return {"s", "h", 3};
        case LineKind::flat:
        case LineKind::reservation_flat:
        case LineKind::min_price:
        case LineKind::max_price:
            return {"", "", 0};
    }
    return {};
}

/// A quantity in 10^-decimals of its unit, without zeros at the end.
std::string quantity_text(std::int64_t quantity, unsigned decimals) {
    std::string digits = fmt::format("{:0{}}", quantity, decimals + 1);
    if (decimals > 0) {
        digits.insert(digits.size() - decimals, 1, '.');
        digits.erase(digits.find_last_not_of('0') + 1);
        if (digits.ends_with('.')) {
            digits.pop_back();
        }
    }
    return digits;
}

std::string vat_text(const RatedLine& line) { return line.vat ? money_to_text(*line.vat) : ""; }

std::string upper(const char* text) {
    std::string result;
    for (const char* at = text; *at != '\0'; ++at) {
        result.push_back(static_cast<char>(std::toupper(static_cast<unsigned char>(*at))));
    }
    return result;
}

std::string line_json(const RatedLine& line) {
    const Unit unit = unit_of(line.kind);
    const std::string vat = vat_text(line);
    return fmt::format(
        R"({{"type":"{}","quantity":{},"unit":"{}","price":{},"vat":{},"excl_vat":{},)"
        R"("vat_amount":{},"incl_vat":{},"estimated":{}}})",
        upper(to_text(line.kind)), quantity_text(line.quantity, unit.decimals), unit.name,
        money_to_text(line.price), vat.empty() ? "null" : vat, money_to_text(line.net),
        money_to_text(line.tax), money_to_text(line.net + line.tax), line.estimated);
}

}  // namespace

std::string rating_json(const Currency& currency, const Rating& rating) {
    std::string lines;
    for (const RatedLine& line : rating.lines) {
        lines += (lines.empty() ? "" : ",") + line_json(line);
    }
    return fmt::format(
        R"({{"currency":"{}","lines":[{}],"total_cost":{{"excl_vat":{},"incl_vat":{}}}}})"
        "\n",
        to_text(currency), lines, money_to_text(rating.net), money_to_text(rating.total()));
}

std::string rating_text(const Currency& currency, const Rating& rating) {
    std::string text = fmt::format("{:<17}{:>16}     {:>14}     {:>9}{:>16}{:>16}\n", "line",
                                   "quantity", "price", "tax %", "without tax", "with tax");
    bool any_estimated{false};
    for (const RatedLine& line : rating.lines) {
        const Unit unit = unit_of(line.kind);
        const std::string per = *unit.price == '\0' ? "" : std::string{"/"} + unit.price;
        text +=
            fmt::format("{:<17}{:>16} {:<4}{:>14}{:<5}{:>9}{:>16}{:>16}{}\n", to_text(line.kind),
                        quantity_text(line.quantity, unit.decimals), unit.name,
                        money_to_text(line.price), per, vat_text(line), money_to_text(line.net),
                        money_to_text(line.net + line.tax), line.estimated ? " *" : "");
        any_estimated = any_estimated || line.estimated;
    }
    text += fmt::format("{:<17}{:>49}{:>16}{:>16}\n", "total " + to_text(currency), "",
                        money_to_text(rating.net), money_to_text(rating.total()));
    if (any_estimated) {
        text += "* divided between prices without a reading at the border: linear in time\n";
    }
    return text;
}

}  // namespace tally::tools
