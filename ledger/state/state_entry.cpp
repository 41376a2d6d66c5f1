#include "ledger/state/state_entry.h"

#include "ledger/base/codec.h"
#include "ledger/state/cycle_records.h"
#include "ledger/state/epoch_records.h"
#include "ledger/state/keys.h"
#include "ledger/state/sublog.h"

#include <algorithm>
#include <array>
#include <string_view>

namespace tally {
namespace {

template <typename Record>
bool is_record(ByteView value) {
    return decode_record<Record>(value).has_value();
}

/// Those that ended are in a derived table.
bool is_live_authorization(ByteView value) {
    const auto record = decode_record<Authorization>(value);
    return record && is_live(record->status);
}

bool is_number(ByteView value) { return value.size() == sizeof(std::uint32_t); }

/// One kind of entry: what is in its key behind the table's byte, and what its value is.
/// Fields: p party, c currency, r reference of a transaction, n u64, b bridge id, e EVSE id,
/// t tariff id, 0 a version that is 0, v one that is not.
struct EntryKind {
    Table table;
    std::string_view fields;
    bool (*is_value)(ByteView value);
};

constexpr std::array<EntryKind, 20> entry_kinds{{
    {Table::member, "p", is_record<MemberRecord>},
    {Table::account, "pc", is_record<Account>},
    {Table::agreement, "pp", is_record<AgreementRecord>},
    {Table::bridge, "pb", is_record<BridgeRecord>},
    {Table::charger, "pe", is_record<ChargerRecord>},
    {Table::tariff, "pt0", is_number},
    {Table::tariff, "ptv", is_record<Tariff>},
    {Table::authorization, "r", is_live_authorization},
    {Table::countersign, "r", is_record<CountersignRecord>},
    {Table::exposure, "cpp", is_record<Exposure>},
    {Table::totals, "c", is_record<Totals>},
    {Table::scheme, "", is_record<Parameters>},
    {Table::epoch, "", is_record<EpochRecord>},
    {Table::proposal, "r", is_record<ProposalRecord>},
    {Table::evidence, "np", is_record<EvidenceRecord>},
    {Table::cycle, "", is_record<CycleRecord>},
    {Table::cycle, "nc", is_record<ClosedCycleRecord>},
    {Table::leg, "ncpp", is_record<LegRecord>},
    {Table::sublog, "p", is_record<SublogRecord>},
    {Table::correction, "r", is_record<CorrectionRecord>},
}};

/// A name and the zero bytes behind it.
bool read_name(Decoder& key, std::size_t width) {
    const ByteView padded = key.raw(width);
    const auto end = std::find(padded.begin(), padded.end(), std::uint8_t{0});
    const auto length = static_cast<std::size_t>(end - padded.begin());
    return std::all_of(end, padded.end(), [](std::uint8_t byte) { return byte == 0; }) &&
           is_valid_name(as_text(padded.first(length)), width);
}

bool read_field(Decoder& key, char field) {
    switch (field) {
        case 'p':
            return is_valid(key.fixed<PartyId>());
        case 'c':
            return is_valid(key.fixed<Currency>());
        case 'r':
            return is_valid(decode_transaction_ref(key).signer);
        case 'n':
            key.u64();
            return true;
        case 'b':
            return read_name(key, bridge_id_bytes_max);
        case 'e':
            return read_name(key, evse_id_bytes_max);
        case 't':
            return read_name(key, tariff_id_bytes_max);
        case '0':
            return key.u32() == 0;
        case 'v':
            return key.u32() != 0;
    }
    return false;
}

bool is_key_of(const EntryKind& kind, ByteView key) {
    Decoder decoder{key};
    if (decoder.u8() != static_cast<std::uint8_t>(kind.table)) {
        return false;
    }
    const bool fits = std::all_of(kind.fields.begin(), kind.fields.end(),
                                  [&decoder](char field) { return read_field(decoder, field); });
    return fits && decoder.finished();
}

}  // namespace

bool is_state_entry(const KeyValueStore::Entry& entry) {
    return std::any_of(entry_kinds.begin(), entry_kinds.end(), [&entry](const EntryKind& kind) {
        return is_key_of(kind, entry.key) && kind.is_value(entry.value);
    });
}

}  // namespace tally
