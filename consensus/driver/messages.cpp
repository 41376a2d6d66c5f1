// What comes in from peers: decode, see whether this peer may say it, hand it to the core.

#include "consensus/driver/driver_impl.h"
#include "consensus/planted_bug.h"
#include "ledger/base/check.h"

namespace tally::consensus {
namespace {

/// The epoch that a message is about; nothing when it is about none.
std::optional<std::uint64_t> epoch_of(const Message& message) {
    if (const auto* vote = std::get_if<Vote>(&message)) {
        return vote->statement.epoch;
    }
    if (const auto* certificate = std::get_if<QuorumCertificate>(&message)) {
        return certificate->statement.epoch;
    }
    if (const auto* proposal = std::get_if<Proposal>(&message)) {
        return proposal->epoch;
    }
    if (const auto* request = std::get_if<CertificateRequest>(&message)) {
        return request->epoch;
    }
    const auto* status = std::get_if<Status>(&message);
    return status != nullptr ? std::optional{status->epoch} : std::nullopt;
}

/// A planted bug: certificates of epochs that are over count like others.
bool is_replayed([[maybe_unused]] const Message& message, [[maybe_unused]] std::uint64_t epoch) {
    return planted(PlantedBug::old_epoch_replay) &&
           std::holds_alternative<QuorumCertificate>(message) && *epoch_of(message) < epoch;
}

}  // namespace

void Driver::Impl::on_message(PeerId id, ByteView frame) {
    ConnectedPeer* peer = m_peers.find(id);
    if (peer == nullptr || m_halted) {
        return;
    }
    if (!peer->may_speak(now(), frame)) {
        ++m_counters.messages_dropped;
        return;
    }
    m_sender = id;
    Expected<Message, WireError> message = decode_message(frame);
    if (!message) {
        reject(id, to_text(message.error()));
        return;
    }
    const std::optional<std::uint64_t> epoch = epoch_of(*message);
    if (epoch && *epoch != m_epoch.epoch && !is_replayed(*message, m_epoch.epoch)) {
        take_other_epoch(*peer, *epoch, *message);
    } else {
        std::visit([this, peer](auto& concrete) { handle(*peer, concrete); }, *message);
    }
    run_turn();
}

void Driver::Impl::reject(PeerId peer, const char* reason) {
    ++m_counters.messages_rejected;
    if (m_peers.find(peer) != nullptr) {
        m_ports.transport.disconnect(peer, reason);
    }
}

/// Votes count only over the connection of their signer, so a follower has none.
void Driver::Impl::handle(ConnectedPeer& peer, Vote& message) {
    if (!peer.index ||
        (message.signer != *peer.index && !planted(PlantedBug::vote_of_claimed_signer))) {
        reject(peer.peer.id, "vote: of another signer");
        return;
    }
    feed(VoteReceived{message, *peer.index});
}

void Driver::Impl::handle(ConnectedPeer& peer, QuorumCertificate& message) {
    const bool is_new =
        !m_core->is_known(message) || planted(PlantedBug::certificates_checked_again);
    if (is_new && peer.certificates.take(now())) {
        feed(CertificateReceived{std::move(message)});
    }
}

void Driver::Impl::handle(ConnectedPeer& peer, Proposal& message) {
    if (!peer.index) {
        reject(peer.peer.id, "proposal: not from a validator");
        return;
    }
    const std::optional<BlockMeta> meta = m_application.decode_header(message.header);
    if (!meta) {
        reject(peer.peer.id, "proposal: header does not decode");
        return;
    }
    if (!peer.certificates.take(now())) {
        return;
    }
    const Bytes header = message.header;
    const std::vector<Hash> envelopes = message.envelopes;
    feed(ProposalReceived{std::move(message), *meta, *peer.index});
    drain();
    keep_if_certified(*meta, header, envelopes);
}

/// The votes of others may overtake a proposal, also with it as the last vote of a quorum: then
/// its view is over and the core does not look at it, but the block is needed all the same.
void Driver::Impl::keep_if_certified(const BlockMeta& meta, const Bytes& header,
                                     const std::vector<Hash>& envelopes) {
    if (m_tree.certificate(meta.digest) != nullptr && m_tree.find(meta.digest) == nullptr &&
        meta.height > m_application.last_final().height && !is_misplaced(meta) &&
        m_application.body_matches(header, envelopes)) {
        fill_from_mempool(m_tree.insert(meta, header, envelopes));
    }
}

void Driver::Impl::handle(ConnectedPeer& peer, EnvelopeGossip& message) {
    if (!peer.gossip.take(now()) || !peer.gossip_bytes.take(now(), message.envelope.size())) {
        return;
    }
    const Hash hash = m_application.hash_of_envelope(message.envelope);
    if (m_mempool.knows(hash)) {
        return;
    }
    m_arrivals.add(peer.peer.id, hash, message.envelope);
    m_tree.offer(hash, message.envelope);
    m_ports.intake.received(peer.peer.id, std::move(message.envelope));
}

void Driver::Impl::handle(ConnectedPeer& peer, Status& message) {
    if (peer.index) {
        feed(ValidatorHeard{*peer.index});
    }
    for (const Vote& vote : message.your_votes) {
        feed(OwnVoteShown{vote});
    }
    if (peer.index && peer.index != m_self) {
        m_status_from.insert(*peer.index);
        allow_voting_if_heard();
    }
    peer.status = std::move(message);
    peer.status_at = now();
}

}  // namespace tally::consensus
