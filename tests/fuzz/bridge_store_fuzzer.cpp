// What a bridge reads from its store at the start: whatever an entry says, the store is read or
// refused with a reason, and records are written again as they were. The first byte chooses a
// record to read by itself, or the whole store with entries of any kind.

#include "charger_bridge/boot_holds.h"
#include "charger_bridge/proxy/alias_map.h"
#include "charger_bridge/session/core.h"
#include "charger_bridge/session/evidence_to_send.h"
#include "ledger/base/check.h"
#include "ledger/base/memory_store.h"
#include "tests/charger_bridge/site.h"

#include <array>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

using namespace tally;
using namespace tally::bridge;

constexpr std::size_t entries_max{64};
/// The kinds of entries that the parts of the store begin with; what is not listed is tried too.
constexpr std::array<std::uint8_t, 15> prefixes{
    SessionTable::key_prefix, KnownTerms::key_prefix, StationMarks::key_prefix,
    ReviewLog::key_prefix,    Orphanage::key_prefix,  BilledReadings::key_prefix,
    Health::key_prefix,       ReportBook::key_prefix, ReportBook::held_prefix,
    BootHolds::key_prefix,    std::uint8_t{'d'},      std::uint8_t{'e'},
    std::uint8_t{'q'},        std::uint8_t{'E'},      std::uint8_t{'h'}};

/// What is read and written again is the same when it is read the next time; what an older program
/// stored has the form of today then.
template <typename Decode, typename Encode>
void round_trip(const Decode& decode, const Encode& encode, ByteView input) {
    const auto decoded = decode(input);
    if (!decoded) {
        return;
    }
    const Bytes again = encode(*decoded);
    const auto once_more = decode(again);
    ENSURE(once_more && encode(*once_more) == again);
}

MemoryStore store_of(ByteView input) {
    MemoryStore store;
    WriteBatch batch;
    Decoder decoder{input};
    for (std::size_t i = 0; i < entries_max; ++i) {
        const std::uint8_t kind = decoder.u8();
        const std::uint8_t key_size = decoder.u8();
        const std::uint16_t value_size = decoder.u16();
        const ByteView name = decoder.raw(key_size);
        const ByteView value = decoder.raw(value_size);
        if (!decoder.ok()) {
            break;
        }
        Bytes key{kind < 128 ? prefixes.at(kind % prefixes.size()) : kind};
        key.insert(key.end(), name.begin(), name.end());
        batch.put(std::move(key), {value.begin(), value.end()});
    }
    ENSURE(store.write(batch, true));
    return store;
}

void read_store(ByteView input) {
    const MemoryStore store = store_of(input);
    test::CountingRandom random;
    static KeySigner key{generate_secret(random)};
    SessionCore core{CoreConfig{}, key, random};
    const auto loaded = core.load(store);
    ENSURE(loaded || !loaded.error().empty());
    BootHolds holds;
    const auto held = holds.load(store);
    ENSURE(held || !held.error().empty());
    static_cast<void>(list_evidence(store, std::nullopt, entries_max));
    static_cast<void>(list_evidence_to_send(store, std::nullopt, entries_max));
    static_cast<void>(find_evidence(store, Hash{}));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) {
        return 0;
    }
    const ByteView input{data + 1, size - 1};
    switch (data[0] % 6) {
        case 0:
            round_trip(decode_session, encode_session, input);
            break;
        case 1:
            round_trip(decode_orphan, encode_orphan, input);
            break;
        case 2:
            round_trip(decode_decision, encode_decision, input);
            break;
        case 3:
            round_trip(decode_terms, encode_terms, input);
            break;
        case 4: {
            AliasMap aliases;
            static_cast<void>(aliases.decode(input));
            break;
        }
        default:
            read_store(input);
            break;
    }
    return 0;
}
