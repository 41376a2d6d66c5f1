#pragma once

// A network of a hub and three operators with deterministic keys, and a chain of executed blocks on
// a memory store: for every test that needs a ledger but not a cluster.
// Link `ledger_fixture`.

#include "ledger/base/memory_store.h"
#include "ledger/chain/executor.h"
#include "ledger/model/envelope.h"
#include "ledger/state/queries.h"

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

namespace tally::test {

inline constexpr UnixMillis second_ms{1000};
inline constexpr UnixMillis hour_ms{3'600'000};
/// Block time of height 0: 2025-06-01T00:00:00Z.
inline constexpr UnixMillis genesis_time{1'748'736'000'000};

/// The same secret for the same name, always. Members' keys are named "AAA/member",
/// "AAA/consensus", "AAA/link"; bridges' "AAA/bridge-1".
[[nodiscard]] SecretKey secret_of(std::string_view name);
/// `text` must be three letters.
[[nodiscard]] PartyId party(std::string_view text);
[[nodiscard]] Currency currency(std::string_view text);
[[nodiscard]] inline Money units(std::int64_t whole) { return whole * money_scale; }

/// HUB and the operators AAA, BBB, CCC, all validators; epochs as short as may be; CNY; both halves
/// of every agreement between operators; a limit of 10,000 units each; a cycle of 400 days. Valid;
/// change it before use as you like.
[[nodiscard]] Genesis make_genesis();

/// Validators' place in the set, for votes: index into `validators_of(genesis.members)`.
[[nodiscard]] QuorumCertificate certify(const Genesis& genesis, VoteKind kind,
                                        const BlockHeader& header);

/// The secret behind a key of `party`: keys that came later are named "AAA/member-1" and so on, up
/// to 9. ENSUREs that it is one of them.
[[nodiscard]] SecretKey secret_behind(const PublicKey& key, const PartyId& party, KeyRole role);
/// The proof that `party` has the secret of a key, when it is one of its keys named like that,
/// whatever its role; else an empty one.
[[nodiscard]] Signature possession_of(const Hash& chain_id, const PartyId& party, KeyRole role,
                                      const PublicKey& key);
/// Proves the new keys of an action that have no proof yet.
void add_possessions(const Hash& chain_id, const PartyId& signer, Action& action);
/// A member with the test keys of its name, a follower.
[[nodiscard]] Member make_follower(const char* name);
/// Signed by the first quorum of these validators; `view` is the certificate's.
[[nodiscard]] QuorumCertificate certify(const std::vector<Validator>& validators, VoteKind kind,
                                        const BlockHeader& header, std::uint64_t view);

/// Signed by the member's test key.
[[nodiscard]] Bytes make_envelope(const Hash& chain_id, const PartyId& signer,
                                  const std::vector<Transaction>& transactions);
/// Sets the bridge's signature, made with the test key `owner/bridge_id`.
void sign_metered(const Hash& chain_id, const PartyId& owner, MeteredCharge& charge);

/// A chain that grows block by block. Every block is built, then executed again as a voter would,
/// and both must agree; then it is final and its changes go to the base store.
class TestChain {
public:
    /// `sites`: operators that get the usual site, see `set_up_site`.
    explicit TestChain(Genesis genesis = make_genesis(), const std::vector<PartyId>& sites = {});
    TestChain(const TestChain&) = delete;
    TestChain& operator=(const TestChain&) = delete;

    [[nodiscard]] const Genesis& genesis() const noexcept { return m_genesis; }
    [[nodiscard]] const Hash& chain_id() const noexcept { return m_chain_id; }
    [[nodiscard]] UnixMillis now() const { return tip().block.header.time; }
    [[nodiscard]] const ExecutedBlock& tip() const { return *m_tip; }
    [[nodiscard]] std::shared_ptr<const ExecutedBlock> tip_pointer() const { return m_tip; }
    [[nodiscard]] const IdWindow& window() const noexcept { return m_window; }
    [[nodiscard]] MemoryStore& base() noexcept { return m_base; }
    [[nodiscard]] Executor& executor() noexcept { return m_executor; }
    /// State after the tip.
    [[nodiscard]] StateOverlay state() const { return StateOverlay{m_base, {}}; }
    [[nodiscard]] BlockContext next_context(UnixMillis time) const;

    /// Makes the next block at `time` of these envelopes, all of which must be valid.
    const ExecutedBlock& add_block(UnixMillis time, const std::vector<Bytes>& envelopes);
    /// An empty block `step` after the tip.
    const ExecutedBlock& pass(UnixMillis step);
    /// One action of one member in a block of its own, one second after the tip (or `step`).
    ResultCode apply(const PartyId& signer, Action action, UnixMillis step = second_ms);
    /// An envelope signed by the key that the member has after the tip.
    [[nodiscard]] Bytes envelope(const PartyId& signer,
                                 const std::vector<Transaction>& transactions) const;
    /// Everybody of the wanted set reports ready, and the block that seals the epoch is made.
    void change_epoch();
    /// Name of the last transaction that `apply` or `transaction` made.
    [[nodiscard]] const TransactionRef& last_ref() const noexcept { return m_last_ref; }
    /// A transaction with a fresh id, good for the 60 s after the tip. Proves new keys
    /// that have no proof.
    [[nodiscard]] Transaction transaction(const PartyId& signer, Action action);
    [[nodiscard]] TransactionId fresh_id();

    // The usual site, for charges: bridge "bridge-1", station "ST1" with connectors 1 and 2 of
    // 60 kW (EVSE ids "<party>*1" and "<party>*2", meters "M1" and "M2"), tariff "std" version 1:
    // 1.0000 energy and 0.5000 service per kWh, no fees, no tax.
    void set_up_site(const PartyId& operator_);
    [[nodiscard]] static std::string evse(const PartyId& operator_, int connector);
    /// An approval for station "ST1" of `visited`, to start within 60 s of the next block.
    [[nodiscard]] DecideAuthorization approval(const PartyId& visited, Money amount) const;
    /// Approved by `home` and final; ENSUREs success.
    AuthorizationRef approve(const PartyId& home, const PartyId& visited, Money amount);
    AuthorizationRef approve_and_start(const PartyId& home, const PartyId& visited, Money amount,
                                       int connector = 1);
    /// A metered charge of `energy_wh` with one period, of an hour or at half the rated power if
    /// that takes longer, from `register_wh` on, beginning at the tip's time or where the EVSE's
    /// last charge ended; signed, rated and cut to the approved amount.
    [[nodiscard]] RecordCharge record(const AuthorizationRef& authorization,
                                      std::int64_t energy_wh) const;
    AuthorizationRef charge_until_recorded(const PartyId& home, const PartyId& visited,
                                           std::int64_t energy_wh);

private:
    void make_final(ExecutedBlock block);

    Genesis m_genesis;
    Hash m_chain_id;
    MemoryStore m_base;
    DirectSignatureChecker m_signatures;
    Executor m_executor;
    IdWindow m_window;
    std::shared_ptr<const ExecutedBlock> m_tip;
    std::uint64_t m_ids_made{0};
    TransactionRef m_last_ref;
};

/// The batch that brings a base store to the state after a block.
[[nodiscard]] WriteBatch to_batch(const StateChanges& changes);

}  // namespace tally::test
