#pragma once

#include "consensus/driver/ports.h"
#include "ledger/base/bytes.h"
#include "ledger/base/clock.h"

#include <cstdint>
#include <deque>
#include <map>
#include <set>
#include <vector>

namespace tally::consensus {

/// An envelope whose signature was found right.
struct VerifiedEnvelope {
    Hash hash;
    Bytes bytes;
    MemberKey signer;
    /// Block time from which on no block may carry it (earliest not_after of its transactions).
    UnixMillis expires_at{0};
};

/// What became of an envelope that was offered.
enum class Admission : std::uint8_t {
    added,
    already_known,  ///< held, or final a short while ago
    expired,        ///< at or before the last final block's time
    too_large,      ///< larger than any block may be
    member_full,    ///< its member's quota is used up; try again when some are final
    pool_full,
};

/// One of a final block.
struct FinalEnvelope {
    Hash hash;
    MemberKey signer;
    std::size_t size{0};
};

struct MempoolLimits {
    std::size_t member_count_max{2048};
    std::size_t member_bytes_max{32UL * 1024 * 1024};
    std::size_t count_max{65536};
    std::size_t bytes_max{256UL * 1024 * 1024};
    std::size_t envelope_bytes_max{512UL * 1024};
    /// Final envelopes that are remembered until they expire, so that late gossip of them is not
    /// proposed again.
    std::size_t recent_max{131072};
};

/// What an envelope costs a block besides its bytes, counted in bytes: a signature to check.
inline constexpr std::size_t envelope_overhead{1024};
/// What an envelope holds beyond this counts `large_factor` times: nothing else gets its turn while
/// it is executed, so that envelopes that take long have to be rare.
inline constexpr std::size_t large_envelope_bytes{16UL * 1024};
inline constexpr std::size_t large_factor{16};
/// What an envelope of this size is counted as, in blocks and allowances.
[[nodiscard]] constexpr std::size_t envelope_cost(std::size_t size) {
    const std::size_t beyond = size > large_envelope_bytes ? size - large_envelope_bytes : 0;
    return size + envelope_overhead + (large_factor - 1) * beyond;
}
/// What a member may put on the chain per second of block time while others use it too, counted
/// by `envelope_cost`: so much in any case, and where another one is as busy at twice the pace that
/// one had in the `usage_window_ms` before, up to the larger figure.
inline constexpr std::int64_t member_bytes_per_second{512L * 1024};
inline constexpr std::int64_t busy_bytes_per_second{4096L * 1024};
inline constexpr UnixMillis usage_window_ms{250};
/// What may be saved up of it; or what comes in `saved_ms`, or what comes in twice the time since
/// the last final block where that is more: slow networks make larger blocks, not fewer bytes.
inline constexpr std::int64_t allowance_max{16L * 1024};
inline constexpr std::int64_t saved_ms{16};
/// How long after a member's last envelope the others still leave room for its next one. Who has
/// had the chain alone for so long may fill it. Nobody rests for longer.
inline constexpr UnixMillis company_ms{10'000};
/// What a member that was alone may owe when another one comes: one block's share.
inline constexpr std::int64_t alone_debt_max{32L * 1024};
/// What one block may carry.
struct PackLimits {
    std::size_t count_max{1024};
    std::size_t bytes_max{4UL * 1024 * 1024};
    /// One member's share of a block, counted by `envelope_cost`: what one of them
    /// floods with delays the others by no more than this takes to execute. A first envelope larger
    /// than it still goes in, alone.
    std::size_t member_bytes_max{32UL * 1024};
};

/// Verified envelopes that are not final yet.
///
/// Envelopes stay until a final block contains them or block time passes their expiry, so a
/// block that does not become final loses nothing. Each member has a quota, and blocks are packed
/// by taking the next envelope of whoever has the fewest bytes in the block so far, so that no
/// member starves the others, neither with many envelopes nor with large ones. While others use
/// the chain as well, a member has an allowance of bytes per second of block time: what a member
/// floods with costs each block of the others a known part of the time that the block takes. When
/// it is not whole and does not cover all that the member has waiting, the member rests: a flood
/// comes in few blocks, and there is no block for each few bytes of it.
/// Deterministic; not thread safe: lives on the driver's thread.
class Mempool {
public:
    explicit Mempool(MempoolLimits limits = {});

    Admission add(VerifiedEnvelope envelope);

    /// What `add` would say about room for an envelope of this member and size: asked before its
    /// signature is checked, so that what a full member sends on costs next to nothing.
    [[nodiscard]] Admission room_for(const MemberKey& signer, std::size_t size) const;

    /// Envelopes for a block whose time is `block_time`: in turn from the member with the fewest
    /// bytes in it (equal: round robin, going on after the member served last in the block before),
    /// oldest first within one, without those in `excluded` (they are in unfinalized ancestors). An
    /// envelope that does not fit the remaining bytes ends its member's turn, and so does a used up
    /// allowance.
    [[nodiscard]] std::vector<const VerifiedEnvelope*> pack(const PackLimits& limits,
                                                            const std::set<Hash>& excluded,
                                                            UnixMillis block_time);
    /// Whether `pack` would find anything.
    [[nodiscard]] bool has_packable(const std::set<Hash>& excluded, UnixMillis block_time) const;
    /// The time of the last final block: what is packable then, any leader may put into a block.
    [[nodiscard]] UnixMillis block_time() const noexcept { return m_block_time; }

    /// The oldest ones, for a peer that has just connected and may have none of them.
    [[nodiscard]] std::vector<const VerifiedEnvelope*> oldest(std::size_t count_max,
                                                              std::size_t bytes_max) const;

    /// Nothing (null) when it is not held. Valid until the next change.
    [[nodiscard]] const VerifiedEnvelope* find(const Hash& hash) const;
    /// Held now, or final a short while ago.
    [[nodiscard]] bool knows(const Hash& hash) const;

    /// They are in a final block of this time: charges their members, whether they were held here
    /// or not, so that all nodes count alike; forgets them and remembers their hashes for a while;
    /// also forgets what may be in no later block.
    void remove_final(const std::vector<FinalEnvelope>& envelopes, UnixMillis block_time);
    /// They would make any block invalid: forgets them.
    void drop(const std::vector<Hash>& hashes);

    [[nodiscard]] std::size_t size() const noexcept { return m_envelopes.size(); }
    [[nodiscard]] std::size_t bytes() const noexcept { return m_bytes; }
    /// Envelopes dropped because they expired, since construction.
    [[nodiscard]] std::uint64_t expired_count() const noexcept { return m_expired; }

private:
    struct Entry {
        VerifiedEnvelope envelope;
        std::uint64_t arrival{0};
    };
    using Queue = std::map<std::uint64_t, Hash>;  ///< by arrival
    struct Member {
        Queue queue;
        std::size_t bytes{0};
        std::size_t cost{0};  ///< of all, by `envelope_cost`
    };
    /// What a member may still put into blocks; below zero: what it has had too much.
    struct Allowance {
        std::int64_t bytes{allowance_max};
        UnixMillis at{0};          ///< when that was so
        UnixMillis last_seen{0};   ///< block time of its last envelope, final or not
        UnixMillis last_final{0};  ///< of its last final one; 0: none
        UnixMillis window{0};      ///< number of the one that `used` is about
        std::int64_t used{0};
        std::int64_t used_before{0};  ///< in the window before it
    };
    struct Turn {
        MemberKey member;
        const Queue* queue;
        Queue::const_iterator next;
        std::int64_t allowance;
    };

    [[nodiscard]] std::vector<Turn> turns(const std::set<Hash>& excluded,
                                          UnixMillis block_time) const;
    /// What the busiest member, and the busiest of the others, had in the last whole window.
    struct Usage {
        MemberKey busiest{};
        std::int64_t most{0};
        std::int64_t second{0};
    };
    [[nodiscard]] Usage usage(UnixMillis block_time) const;
    [[nodiscard]] static std::int64_t rate(const MemberKey& member, const Usage& usage);
    [[nodiscard]] std::int64_t allowance(const MemberKey& member, UnixMillis block_time,
                                         const Usage& usage) const;
    void settle(UnixMillis block_time);
    [[nodiscard]] bool was_alone(const MemberKey& member) const;
    [[nodiscard]] bool has_company(const MemberKey& member, UnixMillis block_time) const;
    void charge(const FinalEnvelope& envelope);
    void forget_absent();

    [[nodiscard]] const VerifiedEnvelope* next_usable(const Queue& queue,
                                                      Queue::const_iterator& next,
                                                      const std::set<Hash>& excluded,
                                                      UnixMillis block_time) const;
    void erase(const Hash& hash);
    void expire();
    void remember(const Hash& hash, UnixMillis expires_at);

    MempoolLimits m_limits;
    std::map<Hash, Entry> m_envelopes;
    std::map<MemberKey, Member> m_members;
    std::map<MemberKey, Allowance> m_allowances;  ///< of members seen in the last `company_ms`
    std::set<std::pair<UnixMillis, Hash>> m_expiries;
    std::map<Hash, UnixMillis> m_recent;
    std::set<std::pair<UnixMillis, Hash>> m_recent_expiries;
    MemberKey m_last_served;
    UnixMillis m_block_time{0};
    std::uint64_t m_arrivals{0};
    std::uint64_t m_expired{0};
    std::size_t m_bytes{0};
};

}  // namespace tally::consensus
