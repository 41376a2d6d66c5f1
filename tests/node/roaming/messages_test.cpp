#include "node/roaming/messages.h"

#include "ledger/base/codec.h"
#include "tests/ledger/base/seeded_random.h"
#include "tests/support/ledger_fixture.h"

#include <catch2/catch.hpp>

namespace tally::node {
namespace {

using tally::test::party;
using tally::test::secret_of;
using tally::test::SeededRandom;

AuthorizationRequest sample_request(SeededRandom& random) {
    AuthorizationRequest request;
    request.session = random.fixed<SessionId>();
    request.visited = party("AAA");
    request.home = party("BBB");
    request.station = "ST1";
    request.evses = {{"AAA*1", 1, {"std", 1}}, {"AAA*2", 2, {"std", 3}}};
    request.currency = tally::test::currency("CNY");
    request.prepaid = 500'000;
    request.time = 1'748'736'000'000;
    const Identity identity{.key = random.fixed<TokenKey>(), .token = "BBB-1"};
    request.token_commitment = token_commitment(identity.key, identity.token);
    request.sealed_identity =
        *seal_identity(identity, request, public_key_of(secret_of("BBB/link")), random);
    return request;
}

std::vector<RoamingBody> samples() {
    SeededRandom random{7};
    const AuthorizationRequest request = sample_request(random);
    AuthorizationRequest without_prepaid = request;
    without_prepaid.prepaid.reset();
    const AuthorizationRef ref{.signer = party("BBB"), .id = random.fixed<TransactionId>()};
    Progress progress{request.session, ref, "ST1", 1, 1'800, 30'000, 200'000, 1, 60'000, 850};
    Notice notice{request.session, ref, SessionState::charging, "ST1", 2, 0};
    return {request,
            without_prepaid,
            Denial{request.session, random.bytes(100)},
            progress,
            notice,
            HubReceipt{random.fixed<MessageId>(), true},
            HubReceipt{random.fixed<MessageId>(), false},
            Acknowledgement{random.fixed<MessageId>()},
            TokenMessage{TokenAnswer{random.fixed<LookupId>(), TokenFinding::unknown, {}}},
            EvidenceMessage{EvidenceOffer{Hash{}, ref, 5}},
            EvidenceMessage{EvidenceChunk{Hash{}, 1, random.bytes(50)}},
            EvidenceMessage{EvidenceAnswer{Hash{}, EvidenceVerdict::more, 7}}};
}

}  // namespace

TEST_CASE("every message survives encoding", "[roaming][codec]") {
    for (const RoamingBody& body : samples()) {
        CHECK(decode_roaming_body(encode_roaming_body(body)).value() == body);
    }
}

TEST_CASE("cut, lengthened and repeated bodies are refused", "[roaming][codec]") {
    for (const RoamingBody& body : samples()) {
        const Bytes bytes = encode_roaming_body(body);
        for (std::size_t length = 0; length < bytes.size(); ++length) {
            CHECK_FALSE(decode_roaming_body(ByteView{bytes}.first(length)).has_value());
        }
        Bytes twice = bytes;
        append(twice, bytes);  // protobuf would merge the two
        CHECK_FALSE(decode_roaming_body(twice).has_value());
        Bytes unknown = bytes;
        append(unknown, Bytes{0xF8, 0x07, 0x01});  // field 127
        CHECK(decode_roaming_body(unknown).error() == MessageError::unknown_field);
    }
    CHECK_FALSE(decode_roaming_body(Bytes{}).has_value());
    CHECK(decode_roaming_body(Bytes(roaming_message_bytes_max + 1)).error() ==
          MessageError::too_large);
}

TEST_CASE("values out of range are refused", "[roaming][codec]") {
    SeededRandom random{3};
    const AuthorizationRequest good = sample_request(random);
    const auto refused = [](const RoamingBody& body) {
        return decode_roaming_body(encode_roaming_body(body)).error() == MessageError::out_of_range;
    };
    AuthorizationRequest bad = good;
    bad.evses.clear();
    CHECK(refused(bad));
    bad.evses.assign(offered_evses_max + 1, good.evses.front());
    CHECK(refused(bad));
    bad = good;
    bad.station = std::string(station_id_bytes_max + 1, 'S');
    CHECK(refused(bad));
    bad = good;
    bad.visited.data = {'a', 'b', 'c'};
    CHECK(refused(bad));
    bad = good;
    bad.prepaid = -1;
    CHECK(refused(bad));
    bad.prepaid = amount_max + 1;
    CHECK(refused(bad));
    bad = good;
    bad.evses.front().tariff.version = 0;
    CHECK(refused(bad));
    bad = good;
    bad.sealed_identity = Bytes(sealed_identity_bytes_max + 1);
    CHECK(refused(bad));
}

TEST_CASE("a signed message binds chain, parties, id and body", "[roaming][codec]") {
    SeededRandom random{5};
    SignedMessage message;
    message.from = party("AAA");
    message.to = party("BBB");
    message.id = random.fixed<MessageId>();
    message.body = random.bytes(50);
    const Hash chain = random.fixed<Hash>();
    const Hash digest = message.signing_digest(chain);
    message.signature = sign_digest(secret_of("AAA/member"), digest);
    for (const bool direct : {false, true}) {
        message.direct = direct;
        CHECK(decode_signed_message(encode_signed_message(message)).value() == message);
        CHECK(message.signing_digest(chain) == digest);  // the path may change
    }
    SignedMessage other = message;
    other.to = party("CCC");
    CHECK(other.signing_digest(chain) != digest);
    other = message;
    other.from = party("CCC");
    CHECK(other.signing_digest(chain) != digest);
    other = message;
    other.id = random.fixed<MessageId>();
    CHECK(other.signing_digest(chain) != digest);
    other = message;
    other.body.push_back(0);
    CHECK(other.signing_digest(chain) != digest);
    CHECK(message.signing_digest(random.fixed<Hash>()) != digest);

    const Bytes bytes = encode_signed_message(message);
    for (std::size_t length = 0; length < bytes.size(); ++length) {
        CHECK_FALSE(decode_signed_message(ByteView{bytes}.first(length)).has_value());
    }
    CHECK(decode_signed_message(Bytes(roaming_message_bytes_max + 1)).error() ==
          MessageError::too_large);
}

TEST_CASE("only the home operator opens an identity, and only as it was sent", "[roaming]") {
    SeededRandom random{11};
    const AuthorizationRequest request = sample_request(random);
    const auto opened = open_identity(request, secret_of("BBB/link"));
    REQUIRE(opened);
    CHECK(opened->token == "BBB-1");
    CHECK_FALSE(open_identity(request, secret_of("HUB/link")));
    AuthorizationRequest other = request;
    other.session = random.fixed<SessionId>();
    CHECK_FALSE(open_identity(other, secret_of("BBB/link")));
    other = request;
    other.visited = party("CCC");
    CHECK_FALSE(open_identity(other, secret_of("BBB/link")));
    other = request;
    other.token_commitment = random.fixed<Hash>();
    CHECK_FALSE(open_identity(other, secret_of("BBB/link")));
    other = request;
    other.sealed_identity.back() ^= 1U;
    CHECK_FALSE(open_identity(other, secret_of("BBB/link")));
}

}  // namespace tally::node
