#include "tools/charger/script.h"

#include "ledger/base/check.h"
#include "ledger/model/money.h"
#include "node/runtime/config_reader.h"
#include "tools/support/text_file.h"

#include <algorithm>
#include <array>
#include <map>
#include <utility>

namespace tally::tools {

using node::ConfigReader;
using node::ConfigTable;
using node::IntRange;

namespace {

template <typename Value>
using Words = std::vector<std::pair<const char*, Value>>;

const Words<StepKind>& kinds() {
    static const Words<StepKind> words{
        {"swipe", StepKind::swipe},         {"start", StepKind::start},
        {"charge", StepKind::charge},       {"stop", StepKind::stop},
        {"repeat", StepKind::repeat},       {"lose", StepKind::lose},
        {"offline", StepKind::offline},     {"online", StepKind::online},
        {"reconnect", StepKind::reconnect}, {"reboot", StepKind::reboot},
        {"silence", StepKind::silence},     {"clock", StepKind::clock},
        {"meter", StepKind::meter},         {"number", StepKind::number},
        {"obey", StepKind::obey},           {"say", StepKind::say},
        {"status", StepKind::status},       {"wait", StepKind::wait},
        {"together", StepKind::together},
    };
    return words;
}

/// The value of a word; the fallback when the key is missing or the word is none of them.
template <typename Value>
Value one_of(const ConfigTable& table, const char* key, const Words<Value>& words,
             const char* fallback) {
    std::vector<std::string> allowed;
    for (const auto& [word, value] : words) {
        allowed.emplace_back(word);
    }
    const std::string chosen =
        fallback == nullptr ? table.choice(key, allowed) : table.choice(key, allowed, fallback);
    for (const auto& [word, value] : words) {
        if (chosen == word) {
            return value;
        }
    }
    return words.front().second;
}

std::uint32_t small(const ConfigTable& table, const char* key, IntRange range,
                    std::int64_t fallback) {
    return static_cast<std::uint32_t>(table.integer(key, range, fallback));
}

std::int64_t seconds(const ConfigTable& table, std::int64_t fallback) {
    return table.integer("seconds", IntRange{0, step_seconds_max}, fallback);
}

constexpr IntRange register_range{0, 1'000'000'000'000};
constexpr IntRange card_range{1, script_cards_max};
constexpr IntRange times_range{1, step_times_max};

ChargeMessage message(const ConfigTable& table) {
    return one_of<ChargeMessage>(table, "message",
                                 {{"start", ChargeMessage::start},
                                  {"sample", ChargeMessage::sample},
                                  {"stop", ChargeMessage::stop}},
                                 nullptr);
}

void read_swipe(const ConfigTable& table, Step& step) {
    step.card = small(table, "card", card_range, 1);
    step.goes_on = table.boolean("goes_on", false);
    step.times = small(table, "tries", times_range, 1);
    step.prepaid = table.text("prepaid", std::string{});
    if (!step.prepaid.empty() && !money_from_text(step.prepaid)) {
        table.problem("prepaid", "must be an amount such as 20.00");
    }
}

void read_stop(const ConfigTable& table, Step& step) {
    step.card = small(table, "card", card_range, 1);
    step.reason = one_of<StopReason>(table, "reason",
                                     {{"local", StopReason::local},
                                      {"remote", StopReason::remote},
                                      {"car", StopReason::car},
                                      {"power_loss", StopReason::power_loss}},
                                     "local");
}

void read_clock(const ConfigTable& table, Step& step) {
    step.fault = one_of<ClockFault>(table, "fault",
                                    {{"right", ClockFault::right},
                                     {"1970", ClockFault::since_1970},
                                     {"ahead", ClockFault::ahead},
                                     {"drift", ClockFault::drift}},
                                    nullptr);
    if (step.fault == ClockFault::ahead) {
        step.amount = table.integer("seconds", IntRange{-step_seconds_max, step_seconds_max});
    }
    if (step.fault == ClockFault::drift) {
        step.amount = table.integer("ppm", IntRange{-900'000, 900'000});
    }
}

void read_online(const ConfigTable& table, Step& step) {
    step.order = one_of<QueueOrder>(table, "order",
                                    {{"kept", QueueOrder::kept},
                                     {"reversed", QueueOrder::reversed},
                                     {"shuffled", QueueOrder::shuffled}},
                                    "kept");
    step.times = small(table, "copies", IntRange{1, 10}, 1);
}

void read_reboot(const ConfigTable& table, Step& step) {
    step.seconds = seconds(table, 0);
    step.after = one_of<AfterReboot>(table, "charge",
                                     {{"stops", AfterReboot::stops},
                                      {"goes_on", AfterReboot::goes_on},
                                      {"forgotten", AfterReboot::forgets}},
                                     "stops");
}

void read_obey(const ConfigTable& table, Step& step) {
    step.remote_stop = table.boolean("remote_stop", true);
    step.reset = table.boolean("reset", true);
    step.unlock = table.boolean("unlock", true);
    step.delay_ms = table.integer("delay_ms", IntRange{0, 600'000}, 0);
}

void read_say(const ConfigTable& table, Step& step) {
    step.text = table.text("text");
    step.binary = table.boolean("binary", false);
    step.times = small(table, "times", times_range, 1);
}

void read_charge(const ConfigTable& table, Step& step) {
    step.wh = table.integer("wh", register_range, 0);
    step.seconds = seconds(table, 0);
    if (step.wh == 0 && step.seconds == 0) {
        table.problem("wh", "wh or seconds must say how long the charge goes on");
    }
}

void read_status(const ConfigTable& table, Step& step) {
    step.whole = table.boolean("whole", false);
    step.state = one_of<ConnectorState>(table, "state",
                                        {{"available", ConnectorState::available},
                                         {"preparing", ConnectorState::preparing},
                                         {"charging", ConnectorState::charging},
                                         {"suspended", ConnectorState::suspended},
                                         {"finishing", ConnectorState::finishing},
                                         {"faulted", ConnectorState::faulted},
                                         {"unavailable", ConnectorState::unavailable}},
                                        nullptr);
}

Step read_step(const ConfigTable& table) {
    Step step;
    step.kind = one_of<StepKind>(table, "do", kinds(), nullptr);
    switch (step.kind) {
        case StepKind::swipe:
            read_swipe(table, step);
            break;
        case StepKind::start:
            step.card = small(table, "card", card_range, 1);
            step.meter_start = table.integer("meter_start", IntRange{-1, register_range.max}, -1);
            break;
        case StepKind::charge:
            read_charge(table, step);
            break;
        case StepKind::stop:
            read_stop(table, step);
            break;
        case StepKind::repeat:
            step.message = message(table);
            step.times = small(table, "times", times_range, 1);
            break;
        case StepKind::lose:
            step.message = message(table);
            break;
        case StepKind::online:
            read_online(table, step);
            break;
        case StepKind::reconnect:
            step.times = small(table, "times", times_range, 1);
            break;
        case StepKind::reboot:
            read_reboot(table, step);
            break;
        case StepKind::silence:
            step.seconds = seconds(table, 1);
            break;
        case StepKind::wait:
            step.seconds = seconds(table, 1);
            step.random = table.boolean("random", false);
            break;
        case StepKind::clock:
            read_clock(table, step);
            break;
        case StepKind::meter:
            step.wh = table.integer("register_wh", register_range);
            break;
        case StepKind::number:
            step.forgotten = table.boolean("forgotten", true);
            break;
        case StepKind::obey:
            read_obey(table, step);
            break;
        case StepKind::say:
            read_say(table, step);
            break;
        case StepKind::status:
            read_status(table, step);
            break;
        case StepKind::offline:
        case StepKind::together:
            break;
    }
    return step;
}

void read_versions(const ConfigTable& root, Script& script) {
    const std::vector<std::string> named = root.texts("versions");
    if (named.empty()) {
        return;
    }
    script.versions.clear();
    for (const std::string& name : named) {
        if (name == "1.6") {
            script.versions.push_back(OcppVersion::v16);
        } else if (name == "2.0.1") {
            script.versions.push_back(OcppVersion::v201);
        } else {
            root.problem("versions", "must be 1.6 or 2.0.1, but is " + name);
        }
    }
}

void read_curve(const ConfigTable& root, PowerCurve& curve) {
    constexpr IntRange power{1, 10'000'000};
    curve.full_w = root.integer("full_w", power, curve.full_w);
    if (root.has("taper_after_wh")) {
        curve.taper_after_wh = root.integer("taper_after_wh", register_range);
    }
    curve.taper_span_wh = root.integer("taper_span_wh", register_range, curve.taper_span_wh);
    curve.floor_w = root.integer("floor_w", power, curve.floor_w);
}

}  // namespace

bool Script::speaks(OcppVersion version) const {
    return std::find(versions.begin(), versions.end(), version) != versions.end();
}

Expected<Script, std::string> parse_script(std::string_view toml, const std::string& path) {
    const auto reader = ConfigReader::parse(toml, path);
    if (!reader) {
        return Unexpected{reader.error().text()};
    }
    const ConfigTable root = reader->root();
    Script script;
    script.name = root.text("name");
    script.story = root.text("story", std::string{});
    read_versions(root, script);
    read_curve(root, script.curve);
    for (const ConfigTable& table : root.tables("step", script_steps_max)) {
        script.steps.push_back(read_step(table));
        script.cards = std::max(script.cards, script.steps.back().card);
    }
    if (script.steps.empty()) {
        root.problem("step", "at least one [[step]] is needed");
    }
    std::string problems;
    for (const node::ConfigProblem& problem : reader->finish()) {
        problems += (problems.empty() ? "" : "\n") + problem.text();
    }
    if (!problems.empty()) {
        return Unexpected{problems};
    }
    return script;
}

Expected<Script, std::string> read_script(const std::string& path) {
    const auto content = read_text(path, node::config_file_bytes_max);
    if (!content) {
        return Unexpected{content.error()};
    }
    const std::string_view text{reinterpret_cast<const char*>(content->data()), content->size()};
    return parse_script(text, path);
}

std::vector<Script> presets() {
    std::vector<Script> scripts;
    for (const std::string_view text : preset_texts()) {
        auto script = parse_script(text, "preset");
        ENSURE(script.has_value());
        scripts.push_back(std::move(script).value());
    }
    return scripts;
}

std::string_view preset_text(const std::string& name) {
    for (const std::string_view text : preset_texts()) {
        const auto script = parse_script(text, "preset");
        if (script && script->name == name) {
            return text;
        }
    }
    return {};
}

}  // namespace tally::tools
