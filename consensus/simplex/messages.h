#pragma once

// What validators and followers say to each other, as plain values. The bytes on the wire are made
// in consensus/wire only.

#include "consensus/driver/application.h"
#include "consensus/driver/ports.h"
#include "ledger/crypto/quorum_certificate.h"

#include <optional>
#include <variant>
#include <vector>

namespace tally::consensus {

/// Most nullifications inside a proposal; with a longer gap the newest go in and voters ask for
/// the rest.
inline constexpr std::size_t inline_nullifications_max{64};
/// Most envelopes named by one proposal or request.
inline constexpr std::size_t message_hashes_max{1024};
/// Most certificates in one answer.
inline constexpr std::size_t response_certificates_max{128};
/// Most blocks in one answer, and most bytes of headers and envelopes (the first block always
/// fits).
inline constexpr std::size_t response_blocks_max{128};
inline constexpr std::size_t response_bytes_max{2UL * 1024 * 1024};
/// Most views one certificate request may span.
inline constexpr std::uint64_t request_views_max{1024};

struct Vote {
    VoteStatement statement;
    ValidatorIndex signer{0};
    Signature signature;
    friend bool operator==(const Vote&, const Vote&) = default;
};

/// Why a proposal may have its parent: the parent's certificate (none when it is the epoch's
/// genesis) and a nullification of every view in between, ascending.
struct Justification {
    std::optional<QuorumCertificate> parent;
    std::vector<QuorumCertificate> nullifications;
    friend bool operator==(const Justification&, const Justification&) = default;
};

/// A block offered by the leader of `view`. `leader_signature` is the leader's NOTARIZE vote on
/// {epoch, view, parent_view, digest of header}.
struct Proposal {
    std::uint64_t epoch{0};
    View view{0};
    View parent_view{0};
    Bytes header;
    std::vector<Hash> envelopes;
    Justification justification;
    Signature leader_signature;
    friend bool operator==(const Proposal&, const Proposal&) = default;
};

/// Asks for one settling certificate for each view in [from_view, to_view].
struct CertificateRequest {
    std::uint64_t id{0};
    std::uint64_t epoch{0};
    View from_view{0};
    View to_view{0};
    friend bool operator==(const CertificateRequest&, const CertificateRequest&) = default;
};
struct CertificateResponse {
    std::uint64_t id{0};
    std::vector<QuorumCertificate> certificates;
    friend bool operator==(const CertificateResponse&, const CertificateResponse&) = default;
};

/// Asks for one block that is not final yet, by digest.
struct BlockRequest {
    std::uint64_t id{0};
    Hash digest;
    friend bool operator==(const BlockRequest&, const BlockRequest&) = default;
};
struct BlockResponse {
    std::uint64_t id{0};
    Bytes header;  ///< empty: the peer does not have it
    std::vector<Bytes> envelopes;
    friend bool operator==(const BlockResponse&, const BlockResponse&) = default;
};

/// Asks for final blocks from a height on.
struct RangeRequest {
    std::uint64_t id{0};
    Height from_height{0};
    std::uint32_t count{0};
    friend bool operator==(const RangeRequest&, const RangeRequest&) = default;
};
/// Consecutive final blocks, each with a FINALIZE or NOTARIZE certificate of its own digest. The
/// last one carries a FINALIZE certificate if any of them does; otherwise what proves them final
/// follows in the answer to a request for what comes after them. Empty: the peer has none of them.
struct FinalBlock {
    Bytes header;
    std::vector<Bytes> envelopes;
    QuorumCertificate certificate;
    friend bool operator==(const FinalBlock&, const FinalBlock&) = default;
};
struct RangeResponse {
    std::uint64_t id{0};
    std::vector<FinalBlock> blocks;
    friend bool operator==(const RangeResponse&, const RangeResponse&) = default;
};

struct EnvelopeRequest {
    std::uint64_t id{0};
    std::vector<Hash> hashes;
    friend bool operator==(const EnvelopeRequest&, const EnvelopeRequest&) = default;
};
struct EnvelopeResponse {
    std::uint64_t id{0};
    std::vector<Bytes> envelopes;
    friend bool operator==(const EnvelopeResponse&, const EnvelopeResponse&) = default;
};
struct EnvelopeGossip {
    Bytes envelope;
    friend bool operator==(const EnvelopeGossip&, const EnvelopeGossip&) = default;
};

/// Asks for the proof that `epoch` ended.
struct EpochProofRequest {
    std::uint64_t id{0};
    std::uint64_t epoch{0};
    friend bool operator==(const EpochProofRequest&, const EpochProofRequest&) = default;
};
/// id 0: nobody asked; the receiver said something in an epoch that is over. Empty: not held.
struct EpochProofResponse {
    std::uint64_t id{0};
    Bytes proof;
    friend bool operator==(const EpochProofResponse&, const EpochProofResponse&) = default;
};

/// Where the sender stands. Sent on connect and every status interval. `your_votes` are the newest
/// votes of the addressee that the sender has seen, at most one of each kind: signed, so that a
/// validator restored from an old copy believes them, and a liar cannot silence anybody.
struct Status {
    std::uint64_t epoch{0};
    View view{0};
    View last_final_view{0};
    Height last_final_height{0};
    Hash last_final_digest;
    std::vector<Vote> your_votes;
    friend bool operator==(const Status&, const Status&) = default;
};

/// Longest query and answer about a snapshot; their bytes belong to the application.
inline constexpr std::size_t snapshot_query_bytes_max{128};
inline constexpr std::size_t snapshot_answer_bytes_max{5UL * 1024 * 1024};

/// Asks for a part of the application's state: docs/protocol/sync.md.
struct SnapshotRequest {
    std::uint64_t id{0};
    Bytes query;
    friend bool operator==(const SnapshotRequest&, const SnapshotRequest&) = default;
};
struct SnapshotResponse {
    std::uint64_t id{0};
    Bytes answer;  ///< empty: not held
    friend bool operator==(const SnapshotResponse&, const SnapshotResponse&) = default;
};

using Message =
    std::variant<Vote, QuorumCertificate, Proposal, CertificateRequest, CertificateResponse,
                 BlockRequest, BlockResponse, RangeRequest, RangeResponse, EnvelopeRequest,
                 EnvelopeResponse, EnvelopeGossip, Status, EpochProofRequest, EpochProofResponse,
                 SnapshotRequest, SnapshotResponse>;

}  // namespace tally::consensus
