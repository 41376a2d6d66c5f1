#pragma once

#include "consensus/driver/ports.h"
#include "consensus/simplex/messages.h"
#include "ledger/base/bytes.h"

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace tally::consensus {

/// Where the parts of a snapshot go and what they are checked by. The application implements it.
class SnapshotSink {
public:
    virtual ~SnapshotSink() = default;

    struct Offer {
        std::uint64_t height{0};  ///< 0: not to be chosen
        Hash digest;
        Bytes manifest;
    };
    enum class Verdict : std::uint8_t {
        accepted,
        not_held,      ///< the peer does not have it
        wrong_answer,  ///< the peer that answered lies
        wrong_offer,   ///< those who offered the snapshot lie, and it is given up
    };

    /// Asks a peer for its offer.
    [[nodiscard]] virtual Bytes offer_query() const = 0;
    /// Nothing when the bytes cannot be an offer.
    [[nodiscard]] virtual std::optional<Offer> read_offer(ByteView answer) const = 0;
    /// Digest of the snapshot that an earlier start began with.
    [[nodiscard]] virtual std::optional<Hash> begun() const = 0;
    /// `accepted`, or `wrong_offer` when it is seen to be a lie at once.
    [[nodiscard]] virtual Verdict choose(const Offer& offer) = 0;
    /// Whether the node has nothing to start with but a snapshot.
    [[nodiscard]] virtual bool must_finish() const = 0;
    /// Manifest of the offer that is being fetched, empty when there is none. It need not be the
    /// one that was chosen last: what is here was checked by an earlier one of the same snapshot.
    [[nodiscard]] virtual Bytes manifest_in_use() const = 0;
    virtual void give_up() = 0;
    /// Queries that are still to be answered, in the order in which they are worth asking.
    [[nodiscard]] virtual std::vector<Bytes> wanted(std::size_t count_max) const = 0;
    [[nodiscard]] virtual Verdict accept(ByteView query, ByteView answer) = 0;
    [[nodiscard]] virtual bool is_complete() const = 0;
    /// Why the last answer or offer was refused, in words.
    [[nodiscard]] virtual std::string problem() const = 0;
};

struct SyncOptions {
    /// A snapshot at or below this height is not worth it.
    std::uint64_t min_height{1000};
    /// Peers whose answer that they offer nothing better decides that there is nothing to fetch:
    /// more than can lie.
    std::size_t answers_needed{2};
    /// Without any offer for so long, the node starts without a snapshot.
    std::chrono::milliseconds give_up_after{10'000};
    /// How long other offers are waited for after the first one.
    std::chrono::milliseconds offer_wait{500};
    std::chrono::milliseconds answer_timeout{3000};
    /// Without an answer that is right for so long, another snapshot is looked for.
    std::chrono::milliseconds stalled_after{30'000};
    /// Likewise with fewer right answers than this in so long: one at a time, each just before its
    /// time is up, are 10.
    std::size_t progress_min{6};
    /// Queries outstanding at one peer.
    std::size_t queries_per_peer{4};
};

enum class SyncStep : std::uint8_t {
    asking,    ///< for offers
    fetching,  ///< parts of the chosen snapshot
    complete,  ///< everything is there and checked
    nothing,   ///< no snapshot is worth fetching: start as it is
};

/// What the client wants done after a call. Sends first, then disconnects.
struct SyncEffects {
    std::vector<std::pair<PeerId, Message>> sends;
    /// The peer lies or breaks the protocol; the text says how.
    std::vector<std::pair<PeerId, std::string>> disconnects;
};

/// Fetches a snapshot from several peers at once: asks all for what they offer, chooses what most
/// of them have (the newest of those), asks for its parts wherever there is room, and asks
/// elsewhere what a peer does not answer, does not have or answers wrongly.
///
/// Pure: time comes in with the call, messages go out as effects. Bounded: answers nobody asked for
/// are dropped; `queries_per_peer` outstanding at each peer. A peer that lies is never asked again,
/// also when it comes back. A snapshot that stalls is no lie, but what its sources offer comes
/// behind what others offer from then on.
class SyncClient {
public:
    using Time = std::chrono::microseconds;

    SyncClient(SyncOptions options, SnapshotSink& sink, Time now);

    [[nodiscard]] SyncEffects on_connected(const Peer& peer, Time now);
    [[nodiscard]] SyncEffects on_disconnected(PeerId peer, Time now);
    /// Who asks for a snapshot is told that there is none here; everything else but answers is
    /// ignored.
    [[nodiscard]] SyncEffects on_message(PeerId peer, const Message& message, Time now);
    /// To be called every 100 ms or so.
    [[nodiscard]] SyncEffects on_tick(Time now);

    [[nodiscard]] SyncStep step() const noexcept { return m_step; }
    /// Peers that offer the chosen snapshot.
    [[nodiscard]] std::size_t sources() const;
    [[nodiscard]] std::uint64_t lies_found() const noexcept { return m_lies; }

private:
    struct Asked {
        PeerId peer{0};
        Bytes query;  ///< empty: for its offer
        Time at{0};
    };
    struct Remote {
        Peer peer;
        bool answered{false};
        std::optional<SnapshotSink::Offer> offer;
        std::set<Bytes> not_held;  ///< at most as many as queries are asked
        std::size_t outstanding{0};
        Time rest_until{0};   ///< after silence
        Time offer_again{0};  ///< when to ask for an offer again at the earliest
    };
    void ask_offer(PeerId peer, Time now, SyncEffects& effects);
    void take_offer(Remote& remote, ByteView answer, Time now, SyncEffects& effects);
    void take_answer(const Asked& asked, ByteView answer, Time now, SyncEffects& effects);
    void blame(PeerId peer, const std::string& why, SyncEffects& effects);
    void blame_offer(const std::string& why, SyncEffects& effects);
    void forget(PeerId peer);
    void time_out(Time now);
    void advance(Time now, SyncEffects& effects);
    /// A snapshot that is offered.
    struct Candidate {
        std::size_t strikes{0};  ///< of the best of its sources
        std::size_t peers{0};
        std::map<Bytes, std::pair<std::size_t, const SnapshotSink::Offer*>> by_manifest;

        [[nodiscard]] const SnapshotSink::Offer& offer() const;
    };
    using Candidates = std::map<Hash, Candidate>;
    [[nodiscard]] Candidates find_candidates() const;
    [[nodiscard]] bool is_worth_it(const SnapshotSink::Offer& offer) const;
    [[nodiscard]] bool starts_without(const Candidates& candidates, Time now);
    void choose_offer(Time now, SyncEffects& effects);
    void start_over(Time now);
    void strike_sources();
    void fetch(Time now, SyncEffects& effects);
    /// Whether all sources have said that they do not have it.
    [[nodiscard]] bool is_lost(const Bytes& query) const;
    [[nodiscard]] bool is_stalled(Time now);
    [[nodiscard]] std::size_t strikes_of(const Remote& remote) const;
    [[nodiscard]] Remote* find_free(const Bytes& query, Time now);
    [[nodiscard]] bool offers_chosen(const Remote& remote) const;

    SyncOptions m_options;
    SnapshotSink& m_sink;
    SyncStep m_step{SyncStep::asking};
    Time m_started;  ///< asking
    std::optional<Time> m_first_offer;
    std::optional<Time> m_enough_at;  ///< when enough peers had answered without an offer
    std::optional<Hash> m_chosen;
    Bytes m_manifest;       ///< in use: others may have the same snapshot with another one
    Time m_progress_at{0};  ///< when an answer was right for the last time, or one was chosen
    Time m_period_at{0};    ///< since when right answers are counted
    std::size_t m_period_answers{0};
    std::map<PeerId, Remote> m_peers;
    std::map<std::uint64_t, Asked> m_asked;  ///< by message id
    std::uint64_t m_next_id{1};
    std::set<Hash> m_denied;  ///< snapshots that were offered and not there
    std::set<MemberKey> m_liars;
    /// How often a member's offer led nowhere. One entry a member.
    std::map<std::optional<MemberKey>, std::size_t> m_strikes;
    std::uint64_t m_lies{0};
};

}  // namespace tally::consensus
