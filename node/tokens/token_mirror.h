#pragma once

#include "ledger/base/key_value_store.h"
#include "node/tokens/token_messages.h"

#include <span>
#include <string>
#include <vector>

namespace tally::node {

/// What an operator registers at the hub: the hashes of its cards under its newest key, in order,
/// and how far the hub has them. A copy that can always be made again from the cards.
///
/// `gathering`: the cards are being hashed. `sending`: all were, the set of `version` is on its
/// way. `in_force`: the hub has it; what comes and goes from then on waits as a change until the
/// hub has taken it. Adding and removing may be repeated. Durability: every call is synced on
/// return. Errors: a storage error, or bytes that this program did not write, stop the process.
/// Threads: one at a time.
class TokenMirror {
public:
    enum class Phase : std::uint8_t { gathering = 1, sending = 2, in_force = 3 };
    struct State {
        Phase phase{Phase::gathering};
        std::uint64_t version{0};
        std::uint64_t sequence{0};  ///< of the last change that the hub took
        std::uint64_t count{0};     ///< hashes
        friend bool operator==(const State&, const State&) = default;
    };

    /// `store` is the mirror's alone and must outlive it.
    TokenMirror(KeyValueStore& store, const SharedTokenKey& key,
                std::uint64_t cards_max = tokens_per_member_max);

    [[nodiscard]] const State& state() const noexcept { return m_state; }

    /// Cards (canonical) that are to be registered. How many did not fit.
    std::size_t add(const std::vector<std::string>& cards);
    void remove(const std::vector<std::string>& cards);

    /// Cards of which only this store knows, because the operator's customers are kept elsewhere.
    void keep(const std::vector<std::string>& cards);
    void forget(const std::vector<std::string>& cards);
    /// In order, behind `after` (empty: from the first).
    [[nodiscard]] std::vector<std::string> kept(const std::string& after, std::size_t count) const;

    /// From now on the set is sent, as this version.
    void begin_sending(std::uint64_t version);
    /// Hashes of the set behind `after` (none: from the first), rising.
    [[nodiscard]] std::vector<TokenHash> hashes(const std::optional<TokenHash>& after,
                                                std::size_t count) const;
    void set_in_force(std::uint64_t sequence);
    /// What waits as a change, at most `count` in all; the caller completes it.
    [[nodiscard]] TokenChange waiting(std::size_t count) const;
    /// The hub took it.
    void taken(const TokenChange& change);

    /// Deletes up to `entries_max` of what is left of other keys. False when nothing is.
    bool clear_other_keys(std::size_t entries_max);

private:
    enum class Wish : std::uint8_t { add = 1, remove = 2 };
    [[nodiscard]] Bytes key_of(std::uint8_t kind, const TokenHash& hash) const;
    [[nodiscard]] bool has(const TokenHash& hash) const;
    void put_state(WriteBatch& batch) const;
    void write(const WriteBatch& batch);

    KeyValueStore& m_store;
    SharedTokenKey m_key;
    std::uint64_t m_cards_max;
    State m_state;
};

}  // namespace tally::node
