#include "charger_bridge/session/orphanage.h"

#include <algorithm>
#include <utility>

namespace tally::bridge {

namespace {

Bytes orphan_key(std::uint64_t number) {
    return std::move(Encoder{}.u8(Orphanage::key_prefix).u64(number)).take();
}

}  // namespace

bool Orphanage::load(ByteView value) {
    std::optional<Orphan> orphan = decode_orphan(value);
    if (!orphan) {
        return false;
    }
    m_next = orphan->number + 1;
    m_facts.insert(orphan->facts);
    m_counts.add(orphan->station);
    m_orphans.push_back(std::move(*orphan));
    return true;
}

bool Orphanage::add(Orphan orphan, WriteBatch& batch) {
    m_forgotten.reset();
    if (!m_facts.insert(orphan.facts).second) {
        return false;
    }
    orphan.number = m_next++;
    orphan.detail.resize(std::min(orphan.detail.size(), reason_bytes_max));
    orphan.text.resize(std::min(orphan.text.size(), orphan_text_bytes_max));
    batch.put(orphan_key(orphan.number), encode_orphan(orphan));
    m_counts.add(orphan.station);
    m_orphans.push_back(std::move(orphan));
    if (m_orphans.size() > orphans_max) {
        forget_one(batch);
    }
    return true;
}

void Orphanage::forget_one(WriteBatch& batch) {
    const std::string station = m_counts.fullest();
    const auto oldest = std::find_if(m_orphans.begin(), m_orphans.end(), [&](const Orphan& orphan) {
        return orphan.station == station;
    });
    m_counts.remove(station);
    m_facts.erase(oldest->facts);
    batch.erase(orphan_key(oldest->number));
    m_forgotten = std::move(*oldest);
    m_orphans.erase(oldest);
}

}  // namespace tally::bridge
