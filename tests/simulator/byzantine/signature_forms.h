#pragma once

#include "ledger/crypto/secp256k1.h"

namespace tally::simulator {

/// (r, n - s): holds for plain ECDSA, refused where low-S is demanded.
[[nodiscard]] Signature high_s(const Signature& signature);
/// r and s exchanged.
[[nodiscard]] Signature swapped(const Signature& signature);

}  // namespace tally::simulator
