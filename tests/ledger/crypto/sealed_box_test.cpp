#include "ledger/crypto/sealed_box.h"

#include "tests/ledger/base/seeded_random.h"

#include <catch2/catch.hpp>

namespace tally {

namespace {

constexpr const char* purpose{"tally/test/v1"};

}  // namespace

TEST_CASE("a sealed box opens with its key, purpose and context", "[sealed]") {
    test::SeededRandom random{3};
    const SecretKey secret = generate_secret(random);
    const Bytes context = random.bytes(20);
    for (const std::size_t size : {0U, 1U, 15U, 16U, 17U, 1000U}) {
        const Bytes content = random.bytes(size);
        const auto box = seal(public_key_of(secret), purpose, context, content, random);
        REQUIRE(box);
        CHECK(box->size() == size + sealed_box_overhead);
        CHECK(open_sealed(secret, purpose, context, *box) == content);
        CHECK_FALSE(open_sealed(secret, "tally/other/v1", context, *box));
        CHECK_FALSE(open_sealed(secret, purpose, {}, *box));
        CHECK_FALSE(open_sealed(generate_secret(random), purpose, context, *box));
    }
}

TEST_CASE("no bit of a sealed box may differ", "[sealed]") {
    test::SeededRandom random{4};
    const SecretKey secret = generate_secret(random);
    const auto box = seal(public_key_of(secret), purpose, {}, as_bytes("BBB-TOKEN"), random);
    REQUIRE(box);
    for (std::size_t bit = 0; bit < box->size() * 8; ++bit) {
        Bytes changed = *box;
        changed[bit / 8] ^= static_cast<std::uint8_t>(1U << (bit % 8));
        CHECK_FALSE(open_sealed(secret, purpose, {}, changed));
    }
    for (std::size_t length = 0; length < box->size(); ++length) {
        CHECK_FALSE(open_sealed(secret, purpose, {}, ByteView{*box}.first(length)));
    }
}

TEST_CASE("the same content is sealed differently every time", "[sealed]") {
    test::SeededRandom random{5};
    const PublicKey key = public_key_of(generate_secret(random));
    CHECK(seal(key, purpose, {}, as_bytes("x"), random) !=
          seal(key, purpose, {}, as_bytes("x"), random));
}

TEST_CASE("nothing is sealed for a key off the curve", "[sealed]") {
    test::SeededRandom random{6};
    CHECK_FALSE(seal(PublicKey{}, purpose, {}, as_bytes("x"), random));
}

TEST_CASE("the format of a sealed box stays", "[sealed]") {
    test::SeededRandom random{7};
    const SecretKey secret = generate_secret(random);
    const auto box =
        seal(public_key_of(secret), purpose, as_bytes("context"), as_bytes("content"), random);
    REQUIRE(box);
    CHECK(to_hex(secret) == "6304e695733f775322691af5ebdfdd8ce1539ec1ac1b586ce7f51368e66af80d");
    CHECK(to_hex(*box) ==
          "02171240deab1bcb3363cd49edf5f11a3fc9eecb05dae86dd06c08d5c8e5bb0250"
          "765bcbc7fcf45d06867aa7f0bd83c0ee5ac4b4a4a30410719220031671d46ae710ea29");
}

}  // namespace tally
