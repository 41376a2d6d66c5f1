#pragma once

#include "consensus/driver/ports.h"
#include "consensus/simplex/events.h"

#include <deque>
#include <map>
#include <optional>
#include <set>
#include <vector>

namespace tally::consensus {

enum class FetchKind : std::uint8_t { certificates, block, envelopes, range, epoch_proof };

/// What is being asked for: certificates, ranges and proofs are pursued one at a time (zero
/// digest).
struct FetchKey {
    FetchKind kind{FetchKind::certificates};
    Hash digest;
    friend auto operator<=>(const FetchKey&, const FetchKey&) = default;
};

/// Something this node lacks, and who may have it, most likely first.
struct Want {
    FetchKey key;
    std::vector<PeerId> peers;
};

/// A request to send now.
struct Ask {
    FetchKey key;
    PeerId peer{0};
    std::uint64_t id{0};
};

/// Keeps asking for what is wanted until it is not wanted any more: one peer at a time for each
/// thing, the next peer after a timeout or an answer that did not help, and all of them again after
/// a pause. An answer that comes after its timeout still counts while the thing is wanted, and the
/// timeout doubles with each round of silence: an answer may be large, a link slow. Knows nothing
/// of messages.
class Fetcher {
public:
    /// Requests of one thing whose answers are accepted; the oldest is dropped.
    static constexpr std::size_t outstanding_max{8};
    /// The timeout grows to this multiple of the first one.
    static constexpr int timeout_growth_max{8};

    explicit Fetcher(Time timeout) : m_timeout{timeout} {}

    /// `wants` is everything that is lacking now; what is not in it is given up.
    [[nodiscard]] std::vector<Ask> update(const std::vector<Want>& wants, Time now);
    /// An answer came. Gives what it answers; nothing when it was not asked for (any more).
    [[nodiscard]] std::optional<FetchKey> settle(PeerId peer, std::uint64_t id, FetchKind kind);
    /// The answer helped: the same peer may be asked again at once.
    void helped(const FetchKey& key);
    void forget(PeerId peer);
    /// Nothing is wanted any more, and no answer to what was asked is accepted.
    void reset() { m_pursuits.clear(); }
    [[nodiscard]] std::optional<Time> next_deadline() const;

private:
    struct Request {
        PeerId peer{0};
        std::uint64_t id{0};
        friend bool operator==(const Request&, const Request&) = default;
    };
    struct Pursuit {
        std::set<PeerId> asked;
        Time began{0};
        Time timeout{0};
        bool timed_out{false};  ///< a request of this round
        std::optional<Request> current;
        Time sent{0};
        std::deque<Request> outstanding;  ///< with the current one
    };
    [[nodiscard]] std::optional<Ask> next_ask(const Want& want, Time now);
    [[nodiscard]] bool is_busy(PeerId peer, FetchKind kind) const;
    [[nodiscard]] std::optional<PeerId> choose(const Want& want, const Pursuit& pursuit) const;

    Time m_timeout;
    std::uint64_t m_next_id{1};
    std::map<FetchKey, Pursuit> m_pursuits;
};

}  // namespace tally::consensus
