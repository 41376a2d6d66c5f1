#include "node/tokens/token_key.h"

#include "ledger/crypto/sha256.h"

#include <algorithm>

namespace tally::node {
namespace {

constexpr std::string_view line_mark{"tally-token-key-v1 "};
constexpr std::string_view hash_tag{"tally/token-hash/v1"};

char raised(char c) noexcept { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; }

}  // namespace

std::optional<std::string> canonical_card(std::string_view text) {
    const bool printable =
        std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c <= '~'; });
    if (text.empty() || text.size() > token_card_bytes_max || !printable) {
        return std::nullopt;
    }
    std::string card{text};
    std::transform(card.begin(), card.end(), card.begin(), raised);
    return card;
}

SharedTokenKey shared_key_of(const SharedSecret& secret) {
    const Hash digest = tagged_hash("tally/token-key/v1", secret.view());
    SharedTokenKey key;
    key.secret = secret;
    std::copy_n(digest.data.begin(), TokenKeyId::size, key.id.data.begin());
    return key;
}

std::string to_line(const SharedTokenKey& key) {
    return std::string{line_mark} + to_hex(key.id) + " " + to_hex(key.secret);
}

Expected<SharedTokenKey, std::string> shared_key_from_line(std::string_view line) {
    constexpr std::size_t id_digits{2 * TokenKeyId::size};
    constexpr std::size_t secret_digits{2 * SharedSecret::size};
    if (!line.starts_with(line_mark) ||
        line.size() != line_mark.size() + id_digits + 1 + secret_digits ||
        line[line_mark.size() + id_digits] != ' ') {
        return Unexpected{
            std::string{"is not a token key: one line \"tally-token-key-v1 ID KEY\" "
                        "as tally tokens new-key writes it"}};
    }
    const auto id = fixed_from_hex<TokenKeyId>(line.substr(line_mark.size(), id_digits));
    const auto secret = fixed_from_hex<SharedSecret>(line.substr(line.size() - secret_digits));
    if (!id || !secret) {
        return Unexpected{std::string{"is not a token key: ID and KEY must be hexadecimal"}};
    }
    const SharedTokenKey key = shared_key_of(*secret);
    if (key.id != *id) {
        return Unexpected{"is a damaged token key: its id is " + to_hex(key.id) + ", not " +
                          to_hex(*id)};
    }
    return key;
}

TokenHash token_hash(const SharedTokenKey& key, std::string_view card) {
    std::string content{hash_tag};
    content += card;
    const Hash digest = hmac_sha256(key.secret.view(), as_bytes(content));
    TokenHash hash;
    std::copy_n(digest.data.begin(), TokenHash::size, hash.data.begin());
    return hash;
}

}  // namespace tally::node
