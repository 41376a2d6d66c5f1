#pragma once

#include "charger_bridge/proxy/upstream.h"
#include "node/runtime/config_reader.h"

#include <optional>
#include <string>

namespace tally::bridge {

inline constexpr std::size_t unknown_statuses_max{8};

/// Of this machine alone: plain text there crosses no network.
[[nodiscard]] bool is_loopback(const std::string& host);

/// [upstream]: the central system that stands behind this bridge; nothing without the table. Reads
/// files; problems go to the reader of `root`.
[[nodiscard]] std::optional<UpstreamConfig> read_upstream(const node::ConfigTable& root);

}  // namespace tally::bridge
