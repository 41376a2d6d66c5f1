#pragma once

#include "consensus/simplex/messages.h"

#include <optional>

namespace tally::consensus {

/// The newest vote of one kind that this validator released. View 0: none yet.
struct ReleasedVote {
    View view{0};
    View parent_view{0};
    Hash digest;
    Signature signature;
    friend bool operator==(const ReleasedVote&, const ReleasedVote&) = default;
};

/// What a validator must never forget in order never to contradict itself: the newest NOTARIZE,
/// NULLIFY and FINALIZE it released in an epoch. Views in it only grow, so its size is constant.
///
/// Encoding (fixed-width codec): epoch u64, sequence u64, then for each of notarize, nullify and
/// finalize: view u64, parent_view u64, digest 32, signature 64.
struct SafetyRecord {
    std::uint64_t epoch{0};
    std::uint64_t sequence{0};  ///< number of changes so far
    ReleasedVote notarize;
    ReleasedVote nullify;
    ReleasedVote finalize;

    static constexpr std::size_t encoded_bytes{16 + 3 * (8 + 8 + 32 + 64)};

    friend bool operator==(const SafetyRecord&, const SafetyRecord&) = default;
    [[nodiscard]] Bytes encode() const;
    [[nodiscard]] static std::optional<SafetyRecord> decode(ByteView bytes);

    [[nodiscard]] const ReleasedVote& of(VoteKind kind) const;
    [[nodiscard]] ReleasedVote& of(VoteKind kind);

    /// R0. Whether this statement may be released, the record being the only history. Asking again
    /// for the very statement released last is allowed.
    [[nodiscard]] bool allows(const VoteStatement& statement) const;
    /// The released vote of a kind as a message. `view` of it must not be 0.
    [[nodiscard]] Vote vote(VoteKind kind, ValidatorIndex self) const;
};

}  // namespace tally::consensus
