// How a node starts, and how it introduces itself to a peer.

#include "consensus/driver/driver_impl.h"
#include "consensus/planted_bug.h"
#include "ledger/base/check.h"

#include <algorithm>

namespace tally::consensus {
namespace {

/// Waiting envelopes that a peer gets when it connects.
constexpr std::size_t greeting_envelopes_max{256};
constexpr std::size_t greeting_bytes_max{1024UL * 1024};

}  // namespace

/// The ledger says what is final, the journal what was promised since. Executing the journal's
/// blocks again is left to the first turn.
void Driver::Impl::recover() {
    load_epoch(m_ports.journal->has_record());
    const BlockMeta final = final_block();
    CoreStart start;
    start.final_view = final.view;
    start.final_digest = final.digest;
    if (final.view != 0) {
        start.final_certificate = m_application.last_finalization();
    }
    JournalState journal = m_ports.journal->take_recovered();
    if (m_signer) {
        start.safety = m_ports.journal->safety();
        for (const QuorumCertificate& certificate : journal.certificates) {
            if (certificate.statement.view > final.view) {
                m_tree.certify(certificate);
            }
        }
        start.certificates = std::move(journal.certificates);
        restore_blocks(journal.blocks);
        restore_proposal(std::move(journal.own_proposal));
    }
    make_core(std::move(start));
}

/// Only what our NOTARIZE is about: beside another block of its view it were equivocation.
void Driver::Impl::restore_proposal(Bytes encoded) {
    const Expected<Message, WireError> own = decode_message(encoded);
    const Proposal* proposal = own ? std::get_if<Proposal>(&*own) : nullptr;
    const ReleasedVote& notarize = m_ports.journal->safety().notarize;
    if (proposal != nullptr && proposal->view == notarize.view &&
        proposal->leader_signature == notarize.signature) {
        m_own_proposal_view = proposal->view;
        m_own_proposal = std::move(encoded);
    }
}

void Driver::Impl::restore_blocks(const std::vector<JournalBlock>& blocks) {
    const Height final = m_application.last_final().height;
    for (const JournalBlock& block : blocks) {
        const std::optional<BlockMeta> meta = m_application.decode_header(block.header);
        if (!meta || meta->height <= final) {
            continue;
        }
        std::vector<Hash> hashes;
        for (const Bytes& envelope : block.envelopes) {
            hashes.push_back(m_application.hash_of_envelope(envelope));
        }
        m_tree.insert(*meta, block.header, hashes).journaled = true;
        for (std::size_t i = 0; i < hashes.size(); ++i) {
            m_tree.offer(hashes[i], block.envelopes[i]);
        }
    }
}

/// Status, envelopes that wait (whoever took them while nobody was connected, a follower above all,
/// has gossiped them to nobody), the certificate that leads into our view, and own votes that may
/// have been lost; a leader's NOTARIZE goes as the proposal it is part of. All of it is durable
/// since long.
void Driver::Impl::greet(const ConnectedPeer& peer) {
    send_status(peer);
    const PeerId id = peer.peer.id;
    for (const VerifiedEnvelope* envelope :
         m_mempool.oldest(greeting_envelopes_max, greeting_bytes_max)) {
        send(id, EnvelopeGossip{envelope->bytes});
    }
    if (const auto entry = m_core->entry_certificate()) {
        send(id, *entry);
    }
    if (!m_own_proposal.empty() && m_own_proposal_view == m_core->view()) {
        m_outbox.push_back({Audience::one, id, m_own_proposal});
    }
    if (!m_signer || !peer.index) {
        return;
    }
    const SafetyRecord& safety = m_ports.journal->safety();
    for (const VoteKind kind : {VoteKind::notarize, VoteKind::nullify, VoteKind::finalize}) {
        if (safety.of(kind).view > m_core->last_final_view()) {
            send(id, safety.vote(kind, *m_self));
        }
    }
}

void Driver::Impl::send_status(const ConnectedPeer& peer) {
    const BlockMeta final = final_block();
    Status status;
    status.epoch = m_epoch.epoch;
    status.view = m_core->view();
    status.last_final_view = final.view;
    status.last_final_height = final.height;
    status.last_final_digest = final.digest;
    if (peer.index) {
        status.your_votes = m_core->newest_votes(*peer.index);
    }
    send(peer.peer.id, status);
}

/// A node that has just started first lets q - 1 validators of its epoch say what they saw of it:
/// if its record is an old copy, one of them knows a newer vote. Status needs no votes, so a whole
/// cluster that starts together gets through this. A follower listens as well: it may become a
/// validator.
void Driver::Impl::allow_voting_if_heard() {
    const std::size_t others = quorum(m_keys.size()) - 1;
    const std::size_t needed = m_self ? others : std::max<std::size_t>(1, others);
    const bool too_few = m_status_from.size() < needed && !planted(PlantedBug::vote_before_status);
    if (m_heard_enough || too_few) {
        return;
    }
    m_heard_enough = true;
    if (m_signer) {
        feed(VotingAllowed{});
    }
}

}  // namespace tally::consensus
