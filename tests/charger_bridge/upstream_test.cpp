// The connections to the operator's own central system, over real sockets: bounds, waits and whom
// they trust. Upstream is played by the bridge's own websocket server.

#include "charger_bridge/proxy/upstream.h"

#include "charger_bridge/ocpp/credentials.h"
#include "charger_bridge/server/websocket_server.h"
#include "ledger/base/system_random.h"
#include "tests/charger_bridge/certificates.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <catch2/catch.hpp>

#include <map>
#include <optional>

namespace tally::bridge::test {

using namespace std::chrono_literals;

namespace {

constexpr auto patience = 30s;

/// A central system that lets in who shows the password "secret", and echoes.
class Csms {
public:
    explicit Csms(boost::asio::io_context& io, std::uint16_t port = 0, const TlsFiles& tls = {}) {
        SocketHandlers handlers;
        handlers.authenticate = [this](const Knock& knock,
                                       const std::function<void(bool)>& decide) {
            authorizations.push_back(knock.authorization);
            decide(!knock.authorization.empty());
        };
        handlers.opened = [this](const std::string& station, SocketId socket,
                                 std::string_view protocol) {
            sockets[station] = socket;
            protocols.emplace_back(protocol);
            return true;
        };
        handlers.received = [this](SocketId socket, std::string_view text) {
            server->send(socket, std::string{text});
        };
        handlers.closed = [](SocketId, const std::string&) {};
        handlers.rejected = [this](const std::string& why) { rejected.push_back(why); };
        const bool encrypted = !tls.certificates.empty();
        const auto loaded = encrypted ? *ServerTls::load(tls) : nullptr;
        server = std::make_unique<WebSocketServer>(
            io, std::vector<ListenAt>{{"127.0.0.1", port, encrypted}}, loaded, handlers);
    }
    std::unique_ptr<WebSocketServer> server;
    std::map<std::string, SocketId> sockets;
    std::vector<std::string> authorizations;
    std::vector<std::string> protocols;
    std::vector<std::string> rejected;
};

/// The bridge's side.
struct Lines {
    explicit Lines(boost::asio::io_context& context, const std::string& url,
                   std::chrono::milliseconds wait = 1ms)
        : io{context} {
        config.url = url;
        config.password = "secret";
        config.wait_min = wait;
        config.wait_max = wait * 4;
    }
    void begin() {
        UpstreamHandlers handlers;
        handlers.opened = [this](const std::string& station) { opened.push_back(station); };
        handlers.received = [this](const std::string& /*station*/, const std::string& text) {
            received.push_back(text);
        };
        handlers.closed = [this](const std::string& /*station*/, const std::string& why) {
            closed.push_back(why);
        };
        lines = std::make_unique<UpstreamLines>(io, random, config, handlers);
    }
    template <typename Condition>
    bool run_until(Condition condition) {
        const auto deadline = std::chrono::steady_clock::now() + patience;
        while (!condition()) {
            if (std::chrono::steady_clock::now() > deadline) {
                return false;
            }
            io.run_one_for(100ms);
        }
        return true;
    }

    boost::asio::io_context& io;
    SystemRandom random;
    UpstreamConfig config;
    std::vector<std::string> opened;
    std::vector<std::string> received;
    std::vector<std::string> closed;
    std::unique_ptr<UpstreamLines> lines;
};

std::string url_of(std::uint16_t port) {
    return "ws://127.0.0.1:" + std::to_string(port) + "/ocpp/{id}";
}

}  // namespace

TEST_CASE("upstream: the id takes its place in the path of the URL, and only there") {
    node::WebSocketTarget target;
    REQUIRE(upstream_target("wss://csms.example/a/{id}", "CP 1/x", target));
    CHECK(target.path == "/a/CP%201%2Fx");
    for (const char* const url : {"wss://csms.example/a", "wss://{id}.example/a/{id}",
                                  "http://csms.example/{id}", "", "wss://csms.example"}) {
        INFO(url);
        CHECK_FALSE(upstream_target(url, "CP1", target));
    }
}

TEST_CASE("upstream: a station comes with its id, the password and its sub-protocol") {
    boost::asio::io_context io;
    Csms csms{io};
    Lines bridge{io, url_of(csms.server->port())};
    SECTION("the site's password") {
        bridge.begin();
        bridge.lines->want("CP 1", "ocpp2.0.1", "Basic c2hvd24=");
        REQUIRE(bridge.run_until([&] { return bridge.lines->is_open("CP 1"); }));
        CHECK(csms.authorizations == std::vector<std::string>{"Basic Q1AgMTpzZWNyZXQ="});
    }
    SECTION("what the charger showed") {
        bridge.config.passes_password = true;
        bridge.begin();
        bridge.lines->want("CP 1", "ocpp2.0.1", "Basic c2hvd24=");
        REQUIRE(bridge.run_until([&] { return bridge.lines->is_open("CP 1"); }));
        CHECK(csms.authorizations == std::vector<std::string>{"Basic c2hvd24="});
    }
    CHECK(csms.sockets.contains("CP 1"));
    CHECK(csms.protocols == std::vector<std::string>{"ocpp2.0.1"});
    bridge.lines->send("CP 1", "[1]");
    bridge.lines->send("CP 2", "[2]");
    REQUIRE(bridge.run_until([&] { return !bridge.received.empty(); }));
    CHECK(bridge.received == std::vector<std::string>{"[1]"});
}

TEST_CASE("upstream: a connection that is lost is made again") {
    boost::asio::io_context io;
    Csms csms{io};
    Lines bridge{io, url_of(csms.server->port())};
    bridge.begin();
    bridge.lines->want("CP1", "ocpp1.6", "");
    for (std::size_t time = 1; time <= 3; ++time) {
        REQUIRE(bridge.run_until([&] { return bridge.opened.size() == time; }));
        REQUIRE(bridge.run_until([&] { return csms.sockets.contains("CP1"); }));
        const SocketId socket = csms.sockets.at("CP1");
        csms.sockets.clear();
        if (time == 3) {
            bridge.lines->hang_up("CP1", "malformed_frames");
        } else {
            csms.server->close(socket, "test");
        }
        REQUIRE(bridge.run_until([&] { return bridge.closed.size() >= time; }));
    }
    CHECK(bridge.closed == std::vector<std::string>{"lost", "lost", "malformed_frames"});
    SECTION("until it is not wanted any more") {
        bridge.lines->unwant("CP1");
        io.run_for(50ms);
        CHECK(bridge.opened.size() <= 4);
        CHECK(bridge.lines->open_count() == 0);
        CHECK(bridge.lines->dialing_count() == 0);
    }
}

TEST_CASE("upstream: the wait before the next try is kept when the charger goes and comes") {
    boost::asio::io_context io;
    std::uint16_t closed_port = 0;
    {
        boost::asio::ip::tcp::acceptor gone{io, {boost::asio::ip::make_address("127.0.0.1"), 0}};
        closed_port = gone.local_endpoint().port();
    }
    Lines bridge{io, url_of(closed_port), 3'600'000ms};
    bridge.begin();
    bridge.lines->want("CP1", "ocpp1.6", "");
    REQUIRE(bridge.run_until([&] { return bridge.closed.size() == 1; }));
    CHECK(bridge.closed.front() == "not_reached");
    for (int time = 0; time < 10; ++time) {
        bridge.lines->unwant("CP1");
        bridge.lines->want("CP1", "ocpp1.6", "");
        io.run_for(5ms);
        CHECK(bridge.lines->dialing_count() == 0);
    }
    CHECK(bridge.closed.size() == 1);
}

TEST_CASE("upstream: connections are made so many at a time, the others in order") {
    boost::asio::io_context io;
    // Accepts in the kernel and never says a word.
    boost::asio::ip::tcp::acceptor silent{io, {boost::asio::ip::make_address("127.0.0.1"), 0}};
    Lines bridge{io, url_of(silent.local_endpoint().port())};
    bridge.begin();
    const std::size_t wanted = upstream_dialing_max + 10;
    for (std::size_t i = 0; i < wanted; ++i) {
        bridge.lines->want("CP" + std::to_string(i), "ocpp1.6", "");
    }
    REQUIRE(
        bridge.run_until([&] { return bridge.lines->dialing_count() == upstream_dialing_max; }));
    io.run_for(20ms);
    CHECK(bridge.lines->dialing_count() == upstream_dialing_max);
    for (std::size_t i = 0; i < wanted - 1; ++i) {
        bridge.lines->unwant("CP" + std::to_string(i));
        CHECK(bridge.lines->dialing_count() <= upstream_dialing_max);
    }
    CHECK(bridge.lines->dialing_count() == 1);
}

TEST_CASE("upstream: one that does not read is given up") {
    boost::asio::io_context io;
    Csms csms{io};
    Lines bridge{io, url_of(csms.server->port()), 3'600'000ms};
    bridge.begin();
    bridge.lines->want("CP1", "ocpp1.6", "");
    REQUIRE(bridge.run_until([&] { return bridge.lines->is_open("CP1"); }));
    const std::string text(60'000, ' ');
    for (std::size_t bytes = 0; bytes <= upstream_queue_bytes_max; bytes += text.size()) {
        CHECK(bridge.closed.empty());
        bridge.lines->send("CP1", text);
    }
    REQUIRE(bridge.run_until([&] { return !bridge.closed.empty(); }));
    CHECK(bridge.closed == std::vector<std::string>{"lost"});
}

TEST_CASE("upstream: under TLS only the host of the URL is believed, by the given authority") {
    boost::asio::io_context io;
    const Identity authority = make_authority("AAA");
    const Identity other = make_authority("other");
    const TempFolder folder;
    write_identity(folder, "csms", issue(authority, KeyKind::ec, {"AAA", "localhost", {}}));
    write_file(folder.file("ca.crt"), certificate_pem(authority), 0644);
    write_file(folder.file("other.crt"), certificate_pem(other), 0644);
    TlsFiles files;
    files.certificates = {{folder.file("csms.crt"), folder.file("csms.key")}};
    Csms csms{io, 0, files};
    const std::string port = std::to_string(csms.server->port());
    struct Case {
        std::string ca;
        std::string host;
        bool is_believed;
    };
    for (const Case& it : {Case{"ca.crt", "localhost", true}, Case{"other.crt", "localhost", false},
                           Case{"ca.crt", "127.0.0.1", false}}) {
        INFO(it.ca + " " + it.host);
        Lines bridge{io, "wss://" + it.host + ":" + port + "/ocpp/{id}", 3'600'000ms};
        node::TlsClientOptions options;
        options.ca_file = folder.file(it.ca);
        bridge.config.tls = *node::make_tls_client(options);
        bridge.begin();
        bridge.lines->want("CP1", "ocpp1.6", "");
        REQUIRE(bridge.run_until(
            [&] { return bridge.lines->is_open("CP1") || !bridge.closed.empty(); }));
        CHECK(bridge.lines->is_open("CP1") == it.is_believed);
    }
    CHECK(csms.authorizations.size() == 1);  // Nobody else was shown a password.
}

}  // namespace tally::bridge::test
