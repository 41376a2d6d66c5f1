#include "node/api/cycle_json.h"

#include "node/api/ledger_json.h"
#include "node/runtime/http_server.h"

#include <boost/json/array.hpp>

#include <utility>

namespace tally::node {

namespace json = boost::json;

namespace {

/// Most legs in one answer.
constexpr std::size_t legs_shown_max{4096};
/// Most currencies of one cycle in one answer.
constexpr std::size_t currencies_shown_max{1024};

json::object leg_json(const Debt& debt, LegStatus status) {
    return {{"debtor", to_text(debt.debtor)},
            {"creditor", to_text(debt.creditor)},
            {"amount", money_to_text(debt.amount)},
            {"status", to_text(status)}};
}

json::object leg_json(const LegEntry& entry) {
    json::object result =
        leg_json(Debt{entry.key.debtor, entry.key.creditor, entry.leg.amount}, entry.leg.status);
    result["due_by_ms"] = entry.leg.due_by;
    if (!entry.leg.reference.empty()) {
        result["reference"] = entry.leg.reference;
    }
    if (!entry.leg.shares.empty()) {
        result["shares"] = positions_json(entry.leg.shares);
    }
    return result;
}

/// From the state while one is open; later all are confirmed and follow from the net figures.
json::array legs_of_cycle(const StateView& view, const HistoryEntry& entry) {
    json::array result;
    const std::vector<LegEntry> open = legs_of(view, entry.cycle, entry.currency);
    for (const LegEntry& leg : open) {
        result.emplace_back(leg_json(leg));
    }
    if (open.empty()) {
        for (const Debt& debt : match_legs(entry.history.net, entry.history.matrix)) {
            result.emplace_back(leg_json(debt, LegStatus::confirmed));
        }
    }
    return result;
}

json::object currency_json(const StateView& view, const HistoryEntry& entry) {
    json::array matrix;
    for (const Debt& debt : entry.history.matrix) {
        matrix.emplace_back(json::object{{"debtor", to_text(debt.debtor)},
                                         {"creditor", to_text(debt.creditor)},
                                         {"amount", money_to_text(debt.amount)}});
    }
    return {{"currency", to_text(entry.currency)},
            {"closed_at_ms", entry.history.closed_at},
            {"due_by_ms", entry.history.due_by},
            {"net", positions_json(entry.history.net)},
            {"matrix", std::move(matrix)},
            {"matrix_hash", to_hex(matrix_hash(entry.cycle, entry.currency, entry.history.matrix))},
            {"legs", legs_of_cycle(view, entry)}};
}

}  // namespace

json::object cycles_json(const StateView& view, std::uint64_t cycle_from) {
    json::array items;
    for (const HistoryEntry& entry : list_cycle_history(view, cycle_from, http_list_items_max)) {
        const auto closed = find_closed_cycle(view, entry.cycle, entry.currency);
        items.emplace_back(
            json::object{{"cycle", entry.cycle},
                         {"currency", to_text(entry.currency)},
                         {"closed_at_ms", entry.history.closed_at},
                         {"due_by_ms", entry.history.due_by},
                         {"members", entry.history.net.size()},
                         {"legs", match_legs(entry.history.net, entry.history.matrix).size()},
                         {"open_legs", closed ? closed->open_legs : 0}});
    }
    const CycleRecord open = find_cycle(view);
    return {{"open", json::object{{"cycle", open.number}, {"opened_at_ms", open.opened_at}}},
            {"items", std::move(items)}};
}

std::optional<json::object> cycle_json(const StateView& view, std::uint64_t cycle) {
    json::array currencies;
    for (const HistoryEntry& entry : cycle_history_of(view, cycle, currencies_shown_max)) {
        currencies.emplace_back(currency_json(view, entry));
    }
    if (currencies.empty()) {
        return std::nullopt;
    }
    return json::object{{"cycle", cycle}, {"currencies", std::move(currencies)}};
}

json::object legs_json(const StateView& view) {
    json::array items;
    for (const LegEntry& entry : list_legs(view, 0, legs_shown_max)) {
        json::object item{{"cycle", entry.key.cycle}, {"currency", to_text(entry.key.currency)}};
        for (auto& field : leg_json(entry)) {
            item[field.key()] = field.value();
        }
        items.emplace_back(std::move(item));
    }
    return {{"items", std::move(items)}};
}

}  // namespace tally::node
