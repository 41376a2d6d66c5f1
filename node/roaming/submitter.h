#pragma once

#include "ledger/base/random.h"
#include "ledger/crypto/signer.h"
#include "ledger/model/envelope.h"
#include "node/accounts/staged_store.h"
#include "node/roaming/ports.h"

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

namespace tally::node {

/// What a transaction of ours is about; numbers are stored.
enum class OwnAction : std::uint8_t {
    decide = 1,
    settle = 2,
    start = 3,
    record = 4,
    release = 5,
    claim = 6,
    release_other = 7,  ///< an approval that belongs to no session
};

/// Whose transaction it is: a session id for the visited side, an authorization's transaction id
/// for the home side.
struct SubmissionOwner {
    OwnAction action{OwnAction::decide};
    FixedBytes<16, struct SubmissionOwnerTag> key;
    friend bool operator==(const SubmissionOwner&, const SubmissionOwner&) = default;
};

/// Our own transactions on their way to the ledger.
///
/// A transaction and the envelope that carries it are stored before the envelope is handed out, so
/// after a crash the same bytes go again. Envelopes are handed in again until they are final. When
/// the first `not_after` of an envelope has passed on the ledger without it, it never can be: then
/// its transactions are signed anew with new ids, or given up if submitted with a fixed id.
/// Batching: what was submitted between two calls of `sign_pending` shares envelopes of up to 15
/// KiB. With 16 of them under way the rest waits for a result: the busier, the fuller they are.
/// Durability: changes are staged; results are taken exactly once, in the same write as what their
/// owner makes of them. Threads: one owner.
class Submitter {
public:
    struct Config {
        PartyId self;
        std::size_t pending_max{0};
        UnixMillis resubmit_ms{2'000};
    };
    Submitter(Config config, LedgerPort& ledger, Signer& key, Random& random, StagedStore& store)
        : m_config{config}, m_ledger{ledger}, m_key{key}, m_random{random}, m_store{store} {}

    /// Reads what is under way from the store.
    void load();
    [[nodiscard]] bool is_full() const noexcept { return m_items.size() >= m_config.pending_max; }
    [[nodiscard]] std::size_t size() const noexcept { return m_items.size(); }

    /// Stages a transaction that is signed anew when it does not become final in time.
    /// `not_after` = now + `lifetime_ms`.
    void submit(const SubmissionOwner& owner, Action action, UnixMillis now,
                UnixMillis lifetime_ms);
    /// Stages one that keeps its id and is given up when its time has passed.
    void submit_once(const SubmissionOwner& owner, const TransactionId& id, Action action,
                     UnixMillis not_after);

    /// Signs the envelopes under way with the key as it is now: what an old key signed is void.
    void sign_again();
    /// Signs what was submitted since the last call and stages the envelopes. Call before commit.
    void sign_pending(UnixMillis now);
    /// Hands new envelopes, and those not final after a while, to the ledger. Call after commit.
    void hand_out(UnixMillis now);

    /// The owner of one of our transactions that became final, which is forgotten by this call.
    [[nodiscard]] std::optional<SubmissionOwner> take_result(const TransactionId& id);
    /// Forgets, and returns, what was submitted once and can no longer become final; the others are
    /// staged again. `final_time` is the time of the last block whose results were taken.
    [[nodiscard]] std::vector<SubmissionOwner> take_given_up(UnixMillis final_time, UnixMillis now,
                                                             UnixMillis lifetime_ms);

private:
    struct Item {
        SubmissionOwner owner;
        bool once{false};
        TransactionId id;
        UnixMillis not_after{0};
        Bytes transaction;
        std::uint64_t envelope{0};  ///< 0: not signed yet
    };
    struct SentEnvelope {
        Bytes bytes;
        std::size_t open{0};  ///< transactions without a result
        bool handed_out{false};
        UnixMillis last{0};
    };

    void sign(const std::vector<std::uint64_t>& numbers, UnixMillis now);
    void stage(std::uint64_t number, const Item& item);
    void add(Item item);
    void forget(std::uint64_t number);
    void load_envelopes();

    Config m_config;
    LedgerPort& m_ledger;
    Signer& m_key;
    Random& m_random;
    StagedStore& m_store;
    std::map<std::uint64_t, Item> m_items;
    std::map<TransactionId, std::uint64_t> m_by_id;
    std::map<std::uint64_t, SentEnvelope> m_envelopes;
    std::vector<std::uint64_t> m_unsigned;  ///< ascending
    std::uint64_t m_next{1};
};

}  // namespace tally::node
