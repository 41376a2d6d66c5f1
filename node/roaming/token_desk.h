#pragma once

#include "node/roaming/token_directory.h"
#include "node/roaming/token_office.h"
#include "node/roaming/token_registrar.h"

#include <optional>

namespace tally::node {

/// Cards without a prefix, whatever part in them this member has: registering and looking up for an
/// operator with a shared key, the register for the hub, nothing for others.
/// Part of RoamingService: same loop, same turn.
class TokenDesk {
public:
    TokenDesk(RoamingContext& context, MemberPort& members, const TokenParts& parts, bool is_hub);

    void on_message(const PartyId& from, const TokenMessage& message);
    void on_connected(const PartyId& member);
    void on_new_customer(const std::string& token);
    void tick();

    [[nodiscard]] TokenDirectory& directory() noexcept { return m_directory; }
    /// Null where there is none.
    [[nodiscard]] TokenRegistrar* registrar() noexcept {
        return m_registrar ? &*m_registrar : nullptr;
    }
    [[nodiscard]] TokenOffice* office() noexcept { return m_office ? &*m_office : nullptr; }
    [[nodiscard]] TokenView view() const;

private:
    RoamingContext& m_context;
    TokenDirectory m_directory;
    std::optional<TokenRegistrar> m_registrar;
    std::optional<TokenOffice> m_office;
};

}  // namespace tally::node
