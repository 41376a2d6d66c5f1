#pragma once

#include "ledger/base/key_value_store.h"
#include "node/tokens/token_messages.h"

#include <map>
#include <optional>
#include <utility>
#include <vector>

namespace tally::node {

/// The hub's register: which operator has which cards, as keyed hashes that it cannot read.
///
/// A member's hashes under one key are a set. A new set is put together beside the one in force and
/// replaces it when whole; what it replaced is taken away later, by `sweep`. A member only ever
/// changes its own sets: the caller names the member whose signature it checked.
/// Durability: a receipt is given when what it says is synced. Errors: a storage error, or bytes
/// that this program did not write, stop the process.
/// Memory: one record for each member and key; hashes are on disk only. Threads: one at a time.
class TokenRegistry {
public:
    /// Entries under one hash that a look-up reads; with more it is ambiguous.
    static constexpr std::size_t entries_per_hash_max{1024};

    /// `store` is the registry's alone and must outlive it. Reads the records.
    explicit TokenRegistry(KeyValueStore& store,
                           std::uint64_t per_member_max = tokens_per_member_max);

    [[nodiscard]] TokenReceipt take(const PartyId& member, const TokenChunk& chunk);
    [[nodiscard]] TokenReceipt take(const PartyId& member, const TokenChange& change);
    /// Every operator counts under the newest of the asked keys under which it has a set in force,
    /// so what it left behind under an older key says nothing.
    [[nodiscard]] TokenAnswer find(const TokenLookup& lookup) const;
    [[nodiscard]] TokenStatus status(const PartyId& member) const;

    /// What a member has under a key, for the hub's operator.
    struct Row {
        PartyId member;
        TokenSetState state;
        std::vector<TokenKeyId> older;
    };
    [[nodiscard]] std::vector<Row> rows() const;
    /// Drops the sets under a key, of one member or of all. How many there were.
    std::size_t drop(const TokenKeyId& key, const std::optional<PartyId>& member);

    /// Looks at up to `entries_max` entries for what is no longer in any set, and deletes that.
    /// False when there is nothing left to look at.
    bool sweep(std::size_t entries_max);

private:
    using Generation = std::uint32_t;
    using Name = std::pair<TokenKeyId, PartyId>;
    struct Record {
        TokenSetState state;
        Generation in_force{0};  ///< 0: none
        Generation next{0};      ///< of the set under way
        std::vector<TokenKeyId> older;
    };

    [[nodiscard]] bool may_begin(const Name& name, const TokenChunk& chunk) const;
    [[nodiscard]] std::size_t keys_of(const PartyId& member) const;
    void put(WriteBatch& batch, const Name& name, const Record& record) const;
    void erase(WriteBatch& batch, std::map<Name, Record>::iterator found);
    void discard(WriteBatch& batch, const TokenKeyId& key, Generation generation);
    void complete(WriteBatch& batch, const Name& name, Record& record);
    void retire(WriteBatch& batch, const TokenKeyId& newer);
    [[nodiscard]] std::vector<PartyId> parties_with(const KeyedHash& entry, bool& overflow) const;
    [[nodiscard]] bool has_set(const TokenKeyId& key, const PartyId& party) const;
    void write(const WriteBatch& batch, bool sync);

    KeyValueStore& m_store;
    std::uint64_t m_per_member_max;
    std::map<Name, Record> m_records;
    std::map<Generation, Name> m_owners;  ///< of sets in force and under way
    Generation m_last_generation{0};
    std::map<TokenKeyId, bool> m_swept;  ///< keys with remains; true: more came since it was begun
    Bytes m_sweep_from;                  ///< in the first key of `m_swept`; empty: its beginning
};

}  // namespace tally::node
