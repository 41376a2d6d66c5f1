#pragma once

#include "ledger/model/actions.h"

#include <boost/json/value.hpp>

#include <optional>
#include <string>

namespace tally::tools {

/// A payment between banks, as GET /api/v1/legs shows it.
struct ShownPayment {
    LegKey leg;
    std::string amount;
    std::string status;
    std::uint64_t due_by_ms{0};
};

/// The payment of that name among what `legs` ({"items": [...]}) shows; nothing when it is not
/// there.
[[nodiscard]] std::optional<ShownPayment> find_payment(const boost::json::value& legs,
                                                       const LegKey& leg);

/// What a creditor is about to sign, for people: whose payment, how much, due when, and that it is
/// confirmed as a whole.
[[nodiscard]] std::string payment_text(const ShownPayment& payment);

/// Whether a line that somebody typed says yes: "y" or "yes", in any case.
[[nodiscard]] bool says_yes(const std::string& line);

}  // namespace tally::tools
