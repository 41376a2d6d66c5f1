#pragma once

#include "ledger/base/expected.h"

#include <boost/json/object.hpp>

#include <functional>
#include <string>

namespace tally::tools {

struct BenchOptions {
    std::string devnet;
    std::uint32_t charges{1000};
    std::uint32_t concurrency{100};
};

/// Told how many charges are settled so far.
using BenchProgress = std::function<void(std::uint32_t settled)>;

/// Settles charges through POST /api/v1/envelopes: the operators' real transactions, signed with
/// their keys from the devnet's folders. Gives rate, latencies of every step, CPU and memory per
/// process and bytes on disk per charge.
[[nodiscard]] Expected<boost::json::object, std::string> bench_via_api(
    const BenchOptions& options, const BenchProgress& progress);

/// Plays whole charges over OCPP and gives the time from swipe to final approval as the charger
/// sees it, besides the figures of `bench_via_api`.
[[nodiscard]] Expected<boost::json::object, std::string> bench_via_ocpp(
    const BenchOptions& options, const BenchProgress& progress);

}  // namespace tally::tools
