#pragma once

#include "consensus/driver/application.h"
#include "ledger/crypto/quorum_certificate.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace tally::simulator {

/// The highest votes of each kind that a node has let out, or that its disk remembers. Views of 0
/// mean none.
struct VoteRecord {
    VoteStatement notarize;
    VoteStatement nullify;
    VoteStatement finalize;
};

/// Watches everything that honest nodes let out of their process and everything they call final,
/// and says which rule of the specification is broken first. It shares no code with consensus: its
/// quorum table is written out by hand.
///
/// Everything handed to it counts as visible to the world; a crash does not take it back.
class SafetyOracle {
public:
    explicit SafetyOracle(std::size_t nodes);

    /// The genesis, so that the first blocks have an ancestor.
    void genesis(const consensus::BlockMeta& meta);
    /// A block that somebody proposed or served.
    void block_seen(const consensus::BlockMeta& meta);
    /// A vote that left `node` (in a message of its own or as the leader's vote of a proposal).
    /// True when that node had sent exactly this vote before.
    bool vote_sent(std::size_t node, const VoteStatement& statement);
    /// A certificate that left a node, in whatever message.
    void certificate_seen(const QuorumCertificate& certificate);
    /// `node` has told its ledger that a block is final.
    void committed(std::size_t node, const consensus::BlockMeta& meta, ByteView header,
                   const QuorumCertificate& finalization);
    /// `node` came up again with this final height and, if it is known, this record of votes.
    void restarted(std::size_t node, const consensus::BlockMeta& last_final,
                   const std::optional<VoteRecord>& record);
    /// The record in the memory of `node` changed: votes were made, in whatever order.
    void record_changed(std::size_t node, const VoteRecord& before, const VoteRecord& after);
    /// A disk as `node` would find it after a crash now must remember at least all votes sent.
    void check_record(std::size_t node, const VoteRecord& record);
    /// All nodes must have the same header bytes (so the same roots) at a height.
    void compare_header(consensus::Height height, ByteView header);
    /// After the run: all that was committed must be covered by finalizations that were sent.
    void check_end();
    /// Anything else that must not be.
    void report(std::string what);

    [[nodiscard]] const std::optional<std::string>& violation() const { return m_violation; }
    [[nodiscard]] consensus::Height final_height(std::size_t node) const {
        return m_nodes[node].final_height;
    }
    [[nodiscard]] consensus::Height highest_final() const;
    [[nodiscard]] consensus::View highest_final_view() const { return m_highest_final_view; }
    [[nodiscard]] std::size_t nullified_views() const { return m_nullified.size(); }
    /// Number that certificates must reach: by hand for the sizes that worlds have.
    [[nodiscard]] static std::size_t quorum_of(std::size_t nodes);

private:
    /// What a node has sent in one view.
    struct SentVotes {
        std::optional<VoteStatement> notarize;
        bool nullify{false};
        std::optional<VoteStatement> finalize;
    };
    struct Node {
        VoteRecord record;  ///< newest of each kind that was sent
        std::map<consensus::View, SentVotes> sent;
        consensus::Height final_height{0};
    };

    void check_rules(std::size_t node, const VoteStatement& vote);
    [[nodiscard]] std::size_t notarizers_of(const VoteStatement& finalize) const;
    void certificate_exists(const VoteStatement& statement);
    void mark_final(const Hash& digest);
    void check_same(consensus::Height height, const Hash& one, const Hash& other);

    std::vector<Node> m_nodes;
    std::map<VoteStatement, std::set<std::size_t>> m_released;
    std::map<Hash, consensus::BlockMeta> m_blocks;
    std::map<consensus::View, Hash> m_notarized;
    std::set<consensus::View> m_nullified;
    std::map<consensus::View, Hash> m_finalized;
    std::map<consensus::Height, Hash> m_chain;
    std::map<consensus::Height, Hash> m_committed;
    std::map<consensus::Height, Bytes> m_headers;
    consensus::View m_highest_final_view{0};
    std::optional<std::string> m_violation;
};

/// "notarize v=7 3f2a91c0": for traces and reports.
[[nodiscard]] std::string to_text(const VoteStatement& statement);
/// The first eight hexadecimal digits.
[[nodiscard]] std::string short_hex(const Hash& hash);

}  // namespace tally::simulator
