#include "ledger/state/sublog.h"

#include "ledger/base/check.h"
#include "ledger/state/keys.h"
#include "ledger/state/queries.h"
#include "ledger/state/record_codec.h"

#include <bit>
#include <utility>

namespace tally {

Bytes encode(const SublogRecord& record) {
    Encoder encoder = record_codec::start_record();
    encoder.u64(record.log.size());
    for (const Hash& subtree : record.log.subtrees()) {
        encoder.fixed(subtree);
    }
    return std::move(encoder).take();
}

template <>
std::optional<SublogRecord> decode_record(ByteView bytes) {
    Decoder decoder = record_codec::open_record(bytes);
    const std::uint64_t size = decoder.u64();
    std::vector<Hash> subtrees;
    for (int i = 0; i < std::popcount(size) && decoder.ok(); ++i) {
        subtrees.push_back(decoder.fixed<Hash>());
    }
    std::optional<MerkleFrontier> log = MerkleFrontier::restore(size, std::move(subtrees));
    if (!log || size == 0) {
        return std::nullopt;
    }
    return record_codec::finish(decoder, SublogRecord{std::move(*log)});
}

void SublogAppender::append(const PartyId& party, std::uint64_t leaf_index, const Hash& leaf_hash) {
    auto found = m_records.find(party);
    if (found == m_records.end()) {
        if (!m_state.get(keys::member(party))) {
            return;
        }
        found = m_records.emplace(party, find_sublog(m_state, party)).first;
        m_added[party].first = found->second.log.size();
    }
    found->second.log.append(leaf_hash);
    m_added[party].leaves.push_back(leaf_index);
}

SublogAdditions SublogAppender::finish() && {
    for (const auto& [party, record] : m_records) {
        m_state.put(keys::sublog(party), encode(record));
    }
    return std::move(m_added);
}

}  // namespace tally
