// What a peer that breaks the rules of the handshake or of frames gets: nothing, and a count.

#include "node/link/frame_codec.h"
#include "tests/node/link/link_fixture.h"

#include <catch2/catch.hpp>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

using namespace tally;
using namespace tally::node;
using namespace tally::node::test;

namespace {

/// A hub with key 2 that admits key 1.
struct Victim {
    explicit Victim(const LinkConfig& config = listening()) : hub{io, 2, config} {
        hub.admitted = {public_key(1)};
    }
    [[nodiscard]] std::uint16_t port() const { return hub.hub->port(); }
    [[nodiscard]] bool counted(LinkRefusal reason, std::uint64_t times = 1) {
        return run_until(io, [this, reason, times] { return hub.refused(reason) >= times; });
    }

    asio::io_context io;
    TestHub hub;
    TlsContext tls{make_dialer_tls()};
};

/// Sends `bytes` after TLS; whether the hub closed without answering.
bool refused_silently(Victim& victim, const std::function<Bytes(const RawPeer&)>& make_bytes) {
    return run_beside(victim.io, [&victim, &make_bytes] {
        RawPeer peer{victim.port(), victim.tls.get()};
        return peer.tls_ready() && peer.write(make_bytes(peer)) && peer.closed_without_a_word();
    });
}

Bytes raw_header(std::uint32_t length, std::uint8_t kind) {
    return {static_cast<std::uint8_t>(length >> 24U), static_cast<std::uint8_t>(length >> 16U),
            static_cast<std::uint8_t>(length >> 8U), static_cast<std::uint8_t>(length), kind};
}

/// Links as key 1, sends `bytes` and reports whether the hub closed (after pings, perhaps).
bool cut_off_after(Victim& victim, const Bytes& bytes) {
    return run_beside(victim.io, [&victim, &bytes] {
        RawPeer peer{victim.port(), victim.tls.get()};
        return authenticate(peer, 1, victim.hub.key()) && peer.write(bytes) &&
               peer.read(100'000).size() < 100'000;
    });
}

}  // namespace

SCENARIO("a raw peer that follows the rules is linked", "[link]") {
    Victim victim;
    const bool linked = run_beside(victim.io, [&victim] {
        RawPeer peer{victim.port(), victim.tls.get()};
        return authenticate(peer, 1, victim.hub.key());
    });
    CHECK(linked);
    REQUIRE(run_until(victim.io, [&victim] { return !victim.hub.connected.empty(); }));
    CHECK(victim.hub.connected == std::vector{public_key(1)});
}

SCENARIO("an AUTH1 that was sent on another connection is refused", "[link]") {
    Victim victim;
    const Bytes recorded = run_beside(victim.io, [&victim] {
        RawPeer peer{victim.port(), victim.tls.get()};
        return auth_of(1, AuthRole::dialer, victim.hub.key(), peer.binding());
    });
    CHECK(refused_silently(victim, [&recorded](const RawPeer&) { return recorded; }));
    CHECK(victim.counted(LinkRefusal::bad_signature));
    CHECK(victim.hub.connected.empty());
}

SCENARIO("AUTH1 with any byte changed is refused without an answer", "[link]") {
    Victim victim;
    for (const std::size_t at : {0U, 1U, 33U, 65U, 66U, 99U, 132U, 140U, 203U}) {
        CAPTURE(at);
        CHECK(refused_silently(victim, [&victim, at](const RawPeer& peer) {
            Bytes bytes = auth_of(1, AuthRole::dialer, victim.hub.key(), peer.binding());
            bytes[at] ^= 1U;
            return bytes;
        }));
    }
    CHECK(victim.hub.connected.empty());
}

SCENARIO("a man in the middle who ends TLS on both sides cannot relay the proofs", "[link]") {
    Victim victim;
    RawListener middle;
    const TlsContext middle_tls = make_listener_tls();
    LinkConfig config = listening();
    config.targets = {{victim.hub.key(), "127.0.0.1", middle.port()}};
    TestHub dialer{victim.io, 1, config};
    dialer.admitted = {victim.hub.key()};

    const bool relayed = run_beside(victim.io, [&] {
        RawPeer from_dialer = middle.accept(middle_tls.get());
        RawPeer to_victim{victim.port(), victim.tls.get()};
        const Bytes auth1 = from_dialer.read(auth_message_bytes);
        to_victim.write(auth1);
        return auth1.size() == auth_message_bytes && to_victim.closed_without_a_word();
    });
    CHECK(relayed);
    CHECK(victim.counted(LinkRefusal::bad_signature));
    CHECK(victim.hub.connected.empty());
    CHECK(dialer.connected.empty());
}

SCENARIO("a listener that sends the dialer its own AUTH1 back is refused", "[link]") {
    asio::io_context io;
    RawListener listener;
    const TlsContext tls = make_listener_tls();
    LinkConfig config = listening();
    config.targets = {{public_key(2), "127.0.0.1", listener.port()}};
    TestHub dialer{io, 1, config};
    dialer.admitted = {public_key(1), public_key(2)};
    run_beside(io, [&] {
        RawPeer peer = listener.accept(tls.get());
        peer.write(peer.read(auth_message_bytes));
        return peer.closed_without_a_word();
    });
    REQUIRE(run_until(io, [&] { return dialer.refused(LinkRefusal::wrong_role) >= 1; }));
    CHECK(dialer.connected.empty());
}

SCENARIO("a listener that proves another key than the dialed one is refused", "[link]") {
    asio::io_context io;
    RawListener listener;
    const TlsContext tls = make_listener_tls();
    LinkConfig config = listening();
    config.targets = {{public_key(2), "127.0.0.1", listener.port()}};
    TestHub dialer{io, 1, config};
    dialer.admitted = {public_key(2), public_key(3)};
    run_beside(io, [&] {
        RawPeer peer = listener.accept(tls.get());
        static_cast<void>(peer.read(auth_message_bytes));
        peer.write(auth_of(3, AuthRole::listener, public_key(1), peer.binding()));
        return peer.closed_without_a_word();
    });
    REQUIRE(run_until(io, [&] { return dialer.refused(LinkRefusal::wrong_peer) >= 1; }));
    CHECK(dialer.connected.empty());
}

SCENARIO("a client of TLS 1.2 finds no common version", "[link]") {
    Victim victim;
    SSL_CTX_set_min_proto_version(victim.tls.get(), TLS1_2_VERSION);
    SSL_CTX_set_max_proto_version(victim.tls.get(), TLS1_2_VERSION);
    const bool handshake = run_beside(victim.io, [&victim] {
        return RawPeer{victim.port(), victim.tls.get()}.tls_ready();
    });
    CHECK_FALSE(handshake);
    CHECK(victim.counted(LinkRefusal::tls_failed));
}

SCENARIO("a client without our ALPN name is refused", "[link]") {
    Victim victim;
    WHEN("it names no protocol at all") {
        SSL_CTX_set_alpn_protos(victim.tls.get(), nullptr, 0);
        CHECK(refused_silently(victim, [&victim](const RawPeer& peer) {
            return auth_of(1, AuthRole::dialer, victim.hub.key(), peer.binding());
        }));
        CHECK(victim.counted(LinkRefusal::no_alpn));
    }
    WHEN("it names another one") {
        const Bytes list = bytes_of("\x02h2");
        SSL_CTX_set_alpn_protos(victim.tls.get(), list.data(), static_cast<unsigned>(list.size()));
        run_beside(victim.io, [&victim] {
            return RawPeer{victim.port(), victim.tls.get()}.tls_ready();
        });
        CHECK(victim.counted(LinkRefusal::tls_failed));
    }
    CHECK(victim.hub.connected.empty());
}

SCENARIO("a server whose certificate is not Ed25519 is refused by the dialer", "[link]") {
    asio::io_context io;
    RawListener listener;
    SSL_CTX* tls = SSL_CTX_new(TLS_server_method());
    EVP_PKEY* key = EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-256");
    X509* certificate = X509_new();
    X509_set_pubkey(certificate, key);
    X509_gmtime_adj(X509_getm_notBefore(certificate), 0);
    X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
    X509_sign(certificate, key, EVP_sha256());
    SSL_CTX_use_certificate(tls, certificate);
    SSL_CTX_use_PrivateKey(tls, key);

    LinkConfig config = listening();
    config.targets = {{public_key(2), "127.0.0.1", listener.port()}};
    TestHub dialer{io, 1, config};
    run_beside(io, [&] { return listener.accept(tls).tls_ready(); });
    CHECK(run_until(io, [&] { return dialer.refused(LinkRefusal::tls_failed) >= 1; }));
    X509_free(certificate);
    EVP_PKEY_free(key);
    SSL_CTX_free(tls);
}

SCENARIO("garbage instead of TLS is refused", "[link]") {
    Victim victim;
    run_beside(victim.io, [&victim] {
        RawPeer peer{victim.port(), nullptr};
        peer.write(bytes_of("GET / HTTP/1.1\r\nHost: x\r\n\r\n"));
        return peer.read(1000).size();
    });
    CHECK(victim.counted(LinkRefusal::tls_failed));
}

SCENARIO("garbage instead of AUTH1 is refused without an answer", "[link]") {
    Victim victim;
    CHECK(refused_silently(victim, [](const RawPeer&) { return Bytes(auth_message_bytes, 0xff); }));
    CHECK(victim.counted(LinkRefusal::wrong_version));
}

SCENARIO("a frame where READY belongs ends the connection", "[link]") {
    Victim victim;
    const bool closed = run_beside(victim.io, [&victim] {
        RawPeer peer{victim.port(), victim.tls.get()};
        peer.write(auth_of(1, AuthRole::dialer, victim.hub.key(), peer.binding()));
        const bool proved = peer.read(auth_message_bytes).size() == auth_message_bytes;
        Bytes frame;
        append_frame(frame, 1, bytes_of("too early"));
        return proved && peer.write(frame) && peer.closed_without_a_word();
    });
    CHECK(closed);
    CHECK(victim.counted(LinkRefusal::not_ready));
    CHECK(victim.hub.frames.empty());
}

SCENARIO("an oversized frame is cut off when announced", "[link]") {
    Victim victim;
    const auto limit = static_cast<std::uint32_t>(frame_bytes_max(FrameKind::bridge));
    for (const std::uint32_t length : {limit + 1, 0x7fffffffU, 0xffffffffU}) {
        CAPTURE(length);
        CHECK(cut_off_after(victim, raw_header(length, 3)));
    }
    CHECK(victim.counted(LinkRefusal::oversized_frame, 3));
}

SCENARIO("frames of unknown kind and wrong control frames are cut off", "[link]") {
    Victim victim;
    CHECK(cut_off_after(victim, raw_header(0, 0)));
    CHECK(cut_off_after(victim, raw_header(0, 99)));
    CHECK(victim.counted(LinkRefusal::unknown_kind, 2));
    CHECK(cut_off_after(victim, raw_header(0, kind_ready)));
    CHECK(cut_off_after(victim, raw_header(0, kind_ping)));
    CHECK(cut_off_after(victim, raw_header(0, kind_pong)));
    CHECK(victim.counted(LinkRefusal::malformed_control, 3));
}

SCENARIO("whoever is slow to prove itself is cut off at the deadline", "[link]") {
    LinkConfig config = listening();
    config.handshake_deadline = std::chrono::milliseconds{100};
    Victim victim{config};
    SECTION("before TLS") {
        const bool closed = run_beside(victim.io, [&victim] {
            RawPeer peer{victim.port(), nullptr};
            return peer.closed_without_a_word();
        });
        CHECK(closed);
    }
    SECTION("after TLS, with half an AUTH1") {
        CHECK(refused_silently(victim, [&victim](const RawPeer& peer) {
            Bytes half = auth_of(1, AuthRole::dialer, victim.hub.key(), peer.binding());
            half.resize(auth_message_bytes / 2);
            return half;
        }));
    }
    SECTION("before READY") {
        const bool closed = run_beside(victim.io, [&victim] {
            RawPeer peer{victim.port(), victim.tls.get()};
            peer.write(auth_of(1, AuthRole::dialer, victim.hub.key(), peer.binding()));
            return peer.read(auth_message_bytes).size() == auth_message_bytes &&
                   peer.closed_without_a_word();
        });
        CHECK(closed);
    }
    CHECK(victim.counted(LinkRefusal::deadline));
}

SCENARIO("connections that have not proved themselves are capped", "[link]") {
    LinkConfig config = listening();
    config.pre_auth_max = 3;
    Victim victim{config};
    std::vector<RawPeer> peers;
    for (int i = 0; i < 5; ++i) {
        peers.emplace_back(victim.port(), nullptr);
    }
    CHECK(victim.counted(LinkRefusal::pre_auth_full, 2));
    CHECK(victim.hub.hub->metrics().pre_auth == 3);
    peers.clear();
    CHECK(run_until(victim.io, [&] { return victim.hub.hub->metrics().pre_auth == 0; }));
}

SCENARIO("one address may open only so many connections a second", "[link]") {
    LinkConfig config = listening();
    config.loopback_accepts_burst = 3;
    config.loopback_accepts_per_second = 0.001;
    Victim victim{config};
    std::vector<RawPeer> peers;
    for (int i = 0; i < 5; ++i) {
        peers.emplace_back(victim.port(), nullptr);
    }
    CHECK(victim.counted(LinkRefusal::rate_limited, 2));
}

SCENARIO("a peer that falls silent is given up", "[link]") {
    LinkConfig config = listening();
    config.heartbeat_interval = std::chrono::milliseconds{50};
    config.silence_max = std::chrono::milliseconds{200};
    Victim victim{config};
    const bool closed = run_beside(victim.io, [&victim] {
        RawPeer peer{victim.port(), victim.tls.get()};
        // Reads pings, answers none: what a stopped process looks like from outside.
        return authenticate(peer, 1, victim.hub.key()) && peer.read(100'000).size() < 100'000;
    });
    CHECK(closed);
    CHECK(victim.counted(LinkRefusal::silent));
    CHECK(victim.hub.disconnected.size() == 1);
}

SCENARIO("honest peers with nothing to say stay linked and measure the round trip", "[link]") {
    LinkConfig config = listening();
    config.heartbeat_interval = std::chrono::milliseconds{20};
    config.silence_max = std::chrono::milliseconds{1000};
    asio::io_context io;
    TestHub listener{io, 2, config};
    TestHub dialer{io, 1, config};
    listener.admitted = {dialer.key()};
    dialer.admitted = {listener.key()};
    dialer.hub->set_targets({target_of(listener)});
    const auto start = std::chrono::steady_clock::now();
    REQUIRE(run_until(io, [&] {
        const LinkMetrics metrics = dialer.hub->metrics();
        return !metrics.peers.empty() && metrics.peers[0].round_trip &&
               std::chrono::steady_clock::now() - start > std::chrono::milliseconds{1500};
    }));
    CHECK(dialer.disconnected.empty());
}

SCENARIO("a peer that does not read cannot make us buffer more than the bound", "[link]") {
    Victim victim;
    const PublicKey peer_key = public_key(1);
    std::promise<void> enough;
    auto raw = std::async(std::launch::async, [&victim, done = enough.get_future()] {
        RawPeer peer{victim.port(), victim.tls.get()};
        const bool linked = authenticate(peer, 1, victim.hub.key());
        done.wait();
        return linked;
    });
    REQUIRE(run_until(victim.io, [&] { return victim.hub.hub->is_connected(peer_key); }));
    const Bytes body(1'000'000, 1);
    REQUIRE(run_until(victim.io,
                      [&] { return !victim.hub.hub->send(peer_key, FrameKind::consensus, body); }));
    const std::size_t queued = victim.hub.hub->metrics().peers.at(0).queued_bytes;
    CHECK(queued <= outbound_bytes_max);
    CHECK(queued > outbound_bytes_max - 2 * body.size());
    CHECK(victim.hub.hub->is_connected(peer_key));  // Consensus repairs itself.
    CHECK(victim.hub.hub->metrics().frames.at(1).dropped >= 1);

    // Roaming frames are repeated by their senders, and may be those of other members.
    CHECK_FALSE(victim.hub.hub->send(peer_key, FrameKind::roaming, Bytes(1)));
    CHECK(victim.hub.hub->is_connected(peer_key));
    CHECK(victim.hub.hub->metrics().frames.at(2).dropped >= 1);

    const Bytes small(10'000, 1);
    REQUIRE(run_until(victim.io,
                      [&] { return !victim.hub.hub->send(peer_key, FrameKind::bridge, small); }));
    CHECK(victim.counted(LinkRefusal::queue_full));
    CHECK_FALSE(victim.hub.hub->is_connected(peer_key));
    enough.set_value();
    CHECK(raw.get());
}
