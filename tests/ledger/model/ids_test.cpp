#include "ledger/model/ids.h"

#include "ledger/model/result_code.h"
#include "tests/ledger/base/seeded_random.h"
#include "tests/ledger/model/samples.h"

#include <catch2/catch.hpp>

#include <set>

namespace tally {

TEST_CASE("a party is three letters and is written in capitals", "[ids]") {
    CHECK(to_text(*party_from_text("AbC")) == "ABC");
    for (const char* text : {"", "AB", "ABCD", "A1C", "A C", "AB\n",
                             "\xc3\x84"
                             "B"}) {
        CHECK_FALSE(party_from_text(text));
    }
    CHECK_FALSE(is_valid(PartyId{}));
    CHECK_FALSE(is_valid(PartyId{{'a', 'B', 'C'}}));
}

TEST_CASE("an id carries its time in front, so ids sort by time", "[ids]") {
    test::SeededRandom random{1};
    const TransactionId id = make_transaction_id(test::sample_time, random);
    CHECK(time_of(id) == test::sample_time);
    CHECK(time_of(make_transaction_id(0, random)) == 0);
    CHECK(time_of(make_transaction_id(unix_millis_max, random)) == unix_millis_max);
    CHECK(make_transaction_id(test::sample_time - 1, random) < id);
    std::set<TransactionId> seen;
    for (int i = 0; i < 1000; ++i) {
        CHECK(seen.insert(make_transaction_id(test::sample_time, random)).second);
    }
}

TEST_CASE("a reference is read back from its text", "[ids]") {
    const TransactionRef ref = test::sample_authorization();
    CHECK(to_text(ref) ==
          "BBB-01a3185c50000001020304050607080"
          "1");
    CHECK(transaction_ref_from_text(to_text(ref)) == ref);
    CHECK(transaction_ref_from_text("bbb-01A3185C500000010203040506070801") == ref);
    for (const char* text :
         {"", "BBB", "BBB-", "BBB-01a3185c5000000102030405060708",
          "BB1-01a3185c500000010203040506070801", "BBB 01a3185c500000010203040506070801",
          "BBB-01a3185c50000001020304050607080g", "BBB-01a3185c50000001020304050607080101"}) {
        CHECK_FALSE(transaction_ref_from_text(text));
    }
}

TEST_CASE("a reference is read back from its bytes, and its signer is checked", "[ids]") {
    Encoder encoder;
    encode(encoder, test::sample_authorization());
    Bytes bytes = encoder.bytes();
    CHECK(bytes.size() == transaction_ref_bytes);
    Decoder decoder{bytes};
    CHECK(decode_transaction_ref(decoder) == test::sample_authorization());
    CHECK(decoder.finished());
    bytes[0] = 'b';
    Decoder other{bytes};
    static_cast<void>(decode_transaction_ref(other));
    CHECK_FALSE(other.ok());
}

TEST_CASE("names are printable, not empty and bounded", "[ids]") {
    CHECK(is_valid_name("a", 1));
    CHECK(is_valid_name("!~", 2));
    CHECK_FALSE(is_valid_name("", 10));
    CHECK_FALSE(is_valid_name("abc", 2));
    CHECK_FALSE(is_valid_name("a b", 10));
    CHECK_FALSE(is_valid_name("a\x7f", 10));
    CHECK_FALSE(is_valid_name("\xc3\xa4", 10));
    CHECK_FALSE(is_valid_name(std::string_view{"a\0", 2}, 10));
    CHECK(is_valid(TariffRef{"day", 1}));
    CHECK_FALSE(is_valid(TariffRef{"day", 0}));
    CHECK_FALSE(is_valid(TariffRef{"", 1}));
}

TEST_CASE("every result code has a name of its own and its number back", "[result]") {
    std::set<std::string> names;
    for (std::uint32_t number = 0; number <= 0xffffU; ++number) {
        const auto code = result_code_from_number(static_cast<std::uint16_t>(number));
        if (code) {
            CHECK(static_cast<std::uint16_t>(*code) == number);
            CHECK(names.insert(to_text(*code)).second);
        }
    }
    CHECK(names.count("unknown") == 0);
    CHECK(names.size() >= 40);
    CHECK(result_code_from_number(0) == ResultCode::ok);
    CHECK(result_code_from_number(32) == ResultCode::limit_exceeded);
    CHECK(result_code_from_number(68) == ResultCode::rated_amount_differs);
    CHECK_FALSE(result_code_from_number(9));
    CHECK_FALSE(result_code_from_number(0xffff));
}

}  // namespace tally
