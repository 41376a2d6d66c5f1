#pragma once

#include "node/link/evidence_messages.h"

#include <chrono>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>

namespace tally::node {

/// Files that are being received at once, from one peer and from all.
inline constexpr std::size_t evidence_receiving_per_peer_max{4};
inline constexpr std::size_t evidence_receiving_max{16};
/// A file that has not grown for so long, or is not whole after so long, makes room for others. The
/// second is almost half a minute for each piece of the largest.
inline constexpr std::chrono::milliseconds evidence_idle_max{60'000};
inline constexpr std::chrono::milliseconds evidence_receiving_time_max{1'200'000};

/// Puts files together that peers send in pieces, and lets through only what has the hash that was
/// offered. Keeps what it has so far in memory: after a restart a file begins anew. Every message
/// may come repeatedly. Pure: time is handed in. Threads: one owner.
class EvidenceReceiver {
public:
    using Milliseconds = std::chrono::milliseconds;
    enum class Wanted : std::uint8_t {
        unknown,  ///< no record names it, or the peer has nothing to do with that charge
        wanted,
        kept,  ///< it is here already
    };
    /// Decides about an offer.
    using Judge = std::function<Wanted(const std::string& peer, const EvidenceOffer& offer)>;

    explicit EvidenceReceiver(Judge judge) : m_judge{std::move(judge)} {}

    [[nodiscard]] EvidenceAnswer on_offer(const std::string& peer, const EvidenceOffer& offer,
                                          Milliseconds now);

    /// A file whose hash is right. To be answered `kept` once it is on disk.
    struct Whole {
        EvidenceOffer offer;
        Bytes file;
    };
    struct Result {
        EvidenceAnswer answer;  ///< only without `whole`
        std::optional<Whole> whole;
    };
    [[nodiscard]] Result on_chunk(const std::string& peer, const EvidenceChunk& chunk,
                                  Milliseconds now);

    /// Drops the files whose time is over. To be called now and then, for their memory.
    void drop_late(Milliseconds now);
    [[nodiscard]] std::size_t under_way() const { return m_files.size(); }

private:
    using Name = std::pair<std::string, Hash>;
    struct File {
        EvidenceOffer offer;
        Bytes bytes;
        Milliseconds begun{0};
        Milliseconds grown{0};  ///< offers and pieces that add nothing do not count
    };
    [[nodiscard]] bool is_full(const std::string& peer) const;

    Judge m_judge;
    std::map<Name, File> m_files;
};

}  // namespace tally::node
