#include "charger_bridge/key_change.h"

#include "charger_bridge/ocpp/fields.h"

#include <boost/json/array.hpp>

#include <algorithm>
#include <iterator>
#include <utility>

namespace tally::bridge {

namespace json = boost::json;

namespace {

constexpr std::string_view key_name_16{"AuthorizationKey"};
constexpr std::string_view variable_201{"BasicAuthPassword"};

bool is_refusal(std::string_view status) {
    constexpr std::string_view refusals[]{"Rejected", "NotSupported", "UnknownComponent",
                                          "UnknownVariable", "NotSupportedAttributeType"};
    return std::find(std::begin(refusals), std::end(refusals), status) != std::end(refusals);
}

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool is_same(std::string_view left, std::string_view right) {
    return std::equal(left.begin(), left.end(), right.begin(), right.end(),
                      [](char a, char b) { return lower(a) == lower(b); });
}

}  // namespace

Command key_command(std::string_view sub_protocol, const std::string& hex) {
    if (sub_protocol == "ocpp1.6") {
        Command command{"ChangeConfiguration", {}, 0};
        command.payload["key"] = json::string{key_name_16.data(), key_name_16.size()};
        command.payload["value"] = hex;
        return command;
    }
    json::object component;
    component["name"] = "SecurityCtrlr";
    json::object variable;
    variable["name"] = json::string{variable_201.data(), variable_201.size()};
    json::object setting;
    setting["component"] = std::move(component);
    setting["variable"] = std::move(variable);
    setting["attributeValue"] = hex;
    json::array settings;
    settings.emplace_back(std::move(setting));
    Command command{"SetVariables", {}, 0};
    command.payload["setVariableData"] = std::move(settings);
    return command;
}

bool has_refused_key(const json::object& answer) {
    if (is_refusal(text_of(answer, "status"))) {
        return true;
    }
    const json::value* const results = answer.if_contains("setVariableResult");
    const json::array* const list = results != nullptr ? results->if_array() : nullptr;
    const json::object* const first =
        list != nullptr && list->size() == 1 ? list->front().if_object() : nullptr;
    return first != nullptr && is_refusal(text_of(*first, "attributeStatus"));
}

bool is_key_setting(std::string_view configuration_key) {
    return is_same(configuration_key, key_name_16);
}

bool sets_key(std::string_view action, const json::object& payload) {
    if (action == "ChangeConfiguration") {
        return is_key_setting(text_of(payload, "key"));
    }
    const json::array* const settings =
        action == "SetVariables" ? array_of(payload, "setVariableData") : nullptr;
    return settings != nullptr &&
           std::any_of(settings->begin(), settings->end(), [](const json::value& setting) {
               const json::object* const data = setting.if_object();
               const json::object* const variable =
                   data != nullptr ? object_of(*data, "variable") : nullptr;
               return variable != nullptr && is_same(text_of(*variable, "name"), variable_201);
           });
}

}  // namespace tally::bridge
