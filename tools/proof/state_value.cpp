#include "tools/proof/state_value.h"

#include "ledger/state/keys.h"
#include "ledger/state/queries.h"
#include "node/api/ledger_json.h"
#include "node/api/state_json.h"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include <optional>
#include <utility>

namespace tally::tools {

namespace json = boost::json;

namespace {

using node::to_json;

std::optional<json::object> member_json(const Bytes& value) {
    const auto record = decode_record<MemberRecord>(value);
    if (!record) {
        return std::nullopt;
    }
    json::object shown = to_json(record->member);
    shown["suspended"] = record->suspended;
    return shown;
}

std::optional<json::object> account_json(const Bytes& key, const Bytes& value) {
    const auto record = decode_record<Account>(value);
    if (!record || key.size() != 1 + PartyId::size + Currency::size) {
        return std::nullopt;
    }
    return to_json(
        AccountEntry{keys::party_at(key, 1), keys::currency_at(key, 1 + PartyId::size), *record});
}

std::optional<json::object> authorization_json(const Bytes& key, const Bytes& value) {
    auto record = decode_record<Authorization>(value);
    if (!record || key.size() != 1 + transaction_ref_bytes) {
        return std::nullopt;
    }
    record->ref = keys::ref_of(key);
    return to_json(*record);
}

std::optional<json::object> charger_json(const Bytes& key, const Bytes& value) {
    auto record = decode_record<ChargerRecord>(value);
    if (!record || key.size() != 1 + PartyId::size + evse_id_bytes_max) {
        return std::nullopt;
    }
    return to_json(ChargerEntry{keys::party_at(key, 1),
                                keys::name_at(key, 1 + PartyId::size, evse_id_bytes_max),
                                std::move(*record)});
}

std::optional<json::object> sublog_json(const Bytes& value) {
    const auto record = decode_record<SublogRecord>(value);
    if (!record) {
        return std::nullopt;
    }
    json::array subtrees;
    for (const Hash& subtree : record->log.subtrees()) {
        subtrees.emplace_back(to_hex(subtree));
    }
    return json::object{{"count", record->log.size()},
                        {"root", to_hex(record->log.root())},
                        {"subtrees", std::move(subtrees)}};
}

std::optional<json::object> exposure_json(const Bytes& value) {
    const auto record = decode_record<Exposure>(value);
    if (!record) {
        return std::nullopt;
    }
    return json::object{{"pending", money_to_text(record->pending)},
                        {"posted", money_to_text(record->posted)}};
}

std::optional<json::object> fields_of(const Bytes& key, const Bytes& value) {
    const Table table{key.front()};
    if (table == Table::member) {
        return member_json(value);
    }
    if (table == Table::account) {
        return account_json(key, value);
    }
    if (table == Table::authorization) {
        return authorization_json(key, value);
    }
    if (table == Table::charger) {
        return charger_json(key, value);
    }
    if (table == Table::sublog) {
        return sublog_json(value);
    }
    return table == Table::exposure ? exposure_json(value) : std::nullopt;
}

}  // namespace

json::value state_value_json(const Bytes& key, const Bytes& value) {
    if (!key.empty()) {
        if (std::optional<json::object> fields = fields_of(key, value)) {
            return std::move(*fields);
        }
    }
    return json::value(to_hex(value));
}

}  // namespace tally::tools
