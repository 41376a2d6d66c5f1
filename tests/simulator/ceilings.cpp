#include "tests/simulator/ceilings.h"

#include "consensus/driver/block_tree.h"
#include "consensus/simplex/core.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace tally::simulator {

namespace {

struct Ceiling {
    const char* what;
    std::uint64_t held;
    std::uint64_t most;
};

/// Signatures that a node checks for what it needs: votes and certificates of the views it passes,
/// certificates of blocks it fetches, and one certificate or vote for every message it refuses.
std::uint64_t checks_max(const consensus::DriverFigures& status, const NodeWork& work) {
    const std::uint64_t for_views = checks_per_view * (work.views_passed + views_at_start);
    const std::uint64_t for_fetched = status.blocks_fetched + status.messages_rejected;
    return work.validators * (for_views + for_fetched);
}

}  // namespace

std::optional<std::string> find_excess(const consensus::DriverFigures& status,
                                       const consensus::Mempool& mempool, const NodeWork& work) {
    const consensus::MempoolLimits limits;
    const std::array<Ceiling, 8> ceilings{{
        {"views with votes", status.vote_views, consensus::vote_window + 1},
        {"certificates above the last final view", status.certificates,
         2 * (status.view - std::min(status.view, status.last_final_view)) + 1},
        {"blocks", status.unfinalized_blocks, consensus::BlockTree::blocks_max},
        {"blocks of a range", status.range_blocks, consensus::BlockTree::blocks_max},
        {"bytes of arrivals", status.arrivals_bytes, consensus::EnvelopeCache::bytes_max},
        {"envelopes in the mempool", mempool.size(), limits.count_max},
        {"bytes in the mempool", mempool.bytes(), limits.bytes_max},
        {"signatures checked", work.verifications, checks_max(status, work)},
    }};
    for (const Ceiling& one : ceilings) {
        if (one.held > one.most) {
            return fmt::format("{} {}, more than {}", one.held, one.what, one.most);
        }
    }
    return std::nullopt;
}

}  // namespace tally::simulator
