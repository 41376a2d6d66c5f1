#include "ledger/crypto/sha256.h"

#include <catch2/catch.hpp>

#include <string>

namespace tally {

TEST_CASE("SHA-256 gives the published digests", "[hash]") {
    CHECK(to_hex(sha256(ByteView{})) ==
          "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    CHECK(to_hex(sha256(as_bytes("abc"))) ==
          "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    CHECK(to_hex(sha256(as_bytes(std::string(1'000'000, 'a')))) ==
          "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST_CASE("hashing in pieces equals hashing the whole, and the hasher is reusable", "[hash]") {
    Sha256 hasher;
    const Hash whole = sha256(as_bytes("abc"));
    CHECK(hasher.update(as_bytes("a")).update(ByteView{}).update(as_bytes("bc")).finish() == whole);
    CHECK(hasher.finish() == sha256(ByteView{}));
    CHECK(hasher.update(as_bytes("abc")).finish() == whole);
    CHECK(sha256(as_bytes("ab"), as_bytes("c")) == whole);
    CHECK(sha256(as_bytes("a"), as_bytes("b"), as_bytes("c")) == whole);
}

TEST_CASE("a tag keeps purposes apart", "[hash]") {
    CHECK(tagged_hash("a", as_bytes("bc")) == sha256(as_bytes("\x01"
                                                              "abc")));
    CHECK(tagged_hash("a", as_bytes("bc")) != tagged_hash("ab", as_bytes("c")));
    CHECK(tagged_hash(std::string(64, 't'), {}) == sha256(as_bytes("@" + std::string(64, 't'))));
}

TEST_CASE("HMAC gives the digests of RFC 4231", "[hash]") {
    CHECK(to_hex(hmac_sha256(Bytes(20, 0x0b), as_bytes("Hi There"))) ==
          "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
    CHECK(to_hex(hmac_sha256(as_bytes("Jefe"), as_bytes("what do ya want for nothing?"))) ==
          "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    // A key longer than a block is hashed first.
    CHECK(to_hex(hmac_sha256(Bytes(131, 0xaa),
                             as_bytes("Test Using Larger Than Block-Size Key - Hash Key First"))) ==
          "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

}  // namespace tally
