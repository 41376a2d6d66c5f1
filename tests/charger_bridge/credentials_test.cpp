// Paths and Authorization headers.

#include "charger_bridge/ocpp/credentials.h"

#include <catch2/catch.hpp>

namespace tally::bridge {

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

}  // namespace tally::bridge
