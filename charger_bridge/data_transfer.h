#pragma once

// The vendor messages of this project in DataTransfer (docs/protocol/bridge.md). Pure.

#include "charger_bridge/session/core.h"

#include <boost/json/object.hpp>

#include <optional>
#include <string>
#include <string_view>

namespace tally::bridge {

inline constexpr std::string_view vendor_id{"tally"};
inline constexpr std::size_t transfer_data_bytes_max{1024};
inline constexpr std::int64_t connectors_limit{65'535};

/// {"amount":"50.00","connectorId":1}; the connector is optional. Nothing when it is anything else,
/// or the amount is not above 0.
[[nodiscard]] std::optional<PrepaidStated> prepaid_from_text(const std::string& station,
                                                             std::string_view data);
/// {"transactionId":7} gives the driver's figures of that charge as JSON text; nothing when there
/// is no such transaction.
[[nodiscard]] std::optional<std::string> figures_text(SessionCore& core, const std::string& station,
                                                      std::string_view data);
/// {"idTag":"BBB-1"} gives {"reason":"insufficient_balance"}: why the station's last swipe of the
/// token was refused; nothing when none was.
[[nodiscard]] std::optional<std::string> refusal_text(const SessionCore& core,
                                                      const std::string& station,
                                                      std::string_view data);

/// One session as the site API and the driver's display give it.
[[nodiscard]] boost::json::object session_json(const LiveSession& session);

}  // namespace tally::bridge
