#pragma once

#include "node/roaming/roaming_context.h"
#include "node/roaming/token_parts.h"

#include <map>
#include <memory>

namespace tally::node {

/// What one operator may ask of the hub's register in a second, and at once.
inline constexpr std::int64_t token_writes_per_second_max{100};
inline constexpr std::int64_t token_writes_burst_max{200};
inline constexpr std::int64_t token_lookups_per_second_max{200};
inline constexpr std::int64_t token_lookups_burst_max{1000};
/// Requests for status that are answered; more are dropped.
inline constexpr std::int64_t token_statuses_per_second_max{2};
inline constexpr std::int64_t token_statuses_burst_max{20};
/// Entries that one step of the sweep looks at.
inline constexpr std::size_t token_sweep_step{10'000};

/// The hub's side of cards without a prefix: takes registrations and answers look-ups, within the
/// bounds above. The register is read and written off the loop. Part of RoamingService.
class TokenOffice {
public:
    TokenOffice(RoamingContext& context, const TokenParts& parts);

    /// `from` is an operator; it signed the message.
    void on_message(const PartyId& from, const TokenMessage& message);
    void tick();

    [[nodiscard]] const std::vector<TokenRegistry::Row>& rows() const { return *m_rows; }
    /// `done` gets the number of sets dropped; nothing when too much waits.
    void drop(const TokenKeyId& key, const std::optional<PartyId>& member,
              std::function<void(std::optional<std::size_t>)> done);

private:
    struct Allowances {
        Allowance writes{token_writes_per_second_max, token_writes_burst_max};
        Allowance lookups{token_lookups_per_second_max, token_lookups_burst_max};
        Allowance statuses{token_statuses_per_second_max, token_statuses_burst_max};
    };

    template <typename Write>
    void take(const PartyId& from, const Write& write);
    void look_up(const PartyId& from, const TokenLookup& lookup);
    void tell_status(const PartyId& from);
    void reply(const PartyId& to, TokenMessage message);
    [[nodiscard]] std::int64_t now_us() const { return m_context.clock.monotonic().count(); }

    RoamingContext& m_context;
    TokenWork m_work;
    /// Used by jobs only, but for the beginning; they may end after this object.
    std::shared_ptr<TokenRegistry> m_registry;
    /// As the last job left them.
    std::shared_ptr<std::vector<TokenRegistry::Row>> m_rows;
    std::map<PartyId, Allowances> m_allowances;
    bool m_sweeping{false};
    bool m_remains{true};  ///< there may be something to sweep
};

}  // namespace tally::node
