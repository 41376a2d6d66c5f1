#include "ledger/state/table_names.h"

#include "ledger/state/keys.h"

namespace tally {

const char* to_text(Table table) {
    switch (table) {
        case Table::member:
            return "member";
        case Table::account:
            return "account";
        case Table::agreement:
            return "agreement";
        case Table::bridge:
            return "bridge";
        case Table::charger:
            return "charger";
        case Table::tariff:
            return "tariff";
        case Table::authorization:
            return "authorization";
        case Table::countersign:
            return "countersign";
        case Table::exposure:
            return "exposure";
        case Table::totals:
            return "totals";
        case Table::scheme:
            return "scheme";
        case Table::epoch:
            return "epoch";
        case Table::proposal:
            return "proposal";
        case Table::evidence:
            return "evidence";
        case Table::cycle:
            return "cycle";
        case Table::leg:
            return "leg";
        case Table::sublog:
            return "sublog";
        case Table::correction:
            return "correction";
        case Table::deadline:
            return "deadline";
        case Table::station:
            return "station";
        case Table::finished:
            return "finished";
        case Table::cycle_history:
            return "cycle_history";
    }
    return "unknown";
}

std::optional<Table> table_from_text(std::string_view text) {
    for (const Table table : tree_tables) {
        if (text == to_text(table)) {
            return table;
        }
    }
    return std::nullopt;
}

std::string table_names() {
    std::string names;
    for (const Table table : tree_tables) {
        names += (names.empty() ? "" : ", ") + std::string{to_text(table)};
    }
    return names;
}

}  // namespace tally
