#pragma once

#include "node/roaming/ports.h"
#include "node/roaming/roaming_context.h"
#include "node/roaming/token_parts.h"

#include <functional>
#include <map>
#include <string>
#include <vector>

namespace tally::node {

/// Look-ups that wait for the hub at once; beyond, `overloaded`.
inline constexpr std::size_t token_lookups_pending_max{1000};
/// A look-up's share of an authorization's 8 s. Asked again meanwhile.
inline constexpr UnixMillis token_lookup_wait_ms{2'000};
inline constexpr UnixMillis token_lookup_repeat_ms{500};
/// Cards whose operator is remembered, and for how long.
inline constexpr std::size_t token_cache_max{10'000};
inline constexpr UnixMillis token_cache_ms{60'000};

/// Whose card it is, as far as is known.
struct CardOwner {
    enum class Kind : std::uint8_t {
        found,
        unknown,     ///< to the hub, or there is no shared key here
        ambiguous,   ///< two operators have it
        hub_away,    ///< not connected, silent or too busy
        overloaded,  ///< too many look-ups here
    };
    Kind kind{Kind::unknown};
    PartyId party;  ///< when found
};

/// A visited operator's side of cards without a prefix: asks the hub whose they are. What was found
/// is remembered for a minute; nothing else is. Keeps hashes only. Part of RoamingService.
class TokenDirectory {
public:
    using Answer = std::function<void(CardOwner)>;

    TokenDirectory(RoamingContext& context, MemberPort& members, std::vector<SharedTokenKey> keys)
        : m_context{context}, m_members{members}, m_keys{std::move(keys)} {}

    /// `card` is canonical. Calls `answer` once, at once or later.
    void find(const std::string& card, Answer answer);
    void on_answer(const TokenAnswer& answer);
    void tick();

    [[nodiscard]] std::size_t pending() const noexcept { return m_pending.size(); }
    [[nodiscard]] std::size_t remembered() const noexcept { return m_cache.size(); }

private:
    struct Pending {
        TokenLookup lookup;
        Answer answer;
        UnixMillis asked{0};
        UnixMillis repeated{0};
    };
    struct Remembered {
        PartyId party;
        UnixMillis until{0};
    };

    void end(std::map<LookupId, Pending>::iterator found, CardOwner owner);
    void remember(const TokenHash& hash, const PartyId& party);
    [[nodiscard]] UnixMillis now() const { return m_context.clock.monotonic().count() / 1000; }

    RoamingContext& m_context;
    MemberPort& m_members;
    std::vector<SharedTokenKey> m_keys;
    std::map<LookupId, Pending> m_pending;
    std::map<TokenHash, Remembered> m_cache;  ///< by the hash under the newest key
};

}  // namespace tally::node
