#include "node/api/tokens_api.h"

#include "node/api/answers.h"

#include <boost/json/array.hpp>

#include <utility>

namespace tally::node {

namespace json = boost::json;

namespace {

constexpr std::string_view cards_path{"/api/v1/tokens/cards"};
constexpr std::string_view drop_path{"/api/v1/tokens/drop"};

json::object set_json(const TokenSetState& state) {
    return {{"key", to_hex(state.key)},
            {"version", state.version},
            {"cards", state.count},
            {"under_way", state.next_version == 0
                              ? json::value(nullptr)
                              : json::value(json::object{{"version", state.next_version},
                                                         {"cards", state.next_count}})}};
}

json::array list(const std::vector<TokenKeyId>& keys) {
    json::array names;
    for (const TokenKeyId& key : keys) {
        names.emplace_back(to_hex(key));
    }
    return names;
}

json::object hub_json(const TokenStatus& status) {
    json::array own;
    for (const TokenSetState& state : status.own) {
        own.emplace_back(set_json(state));
    }
    json::array keys;
    for (const TokenStatus::Key& key : status.keys) {
        json::array members;
        for (const PartyId& party : key.parties) {
            members.emplace_back(to_text(party));
        }
        keys.emplace_back(json::object{{"key", to_hex(key.key)}, {"members", std::move(members)}});
    }
    return {{"own", std::move(own)}, {"keys", std::move(keys)}};
}

/// One card a line, empty lines left out. The error names the line, not the card.
Expected<std::vector<std::string>, std::string> read_cards(std::string_view body) {
    std::vector<std::string> cards;
    std::size_t number{0};
    while (!body.empty()) {
        const std::size_t end = std::min(body.find('\n'), body.size());
        std::string_view line = body.substr(0, end);
        body.remove_prefix(std::min(end + 1, body.size()));
        ++number;
        if (line.ends_with('\r')) {
            line.remove_suffix(1);
        }
        if (line.empty()) {
            continue;
        }
        auto card = canonical_card(line);
        if (!card) {
            return Unexpected{"line " + std::to_string(number) +
                              " is no card: 1 to 36 printable characters"};
        }
        if (cards.size() == tokens_cards_max) {
            return Unexpected{"more than " + std::to_string(tokens_cards_max) + " cards"};
        }
        cards.push_back(std::move(*card));
    }
    return cards;
}

void change_cards(ApiBackend& backend, const HttpRequest& request, const HttpReply& reply) {
    const auto change = request.query.find("change");
    const bool known =
        change != request.query.end() && (change->second == "add" || change->second == "remove");
    if (!known) {
        reply(bad_parameter("change", "must be add or remove"));
        return;
    }
    auto cards = read_cards(request.body);
    if (!cards) {
        reply(http_error(400, "malformed", cards.error()));
        return;
    }
    const std::size_t count = cards->size();
    backend.keep_cards(std::move(cards).value(), change->second == "remove",
                       [reply, count](bool done) {
                           reply(done ? json_response({{"cards", count}})
                                      : http_error(503, "not_taken",
                                                   "this node has no token key ([tokens] keys), "
                                                   "or too much waits: try again"));
                       });
}

void drop(ApiBackend& backend, const HttpRequest& request, const HttpReply& reply) {
    const auto text = [&](const std::string& name) {
        const auto found = request.query.find(name);
        return found == request.query.end() ? std::string{} : found->second;
    };
    const auto key = fixed_from_hex<TokenKeyId>(text("key"));
    if (!key) {
        reply(bad_parameter("key", "must be the id of a token key, 16 hexadecimal digits"));
        return;
    }
    const auto member = party_from_text(text("member"));
    if (!text("member").empty() && !member) {
        reply(bad_parameter("member", "must be three letters"));
        return;
    }
    backend.drop_tokens(*key, member, [reply](std::optional<std::size_t> sets) {
        reply(sets ? json_response({{"sets", *sets}})
                   : http_error(503, "not_taken",
                                "only the hub keeps a register, or too much waits: try again"));
    });
}

}  // namespace

json::object to_json(const TokenView& view) {
    json::array registered;
    for (const TokenRegistry::Row& row : view.registered) {
        json::object item = set_json(row.state);
        item["member"] = to_text(row.member);
        item["older"] = list(row.older);
        registered.emplace_back(std::move(item));
    }
    return {{"keys", list(view.keys)},
            {"phase", view.phase},
            {"cards", view.cards},
            {"version", view.version},
            {"gathered", view.gathered},
            {"hub", view.hub ? json::value(hub_json(*view.hub)) : json::value(nullptr)},
            {"registered", std::move(registered)}};
}

bool is_tokens_path(const std::string& path) { return path == cards_path || path == drop_path; }

void change_tokens(ApiBackend& backend, const HttpRequest& request, const HttpReply& reply) {
    if (request.path == cards_path) {
        change_cards(backend, request, reply);
    } else {
        drop(backend, request, reply);
    }
}

}  // namespace tally::node
