#include "node/link/evidence_receiver.h"

#include <algorithm>

namespace tally::node {

namespace {

EvidenceAnswer go_on(const Hash& hash, std::size_t next) {
    return {hash, EvidenceVerdict::more, static_cast<std::uint32_t>(next)};
}

}  // namespace

void EvidenceReceiver::drop_late(Milliseconds now) {
    std::erase_if(m_files, [now](const auto& entry) {
        const File& file = entry.second;
        return file.grown + evidence_idle_max <= now ||
               file.begun + evidence_receiving_time_max <= now;
    });
}

bool EvidenceReceiver::is_full(const std::string& peer) const {
    const auto of_peer = std::count_if(m_files.begin(), m_files.end(), [&peer](const auto& entry) {
        return entry.first.first == peer;
    });
    return m_files.size() >= evidence_receiving_max ||
           static_cast<std::size_t>(of_peer) >= evidence_receiving_per_peer_max;
}

EvidenceAnswer EvidenceReceiver::on_offer(const std::string& peer, const EvidenceOffer& offer,
                                          Milliseconds now) {
    drop_late(now);
    const Name name{peer, offer.hash};
    const auto known = m_files.find(name);
    if (known != m_files.end() && known->second.offer == offer) {
        return go_on(offer.hash, known->second.bytes.size());
    }
    if (known != m_files.end()) {
        m_files.erase(known);  // another size or charge: what came does not belong to it
    }
    switch (m_judge(peer, offer)) {
        case Wanted::unknown:
            return {offer.hash, EvidenceVerdict::unknown, 0};
        case Wanted::kept:
            return {offer.hash, EvidenceVerdict::kept, 0};
        case Wanted::wanted:
            break;
    }
    if (is_full(peer)) {
        return {offer.hash, EvidenceVerdict::busy, 0};
    }
    File file;
    file.offer = offer;
    file.begun = file.grown = now;
    m_files.emplace(name, std::move(file));
    return go_on(offer.hash, 0);
}

EvidenceReceiver::Result EvidenceReceiver::on_chunk(const std::string& peer,
                                                    const EvidenceChunk& chunk, Milliseconds now) {
    drop_late(now);
    const auto found = m_files.find({peer, chunk.hash});
    if (found == m_files.end()) {
        return {{chunk.hash, EvidenceVerdict::unknown, 0}, std::nullopt};
    }
    File& file = found->second;
    if (chunk.offset != file.bytes.size()) {
        return {go_on(chunk.hash, file.bytes.size()), std::nullopt};
    }
    if (chunk.data.size() > file.offer.size - file.bytes.size()) {
        m_files.erase(found);
        return {{chunk.hash, EvidenceVerdict::refused, 0}, std::nullopt};
    }
    append(file.bytes, chunk.data);
    file.grown = now;
    if (file.bytes.size() < file.offer.size) {
        return {go_on(chunk.hash, file.bytes.size()), std::nullopt};
    }
    Whole whole{file.offer, std::move(file.bytes)};
    m_files.erase(found);
    const auto decoded = decode_evidence_file(whole.file);
    if (!decoded || evidence_hash(*decoded) != chunk.hash) {
        return {{chunk.hash, EvidenceVerdict::refused, 0}, std::nullopt};
    }
    return {{}, std::move(whole)};
}

}  // namespace tally::node
