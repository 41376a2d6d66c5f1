#pragma once

#include "node/roaming/ports.h"
#include "node/roaming/roaming_context.h"
#include "node/roaming/token_parts.h"
#include "node/tokens/token_mirror.h"

#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace tally::node {

/// Customers that one step looks through.
inline constexpr std::size_t token_gather_step{1000};
/// Cards that were just added and wait to be hashed; beyond, all customers are looked through
/// again.
inline constexpr std::size_t token_fresh_max{10'000};
inline constexpr std::size_t token_clear_step{10'000};
/// Without an answer after so long the hub is asked for its state, and things go on from there.
inline constexpr UnixMillis token_reply_wait_ms{5'000};
/// How often the hub's state is compared with ours though nothing happens.
inline constexpr UnixMillis token_compare_ms{60'000};
/// After `busy`.
inline constexpr UnixMillis token_pause_ms{1'000};

/// A home operator's side of cards without a prefix: registers the customers' cards, and those it
/// was told of, at the hub under the newest shared key, and keeps that up to date.
///
/// At every start all customers are looked through; what is registered already costs one read. The
/// whole set goes to the hub once, in chunks, and then only what changes. Whatever either side
/// lost, the comparison of states finds, and the set is sent anew. Hashing and disk are off the
/// loop, one job at a time. Part of RoamingService.
class TokenRegistrar {
public:
    TokenRegistrar(RoamingContext& context, MemberPort& members, const TokenParts& parts);

    /// A customer that was not there before; the token has our prefix.
    void on_new_customer(const std::string& token);
    void on_connected() {
        m_hub.reset();
        m_awaiting = false;
    }
    void on_status(const TokenStatus& status);
    void on_receipt(const TokenReceipt& receipt);
    /// What can be done now. Called often; does little.
    void advance();

    /// Canonical cards whose customers are kept elsewhere; the caller bounds them, as the HTTP API
    /// does. `done` is called when that is durable here, with false when too much waits.
    void keep(std::vector<std::string> cards, std::function<void(bool)> done);
    void forget(std::vector<std::string> cards, std::function<void(bool)> done);

    [[nodiscard]] TokenView view() const;

private:
    using Work = std::function<void(TokenMirror&)>;
    bool run(Work work, std::function<void()> done);
    [[nodiscard]] bool add(std::vector<std::string> cards, std::function<void()> done);
    [[nodiscard]] bool gather();
    [[nodiscard]] bool gather_customers();
    [[nodiscard]] bool gather_kept();
    [[nodiscard]] bool clear();
    void follow_hub();
    void send_set();
    void send_chunk(bool is_first);
    void send_changes();
    void begin_sending();
    void send(TokenMessage message);
    [[nodiscard]] std::string card_of(const std::string& token) const;
    [[nodiscard]] UnixMillis now() const { return m_context.clock.monotonic().count() / 1000; }

    RoamingContext& m_context;
    MemberPort& m_members;
    TokenWork m_work;
    std::vector<SharedTokenKey> m_keys;
    /// Used by jobs only, but for the beginning; they may end after this object.
    std::shared_ptr<TokenMirror> m_mirror;
    TokenMirror::State m_state;  ///< as the last job left it
    std::size_t m_jobs{0};       ///< under way

    // Looking through all cards.
    std::optional<std::string> m_gathered_to{std::string{}};  ///< token; nothing: customers done
    std::optional<std::string> m_kept_to{std::string{}};      ///< card; nothing: done
    std::set<std::string> m_fresh;
    bool m_clearing{true};

    // The hub.
    std::optional<TokenSetState> m_hub;  ///< our set there; nothing: not asked since connected
    std::optional<TokenStatus> m_status;
    bool m_awaiting{false};  ///< an answer
    std::optional<TokenChange> m_sent;
    std::uint64_t m_sequence{0};  ///< of the last change sent
    bool m_nothing_waits{false};  ///< no change was found waiting since the last one was made
    UnixMillis m_asked{0};
    UnixMillis m_compared{0};
    UnixMillis m_paused_until{0};
};

}  // namespace tally::node
