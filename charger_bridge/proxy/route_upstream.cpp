// Upstream's side of a route: its connection, its answers and its CALLs.

#include "charger_bridge/key_change.h"
#include "charger_bridge/ocpp/fields.h"
#include "charger_bridge/proxy/route.h"
#include "charger_bridge/session/session.h"
#include "ledger/base/overloaded.h"

#include <algorithm>
#include <utility>

namespace tally::bridge {

namespace json = boost::json;

namespace {

/// The status that a central system's answer gives a token, in either version; empty: none.
std::string status_of_token(const json::object& answer) {
    for (const char* const name : {"idTagInfo", "idTokenInfo"}) {
        if (const json::object* const info = object_of(answer, name)) {
            return text_of(*info, "status");
        }
    }
    return {};
}

/// A transaction as a CALL of a central system names it.
std::optional<TransactionName> transaction_in(const json::object& payload) {
    if (const auto number = integer_of(payload, "transactionId")) {
        return TransactionName{*number};
    }
    if (has_text(payload, "transactionId")) {
        return TransactionName{text_of(payload, "transactionId")};
    }
    return std::nullopt;
}

bool is_remote_stop(std::string_view action) {
    return action == "RemoteStopTransaction" || action == "RequestStopTransaction";
}

}  // namespace

bool Route::is_unknown(const std::string& status) const {
    return std::find(m_config.unknown_statuses.begin(), m_config.unknown_statuses.end(), status) !=
           m_config.unknown_statuses.end();
}

RouteOutput Route::from_upstream(std::string_view text, Time now) {
    RouteOutput output;
    m_now = now;
    Expected<Frame, FrameError> frame = parse_frame(text);
    if (!frame) {
        if (++m_malformed >= route_malformed_max) {
            output.hang_up = "malformed_frames";
        }
        return output;
    }
    std::visit([&](auto& concrete) { on_upstream(std::move(concrete), text, output); },
               frame.value());
    return output;
}

// ---- answers

void Route::on_upstream(const CallResult& result, std::string_view text, RouteOutput& output) {
    const std::string status = status_of_token(result.payload);
    if (Pending* const asking = find(result.id, Stage::asking)) {
        answered_ask(*asking, status, output);
        return;
    }
    Pending* const pending = find(result.id, Stage::at_upstream);
    if (pending == nullptr) {
        return;  // Nobody waits for it (any more).
    }
    if (pending->body && std::holds_alternative<AuthorizeFacts>(*pending->body)) {
        answered_authorize(*pending, status, text, output);
        return;
    }
    const auto* const start = pending->body ? std::get_if<StartFacts>(&*pending->body) : nullptr;
    const auto* const report = pending->body ? std::get_if<ReportFacts>(&*pending->body) : nullptr;
    if (start != nullptr) {
        output.taken_connector = start->connector;
        output.to_charger.push_back(with_alias(result, text, output));
    } else {
        if (report != nullptr && report->token && report->connector != 0) {
            output.taken_connector = report->connector;
        }
        output.to_charger.emplace_back(text);
    }
    forget(result.id);
}

void Route::answered_ask(Pending& pending, const std::string& status, RouteOutput& output) {
    pending.asked_id.clear();
    if (is_unknown(status)) {
        give_bridge(pending, true, output);
        return;
    }
    const auto token = token_that_begins(*pending.body);
    if (token && status == "Accepted") {
        judge(*token, Verdict::own);
    }
    give_upstream(pending, output);
}

void Route::answered_authorize(Pending& pending, const std::string& status, std::string_view text,
                               RouteOutput& output) {
    const std::string token = upper_case(std::get<AuthorizeFacts>(*pending.body).token);
    if (is_unknown(status)) {
        std::erase_if(m_verdicts, [&](const auto& entry) { return entry.first == token; });
        pending.withheld = text;
        give_bridge(pending, true, output);
        return;
    }
    if (status == "Accepted") {
        judge(token, Verdict::own);
    }
    output.to_charger.emplace_back(text);
    forget(pending.id);
}

std::string Route::with_alias(const CallResult& result, std::string_view text,
                              RouteOutput& output) {
    const auto number = integer_of(result.payload, "transactionId");
    const bool clashes =
        number && ((*number >= alias_last) || m_book->holds_transaction(TransactionName{*number}));
    if (!clashes) {
        return std::string{text};
    }
    const auto [alias, is_new] = m_aliases->alias_of(*number);
    if (is_new) {
        output.aliases = m_aliases->encoded();
    }
    json::object payload = result.payload;
    payload["transactionId"] = alias;
    return result_text(result.id, payload);
}

void Route::on_upstream(const CallError& error, std::string_view text, RouteOutput& output) {
    if (Pending* const asking = find(error.id, Stage::asking)) {
        answered_ask(*asking, {}, output);
    } else if (find(error.id, Stage::at_upstream) != nullptr) {
        forget(error.id);
        output.to_charger.emplace_back(text);
    }
}

// ---- CALLs

std::optional<std::string> Route::own_answer(const Call& call) const {
    if (sets_key(call.action, call.payload)) {
        // The charger would come to the bridge with a password that the bridge does not know.
        return call.action == "ChangeConfiguration"
                   ? result_text(call.id, status_answer("Rejected"))
                   : error_text(call.id, m_translation->spelled(ErrorCode::security_error),
                                "the charger's password is kept by the site's bridge");
    }
    const auto name = is_remote_stop(call.action) ? transaction_in(call.payload) : std::nullopt;
    if (!name) {
        return std::nullopt;
    }
    const auto* const number = std::get_if<std::int64_t>(&*name);
    const bool is_aliased = number != nullptr && m_aliases->find_alias(*number).has_value();
    if (!is_aliased && m_book->holds_transaction(*name)) {
        return result_text(call.id, status_answer("Rejected"));  // Not a transaction of upstream's.
    }
    return std::nullopt;
}

void Route::note_remote_start(const Call& call) {
    if (call.action == "RemoteStartTransaction") {
        judge(upper_case(text_of(call.payload, "idTag")), Verdict::own);
    } else if (call.action == "RequestStartTransaction") {
        if (const json::object* const token = object_of(call.payload, "idToken")) {
            judge(upper_case(text_of(*token, "idToken")), Verdict::own);
        }
    }
}

Route::OutgoingCall Route::as_sent(Call call, std::string_view text) {
    OutgoingCall sent{call.id, call.id, std::string{text}, false};
    if (call.id.starts_with(m_config.own_prefix)) {
        sent.wire = m_config.own_prefix + "u" + std::to_string(++m_ids);
    }
    bool is_changed = sent.wire != sent.id;
    const auto rename = [&](json::object& object) {
        const auto number = integer_of(object, "transactionId");
        const auto alias = number ? m_aliases->find_alias(*number) : std::nullopt;
        if (alias) {
            object["transactionId"] = *alias;
            is_changed = true;
        }
    };
    rename(call.payload);
    if (json::value* const profile = call.payload.if_contains("csChargingProfiles");
        profile != nullptr && profile->is_object()) {
        rename(profile->get_object());
    }
    if (is_changed) {
        sent.text = call_text({sent.wire, call.action, call.payload});
    }
    return sent;
}

void Route::on_upstream(Call call, std::string_view text, RouteOutput& output) {
    const auto waiting = static_cast<std::size_t>(
        std::count_if(m_calls.begin(), m_calls.end(), [](const auto& w) { return !w.of_bridge; }));
    if (waiting >= route_calls_max) {
        output.to_upstream.push_back(error_text(call.id,
                                                m_translation->spelled(ErrorCode::internal_error),
                                                "too many calls wait for the charger"));
        return;
    }
    if (std::optional<std::string> answer = own_answer(call)) {
        output.to_upstream.push_back(std::move(*answer));
        return;
    }
    note_remote_start(call);
    m_calls.push_back(as_sent(std::move(call), text));
    send_next(output);
}

// ---- the connection

RouteOutput Route::upstream_opened(Time now) {
    RouteOutput output;
    m_now = now;
    m_line = Line::open;
    m_malformed = 0;
    output.ask_status = std::exchange(m_missed_status, false);
    for (Pending& pending : m_pending) {
        if (pending.stage == Stage::waiting) {
            place(pending, output);
        }
    }
    return output;
}

RouteOutput Route::upstream_closed(Time now) {
    RouteOutput output;
    m_now = now;
    if (m_line == Line::open) {
        lose(output);
    }
    return output;
}

void Route::lose(RouteOutput& output) {
    m_line = Line::lost;
    std::erase_if(m_calls, [](const OutgoingCall& call) { return !call.of_bridge; });
    if (m_out && !m_out->of_bridge) {
        m_out->id.clear();  // The charger's answer to it is of no use.
    }
    if (!m_book->is_any_open()) {
        output.close = "upstream_lost";
        return;
    }
    std::vector<std::string> stranded;
    for (const Pending& pending : m_pending) {
        if (pending.stage != Stage::at_bridge) {
            stranded.push_back(pending.id);
        }
    }
    for (const std::string& id : stranded) {
        const auto found = std::find_if(m_pending.begin(), m_pending.end(),
                                        [&](const Pending& pending) { return pending.id == id; });
        if (found != m_pending.end() && output.close.empty()) {
            place(*found, output);
        }
    }
}

RouteOutput Route::tick(Time now) {
    RouteOutput output;
    m_now = now;
    if (m_out && now - m_out_since >= peer_call_timeout) {
        m_out.reset();
        send_next(output);
    }
    std::erase_if(m_pending, [now](const Pending& pending) {
        return now - pending.since >= route_pending_timeout;
    });
    if (m_line == Line::connecting && now - m_connecting_since >= route_patience) {
        lose(output);
    } else if (m_line == Line::lost && !m_book->is_any_open()) {
        output.close = "upstream_lost";
    }
    return output;
}

}  // namespace tally::bridge
