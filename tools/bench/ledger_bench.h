#pragma once

#include "ledger/base/clock.h"
#include "ledger/base/expected.h"

#include <boost/json/object.hpp>

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace tally::tools {

/// A network with a long past.
struct LedgerBenchOptions {
    std::string folder;                     ///< new or empty
    std::uint64_t transactions{1'000'000};  ///< at least; the last block is filled
    int operators{7};                       ///< besides the hub; 2 or more
    int validators{4};                      ///< hub and first operators; these get the history
    int bridges{0};                         ///< as of a devnet; unregistered, see `tally submit`
    int base_port{7000};
    std::uint64_t per_block{100};
    std::uint64_t open{5000};
    std::uint64_t interval_ms{1000};
    std::uint64_t seed{1};
    std::optional<UnixMillis> end;  ///< time of the last block, about; nothing: now
    std::optional<int> epoch_blocks_max;
    std::uint64_t sample_charges{
        0};                          ///< settled charges between two measures of the state; 0: none
    UnixMillis keep_finished_ms{0};  ///< as of a node; 0: for ever
    std::optional<UnixMillis> idle_interval_ms;  ///< of the network when it runs
    std::vector<std::string> currencies{"CNY"};
};

/// Told how many transactions of how many there are.
using LedgerBenchProgress = std::function<void(std::uint64_t done, std::uint64_t all)>;

/// Makes a devnet's folder whose validators have a common past, ready to be started: genesis, keys
/// (from the seed: worth nothing), configurations, data folders. Blocks are executed once and get
/// certificates that verify. The other operators' data folders are empty: they join when started.
/// The same options with an `end` give the same segments. The error says what is in the way, and
/// the folder is then as it was before.
[[nodiscard]] Expected<boost::json::object, std::string> bench_ledger(
    const LedgerBenchOptions& options, const LedgerBenchProgress& progress);

}  // namespace tally::tools
