#include "charger_bridge/review_command.h"

#include "charger_bridge/config.h"
#include "node/runtime/exit_codes.h"
#include "node/runtime/http_client.h"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <fmt/format.h>

#include <cstdio>

namespace tally::bridge {
namespace {

namespace json = boost::json;

constexpr int exit_refused{1};
constexpr int exit_unreachable{2};

std::string text_of(const json::object& object, json::string_view name) {
    const json::value* const value = object.if_contains(name);
    if (value == nullptr) {
        return {};
    }
    if (const json::string* const text = value->if_string()) {
        return std::string{*text};
    }
    return json::serialize(*value);
}

std::string joined(const json::object& object, json::string_view name) {
    const json::value* const value = object.if_contains(name);
    const json::array* const array = value != nullptr ? value->if_array() : nullptr;
    std::string text;
    if (array != nullptr) {
        for (const json::value& one : *array) {
            text += (text.empty() ? "" : " ") +
                    (one.is_string() ? std::string{one.get_string()} : json::serialize(one));
        }
    }
    return text;
}

std::string message_of(const json::object& answer) {
    const json::value* const error = answer.if_contains("error");
    const json::object* const object = error != nullptr ? error->if_object() : nullptr;
    return object != nullptr ? text_of(*object, "message") : json::serialize(answer);
}

void print_line(const json::object& item) {
    const std::string outcome = text_of(item, "outcome");
    const bool is_late = text_of(item, "late") == "true";
    const std::string state = !outcome.empty() ? outcome : is_late ? "waiting (late)" : "waiting";
    fmt::print("{:>8}  {:14}  {} connector {} transaction {}  {}\n", text_of(item, "number"), state,
               text_of(item, "station"), text_of(item, "connector"), text_of(item, "transaction"),
               joined(item, "reasons"));
}

void print_list(const json::object& answer) {
    for (const char* const name : {"waiting", "decided"}) {
        const json::value* const list = answer.if_contains(name);
        if (list == nullptr || !list->is_array()) {
            continue;
        }
        for (const json::value& item : list->get_array()) {
            if (item.is_object()) {
                print_line(item.get_object());
            }
        }
    }
    fmt::print("{} waiting\n", text_of(answer, "waiting_count"));
}

void print_signed_texts(const json::value& texts) {
    if (!texts.is_array()) {
        return;
    }
    std::size_t number = 0;
    for (const json::value& one : texts.get_array()) {
        if (const json::object* const text = one.if_object()) {
            fmt::print("signed text {}: {} ({})\n    {}\n", ++number, text_of(*text, "result"),
                       text_of(*text, "why"), text_of(*text, "text"));
        }
    }
}

void print_one(const json::object& item) {
    for (const auto& [name, value] : item) {
        if (name == "signed_texts") {
            print_signed_texts(value);
            continue;
        }
        const std::string text =
            value.is_string() ? std::string{value.get_string()} : json::serialize(value);
        fmt::print("{}: {}\n", std::string{name}, text);
    }
}

node::HttpClientRequest request_of(const ReviewCommand& command, const BridgeConfig& config) {
    const bool is_v6 = config.api_listen.host.find(':') != std::string::npos;
    const std::string host = is_v6 ? "[" + config.api_listen.host + "]" : config.api_listen.host;
    node::HttpClientRequest request;
    request.url =
        "http://" + host + ":" + std::to_string(config.api_listen.port) + "/api/v1/review";
    request.bearer_token = config.api_token;
    if (command.verb == "list") {
        return request;
    }
    request.url += "/" + std::to_string(command.number);
    if (command.verb == "show") {
        return request;
    }
    request.method = "POST";
    request.url += "/" + command.verb;
    json::object body;
    body["by"] = command.by;
    body["reason"] = command.reason;
    request.body = json::serialize(body);
    return request;
}

int print_answer(const ReviewCommand& command, const node::HttpClientResponse& response) {
    json::error_code error;
    const json::value value = json::parse(response.body, error);
    const json::object* const object = error ? nullptr : value.if_object();
    const bool is_done = response.status < 300 && object != nullptr;
    if (command.json) {
        fmt::print("{}\n", response.body);
    } else if (!is_done) {
        fmt::print(stderr, "tally-bridge review: {}\n",
                   object != nullptr ? message_of(*object) : "the answer is not JSON");
    } else if (command.verb == "list") {
        print_list(*object);
    } else {
        print_one(*object);
    }
    return is_done ? 0 : exit_refused;
}

}  // namespace

int run_review(const ReviewCommand& command) {
    const auto config = read_config(command.config);
    if (!config) {
        for (const node::ConfigProblem& problem : config.error()) {
            fmt::print(stderr, "{}\n", problem.text());
        }
        return node::exit_config;
    }
    const auto response = node::http_request(request_of(command, *config));
    if (!response) {
        fmt::print(stderr, "tally-bridge review: {}\n", response.error().text);
        return exit_unreachable;
    }
    return print_answer(command, *response);
}

}  // namespace tally::bridge
