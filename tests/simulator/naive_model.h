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

/// A second, naive reading of rules R0 to R5: for each node it keeps every vote and certificate
/// that ever reached it, in sets, and judges each vote and certificate that the node lets out by
/// what it can have known. Shares no code with the core: counts, justifications and views are
/// worked out from the text of the specification, slowly.
class NaiveModel final : public simulator::WorldObserver {
public:
    /// `liars` are not judged; what they say may be heard like anything else.
    NaiveModel(std::size_t nodes, simulator::SimApplicationKind& kind,
               std::set<std::size_t> liars = {});

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
    using Topic = std::tuple<VoteKind, View, Hash>;
    struct Knowledge {
        std::map<Topic, std::set<std::size_t>> votes;
        std::set<Topic> certificates;
        std::set<VoteStatement> let_out;           ///< own votes that left the node
        std::set<VoteStatement> recovered;         ///< own votes its disk held at a start
        View highest_certified{0};                 ///< by anything it ever heard
        std::set<std::pair<View, Hash>> proposed;  ///< blocks that it heard of for a view
    };
    struct BlockFacts {
        Hash parent;
        View parent_view{0};
        Height height{0};
        View view{0};
        std::uint32_t proposer{0};
    };

    static Topic topic(const VoteStatement& statement);
    [[nodiscard]] bool knows(std::size_t node, const Topic& topic) const;
    void learn_vote(std::size_t node, const VoteStatement& statement, std::size_t signer);
    void learn_certificate(std::size_t node, const QuorumCertificate& certificate);
    void learn_proposal(std::size_t node, std::size_t from, const Proposal& proposal);
    void learn_range(std::size_t node, const RangeResponse& range);
    void judge_vote(std::size_t node, const VoteStatement& vote);
    void judge_notarize(std::size_t node, const VoteStatement& vote);
    void judge_certificate(std::size_t node, const QuorumCertificate& certificate);
    void judge_proposal(std::size_t node, const Proposal& proposal);
    void demand(bool holds, std::size_t node, const VoteStatement& vote, const char* rule);

    simulator::SimApplicationKind& m_kind;
    std::size_t m_quorum;
    std::set<std::size_t> m_liars;
    std::vector<Knowledge> m_nodes;
    std::map<Hash, BlockFacts> m_blocks;
    std::map<View, std::size_t> m_leaders;  ///< by view modulo n: the schedule repeats
    std::optional<std::string> m_problem;
    std::uint64_t m_votes_judged{0};
    std::uint64_t m_certificates_judged{0};
};

}  // namespace tally::consensus
