#pragma once

#include "ledger/base/key_value_store.h"
#include "node/tokens/token_registry.h"

#include <algorithm>
#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

namespace tally::node {

/// Has `work` done off the loop, one after the other in the order of the calls, then `done` called
/// on the loop. False when too much waits: neither is called.
using TokenWork = std::function<bool(std::function<void()> work, std::function<void()> done)>;

/// What cards without a prefix need; without a store there are none. On the hub `store` is the
/// register, elsewhere what the operator registers, and `keys` are the shared ones, newest first.
struct TokenParts {
    std::vector<SharedTokenKey> keys{};
    KeyValueStore* store{nullptr};
    TokenWork work{};
};

/// What is known about the registration of cards, for the operator.
struct TokenView {
    std::vector<TokenKeyId> keys;  ///< own, newest first
    // An operator's.
    const char* phase{""};
    std::uint64_t cards{0};
    std::uint64_t version{0};
    bool gathered{false};            ///< all customers were looked through since the start
    std::optional<TokenStatus> hub;  ///< as the hub said it last
    // The hub's.
    std::vector<TokenRegistry::Row> registered;
};

/// Takings per second that are allowed of somebody, with a burst. Threads: one owner.
class Allowance {
public:
    Allowance(std::int64_t per_second, std::int64_t burst)
        : m_per_second{per_second}, m_burst{burst}, m_level_us{burst * second_us} {}

    /// `now_us` is monotonic.
    [[nodiscard]] bool take(std::int64_t now_us) {
        const std::int64_t passed = now_us - m_last_us;
        m_last_us = now_us;
        const std::int64_t full = m_burst * second_us;
        m_level_us = passed >= full / m_per_second
                         ? full
                         : std::min(full, m_level_us + passed * m_per_second);
        if (m_level_us < second_us) {
            return false;
        }
        m_level_us -= second_us;
        return true;
    }

private:
    static constexpr std::int64_t second_us{1'000'000};
    std::int64_t m_per_second;
    std::int64_t m_burst;
    std::int64_t m_level_us;
    std::int64_t m_last_us{0};
};

}  // namespace tally::node
