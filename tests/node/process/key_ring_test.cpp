#include "node/process/key_ring.h"

#include "ledger/crypto/sha256.h"
#include "node/runtime/key_file.h"
#include "tests/ledger/base/temporary_folder.h"
#include "tests/support/ledger_fixture.h"

#include <catch2/catch.hpp>

using namespace tally;
using namespace tally::node;
using tally::test::secret_of;
using tally::test::TemporaryFolder;

namespace {

PublicKey key(const char* name) { return public_key_of(secret_of(name)); }

struct Keys {
    TemporaryFolder folder;
    KeyRing ring{{{{KeyRole::member, secret_of("AAA/member"), next("member")},
                   {KeyRole::consensus, secret_of("AAA/consensus"), next("consensus")},
                   {KeyRole::link, secret_of("AAA/link"), next("link")}}}};
    [[nodiscard]] std::string next(const char* role) const {
        return folder.file(std::string{role} + ".key.next");
    }
    void write(const char* role, const char* name) const {
        REQUIRE(write_new_secret_key(next(role), secret_of(name)));
    }
};

}  // namespace

SCENARIO("a node signs with the key that the ledger names, whenever its file appeared") {
    Keys keys;
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
    Keys keys;
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
    Keys keys;
    keys.write("link", "AAA/link-1");
    REQUIRE(keys.ring.use(KeyRole::link, key("AAA/link-1")));
    const std::vector<SecretKey> secrets = keys.ring.link_secrets();
    REQUIRE(secrets.size() == 2);
    CHECK(public_key_of(secrets[0]) == key("AAA/link-1"));
    CHECK(public_key_of(secrets[1]) == key("AAA/link"));
}
