#include "charger_bridge/session/evidence_to_send.h"

#include "ledger/base/codec.h"

#include <utility>

namespace tally::bridge {

namespace {

constexpr std::uint8_t key_kind{'E'};

Bytes key_of(const Hash& hash) { return std::move(Encoder{}.u8(key_kind).fixed(hash)).take(); }

}  // namespace

void put_evidence_to_send(WriteBatch& batch, const Session& session) {
    Encoder value;
    value.fixed(session.authorization.signer).fixed(session.authorization.id);
    value.i64(session.finished_at);
    batch.put(key_of(session.evidence), std::move(value).take());
}

void erase_evidence_to_send(WriteBatch& batch, const Hash& hash) { batch.erase(key_of(hash)); }

Expected<std::vector<EvidenceToSend>, StoreError> list_evidence_to_send(
    const KeyValueStore& store, const std::optional<Hash>& after, std::size_t count_max) {
    const Bytes prefix{key_kind};
    Bytes from = prefix;
    if (after) {
        from = key_of(*after);
        from.push_back(0);  // behind that key
    }
    const auto entries = store.scan(prefix, from, count_max);
    if (!entries) {
        return Unexpected{entries.error()};
    }
    std::vector<EvidenceToSend> waiting;
    for (const KeyValueStore::Entry& entry : *entries) {
        const auto hash = Hash::from(ByteView{entry.key}.subspan(1));
        Decoder decoder{entry.value};
        EvidenceToSend one;
        one.authorization.signer = decoder.fixed<PartyId>();
        one.authorization.id = decoder.fixed<TransactionId>();
        one.ended = decoder.i64();
        if (!hash || !decoder.finished()) {
            return Unexpected{StoreError::corrupted};
        }
        one.hash = *hash;
        waiting.push_back(one);
    }
    return waiting;
}

}  // namespace tally::bridge
