#include "node/process/own_keys.h"

#include "node/process/readiness.h"
#include "tests/node/process/key_files.h"

#include <catch2/catch.hpp>

#include <algorithm>

using namespace tally;
using namespace tally::node;

namespace {

/// AAA with the keys of the genesis in its files, and room for others beside them.
struct OwnFiles : KeyFiles {
    OwnKeys keys{ring};
    OwnKeys::Facts facts;

    OwnFiles() {
        facts.own.emplace();
        facts.own->member.member_key = key("AAA/member");
        facts.own->member.consensus_key = key("AAA/consensus");
        facts.own->member.link_key = key("AAA/link");
        facts.is_level = true;
    }
    [[nodiscard]] PublicKey link_key() { return ring.signer(KeyRole::link).public_key(); }
};

bool names(const std::vector<std::string>& reasons, const std::string& part) {
    return std::any_of(reasons.begin(), reasons.end(), [&part](const std::string& reason) {
        return reason.find(part) != std::string::npos;
    });
}

}  // namespace

SCENARIO("a key that changed on the ledger is used as soon as its file is there") {
    OwnFiles member;
    CHECK_FALSE(member.keys.follow(member.facts));
    member.facts.own->member.member_key = key("AAA/member-1");
    CHECK_FALSE(member.keys.follow(member.facts));
    REQUIRE(member.keys.missing().size() == 1);
    CHECK(names(member.keys.missing(), to_hex(key("AAA/member-1"))));
    CHECK(names(member.keys.missing(), "another member key"));

    member.write("member", "AAA/member-1");
    CHECK(member.keys.follow(member.facts));
    CHECK(member.keys.missing().empty());
    CHECK(member.ring.signer(KeyRole::member).public_key() == key("AAA/member-1"));
    CHECK_FALSE(member.keys.follow(member.facts));
}

SCENARIO("a node that is behind and alone tries its other link key, and goes by the ledger again") {
    OwnFiles member;
    member.write("link", "AAA/link-1");
    member.facts.is_level = false;
    member.facts.is_alone = true;
    int looks{0};
    while (member.link_key() == key("AAA/link")) {
        member.keys.follow(member.facts);
        REQUIRE(++looks <= 10);
    }
    CHECK(looks > 1);
    CHECK(member.link_key() == key("AAA/link-1"));
    // Linked: it keeps the key that worked, whatever its old copy of the ledger says.
    member.facts.is_alone = false;
    CHECK_FALSE(member.keys.follow(member.facts));
    CHECK(member.link_key() == key("AAA/link-1"));
    member.facts.own->member.link_key = key("AAA/link-1");
    member.facts.is_level = true;
    CHECK_FALSE(member.keys.follow(member.facts));
    CHECK(member.link_key() == key("AAA/link-1"));
    CHECK(member.keys.missing().empty());
}

SCENARIO("a node that is not a member yet keeps the keys of its files") {
    OwnFiles member;
    member.facts.own.reset();
    member.facts.is_level = false;
    member.facts.is_alone = true;
    for (int look = 0; look < 20; ++look) {
        CHECK_FALSE(member.keys.follow(member.facts));
    }
    CHECK(member.keys.missing().empty());
}

SCENARIO("a node says why it is not ready") {
    ReadinessFacts facts;
    facts.role = consensus::Role::validator;
    facts.validators = 4;
    facts.validators_connected = 2;
    CHECK(not_ready_reasons(facts).empty());
    facts.validators_connected = 1;
    CHECK(names(not_ready_reasons(facts), "linked to 1 validators, a quorum needs 2"));
    facts.role = consensus::Role::follower;
    facts.validators_connected = 2;
    CHECK(names(not_ready_reasons(facts), "a quorum needs 3"));
    facts.validators_connected = 3;
    CHECK(not_ready_reasons(facts).empty());
    facts.is_member = false;
    CHECK(names(not_ready_reasons(facts), "tally member admit"));
    facts.is_member = true;
    facts.role = consensus::Role::observer;
    CHECK(names(not_ready_reasons(facts), "older than votes that others have seen"));
    facts.has_record = false;
    CHECK(names(not_ready_reasons(facts), "lost or damaged"));
    facts.role = consensus::Role::waiting;
    CHECK(names(not_ready_reasons(facts), "waiting for the status"));
    facts.missing_keys = {"no key"};
    facts.stopping = true;
    const auto reasons = not_ready_reasons(facts);
    CHECK(names(reasons, "no key"));
    CHECK(reasons.front() == "stopping");
}
