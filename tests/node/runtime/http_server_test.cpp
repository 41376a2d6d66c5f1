#include "node/runtime/http_server.h"

#include "node/runtime/http_client.h"
#include "tests/node/runtime/http_fixture.h"

#include <boost/asio/steady_timer.hpp>
#include <catch2/catch.hpp>
#include <unistd.h>

#include <fstream>
#include <future>
#include <system_error>
#include <vector>

using namespace tally::node;
using namespace tally::node::test;

namespace {

const std::string host_line{"Host: x\r\n"};

std::string get(const std::string& target, const std::string& more = "") {
    return "GET " + target + " HTTP/1.1\r\n" + host_line + more + "\r\n";
}

HttpLimits with_short_deadlines() {
    HttpLimits limits;
    limits.header_deadline = std::chrono::milliseconds{150};
    limits.body_deadline = std::chrono::milliseconds{150};
    limits.idle_deadline = std::chrono::milliseconds{150};
    limits.reply_deadline = std::chrono::milliseconds{150};
    return limits;
}

/// A file in the temporary folder that is removed again.
struct TemporaryFile {
    explicit TemporaryFile(const std::string& content)
        : path{"/tmp/tally-http-test-" + std::to_string(::getpid())} {
        std::ofstream{path, std::ios::binary} << content;
    }
    ~TemporaryFile() { ::unlink(path.c_str()); }
    TemporaryFile(const TemporaryFile&) = delete;
    TemporaryFile& operator=(const TemporaryFile&) = delete;
    std::string path;
};

}  // namespace

SCENARIO("a request reaches the handler decoded", "[http]") {
    HttpRequest seen;
    RunningServer server{[&seen](const HttpRequest& request, const HttpReply& reply) {
        seen = request;
        echo(request, reply);
    }};
    HttpClientRequest request;
    request.method = "POST";
    request.url = server.url("/a%20b/c?x=1&y=%E5%85%85+z&x=2&flag");
    request.bearer_token = "secret";
    request.body = "{}";
    const auto response = http_request(request);
    REQUIRE(response);
    CHECK(response->status == 200);
    CHECK(response->body == "POST /a b/c {}");
    CHECK(response->content_type == "text/plain");
    CHECK(response->headers.at("x-content-type-options") == "nosniff");
    CHECK(seen.query ==
          std::map<std::string, std::string>{{"x", "2"}, {"y", "\xe5\x85\x85 z"}, {"flag", ""}});
    CHECK(seen.bearer_token == "secret");
    CHECK(seen.content_type == "application/json");
    CHECK(seen.remote_address == "127.0.0.1");
}

SCENARIO("pipelined requests are answered in order on one connection", "[http]") {
    RunningServer server{echo};
    const std::string answers =
        say(server.port(), get("/1") + get("/2") + get("/3", "Connection: close\r\n"));
    const std::size_t first = answers.find("GET /1 ");
    const std::size_t second = answers.find("GET /2 ");
    const std::size_t third = answers.find("GET /3 ");
    CHECK(first < second);
    CHECK(second < third);
    CHECK(third != std::string::npos);
    CHECK(answers.find("(timeout)") == std::string::npos);
}

SCENARIO("HEAD has the length and not the body", "[http]") {
    RunningServer server{echo};
    const std::string answer =
        say(server.port(), "HEAD /x HTTP/1.1\r\n" + host_line + "Connection: close\r\n\r\n");
    CHECK(status_of(answer) == 200);
    CHECK(answer.find("Content-Length: 7\r\n") != std::string::npos);
    CHECK(answer.substr(answer.size() - 4) == "\r\n\r\n");
}

SCENARIO("requests whose end is ambiguous are refused and never handled", "[http]") {
    int handled{0};
    RunningServer server{[&handled](const HttpRequest& request, const HttpReply& reply) {
        ++handled;
        echo(request, reply);
    }};
    const auto post = [](const std::string& fields) {
        return "POST / HTTP/1.1\r\n" + host_line + fields + "\r\nabcde";
    };
    const std::vector<std::string> bad{
        post("Content-Length: 5\r\nContent-Length: 5\r\n"),
        post("Content-Length: 5\r\nContent-Length: 6\r\n"),
        post("Content-Length: 5, 5\r\n"),
        post("Content-Length: +5\r\n"),
        post("Content-Length: 0x5\r\n"),
        post("Content-Length: -1\r\n"),
        post("Content-Length: 99999999999999999999999\r\n"),
        post("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n"),
        post("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n"),
        post("Transfer-Encoding: xchunked\r\n"),
        post("Transfer-Encoding: chunked, identity\r\n"),
        post("Content-Length : 5\r\n"),
        "POST / HTTP/1.1\nHost: x\nContent-Length: 0\n\n",
        "POST / HTTP/1.1\r\nHost: x\nContent-Length: 0\r\n\r\n",
        "GET / HTTP/1.1\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n",
        "GET / HTTP/2.0\r\nHost: x\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer a\r\nAuthorization: Bearer b\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: x\r\nBad\x01Name: 1\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: x\r\nNul: a" + std::string(1, '\0') + "b\r\n\r\n",
        "\x16\x03\x01\x02garbage\r\n\r\n",
        get("http://other/"),
        get("/a/../b"),
        get("/a/%2e%2e/b"),
        get("/a%00b"),
        get("/%zz"),
        get("*"),
    };
    for (const std::string& request : bad) {
        CAPTURE(request);
        CHECK(status_of(say(server.port(), request)) == 400);
    }
    CHECK(handled == 0);
    CHECK(status_of(say(server.port(), post("Transfer-Encoding: chunked\r\n"))) == 411);
    CHECK(handled == 0);
}

SCENARIO("headers and bodies beyond their bound are refused", "[http]") {
    RunningServer server{echo};
    const std::string long_value(http_header_bytes_max, 'x');
    CHECK(status_of(say(server.port(), get("/", "X: " + long_value + "\r\n"))) == 431);
    CHECK(status_of(say(server.port(), "POST / HTTP/1.1\r\n" + host_line + "Content-Length: " +
                                           std::to_string(http_body_bytes_max + 1) + "\r\n\r\n")) ==
          413);
    HttpClientRequest largest;
    largest.method = "POST";
    largest.url = server.url("/");
    largest.body = std::string(http_body_bytes_max, 'b');
    const auto response = http_request(largest);
    REQUIRE(response);
    CHECK(response->status == 200);
    largest.body += 'b';
    const auto refused = http_request(largest);
    REQUIRE(refused);
    CHECK(refused->status == 413);
}

SCENARIO("a client that sends a byte now and then runs into the deadline", "[http]") {
    RunningServer server{echo, with_short_deadlines()};
    WHEN("in the header") {
        RawClient client{server.port()};
        const std::string request = get("/");
        std::string answer;
        // One byte per attempt to read; each attempt waits a little for an answer.
        std::promise<void> done;
        std::thread dripping{[&client, &request, answered = done.get_future()] {
            for (const char c : request.substr(0, request.size() - 2)) {
                if (!client.send(std::string(1, c))) {
                    break;
                }
                if (answered.wait_for(std::chrono::milliseconds{20}) == std::future_status::ready) {
                    break;
                }
            }
        }};
        answer = client.read_all();
        done.set_value();
        dripping.join();
        CHECK(status_of(answer) == 408);
    }
    WHEN("in the body") {
        const std::string answer =
            say(server.port(), "POST / HTTP/1.1\r\n" + host_line + "Content-Length: 9\r\n\r\nab");
        CHECK(status_of(answer) == 408);
    }
    WHEN("it sends nothing at all") { CHECK(say(server.port(), "").empty()); }
    WHEN("it has been served and is idle") {
        const std::string answer = say(server.port(), get("/"));
        CHECK(status_of(answer) == 200);
        CHECK(answer.find("(timeout)") == std::string::npos);
    }
}

SCENARIO("an answer may come later, but not too late and not twice", "[http]") {
    std::vector<HttpReply> kept;
    asio::io_context* io{nullptr};
    RunningServer server{[&kept, &io](const HttpRequest& request, const HttpReply& reply) {
                             if (request.path == "/later") {
                                 const auto timer = std::make_shared<asio::steady_timer>(
                                     *io, std::chrono::milliseconds{20});
                                 timer->async_wait([timer, reply](const ErrorCode&) {
                                     HttpResponse response;
                                     response.status = 202;
                                     reply(response);
                                     reply(http_error(500, "twice", "twice"));
                                 });
                             } else {
                                 kept.push_back(reply);
                             }
                         },
                         with_short_deadlines()};
    io = &server.io();
    HttpClientRequest request;
    request.url = server.url("/later");
    const auto later = http_request(request);
    REQUIRE(later);
    CHECK(later->status == 202);
    request.url = server.url("/never");
    const auto never = http_request(request);
    REQUIRE(never);
    CHECK(never->status == 504);
    server.on_loop([&kept](HttpServer&) { kept.at(0)(HttpResponse{}); });
}

SCENARIO("a handler that throws is answered 500 and the server goes on", "[http]") {
    RunningServer server{[](const HttpRequest& request, const HttpReply& reply) {
        if (request.path == "/throw") {
            throw std::runtime_error{"secret detail"};
        }
        echo(request, reply);
    }};
    HttpClient client;
    HttpClientRequest request;
    request.url = server.url("/throw");
    const auto thrown = client.request(request);
    REQUIRE(thrown);
    CHECK(thrown->status == 500);
    CHECK(thrown->body.find("secret") == std::string::npos);
    request.url = server.url("/fine");
    CHECK(client.request(request)->status == 200);
}

SCENARIO("a file is served in pieces, whole or in part", "[http]") {
    std::string content;
    for (int i = 0; i < 300'000; ++i) {
        content += static_cast<char>('a' + i % 26);
    }
    const TemporaryFile file{content};
    RunningServer server{[&file](const HttpRequest& request, const HttpReply& reply) {
        HttpResponse response;
        response.content_type = "application/octet-stream";
        response.file_path = request.path == "/gone" ? file.path + "-gone" : file.path;
        if (request.path == "/part") {
            response.file_offset = 10;
            response.file_length = 5;
        } else if (request.path == "/beyond") {
            response.file_offset = 1'000'000;
        }
        reply(response);
    }};
    const auto fetch = [&server](const std::string& target) {
        HttpClientRequest request;
        request.url = server.url(target);
        return http_request(request).value();
    };
    CHECK(fetch("/whole").body == content);
    CHECK(fetch("/part").body == content.substr(10, 5));
    CHECK(fetch("/beyond").body.empty());
    CHECK(fetch("/gone").status == 404);

    HttpClientRequest request;
    request.url = server.url("/whole");
    std::string downloaded;
    const auto collect = [&downloaded](std::string_view piece) {
        downloaded += piece;
        return true;
    };
    REQUIRE(http_download(request, collect));
    CHECK(downloaded == content);
    const auto stopped = http_download(request, [](std::string_view) { return false; });
    CHECK_FALSE(stopped);
    request.body_bytes_max = 1000;
    CHECK_FALSE(http_request(request));
}

SCENARIO("connections beyond the cap are told 503", "[http]") {
    HttpLimits limits;
    limits.connections_max = 3;
    RunningServer server{echo, limits};
    std::vector<RawClient> clients;
    for (int i = 0; i < 3; ++i) {
        clients.emplace_back(server.port());
        clients.back().send(get("/"));
        CHECK(status_of(clients.back().read_until("GET / ")) == 200);
    }
    CHECK(status_of(say(server.port(), get("/"))) == 503);
    clients.pop_back();
    // The place is free again as soon as the server has seen the end of the connection.
    const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds{5};
    while (server.counts().connections == 3 && std::chrono::steady_clock::now() < give_up) {
        std::this_thread::yield();
    }
    RawClient next{server.port()};
    next.send(get("/"));
    CHECK(status_of(next.read_until("GET / ")) == 200);
    CHECK(server.counts().status.at(503) == 1);
}

SCENARIO("a client that expects 100-continue gets it before its body", "[http]") {
    RunningServer server{echo};
    RawClient client{server.port()};
    client.send("POST / HTTP/1.1\r\n" + host_line +
                "Content-Length: 2\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n");
    CHECK(status_of(client.read_until("\r\n\r\n")) == 100);
    client.send("ok");
    CHECK(client.read_all().find("POST / ok") != std::string::npos);
}

SCENARIO("stopping closes idle connections and refuses new ones", "[http]") {
    RunningServer server{echo};
    RawClient idle{server.port()};
    idle.send(get("/"));
    CHECK(status_of(idle.read_until("GET / ")) == 200);
    server.on_loop([](HttpServer& running) { running.stop(); });
    CHECK(idle.read_all().empty());
    CHECK_THROWS(RawClient{server.port()});
}

SCENARIO("a port in use and a host that is no address are reported", "[http]") {
    RunningServer server{echo};
    asio::io_context io;
    CHECK_THROWS_AS(HttpServer(io, "127.0.0.1", server.port(), echo), std::system_error);
    CHECK_THROWS_AS(HttpServer(io, "no such host", 0, echo), std::system_error);
}

SCENARIO("the client says what went wrong", "[http]") {
    HttpClientRequest request;
    request.url = "https://127.0.0.1/";
    CHECK(http_request(request).error().text.find("not an http:// URL") != std::string::npos);
    request.url = "http://127.0.0.1:1/";
    CHECK(http_request(request).error().text.find("cannot connect") != std::string::npos);
    RunningServer silent{[](const HttpRequest&, const HttpReply&) {}};
    request.url = silent.url("/");
    request.deadline = std::chrono::milliseconds{50};
    CHECK_FALSE(http_request(request));
}

SCENARIO("a kept connection that the server closed is replaced for GET", "[http]") {
    HttpLimits limits;
    limits.idle_deadline = std::chrono::milliseconds{30};
    RunningServer server{echo, limits};
    HttpClient client;
    HttpClientRequest request;
    request.url = server.url("/");
    CHECK(client.request(request));
    const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds{5};
    while (server.counts().connections > 0 && std::chrono::steady_clock::now() < give_up) {
        std::this_thread::yield();
    }
    CHECK(client.request(request));
}
