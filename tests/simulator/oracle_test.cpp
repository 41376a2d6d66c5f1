// Every rule of the oracle, broken once.

#include "tests/simulator/safety_oracle.h"

#include <catch2/catch.hpp>

#include <string>

namespace tally::simulator {
namespace {

Hash digest_of(std::uint8_t name) {
    Hash digest;
    digest.data[0] = name;
    return digest;
}

VoteStatement vote(VoteKind kind, consensus::View view, std::uint8_t block = 0) {
    VoteStatement statement;
    statement.kind = kind;
    statement.view = view;
    statement.digest = digest_of(block);
    return statement;
}

consensus::BlockMeta block(std::uint8_t name, std::uint8_t parent, consensus::Height height) {
    consensus::BlockMeta meta;
    meta.digest = digest_of(name);
    meta.parent = digest_of(parent);
    meta.height = height;
    return meta;
}

QuorumCertificate certificate(const VoteStatement& statement, std::uint64_t signers) {
    QuorumCertificate result{.statement = statement, .bitmap = signers, .signatures = {}};
    for (; signers != 0; signers &= signers - 1) {
        result.signatures.emplace_back();
    }
    return result;
}

/// Four nodes, genesis 0, blocks 1 and 2 on it, 3 on 1.
struct Fixture {
    SafetyOracle oracle{4};
    Fixture() {
        oracle.genesis(block(0, 0, 0));
        oracle.block_seen(block(1, 0, 1));
        oracle.block_seen(block(2, 0, 1));
        oracle.block_seen(block(3, 1, 2));
    }
    void all_send(const VoteStatement& statement, std::size_t count = 3) {
        for (std::size_t node = 0; node < count; ++node) {
            oracle.vote_sent(node, statement);
        }
    }
    [[nodiscard]] bool complains_about(const std::string& what) const {
        return oracle.violation() && oracle.violation()->find(what) != std::string::npos;
    }
};

constexpr auto notarize = VoteKind::notarize;
constexpr auto nullify = VoteKind::nullify;
constexpr auto finalize = VoteKind::finalize;

}  // namespace

TEST_CASE("the oracle lets the ordinary course pass", "[simulator]") {
    Fixture world;
    world.all_send(vote(notarize, 1, 1));
    world.all_send(vote(finalize, 1, 1));
    CHECK(world.oracle.vote_sent(0, vote(finalize, 1, 1)));
    world.all_send(vote(nullify, 2));
    const QuorumCertificate final = certificate(vote(finalize, 1, 1), 7);
    world.oracle.certificate_seen(final);
    world.oracle.committed(2, block(1, 0, 1), Bytes{1}, final);
    world.oracle.committed(3, block(1, 0, 1), Bytes{1}, final);
    world.oracle.restarted(3, block(1, 0, 1), std::nullopt);
    CHECK(world.oracle.final_height(3) == 1);
    CHECK(world.oracle.highest_final() == 1);
    CHECK_FALSE(world.oracle.violation());
}

TEST_CASE("the oracle knows contradictory votes", "[simulator]") {
    Fixture world;
    SECTION("two notarizes in a view") {
        world.all_send(vote(notarize, 1, 1));
        world.oracle.vote_sent(0, vote(notarize, 1, 2));
        CHECK(world.complains_about("second notarize"));
    }
    SECTION("nullify after finalize") {
        world.all_send(vote(notarize, 1, 1));
        world.oracle.vote_sent(0, vote(finalize, 1, 1));
        world.oracle.vote_sent(0, vote(nullify, 1));
        CHECK(world.complains_about("nullify and finalize"));
    }
    SECTION("finalize after nullify") {
        world.all_send(vote(notarize, 1, 1));
        world.oracle.vote_sent(0, vote(nullify, 1));
        world.oracle.vote_sent(0, vote(finalize, 1, 1));
        CHECK(world.complains_about("nullify and finalize"));
    }
    SECTION("finalize without notarization") {
        world.all_send(vote(notarize, 1, 1), 2);
        world.oracle.vote_sent(0, vote(finalize, 1, 1));
        CHECK(world.complains_about("without a notarization"));
    }
    SECTION("a record that goes back") {
        world.oracle.record_changed(0, {vote(notarize, 5, 1), {}, {}},
                                    {vote(notarize, 4, 1), {}, {}});
        CHECK(world.complains_about("went back"));
    }
    SECTION("a notarize made after a nullify of a later view") {
        world.oracle.record_changed(0, {{}, vote(nullify, 5), {}},
                                    {vote(notarize, 4, 1), vote(nullify, 5), {}});
        CHECK(world.complains_about("notarize after nullify"));
    }
}

TEST_CASE("the oracle knows impossible certificates", "[simulator]") {
    Fixture world;
    SECTION("too few signers") {
        world.all_send(vote(nullify, 1));
        world.oracle.certificate_seen(certificate(vote(nullify, 1), 3));
        CHECK(world.complains_about("certificate of 2 signers"));
    }
    SECTION("a vote that was never sent") {
        world.all_send(vote(nullify, 1), 2);
        world.oracle.certificate_seen(certificate(vote(nullify, 1), 7));
        CHECK(world.complains_about("never sent"));
    }
    SECTION("one view nullified and finalized") {
        world.all_send(vote(notarize, 1, 1), 4);
        // Split so that no single node contradicts itself by order: the certificates do.
        world.all_send(vote(finalize, 1, 1));
        world.oracle.vote_sent(3, vote(nullify, 1));
        CHECK_FALSE(world.oracle.violation());
        world.oracle.vote_sent(2, vote(nullify, 1));
        CHECK(world.oracle.violation());
    }
}

TEST_CASE("the oracle knows forks and lost finality", "[simulator]") {
    Fixture world;
    world.all_send(vote(notarize, 1, 1));
    world.all_send(vote(finalize, 1, 1));
    const QuorumCertificate final = certificate(vote(finalize, 1, 1), 7);
    SECTION("two blocks of one height") {
        world.all_send(vote(notarize, 2, 2));
        world.all_send(vote(finalize, 2, 2));
        CHECK(world.complains_about("fork at height 1"));
    }
    SECTION("a commit that nobody finalized") {
        world.oracle.committed(0, block(2, 0, 1), Bytes{2}, final);
        CHECK(world.complains_about("fork at height 1"));
    }
    SECTION("a commit whose finalization never gets out") {
        SafetyOracle quiet{4};
        quiet.genesis(block(0, 0, 0));
        quiet.block_seen(block(1, 0, 1));
        for (std::size_t node = 0; node < 3; ++node) {
            quiet.vote_sent(node, vote(notarize, 1, 1));
        }
        quiet.committed(0, block(1, 0, 1), Bytes{1}, certificate(vote(notarize, 1, 1), 7));
        CHECK_FALSE(quiet.violation());
        quiet.check_end();
        CHECK(quiet.violation());
    }
    SECTION("a commit that leaves a height out") {
        world.all_send(vote(notarize, 2, 3));
        world.all_send(vote(finalize, 2, 3));
        world.oracle.committed(0, block(3, 1, 2), Bytes{3}, certificate(vote(finalize, 2, 3), 7));
        CHECK(world.complains_about("on top of"));
    }
    SECTION("headers that differ") {
        world.oracle.committed(0, block(1, 0, 1), Bytes{1}, final);
        world.oracle.committed(1, block(1, 0, 1), Bytes{2}, final);
        CHECK(world.complains_about("headers differ"));
    }
    SECTION("a node that forgets what it committed") {
        world.oracle.committed(0, block(1, 0, 1), Bytes{1}, final);
        world.oracle.restarted(0, block(0, 0, 0), std::nullopt);
        CHECK(world.complains_about("after it had committed"));
    }
    SECTION("a disk that forgets a vote") {
        world.oracle.check_record(0, {vote(notarize, 1, 1), {}, {}});
        CHECK(world.complains_about("remembers only"));
    }
}

}  // namespace tally::simulator
