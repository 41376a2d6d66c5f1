#include "ledger/base/bytes.h"

#include <catch2/catch.hpp>

namespace tally {

namespace {
using Four = FixedBytes<4, struct FourTag>;
}

TEST_CASE("hexadecimal goes there and back in either case", "[bytes]") {
    const Bytes bytes{0x00, 0x7f, 0x80, 0xff};
    CHECK(to_hex(bytes) == "007f80ff");
    CHECK(from_hex("007f80ff") == bytes);
    CHECK(from_hex("007F80Ff") == bytes);
    CHECK(from_hex("") == Bytes{});
}

TEST_CASE("hexadecimal of odd length or with other characters is refused", "[bytes]") {
    CHECK_FALSE(from_hex("0"));
    CHECK_FALSE(from_hex("0g"));
    CHECK_FALSE(from_hex("0x00"));
    CHECK_FALSE(from_hex(" 00"));
    CHECK_FALSE(from_hex("00\n"));
}

TEST_CASE("fixed bytes take exactly their length", "[bytes]") {
    CHECK(Four::from(Bytes{1, 2, 3, 4})->data == std::array<std::uint8_t, 4>{1, 2, 3, 4});
    CHECK_FALSE(Four::from(Bytes{1, 2, 3}));
    CHECK_FALSE(Four::from(Bytes{1, 2, 3, 4, 5}));
    CHECK_FALSE(Four::from(Bytes{}));
    CHECK(fixed_from_hex<Four>("01020304"));
    CHECK_FALSE(fixed_from_hex<Four>("010203"));
}

TEST_CASE("fixed bytes are ordered bytewise, unsigned", "[bytes]") {
    CHECK(Four{{0, 0, 0, 1}} < Four{{0, 0, 1, 0}});
    CHECK(Four{{0x7f, 0, 0, 0}} < Four{{0x80, 0, 0, 0}});
    CHECK(Four{}.is_zero());
    CHECK_FALSE(Four{{0, 0, 0, 1}}.is_zero());
}

}  // namespace tally
