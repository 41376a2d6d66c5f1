#include "charger_bridge/session/local_list.h"

#include "charger_bridge/ocpp/time_text.h"
#include "ledger/crypto/sha256.h"

namespace tally::bridge {

namespace {

constexpr std::string_view heading{"tally-local-list/v1"};
constexpr std::string_view signature_word{"signature "};
constexpr std::size_t hash_digits{2 * Hash::size};

Hash digest_of(std::string_view signed_text) {
    return tagged_hash("tally/local-list/v1", as_bytes(signed_text));
}

Hash hash_of(const LocalListSalt& salt, std::string_view token) {
    return hmac_sha256(salt.view(), as_bytes(token));
}

/// Takes line after line; remembers where it is for the error.
class Lines {
public:
    explicit Lines(std::string_view text) : m_rest{text} {}

    [[nodiscard]] bool at_end() const { return m_rest.empty(); }
    std::string_view next() {
        ++m_number;
        const std::size_t end = m_rest.find('\n');
        const std::string_view line = m_rest.substr(0, end);
        m_rest.remove_prefix(end == std::string_view::npos ? m_rest.size() : end + 1);
        return line;
    }
    /// What stands behind `word` and a blank on the next line.
    std::optional<std::string_view> next_of(std::string_view word) {
        const std::string_view line = next();
        const bool fits =
            line.size() > word.size() + 1 && line.starts_with(word) && line[word.size()] == ' ';
        return fits ? std::optional{line.substr(word.size() + 1)} : std::nullopt;
    }
    [[nodiscard]] std::string wrong(const std::string& rule) const {
        return "line " + std::to_string(m_number) + ": " + rule;
    }

private:
    std::string_view m_rest;
    std::size_t m_number{0};
};

Expected<Done, std::string> read_head(Lines& lines, LocalList& list) {
    if (lines.next() != heading) {
        return Unexpected{lines.wrong("must be " + std::string{heading})};
    }
    const auto party = lines.next_of("operator");
    const auto id = party ? party_from_text(*party) : std::nullopt;
    if (!id) {
        return Unexpected{lines.wrong("must be operator and three letters")};
    }
    list.party = *id;
    const auto currency = lines.next_of("currency");
    const auto code = currency ? currency_from_text(*currency) : std::nullopt;
    if (!code) {
        return Unexpected{lines.wrong("must be currency and its code")};
    }
    list.currency = *code;
    const auto until = lines.next_of("valid_until");
    const auto time = until ? time_from_text(*until) : std::nullopt;
    if (!time) {
        return Unexpected{
            lines.wrong("must be valid_until and a time such as "
                        "2026-12-31T00:00:00Z")};
    }
    list.valid_until = *time;
    const auto salt = lines.next_of("salt");
    const auto bytes = salt ? fixed_from_hex<LocalListSalt>(*salt) : std::nullopt;
    if (!bytes) {
        return Unexpected{lines.wrong("must be salt and 32 hexadecimal digits")};
    }
    list.salt = *bytes;
    return Done{};
}

Expected<Done, std::string> read_token(Lines& lines, LocalList& list) {
    const std::string_view line = lines.next();
    if (line.size() < hash_digits + 2 || line[hash_digits] != ' ') {
        return Unexpected{lines.wrong("must be 64 hexadecimal digits, a blank and a limit")};
    }
    const auto hash = fixed_from_hex<Hash>(line.substr(0, hash_digits));
    const auto limit = money_from_text(line.substr(hash_digits + 1));
    if (!hash || !limit || *limit < 0 || *limit > amount_max) {
        return Unexpected{lines.wrong("must be 64 hexadecimal digits, a blank and a limit")};
    }
    if (list.limits.size() >= local_list_tokens_max) {
        return Unexpected{
            lines.wrong("more than " + std::to_string(local_list_tokens_max) + " tokens")};
    }
    if (!list.limits.emplace(*hash, *limit).second) {
        return Unexpected{lines.wrong("the token is there twice")};
    }
    return Done{};
}

std::string body_of(const LocalList& list) {
    std::string text{heading};
    text += "\noperator " + to_text(list.party) + "\ncurrency " + to_text(list.currency) +
            "\nvalid_until " + time_to_text(list.valid_until) + "\nsalt " + to_hex(list.salt) +
            "\n";
    for (const auto& [hash, limit] : list.limits) {
        text += to_hex(hash) + " " + money_to_text(limit) + "\n";
    }
    return text;
}

}  // namespace

std::optional<Money> LocalList::limit_of(std::string_view token) const {
    const auto found = limits.find(hash_of(salt, token));
    return found != limits.end() ? std::optional{found->second} : std::nullopt;
}

std::string make_local_list(const LocalList& list, const SecretKey& key) {
    std::string text = body_of(list);
    const Signature signature = sign_digest(key, digest_of(text));
    text += std::string{signature_word} + to_hex(signature) + "\n";
    return text;
}

Expected<LocalList, std::string> read_local_list(std::string_view text, const PublicKey& key) {
    if (text.size() > local_list_bytes_max) {
        return Unexpected{"longer than " + std::to_string(local_list_bytes_max) + " bytes"};
    }
    const std::size_t line_end = text.rfind('\n');
    const bool ends_line = !text.empty() && line_end + 1 == text.size();
    const std::size_t place =
        ends_line ? text.rfind('\n', text.size() - 2) : std::string_view::npos;
    if (text.size() < 2 || place == std::string_view::npos) {
        return Unexpected{
            std::string{"the last line must be signature and 128 hexadecimal digits"}};
    }
    const std::string_view body = text.substr(0, place + 1);
    const std::string_view last = text.substr(place + 1, text.size() - place - 2);
    const auto signature = last.starts_with(signature_word)
                               ? fixed_from_hex<Signature>(last.substr(signature_word.size()))
                               : std::nullopt;
    if (!signature) {
        return Unexpected{
            std::string{"the last line must be signature and 128 hexadecimal digits"}};
    }
    if (!verify_signature(key, digest_of(body), *signature)) {
        return Unexpected{std::string{"the signature is not one of the operator's key"}};
    }
    LocalList list;
    Lines lines{body};
    if (auto head = read_head(lines, list); !head) {
        return Unexpected{head.error()};
    }
    while (!lines.at_end()) {
        if (auto token = read_token(lines, list); !token) {
            return Unexpected{token.error()};
        }
    }
    return list;
}

}  // namespace tally::bridge
