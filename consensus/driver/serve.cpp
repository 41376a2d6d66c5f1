// Answers to what peers ask for. Each answer is bounded in count and bytes; who asks too often is
// not answered.

#include "consensus/driver/driver_impl.h"

#include <algorithm>

namespace tally::consensus {

void Driver::Impl::handle(ConnectedPeer& peer, CertificateRequest& message) {
    if (!peer.requests.take(now())) {
        return;
    }
    CertificateResponse response;
    response.id = message.id;
    View view = message.from_view;
    const auto& finalization = m_core->finalization();
    if (view <= m_core->last_final_view()) {
        if (finalization) {
            response.certificates.push_back(*finalization);
        }
        view = m_core->last_final_view() + 1;
    }
    for (; view <= message.to_view && view < m_core->view() &&
           response.certificates.size() + 2 <= response_certificates_max;
         ++view) {
        for (const QuorumCertificate* certificate : m_core->certificates_of(view)) {
            response.certificates.push_back(*certificate);
        }
    }
    send(peer.peer.id, response);
}

std::optional<FinalizedBytes> Driver::Impl::find_recent_final(const Hash& digest) const {
    const auto found = std::find_if(m_recent_final.begin(), m_recent_final.end(),
                                    [&](const auto& recent) { return recent.first == digest; });
    return found == m_recent_final.end() ? std::nullopt : m_application.read_final(found->second);
}

void Driver::Impl::handle(ConnectedPeer& peer, BlockRequest& message) {
    if (!peer.may_ask(now())) {
        return;
    }
    BlockResponse response;
    response.id = message.id;
    const TreeBlock* block = m_tree.find(message.digest);
    // Which block is asked for is the peer's choice: none may be too large for a message.
    if (block != nullptr && block->is_complete() && block->body_bytes <= block_response_bytes_max) {
        response.header = block->header;
        response.envelopes = block->envelopes;
        peer.answered(now(), block->header.size() + block->body_bytes);
    } else if (std::optional<FinalizedBytes> final = find_recent_final(message.digest)) {
        response.header = std::move(final->header);
        response.envelopes = std::move(final->envelopes);
        peer.answered(now(), response_bytes_max);
    }
    send(peer.peer.id, response);
}

void Driver::Impl::handle(ConnectedPeer& peer, RangeRequest& message) {
    if (!peer.may_ask(now()) || !peer.ranges.take(now())) {
        return;
    }
    RangeResponse response;
    response.id = message.id;
    const Height last = m_application.last_final().height;
    std::size_t bytes{0};
    std::size_t provable{0};  // blocks up to the last one with a FINALIZE certificate
    bool seals{false};        // whoever asks does not know the validators of the next epoch yet
    for (Height height = message.from_height;
         height <= last && response.blocks.size() < message.count && !seals; ++height) {
        std::optional<FinalizedBytes> block = m_application.read_final(height);
        if (!block) {
            break;
        }
        bytes += block->header.size();
        for (const Bytes& envelope : block->envelopes) {
            bytes += envelope.size();
        }
        if (!response.blocks.empty() && bytes > response_bytes_max) {
            break;
        }
        const std::optional<BlockMeta> meta = m_application.decode_header(block->header);
        seals = meta && meta->seals_epoch;
        const bool proves = block->finalization.statement.kind == VoteKind::finalize;
        response.blocks.push_back({std::move(block->header), std::move(block->envelopes),
                                   std::move(block->finalization)});
        provable = proves ? response.blocks.size() : provable;
    }
    // Blocks that are final only by a later one's certificate are sent as far as they fit: who asks
    // keeps them and asks for what follows.
    if (provable != 0) {
        response.blocks.resize(provable);
    }
    peer.answered(now(), bytes);
    send(peer.peer.id, response);
}

/// Where envelopes of blocks in the tree are, those of `hashes`.
std::map<Hash, const Bytes*> Driver::Impl::find_in_tree(const std::vector<Hash>& hashes) const {
    const std::set<Hash> wanted{hashes.begin(), hashes.end()};
    std::map<Hash, const Bytes*> found;
    for (const TreeBlock* block : m_tree.by_height()) {
        for (std::size_t i = 0; !block->invalid && i < block->hashes.size(); ++i) {
            const Hash& hash = block->hashes[i];
            if (wanted.count(hash) != 0 && block->missing.count(hash) == 0) {
                found.emplace(hash, &block->envelopes[i]);
            }
        }
    }
    return found;
}

void Driver::Impl::handle(ConnectedPeer& peer, EnvelopeRequest& message) {
    if (!peer.may_ask(now())) {
        return;
    }
    EnvelopeResponse response;
    response.id = message.id;
    std::vector<Hash> elsewhere;
    for (const Hash& hash : message.hashes) {
        if (m_mempool.find(hash) == nullptr) {
            elsewhere.push_back(hash);
        }
    }
    const std::map<Hash, const Bytes*> in_tree =
        elsewhere.empty() ? std::map<Hash, const Bytes*>{} : find_in_tree(elsewhere);
    std::size_t bytes{0};
    for (const Hash& hash : message.hashes) {
        const VerifiedEnvelope* held = m_mempool.find(hash);
        const auto found = in_tree.find(hash);
        const Bytes* envelope = held != nullptr          ? &held->bytes
                                : found != in_tree.end() ? found->second
                                                         : m_arrivals.find(hash);
        if (envelope == nullptr) {
            continue;
        }
        bytes += envelope->size();
        if (!response.envelopes.empty() && bytes > response_bytes_max) {
            break;
        }
        response.envelopes.push_back(*envelope);
    }
    peer.answered(now(), bytes);
    send(peer.peer.id, response);
}

void Driver::Impl::handle(ConnectedPeer& peer, SnapshotRequest& message) {
    if (!peer.may_ask(now()) || !peer.ranges.take(now())) {
        return;
    }
    std::optional<Bytes> answer = m_application.answer_snapshot_query(message.query);
    if (!answer) {
        reject(peer.peer.id, "snapshot query malformed");
        return;
    }
    peer.answered(now(), answer->size());
    send(peer.peer.id, SnapshotResponse{message.id, std::move(*answer)});
}

}  // namespace tally::consensus
