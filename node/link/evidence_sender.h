#pragma once

#include "node/link/evidence_messages.h"

#include <chrono>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <vector>

namespace tally::node {

/// Files on their way to one peer at once.
inline constexpr std::size_t evidence_sending_max{2};
/// Bytes of files a second to one peer, and what may leave at once after a pause.
inline constexpr std::int64_t evidence_bytes_per_second{256L * 1024};
/// Hashes that the peer refused and that are not offered again before a restart.
inline constexpr std::size_t evidence_refused_max{1024};

struct WaitingEvidence {
    Hash hash;
    AuthorizationRef authorization;
};

/// Sees that one peer gets the evidence it lacks: goes round what waits, in order of the hash,
/// offers each, sends the pieces that the peer asks for, and begins anew until the peer has said
/// `kept`. What the peer does not take now is left for the next round, so that nothing holds up
/// the rest. Pure: time and what waits are handed in. Threads: one owner.
class EvidenceSender {
public:
    struct Source {
        /// What waits behind `after` (nothing: from the first on), at most `count_max`.
        std::function<std::vector<WaitingEvidence>(const std::optional<Hash>& after,
                                                   std::size_t count_max)>
            waiting;
        /// The encoded file; nothing when not all of it was kept, so that it cannot be sent.
        std::function<std::optional<Bytes>(const Hash& hash)> file;
        /// Sends; what gets lost is sent again.
        std::function<void(EvidenceMessage)> send;
    };
    using Milliseconds = std::chrono::milliseconds;

    explicit EvidenceSender(Source source) : m_source{std::move(source)} {}

    /// Repeats, goes on, and takes the next ones. To be called several times a second while the
    /// peer can be reached.
    void tick(Milliseconds now);

    enum class Outcome : std::uint8_t {
        none,
        done,     ///< the peer has it: the owner forgets that it waits
        refused,  ///< the peer says that it does not fit its hash; to be told to people
    };
    /// Answers to what was not asked change nothing.
    Outcome on_answer(const EvidenceAnswer& answer, Milliseconds now);
    /// The link is new: what is under way is offered anew by the next tick.
    void restart();

    [[nodiscard]] std::size_t under_way() const { return m_files.size(); }
    [[nodiscard]] std::size_t refused() const { return m_refused.size(); }

private:
    struct File {
        EvidenceOffer offer;
        Bytes bytes;
        std::optional<std::uint32_t> next;  ///< nothing: only offered so far
        bool is_due{true};
        Milliseconds sent{0};
        std::uint32_t attempts{0};
    };
    void refill(Milliseconds now);
    void take_next(Milliseconds now);
    /// Nothing when it is under way or cannot be sent.
    File* begin(const WaitingEvidence& waiting);
    /// False when the budget is used up.
    bool transmit(File& file, Milliseconds now);

    Source m_source;
    std::map<Hash, File> m_files;
    std::set<Hash> m_refused;
    std::optional<Hash> m_after;
    Milliseconds m_next_round{0};
    Milliseconds m_quiet_until{0};
    Milliseconds m_refilled{0};
    std::int64_t m_budget{evidence_bytes_per_second};
};

}  // namespace tally::node
