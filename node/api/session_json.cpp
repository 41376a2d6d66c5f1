#include "node/api/session_json.h"

namespace tally::node {

namespace json = boost::json;

namespace {

json::value optional_number(const std::optional<std::int64_t>& number) {
    return number ? json::value(*number) : json::value(nullptr);
}

}  // namespace

json::object to_json(const SessionView& session) {
    json::object result{{"id", session.id_text()},
                        {"state", to_text(session.state)},
                        {"visited", to_text(session.visited)},
                        {"home", to_text(session.home)},
                        {"station", session.station},
                        {"connector", session.connector},
                        {"opened_ms", session.opened},
                        {"t_s", session.elapsed_s},
                        {"energy_wh", session.energy_wh},
                        {"mc", money_to_text(session.amount_so_far)},
                        {"mp", money_to_text(session.prepaid)},
                        {"n_percent", optional_number(session.figures.progress_percent())},
                        {"ts_s", optional_number(session.figures.remaining_s)},
                        {"amount", money_to_text(session.amount)},
                        {"reason", session.reason}};
    if (!session.currency.is_zero()) {
        result["currency"] = to_text(session.currency);
    }
    if (session.authorization) {
        result["authorization"] = to_text(*session.authorization);
    } else {
        result["authorization"] = nullptr;
    }
    return result;
}

}  // namespace tally::node
