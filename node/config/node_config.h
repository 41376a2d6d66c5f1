#pragma once

#include "ledger/base/expected.h"
#include "ledger/crypto/secp256k1.h"
#include "ledger/model/ids.h"
#include "ledger/model/money.h"
#include "ledger/store/segment_archiver.h"
#include "ledger/store/snapshot_import.h"
#include "node/roaming/roaming_options.h"
#include "node/runtime/config_reader.h"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace tally::node {

inline constexpr std::size_t peers_max{512};
inline constexpr const char* next_key_suffix{".next"};

/// Where another member's node listens for links.
struct PeerAddress {
    PartyId member;
    HostPort address;
    /// A link key of that member which the ledger copy of a node that has been away does not name
    /// (yet); believed until the node is level with the chain.
    std::optional<PublicKey> link_key;
};

/// How an empty node fills its ledger from others' snapshots, and how often it takes its own.
struct SyncConfig {
    /// Snapshots at or below this height are not worth it: the blocks are replayed.
    std::uint64_t min_blocks{1000};
    /// A chain that began more recently than this is replayed without asking anybody.
    std::chrono::seconds min_chain_age{60};
    std::uint64_t snapshot_interval{10'000};  ///< blocks
    std::optional<Checkpoint> checkpoint;
};

/// Where old segment files go, and which. Without a folder they stay.
struct ArchiveConfig {
    std::string folder;
    RetentionRule rule{std::chrono::days{90}, std::nullopt};
    /// Size at which a segment is closed; only closed ones can go.
    std::uint64_t segment_bytes{LedgerOptions{}.segment_bytes};
};

/// Everything `tallyd` is told by its TOML file. Relative paths are taken from the file's folder.
/// The keys and their meaning are in docs/operators.md.
struct NodeConfig {
    PartyId member;
    std::string data_dir;
    std::string genesis_file;

    std::string member_key_file;
    std::string consensus_key_file;
    std::string link_key_file;
    // The keys that come next: files that need not exist, looked into when the ledger names another
    // key than the ones above. "<file>.next" unless told.
    std::string next_member_key_file;
    std::string next_consensus_key_file;
    std::string next_link_key_file;

    HostPort link_listen;
    std::vector<PeerAddress> peers;

    HostPort api_listen;
    std::string evidence_token_file;  ///< one line: lets auditors read evidence; or as the next
    std::string api_token_file;       ///< one line: the bearer token of the operator's own programs

    /// Recorded charges of this amount or more wait for a person; none: all are settled at once.
    std::optional<Money> review_from;
    std::chrono::milliseconds review_margin{3'600'000};  ///< settled so long before settle_by

    std::string customers_file;  ///< JSON list imported at start; empty: none

    /// b of the driver's figures at our chargers.
    CoefficientBands coefficients;

    /// Files of the keys that operators share for cards without a prefix, newest first; none: this
    /// node takes no such cards and registers none. Never on a hub.
    std::vector<std::string> token_key_files;

    std::string log_level{"info"};
    std::string log_file;  ///< empty: standard error

    std::size_t verify_threads{2};

    SyncConfig sync;
    /// How long it answers for ended authorizations and closed cycles, in days; 0: for ever.
    std::chrono::days keep_finished{400};
    ArchiveConfig archive;
    /// The node stops, and does not start, when less is free for its data folder; 0: it never asks.
    std::uint64_t free_bytes_min{256UL * 1024 * 1024};
};

/// Every problem found in the file, in its order. Callers print each one's text and exit with
/// `exit_config`.
using ConfigProblems = std::vector<ConfigProblem>;

[[nodiscard]] Expected<NodeConfig, ConfigProblems> load_node_config(const std::string& path);

}  // namespace tally::node
