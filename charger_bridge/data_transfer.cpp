#include "charger_bridge/data_transfer.h"

#include "node/link/figures.h"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>

namespace tally::bridge {

namespace json = boost::json;

namespace {

std::optional<json::object> object_from_text(std::string_view data) {
    if (data.size() > transfer_data_bytes_max) {
        return std::nullopt;
    }
    json::parse_options options;
    options.max_depth = 4;
    json::error_code error;
    json::value value =
        json::parse(json::string_view{data.data(), data.size()}, error, {}, options);
    if (error || !value.is_object()) {
        return std::nullopt;
    }
    return std::move(value.get_object());
}

template <typename Number>
json::value number_or_null(const std::optional<Number>& number) {
    return number ? json::value(*number) : json::value(nullptr);
}

}  // namespace

std::optional<PrepaidStated> prepaid_from_text(const std::string& station, std::string_view data) {
    const std::optional<json::object> object = object_from_text(data);
    const json::value* const amount = object ? object->if_contains("amount") : nullptr;
    if (amount == nullptr || !amount->is_string()) {
        return std::nullopt;
    }
    const std::optional<Money> money = money_from_text(std::string{amount->get_string()});
    if (!money || *money <= 0 || *money > amount_max) {
        return std::nullopt;
    }
    PrepaidStated stated{station, 0, *money};
    if (const json::value* const connector = object->if_contains("connectorId")) {
        const std::int64_t* const number = connector->if_int64();
        if (number == nullptr || *number < 0 || *number > connectors_limit) {
            return std::nullopt;
        }
        stated.connector = static_cast<std::uint16_t>(*number);
    }
    return stated;
}

json::object session_json(const LiveSession& session) {
    const Session& record = session.record;
    node::FiguresInput input;
    input.elapsed_s = (record.meter.last.time - record.meter.begin.time) / 1000;
    input.amount_so_far = SessionCore::amount_of(record);
    input.prepaid = record.prepaid;
    input.energy_wh = record.meter.last.register_wh - record.meter.begin.register_wh;
    if (record.evses.size() == 1) {
        input.reference_power_w = record.evses.front().rated_power_w;
        input.coefficient_permille = record.evses.front().coefficient_permille;
    }
    const node::Figures figures = node::driver_figures(input);
    json::object object;
    object["id"] = to_hex(record.id);
    object["state"] = to_text(record.state);
    object["ledger_state"] = session.ledger_state;
    object["reason"] = record.reason;
    object["station"] = record.station;
    object["connector"] = record.connector;
    object["transaction"] = record.transaction;
    object["transaction_name"] = record.transaction_name;
    object["t_s"] = input.elapsed_s;
    object["energy_wh"] = input.energy_wh;
    object["mc"] = money_to_text(input.amount_so_far);
    object["mp"] = money_to_text(record.prepaid);
    object["n_percent"] = number_or_null(figures.progress_percent());
    object["ts_s"] = number_or_null(figures.remaining_s);
    object["stop_reason"] = record.stop_reason;
    object["samples_dropped"] = record.meter.dropped;
    object["clock_replaced"] = record.clock_replaced;
    object["baseline_adopted"] = record.meter.baseline_adopted;
    object["evidence"] = to_hex(record.evidence);
    return object;
}

std::optional<std::string> figures_text(SessionCore& core, const std::string& station,
                                        std::string_view data) {
    const std::optional<json::object> object = object_from_text(data);
    const json::value* const given = object ? object->if_contains("transactionId") : nullptr;
    const std::int64_t* const transaction = given != nullptr ? given->if_int64() : nullptr;
    const LiveSession* const session =
        transaction != nullptr ? core.find_transaction(station, *transaction) : nullptr;
    if (session == nullptr) {
        return std::nullopt;
    }
    return json::serialize(session_json(*session));
}

std::optional<std::string> refusal_text(const SessionCore& core, const std::string& station,
                                        std::string_view data) {
    const std::optional<json::object> object = object_from_text(data);
    const json::value* const tag = object ? object->if_contains("idTag") : nullptr;
    if (tag == nullptr || !tag->is_string()) {
        return std::nullopt;
    }
    const std::string token = upper_case(std::string{tag->get_string()});
    for (const Refusal& refusal : core.refusals()) {
        if (refusal.station == station && refusal.token == token) {
            json::object answer;
            answer["reason"] = refusal.reason;
            return json::serialize(answer);
        }
    }
    return std::nullopt;
}

}  // namespace tally::bridge
