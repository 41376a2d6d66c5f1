// What one peer may make a driver do, hold or answer: each bound reached.

#include "consensus/driver/peer_table.h"
#include "tests/consensus/cluster.h"
#include "tests/consensus/hand_driven.h"

#include <catch2/catch.hpp>

namespace tally::consensus::testing {
namespace {

using namespace std::chrono_literals;

/// One validator of four alone; the test speaks for the others over links of their own. The clock
/// stands still unless a test moves it.
struct Alone {
    Alone() {
        node().start();
        for (ValidatorIndex other = 1; other < 4; ++other) {
            cluster.links.insert({node().id, id_of(other)});
            node().driver->on_connected({id_of(other), member_of(other)});
        }
        cluster.filter = [this](PeerId, PeerId to, const Bytes& frame) {
            const auto message = decode_message(frame);
            REQUIRE(message.has_value());
            sent.emplace_back(to, *message);
            return false;
        };
    }
    Node& node() { return *cluster.nodes[0]; }
    static PeerId id_of(ValidatorIndex index) { return 100 + index; }
    void say(const Message& message, ValidatorIndex from = 1) {
        node().driver->on_message(id_of(from), encode_message(message));
    }
    void be_told_nothing_new() {
        Status status;
        status.epoch = test_epoch;
        status.view = 1;
        status.last_final_digest = genesis_meta().digest;
        for (ValidatorIndex other = 1; other < 4; ++other) {
            say(status, other);
        }
    }
    template <typename T>
    std::size_t count() const {
        std::size_t found{0};
        for (const auto& [to, message] : sent) {
            found += std::holds_alternative<T>(message) ? 1U : 0U;
        }
        return found;
    }
    template <typename T>
    const T* last() const {
        for (auto it = sent.rbegin(); it != sent.rend(); ++it) {
            if (const T* found = std::get_if<T>(&it->second)) {
                return found;
            }
        }
        return nullptr;
    }

    Cluster cluster{4, 0};
    std::vector<std::pair<PeerId, Message>> sent;
};

QuorumCertificate nullification(View view) { return certificate(nullify(view), {1, 2, 3}); }

TEST_CASE("bound: frames of one peer in a second, whatever is in them") {
    Alone alone;
    const Bytes garbage(3, 0xff);
    const std::uint64_t before = alone.node().driver->figures().messages_rejected;
    for (std::uint64_t i = 0; i < messages_per_second_max + 100; ++i) {
        alone.node().driver->on_message(Alone::id_of(1), garbage);
    }
    const DriverFigures figures = alone.node().driver->figures();
    CHECK(figures.messages_rejected - before == messages_per_second_max);
    CHECK(figures.messages_dropped == 100);
    alone.node().driver->on_message(Alone::id_of(2), garbage);  // the others are not affected
    CHECK(alone.node().driver->figures().messages_dropped == 100);
    // Nor is what the same peer says otherwise.
    alone.say(nullification(1));
    CHECK(alone.node().driver->status().view == 2);
    CHECK(encode_message(EnvelopeGossip{Bytes(1)})[0] >> 3U == gossip_field);
}

TEST_CASE("bound: certificates of one peer that are verified in a second") {
    Alone alone;
    QuorumCertificate forged = nullification(5);
    forged.signatures[0].data[4] ^= 1U;
    for (std::uint64_t i = 0; i < certificates_per_second_max + 100; ++i) {
        alone.say(forged);
    }
    CHECK(alone.node().driver->figures().messages_rejected == certificates_per_second_max);
    alone.cluster.now += 1s;
    alone.say(nullification(5));
    CHECK(alone.node().driver->status().view == 6);
}

TEST_CASE("bound: requests and ranges of one peer that are answered in a second") {
    Alone alone;
    for (std::uint64_t id = 1; id <= ranges_per_second_max + 20; ++id) {
        alone.say(RangeRequest{id, 1, 1});
    }
    CHECK(alone.count<RangeResponse>() == ranges_per_second_max);
    for (std::uint64_t id = 1; id <= requests_per_second_max + 100; ++id) {
        alone.say(BlockRequest{id, digest_of('q')}, 2);
    }
    CHECK(alone.count<BlockResponse>() == requests_per_second_max);
    for (std::uint64_t id = 1; id <= requests_per_second_max + 100; ++id) {
        alone.say(CertificateRequest{id, test_epoch, 1, 1}, 3);
    }
    CHECK(alone.count<CertificateResponse>() == requests_per_second_max);
}

TEST_CASE("bound: gossiped envelopes of one peer in a second") {
    Alone alone;
    for (std::uint64_t i = 0; i < gossip_per_second_max + 100; ++i) {
        Bytes envelope(8);
        envelope[0] = static_cast<std::uint8_t>(i);
        envelope[1] = static_cast<std::uint8_t>(i >> 8);
        alone.say(EnvelopeGossip{envelope});
    }
    CHECK(alone.node().mempool->size() == gossip_per_second_max);
}

TEST_CASE("answers that nobody asked for change nothing") {
    Alone alone;
    const View view = alone.node().driver->status().view;
    alone.say(CertificateResponse{7, {nullification(view)}});
    CHECK(alone.node().driver->status().view == view);

    BlockMeta meta = genesis_meta();
    meta.parent = genesis_meta().digest;
    meta.height = 1;
    meta.view = 1;
    meta.time = 5'000;
    const Bytes header = encode_header(meta, {});
    const Hash digest = decode_test_header(header)->digest;
    alone.say(BlockResponse{7, header, {}});
    CHECK(alone.node().driver->figures().unfinalized_blocks == 0);
    alone.say(
        RangeResponse{7, {FinalBlock{header, {}, certificate(finalize(1, 0, digest), {1, 2, 3})}}});
    CHECK(alone.node().application.chain.empty());
    alone.say(EnvelopeResponse{7, {Bytes(3)}});
    CHECK(alone.node().mempool->size() == 0);
    alone.say(EpochProofResponse{7, Bytes(3)});
    CHECK(alone.node().driver->figures().epoch == test_epoch);
    CHECK(alone.node().driver->figures().messages_rejected == 0);
}

TEST_CASE("bound: an answer carries no more certificates than one may") {
    Alone alone;
    const View last = response_certificates_max + 30;
    for (View view = 1; view <= last; ++view) {
        alone.say(nullification(view));
        alone.cluster.now += 10ms;
    }
    alone.say(CertificateRequest{1, test_epoch, 1, last}, 2);
    const auto* answer = alone.last<CertificateResponse>();
    REQUIRE(answer != nullptr);
    CHECK(answer->certificates.size() <= response_certificates_max);
    CHECK(answer->certificates.size() + 1 >= response_certificates_max);
}

TEST_CASE("a view that ends without a block is told with who led, who gave up and why") {
    Alone alone;
    alone.be_told_nothing_new();
    REQUIRE(alone.node().driver->status().role == Role::validator);
    const View view = alone.node().driver->status().view;
    alone.node().submit("wanted");
    alone.cluster.now += 200ms;
    alone.node().driver->on_timer();
    alone.cluster.now += 20ms;
    alone.say(nullification(view));
    const DriverStatus status = alone.node().driver->status();
    REQUIRE(status.nullified.size() == 1);
    const NullifiedView& ended = status.nullified[0];
    CHECK(ended.epoch == test_epoch);
    CHECK(ended.view == view);
    CHECK(ended.leader == member_of(leader_of(view)));
    CHECK(ended.own_reason != NullifyReason::none);
    CHECK(ended.signers == std::vector{member_of(1), member_of(2), member_of(3)});
    CHECK(ended.spent == 220ms);
    REQUIRE(alone.node().nullified.size() == 1);
    CHECK(alone.node().nullified[0].view == view);
    CHECK(status.unfinalized_views == 1);
    REQUIRE(status.entry.has_value());
    CHECK(*status.entry == nullify(view));
}

TEST_CASE("bound: nullified views are remembered up to a number, and many raise the alarm") {
    Alone alone;
    for (View view = 1; view <= unfinalized_views_alarm; ++view) {
        alone.say(nullification(view));
        alone.cluster.now += 2ms;
    }
    DriverStatus status = alone.node().driver->status();
    CHECK(status.nullified.size() == nullified_views_max);
    CHECK(status.nullified.back().view == unfinalized_views_alarm);
    CHECK(status.views_nullified == unfinalized_views_alarm);
    CHECK(status.unfinalized_views == unfinalized_views_alarm);
    alone.say(nullification(unfinalized_views_alarm + 1));
    status = alone.node().driver->status();
    CHECK(status.alarm);
    alone.say(certificate(finalize(unfinalized_views_alarm + 2, 0, digest_of('f')), {1, 2, 3}));
    CHECK_FALSE(alone.node().driver->status().alarm);
}

TEST_CASE("the status says who is connected, who has voted in this view and when it began") {
    Alone alone;
    alone.be_told_nothing_new();
    alone.cluster.now += 30ms;
    const View view = alone.node().driver->status().view;
    alone.say(vote(2, nullify(view)), 2);
    alone.node().driver->on_disconnected(Alone::id_of(3));
    alone.cluster.now += 10ms;
    const DriverStatus status = alone.node().driver->status();
    CHECK(status.time_in_view == 40ms);
    CHECK(status.leader_member == member_of(leader_of(view)));
    REQUIRE(status.votes.size() == 4);
    REQUIRE(status.validators.size() == 4);
    CHECK(status.votes[2].member == member_of(2));
    CHECK(status.votes[2].nullified);
    CHECK_FALSE(status.votes[2].notarized);
    CHECK_FALSE(status.votes[1].nullified);
    CHECK(status.votes[0].connected);
    CHECK(status.votes[1].connected);
    CHECK_FALSE(status.votes[3].connected);
    CHECK(status.votes[2].last_heard_ago == 10ms);
    CHECK(status.votes[1].last_heard_ago == 40ms);
    CHECK_FALSE(status.is_sealing);
}

TEST_CASE("journal syncs are counted and measured") {
    Alone alone;
    alone.be_told_nothing_new();
    const DriverFigures before = alone.node().driver->figures();
    alone.say(nullification(1));  // a certificate is kept before it is passed on
    const DriverFigures after = alone.node().driver->figures();
    CHECK(after.journal_syncs == before.journal_syncs + 1);
    std::uint64_t counted{0};
    for (const std::uint64_t bucket : after.journal_sync_counts) {
        counted += bucket;
    }
    CHECK(counted == after.journal_syncs);
    CHECK(after.journal_sync_max >= after.journal_sync_last);
}

TEST_CASE("evidence is told once it is durable, kept over a crash and told again at the start") {
    Alone alone;
    const Vote first = vote(1, notarize(1, 0, digest_of('a')));
    const Vote second = vote(1, notarize(1, 0, digest_of('b')));
    alone.say(first);
    CHECK(alone.node().evidence.empty());
    alone.say(second);
    const Evidence expected{first, second};
    REQUIRE(alone.node().evidence.size() == 1);  // its port checks that the journal is synced
    CHECK(alone.node().evidence[0] == expected);
    CHECK(alone.node().driver->evidence() == std::vector{expected});
    CHECK(alone.node().driver->figures().evidence == 1);

    alone.node().crash();
    alone.node().evidence.clear();
    alone.node().start();
    CHECK(alone.node().driver->evidence() == std::vector{expected});
    REQUIRE(alone.node().evidence.size() == 1);
    CHECK(alone.node().evidence[0] == expected);

    // The same again is nothing new.
    alone.node().driver->on_connected({Alone::id_of(1), member_of(1)});
    alone.say(first);
    alone.say(second);
    CHECK(alone.node().evidence.size() == 1);
}

TEST_CASE("bound: a liar fills its own share of the evidence and no more") {
    Alone alone;
    for (View view = 1; view <= evidence_per_signer_max + 5; ++view) {
        alone.say(vote(1, notarize(view, 0, digest_of('a'))));
        alone.say(vote(1, notarize(view, 0, digest_of('b'))));
        alone.say(nullification(view), 2);
        alone.cluster.now += 10ms;
    }
    CHECK(alone.node().driver->evidence().size() == evidence_per_signer_max);
    CHECK(alone.node().evidence.size() == evidence_per_signer_max);
    CHECK(alone.node().driver->figures().evidence == evidence_per_signer_max + 5);
    const View view = alone.node().driver->status().view;
    alone.say(vote(2, finalize(view, 0, digest_of('a'))), 2);
    alone.say(vote(2, nullify(view)), 2);
    CHECK(alone.node().driver->evidence().size() == evidence_per_signer_max + 1);
}

}  // namespace
}  // namespace tally::consensus::testing
