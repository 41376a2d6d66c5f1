#include "charger_bridge/session/report_book.h"

#include "charger_bridge/session/session.h"
#include "ledger/base/check.h"
#include "ledger/base/codec.h"
#include "ledger/crypto/sha256.h"

#include <algorithm>
#include <utility>

namespace tally::bridge {

namespace {

constexpr std::uint8_t format_version{1};  ///< of a held report
constexpr std::uint8_t reported_version{4};
constexpr std::uint8_t reported_begun{3};   ///< without whether its start was seen
constexpr std::uint8_t reported_signed{2};  ///< also without whether it was begun without a token
constexpr std::uint8_t reported_first{1};   ///< also without what was signed before the card
constexpr std::uint32_t text_bytes_max{64U * 1024};

Hash name_hash(const Reported& reported) {
    Encoder encoder;
    encoder.text(reported.station).text(reported.transaction);
    return tagged_hash("tally/reported/v1", encoder.bytes());
}

Bytes key_of(const Reported& reported) {
    return std::move(Encoder{}.u8(ReportBook::key_prefix).fixed(name_hash(reported))).take();
}

Bytes held_key(const Reported& reported, std::int64_t sequence) {
    Encoder encoder;
    encoder.u8(ReportBook::held_prefix).fixed(name_hash(reported)).i64(sequence);
    return std::move(encoder).take();
}

std::uint64_t digest_of(const ReportFacts& report) {
    Encoder encoder;
    encoder.u8(static_cast<std::uint8_t>(report.kind)).text(report.timestamp);
    const Hash hash = sha256(encoder.bytes());
    std::uint64_t digest = 0;
    for (std::size_t i = 0; i < 8; ++i) {
        digest = digest << 8U | hash.data[i];
    }
    return digest;
}

void put_optional(Encoder& encoder, const std::optional<std::int64_t>& value) {
    encoder.boolean(value.has_value()).i64(value.value_or(0));
}

std::optional<std::int64_t> take_optional(Decoder& decoder) {
    const bool present = decoder.boolean();
    const std::int64_t value = decoder.i64();
    return present ? std::optional{value} : std::nullopt;
}

void encode_sample(Encoder& encoder, const MeterSample& sample) {
    put_optional(encoder, sample.time);
    put_optional(encoder, sample.register_wh);
    put_optional(encoder, sample.power_w);
    encoder.u8(static_cast<std::uint8_t>(sample.context));
    encoder.u32(static_cast<std::uint32_t>(sample.signed_readings.size()));
    for (const SignedReading& reading : sample.signed_readings) {
        encoder.text(reading.text).text(reading.encoding).text(reading.public_key_text);
        encoder.u8(static_cast<std::uint8_t>(reading.context));
    }
}

ReadingContext decode_context(Decoder& decoder) {
    const std::uint8_t context = decoder.u8();
    if (context > static_cast<std::uint8_t>(ReadingContext::other)) {
        decoder.fail();
        return ReadingContext::other;
    }
    return static_cast<ReadingContext>(context);
}

MeterSample decode_sample(Decoder& decoder) {
    MeterSample sample;
    sample.time = take_optional(decoder);
    sample.register_wh = take_optional(decoder);
    sample.power_w = take_optional(decoder);
    sample.context = decode_context(decoder);
    const std::uint32_t count = decoder.count(signed_readings_max, 13);
    for (std::uint32_t i = 0; i < count && decoder.ok(); ++i) {
        SignedReading reading;
        reading.text = decoder.text(text_bytes_max);
        reading.encoding = decoder.text(text_bytes_max);
        reading.public_key_text = decoder.text(text_bytes_max);
        reading.context = decode_context(decoder);
        sample.signed_readings.push_back(std::move(reading));
    }
    return sample;
}

Bytes encode_held(const Reported& reported, const HeldReport& held) {
    const ReportFacts& facts = held.facts;
    Encoder encoder;
    encoder.u8(format_version)
        .text(reported.station)
        .u8(static_cast<std::uint8_t>(facts.kind))
        .text(facts.transaction)
        .i64(facts.sequence)
        .u16(facts.connector)
        .boolean(facts.token.has_value())
        .text(facts.token.value_or(""))
        .text(facts.timestamp);
    put_optional(encoder, facts.time);
    encoder.boolean(facts.offline).text(facts.reason);
    encoder.u32(static_cast<std::uint32_t>(facts.samples.size()));
    for (const MeterSample& sample : facts.samples) {
        encode_sample(encoder, sample);
    }
    encoder.text(held.text);
    return std::move(encoder).take();
}

std::optional<std::pair<std::string, HeldReport>> decode_held(ByteView value) {
    Decoder decoder{value};
    if (decoder.u8() != format_version) {
        return std::nullopt;
    }
    std::string station = decoder.text(station_id_bytes_max);
    HeldReport held;
    ReportFacts& facts = held.facts;
    const std::uint8_t kind = decoder.u8();
    if (kind < 1 || kind > 3) {
        return std::nullopt;
    }
    facts.kind = static_cast<ReportKind>(kind);
    facts.transaction = decoder.text(transaction_name_bytes_max);
    facts.sequence = decoder.i64();
    facts.connector = decoder.u16();
    const bool has_token = decoder.boolean();
    std::string token = decoder.text(text_bytes_max);
    if (has_token) {
        facts.token = std::move(token);
    }
    facts.timestamp = decoder.text(text_bytes_max);
    facts.time = take_optional(decoder);
    facts.offline = decoder.boolean();
    facts.reason = decoder.text(text_bytes_max);
    const std::uint32_t count = decoder.count(samples_max, 32);
    for (std::uint32_t i = 0; i < count && decoder.ok(); ++i) {
        facts.samples.push_back(decode_sample(decoder));
    }
    held.text = decoder.text(text_bytes_max);
    if (!decoder.finished()) {
        return std::nullopt;
    }
    return std::pair{std::move(station), std::move(held)};
}

}  // namespace

std::size_t HeldReport::bytes() const {
    std::size_t sum = sizeof(HeldReport) + text.size() + facts.transaction.size() +
                      facts.token.value_or("").size() + facts.timestamp.size() +
                      facts.reason.size() + facts.samples.size() * sizeof(MeterSample);
    for (const MeterSample& sample : facts.samples) {
        for (const SignedReading& reading : sample.signed_readings) {
            sum += sizeof(SignedReading) + reading.text.size() + reading.encoding.size() +
                   reading.public_key_text.size();
        }
    }
    return sum;
}

bool Reported::has_seen(const ReportFacts& report) const {
    const std::pair wanted{report.sequence, digest_of(report)};
    return std::find(seen.begin(), seen.end(), wanted) != seen.end();
}

bool Reported::is_held(const ReportFacts& report) const {
    const auto found = held.find(report.sequence);
    return found != held.end() && digest_of(found->second.facts) == digest_of(report);
}

bool Reported::holds_end() const {
    return !held.empty() && held.rbegin()->second.facts.kind == ReportKind::ended;
}

void Reported::remember(const ReportFacts& report) {
    if (seen.size() >= reports_seen_max) {
        seen.erase(seen.begin() + 1);  // The start stays: repeated, it must not begin another.
    }
    if (report.kind == ReportKind::started) {
        start_seen = true;
        seen.emplace_front(report.sequence, digest_of(report));
    } else {
        seen.emplace_back(report.sequence, digest_of(report));
    }
}

void ReportBook::save(const Reported& reported, WriteBatch& batch) const {
    Encoder encoder;
    encoder.u8(reported_version)
        .text(reported.station)
        .text(reported.transaction)
        .u64(reported.order);
    put_optional(encoder, reported.next);
    encoder.boolean(reported.ended).u16(reported.connector).text(reported.token);
    put_optional(encoder, reported.first_register_wh);
    put_optional(encoder, reported.register_wh);
    encoder.u32(static_cast<std::uint32_t>(reported.before_token.size()));
    for (const std::string& text : reported.before_token) {
        encoder.text(text);
    }
    encoder.u32(static_cast<std::uint32_t>(reported.seen.size()));
    for (const auto& [sequence, digest] : reported.seen) {
        encoder.i64(sequence).u64(digest);
    }
    reported.signed_before.encode(encoder);
    encoder.boolean(reported.begun_without_token).boolean(reported.start_seen);
    batch.put(key_of(reported), std::move(encoder).take());
}

bool ReportBook::load(ByteView value) {
    Decoder decoder{value};
    const std::uint8_t version = decoder.u8();
    if (version < reported_first || version > reported_version) {
        return false;
    }
    Reported reported;
    reported.station = decoder.text(station_id_bytes_max);
    reported.transaction = decoder.text(transaction_name_bytes_max);
    reported.order = decoder.u64();
    reported.next = take_optional(decoder);
    reported.ended = decoder.boolean();
    reported.connector = decoder.u16();
    reported.token = decoder.text(text_bytes_max);
    reported.first_register_wh = take_optional(decoder);
    reported.register_wh = take_optional(decoder);
    const std::uint32_t texts = decoder.count(reports_before_token_max, 4);
    for (std::uint32_t i = 0; i < texts && decoder.ok(); ++i) {
        reported.before_token.push_back(decoder.text(text_bytes_max));
    }
    const std::uint32_t seen = decoder.count(reports_seen_max, 16);
    for (std::uint32_t i = 0; i < seen && decoder.ok(); ++i) {
        const std::int64_t sequence = decoder.i64();
        reported.seen.emplace_back(sequence, decoder.u64());
    }
    if (version >= reported_signed) {
        reported.signed_before = SignedTrack::decode(decoder);
    }
    if (version >= reported_begun) {
        reported.begun_without_token = decoder.boolean();
    }
    if (version == reported_version) {
        reported.start_seen = decoder.boolean();
    }
    if (!decoder.finished()) {
        return false;
    }
    m_next_order = std::max(m_next_order, reported.order + 1);
    const Key key{reported.station, reported.transaction};
    return m_entries.emplace(key, std::move(reported)).second;
}

bool ReportBook::load_held(ByteView value) {
    auto held = decode_held(value);
    if (!held) {
        return false;
    }
    Reported* const reported = find(held->first, held->second.facts.transaction);
    if (reported == nullptr) {
        return false;
    }
    const std::int64_t sequence = held->second.facts.sequence;
    m_holding.insert({reported->station, reported->transaction});
    count_held(reported->station, held->second);
    return reported->held.emplace(sequence, std::move(held->second)).second;
}

Reported* ReportBook::find(const std::string& station, const std::string& transaction) {
    const auto found = m_entries.find({station, transaction});
    return found != m_entries.end() ? &found->second : nullptr;
}

const Reported* ReportBook::oldest(const std::string* station, bool ended,
                                   std::size_t& count) const {
    const Reported* result = nullptr;
    count = 0;
    for (const auto& [key, entry] : m_entries) {
        if (entry.ended != ended || (station != nullptr && entry.station != *station)) {
            continue;
        }
        ++count;
        if (result == nullptr || entry.order < result->order) {
            result = &entry;
        }
    }
    return result;
}

Reported& ReportBook::add(const std::string& station, const std::string& transaction,
                          WriteBatch& batch, std::vector<Reported>& forgotten) {
    std::size_t count = 0;
    const auto forget = [&](const Reported* entry) {
        Reported gone = *entry;
        erase(gone, batch);
        forgotten.push_back(std::move(gone));
    };
    const Reported* const open = oldest(&station, false, count);
    if (count >= open_transactions_max) {
        forget(open);
    }
    const Reported* const ended = oldest(nullptr, true, count);
    if (count >= ended_transactions_max) {
        forget(ended);
    }
    Reported reported;
    reported.station = station;
    reported.transaction = transaction;
    reported.order = m_next_order++;
    const auto [place, inserted] =
        m_entries.emplace(Key{station, transaction}, std::move(reported));
    ENSURE(inserted);
    return place->second;
}

void ReportBook::begin_anew(Reported& reported) {
    ENSURE(reported.held.empty());
    Reported another;
    another.station = reported.station;
    another.transaction = reported.transaction;
    another.order = m_next_order++;
    another.seen = std::move(reported.seen);
    reported = std::move(another);
}

void ReportBook::erase(const Reported& reported, WriteBatch& batch) {
    for (const auto& [sequence, held] : reported.held) {
        batch.erase(held_key(reported, sequence));
        uncount_held(reported.station, held);
    }
    batch.erase(key_of(reported));
    const Key key{reported.station, reported.transaction};
    m_holding.erase(key);
    m_entries.erase(key);
}

void ReportBook::hold(Reported& reported, HeldReport report, WriteBatch& batch) {
    const std::int64_t sequence = report.facts.sequence;
    batch.put(held_key(reported, sequence), encode_held(reported, report));
    count_held(reported.station, report);
    const auto known = reported.held.find(sequence);
    if (known != reported.held.end()) {
        uncount_held(reported.station, known->second);
    }
    reported.held.insert_or_assign(sequence, std::move(report));
    m_holding.insert({reported.station, reported.transaction});
}

HeldReport ReportBook::unhold(Reported& reported, WriteBatch& batch) {
    ENSURE(!reported.held.empty());
    const auto first = reported.held.begin();
    HeldReport report = std::move(first->second);
    uncount_held(reported.station, report);
    batch.erase(held_key(reported, first->first));
    reported.held.erase(first);
    if (reported.held.empty()) {
        m_holding.erase({reported.station, reported.transaction});
    }
    return report;
}

std::vector<Reported*> ReportBook::holding() {
    std::vector<Reported*> result;
    for (const Key& key : m_holding) {
        result.push_back(&m_entries.at(key));
    }
    return result;
}

void ReportBook::count_held(const std::string& station, const HeldReport& report) {
    const std::size_t bytes = report.bytes();
    m_held_bytes[station] += bytes;
    m_held_in_all += bytes;
}

void ReportBook::uncount_held(const std::string& station, const HeldReport& report) {
    const std::size_t bytes = report.bytes();
    const auto found = m_held_bytes.find(station);
    ENSURE(found != m_held_bytes.end() && found->second >= bytes);
    found->second -= bytes;
    m_held_in_all -= bytes;
    if (found->second == 0) {
        m_held_bytes.erase(found);
    }
}

std::size_t ReportBook::held_bytes(const std::string& station) const {
    const auto found = m_held_bytes.find(station);
    return found != m_held_bytes.end() ? found->second : 0;
}

Reported* ReportBook::beyond_bounds(const std::string& station) {
    std::string full;
    if (held_bytes(station) > held_of_station_bytes_max) {
        full = station;
    } else if (m_held_in_all > held_bytes_max) {
        full = std::max_element(
                   m_held_bytes.begin(), m_held_bytes.end(),
                   [](const auto& left, const auto& right) { return left.second < right.second; })
                   ->first;
    } else {
        return nullptr;
    }
    Reported* oldest = nullptr;
    for (auto place = m_holding.lower_bound({full, {}});
         place != m_holding.end() && place->first == full; ++place) {
        Reported& reported = m_entries.at(*place);
        if (oldest == nullptr || reported.order < oldest->order) {
            oldest = &reported;
        }
    }
    ENSURE(oldest != nullptr);
    return oldest;
}

bool ReportBook::has_room_before_token(const Reported& reported, std::size_t bytes) const {
    const auto sum = [](const Reported& entry) {
        std::size_t all = 0;
        for (const std::string& text : entry.before_token) {
            all += text.size();
        }
        return all;
    };
    if (reported.ended || reported.before_token.size() >= reports_before_token_max ||
        sum(reported) + bytes > before_token_bytes_max) {
        return false;
    }
    std::size_t of_station = bytes;
    for (auto place = m_entries.lower_bound({reported.station, {}});
         place != m_entries.end() && place->first.first == reported.station; ++place) {
        of_station += sum(place->second);
    }
    return of_station <= before_token_of_station_bytes_max;
}

void ReportBook::forget_calls(const std::string& station) {
    for (auto place = m_entries.lower_bound({station, {}});
         place != m_entries.end() && place->first.first == station; ++place) {
        place->second.waiting.clear();
    }
}

}  // namespace tally::bridge
