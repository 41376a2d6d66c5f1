// TLS towards chargers, over real sockets: which versions, suites and certificates, what a client
// certificate says, and the bounds of the handshake. The server echoes what it is sent.

#include "charger_bridge/server/websocket_server.h"
#include "tests/charger_bridge/certificates.h"
#include "tests/charger_bridge/ocpp_client.h"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <catch2/catch.hpp>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <future>
#include <thread>

namespace tally::bridge::test {

using namespace std::chrono_literals;

namespace {

/// The authority of the site, the server's two certificates in files, and those files' names.
struct Papers {
    Papers() {
        write_identity(folder, "ec", issue(authority, KeyKind::ec, {"AAA", "bridge ec", {}}));
        write_identity(folder, "rsa", issue(authority, KeyKind::rsa, {"AAA", "bridge rsa", {}}));
        write_file(folder.file("ca.crt"), certificate_pem(authority), 0644);
        files.certificates = {{folder.file("ec.crt"), folder.file("ec.key")},
                              {folder.file("rsa.crt"), folder.file("rsa.key")}};
        files.client_ca_file = folder.file("ca.crt");
    }
    [[nodiscard]] std::shared_ptr<const ServerTls> load() const {
        const auto loaded = ServerTls::load(files);
        INFO((loaded ? std::string{} : loaded.error()));
        REQUIRE(loaded);
        return *loaded;
    }
    Identity authority{make_authority("AAA")};
    TempFolder folder;
    TlsFiles files;
};

const Papers& papers() {
    static const Papers made;
    return made;
}

/// Listens with TLS on the first port and without on the second; lets everybody in.
class Echo {
public:
    explicit Echo(const ServerLimits& limits = {}, const TlsFiles& files = papers().files)
        : m_work{boost::asio::make_work_guard(m_io)} {
        SocketHandlers handlers;
        handlers.authenticate = [this](const Knock& knock,
                                       const std::function<void(bool)>& decide) {
            knocks.push_back(knock);
            decide(true);
        };
        handlers.opened = [](const std::string& /*station*/, SocketId /*socket*/,
                             std::string_view /*protocol*/) { return true; };
        handlers.received = [this](SocketId socket, std::string_view text) {
            server->send(socket, std::string{text});
        };
        handlers.closed = [](SocketId /*socket*/, const std::string& /*why*/) {};
        handlers.rejected = [this](const std::string& why) { rejected.push_back(why); };
        const auto tls = ServerTls::load(files);
        REQUIRE(tls);
        const std::vector<ListenAt> listeners{{"127.0.0.1", 0, true}, {"127.0.0.1", 0, false}};
        server = std::make_unique<WebSocketServer>(m_io, listeners, *tls, handlers, limits);
        m_thread = std::thread{[this] { m_io.run(); }};
    }
    ~Echo() {
        on_loop([this] { server->stop(); });
        m_work.reset();
        m_io.stop();
        m_thread.join();
    }
    void on_loop(const std::function<void()>& action) {
        std::promise<void> done;
        boost::asio::post(m_io, [&] {
            action();
            done.set_value();
        });
        done.get_future().wait();
    }
    std::vector<Knock> seen() {
        std::vector<Knock> result;
        on_loop([&] { result = knocks; });
        return result;
    }
    [[nodiscard]] std::uint16_t port() const { return server->port(0); }
    [[nodiscard]] std::uint16_t plain_port() const { return server->port(1); }

    std::vector<Knock> knocks;
    std::vector<std::string> rejected;

private:
    boost::asio::io_context m_io;

public:
    std::unique_ptr<WebSocketServer> server;

private:
    boost::asio::executor_work_guard<boost::asio::io_context::executor_type> m_work;
    std::thread m_thread;
};

std::string subject_of_server(const OcppClient& client) {
    X509_NAME* const name = X509_get_subject_name(SSL_get0_peer_certificate(client.tls()));
    char text[65]{};
    REQUIRE(X509_NAME_get_text_by_NID(name, NID_commonName, text, sizeof text) > 0);
    return text;
}

bool opens(OcppClient& client) { return client.shake({}).starts_with("HTTP/1.1 101"); }

/// Whether the server takes a client with these settings; what it saw is the last knock.
bool is_taken(Echo& echo, const ClientTls& settings) {
    OcppClient client{echo.port()};
    // With TLS 1.3 a refused certificate shows only in the first read.
    return client.secure(settings.context) && opens(client);
}

}  // namespace

TEST_CASE("tls: the suites that OCPP names, each with the certificate it needs") {
    Echo echo;
    const std::pair<const char*, const char*> suites[]{
        {"ECDHE-ECDSA-AES128-GCM-SHA256", "bridge ec"},
        {"ECDHE-ECDSA-AES256-GCM-SHA384", "bridge ec"},
        {"AES128-GCM-SHA256", "bridge rsa"},
        {"AES256-GCM-SHA384", "bridge rsa"}};
    for (const auto& [suite, certificate] : suites) {
        INFO(suite);
        const ClientTls settings;
        SSL_CTX_set_max_proto_version(settings.context, TLS1_2_VERSION);
        REQUIRE(SSL_CTX_set_cipher_list(settings.context, suite) == 1);
        OcppClient client{echo.port()};
        REQUIRE(client.secure(settings.context));
        CHECK(std::string{SSL_get_cipher_name(client.tls())} == suite);
        CHECK(subject_of_server(client) == certificate);
        CHECK(SSL_get_current_compression(client.tls()) == nullptr);
        REQUIRE(opens(client));
        client.send("hello");
        CHECK(client.receive() == "hello");
    }
    CHECK(echo.seen().back().is_encrypted);
}

TEST_CASE("tls: versions below 1.2 and weak suites are refused") {
    Echo echo;
    for (const int version : {TLS1_VERSION, TLS1_1_VERSION}) {
        const ClientTls settings;
        SSL_CTX_set_min_proto_version(settings.context, version);
        SSL_CTX_set_max_proto_version(settings.context, version);
        CHECK_FALSE(is_taken(echo, settings));
    }
    for (const char* const suite : {"AES128-SHA", "ECDHE-ECDSA-AES128-SHA256", "NULL-SHA256"}) {
        INFO(suite);
        const ClientTls settings;
        SSL_CTX_set_max_proto_version(settings.context, TLS1_2_VERSION);
        REQUIRE(SSL_CTX_set_cipher_list(settings.context, suite) == 1);
        CHECK_FALSE(is_taken(echo, settings));
    }
    const ClientTls good;
    CHECK(is_taken(echo, good));
}

TEST_CASE("tls: no renegotiation and no resumption") {
    Echo echo;
    const ClientTls settings;
    SSL_CTX_set_max_proto_version(settings.context, TLS1_2_VERSION);
    SSL_SESSION* session{nullptr};
    {
        OcppClient client{echo.port()};
        REQUIRE(client.secure(settings.context));
        session = SSL_get1_session(client.tls());
        CHECK(SSL_SESSION_has_ticket(session) == 0);
        SSL_renegotiate(client.tls());
        CHECK(SSL_do_handshake(client.tls()) != 1);
    }
    OcppClient again{echo.port()};
    REQUIRE(SSL_CTX_add_session(settings.context, session) >= 0);
    REQUIRE(again.secure(settings.context));
    CHECK(SSL_session_reused(again.tls()) == 0);
    SSL_SESSION_free(session);
}

TEST_CASE("tls: a client's certificate is read once its chain is verified") {
    Echo echo;
    const Identity own = issue(papers().authority, KeyKind::ec, {"AAA", "CP1", {}});
    const Identity rsa = issue(papers().authority, KeyKind::rsa, {"AAA", "CP2", {}});
    const Identity nameless = issue(papers().authority, KeyKind::ec, {"AAA", "CP1", "CP2"});
    for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
        const auto names = [&](const Identity* identity) {
            const ClientTls settings{identity};
            SSL_CTX_set_max_proto_version(settings.context, version);
            REQUIRE(is_taken(echo, settings));
            return echo.seen().back().certificate;
        };
        CHECK_FALSE(names(nullptr));
        CHECK(names(&own) == CertificateNames{"AAA", "CP1"});
        CHECK(names(&rsa) == CertificateNames{"AAA", "CP2"});
        CHECK_FALSE(names(&nameless));
    }
}

TEST_CASE("tls: certificates of strangers, expired and revoked ones end the handshake") {
    const Identity good = issue(papers().authority, KeyKind::ec, {"AAA", "CP1", {}});
    const Identity revoked = issue(papers().authority, KeyKind::ec, {"AAA", "CP2", {}});
    write_file(papers().folder.file("revoked.crl"), revocation_list(papers().authority, revoked));
    TlsFiles files = papers().files;
    files.client_crl_file = papers().folder.file("revoked.crl");
    Echo echo{{}, files};
    const Identity stranger = make_authority("AAA");
    const Identity forged = issue(stranger, KeyKind::ec, {"AAA", "CP1", {}});
    const Identity expired =
        issue(papers().authority, KeyKind::ec, {"AAA", "CP1", {}, -7200, -3600});
    const Identity early = issue(papers().authority, KeyKind::ec, {"AAA", "CP1", {}, 3600, 7200});
    // Signed by a charger, whose certificate is not one of an authority.
    const Identity below = issue(good, KeyKind::ec, {"AAA", "CP3", {}});
    for (const Identity* const wrong : {&forged, &expired, &early, &revoked, &below}) {
        const ClientTls settings{wrong};
        CHECK_FALSE(is_taken(echo, settings));
    }
    CHECK(echo.seen().empty());
    const ClientTls settings{&good};
    CHECK(is_taken(echo, settings));
}

TEST_CASE("tls: long texts in both directions, a slow and a fast reader") {
    Echo echo;
    for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
        const ClientTls settings;
        SSL_CTX_set_max_proto_version(settings.context, version);
        OcppClient client{echo.port()};
        REQUIRE(client.secure(settings.context));
        REQUIRE(opens(client));
        std::string text(60'000, 'x');
        for (int i = 0; i < 3; ++i) {  // All three wait for the reader at once.
            text[static_cast<std::size_t>(i)] = 'y';
            client.send(text);
        }
        for (int i = 0; i < 3; ++i) {
            CHECK(client.receive().size() == text.size());
        }
        for (int i = 0; i < 200; ++i) {
            const std::string number = std::to_string(i);
            client.send(number);
            CHECK(client.receive() == number);
        }
        client.send("", OcppClient::Opcode::close);
        CHECK(client.is_closed());
        char nothing{0};
        CHECK(SSL_read(client.tls(), &nothing, 1) <= 0);
        // The server said goodbye: nobody cut the line.
        CHECK((SSL_get_shutdown(client.tls()) & SSL_RECEIVED_SHUTDOWN) != 0);
    }
}

TEST_CASE("tls: plain text on the TLS port and TLS on the plain one lead nowhere") {
    Echo echo;
    OcppClient plain{echo.port()};
    CHECK_FALSE(opens(plain));
    CHECK(plain.is_closed());
    const ClientTls settings;
    OcppClient client{echo.plain_port()};
    CHECK_FALSE(client.secure(settings.context));
    OcppClient right{echo.plain_port()};
    CHECK(opens(right));
    CHECK_FALSE(echo.seen().back().is_encrypted);
    CHECK(echo.seen().size() == 1);
}

TEST_CASE("tls: new certificates serve new connections, open ones go on") {
    Echo echo;
    const ClientTls settings;
    OcppClient before{echo.port()};
    REQUIRE(before.secure(settings.context));
    REQUIRE(opens(before));
    CHECK(subject_of_server(before) == "bridge ec");
    TempFolder folder;
    write_identity(folder, "new", issue(papers().authority, KeyKind::ec, {"AAA", "renewed", {}}));
    TlsFiles files;
    files.certificates = {{folder.file("new.crt"), folder.file("new.key")}};
    const auto renewed = ServerTls::load(files);
    REQUIRE(renewed);
    echo.on_loop([&] { echo.server->use_tls(*renewed); });
    OcppClient after{echo.port()};
    REQUIRE(after.secure(settings.context));
    CHECK(subject_of_server(after) == "renewed");
    before.send("still here");
    CHECK(before.receive() == "still here");
}

TEST_CASE("limit: half-open connections wait their turn, and none stays beyond its deadline") {
    Echo echo{{8, 60'000ms}};
    std::vector<std::unique_ptr<OcppClient>> idle;
    for (int i = 0; i < 12; ++i) {
        idle.push_back(std::make_unique<OcppClient>(echo.port()));
    }
    OcppClient late{echo.plain_port()};
    std::size_t most = 0;
    const auto until = std::chrono::steady_clock::now() + 20s;
    while (most < 8 && std::chrono::steady_clock::now() < until) {
        echo.on_loop([&] { most = echo.server->handshaking(); });
    }
    CHECK(most == 8);
    // Idle ones leave; those that waited get their places, the late one among them.
    auto answer = std::async(std::launch::async, [&] { return opens(late); });
    idle.clear();
    CHECK(answer.get());
    echo.on_loop([&] { CHECK(echo.server->handshaking() <= 8); });

    Echo hasty{{8, 50ms}};
    OcppClient silent{hasty.port()};
    CHECK(silent.is_closed());
    OcppClient halting{hasty.plain_port()};
    halting.write("GET /ocpp/CP1 HTTP/1.1\r\n");
    CHECK(halting.is_closed());
}

TEST_CASE("tls: what is wrong with the files is said by name") {
    const Papers& all = papers();
    const auto problem = [](const TlsFiles& files) {
        const auto loaded = ServerTls::load(files);
        return loaded ? std::string{} : loaded.error();
    };
    const auto holds = [](const std::string& text, const std::string& part) {
        INFO(text);
        CHECK(text.find(part) != std::string::npos);
    };
    CHECK(problem(all.files).empty());
    TlsFiles files = all.files;
    files.certificates = {};
    holds(problem(files), "no server certificate");
    files.certificates = {all.files.certificates[0], all.files.certificates[0]};
    holds(problem(files), "another certificate");
    files.certificates = {{all.folder.file("none.crt"), all.folder.file("ec.key")}};
    holds(problem(files), "none.crt");
    files.certificates = {{all.folder.file("ec.crt"), all.folder.file("rsa.key")}};
    holds(problem(files), "rsa.key");
    files.certificates = {{all.folder.file("ec.crt"), all.folder.file("none.key")}};
    holds(problem(files), "none.key");
    write_file(all.folder.file("open.key"), "", 0644);
    files.certificates = {{all.folder.file("ec.crt"), all.folder.file("open.key")}};
    holds(problem(files), "mode 0600");
    files = all.files;
    files.client_ca_file = all.folder.file("ec.key");
    holds(problem(files), "ec.key");
    files = all.files;
    files.client_crl_file = all.folder.file("ca.crt");
    holds(problem(files), "ca.crt");
}

TEST_CASE("certificate names: exactly one O and one CN, plain text, whole DER") {
    const Identity& authority = papers().authority;
    const auto names = [&](const Subject& subject) {
        return names_from_der(certificate_der(issue(authority, KeyKind::ec, subject)));
    };
    CHECK(names({"AAA", "CP 1", {}}) == CertificateNames{"AAA", "CP 1"});
    CHECK_FALSE(names({"", "CP1", {}}));
    CHECK_FALSE(names({"AAA", "", {}}));
    CHECK_FALSE(names({"AAA", "CP1", "CP1"}));
    CHECK_FALSE(names({"AAA", "CP\xc3\xa9", {}}));
    CHECK_FALSE(names({"AAA", std::string("CP1\0CP2", 7), {}}));
    CHECK(names({"AAA", std::string(certificate_name_bytes_max, 'x'), {}}));
    Bytes der = certificate_der(issue(authority, KeyKind::ec, {"AAA", "CP1", {}}));
    der.push_back(0);
    CHECK_FALSE(names_from_der(der));
    der.resize(der.size() - 2);
    CHECK_FALSE(names_from_der(der));
    CHECK_FALSE(names_from_der({}));
    CHECK_FALSE(names_from_der(Bytes(certificate_bytes_max + 1, 0x30)));
}

}  // namespace tally::bridge::test
