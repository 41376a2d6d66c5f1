#include "tests/simulator/safety_oracle.h"

#include "ledger/base/check.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <utility>

namespace tally::simulator {

namespace {

/// Nodes and quorum, from the specification's n - floor((n - 1) / 3), worked out by hand.
constexpr std::array<std::pair<std::size_t, std::size_t>, 16> quorum_table{{
    {1, 1},
    {2, 2},
    {3, 3},
    {4, 3},
    {5, 4},
    {6, 5},
    {7, 5},
    {8, 6},
    {9, 7},
    {10, 7},
    {11, 8},
    {12, 9},
    {13, 9},
    {14, 10},
    {15, 11},
    {16, 11},
}};

std::size_t count_bits(std::uint64_t bits) {
    std::size_t count{0};
    for (; bits != 0; bits >>= 1U) {
        count += bits & 1U;
    }
    return count;
}

}  // namespace

std::string short_hex(const Hash& hash) { return to_hex(hash).substr(0, 8); }

std::string to_text(const VoteStatement& statement) {
    switch (statement.kind) {
        case VoteKind::notarize:
            return fmt::format("notarize v={} p={} {}", statement.view, statement.parent_view,
                               short_hex(statement.digest));
        case VoteKind::nullify:
            return fmt::format("nullify v={}", statement.view);
        case VoteKind::finalize:
            return fmt::format("finalize v={} {}", statement.view, short_hex(statement.digest));
    }
    return "unknown kind";
}

SafetyOracle::SafetyOracle(std::size_t nodes, std::size_t validators) : m_nodes(nodes) {
    std::vector<std::size_t> first(validators == 0 ? nodes : validators);
    std::iota(first.begin(), first.end(), std::size_t{0});
    m_seats.emplace(0, std::move(first));
}

void SafetyOracle::begin_epoch(std::uint64_t epoch, const std::vector<std::size_t>& seats) {
    if (m_seats.emplace(epoch, seats).first->second != seats) {
        report(fmt::format("two validator sets for epoch {}", epoch));
    }
}

const std::vector<std::size_t>& SafetyOracle::seats(std::uint64_t epoch) const {
    static const std::vector<std::size_t> none;
    const auto found = m_seats.find(epoch);
    return found == m_seats.end() ? none : found->second;
}

std::size_t SafetyOracle::quorum_of(std::size_t nodes) {
    for (const auto& [n, q] : quorum_table) {
        if (n == nodes) {
            return q;
        }
    }
    ENSURE(false);
    return 0;
}

void SafetyOracle::report(std::string what) {
    if (!m_violation) {
        m_violation = std::move(what);
    }
}

void SafetyOracle::genesis(const consensus::BlockMeta& meta) {
    m_blocks.emplace(meta.digest, meta);
    m_chain.emplace(meta.height, meta.digest);
}

void SafetyOracle::block_seen(const consensus::BlockMeta& meta) {
    m_blocks.emplace(meta.digest, meta);
}

bool SafetyOracle::vote_sent(std::size_t node, const VoteStatement& statement) {
    if (is_faulty(node)) {
        return true;
    }
    std::set<std::size_t>& senders = m_released[statement];
    if (!senders.insert(node).second) {
        return true;  // Sending the same vote again is what retries do.
    }
    if (has_quorum(statement.epoch, senders)) {
        certificate_exists(statement);
    }
    check_rules(node, statement);
    VoteRecord& record = m_nodes[node].record;
    VoteStatement& newest = statement.kind == VoteKind::notarize  ? record.notarize
                            : statement.kind == VoteKind::nullify ? record.nullify
                                                                  : record.finalize;
    if (Place{statement.epoch, statement.view} > Place{newest.epoch, newest.view}) {
        newest = statement;
    }
    return false;
}

/// Those who have sent a vote, and all faulty validators: they may sign it whenever they like.
bool SafetyOracle::has_quorum(std::uint64_t epoch, const std::set<std::size_t>& senders) const {
    const std::vector<std::size_t>& machines = seats(epoch);
    const auto count = std::count_if(machines.begin(), machines.end(), [&](std::size_t machine) {
        return senders.contains(machine) || is_faulty(machine);
    });
    return !machines.empty() && static_cast<std::size_t>(count) >= quorum_of(machines.size());
}

bool SafetyOracle::has_notarization(const VoteStatement& finalize) const {
    const VoteStatement first{.epoch = finalize.epoch, .view = finalize.view, .digest = {}};
    for (auto at = m_released.lower_bound(first);
         at != m_released.end() && at->first.kind == VoteKind::notarize &&
         at->first.epoch == finalize.epoch && at->first.view == finalize.view;
         ++at) {
        if (at->first.digest == finalize.digest && has_quorum(finalize.epoch, at->second)) {
            return true;
        }
    }
    return has_quorum(finalize.epoch, {});
}

/// What a node must not have said in one view, whatever the order in which it got out: a crash may
/// hold back a vote that is on disk already until after a later one.
void SafetyOracle::check_rules(std::size_t node, const VoteStatement& vote) {
    SentVotes& sent = m_nodes[node].sent[{vote.epoch, vote.view}];
    const auto demand = [&](bool holds, const char* rule) {
        if (!holds) {
            report(fmt::format("node {} sent {}: {}", node, to_text(vote), rule));
        }
    };
    const std::vector<std::size_t>& machines = seats(vote.epoch);
    demand(std::find(machines.begin(), machines.end(), node) != machines.end(),
           "not a validator of the epoch");
    demand(vote.view > 0, "votes begin at view 1");
    switch (vote.kind) {
        case VoteKind::notarize:
            demand(!sent.notarize, "second notarize in a view");
            sent.notarize = vote;
            break;
        case VoteKind::nullify:
            demand(!sent.finalize, "nullify and finalize in a view");
            demand(vote.digest.is_zero() && vote.parent_view == 0, "nullify names a block");
            sent.nullify = true;
            break;
        case VoteKind::finalize:
            demand(!sent.finalize, "second finalize in a view");
            demand(!sent.nullify, "nullify and finalize in a view");
            demand(has_notarization(vote), "finalize without a notarization");
            sent.finalize = vote;
            break;
    }
}

void SafetyOracle::record_changed(std::size_t node, const VoteRecord& before,
                                  const VoteRecord& after) {
    const auto demand = [&](bool holds, const char* rule) {
        if (!holds) {
            report(fmt::format("node {}: {} (before: {}, {}, {}; after: {}, {}, {})", node, rule,
                               to_text(before.notarize), to_text(before.nullify),
                               to_text(before.finalize), to_text(after.notarize),
                               to_text(after.nullify), to_text(after.finalize)));
        }
    };
    const auto grows = [](const VoteStatement& old, const VoteStatement& now) {
        return now.view > old.view || now == old;
    };
    if (after.notarize.epoch != before.notarize.epoch) {
        demand(after.notarize.epoch > before.notarize.epoch, "record of an earlier epoch");
        return;
    }
    demand(grows(before.notarize, after.notarize), "notarize record went back or changed");
    demand(grows(before.nullify, after.nullify), "nullify record went back or changed");
    demand(grows(before.finalize, after.finalize), "finalize record went back or changed");
    // R0, for votes made since.
    if (after.notarize != before.notarize) {
        demand(after.notarize.view > before.nullify.view, "notarize after nullify");
    }
    if (after.nullify != before.nullify) {
        demand(after.nullify.view > before.finalize.view, "nullify after finalize");
    }
    if (after.finalize != before.finalize) {
        demand(after.finalize.view > before.nullify.view, "finalize after nullify");
    }
    demand(after.nullify.view == 0 || after.nullify.view != after.finalize.view,
           "nullify and finalize in a view");
}

void SafetyOracle::certificate_seen(const QuorumCertificate& certificate) {
    const std::vector<std::size_t>& machines = seats(certificate.statement.epoch);
    const std::size_t signers = count_bits(certificate.bitmap);
    if (machines.empty() || signers < quorum_of(machines.size()) || signers > machines.size()) {
        report(
            fmt::format("certificate of {} signers: {}", signers, to_text(certificate.statement)));
        return;
    }
    if (signers != certificate.signatures.size()) {
        report("certificate whose bitmap does not fit its signatures");
    }
    const auto released = m_released.find(certificate.statement);
    for (std::size_t index = 0; index < 64; ++index) {
        if ((certificate.bitmap >> index & 1U) == 0) {
            continue;
        }
        const bool known =
            index < machines.size() &&
            (is_faulty(machines[index]) ||
             (released != m_released.end() && released->second.contains(machines[index])));
        if (!known) {
            report(fmt::format("certificate with a vote that validator {} never sent: {}", index,
                               to_text(certificate.statement)));
        }
    }
}

/// A quorum has sent this vote: whether or not anybody has put the certificate together yet, it
/// can be.
void SafetyOracle::certificate_exists(const VoteStatement& statement) {
    const Place place{statement.epoch, statement.view};
    switch (statement.kind) {
        case VoteKind::notarize:
            if (!m_blocks.contains(statement.digest)) {
                report(fmt::format("view {} notarized a block nobody proposed", statement.view));
            }
            if (m_notarized.emplace(place, statement.digest).first->second != statement.digest) {
                report(fmt::format("two notarized blocks in view {}", statement.view));
            }
            break;
        case VoteKind::nullify:
            m_nullified.insert(place);
            break;
        case VoteKind::finalize:
            if (m_finalized.emplace(place, statement.digest).first->second != statement.digest) {
                report(fmt::format("two finalized blocks in view {}", statement.view));
            }
            m_highest_final = std::max(m_highest_final, place);
            mark_final(statement.digest);
            break;
    }
    const auto notarized = m_notarized.find(place);
    const auto finalized = m_finalized.find(place);
    if (notarized != m_notarized.end() && finalized != m_finalized.end() &&
        notarized->second != finalized->second) {
        report(fmt::format("view {} notarized one block and finalized another", statement.view));
    }
    if (m_nullified.contains(place) && m_finalized.contains(place)) {
        report(fmt::format("view {} is both nullified and finalized", statement.view));
    }
}

void SafetyOracle::mark_final(const Hash& digest) {
    Hash at = digest;
    for (;;) {
        const auto block = m_blocks.find(at);
        if (block == m_blocks.end()) {
            report(fmt::format("finalized block {} is unknown", short_hex(at)));
            return;
        }
        const auto [place, added] = m_chain.emplace(block->second.height, at);
        check_same(block->second.height, place->second, at);
        if (const auto done = m_committed.find(block->second.height); done != m_committed.end()) {
            check_same(block->second.height, done->second, at);
        }
        if (!added || block->second.height == 0) {
            return;  // From here down the chain was checked before.
        }
        at = block->second.parent;
    }
}

void SafetyOracle::committed(std::size_t node, const consensus::BlockMeta& meta, ByteView header,
                             const QuorumCertificate& finalization) {
    Node& state = m_nodes[node];
    block_seen(meta);
    certificate_seen(finalization);
    // The certificate may be a descendant's: it covers all ancestors.
    const auto certified = m_blocks.find(finalization.statement.digest);
    if (certified == m_blocks.end() || certified->second.height < meta.height ||
        finalization.statement.kind == VoteKind::nullify) {
        report(fmt::format("node {} committed height {} under {}", node, meta.height,
                           to_text(finalization.statement)));
    }
    if (meta.height != state.final_height + 1) {
        report(fmt::format("node {} committed height {} on top of {}", node, meta.height,
                           state.final_height));
    }
    state.final_height = meta.height;
    // The own vote that completed the finalization may still be on its way out.
    check_same(meta.height, m_committed.emplace(meta.height, meta.digest).first->second,
               meta.digest);
    if (const auto on_chain = m_chain.find(meta.height); on_chain != m_chain.end()) {
        check_same(meta.height, on_chain->second, meta.digest);
    }
    compare_header(meta.height, header);
}

void SafetyOracle::check_same(consensus::Height height, const Hash& one, const Hash& other) {
    if (one != other) {
        report(
            fmt::format("fork at height {}: {} and {}", height, short_hex(one), short_hex(other)));
    }
}

void SafetyOracle::check_end() {
    for (const auto& [height, digest] : m_committed) {
        if (!m_chain.contains(height)) {
            report(fmt::format("height {} was committed, but no finalization covers it", height));
        }
    }
}

void SafetyOracle::compare_header(consensus::Height height, ByteView header) {
    const Bytes bytes(header.begin(), header.end());
    if (m_headers.emplace(height, bytes).first->second != bytes) {
        report(fmt::format("headers differ at height {}", height));
    }
}

void SafetyOracle::restarted(std::size_t node, const consensus::BlockMeta& last_final,
                             const std::optional<VoteRecord>& record) {
    Node& state = m_nodes[node];
    if (last_final.height < state.final_height && !is_faulty(node)) {
        report(fmt::format("node {} came up at height {} after it had committed {}", node,
                           last_final.height, state.final_height));
    }
    // One block more is possible: durable, but the crash came before the node could say so.
    state.final_height = last_final.height;
    if (last_final.height > 0) {
        check_same(last_final.height,
                   m_committed.emplace(last_final.height, last_final.digest).first->second,
                   last_final.digest);
    }
    if (record) {
        check_record(node, *record);
    }
}

void SafetyOracle::check_record(std::size_t node, const VoteRecord& record) {
    if (is_faulty(node)) {
        return;
    }
    const VoteRecord& sent = m_nodes[node].record;
    const auto covers = [&](const VoteStatement& kept, const VoteStatement& released) {
        if (kept.epoch > released.epoch || released.view == 0) {
            return;
        }
        const bool same = kept.view == released.view && kept.digest == released.digest &&
                          kept.parent_view == released.parent_view;
        if (kept.epoch < released.epoch || kept.view < released.view ||
            (kept.view == released.view && !same)) {
            report(fmt::format("node {} sent {} but its disk remembers only {}", node,
                               to_text(released), to_text(kept)));
        }
    };
    covers(record.notarize, sent.notarize);
    covers(record.nullify, sent.nullify);
    covers(record.finalize, sent.finalize);
}

consensus::Height SafetyOracle::highest_final() const {
    consensus::Height highest{0};
    for (const Node& node : m_nodes) {
        highest = std::max(highest, node.final_height);
    }
    return highest;
}

}  // namespace tally::simulator
