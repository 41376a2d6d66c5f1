#pragma once

#include "ledger/model/genesis.h"
#include "ledger/model/result_code.h"
#include "ledger/state/event.h"
#include "ledger/state/state_overlay.h"

#include <functional>
#include <set>
#include <vector>

namespace tally {

/// Whether `signature` is `key`'s over `digest`. Nothing else may decide the answer.
using SignatureCheck =
    std::function<bool(const PublicKey& key, const Hash& digest, const Signature& signature)>;

/// What the whole block has in common for its actions.
struct BlockScope {
    StateOverlay& state;
    const Parameters& parameters;
    const Hash& chain_id;
    const SignatureCheck& check_signature;
    UnixMillis time{0};         ///< of the block
    std::uint64_t height{0};    ///< of the block
    UnixMillis parent_time{0};  ///< of the block before
};

/// One transaction being applied. Its signer is a member and its signature is right.
struct Context {
    BlockScope& block;
    TransactionRef transaction;  ///< `signer` signed it
    Hash transaction_hash;
    /// Whose sub-logs its leaf goes into, as far as they are members.
    std::set<PartyId> touched{};

    [[nodiscard]] const PartyId& signer() const noexcept { return transaction.signer; }
    [[nodiscard]] StateOverlay& state() const noexcept { return block.state; }
    [[nodiscard]] UnixMillis now() const noexcept { return block.time; }
    void touch(const PartyId& party) { touched.insert(party); }
};

/// Longest duration that counts as a deadline's distance: 10,000 years.
inline constexpr UnixMillis duration_max{10'000LL * 366 * 24 * 3'600'000};

/// time + window; windows outside 0 .. duration_max are cut to it.
[[nodiscard]] UnixMillis deadline_after(UnixMillis time, UnixMillis window) noexcept;

}  // namespace tally
