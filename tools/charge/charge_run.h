#pragma once

#include "tools/charge/charge_point.h"
#include "tools/devnet/manifest.h"

#include <boost/json/object.hpp>

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <string>

namespace tally::tools {

/// One charge to be played.
struct ChargeScript {
    std::string visited;
    std::string home;
    std::string prepaid;  ///< empty: the home operator's policy decides
    std::int64_t energy_wh{12'000};
    double speed{600.0};  ///< simulated seconds per second
    bool fault{false};    ///< report the connector as faulted first
    std::chrono::milliseconds timeout{120'000};
};

/// Where it is played. A station's steps from swipe to StartTransaction go one charge at a time, as
/// one driver after the other would; `swiping` is that queue.
struct ChargePlace {
    ChargePoint& point;
    std::mutex& swiping;
    std::string station;
    std::uint32_t connector{1};
    std::string card;  ///< the driver's token
    std::string evse_id;
    std::uint32_t rated_power_w{60'000};
    std::string visited_api;
    std::string home_api;
    std::string bearer_token;  ///< of both nodes
};

/// How a charge went.
struct ChargeOutcome {
    enum class Kind : std::uint8_t { settled, refused, failed };
    Kind kind{Kind::failed};
    std::string reason;           ///< of a refusal, or what failed
    boost::json::object session;  ///< as the visited node shows it at the end
    boost::json::object receipt;  ///< ids and heights of record and settlement
    /// From the swipe to the charger's answer.
    std::chrono::milliseconds swipe_to_answer{0};
    std::chrono::milliseconds total{0};
};

/// Called with the home operator's figures while the charge runs.
using ChargeProgressHandler = std::function<void(const boost::json::object& session)>;

/// Plays one charge to its end. Blocks; call it on a thread of its own, while another thread runs
/// the io_context of the charge point.
[[nodiscard]] ChargeOutcome play_charge(boost::asio::io_context& io, const ChargeScript& script,
                                        const ChargePlace& place,
                                        const ChargeProgressHandler& progress);

}  // namespace tally::tools
