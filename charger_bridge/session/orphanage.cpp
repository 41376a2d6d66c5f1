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
    m_orphans.push_back(std::move(*orphan));
    return true;
}

bool Orphanage::add(Orphan orphan, WriteBatch& batch) {
    if (!m_facts.insert(orphan.facts).second) {
        return false;
    }
    orphan.number = m_next++;
    orphan.detail.resize(std::min(orphan.detail.size(), reason_bytes_max));
    orphan.text.resize(std::min(orphan.text.size(), orphan_text_bytes_max));
    batch.put(orphan_key(orphan.number), encode_orphan(orphan));
    m_orphans.push_back(std::move(orphan));
    if (m_orphans.size() > orphans_max) {
        m_facts.erase(m_orphans.front().facts);
        batch.erase(orphan_key(m_orphans.front().number));
        m_orphans.pop_front();
    }
    return true;
}

}  // namespace tally::bridge
