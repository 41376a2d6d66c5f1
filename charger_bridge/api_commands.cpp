#include "charger_bridge/api_commands.h"

#include "charger_bridge/config.h"
#include "charger_bridge/key_change.h"
#include "charger_bridge/ocpp/fields.h"
#include "charger_bridge/session/session.h"

#include <boost/json/array.hpp>
#include <boost/json/value.hpp>

#include <algorithm>
#include <iterator>
#include <optional>
#include <utility>

namespace tally::bridge {

namespace json = boost::json;

namespace {

struct Maker {
    const json::object& body;
    const Translation& translation;
    std::int32_t number{0};
};
using Made = Expected<Command, std::string>;

std::optional<std::string> text(const json::object& body, json::string_view name) {
    return has_text(body, name) ? std::optional{text_of(body, name)} : std::nullopt;
}

Made remote_start(const Maker& maker) {
    const std::optional<std::string> token = text(maker.body, "token");
    if (!token || !is_token(upper_case(*token))) {
        return Unexpected{std::string{"token must be 1 to 36 printable characters"}};
    }
    RemoteStart start{*token, 0, maker.number};
    if (const std::optional<std::int64_t> connector = integer_of(maker.body, "connector")) {
        if (*connector < 1 || *connector > connectors_max) {
            return Unexpected{std::string{"connector must be 1 or more"}};
        }
        start.connector = static_cast<std::uint16_t>(*connector);
    }
    return maker.translation.remote_start(start);
}

Made trigger(const Maker& maker) {
    return maker.translation.trigger(
        text(maker.body, "message").value_or("StatusNotification"),
        connector_of(maker.body, "connector").value_or(std::uint16_t{0}));
}

Made change_configuration(const Maker& maker) {
    const std::optional<std::string> key = text(maker.body, "key");
    const std::optional<std::string> value = text(maker.body, "value");
    if (!key || !value) {
        return Unexpected{std::string{"key and value must be texts"}};
    }
    if (is_key_setting(*key)) {
        return Unexpected{std::string{"use change-key: the bridge must know the key too"}};
    }
    Command command{"ChangeConfiguration", {}, 0};
    command.payload["key"] = *key;
    command.payload["value"] = *value;
    return command;
}

Made get_configuration(const Maker& maker) {
    Command command{"GetConfiguration", {}, 0};
    if (const std::optional<std::string> key = text(maker.body, "key")) {
        json::array keys;
        keys.emplace_back(*key);
        command.payload["key"] = std::move(keys);
    }
    return command;
}

Made transfer(const Maker& maker) {
    const std::optional<std::string> vendor = text(maker.body, "vendorId");
    if (!vendor) {
        return Unexpected{std::string{"vendorId must be a text"}};
    }
    Command command{"DataTransfer", {}, 0};
    command.payload["vendorId"] = *vendor;
    for (const char* const name : {"messageId", "data"}) {
        if (const std::optional<std::string> value = text(maker.body, name)) {
            command.payload[name] = *value;
        }
    }
    return command;
}

Made call(const Maker& maker) {
    const std::optional<std::string> action = text(maker.body, "action");
    if (!action || !maker.translation.is_ours(*action)) {
        return Unexpected{std::string{"action must be one that a central system sends in "} +
                          std::string{maker.translation.sub_protocol()}};
    }
    const json::object* const payload = object_of(maker.body, "payload");
    if (payload != nullptr && sets_key(*action, *payload)) {
        return Unexpected{std::string{"use change-key: the bridge must know the key too"}};
    }
    return Command{*action, payload != nullptr ? *payload : json::object{}, 0};
}

struct ApiCommand {
    std::string_view name;
    Made (*make)(const Maker&);
};
constexpr ApiCommand commands[]{
    {"call", call},
    {"change-configuration", change_configuration},
    {"data-transfer", transfer},
    {"get-configuration", get_configuration},
    {"remote-start", remote_start},
    {"trigger", trigger},
};

const ApiCommand* find(std::string_view name) {
    const auto* const found = std::find_if(std::begin(commands), std::end(commands),
                                           [&](const ApiCommand& c) { return c.name == name; });
    return found != std::end(commands) ? found : nullptr;
}

}  // namespace

bool is_api_command(std::string_view name) { return find(name) != nullptr; }

Expected<Command, std::string> command_of(std::string_view name, const json::object& body,
                                          const Translation& translation, std::int32_t number) {
    const ApiCommand* const known = find(name);
    if (known == nullptr) {
        return Unexpected{std::string{"no such action"}};
    }
    Made command = known->make({body, translation, number});
    if (!command) {
        return command;
    }
    if (!translation.is_known_action(command->action)) {
        return Unexpected{command->action + " is not spoken in " +
                          std::string{translation.sub_protocol()}};
    }
    if (const auto violation =
            translation.find_violation(command->action, Direction::request, command->payload)) {
        return Unexpected{violation->what};
    }
    return command;
}

}  // namespace tally::bridge
