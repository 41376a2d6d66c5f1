#include "charger_bridge/api.h"

#include "charger_bridge/api_commands.h"
#include "charger_bridge/data_transfer.h"
#include "charger_bridge/evidence_api.h"
#include "charger_bridge/hold_api.h"
#include "charger_bridge/key_change.h"
#include "charger_bridge/ocpp/time_text.h"
#include "charger_bridge/review_api.h"
#include "charger_bridge/site_page.h"
#include "ledger/crypto/sha256.h"
#include "node/runtime/logging.h"

#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>
#include <vector>

namespace tally::bridge {

namespace json = boost::json;
using node::http_error;
using node::HttpReply;
using node::HttpRequest;
using node::HttpResponse;

namespace {

constexpr std::string_view chargers_path{"/api/v1/chargers"};
constexpr std::string_view evidence_path{"/api/v1/evidence"};

bool is_evidence(std::string_view path) {
    return path == evidence_path ||
           (path.starts_with(evidence_path) && path[evidence_path.size()] == '/');
}

HttpResponse json_response(const json::value& value, unsigned status = 200) {
    HttpResponse response;
    response.status = status;
    response.body = json::serialize(value);
    return response;
}

/// "/api/v1/chargers/CP1/remote-start" gives "CP1" and "remote-start".
std::optional<std::pair<std::string, std::string>> action_of(std::string_view path) {
    if (!path.starts_with(chargers_path) || path.size() <= chargers_path.size() + 1) {
        return std::nullopt;
    }
    const std::string_view rest = path.substr(chargers_path.size() + 1);
    const std::size_t slash = rest.find('/');
    if (slash == std::string_view::npos) {
        return std::nullopt;
    }
    return std::pair{std::string{rest.substr(0, slash)}, std::string{rest.substr(slash + 1)}};
}

json::object body_of(const HttpRequest& request) {
    json::parse_options options;
    options.max_depth = api_json_depth_max;
    json::error_code error;
    json::value value = json::parse(json::string_view{request.body.data(), request.body.size()},
                                    error, {}, options);
    return !error && value.is_object() ? std::move(value.get_object()) : json::object{};
}

std::optional<std::int64_t> integer(const json::object& body, json::string_view name) {
    const json::value* const value = body.if_contains(name);
    const std::int64_t* const number = value != nullptr ? value->if_int64() : nullptr;
    return number != nullptr ? std::optional{*number} : std::nullopt;
}

std::optional<std::string> text(const json::object& body, json::string_view name) {
    const json::value* const value = body.if_contains(name);
    const json::string* const found = value != nullptr ? value->if_string() : nullptr;
    return found != nullptr ? std::optional{std::string{*found}} : std::nullopt;
}

json::object connector_json(const node::ConnectorState& state) {
    json::object object;
    object["connector"] = state.connector;
    object["health"] = node::to_text(state.health);
    object["error_code"] = state.error_code;
    return object;
}

}  // namespace

Api::Api(Bridge& bridge, node::Metrics& metrics, const ApiTokens& tokens)
    : m_bridge{bridge}, m_metrics{metrics}, m_site_token{sha256(as_bytes(tokens.site))} {
    if (!tokens.evidence.empty()) {
        m_evidence_token = sha256(as_bytes(tokens.evidence));
    }
}

std::optional<HttpResponse> Api::refusal(const HttpRequest& request) const {
    // Hashes are compared, so that the time says nothing about the token.
    const Hash given = sha256(as_bytes(request.bearer_token));
    if (!request.bearer_token.empty() && given == m_site_token) {
        return std::nullopt;
    }
    if (request.bearer_token.empty() || given != m_evidence_token) {
        return http_error(401, "unauthorized", "a bearer token is needed");
    }
    if (request.method == "GET" && is_evidence(request.path)) {
        return std::nullopt;
    }
    return http_error(403, "forbidden", "this token reads /api/v1/evidence, and nothing else");
}

HttpResponse Api::ready() const {
    json::array reasons;
    if (m_bridge.is_failed()) {
        reasons.emplace_back("storage_failed");
    }
    if (!m_bridge.core().is_node_connected()) {
        reasons.emplace_back("node_unreachable");
    }
    if (m_bridge.core().outbox().is_crowded()) {
        reasons.emplace_back("outbox_crowded");
    }
    if (m_bridge.core().in_review().size() >= review_waiting_max) {
        reasons.emplace_back("review_full");
    }
    const bool is_ready = reasons.empty();
    json::object object;
    object["ready"] = is_ready;
    object["reasons"] = std::move(reasons);
    if (const auto& trouble = m_bridge.node_trouble()) {
        json::object node;
        node["why"] = trouble->why;
        node["do"] = trouble->advice;
        object["node"] = std::move(node);
    }
    return json_response(object, is_ready ? 200 : 503);
}

HttpResponse Api::chargers() {
    SessionCore& core = m_bridge.core();
    std::map<std::string, json::array> sessions;
    std::vector<const LiveSession*> newest_first = core.sessions().all();
    std::sort(newest_first.begin(), newest_first.end(), [](const auto* left, const auto* right) {
        return left->record.asked_at > right->record.asked_at;
    });
    for (const LiveSession* session : newest_first) {
        json::array& list = sessions[session->record.station];
        if (list.size() < node::http_list_items_max || !session->record.is_finished()) {
            list.emplace_back(session_json(*session));
        }
    }
    json::array items;
    for (const std::string& station : core.health().stations()) {
        json::object item;
        item["id"] = station;
        item["connected"] = core.health().is_connected(station);
        if (const std::optional<bool> upstream = m_bridge.upstream_state(station)) {
            item["upstream"] = *upstream ? "connected" : "away";
        }
        item["silent"] = core.health().is_silent(station, m_bridge.now());
        if (const StationMark* const mark = core.marks().find(station)) {
            json::object marked;
            marked["reason"] = mark->reason;
            marked["transaction"] = mark->transaction;
            marked["since"] = time_to_text(mark->since);
            item["marked"] = std::move(marked);
        }
        if (const BootHold* const hold = m_bridge.hold_of(station)) {
            item["held"] = hold_json(*hold);
        }
        json::array connectors;
        for (const auto& state : core.connector_states(station, m_bridge.now())) {
            connectors.emplace_back(connector_json(state));
        }
        item["connectors"] = std::move(connectors);
        item["sessions"] = std::move(sessions[station]);
        items.emplace_back(std::move(item));
    }
    json::array refusals;
    for (const Refusal& refusal : core.refusals()) {
        json::object item;
        item["time"] = time_to_text(refusal.time);
        item["station"] = refusal.station;
        item["token"] = node::redacted(refusal.token);
        item["reason"] = refusal.reason;
        refusals.emplace_back(std::move(item));
        if (refusals.size() == node::http_list_items_max) {
            break;
        }
    }
    json::object object;
    object["items"] = std::move(items);
    object["refusals"] = std::move(refusals);
    return json_response(object);
}

HttpResponse Api::orphans(const HttpRequest& request) const {
    std::uint64_t from = 0;
    if (const auto given = request.query.find("from"); given != request.query.end()) {
        const std::string& digits = given->second;
        const auto [end, error] =
            std::from_chars(digits.data(), digits.data() + digits.size(), from);
        if (error != std::errc{} || end != digits.data() + digits.size()) {
            return http_error(400, "bad_request", "from must be a number");
        }
    }
    json::array items;
    for (const Orphan& orphan : m_bridge.core().orphans().all()) {
        if (orphan.number < from || items.size() == node::http_list_items_max) {
            continue;
        }
        json::object item;
        item["number"] = orphan.number;
        item["kind"] = orphan.kind;
        item["station"] = orphan.station;
        item["transaction"] = orphan.transaction;
        item["received_at"] = time_to_text(orphan.received_at);
        item["detail"] = orphan.detail;
        item["text"] = orphan.text;
        items.emplace_back(std::move(item));
    }
    json::object object;
    object["items"] = std::move(items);
    return json_response(object);
}

HttpResponse Api::notices(std::string_view path) const {
    const auto target = action_of(path);
    if (!target || !m_bridge.knows(target->first)) {
        return http_error(404, "not_found", "no such charger");
    }
    json::array items;
    for (const Notice& notice : m_bridge.notices().of(target->first)) {
        json::object item;
        item["time"] = time_to_text(notice.time);
        item["action"] = notice.action;
        item["text"] = notice.text;
        items.emplace_back(std::move(item));
    }
    json::object object;
    object["items"] = std::move(items);
    return json_response(object);
}

void Api::send_command(const std::string& station, Command command, const HttpReply& reply) {
    m_bridge.command(
        station, std::move(command), [this, station, reply](const CommandReply& answer) {
            m_bridge.note_certificate(station, answer);
            if (answer.result) {
                reply(json_response(*answer.result));
            } else {
                const unsigned status = answer.failure == "timeout" ? 504 : 502;
                reply(http_error(status, answer.failure, "the charger did not carry it out"));
            }
        });
}

HttpResponse Api::clear_mark(const std::string& station, const json::object& body) {
    const std::optional<std::string> by = text(body, "by");
    const std::optional<std::string> reason = text(body, "reason");
    if (!by || by->empty() || !reason || reason->empty()) {
        return http_error(400, "bad_request", "by and reason must be texts");
    }
    if (m_bridge.core().marks().find(station) == nullptr) {
        return http_error(404, "not_found", "the charger is not marked");
    }
    m_bridge.clear_mark({station, printable_reason(*by), printable_reason(*reason)});
    json::object object;
    object["status"] = "Accepted";
    return json_response(object);
}

void Api::key_action(const std::string& station, bool is_change, const HttpReply& reply) {
    if (!is_change) {
        json::object object;
        object["had_keys"] = m_bridge.reset_keys(station);
        reply(json_response(object));
        return;
    }
    m_bridge.change_key(station, [reply](const CommandReply& answer) {
        if (answer.result) {
            reply(json_response(*answer.result));
        } else if (answer.failure == "unused_keys" || answer.failure == "no_password" ||
                   answer.failure == "password_of_upstream") {
            reply(http_error(409, answer.failure, "no key can be made for this charger now"));
        } else {
            const unsigned status = answer.failure == "timeout" ? 504 : 502;
            reply(http_error(status, answer.failure, "the charger did not answer for its key"));
        }
    });
}

void Api::charger_action(const HttpRequest& request, const HttpReply& reply) {
    const auto target = action_of(request.path);
    if (!target || !m_bridge.knows(target->first)) {
        reply(http_error(404, "not_found", "no such charger"));
        return;
    }
    // Not a structured binding: the lambda below captures one of them.
    const std::string& station = target->first;
    const std::string& name = target->second;
    const json::object body = body_of(request);
    if (name == "remote-stop") {
        const std::optional<std::int64_t> transaction = integer(body, "transaction");
        const LiveSession* const session =
            transaction ? m_bridge.core().find_transaction(station, *transaction) : nullptr;
        if (session == nullptr || session->record.state != SessionState::charging) {
            reply(http_error(404, "not_found", "no such charge"));
            return;
        }
        m_bridge.want_stop(station, session->record.transaction);
        json::object object;
        object["status"] = "Accepted";
        reply(json_response(object, 202));
        return;
    }
    if (name == "clear-mark") {
        reply(clear_mark(station, body));
        return;
    }
    if (is_hold_verb(name)) {
        reply(hold_answer(m_bridge, station, name, body));
        return;
    }
    if (name == "change-key" || name == "reset-key") {
        key_action(station, name == "change-key", reply);
        return;
    }
    if (!is_api_command(name)) {
        reply(http_error(404, "not_found", "no such action"));
        return;
    }
    const Translation* const translation = m_bridge.translation_of(station);
    if (translation == nullptr) {
        reply(http_error(502, "disconnected", "the charger did not carry it out"));
        return;
    }
    auto command = command_of(name, body, *translation, m_bridge.next_start_number());
    if (!command) {
        reply(http_error(400, "bad_request", command.error()));
        return;
    }
    const BootHold* const hold = m_bridge.hold_of(station);
    if (const std::string why = hold != nullptr ? why_not_sent(*hold, *command) : "";
        !why.empty()) {
        reply(http_error(409, "on_hold", why));
        return;
    }
    send_command(station, std::move(command).value(), reply);
}

std::optional<HttpResponse> Api::open_page(std::string_view path) const {
    if (path == "/livez") {
        json::object object;
        object["live"] = true;
        return json_response(object);
    }
    if (path == "/") {
        return site_page();
    }
    if (path == "/readyz") {
        return ready();
    }
    if (path == "/metrics") {
        HttpResponse response;
        response.content_type = node::Metrics::content_type;
        response.body = m_metrics.metrics_text();
        return response;
    }
    return std::nullopt;
}

void Api::handle(const HttpRequest& request, const HttpReply& reply) {
    m_bridge.flush();  // Nothing is shown that a crash could take back.
    const bool is_get = request.method == "GET";
    if (auto page = is_get ? open_page(request.path) : std::nullopt) {
        reply(std::move(*page));
    } else if (!request.path.starts_with("/api/v1/")) {
        reply(http_error(404, "not_found", "no such page"));
    } else if (std::optional<HttpResponse> refused = refusal(request)) {
        reply(std::move(*refused));
    } else if (request.path == chargers_path && is_get) {
        reply(chargers());
    } else if (request.path == "/api/v1/orphans" && is_get) {
        reply(orphans(request));
    } else if (request.path == "/api/v1/certificate-requests" && is_get) {
        reply(certificate_requests_answer(m_bridge));
    } else if (is_evidence(request.path) && is_get) {
        reply(evidence_answer(m_bridge.store(), request));
    } else if (is_review(request.path)) {
        reply(review_answer(m_bridge, request));
    } else if (is_get && request.path.ends_with("/notices")) {
        reply(notices(request.path));
    } else if (request.method == "POST") {
        charger_action(request, reply);
    } else {
        reply(http_error(404, "not_found", "no such page"));
    }
}

}  // namespace tally::bridge
