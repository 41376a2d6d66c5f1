// Two and more honest hubs on loopback: linking, frames, the tie-break, and how links end.

#include "node/link/frame_codec.h"
#include "node/link/read_pace.h"
#include "tests/node/link/link_fixture.h"

#include <catch2/catch.hpp>

using namespace tally;
using namespace tally::node;
using namespace tally::node::test;

namespace {

/// Hub 2 listens, hub 1 dials it, both admit each other.
struct Pair {
    explicit Pair(LinkConfig dialer_config = listening(), LinkConfig listener_config = listening())
        : listener{io, 2, std::move(listener_config)}, dialer{io, 1, std::move(dialer_config)} {
        listener.admitted = {dialer.key()};
        dialer.admitted = {listener.key()};
    }
    [[nodiscard]] bool link() {
        dialer.hub->set_targets({target_of(listener)});
        return wait_for_link();
    }
    [[nodiscard]] bool wait_for_link() {
        return run_until(
            io, [this] { return dialer.linked_to(listener) && listener.linked_to(dialer); });
    }

    asio::io_context io;
    TestHub listener;
    TestHub dialer;
};

}  // namespace

SCENARIO("two members link and exchange frames both ways", "[link]") {
    Pair pair;
    REQUIRE(pair.link());
    CHECK(pair.dialer.connected == std::vector{pair.listener.key()});
    CHECK(pair.listener.connected == std::vector{pair.dialer.key()});

    CHECK(pair.dialer.hub->send(pair.listener.key(), FrameKind::consensus, bytes_of("vote")));
    CHECK(pair.dialer.hub->send(pair.listener.key(), FrameKind::roaming, {}));
    CHECK(pair.listener.hub->send(pair.dialer.key(), FrameKind::bridge, bytes_of("hello")));
    REQUIRE(run_until(pair.io, [&pair] {
        return pair.listener.frames.size() == 2 && pair.dialer.frames.size() == 1;
    }));
    CHECK(pair.listener.frames[0].kind == FrameKind::consensus);
    CHECK(pair.listener.frames[0].body == bytes_of("vote"));
    CHECK(pair.listener.frames[1].kind == FrameKind::roaming);
    CHECK(pair.listener.frames[1].body.empty());
    CHECK(pair.dialer.frames[0].body == bytes_of("hello"));
    CHECK(pair.dialer.frames[0].from == pair.listener.key());

    const LinkMetrics metrics = pair.dialer.hub->metrics();
    CHECK(metrics.frames.at(1).sent == 1);
    CHECK(metrics.frames.at(1).sent_bytes == 4);
    CHECK(metrics.frames.at(3).received == 1);
    CHECK(metrics.established == 1);
}

SCENARIO("what needs a feature is sent only to who announced it", "[link]") {
    LinkConfig older = listening();
    older.features = 0;
    Pair pair{listening(), older};
    REQUIRE(pair.link());
    const auto send = [](const TestHub& from, const TestHub& to, std::uint64_t needs) {
        return from.hub->send(to.key(), FrameKind::roaming, bytes_of("body"), needs);
    };
    CHECK_FALSE(send(pair.dialer, pair.listener, feature_evidence));
    CHECK(send(pair.dialer, pair.listener, 0));
    CHECK(send(pair.listener, pair.dialer, feature_evidence));
    CHECK_FALSE(send(pair.listener, pair.dialer, feature_evidence | 1UL << 63U));
    REQUIRE(run_until(
        pair.io, [&pair] { return !pair.listener.frames.empty() && !pair.dialer.frames.empty(); }));
    CHECK(pair.dialer.hub->metrics().frames.at(2).dropped == 1);
    CHECK(pair.listener.hub->metrics().frames.at(2).dropped == 1);
}

SCENARIO("the largest frame of a kind passes and one byte more is not sent", "[link]") {
    Pair pair;
    REQUIRE(pair.link());
    const Bytes largest(frame_bytes_max(FrameKind::consensus), 0x5a);
    CHECK(pair.dialer.hub->send(pair.listener.key(), FrameKind::consensus, largest));
    Bytes larger = largest;
    larger.push_back(0);
    CHECK_FALSE(pair.dialer.hub->send(pair.listener.key(), FrameKind::consensus, larger));
    REQUIRE(run_until(pair.io, [&pair] { return pair.listener.frames.size() == 1; }));
    CHECK(pair.listener.frames[0].body == largest);
}

SCENARIO("frames sent in one turn of the loop share a TLS write and keep their order", "[link]") {
    Pair pair;
    REQUIRE(pair.link());
    const std::uint64_t writes_before = pair.dialer.hub->metrics().writes;
    constexpr std::size_t count{1000};
    for (std::size_t i = 0; i < count; ++i) {
        REQUIRE(pair.dialer.hub->send(pair.listener.key(), FrameKind::consensus,
                                      bytes_of(std::to_string(i))));
    }
    REQUIRE(run_until(pair.io, [&pair] { return pair.listener.frames.size() == count; }));
    for (std::size_t i = 0; i < count; ++i) {
        REQUIRE(pair.listener.frames[i].body == bytes_of(std::to_string(i)));
    }
    CHECK(pair.dialer.hub->metrics().writes - writes_before <= 2);
}

SCENARIO("who sends more than its pace is read later, in order and without loss", "[link]") {
    LinkConfig slow = listening();
    slow.consensus_frames_per_second = 100;
    Pair pair{listening(), slow};
    REQUIRE(pair.link());
    constexpr std::size_t count{160};
    const auto begin = std::chrono::steady_clock::now();
    for (std::size_t i = 0; i < count; ++i) {
        // Each as large as what is read at a time, so that the pace is looked at after each.
        CHECK(pair.dialer.hub->send(pair.listener.key(), FrameKind::consensus,
                                    Bytes(32UL * 1024, static_cast<std::uint8_t>(i))));
    }
    CHECK(pair.dialer.hub->send(pair.listener.key(), FrameKind::roaming, bytes_of("last")));
    REQUIRE(run_until(pair.io, [&pair] { return pair.listener.frames.size() == count + 1; }));
    CHECK(std::chrono::steady_clock::now() - begin >= std::chrono::milliseconds{500});
    CHECK(pair.listener.frames.back().body == bytes_of("last"));
    for (std::size_t i = 0; i < count; ++i) {
        CHECK(pair.listener.frames[i].body.front() == i);
    }
    CHECK(pair.listener.disconnected.empty());
}

SCENARIO("a pace allows one second's worth at once, then its rate, and saves up no more",
         "[link]") {
    using namespace std::chrono_literals;
    const ReadPace::Time start{1h};
    ReadPace pace{100, start};
    for (int i = 0; i < 100; ++i) {
        pace.took_frame();
    }
    CHECK(pace.pause(start) == 0ns);
    pace.took_frame();
    CHECK(pace.pause(start) == 10ms);
    CHECK(pace.pause(start + 10ms) == 0ns);
    CHECK(pace.pause(start + 1h) == 0ns);
    for (int i = 0; i < 102; ++i) {
        pace.took_frame();
    }
    CHECK(pace.pause(start + 1h) == 20ms);
}

SCENARIO("traffic keys are renewed on a live link", "[link]") {
    LinkConfig config = listening();
    config.writes_per_key_max = 2;
    Pair pair{config};
    REQUIRE(pair.link());
    for (std::size_t i = 1; i <= 20; ++i) {
        REQUIRE(pair.dialer.hub->send(pair.listener.key(), FrameKind::consensus, Bytes(40'000)));
        REQUIRE(pair.listener.hub->send(pair.dialer.key(), FrameKind::consensus, Bytes(10)));
        REQUIRE(run_until(pair.io, [&pair, i] {
            return pair.listener.frames.size() == i && pair.dialer.frames.size() == i;
        }));
    }
    CHECK(pair.dialer.hub->metrics().writes >= 20);
    CHECK(pair.dialer.disconnected.empty());
}

SCENARIO("a member that was removed is cut off at once and stays out", "[link]") {
    Pair pair;
    REQUIRE(pair.link());
    pair.listener.admitted.clear();
    pair.listener.hub->recheck();
    CHECK_FALSE(pair.listener.linked_to(pair.dialer));
    CHECK(pair.listener.disconnected == std::vector{pair.dialer.key()});
    REQUIRE(run_until(pair.io,
                      [&pair] { return pair.listener.refused(LinkRefusal::not_admitted) >= 2; }));
    CHECK(pair.listener.connected.size() == 1);
    CHECK(pair.listener.refused(LinkRefusal::removed) == 1);
}

SCENARIO("recheck leaves those alone that are still admitted", "[link]") {
    Pair pair;
    REQUIRE(pair.link());
    pair.listener.hub->recheck();
    CHECK(pair.listener.linked_to(pair.dialer));
}

SCENARIO("a peer that broke the protocol is barred for a while, then may come back", "[link]") {
    LinkConfig config = listening();
    config.barred_for = std::chrono::milliseconds{150};
    Pair pair{listening(), config};
    REQUIRE(pair.link());
    pair.listener.hub->disconnect(pair.dialer.key(), "nonsense");
    CHECK_FALSE(pair.listener.linked_to(pair.dialer));
    REQUIRE(run_until(pair.io,
                      [&pair] { return pair.listener.refused(LinkRefusal::not_admitted) >= 1; }));
    CHECK(pair.wait_for_link());
    CHECK(pair.listener.connected.size() == 2);
}

SCENARIO("a target whose name leads nowhere is told from one that does not listen", "[link]") {
    asio::io_context io;
    TestHub dialer{io, 1, listening()};
    dialer.hub->set_targets({{public_key(2), "no host has spaces", 1}});
    REQUIRE(run_until(io, [&] { return dialer.refused(LinkRefusal::name_not_found) >= 1; }));
    CHECK(dialer.not_connected == std::set{LinkRefusal::name_not_found});
}

SCENARIO("the dialer comes back when the listener was gone", "[link]") {
    asio::io_context io;
    TestHub dialer{io, 1, listening()};
    auto listener = std::make_unique<TestHub>(io, 2, listening());
    const DialTarget target = target_of(*listener);
    listener->admitted = {dialer.key()};
    dialer.admitted = {listener->key()};
    dialer.hub->set_targets({target});
    REQUIRE(run_until(io, [&] { return dialer.linked_to(*listener); }));

    listener.reset();
    REQUIRE(run_until(io, [&] { return dialer.disconnected.size() == 1; }));
    REQUIRE(run_until(io, [&] { return dialer.refused(LinkRefusal::connection_refused) >= 2; }));
    CHECK(dialer.not_connected == std::set{LinkRefusal::connection_refused});

    LinkConfig config = listening();
    config.listen_port = target.port;
    listener = std::make_unique<TestHub>(io, 2, config);
    listener->admitted = {dialer.key()};
    REQUIRE(
        run_until(io, [&] { return listener->linked_to(dialer) && dialer.linked_to(*listener); }));
    CHECK(dialer.connected.size() == 2);
}

SCENARIO("when both dial at the same time exactly one link remains", "[link]") {
    for (int round = 0; round < 10; ++round) {
        asio::io_context io;
        TestHub first{io, 1, listening()};
        TestHub second{io, 2, listening()};
        first.admitted = {second.key()};
        second.admitted = {first.key()};
        first.hub->set_targets({target_of(second)});
        second.hub->set_targets({target_of(first)});
        const auto settled = [&] {
            const auto links = [](const TestHub& hub) {
                return hub.connected.size() - hub.disconnected.size();
            };
            return links(first) == 1 && links(second) == 1 && first.hub->metrics().pre_auth == 0 &&
                   second.hub->metrics().pre_auth == 0 && first.hub->metrics().dialed >= 1 &&
                   second.hub->metrics().dialed >= 1;
        };
        REQUIRE(run_until(io, settled));
        // A frame each way proves that both kept the same connection.
        REQUIRE(run_until(io, [&] {
            first.hub->send(second.key(), FrameKind::consensus, bytes_of("1"));
            second.hub->send(first.key(), FrameKind::consensus, bytes_of("2"));
            return !first.frames.empty() && !second.frames.empty();
        }));
        CHECK(settled());
        CHECK(first.hub->peers().size() == 1);
    }
}

SCENARIO("a hub that dials itself is refused by itself", "[link]") {
    asio::io_context io;
    TestHub hub{io, 1, listening()};
    hub.admitted = {hub.key()};
    hub.hub->set_targets({target_of(hub)});
    REQUIRE(run_until(io, [&] { return hub.refused(LinkRefusal::self_connection) >= 1; }));
    CHECK(hub.connected.empty());
}

SCENARIO("nodes of different chains do not link", "[link]") {
    LinkConfig other = listening();
    other.chain_id = chain_id(9);
    Pair pair{other};
    pair.dialer.hub->set_targets({target_of(pair.listener)});
    REQUIRE(run_until(pair.io, [&] {
        return pair.listener.refused(LinkRefusal::wrong_chain) >= 1 &&
               pair.dialer.refused(LinkRefusal::cut_off) >= 1;
    }));
    CHECK(pair.dialer.connected.empty());
}

SCENARIO("a listener with another key than the dialed one is not linked", "[link]") {
    Pair pair;
    DialTarget target = target_of(pair.listener);
    target.link_key = public_key(3);
    pair.dialer.admitted.insert(public_key(3));
    pair.dialer.hub->set_targets({target});
    REQUIRE(run_until(pair.io,
                      [&] { return pair.listener.refused(LinkRefusal::wrong_receiver) >= 1; }));
    CHECK(pair.dialer.connected.empty());
    CHECK(pair.listener.connected.empty());
}

SCENARIO("a key without membership gets no answer", "[link]") {
    Pair pair;
    pair.listener.admitted.clear();
    pair.dialer.hub->set_targets({target_of(pair.listener)});
    REQUIRE(run_until(pair.io, [&] {
        return pair.listener.refused(LinkRefusal::not_admitted) >= 1 &&
               pair.dialer.refused(LinkRefusal::cut_off) >= 1;
    }));
    CHECK(pair.listener.connected.empty());
}

SCENARIO("a link is renewed when it is old", "[link]") {
    LinkConfig config = listening();
    config.link_age_max = std::chrono::hours{0};
    Pair pair{config};
    pair.dialer.hub->set_targets({target_of(pair.listener)});
    REQUIRE(run_until(pair.io, [&] {
        return pair.dialer.refused(LinkRefusal::too_old) >= 2 && pair.dialer.connected.size() >= 3;
    }));
}

SCENARIO("a stopped hub says goodbye and calls nobody", "[link]") {
    Pair pair;
    REQUIRE(pair.link());
    pair.listener.hub->stop();
    REQUIRE(run_until(pair.io, [&] { return pair.dialer.disconnected.size() == 1; }));
    CHECK(pair.dialer.refused(LinkRefusal::closed_by_peer) == 1);
    CHECK(pair.listener.disconnected.empty());
    CHECK_FALSE(pair.listener.hub->send(pair.dialer.key(), FrameKind::consensus, {}));
}

SCENARIO("a port in use is reported", "[link]") {
    asio::io_context io;
    TestHub first{io, 1, listening()};
    LinkConfig config = listening();
    config.listen_port = first.hub->port();
    CHECK_THROWS_AS((TestHub{io, 2, config}), std::system_error);
}
