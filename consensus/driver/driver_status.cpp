// What the driver remembers for people only: nothing of it decides anything.

#include "consensus/driver/driver_impl.h"

#include <algorithm>

namespace tally::consensus {

const char* to_text(Role role) {
    switch (role) {
        case Role::follower:
            return "follower";
        case Role::waiting:
            return "waiting";
        case Role::validator:
            return "validator";
        case Role::observer:
            break;
    }
    return "observer";
}

MemberKey Driver::Impl::member(ValidatorIndex index) const {
    return index < m_epoch.validators.size() ? m_epoch.validators[index].member : MemberKey{};
}

void Driver::Impl::note_nullified(const QuorumCertificate& certificate) {
    ++m_counters.views_nullified;
    NullifiedView ended;
    ended.epoch = m_epoch.epoch;
    ended.view = certificate.statement.view;
    ended.leader = member(m_core->leader(ended.view));
    if (m_own_nullify && m_own_nullify->first == ended.view) {
        ended.own_reason = m_own_nullify->second;
    }
    for (ValidatorIndex signer = 0; signer < m_epoch.validators.size(); ++signer) {
        if ((certificate.bitmap >> signer & 1) != 0) {
            ended.signers.push_back(member(signer));
        }
    }
    if (ended.view == m_entered_view) {
        ended.spent = now() - m_entered_at;
    }
    if (m_ports.on_nullified) {
        m_ports.on_nullified(ended);
    }
    m_nullified.push_back(std::move(ended));
    if (m_nullified.size() > nullified_views_max) {
        m_nullified.pop_front();
    }
}

/// Syncs the journal when something waits, and measures how long it took.
void Driver::Impl::sync_journal() {
    if (m_ports.journal->is_synced()) {
        return;
    }
    const Time began = now();
    m_ports.journal->sync();
    m_halted = m_ports.journal->has_failed();
    const Time took = now() - began;
    ++m_counters.journal_syncs;
    m_counters.journal_sync_last = took;
    m_counters.journal_sync_max = std::max(m_counters.journal_sync_max, took);
    m_counters.journal_sync_total += took;
    const auto bucket =
        std::lower_bound(journal_sync_bounds.begin(), journal_sync_bounds.end(), took) -
        journal_sync_bounds.begin();
    ++m_counters.journal_sync_counts[static_cast<std::size_t>(bucket)];
}

/// What was found in this turn is durable by now.
void Driver::Impl::tell_evidence() {
    for (const Evidence& evidence : std::exchange(m_new_evidence, {})) {
        if (m_ports.on_evidence) {
            m_ports.on_evidence(evidence);
        }
    }
}

bool Driver::Impl::is_sealing() const {
    const std::vector<const TreeBlock*> blocks = m_tree.by_height();
    return std::any_of(blocks.begin(), blocks.end(), [this](const TreeBlock* block) {
        return block->meta.seals_epoch && m_tree.certificate(block->meta.digest) != nullptr;
    });
}

DriverStatus Driver::Impl::status() const {
    DriverStatus status{figures(), {}, {}, {}, {}, {}, {}, {}, {}};
    if (m_core == nullptr) {
        return status;
    }
    status.leader_member = member(status.leader);
    status.time_in_view = now() - m_entered_at;
    if (const auto entry = m_core->entry_certificate()) {
        status.entry = entry->statement;
    }
    status.unfinalized_views = status.view - status.last_final_view - 1;
    status.nullified.assign(m_nullified.begin(), m_nullified.end());
    status.is_sealing = is_sealing();
    for (ValidatorIndex index = 0; index < m_epoch.validators.size(); ++index) {
        status.validators.push_back(member(index));
        ViewVotes votes;
        votes.member = member(index);
        votes.connected = m_self == index;
        for (const auto& [id, peer] : m_peers.all()) {
            votes.connected = votes.connected || peer.index == index;
        }
        votes.notarized = m_core->has_vote(VoteKind::notarize, index);
        votes.nullified = m_core->has_vote(VoteKind::nullify, index);
        votes.finalized = m_core->has_vote(VoteKind::finalize, index);
        votes.last_heard_ago = m_self == index ? Time{0} : now() - m_core->last_heard(index);
        status.votes.push_back(votes);
    }
    return status;
}

}  // namespace tally::consensus
