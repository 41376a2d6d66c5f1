#include "ledger/base/system_random.h"
#include "node/link/accept_limiter.h"
#include "node/link/dialer.h"
#include "tests/node/link/link_fixture.h"

#include <catch2/catch.hpp>

using namespace tally;
using namespace tally::node;
using namespace tally::node::test;

SCENARIO("an address gets its burst, then its rate, and others are not touched", "[link]") {
    AcceptLimiter limiter{2.0, 3.0};
    const std::chrono::steady_clock::time_point start{};
    for (int i = 0; i < 3; ++i) {
        CHECK(limiter.admit("a", start));
    }
    CHECK_FALSE(limiter.admit("a", start));
    CHECK(limiter.admit("b", start));
    CHECK(limiter.admit("a", start + std::chrono::milliseconds{500}));
    CHECK_FALSE(limiter.admit("a", start + std::chrono::milliseconds{500}));
}

SCENARIO("the limiter remembers a bounded number of addresses", "[link]") {
    AcceptLimiter limiter{0.001, 1.0};
    const std::chrono::steady_clock::time_point start{};
    for (std::size_t i = 0; i < limited_addresses_max; ++i) {
        REQUIRE(limiter.admit(std::to_string(i), start));
    }
    CHECK(limiter.admit("stranger", start));  // The shared bucket's one token.
    CHECK_FALSE(limiter.admit("another", start));
    CHECK(limiter.remembered() <= limited_addresses_max + 1);
    // Once buckets are full again they are forgotten and make room.
    CHECK(limiter.admit("another", start + std::chrono::hours{1}));
    CHECK(limiter.remembered() <= 2);
}

SCENARIO("failed dials back off with jitter up to the maximum", "[link]") {
    asio::io_context io;
    SystemRandom random;
    std::vector<std::chrono::steady_clock::time_point> dials;
    Dialer* self{nullptr};
    Dialer dialer{io,
                  {std::chrono::milliseconds{10}, std::chrono::milliseconds{40}},
                  random,
                  [&](const DialTarget& target) {
                      dials.push_back(std::chrono::steady_clock::now());
                      self->failed(target.link_key);
                  }};
    self = &dialer;
    dialer.set_targets({{public_key(1), "h", 1}});
    REQUIRE(run_until(io, [&] { return dials.size() == 6; }));
    CHECK(dials[1] - dials[0] >= std::chrono::milliseconds{5});
    CHECK(dials[5] - dials[4] >= std::chrono::milliseconds{20});
}

SCENARIO("nobody is dialed who is connected or no longer a target", "[link]") {
    asio::io_context io;
    SystemRandom random;
    int dials{0};
    Dialer dialer{io,
                  {std::chrono::milliseconds{1}, std::chrono::milliseconds{1}},
                  random,
                  [&](const DialTarget&) { ++dials; }};
    const DialTarget target{public_key(1), "h", 1};
    dialer.set_targets({target});
    dialer.connected(target.link_key);
    io.run_for(std::chrono::milliseconds{20});
    CHECK(dials == 0);
    dialer.lost(target.link_key, std::chrono::milliseconds{0});
    dialer.set_targets({});
    io.restart();
    io.run_for(std::chrono::milliseconds{20});
    CHECK(dials == 0);
}
