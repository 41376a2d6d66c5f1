#pragma once

// Which signed readings were billed, so that none is billed twice. Pure: writes go into the
// caller's batch.

#include "ledger/base/bytes.h"
#include "ledger/base/key_value_store.h"

#include <cstdint>
#include <map>
#include <set>
#include <vector>

namespace tally::bridge {

/// Signed spans remembered, two for a charge as a rule; the oldest goes when there is one more. A
/// total register that is older still is below where the meter's last charge ended, which the
/// ledger refuses.
inline constexpr std::size_t billed_readings_max{100'000};

class BilledReadings {
public:
    static constexpr std::uint8_t key_prefix{'g'};
    /// False when the entry is none of ours: data of our own is wrong.
    [[nodiscard]] bool load(ByteView key, ByteView value);

    /// Whether one of the signed spans (by SHA-256) was billed before.
    [[nodiscard]] bool has_any(const std::vector<Hash>& payloads) const;
    /// Remembers them with the record that bills them.
    void add(const std::vector<Hash>& payloads, WriteBatch& batch);
    [[nodiscard]] std::size_t size() const { return m_by_number.size(); }

private:
    std::map<std::uint64_t, Hash> m_by_number;  ///< in the order in which they were billed
    std::set<Hash> m_known;
    std::uint64_t m_next{1};
};

}  // namespace tally::bridge
