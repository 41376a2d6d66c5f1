// The charger's CALLs; route_upstream.cpp has upstream's side.

#include "charger_bridge/proxy/route.h"

#include "charger_bridge/ocpp/fields.h"
#include "charger_bridge/session/session.h"
#include "ledger/base/overloaded.h"

#include <algorithm>
#include <utility>

namespace tally::bridge {

namespace json = boost::json;

namespace {

constexpr std::string_view vendor_of_ours{"tally"};

/// The payload of an Authorize about the token that a start names, in the version of the start.
json::object authorize_about(const json::object& start) {
    json::object payload;
    for (const char* const name : {"idTag", "idToken"}) {
        if (const json::value* const token = start.if_contains(name)) {
            payload[name] = *token;
        }
    }
    return payload;
}

}  // namespace

Route::Route(const Translation& translation, const RoamingBook& book, AliasMap& aliases,
             RouteConfig config, Time now)
    : m_translation{&translation},
      m_book{&book},
      m_aliases{&aliases},
      m_config{std::move(config)},
      m_now{now},
      m_connecting_since{now} {}

RouteOutput Route::from_charger(std::string_view text, Time now) {
    RouteOutput output;
    m_now = now;
    Expected<Frame, FrameError> frame = parse_frame(text);
    if (!frame) {
        output.to_bridge.emplace_back(text);  // It says what is wrong, and counts.
        return output;
    }
    const Overloaded handle{
        [&](Call& call) { take_call(std::move(call), text, output); },
        [&](const CallResult& result) {
            const auto renamed = [&](const std::string& id) {
                return result_text(id, result.payload);
            };
            on_charger_answer({result.id, text, renamed}, output);
        },
        [&](const CallError& error) {
            const auto renamed = [&](const std::string& id) {
                return error_text(id, error.code, error.description);
            };
            on_charger_answer({error.id, text, renamed}, output);
        },
    };
    std::visit(handle, frame.value());
    return output;
}

// ---- CALLs of the charger

void Route::take_call(Call call, std::string_view text, RouteOutput& output) {
    if (call.id.starts_with(m_config.own_prefix)) {
        output.to_charger.push_back(
            error_text(call.id, m_translation->spelled(ErrorCode::property_constraint_violation),
                       "message ids that begin so are the central system's"));
        return;
    }
    if (m_pending.size() >= route_pending_max) {
        output.close = "too_many_requests";
        return;
    }
    Pending pending;
    pending.id = std::move(call.id);
    pending.text = text;
    pending.since = m_now;
    const bool is_readable =
        m_translation->is_known_action(call.action) &&
        (!m_translation->find_violation(call.action, Direction::request, call.payload) ||
         m_translation->must_be_answered(call.action, call.payload));
    if (is_readable) {
        pending.body = m_translation->decode_request(call.action, call.payload);
    }
    pending.action = std::move(call.action);
    pending.payload = std::move(call.payload);
    m_pending.push_back(std::move(pending));
    place(m_pending.back(), output);
}

bool Route::is_ours(const RequestBody& body) const {
    const Overloaded handle{
        [&](const StartFacts& start) { return m_book->holds_start(start); },
        [&](const ValuesFacts& values) {
            const auto* const number =
                values.transaction ? std::get_if<std::int64_t>(&*values.transaction) : nullptr;
            const bool is_named = values.transaction && (number == nullptr || *number > 0);
            return is_named ? m_book->holds_transaction(*values.transaction)
                            : m_book->is_charging(values.connector);
        },
        [&](const StopFacts& stop) { return m_book->holds_stop(stop); },
        [&](const ReportFacts& report) {
            return m_book->holds_transaction(TransactionName{report.transaction});
        },
        [&](const TransferFacts& transfer) { return transfer.vendor == vendor_of_ours; },
        [](const auto&) { return false; },
    };
    return std::visit(handle, body);
}

std::optional<std::string> Route::token_that_begins(const RequestBody& body) const {
    if (const auto* const start = std::get_if<StartFacts>(&body)) {
        // Without a card there is nothing to ask the other central system about.
        return start->token.empty() ? std::nullopt : std::optional{upper_case(start->token)};
    }
    const auto* const report = std::get_if<ReportFacts>(&body);
    if (report != nullptr && report->token && report->kind != ReportKind::ended) {
        return upper_case(*report->token);
    }
    return std::nullopt;
}

void Route::place(Pending& pending, RouteOutput& output) {
    const bool is_readable = pending.body.has_value();
    if (is_readable && is_ours(*pending.body)) {
        give_bridge(pending, false, output);
        return;
    }
    if (m_line == Line::lost) {
        if (!place_without_upstream(pending, output)) {
            output.close = "upstream_lost";
        }
        return;
    }
    if (m_line == Line::connecting) {
        pending.stage = Stage::waiting;
        return;
    }
    const auto token = is_readable ? token_that_begins(*pending.body) : std::nullopt;
    if (token) {
        place_start(pending, *token, output);
        return;
    }
    give_upstream(pending, output);
}

void Route::place_start(Pending& pending, const std::string& token, RouteOutput& output) {
    const std::optional<Verdict> verdict = verdict_on(token);
    if (verdict == Verdict::own) {
        give_upstream(pending, output);
    } else if (verdict == Verdict::roaming || m_book->holds_token(token)) {
        give_bridge(pending, true, output);
    } else {
        pending.stage = Stage::asking;
        pending.asked_id = m_config.own_prefix + "a" + std::to_string(++m_ids);
        output.to_upstream.push_back(
            call_text({pending.asked_id, "Authorize", authorize_about(pending.payload)}));
    }
}

void Route::give_bridge(Pending& pending, bool is_tried, RouteOutput& output) {
    pending.stage = Stage::at_bridge;
    pending.is_tried = is_tried;
    const auto* const report = pending.body ? std::get_if<ReportFacts>(&*pending.body) : nullptr;
    if (report != nullptr) {
        // What was said of the transaction before it had a token: upstream has answered it, and
        // nobody waits for the bridge's answer.
        const auto early = std::find_if(m_early.begin(), m_early.end(), [&](const auto& entry) {
            return entry.first == report->transaction;
        });
        if (early != m_early.end()) {
            pending.is_begun_upstream = true;
            m_silenced.clear();
            for (EarlyReport& said : early->second) {
                m_silenced.push_back(std::move(said.id));
                output.to_bridge.push_back(std::move(said.text));
            }
            m_early.erase(early);
        }
    }
    output.to_bridge.push_back(pending.text);
}

void Route::give_upstream(Pending& pending, RouteOutput& output) {
    pending.stage = Stage::at_upstream;
    remember_early(pending);
    const auto number = integer_of(pending.payload, "transactionId");
    const auto known = number ? m_aliases->find_upstream(*number) : std::nullopt;
    if (known) {
        json::object payload = pending.payload;
        payload["transactionId"] = *known;
        output.to_upstream.push_back(call_text({pending.id, pending.action, payload}));
    } else {
        output.to_upstream.push_back(pending.text);
    }
    if (!pending.body) {
        return;
    }
    if (const auto* const status = std::get_if<StatusFacts>(&*pending.body)) {
        output.observed.emplace_back(*status);
    } else if (const auto* const boot = std::get_if<BootFacts>(&*pending.body)) {
        output.observed.emplace_back(*boot);
    }
}

bool Route::place_without_upstream(Pending& pending, RouteOutput& output) {
    if (!pending.body || !m_book->is_any_open()) {
        return false;
    }
    const auto* const authorize = std::get_if<AuthorizeFacts>(&*pending.body);
    if (authorize != nullptr && !m_book->holds_token(upper_case(authorize->token))) {
        const AnswerAuthorize refusal{{{}, pending.id}, TagStatus::invalid, "upstream_lost"};
        output.to_charger.push_back(result_text(pending.id, m_translation->answer(refusal)));
        forget(pending.id);
        return true;
    }
    const bool is_status = std::holds_alternative<StatusFacts>(*pending.body);
    if (authorize == nullptr && !is_status &&
        !std::holds_alternative<HeartbeatFacts>(*pending.body)) {
        return false;
    }
    m_missed_status = m_missed_status || is_status;
    give_bridge(pending, false, output);
    return true;
}

void Route::remember_early(const Pending& pending) {
    const auto* const report = pending.body ? std::get_if<ReportFacts>(&*pending.body) : nullptr;
    if (report == nullptr) {
        return;
    }
    auto early = std::find_if(m_early.begin(), m_early.end(), [&](const auto& entry) {
        return entry.first == report->transaction;
    });
    if (report->kind == ReportKind::ended || report->token) {
        if (early != m_early.end()) {
            m_early.erase(early);
        }
        return;
    }
    if (early == m_early.end()) {
        if (report->kind != ReportKind::started) {
            return;  // A transaction of upstream's that goes on.
        }
        if (m_early.size() >= route_early_transactions_max) {
            m_early.pop_front();
        }
        m_early.emplace_back(report->transaction, std::vector<EarlyReport>{});
        early = std::prev(m_early.end());
    }
    if (early->second.size() < route_early_texts_max) {
        early->second.push_back({pending.id, pending.text});
    }
}

void Route::forget(const std::string& id) {
    const auto found = std::find_if(m_pending.begin(), m_pending.end(),
                                    [&](const Pending& pending) { return pending.id == id; });
    if (found != m_pending.end()) {
        m_pending.erase(found);
    }
}

Route::Pending* Route::find(const std::string& id, Stage stage) {
    for (Pending& pending : m_pending) {
        const std::string& key = stage == Stage::asking ? pending.asked_id : pending.id;
        if (pending.stage == stage && key == id) {
            return &pending;
        }
    }
    return nullptr;
}

void Route::judge(const std::string& token, Verdict verdict) {
    std::erase_if(m_verdicts, [&](const auto& entry) { return entry.first == token; });
    if (m_verdicts.size() >= route_verdicts_max) {
        m_verdicts.pop_front();
    }
    m_verdicts.emplace_back(token, verdict);
}

std::optional<Route::Verdict> Route::verdict_on(const std::string& token) const {
    for (const auto& [known, verdict] : m_verdicts) {
        if (known == token) {
            return verdict;
        }
    }
    return std::nullopt;
}

// ---- what the bridge says

RouteOutput Route::from_bridge(std::string text, Time now) {
    RouteOutput output;
    m_now = now;
    Expected<Frame, FrameError> frame = parse_frame(text);
    if (!frame) {
        output.to_charger.push_back(std::move(text));  // A refusal of what was no frame.
        return output;
    }
    if (const auto* const call = std::get_if<Call>(&frame.value())) {
        // The peer has one CALL outstanding: one that waits here it has given up.
        std::erase_if(m_calls, [](const OutgoingCall& waiting) { return waiting.of_bridge; });
        std::string id = call->id;
        m_calls.push_front({id, id, std::move(text), true});
        send_next(output);
        return output;
    }
    const auto* const result = std::get_if<CallResult>(&frame.value());
    const std::string& id = result != nullptr ? result->id : std::get<CallError>(frame.value()).id;
    Pending* const pending = find(id, Stage::at_bridge);
    if (pending == nullptr) {
        const auto silenced = std::find(m_silenced.begin(), m_silenced.end(), id);
        if (silenced != m_silenced.end()) {
            m_silenced.erase(silenced);  // Upstream has answered that one.
        } else {
            output.to_charger.push_back(std::move(text));  // A refusal of what was no CALL.
        }
        return output;
    }
    if (result != nullptr && pending->is_tried) {
        accepted(*pending, output);
    }
    forget(id);
    output.to_charger.push_back(std::move(text));
    return output;
}

void Route::accepted(const Pending& pending, RouteOutput& output) {
    const auto* const authorize = std::get_if<AuthorizeFacts>(&*pending.body);
    if (authorize != nullptr) {
        judge(upper_case(authorize->token), Verdict::roaming);
        return;
    }
    const auto token = token_that_begins(*pending.body);
    std::erase_if(m_verdicts, [&](const auto& entry) { return token && entry.first == *token; });
    const auto* const report = std::get_if<ReportFacts>(&*pending.body);
    if (report != nullptr && pending.is_begun_upstream && m_line == Line::open) {
        end_upstream(*report, output);
    }
}

void Route::end_upstream(const ReportFacts& report, RouteOutput& output) {
    json::object info;
    info["transactionId"] = report.transaction;
    info["stoppedReason"] = "DeAuthorized";
    json::object payload;
    payload["eventType"] = "Ended";
    payload["timestamp"] = report.timestamp;
    payload["triggerReason"] = "Deauthorized";
    payload["seqNo"] = report.sequence;  // Upstream does not see the report that has it.
    payload["transactionInfo"] = std::move(info);
    const std::string id = m_config.own_prefix + "e" + std::to_string(++m_ids);
    output.to_upstream.push_back(call_text({id, "TransactionEvent", payload}));
}

bool Route::takes_back(const std::string& id) const {
    return std::any_of(m_pending.begin(), m_pending.end(), [&](const Pending& pending) {
        return pending.id == id && pending.stage == Stage::at_bridge && pending.is_tried;
    });
}

RouteOutput Route::refused(const std::string& id, Time now) {
    RouteOutput output;
    m_now = now;
    Pending* const pending = find(id, Stage::at_bridge);
    if (pending == nullptr) {
        return output;
    }
    const auto token = token_that_begins(*pending->body);
    if (token) {
        std::erase_if(m_verdicts, [&](const auto& entry) { return entry.first == *token; });
    }
    if (!pending->withheld.empty()) {
        output.to_charger.push_back(std::move(pending->withheld));
        forget(id);
    } else if (m_line == Line::open) {
        give_upstream(*pending, output);
    } else {
        output.close = "upstream_lost";
    }
    return output;
}

// ---- CALLs to the charger

void Route::send_next(RouteOutput& output) {
    if (m_out || m_calls.empty()) {
        return;
    }
    m_out = std::move(m_calls.front());
    m_calls.pop_front();
    m_out_since = m_now;
    output.to_charger.push_back(m_out->text);
}

void Route::on_charger_answer(const Answer& answer, RouteOutput& output) {
    if (m_out && m_out->wire == answer.id) {
        const OutgoingCall answered = std::move(*m_out);
        m_out.reset();
        if (answered.of_bridge) {
            output.to_bridge.emplace_back(answer.text);
        } else if (m_line == Line::open && !answered.id.empty()) {
            output.to_upstream.push_back(answered.id == answered.wire
                                             ? std::string{answer.text}
                                             : answer.renamed(answered.id));
        }
        send_next(output);
        return;
    }
    // Late, after we gave up: the bridge's own calls have ids of their own.
    if (!answer.id.starts_with(m_config.own_prefix) && m_line == Line::open) {
        output.to_upstream.emplace_back(answer.text);
    }
}

}  // namespace tally::bridge
