// What the sessions ask for, carried out in the version that the charger speaks.

#include "charger_bridge/bridge.h"

#include <boost/json/object.hpp>

#include <utility>

namespace tally::bridge {

namespace json = boost::json;

const Translation* Bridge::translation_of(const std::string& station) const {
    const auto found = m_stations.find(station);
    return found != m_stations.end() ? &found->second.peer.translation() : nullptr;
}

template <typename Effect>
void Bridge::answer_with(const Effect& effect) {
    if (const Translation* const translation = translation_of(effect.call.station)) {
        answer(effect.call, translation->answer(effect));
    }
}

template <typename Effect>
void Bridge::answer_token(const Effect& effect, TagStatus status) {
    const Translation* const translation = translation_of(effect.call.station);
    if (translation == nullptr) {
        return;
    }
    const json::object payload = translation->answer(effect);
    if (status == TagStatus::accepted || !taken_back(effect.call, payload)) {
        answer(effect.call, payload);
    }
}

void Bridge::apply(const AnswerAuthorize& effect) { answer_token(effect, effect.status); }

void Bridge::apply(const AnswerStart& effect) { answer_token(effect, effect.status); }

void Bridge::apply(const AnswerMeterValues& effect) { answer_with(effect); }

void Bridge::apply(const AnswerStop& effect) { answer_with(effect); }

void Bridge::apply(const AnswerReport& effect) {
    answer_token(effect, effect.status.value_or(TagStatus::accepted));
}

void Bridge::apply(const AskPending& effect) {
    const Translation* const translation = translation_of(effect.station);
    std::optional<Command> ask =
        translation != nullptr ? translation->command(effect) : std::nullopt;
    if (!ask) {
        return;
    }
    command(effect.station, std::move(*ask), [this, effect](const CommandReply& reply) {
        const json::value* const more =
            reply.result ? reply.result->if_contains("messagesInQueue") : nullptr;
        if (more != nullptr && more->is_bool()) {
            feed(ReportsPending{effect.station, effect.name, more->get_bool()});
        }
    });
}

void Bridge::apply(const SendToNode& effect) {
    static_cast<void>(m_parts.node.send(effect.message));
}

void Bridge::apply(const RemoteStop& effect) {
    if (const Translation* const translation = translation_of(effect.station)) {
        command(effect.station, translation->command(effect), [](const CommandReply&) {});
    }
}

void Bridge::apply(const UpdateCost& effect) {
    const auto found = m_stations.find(effect.station);
    if (found == m_stations.end()) {
        return;
    }
    const Station& station = found->second;
    const bool is_vendor_message = effect.name.empty();
    if (is_vendor_message && !station.spoke_tally) {
        return;
    }
    if (std::optional<Command> cost = station.peer.translation().command(effect)) {
        command(effect.station, std::move(*cost), [](const CommandReply&) {});
    }
}

template <typename Effect>
void Bridge::press(const Effect& effect) {
    const PressLost lost{effect.station, effect.transaction};
    const Translation* const translation = translation_of(effect.station);
    if (translation == nullptr) {
        feed(lost);
        return;
    }
    command(effect.station, translation->command(effect), [this, lost](const CommandReply& reply) {
        if (!reply.was_sent) {
            feed(lost);
        }
    });
}

void Bridge::apply(const UnlockConnector& effect) { press(effect); }

void Bridge::apply(const ResetStation& effect) { press(effect); }

}  // namespace tally::bridge
