#pragma once

#include "consensus/simplex/core.h"
#include "tests/simulator/sim_random.h"

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <vector>

namespace tally::consensus::model {

/// The hash of key and digest instead of a signature: schedules in thousands would be slow with
/// real ones.
[[nodiscard]] Signature stand_in_signature(const PublicKey& key, const Hash& digest);
/// Keys of the first `count` validators.
[[nodiscard]] std::vector<VerifyKey> model_keys(std::size_t count);
[[nodiscard]] Hash model_chain_id();
inline constexpr std::uint64_t model_epoch{3};
[[nodiscard]] VoteStatement statement_of(VoteKind kind, View view, View parent_view = 0,
                                         const Hash& digest = {});

/// A block that a leader offers for a view.
struct OfferedBlock {
    View view{0};
    View parent_view{0};
    BlockMeta meta;
    Bytes header;
    bool valid{true};  ///< whether whoever executes it finds it good
};

/// Everybody but the validator under test: at most f of them sign whatever chance says, the others
/// only what the rules allow them, on what exists somewhere by then. So no two quorums ever
/// contradict each other, but nearly everything else happens. What was signed may be delivered to
/// the validator under test in any order, at any time, again, or never.
class Others {
public:
    Others(std::size_t count, ValidatorIndex self, std::function<ValidatorIndex(View)> leader,
           simulator::SimRandom& random);

    /// Somebody signs something about a view near the newest one.
    void act();
    /// A vote of the validator under test that left it.
    void note_own(const Vote& vote);
    /// A block of the validator under test.
    [[nodiscard]] OfferedBlock build_own(const BuildBlock& build);

    /// Something to deliver about a view near `view`; nothing when there is none.
    [[nodiscard]] std::optional<Vote> some_vote(View view);
    [[nodiscard]] std::optional<QuorumCertificate> some_certificate(View view);
    [[nodiscard]] std::optional<ProposalReceived> some_proposal(View view);

    [[nodiscard]] bool is_liar(ValidatorIndex index) const { return m_liars.contains(index); }
    [[nodiscard]] Vote sign(ValidatorIndex signer, const VoteStatement& statement) const;
    [[nodiscard]] const BlockMeta& genesis() const { return m_genesis; }
    /// Whether whoever executes this block finds it good.
    [[nodiscard]] bool is_valid(const Hash& digest) const;
    /// A certificate of this statement by a random quorum of its signers.
    [[nodiscard]] QuorumCertificate certificate(const VoteStatement& statement);

private:
    [[nodiscard]] std::size_t quorum() const;
    [[nodiscard]] View newest() const;
    [[nodiscard]] View near(View view);
    [[nodiscard]] bool is_certified(const VoteStatement& statement) const;
    /// The certified statement of that kind and view.
    [[nodiscard]] std::optional<VoteStatement> certified(VoteKind kind, View view) const;
    [[nodiscard]] bool has_voted(ValidatorIndex signer, VoteKind kind, View view) const;
    [[nodiscard]] bool may_sign(ValidatorIndex signer, const VoteStatement& statement) const;
    [[nodiscard]] bool is_justified(View parent_view, View view) const;
    void cast(ValidatorIndex signer, const VoteStatement& statement);
    void lie(ValidatorIndex signer, View view);
    void offer(View view);
    /// Where a leader may build: a justified parent below the view.
    [[nodiscard]] std::optional<View> some_parent(View view);
    [[nodiscard]] OfferedBlock make_block(View view, View parent_view, const Hash& parent,
                                          ValidatorIndex proposer);
    [[nodiscard]] Justification justify(View parent_view, View view);

    std::size_t m_count;
    ValidatorIndex m_self;
    std::function<ValidatorIndex(View)> m_leader;
    simulator::SimRandom& m_random;
    std::vector<VerifyKey> m_keys;
    std::set<ValidatorIndex> m_liars;
    BlockMeta m_genesis;
    std::map<VoteStatement, std::set<ValidatorIndex>> m_votes;
    std::map<Hash, OfferedBlock> m_blocks;  ///< by digest, as first offered
    std::map<View, std::vector<OfferedBlock>> m_offers;
    std::uint32_t m_salt{0};
};

}  // namespace tally::consensus::model
