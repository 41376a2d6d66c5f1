#include "tools/clearing/payment.h"

#include "tools/support/json_api.h"

#include <boost/json/array.hpp>

#include <algorithm>
#include <array>
#include <cctype>
#include <ctime>

namespace tally::tools {
namespace {

std::string utc_text(std::uint64_t milliseconds) {
    const auto seconds = static_cast<std::time_t>(milliseconds / 1000);
    std::tm parts{};
    std::array<char, 32> text{};
    if (::gmtime_r(&seconds, &parts) == nullptr ||
        std::strftime(text.data(), text.size(), "%Y-%m-%d %H:%M:%S UTC", &parts) == 0) {
        return std::to_string(milliseconds) + " ms";
    }
    return text.data();
}

}  // namespace

std::optional<ShownPayment> find_payment(const boost::json::value& legs, const LegKey& leg) {
    const boost::json::array& items = json_items(legs);
    const auto is_it = [&leg](const boost::json::value& item) {
        return json_number(item, "cycle") == leg.cycle &&
               json_text(item, "currency") == to_text(leg.currency) &&
               json_text(item, "debtor") == to_text(leg.debtor) &&
               json_text(item, "creditor") == to_text(leg.creditor);
    };
    const auto* const found = std::find_if(items.begin(), items.end(), is_it);
    if (found == items.end()) {
        return std::nullopt;
    }
    return ShownPayment{leg, json_text(*found, "amount"), json_text(*found, "status"),
                        json_number(*found, "due_by_ms")};
}

std::string payment_text(const ShownPayment& payment) {
    const std::string currency = to_text(payment.leg.currency);
    return "cycle " + std::to_string(payment.leg.cycle) + ", " + currency + ": " +
           to_text(payment.leg.debtor) + " pays " + to_text(payment.leg.creditor) + " " +
           payment.amount + " " + currency + ", due " + utc_text(payment.due_by_ms) + ", " +
           payment.status +
           "\nA confirmation is for the whole amount and is not taken back; who has a part of it\n"
           "waits for the rest.\n";
}

bool says_yes(const std::string& line) {
    std::string lower;
    for (const char character : line) {
        if (std::isspace(static_cast<unsigned char>(character)) == 0) {
            lower += static_cast<char>(std::tolower(static_cast<unsigned char>(character)));
        }
    }
    return lower == "y" || lower == "yes";
}

}  // namespace tally::tools
