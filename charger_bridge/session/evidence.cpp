#include "charger_bridge/session/evidence.h"

#include "charger_bridge/session/evidence_to_send.h"
#include "charger_bridge/session/statement.h"
#include "ledger/base/codec.h"
#include "ledger/crypto/sha256.h"
#include "node/link/evidence_file.h"

#include <utility>

namespace tally::bridge {
namespace {

static_assert(evidence_bytes_max == node::evidence_text_bytes_max);
static_assert(evidence_count_max == node::evidence_texts_max);
/// Room for statements of the bridge: the last has the signed records that are billed, escaped.
constexpr std::uint64_t own_bytes{128UL * 1024};
/// Room for the end of the charge: two of the longest messages.
constexpr std::uint64_t edge_bytes{128UL * 1024};
constexpr std::uint64_t signed_bytes{96UL * 1024};
constexpr std::uint32_t kind_count{512};

constexpr std::uint8_t text_kind{'e'};
constexpr std::uint8_t name_kind{'h'};
constexpr std::size_t texts_a_scan{256};

Bytes name_key(const Hash& hash) { return std::move(Encoder{}.u8(name_kind).fixed(hash)).take(); }

struct Name {
    SessionId session;
    AuthorizationRef authorization;
};

std::optional<Name> decode_name(ByteView bytes) {
    Decoder decoder{bytes};
    Name name;
    name.session = decoder.fixed<SessionId>();
    name.authorization.signer = decoder.fixed<PartyId>();
    name.authorization.id = decoder.fixed<TransactionId>();
    return decoder.finished() ? std::optional{name} : std::nullopt;
}

bool put_text(WriteBatch& batch, Session& session, std::string_view text, EvidenceKind kind) {
    const EvidenceRoom room = evidence_room(kind);
    if (session.evidence_bytes + text.size() > room.bytes || session.evidence_count >= room.count) {
        return false;
    }
    const ByteView bytes = as_bytes(text);
    batch.put(evidence_text_key(session), Bytes{bytes.begin(), bytes.end()});
    session.evidence = evidence_add(session.evidence, text);
    session.evidence_bytes += text.size();
    ++session.evidence_count;
    return true;
}

}  // namespace

Expected<std::vector<std::string>, StoreError> texts_of(const KeyValueStore& store,
                                                        const SessionId& session) {
    const Bytes prefix = std::move(Encoder{}.u8(text_kind).fixed(session)).take();
    std::vector<std::string> texts;
    Bytes from = prefix;
    while (true) {
        auto entries = store.scan(prefix, from, texts_a_scan);
        if (!entries) {
            return Unexpected{entries.error()};
        }
        for (KeyValueStore::Entry& entry : *entries) {
            texts.emplace_back(as_text(entry.value));
            from = std::move(entry.key);
            from.push_back(0);  // behind that key
        }
        if (entries->size() < texts_a_scan) {
            return texts;
        }
    }
}

Hash evidence_begin(const SessionId& session) { return node::evidence_hash_begin(session.view()); }

Hash evidence_add(const Hash& before, std::string_view text) {
    return node::evidence_hash_add(before, text);
}

Bytes evidence_text_key(const Session& session) {
    return std::move(Encoder{}.u8(text_kind).fixed(session.id).u32(session.evidence_count)).take();
}

EvidenceRoom evidence_room(EvidenceKind kind) {
    constexpr EvidenceRoom own{evidence_bytes_max, evidence_count_max};
    constexpr EvidenceRoom edge{own.bytes - own_bytes, own.count - kind_count};
    constexpr EvidenceRoom with_signed{edge.bytes - edge_bytes, edge.count - kind_count};
    constexpr EvidenceRoom samples{with_signed.bytes - signed_bytes,
                                   with_signed.count - kind_count};
    switch (kind) {
        case EvidenceKind::sample:
            return samples;
        case EvidenceKind::signed_sample:
            return with_signed;
        case EvidenceKind::edge:
            return edge;
        case EvidenceKind::own:
            return own;
    }
    return {};
}

void add_evidence_text(WriteBatch& batch, Session& session, std::string_view text,
                       EvidenceKind kind) {
    if (put_text(batch, session, text, kind)) {
        return;
    }
    if (session.evidence_left_out == 0) {
        put_text(batch, session, evidence_full_statement(session), EvidenceKind::own);
    }
    ++session.evidence_left_out;
}

void erase_evidence(WriteBatch& batch, Session& session) {
    const std::uint32_t count = std::exchange(session.evidence_count, 0);
    while (session.evidence_count < count) {
        batch.erase(evidence_text_key(session));
        ++session.evidence_count;
    }
    session.evidence = evidence_begin(session.id);
    session.evidence_count = 0;
    session.evidence_bytes = 0;
    session.evidence_left_out = 0;
}

bool is_evidence_named(const Session& session) {
    const bool is_reviewed = session.review.number != 0;
    return session.state == SessionState::ended ||
           (session.state == SessionState::held && is_reviewed);
}

void put_evidence_name(WriteBatch& batch, const Session& session) {
    Encoder name;
    name.fixed(session.id).fixed(session.authorization.signer).fixed(session.authorization.id);
    batch.put(name_key(session.evidence), std::move(name).take());
    put_evidence_to_send(batch, session);
}

Expected<std::vector<NamedEvidence>, StoreError> list_evidence(const KeyValueStore& store,
                                                               const std::optional<Hash>& after,
                                                               std::size_t count_max) {
    const Bytes prefix{name_kind};
    Bytes from = prefix;
    if (after) {
        from = name_key(*after);
        from.push_back(0);
    }
    const auto entries = store.scan(prefix, from, count_max);
    if (!entries) {
        return Unexpected{entries.error()};
    }
    std::vector<NamedEvidence> named;
    for (const KeyValueStore::Entry& entry : *entries) {
        const auto hash = Hash::from(ByteView{entry.key}.subspan(1));
        const auto name = decode_name(entry.value);
        if (!hash || !name) {
            return Unexpected{StoreError::corrupted};
        }
        named.push_back({*hash, name->authorization});
    }
    return named;
}

Expected<std::optional<KeptEvidence>, StoreError> find_evidence(const KeyValueStore& store,
                                                                const Hash& hash) {
    const auto found = store.get(name_key(hash));
    if (!found) {
        return Unexpected{found.error()};
    }
    if (!*found) {
        return std::optional<KeptEvidence>{};
    }
    const auto name = decode_name(**found);
    if (!name) {
        return Unexpected{StoreError::corrupted};
    }
    auto texts = texts_of(store, name->session);
    if (!texts) {
        return Unexpected{texts.error()};
    }
    KeptEvidence kept{name->session, std::move(texts).value(), false};
    Hash chain = evidence_begin(kept.session);
    for (const std::string& text : kept.texts) {
        chain = evidence_add(chain, text);
    }
    kept.is_whole = chain == hash;
    return std::optional{std::move(kept)};
}

}  // namespace tally::bridge
