#pragma once

#include "ledger/chain/block.h"
#include "ledger/store/segment_source.h"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace tally {

/// Blocks by height from segments that no index exists for. Good for reading mostly forward: the
/// places of the blocks of two segments are kept. `source` must outlive it.
class SegmentBlocks {
public:
    /// `segments` by first height.
    SegmentBlocks(SegmentSource& source, std::vector<SegmentInfo> segments, const Hash& chain_id);

    /// Nothing when it is not there or cannot be read: then `problem` says why.
    [[nodiscard]] std::optional<FinalizedBlock> read(std::uint64_t height);
    /// Of the last `read` that gave nothing; with file and byte.
    [[nodiscard]] const std::string& problem() const noexcept { return m_problem; }

private:
    struct Place {
        std::uint64_t offset{0};
        std::uint64_t end{0};
    };
    using Places = std::vector<Place>;
    [[nodiscard]] const Places* find_places(std::size_t segment);
    [[nodiscard]] std::optional<Places> scan(const SegmentInfo& info);

    SegmentSource& m_source;
    std::vector<SegmentInfo> m_segments;
    Hash m_chain_id;
    std::map<std::size_t, Places> m_places;
    std::string m_problem;
};

}  // namespace tally
