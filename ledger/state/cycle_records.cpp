#include "ledger/state/cycle_records.h"

#include "ledger/base/check.h"
#include "ledger/base/codec.h"
#include "ledger/state/keys.h"
#include "ledger/state/record_codec.h"
#include "ledger/state/record_reading.h"

#include <algorithm>
#include <utility>

namespace tally {

using record_codec::decode_currency;
using record_codec::decode_enum;
using record_codec::decode_natural;
using record_codec::decode_party;
using record_codec::finish;
using record_codec::open_record;
using record_codec::start_record;
using record_reading::decode_own;
using record_reading::find_own;
using record_reading::for_each_from;

namespace {

/// Shares and credits are more than 0.
std::vector<NetPosition> decode_credits(Decoder& decoder) {
    std::vector<NetPosition> credits = decode_positions(decoder);
    if (std::any_of(credits.begin(), credits.end(),
                    [](const NetPosition& credit) { return credit.amount <= 0; })) {
        decoder.fail();
    }
    return credits;
}

}  // namespace

const char* to_text(LegStatus status) {
    switch (status) {
        case LegStatus::pending:
            return "pending";
        case LegStatus::defaulted:
            return "defaulted";
        case LegStatus::confirmed:
            return "confirmed";
    }
    return "unknown";
}

TransactionRef leg_ref(const LegKey& key) {
    Encoder id;
    id.u64(key.cycle).fixed(key.currency).fixed(key.creditor).u16(0);
    return {key.debtor, *TransactionId::from(id.bytes())};
}

LegKey leg_key_of(const TransactionRef& ref) {
    Decoder id{ref.id.view()};
    LegKey key;
    key.cycle = id.u64();
    key.currency = id.fixed<Currency>();
    key.creditor = id.fixed<PartyId>();
    key.debtor = ref.signer;
    return key;
}

Bytes encode(const CycleRecord& record) {
    Encoder encoder = start_record();
    encoder.u64(record.number).u64(record.period).i64(record.opened_at);
    encoder.boolean(record.closing.has_value());
    if (record.closing) {
        encoder.u64(record.closing->number).fixed(record.closing->from);
    }
    return std::move(encoder).take();
}

template <>
std::optional<CycleRecord> decode_record(ByteView bytes) {
    Decoder decoder = open_record(bytes);
    CycleRecord record;
    record.number = decoder.u64();
    record.period = decoder.u64();
    record.opened_at = decode_natural(decoder);
    if (decoder.boolean()) {
        CycleRecord::Closing closing;
        closing.number = decoder.u64();
        closing.from = decode_currency(decoder);
        record.closing = closing;
    }
    return finish(decoder, record);
}

Bytes encode(const ClosedCycleRecord& record) {
    Encoder encoder = start_record();
    encoder.i64(record.closed_at).i64(record.due_by).u32(record.open_legs);
    encode(encoder, record.creditors);
    return std::move(encoder).take();
}

template <>
std::optional<ClosedCycleRecord> decode_record(ByteView bytes) {
    Decoder decoder = open_record(bytes);
    ClosedCycleRecord record;
    record.closed_at = decode_natural(decoder);
    record.due_by = decode_natural(decoder);
    record.open_legs = decoder.u32();
    record.creditors = decode_credits(decoder);
    if (record.open_legs == 0 || record.open_legs > legs_max || record.creditors.empty()) {
        decoder.fail();
    }
    return finish(decoder, std::move(record));
}

Bytes encode(const LegRecord& record) {
    Encoder encoder = start_record();
    encoder.i64(record.amount).i64(record.due_by).u8(static_cast<std::uint8_t>(record.status));
    encode(encoder, record.shares);
    encoder.text(record.reference);
    return std::move(encoder).take();
}

template <>
std::optional<LegRecord> decode_record(ByteView bytes) {
    Decoder decoder = open_record(bytes);
    LegRecord record;
    record.amount = decode_natural(decoder);
    record.due_by = decode_natural(decoder);
    record.status = decode_enum(decoder, LegStatus::pending, LegStatus::confirmed);
    record.shares = decode_credits(decoder);
    record.reference = decoder.text(payment_reference_bytes_max);
    const bool is_confirmed = record.status == LegStatus::confirmed;
    const bool shares_fit = record.shares.empty() || record.status != LegStatus::pending;
    if (record.amount == 0 || is_confirmed == record.reference.empty() || !shares_fit) {
        decoder.fail();
    }
    return finish(decoder, std::move(record));
}

Bytes encode(const CycleHistory& record) {
    Encoder encoder = start_record();
    encoder.i64(record.closed_at).i64(record.due_by);
    encode(encoder, record.net);
    encode(encoder, record.matrix);
    return std::move(encoder).take();
}

template <>
std::optional<CycleHistory> decode_record(ByteView bytes) {
    Decoder decoder = open_record(bytes);
    CycleHistory record;
    record.closed_at = decode_natural(decoder);
    record.due_by = decode_natural(decoder);
    record.net = decode_positions(decoder);
    record.matrix = decode_debts(decoder);
    return finish(decoder, std::move(record));
}

CycleRecord find_cycle(const StateView& view) {
    const auto cycle = find_own<CycleRecord>(view, keys::cycle());
    ENSURE(cycle.has_value());
    return *cycle;
}

std::optional<ClosedCycleRecord> find_closed_cycle(const StateView& view, std::uint64_t cycle,
                                                   const Currency& currency) {
    return find_own<ClosedCycleRecord>(view, keys::closed_cycle(cycle, currency));
}

std::optional<LegRecord> find_leg(const StateView& view, const LegKey& key) {
    return find_own<LegRecord>(view, keys::leg(key));
}

std::vector<LegEntry> list_legs(const StateView& view, std::uint64_t cycle_from,
                                std::size_t count_max) {
    std::vector<LegEntry> legs;
    for_each_from(view, keys::legs_from(cycle_from), keys::table(Table::leg), count_max,
                  [&legs](const KeyValueStore::Entry& entry) {
                      legs.push_back({keys::leg_of(entry.key), decode_own<LegRecord>(entry.value)});
                  });
    return legs;
}

std::vector<LegEntry> legs_of(const StateView& view, std::uint64_t cycle,
                              const Currency& currency) {
    std::vector<LegEntry> legs;
    const Bytes prefix = keys::legs_of(cycle, currency);
    for_each_from(view, prefix, prefix, legs_max, [&legs](const KeyValueStore::Entry& entry) {
        legs.push_back({keys::leg_of(entry.key), decode_own<LegRecord>(entry.value)});
    });
    return legs;
}

namespace {

HistoryEntry history_entry(const KeyValueStore::Entry& entry) {
    Decoder decoder{ByteView{entry.key}.subspan(1)};
    const std::uint64_t cycle = decoder.u64();
    const auto currency = decoder.fixed<Currency>();
    ENSURE(decoder.finished());
    return {cycle, currency, decode_own<CycleHistory>(entry.value)};
}

std::vector<HistoryEntry> read_history(const StateView& view, const Bytes& from,
                                       const Bytes& prefix, std::size_t count_max) {
    std::vector<HistoryEntry> history;
    for_each_from(view, from, prefix, count_max, [&history](const KeyValueStore::Entry& entry) {
        history.push_back(history_entry(entry));
    });
    return history;
}

}  // namespace

std::vector<HistoryEntry> list_cycle_history(const StateView& view, std::uint64_t cycle_from,
                                             std::size_t count_max) {
    const Bytes from = keys::cycle_history_from(cycle_from);
    return read_history(view, from, keys::table(Table::cycle_history), count_max);
}

std::vector<HistoryEntry> cycle_history_of(const StateView& view, std::uint64_t cycle,
                                           std::size_t count_max) {
    const Bytes prefix = keys::cycle_history_from(cycle);
    return read_history(view, prefix, prefix, count_max);
}

}  // namespace tally
