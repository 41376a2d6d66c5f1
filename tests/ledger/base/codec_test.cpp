#include "ledger/base/codec.h"

#include <catch2/catch.hpp>

#include <limits>

namespace tally {

namespace {

using Three = FixedBytes<3, struct ThreeTag>;

}  // namespace

TEST_CASE("every field has one big-endian encoding of full width", "[codec]") {
    Encoder encoder;
    encoder.u8(0x01)
        .u16(0x0203)
        .u32(0x04050607)
        .u64(0x08090a0b0c0d0e0f)
        .i32(-2)
        .i64(-2)
        .boolean(true)
        .boolean(false)
        .fixed(Three{{'A', 'B', 'C'}})
        .text("hi")
        .var_bytes(Bytes{})
        .raw(Bytes{0xee});
    CHECK(to_hex(encoder.bytes()) ==
          "01"
          "0203"
          "04050607"
          "08090a0b0c0d0e0f"
          "fffffffe"
          "fffffffffffffffe"
          "01"
          "00"
          "414243"
          "000000026869"
          "00000000"
          "ee");
}

TEST_CASE("what was written is read back", "[codec]") {
    Encoder encoder;
    encoder.u8(255)
        .u16(std::numeric_limits<std::uint16_t>::max())
        .u32(std::numeric_limits<std::uint32_t>::max())
        .u64(std::numeric_limits<std::uint64_t>::max())
        .i32(std::numeric_limits<std::int32_t>::min())
        .i64(std::numeric_limits<std::int64_t>::min())
        .boolean(true)
        .fixed(Three{{1, 2, 3}})
        .text("text");
    Decoder decoder{encoder.bytes()};
    CHECK(decoder.u8() == 255);
    CHECK(decoder.u16() == std::numeric_limits<std::uint16_t>::max());
    CHECK(decoder.u32() == std::numeric_limits<std::uint32_t>::max());
    CHECK(decoder.u64() == std::numeric_limits<std::uint64_t>::max());
    CHECK(decoder.i32() == std::numeric_limits<std::int32_t>::min());
    CHECK(decoder.i64() == std::numeric_limits<std::int64_t>::min());
    CHECK(decoder.boolean());
    CHECK(decoder.fixed<Three>() == Three{{1, 2, 3}});
    CHECK(decoder.text(4) == "text");
    CHECK(decoder.finished());
}

TEST_CASE("a decoder fails for good on the first field that does not fit", "[codec]") {
    const Bytes bytes{1, 2, 3};
    Decoder decoder{bytes};
    CHECK(decoder.u32() == 0);
    CHECK_FALSE(decoder.ok());
    CHECK(decoder.u8() == 0);
    CHECK(decoder.remaining() == 0);
    CHECK_FALSE(decoder.finished());
}

TEST_CASE("left-over bytes are not finished", "[codec]") {
    const Bytes bytes{1, 2};
    Decoder decoder{bytes};
    CHECK(decoder.u8() == 1);
    CHECK(decoder.ok());
    CHECK_FALSE(decoder.finished());
}

TEST_CASE("a flag is zero or one", "[codec]") {
    for (unsigned value = 2; value < 256; ++value) {
        const Bytes bytes{static_cast<std::uint8_t>(value)};
        Decoder decoder{bytes};
        static_cast<void>(decoder.boolean());
        CHECK_FALSE(decoder.ok());
    }
}

TEST_CASE("an announced length is checked before anything is taken", "[codec]") {
    SECTION("longer than the caller allows") {
        const Bytes bytes{0, 0, 0, 2, 'h', 'i'};
        Decoder decoder{bytes};
        CHECK(decoder.var_bytes(1).empty());
        CHECK_FALSE(decoder.ok());
    }
    SECTION("longer than the input") {
        const Bytes bytes{0xff, 0xff, 0xff, 0xff, 'h', 'i'};
        Decoder decoder{bytes};
        CHECK(decoder.var_bytes(std::numeric_limits<std::size_t>::max()).empty());
        CHECK_FALSE(decoder.ok());
    }
}

TEST_CASE("a count of items cannot exceed what the input can hold", "[codec]") {
    const Bytes bytes{0, 0, 0, 3, 1, 2, 3, 4, 5, 6};
    CHECK(Decoder{bytes}.count(3, 2) == 3);
    SECTION("above the maximum") {
        Decoder decoder{bytes};
        CHECK(decoder.count(2, 2) == 0);
        CHECK_FALSE(decoder.ok());
    }
    SECTION("above the rest of the input") {
        Decoder decoder{bytes};
        CHECK(decoder.count(3, 3) == 0);
        CHECK_FALSE(decoder.ok());
    }
}

}  // namespace tally
