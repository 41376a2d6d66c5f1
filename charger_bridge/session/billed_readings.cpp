#include "charger_bridge/session/billed_readings.h"

#include "ledger/base/codec.h"

#include <algorithm>
#include <utility>

namespace tally::bridge {

namespace {

Bytes entry_key(std::uint64_t number) {
    return std::move(Encoder{}.u8(BilledReadings::key_prefix).u64(number)).take();
}

}  // namespace

bool BilledReadings::load(ByteView key, ByteView value) {
    Decoder decoder{key};
    static_cast<void>(decoder.u8());
    const std::uint64_t number = decoder.u64();
    const auto hash = Hash::from(value);
    if (!decoder.finished() || !hash || !m_known.insert(*hash).second) {
        return false;
    }
    m_by_number[number] = *hash;
    m_next = std::max(m_next, number + 1);
    return true;
}

bool BilledReadings::has_any(const std::vector<Hash>& payloads) const {
    return std::any_of(payloads.begin(), payloads.end(),
                       [this](const Hash& payload) { return m_known.contains(payload); });
}

void BilledReadings::add(const std::vector<Hash>& payloads, WriteBatch& batch) {
    for (const Hash& payload : payloads) {
        if (!m_known.insert(payload).second) {
            continue;
        }
        const ByteView bytes = payload.view();
        batch.put(entry_key(m_next), Bytes{bytes.begin(), bytes.end()});
        m_by_number[m_next++] = payload;
        if (m_by_number.size() > billed_readings_max) {
            const auto oldest = m_by_number.begin();
            batch.erase(entry_key(oldest->first));
            m_known.erase(oldest->second);
            m_by_number.erase(oldest);
        }
    }
}

}  // namespace tally::bridge
