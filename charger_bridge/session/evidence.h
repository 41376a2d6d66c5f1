#pragma once

// The raw texts of charges as the bridge keeps them, and how an auditor gets them.

#include "charger_bridge/session/session.h"
#include "ledger/base/key_value_store.h"

#include <optional>
#include <string>
#include <vector>

namespace tally::bridge {

/// Raw texts of one charge. What is not kept does not enter the hash either, so that everybody can
/// compute it from what is kept.
inline constexpr std::uint64_t evidence_bytes_max{1024UL * 1024};
inline constexpr std::uint32_t evidence_count_max{65'536};

/// What a text is worth when there is no room for all of them: each kind leaves room for those
/// below it.
enum class EvidenceKind : std::uint8_t {
    sample,         ///< registers that nobody signed
    signed_sample,  ///< with readings that the meter signed
    edge,           ///< the charge's begin or end
    own,            ///< a statement of the bridge
};
struct EvidenceRoom {
    std::uint64_t bytes{0};  ///< of all texts together
    std::uint32_t count{0};
};
[[nodiscard]] EvidenceRoom evidence_room(EvidenceKind kind);

/// h0 = tagged_hash("tally/evidence/v1", session).
[[nodiscard]] Hash evidence_begin(const SessionId& session);
/// h = SHA-256(h | SHA-256(text)).
[[nodiscard]] Hash evidence_add(const Hash& before, std::string_view text);

/// Where the charge's next text is kept: 'e', session, number of texts before it.
[[nodiscard]] Bytes evidence_text_key(const Session& session);

/// Keeps a text and adds it to the hash; without room it counts it as left out, and the first time
/// says so with a text of its own (statement.h) from which on what comes is not complete.
void add_evidence_text(WriteBatch& batch, Session& session, std::string_view text,
                       EvidenceKind kind);

/// Erases the texts of a charge that is never to be named, and begins its evidence anew.
void erase_evidence(WriteBatch& batch, Session& session);
/// Whether `put_evidence_name` was called for the finished session.
[[nodiscard]] bool is_evidence_named(const Session& session);

/// The texts kept of a charge, in order.
[[nodiscard]] Expected<std::vector<std::string>, StoreError> texts_of(const KeyValueStore& store,
                                                                      const SessionId& session);

/// That a charge has ended with this evidence, so that it is found by its hash and listed.
void put_evidence_name(WriteBatch& batch, const Session& session);

/// A charge that ended, and the hash that its record names.
struct NamedEvidence {
    Hash hash;
    AuthorizationRef authorization;
};
/// In order of the hash, those behind `after` (nothing: from the first on), at most `count_max`.
[[nodiscard]] Expected<std::vector<NamedEvidence>, StoreError> list_evidence(
    const KeyValueStore& store, const std::optional<Hash>& after, std::size_t count_max);

struct KeptEvidence {
    SessionId session;
    std::vector<std::string> texts;
    /// False: the store lost some, or an earlier version hashed more than it kept.
    bool is_whole{false};
};
/// Nothing when no charge ended with this hash.
[[nodiscard]] Expected<std::optional<KeptEvidence>, StoreError> find_evidence(
    const KeyValueStore& store, const Hash& hash);

}  // namespace tally::bridge
