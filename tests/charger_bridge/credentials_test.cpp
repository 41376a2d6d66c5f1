// Paths, Authorization headers, passwords and guessing.

#include "charger_bridge/ocpp/credentials.h"

#include "ledger/base/system_random.h"

#include <catch2/catch.hpp>

namespace tally::bridge {

using namespace std::chrono_literals;

namespace {

/// OCPP-J 1.6, section 6.2: AL1000 and 20 raw bytes.
constexpr const char* vector_header{"Basic QUwxMDAwOgABAgMEBQYH////////////////"};

Bytes vector_password() {
    Bytes password{0, 1, 2, 3, 4, 5, 6, 7};
    password.resize(20, 0xff);
    return password;
}

}  // namespace

TEST_CASE("the station is the percent-decoded last part of the path") {
    CHECK(station_from_path("/ocpp/CP1") == "CP1");
    CHECK(station_from_path("/ocpp/CP%201%2f2") == "CP 1/2");
    CHECK(station_from_path("/ocpp/CP1?x=1") == "CP1");
    for (const char* const wrong :
         {"", "/", "/ocpp", "/ocpp/", "/other/CP1", "/ocpp/a/b", "/ocpp/%", "/ocpp/%2", "/ocpp/%zz",
          "/ocpp/%00", "/ocpp/%c3%a9", "/ocpp/\x01", "ocpp/CP1"}) {
        INFO(wrong);
        CHECK_FALSE(station_from_path(wrong));
    }
    CHECK(station_from_path("/ocpp/" + std::string(48, 'x')));
    CHECK_FALSE(station_from_path("/ocpp/" + std::string(49, 'x')));
    CHECK_FALSE(station_from_path("/ocpp/" + std::string(10'000, '%')));
}

TEST_CASE("the vector of the specification: raw bytes after the first colon") {
    const auto credentials = credentials_from_header(vector_header);
    REQUIRE(credentials);
    CHECK(credentials->user == "AL1000");
    CHECK(credentials->password == vector_password());
    const auto colons = credentials_from_header("bAsIc YTpiOmM=");  // a:b:c
    REQUIRE(colons);
    CHECK(colons->user == "a");
    CHECK(as_text(colons->password) == "b:c");
}

TEST_CASE("headers that are not basic credentials are none") {
    for (const char* const wrong : {"", "Basic", "Basic ", "Bearer abc", "Basic !!!!", "Basic QUwx",
                                    "Basic Q", "Basic ===="}) {
        INFO(wrong);
        CHECK_FALSE(credentials_from_header(wrong));
    }
    CHECK_FALSE(credentials_from_header("Basic " + std::string(5'000, 'A')));
}

TEST_CASE("only the station's own name and password open its door") {
    SystemRandom random;
    PasswordBook book{random};
    book.add("AL1000", vector_password());
    book.add("AL1001", vector_password());
    using enum PasswordBook::Verdict;
    CHECK(book.check("AL1000", vector_header, "1.2.3.4", 0ms) == accepted);
    CHECK(book.check("AL1001", vector_header, "1.2.3.4", 0ms) == refused);
    CHECK(book.check("AL1002", vector_header, "1.2.3.4", 0ms) == refused);
    CHECK(book.check("", "", "1.2.3.4", 0ms) == refused);
    CHECK(book.check("AL1000", "", "1.2.3.4", 0ms) == refused);
}

TEST_CASE("guessing locks the guesser out for longer and longer, not the charger elsewhere") {
    SystemRandom random;
    PasswordBook book{random};
    book.add("AL1000", vector_password());
    using enum PasswordBook::Verdict;
    for (unsigned i = 0; i <= PasswordBook::guesses_free; ++i) {
        CHECK(book.check("AL1000", "Basic QTpC", "6.6.6.6", 0ms) == refused);
    }
    CHECK(book.check("AL1000", vector_header, "6.6.6.6", 0ms) == locked);
    CHECK(book.check("AL1000", vector_header, "1.2.3.4", 0ms) == accepted);
    CHECK(book.check("AL1000", "Basic QTpC", "6.6.6.6", 1'001ms) == refused);
    CHECK(book.check("AL1000", vector_header, "6.6.6.6", 2'500ms) == locked);
    CHECK(book.check("AL1000", vector_header, "6.6.6.6", 3'100ms) == accepted);
    CHECK(book.check("AL1000", "Basic QTpC", "6.6.6.6", 3'200ms) == refused);
    CHECK(book.check("AL1000", vector_header, "6.6.6.6", 3'200ms) == accepted);
}

TEST_CASE("limit: remembered guessers make room for newer ones") {
    SystemRandom random;
    PasswordBook book{random};
    for (std::size_t i = 0; i < PasswordBook::lockouts_max + 10; ++i) {
        const auto now = std::chrono::milliseconds{static_cast<std::int64_t>(i)};
        CHECK(book.check("x", "", std::to_string(i), now) == PasswordBook::Verdict::refused);
    }
}

}  // namespace tally::bridge
