#include "charger_bridge/ocmf/record.h"

#include "charger_bridge/ocmf/encoding.h"
#include "charger_bridge/ocmf/json_tree.h"
#include "ledger/crypto/sha256.h"

#include <charconv>
#include <utility>

namespace tally::bridge {
namespace {

constexpr std::string_view header{"OCMF|"};

/// Reads the fields of one JSON object and keeps the first problem.
class Fields {
public:
    Fields(const JsonNode& object, std::string place)
        : m_object{object}, m_place{std::move(place)} {}

    /// The text of a field; nothing when it is missing or null.
    [[nodiscard]] std::optional<std::string> text(const char* name) {
        return take(name, JsonKind::text, false);
    }
    /// The same for a field that some makers write as a number.
    [[nodiscard]] std::optional<std::string> text_or_number(const char* name) {
        return take(name, JsonKind::text, true);
    }
    void read(const char* name, std::string& into) {
        if (std::optional<std::string> found = text(name)) {
            into = std::move(*found);
        }
    }
    [[nodiscard]] const std::string& problem() const noexcept { return m_problem; }

private:
    [[nodiscard]] std::optional<std::string> take(const char* name, JsonKind kind, bool number) {
        const JsonNode* const node = m_object.find(name);
        if (node == nullptr || node->kind == JsonKind::null) {
            return std::nullopt;
        }
        if (node->kind != kind && !(number && node->kind == JsonKind::number)) {
            fail(name, number ? "is neither a text nor a number" : "is not a text");
            return std::nullopt;
        }
        if (node->text.size() > ocmf_text_bytes_max) {
            fail(name, "is too long");
            return std::nullopt;
        }
        return node->text;
    }
    void fail(const char* name, const char* what) {
        if (m_problem.empty()) {
            m_problem = m_place + "/" + name + ": " + what;
        }
    }

    const JsonNode& m_object;
    std::string m_place;
    std::string m_problem;
};

Expected<ReadingReason, std::string> reason_from_text(std::string_view text) {
    if (text.size() == 1) {
        switch (text.front()) {
            case 'B':
                return ReadingReason::begin;
            case 'C':
                return ReadingReason::charging;
            case 'X':
                return ReadingReason::exception;
            case 'E':
            case 'L':
            case 'R':
            case 'A':
            case 'P':
                return ReadingReason::end;
            case 'S':
                return ReadingReason::suspended;
            case 'T':
                return ReadingReason::tariff;
            default:
                break;
        }
    }
    return Unexpected{std::string{"TX: is none of B C X E L R A P S T"}};
}

std::optional<OcmfPage> page_from_text(std::string_view text) {
    if (text.size() < 2 || (text.front() != 'T' && text.front() != 'F')) {
        return std::nullopt;
    }
    OcmfPage page{text.front(), 0};
    const char* const end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data() + 1, end, page.number);
    return error == std::errc{} && stop == end ? std::optional{page} : std::nullopt;
}

/// `reading` comes in with the fields of the one before it.
Expected<Done, std::string> read_reading(const JsonNode& node, const std::string& place,
                                         OcmfReading& reading) {
    if (node.kind != JsonKind::object) {
        return Unexpected{place + ": is not an object"};
    }
    Fields fields{node, place};
    if (const auto time = fields.text("TM")) {
        const std::optional<OcmfTime> read = ocmf_time_from_text(*time);
        reading.time = read ? std::optional{read->time} : std::nullopt;
        reading.clock = read ? read->clock : '\0';
    }
    if (const auto reason = fields.text("TX")) {
        const auto known = reason_from_text(*reason);
        if (!known) {
            return Unexpected{place + "/" + known.error()};
        }
        reading.reason = *known;
    }
    fields.read("RI", reading.obis);
    fields.read("RU", reading.unit);
    fields.read("EF", reading.errors);
    fields.read("ST", reading.status);
    const std::optional<std::string> value = fields.text_or_number("RV");
    reading.value = std::string{trimmed(value.value_or(""))};
    reading.energy_mwh = energy_mwh_from_text(reading.value, reading.unit);
    if (!fields.problem().empty()) {
        return Unexpected{fields.problem()};
    }
    return Done{};
}

Expected<Done, std::string> read_readings(const JsonNode& payload, OcmfRecord& record) {
    const JsonNode* const list = payload.find("RD");
    if (list == nullptr || list->kind != JsonKind::list) {
        return Unexpected{std::string{"payload/RD: is not a list of readings"}};
    }
    if (list->items.size() > ocmf_readings_max) {
        return Unexpected{"payload/RD: more than " + std::to_string(ocmf_readings_max) +
                          " readings"};
    }
    OcmfReading reading;
    for (std::size_t i = 0; i < list->items.size(); ++i) {
        const auto read = read_reading(list->items[i], "payload/RD/" + std::to_string(i), reading);
        if (!read) {
            return read;
        }
        record.readings.push_back(reading);
    }
    return Done{};
}

Expected<Done, std::string> read_payload(const JsonNode& payload, OcmfRecord& record) {
    if (payload.kind != JsonKind::object) {
        return Unexpected{std::string{"the payload is not a JSON object"}};
    }
    Fields fields{payload, "payload"};
    record.version = fields.text_or_number("FV").value_or("");
    fields.read("GS", record.gateway_serial);
    fields.read("MS", record.meter_serial);
    fields.read("IL", record.identification_level);
    const std::optional<std::string> page = fields.text("PG");
    if (!fields.problem().empty()) {
        return Unexpected{fields.problem()};
    }
    record.page = page ? page_from_text(*page) : std::nullopt;
    return read_readings(payload, record);
}

Expected<Done, std::string> read_signature(std::string_view text, OcmfSignature& signature) {
    const auto node = parse_json_tree(text);
    if (!node) {
        return Unexpected{"the signature section: " + node.error()};
    }
    if (node->kind != JsonKind::object) {
        return Unexpected{std::string{"the signature section is not a JSON object"}};
    }
    Fields fields{*node, "signature"};
    fields.read("SA", signature.algorithm);
    fields.read("SE", signature.encoding);
    fields.read("SM", signature.mime_type);
    fields.read("SD", signature.data);
    if (!fields.problem().empty()) {
        return Unexpected{fields.problem()};
    }
    if (signature.data.empty()) {
        return Unexpected{std::string{"signature/SD: is missing"}};
    }
    return Done{};
}

}  // namespace

Hash OcmfRecord::payload_hash() const { return sha256(as_bytes(payload)); }

Expected<OcmfRecord, std::string> parse_ocmf(std::string_view text) {
    text = trimmed(text);
    if (text.size() > ocmf_record_bytes_max) {
        return Unexpected{"longer than " + std::to_string(ocmf_record_bytes_max) + " bytes"};
    }
    if (!text.starts_with(header)) {
        return Unexpected{std::string{"does not begin with OCMF|"}};
    }
    text.remove_prefix(header.size());
    const auto payload = parse_json_prefix(text);
    if (!payload) {
        return Unexpected{"the payload: " + payload.error()};
    }
    if (payload->bytes == text.size() || text[payload->bytes] != '|') {
        return Unexpected{std::string{"no | and signature section follow the payload"}};
    }
    OcmfRecord record;
    record.payload = text.substr(0, payload->bytes);
    if (const auto read = read_payload(payload->root, record); !read) {
        return Unexpected{read.error()};
    }
    const auto signature = read_signature(text.substr(payload->bytes + 1), record.signature);
    if (!signature) {
        return Unexpected{signature.error()};
    }
    return record;
}

}  // namespace tally::bridge
