#include "charger_bridge/local_list_command.h"

#include "charger_bridge/ocpp/time_text.h"
#include "charger_bridge/session/local_list.h"
#include "charger_bridge/session/session.h"
#include "ledger/base/posix_file_system.h"
#include "ledger/base/system_random.h"
#include "ledger/crypto/sha256.h"
#include "node/runtime/exit_codes.h"
#include "node/runtime/key_file.h"

#include <fmt/format.h>

#include <cstdio>
#include <fstream>
#include <string_view>

namespace tally::bridge {
namespace {

constexpr int exit_wrong{1};

/// One line of the tokens' file into the list; the rule that it breaks, or nothing.
std::string add_token(LocalList& list, std::string_view line) {
    const std::size_t blank = line.find(' ');
    const std::string token = upper_case(line.substr(0, blank));
    const auto limit =
        blank == std::string_view::npos ? std::nullopt : money_from_text(line.substr(blank + 1));
    if (!is_token(token) || !limit || *limit < 0 || *limit > amount_max) {
        return "must be a token (PTY-UID), a blank and a limit";
    }
    const Hash hash = hmac_sha256(list.salt.view(), as_bytes(std::string_view{token}));
    if (!list.limits.emplace(hash, *limit).second) {
        return "the token is there twice";
    }
    return list.limits.size() > local_list_tokens_max ? "too many tokens" : "";
}

/// Everything but the tokens.
Expected<LocalList, std::string> head_of(const SignList& command) {
    LocalList list;
    const auto party = party_from_text(command.party);
    const auto currency = currency_from_text(command.currency);
    const auto until = time_from_text(command.valid_until);
    if (!party) {
        return Unexpected{std::string{"--operator must be three letters"}};
    }
    if (!currency) {
        return Unexpected{std::string{"--currency must be an ISO 4217 code"}};
    }
    if (!until) {
        return Unexpected{std::string{"--valid-until must be such as 2026-12-31T00:00:00Z"}};
    }
    list.party = *party;
    list.currency = *currency;
    list.valid_until = *until;
    SystemRandom random;
    list.salt = random.fixed<LocalListSalt>();
    return list;
}

}  // namespace

int run_sign_list(const SignList& command) {
    auto list = head_of(command);
    if (!list) {
        fmt::print(stderr, "tally-bridge sign-list: {}\n", list.error());
        return exit_wrong;
    }
    const auto key = node::read_secret_key(command.key_file);
    if (!key) {
        fmt::print(stderr, "tally-bridge sign-list: {}\n", key.error().text);
        return node::exit_io;
    }
    std::ifstream tokens{command.tokens};
    if (!tokens) {
        fmt::print(stderr, "tally-bridge sign-list: {} cannot be read\n", command.tokens);
        return node::exit_io;
    }
    std::string line;
    for (std::size_t number = 1; std::getline(tokens, line); ++number) {
        if (const std::string wrong = line.empty() ? "" : add_token(*list, line); !wrong.empty()) {
            fmt::print(stderr, "{}:{}: {}\n", command.tokens, number, wrong);
            return exit_wrong;
        }
    }
    // In one go: a bridge that looks at this moment finds the old list or the new one.
    const std::string text = make_local_list(*list, *key);
    if (!PosixFileSystem{}.write_whole(command.out, as_bytes(text))) {
        fmt::print(stderr, "tally-bridge sign-list: {} cannot be written\n", command.out);
        return node::exit_io;
    }
    fmt::print("{} tokens until {}, signed by {}\n", list->limits.size(),
               time_to_text(list->valid_until), to_hex(public_key_of(*key)));
    return 0;
}

}  // namespace tally::bridge
