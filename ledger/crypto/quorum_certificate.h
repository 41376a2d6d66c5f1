#pragma once

// What validators sign about a view, and a quorum of such signatures. It lives below consensus
// because an auditor checks finality without any of consensus: reference "Simplex", section 2.2.

#include "ledger/base/codec.h"
#include "ledger/crypto/secp256k1.h"

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace tally {

/// What a vote says. The values are on the wire and inside signatures.
enum class VoteKind : std::uint8_t { notarize = 1, nullify = 2, finalize = 3 };

/// The largest validator set. Bounds bitmaps, certificates and vote tables.
inline constexpr std::size_t validators_max{64};

/// Number of tolerated Byzantine validators among `n`: floor((n - 1) / 3).
[[nodiscard]] constexpr std::size_t faults_tolerated(std::size_t n) noexcept {
    return n == 0 ? 0 : (n - 1) / 3;
}
/// Votes that make a certificate among `n` validators: n - f (never 2f + 1).
[[nodiscard]] constexpr std::size_t quorum(std::size_t n) noexcept {
    return n - faults_tolerated(n);
}

/// The statement that is signed; the digest is
/// tagged_hash("tally/vote/v1", chain_id | epoch:u64 | kind:u8 | view:u64 | parent_view:u64 |
/// block digest). For `nullify`, parent_view and digest are zero.
struct VoteStatement {
    std::uint64_t epoch{0};
    VoteKind kind{VoteKind::notarize};
    std::uint64_t view{0};
    std::uint64_t parent_view{0};
    Hash digest;

    friend auto operator<=>(const VoteStatement&, const VoteStatement&) = default;
    [[nodiscard]] Hash signing_digest(const Hash& chain_id) const;
};

/// A known kind, and nothing in the fields that the kind leaves zero.
[[nodiscard]] bool is_well_formed(const VoteStatement& statement) noexcept;

/// Whether no honest validator signs both: same epoch and view, and two different NOTARIZE, two
/// different FINALIZE (by digest), or NULLIFY and FINALIZE. NOTARIZE and NULLIFY is no fault.
[[nodiscard]] bool is_equivocation(const VoteStatement& first,
                                   const VoteStatement& second) noexcept;

/// Fixed-width codec, as in the certificate below.
void encode(Encoder& encoder, const VoteStatement& statement);
/// Marks the decoder failed when the statement is not well formed.
[[nodiscard]] VoteStatement decode_vote_statement(Decoder& decoder);

/// A statement with the signatures of a quorum, in index order of the epoch's validator set.
///
/// Encoding (fixed-width codec): epoch u64, kind u8, view u64, parent_view u64, digest 32,
/// bitmap u64 (bit i = validator i), then 64 bytes per set bit, lowest index first.
struct QuorumCertificate {
    VoteStatement statement;
    std::uint64_t bitmap{0};
    std::vector<Signature> signatures;

    friend bool operator==(const QuorumCertificate&, const QuorumCertificate&) = default;
    [[nodiscard]] Bytes encode() const;
    /// Nothing when truncated, too long, of an unknown kind, with a wrong number of signatures, or
    /// a nullification with a digest.
    [[nodiscard]] static std::optional<QuorumCertificate> decode(ByteView bytes);
};

/// Longest encoded certificate, in bytes.
inline constexpr std::size_t certificate_bytes_max{8 + 1 + 8 + 8 + 32 + 8 +
                                                   validators_max * Signature::size};

/// Why a certificate does not hold.
enum class CertificateError : std::uint8_t {
    too_few_signers,  ///< Fewer than quorum(n) bits, or not one signature per bit.
    unknown_signer,   ///< A bit at or above n.
    bad_signature,    ///< One of the signatures does not verify.
};

/// Checks a certificate against the validator set of its epoch, cheap checks first.
/// `validators` is in index order. Nothing is returned when it holds.
[[nodiscard]] std::optional<CertificateError> check_certificate(
    const QuorumCertificate& certificate, const Hash& chain_id,
    std::span<const VerifyKey> validators);

}  // namespace tally
