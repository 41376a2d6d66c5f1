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
#include <utility>
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
    /// `nodes` machines, of which the first `validators` (0: all) are the first epoch's set.
    explicit SafetyOracle(std::size_t nodes, std::size_t validators = 0);

    /// Every FINALIZE that goes out is looked for on the disk of its node, not a share of them, and
    /// journals are compacted more often.
    void be_thorough() noexcept { m_is_thorough = true; }
    [[nodiscard]] bool is_thorough() const noexcept { return m_is_thorough; }
    /// Which machine has which index in an epoch. All who say it must say the same.
    void begin_epoch(std::uint64_t epoch, const std::vector<std::size_t>& seats);
    /// The machines of an epoch in index order; none when it has not begun.
    [[nodiscard]] const std::vector<std::size_t>& seats(std::uint64_t epoch) const;
    [[nodiscard]] std::uint64_t newest_epoch() const { return m_seats.rbegin()->first; }
    /// The disk of `node` has lost its record: it may be empty now, and stays silent for a while.
    void record_lost(std::size_t node) { m_nodes[node].record = {}; }

    /// The genesis, so that the first blocks have an ancestor.
    void genesis(const consensus::BlockMeta& meta);
    /// From now on `node` may say anything; every vote counts as said by it.
    void set_faulty(std::size_t node) { m_faulty.insert(node); }
    [[nodiscard]] bool is_faulty(std::size_t node) const { return m_faulty.contains(node); }
    [[nodiscard]] std::size_t faulty_count() const { return m_faulty.size(); }
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
    [[nodiscard]] consensus::View highest_final_view() const { return m_highest_final.second; }
    [[nodiscard]] std::size_t nullified_views() const { return m_nullified.size(); }
    /// Number that certificates must reach: by hand for the sizes that worlds have.
    [[nodiscard]] static std::size_t quorum_of(std::size_t nodes);

private:
    /// Epoch and view.
    using Place = std::pair<std::uint64_t, consensus::View>;

    /// What a node has sent in one view.
    struct SentVotes {
        std::optional<VoteStatement> notarize;
        bool nullify{false};
        std::optional<VoteStatement> finalize;
    };
    struct Node {
        VoteRecord record;  ///< newest of each kind that was sent
        std::map<Place, SentVotes> sent;
        consensus::Height final_height{0};
    };

    void check_rules(std::size_t node, const VoteStatement& vote);
    [[nodiscard]] bool has_quorum(std::uint64_t epoch, const std::set<std::size_t>& senders) const;
    [[nodiscard]] bool has_notarization(const VoteStatement& finalize) const;
    void certificate_exists(const VoteStatement& statement);
    void mark_final(const Hash& digest);
    void check_same(consensus::Height height, const Hash& one, const Hash& other);

    std::vector<Node> m_nodes;
    std::set<std::size_t> m_faulty;
    std::map<VoteStatement, std::set<std::size_t>> m_released;
    std::map<Hash, consensus::BlockMeta> m_blocks;
    std::map<std::uint64_t, std::vector<std::size_t>> m_seats;
    std::map<Place, Hash> m_notarized;
    std::set<Place> m_nullified;
    std::map<Place, Hash> m_finalized;
    std::map<consensus::Height, Hash> m_chain;
    std::map<consensus::Height, Hash> m_committed;
    std::map<consensus::Height, Bytes> m_headers;
    Place m_highest_final{};
    std::optional<std::string> m_violation;
    bool m_is_thorough{false};
};

/// "notarize v=7 3f2a91c0": for traces and reports.
[[nodiscard]] std::string to_text(const VoteStatement& statement);
/// The first eight hexadecimal digits.
[[nodiscard]] std::string short_hex(const Hash& hash);

}  // namespace tally::simulator
