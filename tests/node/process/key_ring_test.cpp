#include "node/process/key_ring.h"

#include "ledger/crypto/sha256.h"
#include "tests/node/process/key_files.h"

#include <catch2/catch.hpp>

using namespace tally;
using namespace tally::node;

SCENARIO("a node signs with the key that the ledger names, whenever its file appeared") {
    KeyFiles keys;
    Signer& signer = keys.ring.signer(KeyRole::member);
    CHECK(signer.public_key() == key("AAA/member"));
    CHECK(keys.ring.use(KeyRole::member, key("AAA/member")));
    CHECK_FALSE(keys.ring.use(KeyRole::member, key("AAA/member-1")));
    CHECK(signer.public_key() == key("AAA/member"));

    keys.write("member", "AAA/member-1");
    REQUIRE(keys.ring.use(KeyRole::member, key("AAA/member-1")));
    CHECK(signer.public_key() == key("AAA/member-1"));
    const Hash digest = tagged_hash("test", {});
    CHECK(VerifyKey::parse(key("AAA/member-1"))->verify(digest, signer.sign(digest)));
    CHECK(keys.ring.use(KeyRole::member, key("AAA/member")));
    CHECK(keys.ring.signer(KeyRole::link).public_key() == key("AAA/link"));
}

SCENARIO("the next consensus key is at hand before its epoch begins, the old one until it ends") {
    KeyFiles keys;
    CHECK(keys.ring.find_consensus(key("AAA/consensus-1")) == nullptr);
    keys.write("consensus", "AAA/consensus-1");
    Signer* next = keys.ring.find_consensus(key("AAA/consensus-1"));
    REQUIRE(next != nullptr);
    CHECK(next->public_key() == key("AAA/consensus-1"));
    REQUIRE(keys.ring.use(KeyRole::consensus, key("AAA/consensus-1")));
    Signer* old = keys.ring.find_consensus(key("AAA/consensus"));
    REQUIRE(old != nullptr);
    CHECK(old->public_key() == key("AAA/consensus"));
    CHECK(keys.ring.find_consensus(key("BBB/consensus")) == nullptr);
}

SCENARIO("identities sealed to the link key before open too") {
    KeyFiles keys;
    keys.write("link", "AAA/link-1");
    REQUIRE(keys.ring.use(KeyRole::link, key("AAA/link-1")));
    const std::vector<SecretKey> secrets = keys.ring.link_secrets();
    REQUIRE(secrets.size() == 2);
    CHECK(public_key_of(secrets[0]) == key("AAA/link-1"));
    CHECK(public_key_of(secrets[1]) == key("AAA/link"));
}
