#pragma once

#include <chrono>
#include <cstdint>

namespace tally::tools {

/// How many ECDSA signatures this machine checks, with parsed keys kept.
struct VerifyRate {
    double per_second_one_core{0};
    double per_second_all_cores{0};
    unsigned cores{1};
};

/// Verifies for `duration` on one thread, then on one per core.
[[nodiscard]] VerifyRate measure_verify_rate(std::chrono::milliseconds duration);

}  // namespace tally::tools
