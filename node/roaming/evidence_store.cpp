#include "node/roaming/evidence_store.h"

#include "ledger/base/check.h"
#include "ledger/base/codec.h"

#include <utility>

namespace tally::node {

namespace {

// Keys: 'e' hash: the file. 'n' hash: the authorization. 'q' member hash: the authorization of what
// the member does not have yet.
constexpr std::uint8_t file_kind{'e'};
constexpr std::uint8_t name_kind{'n'};
constexpr std::uint8_t queue_kind{'q'};

Bytes key_of(std::uint8_t kind, const Hash& hash) {
    return std::move(Encoder{}.u8(kind).fixed(hash)).take();
}

Bytes queue_of(const PartyId& member) {
    return std::move(Encoder{}.u8(queue_kind).fixed(member)).take();
}

Bytes with(Bytes prefix, const Hash& hash) {
    append(prefix, hash.view());
    return prefix;
}

Bytes encode(const AuthorizationRef& authorization) {
    return std::move(Encoder{}.fixed(authorization.signer).fixed(authorization.id)).take();
}

}  // namespace

void EvidenceStore::keep(const Named& name, const Bytes& file,
                         const std::optional<PartyId>& send_to) {
    WriteBatch batch;
    batch.put(key_of(file_kind, name.hash), file);
    batch.put(key_of(name_kind, name.hash), encode(name.authorization));
    if (send_to) {
        batch.put(with(queue_of(*send_to), name.hash), encode(name.authorization));
    }
    ENSURE(m_store.write(batch, true).has_value());
}

bool EvidenceStore::has(const Hash& hash) const {
    const auto found = m_store.get(key_of(name_kind, hash));
    ENSURE(found.has_value());
    return found->has_value();
}

std::optional<Bytes> EvidenceStore::find(const Hash& hash) const {
    auto found = m_store.get(key_of(file_kind, hash));
    ENSURE(found.has_value());
    return std::move(found).value();
}

std::vector<EvidenceStore::Named> EvidenceStore::list(const std::optional<Hash>& after,
                                                      std::size_t count_max) const {
    return scan(Bytes{name_kind}, after, count_max);
}

std::vector<EvidenceStore::Named> EvidenceStore::scan(const Bytes& prefix,
                                                      const std::optional<Hash>& after,
                                                      std::size_t count_max) const {
    Bytes from = prefix;
    if (after) {
        from = with(prefix, *after);
        from.push_back(0);  // behind that key
    }
    const auto entries = m_store.scan(prefix, from, count_max);
    ENSURE(entries.has_value());
    std::vector<Named> named;
    for (const KeyValueStore::Entry& entry : *entries) {
        const auto hash = Hash::from(ByteView{entry.key}.subspan(prefix.size()));
        Decoder decoder{entry.value};
        Named one;
        one.authorization.signer = decoder.fixed<PartyId>();
        one.authorization.id = decoder.fixed<TransactionId>();
        ENSURE(hash.has_value() && decoder.finished());
        one.hash = *hash;
        named.push_back(one);
    }
    return named;
}

std::vector<PartyId> EvidenceStore::lacking(std::size_t count_max) const {
    std::vector<PartyId> members;
    Bytes from{queue_kind};
    while (members.size() < count_max) {
        const auto entry = m_store.next(from);
        ENSURE(entry.has_value());
        if (!*entry || (*entry)->key.front() != queue_kind) {
            break;
        }
        const auto member = PartyId::from(ByteView{(*entry)->key}.subspan(1, PartyId::size));
        ENSURE(member.has_value());
        members.push_back(*member);
        from = queue_of(*member);
        from.insert(from.end(), Hash::size + 1, 0xff);  // behind all of this member's
    }
    return members;
}

std::vector<EvidenceStore::Named> EvidenceStore::waiting(const PartyId& member,
                                                         const std::optional<Hash>& after,
                                                         std::size_t count_max) const {
    return scan(queue_of(member), after, count_max);
}

void EvidenceStore::sent(const PartyId& member, const Hash& hash) {
    WriteBatch batch;
    batch.erase(with(queue_of(member), hash));
    ENSURE(m_store.write(batch, false).has_value());
}

}  // namespace tally::node
