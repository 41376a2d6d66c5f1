#include "consensus/driver/block_tree.h"

#include <algorithm>

namespace tally::consensus {
namespace {

template <typename Pointer, typename Blocks>
std::vector<Pointer> sorted(Blocks& by_digest) {
    std::vector<Pointer> blocks;
    for (auto& [digest, block] : by_digest) {
        blocks.push_back(&block);
    }
    std::sort(blocks.begin(), blocks.end(), [](const TreeBlock* a, const TreeBlock* b) {
        return std::pair{a->meta.height, a->meta.digest} <
               std::pair{b->meta.height, b->meta.digest};
    });
    return blocks;
}

}  // namespace

TreeBlock& BlockTree::insert(const BlockMeta& meta, const Bytes& header,
                             const std::vector<Hash>& hashes) {
    if (const auto found = m_blocks.find(meta.digest); found != m_blocks.end()) {
        return found->second;
    }
    make_room();
    TreeBlock block;
    block.meta = meta;
    block.header = header;
    block.hashes = hashes;
    block.envelopes.resize(hashes.size());
    for (std::size_t i = 0; i < hashes.size(); ++i) {
        block.invalid = !block.missing.emplace(hashes[i], i).second || block.invalid;
    }
    return m_blocks.emplace(meta.digest, std::move(block)).first->second;
}

void BlockTree::make_room() {
    if (m_blocks.size() < blocks_max) {
        return;
    }
    const auto comes_first = [this](const auto& a, const auto& b) {
        const bool a_certified = m_certificates.count(a.first) != 0;
        const bool b_certified = m_certificates.count(b.first) != 0;
        if (a_certified != b_certified) {
            return b_certified;
        }
        // Of certified blocks the newest: the oldest is the next one to become final.
        return a_certified ? a.second.meta.view > b.second.meta.view
                           : a.second.meta.view < b.second.meta.view;
    };
    m_blocks.erase(std::min_element(m_blocks.begin(), m_blocks.end(), comes_first));
}

TreeBlock* BlockTree::find(const Hash& digest) {
    const auto found = m_blocks.find(digest);
    return found == m_blocks.end() ? nullptr : &found->second;
}

const TreeBlock* BlockTree::find(const Hash& digest) const {
    const auto found = m_blocks.find(digest);
    return found == m_blocks.end() ? nullptr : &found->second;
}

void BlockTree::offer(const Hash& hash, ByteView envelope) {
    for (auto& [digest, block] : m_blocks) {
        const auto lacking = block.missing.find(hash);
        if (lacking == block.missing.end()) {
            continue;
        }
        block.body_bytes += envelope.size();
        if (block.body_bytes > m_body_bytes_max) {
            block.invalid = true;
            block.missing.clear();
            block.envelopes.assign(block.hashes.size(), Bytes{});
            continue;
        }
        block.envelopes[lacking->second].assign(envelope.begin(), envelope.end());
        block.missing.erase(lacking);
    }
}

void BlockTree::certify(const QuorumCertificate& certificate) {
    if (certificate.statement.kind == VoteKind::nullify) {
        return;
    }
    const auto [found, is_new] =
        m_certificates.try_emplace(certificate.statement.digest, certificate);
    if (!is_new && certificate.statement.kind == VoteKind::finalize) {
        found->second = certificate;
    }
}

const QuorumCertificate* BlockTree::certificate(const Hash& digest) const {
    const auto found = m_certificates.find(digest);
    return found == m_certificates.end() ? nullptr : &found->second;
}

std::vector<QuorumCertificate> BlockTree::certificates() const {
    std::vector<QuorumCertificate> all;
    for (const auto& [digest, certificate] : m_certificates) {
        all.push_back(certificate);
    }
    return all;
}

std::vector<const QuorumCertificate*> BlockTree::without_block() const {
    std::vector<const QuorumCertificate*> lacking;
    for (const auto& [digest, certificate] : m_certificates) {
        if (m_blocks.count(digest) == 0) {
            lacking.push_back(&certificate);
        }
    }
    std::sort(lacking.begin(), lacking.end(),
              [](const auto* a, const auto* b) { return a->statement.view > b->statement.view; });
    return lacking;
}

std::optional<std::vector<TreeBlock*>> BlockTree::path(const Hash& ancestor, const Hash& tip) {
    std::vector<TreeBlock*> blocks;
    Hash digest = tip;
    while (digest != ancestor) {
        TreeBlock* block = find(digest);
        if (block == nullptr || blocks.size() > blocks_max) {
            return std::nullopt;
        }
        blocks.push_back(block);
        digest = block->meta.parent;
    }
    std::reverse(blocks.begin(), blocks.end());
    return blocks;
}

std::set<Hash> BlockTree::envelopes_of_chain(const Hash& tip) const {
    std::set<Hash> hashes;
    const TreeBlock* block = find(tip);
    for (std::size_t i = 0; block != nullptr && i <= blocks_max; ++i) {
        hashes.insert(block->hashes.begin(), block->hashes.end());
        block = find(block->meta.parent);
    }
    return hashes;
}

std::vector<TreeBlock*> BlockTree::by_height() { return sorted<TreeBlock*>(m_blocks); }

std::vector<const TreeBlock*> BlockTree::by_height() const {
    return sorted<const TreeBlock*>(m_blocks);
}

void BlockTree::prune(const BlockMeta& final) {
    std::set<Hash> cut;
    for (const TreeBlock* block : by_height()) {
        const BlockMeta& meta = block->meta;
        const bool below = meta.height <= final.height || meta.view <= final.view;
        const bool beside = meta.height == final.height + 1 && meta.parent != final.digest;
        if (below || beside || cut.count(meta.parent) != 0) {
            if (meta.digest != final.digest) {
                cut.insert(meta.digest);
            }
        }
    }
    m_blocks.erase(final.digest);
    for (const Hash& digest : cut) {
        m_blocks.erase(digest);
    }
    for (auto it = m_certificates.begin(); it != m_certificates.end();) {
        it = it->second.statement.view <= final.view ? m_certificates.erase(it) : std::next(it);
    }
}

void EnvelopeCache::add(PeerId from, const Hash& hash, const Bytes& envelope) {
    if (!m_envelopes.emplace(hash, envelope).second) {
        return;
    }
    Share& share = m_shares[from];
    share.order.push_back(hash);
    share.bytes += envelope.size() + envelope_overhead;
    m_bytes += envelope.size();
    while (m_envelopes.size() > count_max || m_bytes > bytes_max) {
        make_room();
    }
}

void EnvelopeCache::make_room() {
    const auto largest = std::max_element(
        m_shares.begin(), m_shares.end(),
        [](const auto& a, const auto& b) { return a.second.bytes < b.second.bytes; });
    Share& share = largest->second;
    const auto oldest = m_envelopes.find(share.order.front());
    share.order.pop_front();
    share.bytes -= oldest->second.size() + envelope_overhead;
    m_bytes -= oldest->second.size();
    m_envelopes.erase(oldest);
    if (share.order.empty()) {
        m_shares.erase(largest);
    }
}

const Bytes* EnvelopeCache::find(const Hash& hash) const {
    const auto found = m_envelopes.find(hash);
    return found == m_envelopes.end() ? nullptr : &found->second;
}

}  // namespace tally::consensus
