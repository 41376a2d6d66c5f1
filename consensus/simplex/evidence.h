#pragma once

#include "consensus/simplex/messages.h"

#include <deque>
#include <optional>

namespace tally::consensus {

/// Two votes of one validator that it must not both have signed (`is_equivocation`).
struct Evidence {
    Vote first;
    Vote second;
    friend bool operator==(const Evidence&, const Evidence&) = default;
};

/// Proofs kept of one signer in one epoch: more would tell nothing new, and let one liar push out
/// what is known of the others.
inline constexpr std::size_t evidence_per_signer_max{4};
/// Proofs kept in all; the oldest is dropped.
inline constexpr std::size_t evidence_max{256};

/// Fixed-width codec: signer u32, then statement and signature of each vote.
[[nodiscard]] Bytes encode_evidence(const Evidence& evidence);
/// Nothing when the bytes are not two contradicting votes. Signatures are not checked.
[[nodiscard]] std::optional<Evidence> decode_evidence(ByteView bytes);

/// The proofs of equivocation that this node knows, oldest first, one of each signer and view.
class EvidenceList {
public:
    /// False, and nothing happens, when this signer and view are known or enough is known of the
    /// signer in that epoch.
    bool add(const Evidence& evidence);
    [[nodiscard]] const std::deque<Evidence>& all() const noexcept { return m_all; }

private:
    std::deque<Evidence> m_all;
};

}  // namespace tally::consensus
