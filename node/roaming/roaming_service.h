#pragma once

#include "ledger/base/random.h"
#include "ledger/crypto/signer.h"
#include "node/accounts/customer_accounts.h"
#include "node/roaming/evidence_store.h"
#include "node/roaming/ports.h"
#include "node/roaming/roaming_options.h"
#include "node/roaming/session_view.h"
#include "node/roaming/token_parts.h"
#include "node/roaming/unmatched_charges.h"

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace tally::node {

/// What the service works with; everything must outlive it. `store` is the operator's store, shared
/// with `accounts` (roaming's keys start with 'R'); `backup` is set on the hub only.
struct RoamingParts {
    LedgerPort& ledger;
    MemberPort& members;
    BridgePort& bridges;
    TimerPort& timers;
    const Clock& clock;
    Random& random;
    Signer& member_key;
    SecretKey link_secret;  ///< opens identities sealed to this member
    StagedStore& store;
    KeyValueStore* backup{nullptr};
    CustomerAccounts& accounts;
    RoamingMetrics metrics;            ///< may be empty
    TokenParts tokens{};               ///< cards without a prefix
    KeyValueStore* evidence{nullptr};  ///< a store of its own; null: none is kept here
};

/// The roaming flow of one member in all its parts: visited operator, home operator, hub.
///
/// Durability: what happens in a turn of the loop is written with one synced write at its end, and
/// only then shown to anybody (messages, envelopes, acknowledgements to the bridge). After a crash
/// `start` takes up every session where the store has it and replays the blocks it missed.
/// Delivery: every input may come repeatedly, late or in another order; the outcome is the same.
/// Threads: one loop thread, in both directions; no call re-enters.
class RoamingService {
public:
    RoamingService(RoamingParts parts, RoamingOptions options);
    ~RoamingService();
    RoamingService(const RoamingService&) = delete;
    RoamingService& operator=(const RoamingService&) = delete;

    /// Recovers and begins. Call once, when the ledger is open and before any other input.
    void start();

    /// BridgeHello has been said; anything kept for that bridge is sent again.
    void on_bridge_connected(const std::string& bridge_id);
    void on_bridge_disconnected(const std::string& bridge_id);
    void on_bridge_message(const std::string& bridge_id, const BridgeMessage& message);

    /// What a bridge says of the evidence of its charges.
    void on_bridge_evidence(const std::string& bridge_id, const EvidenceMessage& message);

    /// A frame of kind `roaming` that `peer` sent on its link. False when it breaks the protocol
    /// (does not decode, not for us, too many wrong signatures): the caller may cut the peer off.
    bool on_member_frame(const PartyId& peer, ByteView frame);
    /// A member's link is up: what waits for it is sent now.
    void on_member_connected(const PartyId& peer);

    /// A block is final and its state is `ledger.final_state()`. Blocks come in order; missed ones
    /// are read from the port, repeated ones are ignored.
    void on_final_block(const FinalizedBlock& block);

    /// The member or link key changed: what is on its way is signed again by what the member key's
    /// signer now signs with, and identities are opened with any of `link_secrets`.
    void on_keys_changed(std::vector<SecretKey> link_secrets);

    /// Ends a running charge of this operator's chargers. False when it is not charging here.
    bool stop_charge(const SessionId& session);

    // ---- reading, for the API
    /// Newest first, finished ones included; at most `count`.
    [[nodiscard]] std::vector<SessionView> sessions(std::size_t count) const;
    [[nodiscard]] std::optional<SessionView> find_session(const SessionId& session) const;

    // ---- cards without a prefix
    [[nodiscard]] TokenView tokens() const;
    /// See TokenRegistrar::keep and forget. False: this member registers no cards, or too much
    /// waits.
    void keep_cards(std::vector<std::string> cards, bool forget, std::function<void(bool)> done);
    /// See TokenOffice::drop. Nothing: there is no register here, or too much waits.
    void drop_tokens(const TokenKeyId& key, const std::optional<PartyId>& member,
                     std::function<void(std::optional<std::size_t>)> done);

    /// The evidence of charges, to be served; null when this member keeps none.
    [[nodiscard]] const EvidenceStore* evidence() const;

    /// Ended charges that could not be taken up. What is forgotten here is so with the next turn's
    /// write.
    [[nodiscard]] UnmatchedCharges& unmatched();

    /// Sizes of what is bounded, for metrics and tests.
    struct Load {
        std::size_t visited_open{0};
        std::size_t home_open{0};
        std::size_t finished{0};
        std::size_t submissions{0};
        std::size_t outbox{0};
        std::size_t unmatched{0};
    };
    [[nodiscard]] Load load() const;

private:
    class Impl;
    std::shared_ptr<Impl> m_impl;
};

}  // namespace tally::node
