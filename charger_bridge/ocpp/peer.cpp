#include "charger_bridge/ocpp/peer.h"

#include "charger_bridge/ocpp/fields.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace tally::bridge {

std::string peer_id_prefix(std::uint64_t salt) { return fmt::format("{:016x}-", salt); }

Peer::Peer(bool booted, std::uint64_t salt, const Translation& translation)
    : m_translation{&translation}, m_booted{booted}, m_salt{salt} {}

void Peer::refuse_into(PeerOutput& output, const std::string& id, ErrorCode code,
                       const std::string& what) const {
    output.refused = what;
    output.refused_code = m_translation->spelled(code);
    output.send.push_back(error_text(id, output.refused_code, what));
}

PeerOutput Peer::receive(std::string_view text) {
    PeerOutput output;
    Expected<Frame, FrameError> frame = parse_frame(text);
    if (!frame) {
        const FrameError& error = frame.error();
        refuse_into(output, error.id, m_translation->code_of(error), error.what);
        if (++m_malformed >= peer_malformed_max) {
            output.close = "malformed_frames";
        }
        return output;
    }
    std::visit([&](auto& concrete) { on(std::move(concrete), output); }, frame.value());
    return output;
}

void Peer::on(Call call, PeerOutput& output) {
    if (!m_translation->is_known_action(call.action)) {
        refuse_into(output, call.id, ErrorCode::not_implemented, "unknown action");
        return;
    }
    if (!m_booted && call.action != "BootNotification" && !m_asked_for.contains(call.action)) {
        refuse_into(output, call.id, ErrorCode::security_error,
                    "BootNotification has not been accepted");
        return;
    }
    if (const auto violation =
            m_translation->find_violation(call.action, Direction::request, call.payload)) {
        if (!m_translation->must_be_answered(call.action, call.payload)) {
            refuse_into(output, call.id, violation->code, violation->what);
            return;
        }
        // A charger discards a transaction message that we refuse, and with it what was charged.
        output.refused = violation->what;
        output.refused_code = m_translation->spelled(violation->code);
    }
    std::optional<RequestBody> body = m_translation->decode_request(call.action, call.payload);
    if (!body) {
        const bool ours = m_translation->is_ours(call.action);
        refuse_into(output, call.id,
                    ours ? ErrorCode::not_supported : ErrorCode::property_constraint_violation,
                    ours ? "only the central system sends this" : "a number is out of range");
        return;
    }
    if (m_unanswered.size() >= peer_unanswered_max) {
        output.close = "too_many_requests";
        return;
    }
    m_unanswered.emplace_back(call.id, call.action);
    output.request = Request{std::move(call.id), std::move(call.action), std::move(*body)};
}

void Peer::on(CallResult result, PeerOutput& output) {
    if (m_outstanding.empty() || result.id != m_outstanding) {
        return;  // Late, after we gave up, or never asked: nothing to do with it.
    }
    const Command& asked = m_commands.front();
    CommandReply reply{asked.tag, asked.action, std::nullopt, {}};
    if (const auto violation =
            m_translation->find_violation(asked.action, Direction::response, result.payload)) {
        reply.failure = "invalid_response";
        output.refused = violation->what;
        output.refused_code = m_translation->spelled(violation->code);
    } else {
        reply.result = std::move(result.payload);
    }
    output.replies.push_back(std::move(reply));
    m_commands.pop_front();
    m_outstanding.clear();
    send_next(output, m_last_now);
}

void Peer::on(const CallError& error, PeerOutput& output) {
    if (m_outstanding.empty() || error.id != m_outstanding) {
        return;
    }
    const Command& asked = m_commands.front();
    output.replies.push_back({asked.tag, asked.action, std::nullopt, to_text(error.code)});
    m_commands.pop_front();
    m_outstanding.clear();
    send_next(output, m_last_now);
}

std::string Peer::answer(const std::string& id, const boost::json::object& payload) {
    const auto found = std::find_if(m_unanswered.begin(), m_unanswered.end(),
                                    [&](const auto& entry) { return entry.first == id; });
    if (found == m_unanswered.end()) {
        return {};
    }
    const std::string action = std::move(found->second);
    m_unanswered.erase(found);
    if (m_translation->find_violation(action, Direction::response, payload)) {
        return error_text(id, ErrorCode::internal_error, "no answer could be made");
    }
    return result_text(id, payload);
}

std::string Peer::refuse(const std::string& id, ErrorCode code, std::string_view description) {
    const auto found = std::find_if(m_unanswered.begin(), m_unanswered.end(),
                                    [&](const auto& entry) { return entry.first == id; });
    if (found == m_unanswered.end()) {
        return {};
    }
    m_unanswered.erase(found);
    return error_text(id, m_translation->spelled(code), description);
}

void Peer::send_next(PeerOutput& output, std::chrono::milliseconds now) {
    if (!m_outstanding.empty() || m_commands.empty()) {
        return;
    }
    const Command& next = m_commands.front();
    expect_messages(next);
    m_outstanding = peer_id_prefix(m_salt) + std::to_string(++m_calls);
    m_sent_at = now;
    output.send.push_back(call_text({m_outstanding, next.action, next.payload}));
}

void Peer::expect_messages(const Command& command) {
    if (m_booted) {
        return;
    }
    if (command.action == "GetBaseReport" || command.action == "GetReport") {
        m_asked_for.insert("NotifyReport");
    } else if (command.action == "TriggerMessage" || command.action == "ExtendedTriggerMessage") {
        std::string asked = text_of(command.payload, "requestedMessage");
        // Three kinds of certificates are asked for by names of their own.
        const bool is_certificate = asked.starts_with("Sign") && asked.ends_with("Certificate");
        m_asked_for.insert(is_certificate ? "SignCertificate" : std::move(asked));
    }
}

PeerOutput Peer::command(Command command, std::chrono::milliseconds now) {
    PeerOutput output;
    m_last_now = now;
    if (m_commands.size() >= peer_commands_max) {
        output.replies.push_back({command.tag, command.action, std::nullopt, "queue_full", false});
        return output;
    }
    m_commands.push_back(std::move(command));
    send_next(output, now);
    return output;
}

PeerOutput Peer::tick(std::chrono::milliseconds now) {
    PeerOutput output;
    m_last_now = now;
    if (!m_outstanding.empty() && now - m_sent_at >= peer_call_timeout) {
        const Command& asked = m_commands.front();
        output.replies.push_back({asked.tag, asked.action, std::nullopt, "timeout"});
        m_commands.pop_front();
        m_outstanding.clear();
        send_next(output, now);
    }
    return output;
}

std::vector<CommandReply> Peer::abandon() {
    std::vector<CommandReply> replies;
    bool was_sent = !m_outstanding.empty();  // Of the first, and only of that.
    for (const Command& command : m_commands) {
        replies.push_back({command.tag, command.action, std::nullopt, "disconnected", was_sent});
        was_sent = false;
    }
    m_commands.clear();
    m_outstanding.clear();
    return replies;
}

}  // namespace tally::bridge
