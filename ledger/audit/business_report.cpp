#include "ledger/audit/business_report.h"

#include "ledger/base/codec.h"
#include "ledger/model/membership.h"

#include <iterator>
#include <utility>

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
    "delivered_unpaid", "not_recorded",      "meter_gap", "meter_changed",
    "beyond_approval",  "disputed",          "corrected", "equivocation",
    "sublog",           "evidence",          "unpaid",    "late_record",
    "meter_unsigned",   "meter_not_billable"};

__extension__ using Unsigned = unsigned __int128;

constexpr std::uint32_t report_version{4};
constexpr std::size_t currencies_max{26UL * 26 * 26};
constexpr std::size_t positions_max{members_max * currencies_max};
constexpr std::size_t refusals_max{65'536};
constexpr UnixMillis day_ms{86'400'000};
constexpr std::size_t text_bytes_max{4096};
constexpr std::uint64_t digits_base{10};

void encode_wide(Encoder& encoder, WideMoney value) {
    const auto bits = static_cast<Unsigned>(value);
    encoder.u64(static_cast<std::uint64_t>(bits >> 64U)).u64(static_cast<std::uint64_t>(bits));
}

/// Far more than a ledger can ever post, and so far from what 128 bits hold that nothing which is
/// added later comes near.
constexpr WideMoney sum_max{WideMoney{1} << 120U};

WideMoney decode_wide(Decoder& decoder) {
    const Unsigned high = decoder.u64();
    const auto value = static_cast<WideMoney>(high << 64U | decoder.u64());
    if (value > sum_max || value < -sum_max) {
        decoder.fail();
        return 0;
    }
    return value;
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
    encoder.u64(report.denials_beyond);
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

/// Reads the entries of a map in rising order of key, at most `count_max` of them.
template <typename Map, typename Read>
void decode_map(Decoder& decoder, Map& map, std::size_t count_max, const Read& read) {
    const auto count = decoder.count(static_cast<std::uint32_t>(count_max), 1);
    for (std::uint32_t left = count; left > 0 && decoder.ok(); --left) {
        typename Map::value_type entry = read();
        const bool rising = map.empty() || std::prev(map.end())->first < entry.first;
        if (!rising) {
            decoder.fail();
        } else {
            map.insert(map.end(), std::move(entry));
        }
    }
}

PartyId decode_party(Decoder& decoder, bool may_be_others = false) {
    const auto party = decoder.fixed<PartyId>();
    if (!is_valid(party) && !(may_be_others && party == AuditPair::others({}).home)) {
        decoder.fail();
    }
    return party;
}

Currency decode_currency(Decoder& decoder) {
    const auto currency = decoder.fixed<Currency>();
    if (!is_valid(currency)) {
        decoder.fail();
    }
    return currency;
}

DenyReason decode_reason(Decoder& decoder) {
    const std::uint8_t reason = decoder.u8();
    if (reason < static_cast<std::uint8_t>(DenyReason::unknown_token) ||
        reason > static_cast<std::uint8_t>(DenyReason::not_allowed)) {
        decoder.fail();
    }
    return static_cast<DenyReason>(reason);
}

ResultCode decode_result(Decoder& decoder) {
    const std::optional<ResultCode> code = result_code_from_number(decoder.u16());
    if (!code) {
        decoder.fail();
    }
    return code.value_or(ResultCode::ok);
}

/// One more for each currency than are told apart: see `AuditPair::others`.
constexpr std::size_t places_max{audit_pairs_max + currencies_max};

void decode_sums(Decoder& decoder, BusinessReport& report) {
    decode_map(decoder, report.pairs, places_max, [&decoder] {
        const PartyId home = decode_party(decoder, true);
        const PartyId visited = decode_party(decoder, true);
        const AuditPair pair{home, visited, decode_currency(decoder)};
        return std::pair{pair, decode_figures(decoder)};
    });
    decode_map(decoder, report.days, places_max, [&decoder] {
        const std::int64_t number = decoder.i64();
        const AuditDay day{number, decode_currency(decoder)};
        if (number < -1 || number > unix_millis_max / day_ms) {
            decoder.fail();
        }
        return std::pair{day, decode_figures(decoder)};
    });
    decode_map(decoder, report.denials, audit_denials_max, [&decoder] {
        const PartyId home = decode_party(decoder);
        const PartyId visited = decode_party(decoder);
        const AuditDenial denial{home, visited, decode_reason(decoder)};
        return std::pair{denial, decoder.u64()};
    });
    report.denials_beyond = decoder.u64();
    decode_map(decoder, report.refusals, refusals_max, [&decoder] {
        const ResultCode code = decode_result(decoder);
        return std::pair{code, decoder.u64()};
    });
    decode_map(decoder, report.positions, positions_max, [&decoder] {
        const PartyId party = decode_party(decoder);
        const AuditAccount account{party, decode_currency(decoder)};
        AuditPosition position;
        position.debits = decode_wide(decoder);
        position.credits = decode_wide(decoder);
        return std::pair{account, position};
    });
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

AuditPair AuditPair::others(const Currency& currency) {
    const Bytes dashes(PartyId::size, std::uint8_t{'-'});
    const PartyId nobody = *PartyId::from(dashes);
    return {nobody, nobody, currency};
}

ChargeFigures& BusinessReport::of_pair(const AuditPair& pair) {
    const bool has_place = pairs.size() < audit_pairs_max || pairs.contains(pair);
    return pairs[has_place ? pair : AuditPair::others(pair.currency)];
}

ChargeFigures& BusinessReport::of_day(UnixMillis time, const Currency& currency) {
    const AuditDay day{time / day_ms, currency};
    const bool has_place = days.size() < audit_days_max || days.contains(day);
    return days[has_place ? day : AuditDay::others(currency)];
}

void BusinessReport::deny(const AuditPair& pair, UnixMillis time, DenyReason reason) {
    of_pair(pair).add(ChargeStep::denied, 0);
    of_day(time, pair.currency).add(ChargeStep::denied, 0);
    const AuditDenial denial{pair.home, pair.visited, reason};
    if (denials.size() < audit_denials_max || denials.contains(denial)) {
        ++denials[denial];
    } else {
        ++denials_beyond;
    }
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
    encoder.u64(report.evidence_matched).u64(report.meter_signatures).u64(report.cycles_netted);
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
    report.meter_signatures = decoder.u64();
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
