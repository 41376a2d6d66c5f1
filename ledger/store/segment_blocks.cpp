#include "ledger/store/segment_blocks.h"

#include "ledger/store/segment_reader.h"

#include <algorithm>
#include <utility>

namespace tally {
namespace {

constexpr std::size_t segments_kept{2};

std::string described(const SegmentFault& fault) {
    return fault.file + " at byte " + std::to_string(fault.offset) + ": " + fault.message;
}

}  // namespace

SegmentBlocks::SegmentBlocks(SegmentSource& source, std::vector<SegmentInfo> segments,
                             const Hash& chain_id)
    : m_source{source}, m_segments{std::move(segments)}, m_chain_id{chain_id} {}

std::optional<SegmentBlocks::Places> SegmentBlocks::scan(const SegmentInfo& info) {
    SegmentReader reader{m_source, info, m_chain_id};
    if (const auto opened = reader.open(); !opened) {
        m_problem = described(opened.error());
        return std::nullopt;
    }
    Places places;
    for (;;) {
        const auto record = reader.next();
        if (!record) {
            m_problem = described(record.error());
            return std::nullopt;
        }
        if (!*record) {
            return places;
        }
        if ((*record)->kind == RecordKind::block) {
            places.push_back({(*record)->offset, reader.offset()});
        }
    }
}

const SegmentBlocks::Places* SegmentBlocks::find_places(std::size_t segment) {
    const auto known = m_places.find(segment);
    if (known != m_places.end()) {
        return &known->second;
    }
    std::optional<Places> places = scan(m_segments[segment]);
    if (!places) {
        return nullptr;
    }
    if (m_places.size() == segments_kept) {
        m_places.erase(m_places.begin());
    }
    return &m_places.emplace(segment, std::move(*places)).first->second;
}

std::optional<FinalizedBlock> SegmentBlocks::read(std::uint64_t height) {
    m_problem = "block " + std::to_string(height) + " is in no segment";
    const auto behind = std::upper_bound(
        m_segments.begin(), m_segments.end(), height,
        [](std::uint64_t wanted, const SegmentInfo& info) { return wanted < info.first_height; });
    if (behind == m_segments.begin()) {
        return std::nullopt;
    }
    const auto segment = static_cast<std::size_t>(behind - m_segments.begin()) - 1;
    const Places* const places = find_places(segment);
    const std::uint64_t at = height - m_segments[segment].first_height;
    if (places == nullptr || at >= places->size()) {
        return std::nullopt;
    }
    const Place place = (*places)[static_cast<std::size_t>(at)];
    SegmentInfo info = m_segments[segment];
    info.bytes = place.end;
    SegmentReader reader{m_source, info, m_chain_id};
    reader.seek(place.offset);
    const auto record = reader.next();
    if (!record) {
        m_problem = described(record.error());
        return std::nullopt;
    }
    std::optional<FinalizedBlock> block =
        *record ? FinalizedBlock::decode((*record)->payload) : std::nullopt;
    if (!block || block->block.header.height != height) {
        m_problem = info.name + " at byte " + std::to_string(place.offset) + ": block " +
                    std::to_string(height) + " was expected here";
        return std::nullopt;
    }
    return block;
}

}  // namespace tally
