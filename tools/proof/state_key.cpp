#include "tools/proof/state_key.h"

#include "ledger/base/codec.h"
#include "ledger/model/money.h"
#include "ledger/state/keys.h"
#include "ledger/state/table_names.h"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <limits>
#include <optional>

namespace tally::tools {
namespace {

enum class Field : std::uint8_t {
    party,
    currency,
    reference,
    epoch,
    version,
    bridge,
    evse,
    tariff
};

/// Key fields of a table, in order.
std::vector<Field> fields_of(Table table) {
    switch (table) {
        case Table::member:
        case Table::sublog:
            return {Field::party};
        case Table::account:
            return {Field::party, Field::currency};
        case Table::agreement:
            return {Field::party, Field::party};
        case Table::bridge:
            return {Field::party, Field::bridge};
        case Table::charger:
            return {Field::party, Field::evse};
        case Table::tariff:
            return {Field::party, Field::tariff, Field::version};
        case Table::authorization:
        case Table::countersign:
        case Table::proposal:
        case Table::correction:
            return {Field::reference};
        case Table::exposure:
            return {Field::currency, Field::party, Field::party};
        case Table::totals:
            return {Field::currency};
        case Table::leg:
            return {Field::epoch, Field::currency, Field::party, Field::party};
        case Table::evidence:
            return {Field::epoch, Field::party};
        case Table::scheme:
        case Table::cycle:
        case Table::epoch:
        case Table::deadline:
        case Table::station:
        case Table::finished:
        case Table::cycle_history:
            return {};
    }
    return {};
}

const char* name_of(Field field) {
    switch (field) {
        case Field::party:
            return "PARTY";
        case Field::currency:
            return "CURRENCY";
        case Field::reference:
            return "ID";
        case Field::epoch:
            return "EPOCH";
        case Field::version:
            return "VERSION";
        case Field::bridge:
            return "BRIDGE";
        case Field::evse:
            return "EVSE";
        case Field::tariff:
            return "TARIFF";
    }
    return "FIELD";
}

/// Bytes that a field takes in the key.
std::size_t width_of(Field field) {
    switch (field) {
        case Field::party:
            return PartyId::size;
        case Field::currency:
            return Currency::size;
        case Field::reference:
            return transaction_ref_bytes;
        case Field::epoch:
            return sizeof(std::uint64_t);
        case Field::version:
            return sizeof(std::uint32_t);
        case Field::bridge:
            return bridge_id_bytes_max;
        case Field::evse:
            return evse_id_bytes_max;
        case Field::tariff:
            return tariff_id_bytes_max;
    }
    return 0;
}

std::string usage_of(Table table) {
    std::string usage{to_text(table)};
    for (const Field field : fields_of(table)) {
        usage += std::string{" "} + name_of(field);
    }
    return usage;
}

std::optional<std::uint64_t> number_from(const std::string& word) {
    std::uint64_t number{0};
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), number);
    return error == std::errc{} && end == word.data() + word.size() ? std::optional{number}
                                                                    : std::nullopt;
}

template <typename Fixed>
bool put_fixed(Encoder& encoder, const std::optional<Fixed>& value) {
    if (value) {
        encoder.fixed(*value);
    }
    return value.has_value();
}

bool put_name(Encoder& encoder, const std::string& word, std::size_t width) {
    if (word.empty() || word.size() > width) {
        return false;
    }
    Bytes padded(word.begin(), word.end());
    padded.resize(width);
    encoder.raw(padded);
    return true;
}

bool put_number(Encoder& encoder, const std::string& word, Field field) {
    const std::optional<std::uint64_t> number = number_from(word);
    if (!number) {
        return false;
    }
    if (field == Field::epoch) {
        encoder.u64(*number);
        return true;
    }
    encoder.u32(static_cast<std::uint32_t>(*number));
    return *number <= std::numeric_limits<std::uint32_t>::max();
}

bool put(Encoder& encoder, Field field, const std::string& word) {
    switch (field) {
        case Field::party:
            return put_fixed(encoder, party_from_text(word));
        case Field::currency:
            return put_fixed(encoder, currency_from_text(word));
        case Field::reference: {
            const std::optional<TransactionRef> ref = transaction_ref_from_text(word);
            if (ref) {
                encode(encoder, *ref);
            }
            return ref.has_value();
        }
        case Field::epoch:
        case Field::version:
            return put_number(encoder, word, field);
        case Field::bridge:
        case Field::evse:
        case Field::tariff:
            return put_name(encoder, word, width_of(field));
    }
    return false;
}

std::string word_of(Field field, ByteView bytes) {
    Decoder decoder{bytes};
    switch (field) {
        case Field::reference:
            return to_text(decode_transaction_ref(decoder));
        case Field::epoch:
            return std::to_string(decoder.u64());
        case Field::version:
            return std::to_string(decoder.u32());
        case Field::party:
        case Field::currency:
        case Field::bridge:
        case Field::evse:
        case Field::tariff:
            break;
    }
    std::string text{as_text(bytes)};
    text.erase(std::find(text.begin(), text.end(), '\0'), text.end());
    return text;
}

bool is_printable(const std::string& text) {
    return !text.empty() && std::all_of(text.begin(), text.end(),
                                        [](char symbol) { return symbol >= ' ' && symbol <= '~'; });
}

}  // namespace

Expected<Bytes, std::string> state_key_from_words(const std::vector<std::string>& words) {
    const std::optional<Table> table =
        words.empty() ? std::nullopt : table_from_text(words.front());
    if (!table) {
        return Unexpected{"the table must be one of " + table_names()};
    }
    const std::vector<Field> fields = fields_of(*table);
    if (words.size() != fields.size() + 1) {
        return Unexpected{"the words must be: " + usage_of(*table)};
    }
    Encoder encoder;
    encoder.raw(keys::table(*table));
    for (std::size_t i = 0; i < fields.size(); ++i) {
        if (!put(encoder, fields[i], words[i + 1])) {
            return Unexpected{words[i + 1] + " is no " + name_of(fields[i]) +
                              "; the words must be: " + usage_of(*table)};
        }
    }
    return std::move(encoder).take();
}

std::string state_key_words(const Bytes& key) {
    if (key.empty()) {
        return "";
    }
    const Table table{key.front()};
    std::string words{to_text(table)};
    std::size_t at{1};
    for (const Field field : fields_of(table)) {
        const std::size_t width = width_of(field);
        if (key.size() - at < width) {
            return std::string{to_text(table)} + " " + to_hex(ByteView{key}.subspan(1));
        }
        const std::string word = word_of(field, ByteView{key}.subspan(at, width));
        if (!is_printable(word)) {
            return std::string{to_text(table)} + " " + to_hex(ByteView{key}.subspan(1));
        }
        words += " " + word;
        at += width;
    }
    return at == key.size() ? words
                            : std::string{to_text(table)} + " " + to_hex(ByteView{key}.subspan(1));
}

std::string state_key_usage() {
    std::string usage;
    for (const Table table : tree_tables) {
        usage += "  " + usage_of(table) + "\n";
    }
    return usage;
}

}  // namespace tally::tools
