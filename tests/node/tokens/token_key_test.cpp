// The shared key and the hash of a card under it: fixed for ever, because operators and the hub
// compare what different releases made.

#include "node/tokens/token_key.h"

#include <catch2/catch.hpp>

namespace tally::node {
namespace {

SharedSecret secret_of(std::uint8_t octet) {
    SharedSecret secret;
    secret.data.fill(octet);
    return secret;
}

}  // namespace

TEST_CASE("a card has one canonical form", "[tokens]") {
    CHECK(canonical_card("04a1b2c3") == "04A1B2C3");
    CHECK(canonical_card("x") == "X");
    CHECK(canonical_card(std::string(36, 'A')) == std::string(36, 'A'));
    for (const char* wrong : {"", "A B", "A\n", "A\x7f", "\xc3\xa4"}) {
        CHECK_FALSE(canonical_card(wrong));
    }
    CHECK_FALSE(canonical_card(std::string(37, 'A')));
}

TEST_CASE("a token hash depends on the key and on every character of the card", "[tokens]") {
    const SharedTokenKey key = shared_key_of(secret_of(7));
    // Made with Python's hmac over b"tally/token-hash/v1" + card, key 32 times 0x07.
    CHECK(to_hex(token_hash(key, "04A1B2C3D4E5F6")) == "46082356bf9428d1989badb96ef51494");
    CHECK(to_hex(key.id) == "c7c2ebaf8ea0d463");
    CHECK(token_hash(key, "A") != token_hash(key, "B"));
    CHECK(token_hash(key, "A") != token_hash(shared_key_of(secret_of(8)), "A"));
}

TEST_CASE("a key file's line is read back, and a damaged one is refused", "[tokens]") {
    const SharedTokenKey key = shared_key_of(secret_of(7));
    const std::string line = to_line(key);
    const auto read = shared_key_from_line(line);
    REQUIRE(read);
    CHECK(read->id == key.id);
    CHECK(read->secret == key.secret);
    std::string damaged = line;
    damaged.back() = damaged.back() == '0' ? '1' : '0';
    const auto other = shared_key_from_line(damaged);
    REQUIRE_FALSE(other);
    CHECK(other.error().find("damaged") != std::string::npos);
    for (const std::string& wrong :
         {std::string{}, line + "0", line.substr(1), line.substr(0, line.size() - 1),
          "tally-token-key-v1 " + std::string(16, 'x') + " " + std::string(64, 'x')}) {
        CHECK_FALSE(shared_key_from_line(wrong));
    }
}

}  // namespace tally::node
