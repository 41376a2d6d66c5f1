#pragma once

// A corrupted validator. Its machine runs the production driver as a follower (so it keeps up,
// executes and answers), but holds the validator's key itself: the actor says what that validator
// votes and proposes, sees every frame first and decides which frames of the follower go out.

#include "tests/simulator/byzantine/notebook.h"
#include "tests/simulator/sim_application.h"
#include "tests/simulator/sim_network.h"
#include "tests/simulator/sim_random.h"

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <vector>

namespace tally::simulator {

enum class ActorKind : std::uint8_t {
    equivocator,
    withholder,
    split_certificates,
    late_leader,
    impersonator,
    nullify_and_finalize,
    flooder,
    lying_sync_peer,
    invariant_breaker,
    hostile_leader,
};
inline constexpr std::array<ActorKind, 10> all_actor_kinds{
    ActorKind::equivocator,   ActorKind::withholder,      ActorKind::split_certificates,
    ActorKind::late_leader,   ActorKind::impersonator,    ActorKind::nullify_and_finalize,
    ActorKind::flooder,       ActorKind::lying_sync_peer, ActorKind::invariant_breaker,
    ActorKind::hostile_leader};
[[nodiscard]] const char* to_text(ActorKind kind);

/// What a lying peer does with a node that joins and asks for a snapshot.
enum class SnapshotLie : std::uint8_t {
    wrong_values,    ///< a part of the state with an entry changed
    wrong_part,      ///< another part than was asked for
    wrong_manifest,  ///< a snapshot that nobody finalized
    withheld,        ///< offers, then says nothing
    split_for_ever,  ///< every part of the state is too large for one answer
    old_snapshot,    ///< offers what it does not have any more
    wrong_blocks,    ///< of the blocks behind the state
};
inline constexpr std::array<SnapshotLie, 7> all_snapshot_lies{
    SnapshotLie::wrong_values, SnapshotLie::wrong_part,     SnapshotLie::wrong_manifest,
    SnapshotLie::withheld,     SnapshotLie::split_for_ever, SnapshotLie::old_snapshot,
    SnapshotLie::wrong_blocks};

/// The corrupted machine as its actor uses it. All of it belongs to one process.
class Stage {
public:
    virtual ~Stage() = default;
    [[nodiscard]] virtual NodeIndex index() const = 0;
    /// Number of machines; all are numbered from 0.
    [[nodiscard]] virtual std::size_t machines() const = 0;
    [[nodiscard]] virtual SimRandom& random() = 0;
    [[nodiscard]] virtual UnixMillis wall_time() const = 0;
    [[nodiscard]] virtual SimApplicationKind& kind() = 0;
    [[nodiscard]] virtual consensus::Application& application() = 0;
    /// Nothing: chance decides.
    [[nodiscard]] virtual std::optional<SnapshotLie> snapshot_lie() const = 0;

    // The epoch that the machine's follower is in.
    [[nodiscard]] virtual std::uint64_t epoch() const = 0;
    [[nodiscard]] virtual consensus::View view() const = 0;
    [[nodiscard]] virtual std::size_t validators() const = 0;
    /// Index of this machine's key in the epoch's set; nothing when it is not a validator.
    [[nodiscard]] virtual std::optional<consensus::ValidatorIndex> self() const = 0;
    [[nodiscard]] virtual consensus::ValidatorIndex leader(consensus::View view) const = 0;

    [[nodiscard]] virtual Signature sign(const VoteStatement& statement, const Hash& chain_id) = 0;
    [[nodiscard]] virtual bool holds(const QuorumCertificate& certificate) = 0;
    /// Sends to another machine, if there is a connection.
    virtual void send(NodeIndex to, const consensus::Message& message) = 0;
    virtual void send_bytes(NodeIndex to, Bytes bytes) = 0;
    /// Calls back later, if the process still lives.
    virtual void later(SimTime delay, std::function<void()> action) = 0;
};

/// One way to be wrong. Left alone, an actor behaves almost like an honest validator, so that its
/// cluster gets somewhere: it proposes when it leads and votes for what it sees. Each kind
/// overrides what it does otherwise.
class Actor {
public:
    explicit Actor(Stage& stage) : m_stage{stage} {}
    virtual ~Actor() = default;
    Actor(const Actor&) = delete;
    Actor& operator=(const Actor&) = delete;

    /// A frame arrived. True: the follower sees it as well.
    [[nodiscard]] bool received(NodeIndex from, const consensus::Message& message);
    /// The follower is about to send this. True: it goes out.
    [[nodiscard]] virtual bool sending(NodeIndex /*to*/, const consensus::Message& /*message*/) {
        return true;
    }
    /// After each turn of the follower.
    void turn();
    /// Says nothing from now on.
    void silence() { m_silent = true; }
    [[nodiscard]] bool is_silent() const { return m_silent; }
    /// How often it did what it is here for.
    [[nodiscard]] std::uint64_t deeds() const { return m_deeds; }

protected:
    [[nodiscard]] Stage& stage() { return m_stage; }
    [[nodiscard]] Notebook& notes() { return m_notes; }
    [[nodiscard]] SimRandom& random() { return m_stage.random(); }
    void done() { ++m_deeds; }

    virtual bool on_message(NodeIndex /*from*/, const consensus::Message& /*message*/) {
        return true;
    }
    /// The follower entered a view.
    virtual void on_view(consensus::View view);
    /// Leads `view` and has made a proposal.
    virtual void offer(const consensus::Proposal& proposal);
    /// Would vote so, were it honest.
    virtual void cast(const VoteStatement& statement);

    // Building blocks.
    [[nodiscard]] std::optional<consensus::Proposal> make_proposal(
        consensus::View view, const std::vector<Bytes>& envelopes);
    /// The same proposal with another header, signed anew.
    [[nodiscard]] std::optional<consensus::Proposal> alter(const consensus::Proposal& proposal,
                                                           HeaderChange change);
    void sign_proposal(consensus::Proposal& proposal);
    [[nodiscard]] std::optional<consensus::Vote> make_vote(const VoteStatement& statement);
    void send_all(const consensus::Message& message);
    /// A random part of the others, each machine with even chances; possibly nobody.
    [[nodiscard]] std::vector<NodeIndex> some();
    [[nodiscard]] std::vector<NodeIndex> others();
    void send_to(const std::vector<NodeIndex>& receivers, const consensus::Message& message);
    [[nodiscard]] std::optional<Hash> digest_of(const Bytes& header);
    [[nodiscard]] VoteStatement statement(VoteKind kind, consensus::View view,
                                          consensus::View parent_view = 0, const Hash& digest = {});

private:
    void lead(consensus::View view);
    void vote_on(const consensus::Proposal& proposal);
    void renew_epoch();

    Stage& m_stage;
    Notebook m_notes;
    consensus::View m_seen_view{0};
    bool m_silent{false};
    std::uint64_t m_deeds{0};
};

[[nodiscard]] std::unique_ptr<Actor> make_actor(ActorKind kind, Stage& stage);

}  // namespace tally::simulator
