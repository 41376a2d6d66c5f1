#include "node/runtime/websocket_client.h"

#include <catch2/catch.hpp>

namespace tally::node {

SCENARIO("only ws and wss URLs name a central system") {
    WebSocketTarget target;
    REQUIRE(parse_ws_url("ws://127.0.0.1:7010/ocpp/AAA-CP01", target));
    CHECK(target.host == "127.0.0.1");
    CHECK(target.port == 7010);
    CHECK(target.path == "/ocpp/AAA-CP01");
    CHECK_FALSE(target.tls);
    REQUIRE(parse_ws_url("wss://csms.example:444/x", target));
    CHECK(target.tls);
    CHECK(target.host == "csms.example");
    CHECK(target.port == 444);
    for (const char* url :
         {"", "http://127.0.0.1:1/x", "ws://", "ws:///x", "ws://:1/", "ws://a:70000/x", "ws://a:x/",
          "ws://a:/x", "ws://a:0/x", "ws://a:1", "ws://user@a/x", "ws://a:1:2/x"}) {
        INFO(url);
        WebSocketTarget other;
        CHECK_FALSE(parse_ws_url(url, other));
    }
}

SCENARIO("a URL without a port means that of its kind") {
    WebSocketTarget target;
    REQUIRE(parse_ws_url("wss://csms.example/ocpp/CP1", target));
    CHECK(target.host == "csms.example");
    CHECK(target.port == 443);
    CHECK(target.path == "/ocpp/CP1");
    REQUIRE(parse_ws_url("ws://csms.example/", target));
    CHECK(target.port == 80);
}

}  // namespace tally::node
