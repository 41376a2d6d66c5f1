#pragma once

#include "tests/simulator/sim_node.h"

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <vector>

namespace tally::consensus {

/// A second, naive reading of rules R0 to R5: for each node and epoch it keeps every vote and
/// certificate that ever reached it, in sets, and judges each vote and certificate that the node
/// lets out by what it can have known. Shares no code with the core: counts, justifications, views
/// and epochs are worked out from the text of the specification, slowly. It never forgets what a
/// node knew; a node that starts with an older record than it has let out votes observes for the
/// rest of that epoch.
class NaiveModel final : public simulator::WorldObserver {
public:
    /// `nodes` validators in the first epoch. `liars` are not judged; what they say may be heard
    /// like anything else. `records_last`: no old copy of a disk is put back, which its node cannot
    /// notice before others tell it.
    NaiveModel(std::size_t nodes, simulator::SimApplicationKind& kind,
               std::set<std::size_t> liars = {}, bool records_last = true);

    void starting(simulator::NodeIndex node, const simulator::VoteRecord& recovered) override;
    void sent(simulator::NodeIndex from, simulator::NodeIndex to, const Message& message) override;
    void delivered(simulator::NodeIndex from, simulator::NodeIndex to,
                   const Message& message) override;
    void committed(simulator::NodeIndex node, const simulator::FinalNotice& notice) override;

    /// The first thing that a node did without being allowed to.
    [[nodiscard]] const std::optional<std::string>& problem() const { return m_problem; }
    [[nodiscard]] std::uint64_t votes_judged() const { return m_votes_judged; }
    [[nodiscard]] std::uint64_t certificates_judged() const { return m_certificates_judged; }

private:
    /// What a vote is about, as far as counting goes.
    using Topic = std::tuple<std::uint64_t, VoteKind, View, Hash>;  ///< epoch first
    struct Knowledge {
        std::map<Topic, std::set<std::size_t>> votes;
        std::set<Topic> certificates;
        std::set<VoteStatement> let_out;                  ///< own votes that left the node
        std::set<VoteStatement> recovered;                ///< own votes its disk held at a start
        std::map<std::uint64_t, View> highest_certified;  ///< by epoch, by anything it ever heard
        /// Blocks that it heard of for an epoch and view.
        std::set<std::tuple<std::uint64_t, View, Hash>> proposed;
        bool has_proof{false};              ///< was sent the proof of an epoch's end
        std::set<std::uint64_t> observing;  ///< epochs in which its record was lost
    };
    /// An epoch as those know it who have seen the one before end.
    struct EpochFacts {
        std::vector<std::size_t> seats;  ///< machines, in index order
        Hash genesis;
    };
    struct BlockFacts {
        Hash parent;
        View parent_view{0};
        Height height{0};
        View view{0};
        std::uint32_t proposer{0};  ///< index in its epoch
        std::uint64_t epoch{0};
        bool seals{false};
    };

    static Topic topic(const VoteStatement& statement);
    [[nodiscard]] bool knows(std::size_t node, const Topic& topic) const;
    [[nodiscard]] std::size_t seat_of(std::uint64_t epoch, std::uint32_t index) const;
    static BlockFacts facts_of(const BlockMeta& meta);
    void learn_vote(std::size_t node, const VoteStatement& statement, std::size_t signer);
    void learn_certificate(std::size_t node, const QuorumCertificate& certificate);
    void learn_proposal(std::size_t node, std::size_t from, const Proposal& proposal);
    void learn_range(std::size_t node, const RangeResponse& range);
    void judge_vote(std::size_t node, const VoteStatement& vote);
    void judge_notarize(std::size_t node, const VoteStatement& vote);
    void judge_new_block(std::size_t node, const VoteStatement& vote, const BlockFacts& block);
    void judge_parent(std::size_t node, const VoteStatement& vote, const Hash& parent);
    void judge_certificate(std::size_t node, const QuorumCertificate& certificate);
    void judge_proposal(std::size_t node, const Proposal& proposal);
    void demand(bool holds, std::size_t node, const VoteStatement& vote, const char* rule);

    simulator::SimApplicationKind& m_kind;
    std::set<std::size_t> m_liars;
    bool m_records_last;
    std::map<std::uint64_t, EpochFacts> m_epochs;
    std::map<std::size_t, Knowledge> m_nodes;
    std::map<Hash, BlockFacts> m_blocks;
    /// By epoch and view modulo n: the schedule repeats.
    std::map<std::pair<std::uint64_t, View>, std::size_t> m_leaders;
    std::optional<std::string> m_problem;
    std::uint64_t m_votes_judged{0};
    std::uint64_t m_certificates_judged{0};
};

}  // namespace tally::consensus
