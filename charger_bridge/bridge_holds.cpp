// Which chargers are served: put on hold, accepted, forgotten; and the certificates they ask for.

#include "charger_bridge/bridge.h"
#include "charger_bridge/ocpp/fields.h"
#include "node/runtime/logging.h"

#include <utility>

namespace tally::bridge {

const BootHold* Bridge::hold_of(const std::string& station) const {
    return m_admission.hold_of(station);
}

bool Bridge::is_served(const std::string& station) const {
    const BootHold* const hold = hold_of(station);
    return m_core.health().was_booted(station) && (hold == nullptr || !hold->is_told);
}

void Bridge::ask_to_boot(const std::string& station) {
    if (const Translation* const translation = translation_of(station)) {
        command(station, translation->trigger("BootNotification", 0), [](const CommandReply&) {});
    }
}

void Bridge::hold(const std::string& station, BootHold hold) {
    node::log_warn("ocpp", "put_on_hold",
                   {{"station", station}, {"status", to_text(hold.status)}, {"by", hold.by}});
    hold.since = now().wall;
    m_admission.set_hold(station, std::move(hold));
    if (!m_failed) {
        ask_to_boot(station);  // The answer tells it.
    }
}

bool Bridge::lift_hold(const std::string& station) {
    if (!m_admission.lift_hold(station)) {
        return false;
    }
    node::log_info("ocpp", "accepted_from_hold", {{"station", station}});
    ask_to_boot(station);
    return true;
}

Forgotten Bridge::forget(const std::string& station) {
    if (!m_admission.is_admitted(station)) {
        return Forgotten::listed;
    }
    if (m_core.has_open(station)) {
        return Forgotten::charging;
    }
    if (const auto found = m_stations.find(station); found != m_stations.end()) {
        m_server->close(found->second.socket, "forgotten");
    }
    if (m_admission.forget(station)) {
        feed(StationForgotten{station});
        m_commit.flush();
        node::log_info("ocpp", "forgotten", {{"station", station}});
    }
    return Forgotten::yes;
}

bool Bridge::take_certificate_request(const std::string& station, const std::string& action,
                                      std::string_view text) {
    if (!m_takes_certificate_requests || action != "SignCertificate") {
        return false;
    }
    const auto frame = parse_frame(text);
    const Call* const call = frame ? std::get_if<Call>(&*frame) : nullptr;
    return call != nullptr && m_certificate_requests.add(
                                  station, {now().wall, text_of(call->payload, "certificateType"),
                                            text_of(call->payload, "csr")});
}

void Bridge::note_certificate(const std::string& station, const CommandReply& answer) {
    if (answer.action == "CertificateSigned" && answer.result &&
        text_of(*answer.result, "status") == "Accepted") {
        m_certificate_requests.answered(station);
    }
}

}  // namespace tally::bridge
