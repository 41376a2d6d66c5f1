#include "node/link/auth_message.h"

#include "tests/node/link/link_fixture.h"

#include <catch2/catch.hpp>

using namespace tally;
using namespace tally::node;
using namespace tally::node::test;

namespace {

ChannelBinding binding_of(std::uint8_t number) {
    ChannelBinding binding;
    binding.data.fill(number);
    return binding;
}

/// The listener (key 2) that judges AUTH1 of key 1.
AuthContext listener_context() {
    AuthContext context;
    context.chain_id = chain_id();
    context.own_key = public_key(2);
    context.own_role = AuthRole::listener;
    context.binding = binding_of(5);
    return context;
}

std::optional<LinkRefusal> verdict(ByteView bytes,
                                   const AuthContext& context = listener_context()) {
    const auto admit = [](const PublicKey&) { return std::optional<LinkRefusal>{}; };
    const auto result = check_auth(context, bytes, admit);
    return result ? std::nullopt : std::optional{result.error()};
}

Bytes auth1() { return auth_of(1, AuthRole::dialer, public_key(2), binding_of(5)); }

}  // namespace

SCENARIO("AUTH has one size and survives encoding", "[link][auth]") {
    const Bytes bytes = auth1();
    REQUIRE(bytes.size() == auth_message_bytes);
    const auto message = decode_auth(bytes);
    REQUIRE(message);
    CHECK(message->sender == public_key(1));
    CHECK(message->receiver == public_key(2));
    CHECK(message->genesis == chain_id());
    CHECK(encode_auth(*message) == bytes);
    CHECK_FALSE(verdict(bytes));
}

SCENARIO("AUTH of any other size is refused", "[link][auth]") {
    Bytes bytes = auth1();
    bytes.push_back(0);
    CHECK(verdict(bytes) == LinkRefusal::wrong_version);
    bytes.resize(auth_message_bytes - 1);
    CHECK(verdict(bytes) == LinkRefusal::wrong_version);
    CHECK(verdict({}) == LinkRefusal::wrong_version);
}

SCENARIO("no single changed bit of AUTH passes", "[link][auth]") {
    const Bytes good = auth1();
    for (std::size_t bit = 0; bit < good.size() * 8; bit += 3) {
        Bytes bad = good;
        bad[bit / 8] ^= static_cast<std::uint8_t>(1U << (bit % 8));
        CAPTURE(bit);
        REQUIRE(verdict(bad).has_value());
    }
}

SCENARIO("each check of AUTH gives its own reason", "[link][auth]") {
    SECTION("another chain") {
        AuthContext other = listener_context();
        other.chain_id = chain_id(9);
        CHECK(verdict(auth1(), other) == LinkRefusal::wrong_chain);
    }
    SECTION("the same role as ours") {
        CHECK(verdict(auth_of(1, AuthRole::listener, public_key(2), binding_of(5))) ==
              LinkRefusal::wrong_role);
    }
    SECTION("a role that does not exist") {
        Bytes bytes = auth1();
        bytes[65] = 3;
        CHECK(verdict(bytes) == LinkRefusal::wrong_role);
    }
    SECTION("meant for somebody else") {
        CHECK(verdict(auth_of(1, AuthRole::dialer, public_key(3), binding_of(5))) ==
              LinkRefusal::wrong_receiver);
    }
    SECTION("our own key") {
        CHECK(verdict(auth_of(2, AuthRole::dialer, public_key(2), binding_of(5))) ==
              LinkRefusal::self_connection);
    }
    SECTION("signed over another connection") {
        CHECK(verdict(auth_of(1, AuthRole::dialer, public_key(2), binding_of(6))) ==
              LinkRefusal::bad_signature);
    }
    SECTION("admission is asked before the signature is checked") {
        Bytes bytes = auth1();
        bytes.back() ^= 1U;
        const auto refuse = [](const PublicKey&) {
            return std::optional{LinkRefusal::not_admitted};
        };
        CHECK(check_auth(listener_context(), bytes, refuse).error() == LinkRefusal::not_admitted);
    }
}
