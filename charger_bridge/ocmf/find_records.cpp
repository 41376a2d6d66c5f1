#include "charger_bridge/ocmf/find_records.h"

#include "charger_bridge/ocmf/encoding.h"
#include "charger_bridge/ocmf/json_tree.h"
#include "charger_bridge/ocmf/record.h"

#include <optional>
#include <utility>

namespace tally::bridge {
namespace {

constexpr std::string_view header{"OCMF|"};
/// A text may hold an object that holds a record: no deeper.
constexpr int wrappings_max{2};

bool is_record(std::string_view text) { return trimmed(text).starts_with(header); }

/// The record that a text is or carries.
std::optional<std::string> record_in(const JsonNode& node) {
    std::string text = node.text;
    for (int i = 0; i < wrappings_max; ++i) {
        if (is_record(text)) {
            return text;
        }
        if (const auto bytes = bytes_from_base64(text); bytes && is_record(as_text(*bytes))) {
            return std::string{as_text(*bytes)};
        }
        if (!trimmed(text).starts_with('{')) {
            return std::nullopt;
        }
        const auto object = parse_json_tree(text);
        const JsonNode* const data = object ? object->find("signedMeterData") : nullptr;
        if (data == nullptr || data->kind != JsonKind::text) {
            return std::nullopt;
        }
        text = std::string{data->text};
    }
    return std::nullopt;
}

}  // namespace

std::vector<std::string> find_ocmf(std::string_view message) {
    std::vector<std::string> records;
    const auto root = parse_json_tree(message);
    if (!root) {
        return records;
    }
    std::vector<const JsonNode*> open{&*root};
    while (!open.empty() && records.size() < ocmf_records_of_text_max) {
        const JsonNode* const node = open.back();
        open.pop_back();
        if (node->kind == JsonKind::text) {
            if (auto record = record_in(*node)) {
                records.push_back(*std::move(record));
            }
        }
        for (std::size_t i = node->items.size(); i > 0; --i) {
            open.push_back(&node->items[i - 1]);
        }
    }
    return records;
}

}  // namespace tally::bridge
