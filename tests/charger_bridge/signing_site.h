#pragma once

// A site whose connector 1 has a meter that signs, and a charger that passes on what it signs.

#include "tests/charger_bridge/ocmf/meter_signer.h"
#include "tests/charger_bridge/site.h"

#include <optional>
#include <string>
#include <vector>

namespace tally::bridge::test {

/// Where in a charge the charger passes the signed records on.
enum class Carried : std::uint8_t {
    stop_with_both,    ///< one record with begin and end, in the Stop
    stop_in_two,       ///< a begin record and an end record, in the Stop
    values_then_stop,  ///< the begin record in a MeterValues, the end record in the Stop
    never,
};

class SigningSite : public Site {
public:
    SigningSite();

    /// A record of the meter for a charge from the register (Wh) and time to another; empty parts
    /// are left out.
    struct Span {
        std::optional<std::int64_t> begin_wh{};
        std::optional<std::int64_t> end_wh{};
        UnixMillis begin{0};
        UnixMillis end{0};
        int page{1};
        std::string status{"G"};
    };
    [[nodiscard]] std::string record(const Span& span) const;

    /// Swipe and start at the register; gives the transaction.
    std::int32_t begin(std::int64_t register_wh);
    bool send_values(std::int32_t transaction, std::int64_t register_wh,
                     const std::vector<std::string>& signed_texts);
    bool send_stop(std::int32_t transaction, std::int64_t register_wh,
                   const std::vector<std::string>& signed_texts);
    /// A whole charge of 60 s; what the node got of it.
    std::vector<node::ChargeEnded> charge(Carried carried, std::int64_t from, std::int64_t to);

    [[nodiscard]] std::vector<std::string> reasons_in_review();
    [[nodiscard]] std::vector<std::string> evidence_of(const node::ChargeEnded& ended);
    void decide(std::uint64_t number, bool release, const std::string& why = "looked at it");

    static const MeterSigner& meter();

private:
    std::uint64_t m_messages{0};
};

}  // namespace tally::bridge::test
