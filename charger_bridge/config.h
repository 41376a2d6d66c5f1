#pragma once

// The bridge's configuration file (TOML), see docs/protocol/bridge.md.

#include "charger_bridge/metering/meter_trust.h"
#include "charger_bridge/proxy/upstream.h"
#include "charger_bridge/server/gate.h"
#include "charger_bridge/server/tls_session.h"
#include "charger_bridge/session/core.h"
#include "ledger/base/bytes.h"
#include "ledger/base/expected.h"
#include "ledger/crypto/secp256k1.h"
#include "node/runtime/config_reader.h"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace tally::bridge {

inline constexpr std::size_t chargers_max{2'000};
inline constexpr std::uint16_t connectors_max{63};  ///< of one station, connector 0 besides

inline constexpr std::size_t admit_rules_max{16};
inline constexpr std::size_t master_tokens_max{64};

struct ChargerConfig {
    StationConfig station;
    Secret password;
    std::vector<MeterConfig> meters{};  ///< at most one for a connector
    std::uint8_t profile_min{profile_basic};
    std::string serial{};   ///< may stand in its certificate instead of the id
    bool is_proxied{true};  ///< where another central system stands behind the bridge
};

struct BridgeConfig {
    std::string data_dir;
    std::string bridge_id;
    Hash chain_id;
    SecretKey key;  ///< of the bridge: signs what it metered and opens the link to the node
    std::int16_t utc_offset_minutes{0};
    node::HostPort ocpp_listen;  ///< under TLS when there are certificates, else plain
    std::optional<node::HostPort> plain_listen;  ///< beside the one under TLS
    TlsFiles tls;                                ///< no certificates: no TLS
    std::string organization;                    ///< O of the certificates of chargers
    node::HostPort api_listen;
    std::string api_token;
    std::string evidence_token;  ///< reads what was metered, and nothing else; empty: nobody may
    node::HostPort node_address;
    PublicKey node_link_key;
    std::chrono::seconds heartbeat_interval{60};
    std::chrono::milliseconds clock_ahead_max{300'000};
    std::chrono::milliseconds stop_delay{5'000};
    std::int64_t warn_percent{80};
    IgnoredStop ignored_stop{IgnoredStop::none};
    std::chrono::seconds ignored_stop_after{120};
    std::chrono::seconds stop_missing_after{86'400};
    std::chrono::seconds stop_missing_free{3'600};
    CutOffConfig cut_off;
    MasterPass master;
    bool takes_certificate_requests{false};  ///< of chargers, for an operator to have signed
    std::chrono::seconds begin_back_max{270};
    std::string local_list_file;  ///< read when `cut_off` is limited
    PublicKey local_list_key;
    /// How long a charge that is held for review keeps its approval.
    std::chrono::seconds review_keep{3'600};
    std::string log_level{"info"};
    std::vector<ChargerConfig> chargers;
    std::vector<AdmitRule> admit;
    std::optional<UpstreamConfig> upstream;
};

/// Every problem of the file with line and key, or the configuration. Reads key and token files.
[[nodiscard]] Expected<BridgeConfig, std::vector<node::ConfigProblem>> read_config(
    const std::string& path);
/// The same from text; `path` only names it and roots relative paths.
[[nodiscard]] Expected<BridgeConfig, std::vector<node::ConfigProblem>> parse_config(
    std::string_view text, const std::string& path);

}  // namespace tally::bridge
