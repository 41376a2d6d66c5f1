// What a site is told when its node cannot be reached.

#include "charger_bridge/node_trouble.h"

#include <catch2/catch.hpp>

#include <set>
#include <string_view>

namespace tally::bridge::test {

using node::LinkRefusal;

TEST_CASE("each cause of a missing link has advice of its own, all others a general one") {
    std::set<std::string_view> told;
    for (const LinkRefusal reason :
         {LinkRefusal::name_not_found, LinkRefusal::connection_refused, LinkRefusal::unreachable,
          LinkRefusal::deadline, LinkRefusal::cut_off, LinkRefusal::tls_failed,
          LinkRefusal::wrong_chain, LinkRefusal::rate_limited}) {
        const NodeTrouble trouble = trouble_of(reason);
        CAPTURE(trouble.why);
        CHECK(trouble.why == node::to_text(reason));
        CHECK(told.insert(trouble.advice).second);
    }
    CHECK(trouble_of(LinkRefusal::cut_off).advice.find("chain_id") != std::string_view::npos);
    CHECK(trouble_of(LinkRefusal::cut_off).advice.find("RegisterBridge") != std::string_view::npos);
    CHECK(trouble_of(LinkRefusal::not_ready).advice == trouble_of(LinkRefusal::no_alpn).advice);
    CHECK(trouble_of(LinkRefusal::stopped).advice == trouble_of(LinkRefusal::rate_limited).advice);
}

}  // namespace tally::bridge::test
