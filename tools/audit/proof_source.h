#pragma once

#include "ledger/chain/header_proof.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace tally::tools {

/// A member that can be asked which blocks it has.
class ProofSource {
public:
    virtual ~ProofSource() = default;
    [[nodiscard]] virtual const std::string& name() const = 0;
    /// The height that it says it has.
    [[nodiscard]] virtual Expected<std::uint64_t, std::string> height() = 0;
    /// Its proof that its block of this height is final, not verified; nothing when it answers that
    /// it has none.
    [[nodiscard]] virtual Expected<std::optional<HeaderProof>, std::string> proof(
        std::uint64_t height) = 0;
};

/// Nodes by their HTTP interface; one connection each.
[[nodiscard]] std::vector<std::unique_ptr<ProofSource>> http_proof_sources(
    const std::vector<std::string>& urls);

}  // namespace tally::tools
