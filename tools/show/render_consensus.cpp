#include "tools/show/render.h"
#include "tools/support/json_api.h"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <fmt/format.h>

#include <string>

namespace tally::tools {

namespace json = boost::json;

namespace {

const json::value& field(const json::value& object, const char* key) {
    static const json::value none;
    const json::value* value = object.is_object() ? object.get_object().if_contains(key) : nullptr;
    return value != nullptr ? *value : none;
}

const json::array& list(const json::value& object, const char* key) {
    static const json::array none;
    const json::value& value = field(object, key);
    return value.is_array() ? value.get_array() : none;
}

std::string milliseconds(const json::value& object, const char* key) {
    json::error_code error;
    const auto number = field(object, key).to_number<double>(error);
    return fmt::format("{:.1f} ms", error ? 0.0 : number);
}

std::string names(const json::array& members) {
    std::string text;
    for (const json::value& member : members) {
        text += (text.empty() ? "" : " ") +
                (member.is_string() ? std::string{member.get_string()} : std::string{"?"});
    }
    return text.empty() ? "nobody" : text;
}

bool is_true(const json::value& object, const char* key) {
    const json::value& value = field(object, key);
    return value.is_bool() && value.get_bool();
}

std::string entry_text(const json::value& answer) {
    const json::value& entry = field(answer, "entry");
    if (!entry.is_object()) {
        return "as the first of its epoch";
    }
    return fmt::format("by the {} of view {}", json_text(entry, "kind"),
                       json_number(entry, "view"));
}

}  // namespace

std::string render_consensus(const json::value& answer) {
    std::string text = fmt::format(
        "epoch {}  view {}  leader {}  for {}, entered {}\nthis node: {}\n",
        json_number(answer, "epoch"), json_number(answer, "view"), json_text(answer, "leader"),
        milliseconds(answer, "time_in_view_ms"), entry_text(answer), json_text(answer, "role"));
    text += fmt::format("final: height {}, view {}; not final: {} views, {} blocks{}{}\n",
                        json_number(answer, "final_height"), json_number(answer, "last_final_view"),
                        json_number(answer, "unfinalized_views"),
                        json_number(answer, "unfinalized_blocks"),
                        is_true(answer, "is_sealing") ? "; the epoch is being sealed" : "",
                        is_true(answer, "alarm") ? "; ALARM: far too many views" : "");
    const json::value& journal = field(answer, "journal");
    text += fmt::format("delta {}; journal syncs {}, last {}, longest {}; evidence found {}\n",
                        milliseconds(answer, "delta_ms"), json_number(journal, "syncs"),
                        milliseconds(journal, "sync_last_ms"), milliseconds(journal, "sync_max_ms"),
                        json_number(answer, "evidence"));
    text += "\nvotes in this view; missing: " + names(list(answer, "missing")) + "\n" +
            render_table(list(answer, "votes"), {"member", "connected", "notarized", "nullified",
                                                 "finalized", "last_heard_ms"});
    if (list(answer, "nullified").empty()) {
        return text + "\nno view without a block since the start\n";
    }
    return text +
           fmt::format("\nviews without a block: {} since the start, the last ones\n",
                       json_number(answer, "views_nullified")) +
           render_table(list(answer, "nullified"),
                        {"epoch", "view", "leader", "own_reason", "spent_ms", "signers"});
}

}  // namespace tally::tools
