// Catch-up, beside consensus and all the time: after every turn this node looks at what it lacks
// and asks for it, until it has it or a finalization makes it moot.

#include "consensus/driver/driver_impl.h"
#include "consensus/planted_bug.h"
#include "ledger/base/check.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace tally::consensus {
namespace {

constexpr std::size_t blocks_wanted_max{8};
/// Final blocks asked for at a time. All of an answer is executed and synced in one turn, during
/// which this node answers nobody.
constexpr std::uint32_t range_blocks_wanted{32};
static_assert(range_blocks_wanted <= response_blocks_max);
/// Blocks of one peer that wait for a later one's FINALIZE certificate. All of them are notarized,
/// so nobody can make them up; a longer run is given up and asked for anew.
constexpr std::size_t range_part_blocks_max{BlockTree::blocks_max};
constexpr std::size_t range_part_bytes_max{256UL * 1024 * 1024};
/// Whoever is one block behind waits this long for it to come by itself.
constexpr Time one_behind_wait{250'000};

bool is_certificate_for(const QuorumCertificate& certificate, const BlockMeta& meta) {
    return certificate.statement.kind != VoteKind::nullify &&
           certificate.statement.digest == meta.digest;
}

bool is_finalized(const FinalBlock& block) {
    return block.certificate.statement.kind == VoteKind::finalize;
}

}  // namespace

void Driver::Impl::request_missing() {
    if (m_halted) {
        return;
    }
    for (const Ask& ask : m_fetcher.update(wants(), now())) {
        if (const std::optional<Message> request = request_for(ask)) {
            send(ask.peer, *request);
        }
    }
}

std::vector<Want> Driver::Impl::wants() const {
    std::vector<Want> wants;
    want_range(wants);
    want_certificates(wants);
    want_blocks(wants);
    want_epoch_proof(wants);
    return wants;
}

/// Holes below our view are needed to propose; views that a peer has left are needed to follow it.
std::optional<std::pair<View, View>> Driver::Impl::lacking_views() const {
    if (const auto missing = m_core->missing_views()) {
        return missing;
    }
    View ahead = m_core->view();
    for (const auto& [id, peer] : m_peers.all()) {
        ahead = is_current(peer) ? std::max(ahead, peer.status->view) : ahead;
    }
    if (ahead == m_core->view() || planted(PlantedBug::laggards_not_helped)) {
        return std::nullopt;
    }
    return std::pair{m_core->view(), std::min(ahead - 1, m_core->view() + request_views_max - 1)};
}

void Driver::Impl::want_certificates(std::vector<Want>& wants) const {
    const auto views = lacking_views();
    if (!views) {
        return;
    }
    Want want;
    want.key.kind = FetchKind::certificates;
    for (const PeerId id : m_peers.by_preference(0)) {
        const ConnectedPeer& peer = m_peers.all().at(id);
        if (views->first < m_core->view() ||
            (is_current(peer) && peer.status->view > m_core->view())) {
            want.peers.push_back(id);
        }
    }
    wants.push_back(std::move(want));
}

/// Bodies of certified blocks, parents of blocks that wait, and envelopes that a proposal names.
void Driver::Impl::want_blocks(std::vector<Want>& wants) const {
    const BlockMeta final = final_block();
    std::map<Hash, std::uint64_t> digests;  // with validators that should have the block
    for (const QuorumCertificate* certificate : m_tree.without_block()) {
        if (certificate->statement.view > final.view && digests.size() < blocks_wanted_max) {
            digests.emplace(certificate->statement.digest, certificate->bitmap);
        }
    }
    for (const TreeBlock* block : m_tree.by_height()) {
        if (block->executed || block->invalid || block->meta.height <= final.height) {
            continue;
        }
        const std::uint64_t proposer = std::uint64_t{1} << (block->meta.proposer % validators_max);
        const bool needed = m_tree.certificate(block->meta.digest) != nullptr ||
                            (m_examination && m_examination->digest == block->meta.digest);
        if (needed && !block->missing.empty()) {
            wants.push_back(
                {{FetchKind::envelopes, block->meta.digest}, m_peers.by_preference(proposer)});
        }
        const Hash& parent = block->meta.parent;
        if (block->meta.height > final.height + 1 && m_tree.find(parent) == nullptr &&
            digests.size() < blocks_wanted_max) {
            digests.emplace(parent, proposer);
        }
    }
    for (const auto& [digest, bitmap] : digests) {
        wants.push_back({{FetchKind::block, digest}, m_peers.by_preference(bitmap)});
    }
}

/// Final blocks that a peer has and we have not. Whoever is one block behind most likely has that
/// block in hand already, so then only a status that has aged counts.
void Driver::Impl::want_range(std::vector<Want>& wants) const {
    const BlockMeta final = m_application.last_final();
    Want want;
    want.key.kind = FetchKind::range;
    for (const PeerId id : m_peers.by_preference(0)) {
        const ConnectedPeer& peer = m_peers.all().at(id);
        const auto& status = peer.status;
        const bool ahead = status && status->last_final_height > final.height;
        if (ahead && (status->last_final_height > final.height + 1 ||
                      now() >= peer.status_at + one_behind_wait)) {
            want.peers.push_back(id);
        }
    }
    // Only who has sent the first part of a run can go on with it.
    std::stable_partition(want.peers.begin(), want.peers.end(),
                          [this](PeerId id) { return has_range_part(id); });
    if (!want.peers.empty()) {
        wants.push_back(std::move(want));
    }
}

bool Driver::Impl::has_range_part(PeerId peer) const {
    return m_range_part && m_range_part->peer == peer &&
           m_range_part->metas.front().parent == m_application.last_final().digest;
}

/// When a peer will have been one block ahead for long enough.
std::optional<Time> Driver::Impl::next_range_check() const {
    const Height final = m_application.last_final().height;
    std::optional<Time> next;
    for (const auto& [id, peer] : m_peers.all()) {
        const Time due = peer.status_at + one_behind_wait;
        if (peer.status && peer.status->last_final_height == final + 1 && due > now()) {
            next = next ? std::min(*next, due) : due;
        }
    }
    return next;
}

std::optional<Message> Driver::Impl::request_for(const Ask& ask) const {
    switch (ask.key.kind) {
        case FetchKind::certificates: {
            const auto views = lacking_views();
            ENSURE(views.has_value());
            return CertificateRequest{ask.id, m_epoch.epoch, views->first, views->second};
        }
        case FetchKind::block:
            return BlockRequest{ask.id, ask.key.digest};
        case FetchKind::envelopes: {
            EnvelopeRequest request;
            request.id = ask.id;
            const TreeBlock* block = m_tree.find(ask.key.digest);
            ENSURE(block != nullptr);
            for (const auto& [hash, position] : block->missing) {
                if (request.hashes.size() < message_hashes_max) {
                    request.hashes.push_back(hash);
                }
            }
            return request;
        }
        case FetchKind::epoch_proof:
            return EpochProofRequest{ask.id, m_epoch.epoch};
        case FetchKind::range:
            break;
    }
    const Height held = has_range_part(ask.peer) ? m_range_part->metas.back().height
                                                 : m_application.last_final().height;
    return RangeRequest{ask.id, held + 1, range_blocks_wanted};
}

void Driver::Impl::handle(ConnectedPeer& peer, CertificateResponse& message) {
    const auto key = m_fetcher.settle(peer.peer.id, message.id, FetchKind::certificates);
    if (!key) {
        return;
    }
    const View before = m_core->view();
    const auto missing_before = m_core->missing_views();
    for (QuorumCertificate& certificate : message.certificates) {
        feed(CertificateReceived{std::move(certificate)});
    }
    drain();
    if (m_core->view() > before || m_core->missing_views() != missing_before) {
        m_fetcher.helped(*key);
    }
}

void Driver::Impl::handle(ConnectedPeer& peer, BlockResponse& message) {
    const auto key = m_fetcher.settle(peer.peer.id, message.id, FetchKind::block);
    if (!key || message.header.empty()) {
        return;
    }
    const std::optional<BlockMeta> meta = m_application.decode_header(message.header);
    std::vector<Hash> hashes;
    for (const Bytes& envelope : message.envelopes) {
        hashes.push_back(m_application.hash_of_envelope(envelope));
    }
    const bool fits =
        meta && meta->digest == key->digest && m_application.body_matches(message.header, hashes);
    if (!meta || (!fits && !planted(PlantedBug::fetched_block_unchecked))) {
        reject(peer.peer.id, "block: not the one asked for");
        return;
    }
    m_tree.insert(*meta, message.header, hashes);
    for (std::size_t i = 0; i < hashes.size(); ++i) {
        m_tree.offer(hashes[i], message.envelopes[i]);
    }
    ++m_counters.blocks_fetched;
}

void Driver::Impl::handle(ConnectedPeer& peer, EnvelopeResponse& message) {
    const auto key = m_fetcher.settle(peer.peer.id, message.id, FetchKind::envelopes);
    const TreeBlock* block = key ? m_tree.find(key->digest) : nullptr;
    if (block == nullptr) {
        return;
    }
    bool helped{false};
    for (const Bytes& envelope : message.envelopes) {
        const Hash hash = m_application.hash_of_envelope(envelope);
        if (block->missing.count(hash) != 0) {
            m_tree.offer(hash, envelope);
            ++m_counters.envelopes_fetched;
            helped = true;
        }
    }
    if (helped) {
        m_fetcher.helped(*key);
    }
}

/// Checks a range before any of it is stored: heights and parents in line from `parent` on, bodies
/// as the headers say, and a valid certificate for each header; the last one a finalization unless
/// there is none at all.
const char* Driver::Impl::range_problem(BlockMeta parent, const std::vector<FinalBlock>& blocks,
                                        std::vector<BlockMeta>& metas) const {
    const Height final = m_application.last_final().height;
    for (const FinalBlock& block : blocks) {
        const std::optional<BlockMeta> meta = m_application.decode_header(block.header);
        if (!meta || meta->height != parent.height + 1 || meta->parent != parent.digest ||
            !is_certificate_for(block.certificate, *meta)) {
            return "range: blocks do not follow each other";
        }
        std::vector<Hash> hashes;
        for (const Bytes& envelope : block.envelopes) {
            hashes.push_back(m_application.hash_of_envelope(envelope));
        }
        if (!m_application.body_matches(block.header, hashes)) {
            return "range: body does not match its header";
        }
        if (parent.seals_epoch && parent.height > final) {
            return "range: goes beyond the end of an epoch";
        }
        metas.push_back(*meta);
        parent = *meta;
    }
    if (!is_finalized(blocks.back()) && std::any_of(blocks.begin(), blocks.end(), is_finalized)) {
        return "range: does not end with a finalization";
    }
    for (const FinalBlock& block : blocks) {
        if (!m_core->verify(block.certificate) &&
            !planted(PlantedBug::range_certificates_believed)) {
            return "range: certificate does not hold";
        }
    }
    return nullptr;
}

void Driver::Impl::handle(ConnectedPeer& peer, RangeResponse& message) {
    const auto key = m_fetcher.settle(peer.peer.id, message.id, FetchKind::range);
    if (!key) {
        return;
    }
    // Blocks that became final here while the answer was on its way.
    const BlockMeta final = m_application.last_final();
    std::vector<FinalBlock>& blocks = message.blocks;
    const auto is_old = [&](const FinalBlock& block) {
        const auto meta = m_application.decode_header(block.header);
        return meta && meta->height <= final.height;
    };
    blocks.erase(blocks.begin(), std::find_if_not(blocks.begin(), blocks.end(), is_old));
    if (blocks.empty()) {
        return;
    }
    const auto first = m_application.decode_header(blocks.front().header);
    const bool goes_on =
        has_range_part(peer.peer.id) && first && first->parent == m_range_part->metas.back().digest;
    if (!goes_on && first && first->height > final.height + 1) {
        return;  // goes on with what was given up meanwhile
    }
    RangePart run{peer.peer.id, {}, {}};
    if (goes_on) {
        run = *std::exchange(m_range_part, std::nullopt);
    }
    std::vector<BlockMeta> metas;
    if (const char* problem = range_problem(goes_on ? run.metas.back() : final, blocks, metas)) {
        reject(peer.peer.id, problem);
        return;
    }
    std::move(blocks.begin(), blocks.end(), std::back_inserter(run.blocks));
    run.metas.insert(run.metas.end(), metas.begin(), metas.end());
    if (is_finalized(run.blocks.back())) {
        take_run(run, *key);
    } else {
        keep_run(std::move(run), *key);
    }
}

/// All of it is final.
void Driver::Impl::take_run(const RangePart& run, const FetchKey& key) {
    m_range_part.reset();
    for (std::size_t i = 0; i < run.blocks.size() && !m_halted; ++i) {
        take_final(run.blocks[i], run.metas[i]);
    }
    if (m_halted) {
        return;
    }
    if (run.metas.back().seals_epoch) {
        begin_epoch();
        return;
    }
    m_fetcher.helped(key);
    feed(CertificateReceived{run.blocks.back().certificate});
}

/// Nothing in it is known to be final yet.
void Driver::Impl::keep_run(RangePart run, const FetchKey& key) {
    std::size_t bytes{0};
    for (const FinalBlock& block : run.blocks) {
        bytes += block.header.size();
        for (const Bytes& envelope : block.envelopes) {
            bytes += envelope.size();
        }
    }
    if (run.blocks.size() > range_part_blocks_max || bytes > range_part_bytes_max) {
        m_range_part.reset();
        return;
    }
    m_range_part = std::move(run);
    m_fetcher.helped(key);
}

void Driver::Impl::take_final(const FinalBlock& block, const BlockMeta& meta) {
    if (!m_application.has_executed(meta.digest) &&
        !m_application.execute(block.header, block.envelopes)) {
        halt("consensus: a final block does not execute here: height " +
             std::to_string(meta.height) + ", " + to_hex(meta.digest));
        return;
    }
    std::vector<FinalEnvelope> envelopes;
    for (const Bytes& envelope : block.envelopes) {
        envelopes.push_back({m_application.hash_of_envelope(envelope),
                             m_application.signer_of_envelope(envelope), envelope.size()});
    }
    m_core->note_certificate(block.certificate);
    m_application.commit(meta.digest, block.certificate);
    ++m_counters.blocks_fetched;
    finish_commit(meta, envelopes);
}

}  // namespace tally::consensus
