#include "node/runtime/http_target.h"

#include <catch2/catch.hpp>

using namespace tally::node;

namespace {

std::optional<HttpTargetError> error_of(std::string_view target) {
    const auto parsed = parse_http_target(target);
    return parsed ? std::nullopt : std::optional{parsed.error()};
}

}  // namespace

SCENARIO("targets are split and decoded", "[http]") {
    const auto parsed = parse_http_target("/api/v1/a%2Fb?from=1&&x=%3d%26&y+z=1+2&q=a=b&");
    REQUIRE(parsed);
    CHECK(parsed->path == "/api/v1/a/b");
    CHECK(parsed->query == std::map<std::string, std::string>{
                               {"from", "1"}, {"x", "=&"}, {"y z", "1 2"}, {"q", "a=b"}});
    CHECK(parse_http_target("/")->path == "/");
    CHECK(parse_http_target("/a+b")->path == "/a+b");
    CHECK(parse_http_target("/a.b/...")->path == "/a.b/...");
    CHECK(parse_http_target("/a?")->query.empty());
}

SCENARIO("hostile targets are refused", "[http]") {
    CHECK(error_of("") == HttpTargetError::not_a_path);
    CHECK(error_of("x") == HttpTargetError::not_a_path);
    CHECK(error_of("/%") == HttpTargetError::bad_escape);
    CHECK(error_of("/%4") == HttpTargetError::bad_escape);
    CHECK(error_of("/%4g") == HttpTargetError::bad_escape);
    CHECK(error_of("/?a=%") == HttpTargetError::bad_escape);
    CHECK(error_of("/%00") == HttpTargetError::bad_character);
    CHECK(error_of("/%0a") == HttpTargetError::bad_character);
    CHECK(error_of("/a b") == HttpTargetError::bad_character);
    CHECK(error_of("/a#b") == HttpTargetError::bad_character);
    CHECK(error_of("/?a=%7f") == HttpTargetError::bad_character);
    CHECK(error_of("/.") == HttpTargetError::dot_segment);
    CHECK(error_of("/a/..") == HttpTargetError::dot_segment);
    CHECK(error_of("/..%2fetc") == HttpTargetError::dot_segment);
    CHECK(error_of("/" + std::string(http_target_bytes_max, 'a')) == HttpTargetError::too_long);
    std::string fields{"/?"};
    for (std::size_t i = 0; i < http_query_fields_max; ++i) {
        fields += "a&";
    }
    CHECK_FALSE(error_of(fields));
    CHECK(error_of(fields + "b") == HttpTargetError::too_many_fields);
}

SCENARIO("bearer tokens are taken from the Authorization field", "[http]") {
    CHECK(bearer_token_of("Bearer abc") == "abc");
    CHECK(bearer_token_of("bEARER abc") == "abc");
    CHECK(bearer_token_of("Basic abc").empty());
    CHECK(bearer_token_of("Bearer ").empty());
    CHECK(bearer_token_of("").empty());
}

SCENARIO("URLs are taken apart", "[http]") {
    const auto plain = parse_http_url("http://host:7000/a?b=c");
    REQUIRE(plain);
    CHECK(plain->host == "host");
    CHECK(plain->port == 7000);
    CHECK(plain->target == "/a?b=c");
    CHECK(parse_http_url("http://host")->target == "/");
    CHECK(parse_http_url("http://host?x")->target == "/?x");
    CHECK(parse_http_url("http://[::1]:80/")->host == "::1");
    for (const char* bad : {"", "https://h/", "http://", "http://:80/", "http://h:/", "http://h:0/",
                            "http://h:65536/", "http://user@h/", "http://h/a b", "http://[::1/"}) {
        CAPTURE(bad);
        CHECK_FALSE(parse_http_url(bad));
    }
    CHECK(percent_encode("a/b c~\xff") == "a%2Fb%20c~%FF");
}
