#include "ledger/audit/business_report.h"

#include "ledger/base/codec.h"

namespace tally {
namespace {

constexpr std::array<const char*, charge_steps> step_names{"approved",
                                                           "denied",
                                                           "released",
                                                           "started",
                                                           "recorded",
                                                           "settled",
                                                           "claimed",
                                                           "disputed",
                                                           "dispute_ended",
                                                           "expired_unstarted",
                                                           "expired_unrecorded",
                                                           "expired_unclaimed",
                                                           "expired_unarbitrated",
                                                           "late",
                                                           "credited",
                                                           "rebilled"};
constexpr std::array<const char*, note_kinds> note_names{
    "delivered_unpaid", "not_recorded", "meter_gap",    "meter_changed", "beyond_approval",
    "disputed",         "corrected",    "equivocation", "sublog",        "bank",
    "evidence",         "shorter",      "unpaid"};

__extension__ using Unsigned = unsigned __int128;

constexpr std::uint32_t report_version{1};
constexpr std::uint32_t entries_max{10'000'000};
constexpr std::size_t text_bytes_max{4096};
constexpr std::uint64_t digits_base{10};

void encode_wide(Encoder& encoder, WideMoney value) {
    const auto bits = static_cast<Unsigned>(value);
    encoder.u64(static_cast<std::uint64_t>(bits >> 64U)).u64(static_cast<std::uint64_t>(bits));
}

WideMoney decode_wide(Decoder& decoder) {
    const Unsigned high = decoder.u64();
    return static_cast<WideMoney>(high << 64U | decoder.u64());
}

void encode_figures(Encoder& encoder, const ChargeFigures& figures) {
    for (const StepFigures& step : figures.steps) {
        encoder.u64(step.count);
        encode_wide(encoder, step.amount);
    }
    encode_wide(encoder, figures.posted);
    encoder.u64(figures.energy_wh);
    encode_wide(encoder, figures.beyond_approval);
}

ChargeFigures decode_figures(Decoder& decoder) {
    ChargeFigures figures;
    for (StepFigures& step : figures.steps) {
        step.count = decoder.u64();
        step.amount = decode_wide(decoder);
    }
    figures.posted = decode_wide(decoder);
    figures.energy_wh = decoder.u64();
    figures.beyond_approval = decode_wide(decoder);
    return figures;
}

template <typename Map>
void encode_count(Encoder& encoder, const Map& map) {
    encoder.u32(static_cast<std::uint32_t>(map.size()));
}

void encode_sums(Encoder& encoder, const BusinessReport& report) {
    encode_count(encoder, report.pairs);
    for (const auto& [pair, figures] : report.pairs) {
        encoder.fixed(pair.home).fixed(pair.visited).fixed(pair.currency);
        encode_figures(encoder, figures);
    }
    encode_count(encoder, report.days);
    for (const auto& [day, figures] : report.days) {
        encoder.i64(day.day).fixed(day.currency);
        encode_figures(encoder, figures);
    }
    encode_count(encoder, report.denials);
    for (const auto& [denial, count] : report.denials) {
        encoder.fixed(denial.home).fixed(denial.visited);
        encoder.u8(static_cast<std::uint8_t>(denial.reason)).u64(count);
    }
    encode_count(encoder, report.refusals);
    for (const auto& [code, count] : report.refusals) {
        encoder.u16(static_cast<std::uint16_t>(code)).u64(count);
    }
    encode_count(encoder, report.positions);
    for (const auto& [account, position] : report.positions) {
        encoder.fixed(account.party).fixed(account.currency);
        encode_wide(encoder, position.debits);
        encode_wide(encoder, position.credits);
    }
}

void decode_sums(Decoder& decoder, BusinessReport& report) {
    for (std::uint32_t left = decoder.count(entries_max, 9); left > 0; --left) {
        const auto home = decoder.fixed<PartyId>();
        const auto visited = decoder.fixed<PartyId>();
        const auto currency = decoder.fixed<Currency>();
        report.pairs[{home, visited, currency}] = decode_figures(decoder);
    }
    for (std::uint32_t left = decoder.count(entries_max, 9); left > 0; --left) {
        const std::int64_t day = decoder.i64();
        const auto currency = decoder.fixed<Currency>();
        report.days[{day, currency}] = decode_figures(decoder);
    }
    for (std::uint32_t left = decoder.count(entries_max, 15); left > 0; --left) {
        const auto home = decoder.fixed<PartyId>();
        const auto visited = decoder.fixed<PartyId>();
        const auto reason = static_cast<DenyReason>(decoder.u8());
        report.denials[{home, visited, reason}] = decoder.u64();
    }
    for (std::uint32_t left = decoder.count(entries_max, 10); left > 0; --left) {
        const auto code = static_cast<ResultCode>(decoder.u16());
        report.refusals[code] = decoder.u64();
    }
    for (std::uint32_t left = decoder.count(entries_max, 38); left > 0; --left) {
        const auto party = decoder.fixed<PartyId>();
        const auto currency = decoder.fixed<Currency>();
        AuditPosition& position = report.positions[{party, currency}];
        position.debits = decode_wide(decoder);
        position.credits = decode_wide(decoder);
    }
}

}  // namespace

const char* to_text(ChargeStep step) { return step_names[static_cast<std::size_t>(step)]; }
const char* to_text(NoteKind kind) { return note_names[static_cast<std::size_t>(kind)]; }

void ChargeFigures::add(const ChargeFigures& other) {
    for (std::size_t i = 0; i < charge_steps; ++i) {
        steps[i].count += other.steps[i].count;
        steps[i].amount += other.steps[i].amount;
    }
    posted += other.posted;
    energy_wh += other.energy_wh;
    beyond_approval += other.beyond_approval;
}

void BusinessReport::note(NoteKind kind, std::uint64_t height, std::string message) {
    if (++notes_count[static_cast<std::size_t>(kind)] <= notes_of_kind_max) {
        notes.push_back({kind, height, std::move(message)});
    }
}

void BusinessReport::govern(std::uint64_t height, UnixMillis time, std::string what) {
    if (++governance_count <= governance_entries_max) {
        governance.push_back({height, time, std::move(what)});
    }
}

std::string wide_money_to_text(WideMoney amount) {
    const bool negative = amount < 0;
    Unsigned rest =
        negative ? Unsigned{0} - static_cast<Unsigned>(amount) : static_cast<Unsigned>(amount);
    std::string digits;
    for (std::size_t place = 0; rest > 0 || place <= 4; ++place) {
        if (place == 4) {
            digits.push_back('.');
        }
        digits.push_back(static_cast<char>('0' + static_cast<int>(rest % digits_base)));
        rest /= digits_base;
    }
    if (negative) {
        digits.push_back('-');
    }
    return {digits.rbegin(), digits.rend()};
}

Bytes encode(const BusinessReport& report) {
    Encoder encoder;
    encoder.u32(report_version);
    encode_sums(encoder, report);
    encoder.u64(report.records_rated).u64(report.bridge_signatures);
    encoder.u64(report.evidence_matched).u64(report.cycles_netted);
    encoder.u64(report.payments_confirmed).u64(report.meters);
    encoder.u64(report.meter_gaps).u64(report.meter_gap_wh);
    for (const std::uint64_t count : report.notes_count) {
        encoder.u64(count);
    }
    encode_count(encoder, report.notes);
    for (const Note& note : report.notes) {
        encoder.u8(static_cast<std::uint8_t>(note.kind)).u64(note.height).text(note.message);
    }
    encoder.u64(report.governance_count);
    encode_count(encoder, report.governance);
    for (const GovernanceEntry& entry : report.governance) {
        encoder.u64(entry.height).i64(entry.time).text(entry.what);
    }
    return std::move(encoder).take();
}

std::optional<BusinessReport> decode_business_report(ByteView bytes) {
    Decoder decoder{bytes};
    if (decoder.u32() != report_version) {
        return std::nullopt;
    }
    BusinessReport report;
    decode_sums(decoder, report);
    report.records_rated = decoder.u64();
    report.bridge_signatures = decoder.u64();
    report.evidence_matched = decoder.u64();
    report.cycles_netted = decoder.u64();
    report.payments_confirmed = decoder.u64();
    report.meters = decoder.u64();
    report.meter_gaps = decoder.u64();
    report.meter_gap_wh = decoder.u64();
    for (std::uint64_t& count : report.notes_count) {
        count = decoder.u64();
    }
    for (std::uint32_t left = decoder.count(note_kinds * notes_of_kind_max, 13); left > 0; --left) {
        const std::uint8_t kind = decoder.u8();
        if (kind >= note_kinds) {
            decoder.fail();
            break;
        }
        const std::uint64_t height = decoder.u64();
        report.notes.push_back({static_cast<NoteKind>(kind), height, decoder.text(text_bytes_max)});
    }
    report.governance_count = decoder.u64();
    for (std::uint32_t left = decoder.count(governance_entries_max, 20); left > 0; --left) {
        const std::uint64_t height = decoder.u64();
        const UnixMillis time = decoder.i64();
        report.governance.push_back({height, time, decoder.text(text_bytes_max)});
    }
    return decoder.finished() ? std::optional{std::move(report)} : std::nullopt;
}

}  // namespace tally
