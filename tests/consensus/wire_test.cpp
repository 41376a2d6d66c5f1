// One encoding for every message, and nothing else gets in.

#include "consensus/wire/wire.h"

#include "consensus/wire/consensus.pb.h"
#include "tests/consensus/support.h"

#include <catch2/catch.hpp>

namespace tally::consensus::testing {
namespace {

std::vector<Message> examples() {
    const QuorumCertificate parent = certificate(notarize(6, 5, digest_of('p')), {0, 1, 2});
    const QuorumCertificate nullified = certificate(nullify(7), {1, 2, 3});
    Proposal proposal;
    proposal.epoch = test_epoch;
    proposal.view = 8;
    proposal.parent_view = 6;
    proposal.header = Bytes(200, 3);
    proposal.envelopes = {digest_of('e'), digest_of('f')};
    proposal.justification = {parent, {nullified}};
    proposal.leader_signature = vote(1, nullify(1)).signature;
    FinalBlock block{Bytes(100, 1), {Bytes(9, 2), Bytes(3, 4)}, parent};
    Status status;
    status.epoch = test_epoch;
    status.view = 9;
    status.last_final_view = 7;
    status.last_final_height = 5;
    status.last_final_digest = digest_of('s');
    status.your_votes = {vote(2, nullify(7)), vote(2, finalize(6, 5, digest_of('p')))};
    return {vote(0, notarize(5, 4, digest_of('a'))),
            vote(3, nullify(5)),
            parent,
            proposal,
            CertificateRequest{1, test_epoch, 5, 9},
            CertificateResponse{1, {parent, nullified}},
            BlockRequest{2, digest_of('b')},
            BlockResponse{2, Bytes(100, 1), {Bytes(9, 2)}},
            BlockResponse{2, {}, {}},
            RangeRequest{3, 17, 100},
            RangeResponse{3, {block, block}},
            EnvelopeRequest{4, {digest_of('e')}},
            EnvelopeResponse{4, {Bytes(9, 2)}},
            EnvelopeGossip{Bytes(50, 7)},
            status,
            EpochProofRequest{5, 12},
            EpochProofResponse{0, Bytes(300, 6)},
            EpochProofResponse{5, {}}};
}

WireError error_of(ByteView bytes) {
    const auto decoded = decode_message(bytes);
    REQUIRE_FALSE(decoded.has_value());
    return decoded.error();
}

Bytes encode(const proto::ConsensusMessage& message) {
    const std::string text = message.SerializeAsString();
    const ByteView view = as_bytes(text);
    return {view.begin(), view.end()};
}

TEST_CASE("every message survives the wire unchanged") {
    for (const Message& message : examples()) {
        const Bytes bytes = encode_message(message);
        const auto decoded = decode_message(bytes);
        REQUIRE(decoded.has_value());
        CHECK(*decoded == message);
        CHECK(encode_message(*decoded) == bytes);
    }
}

TEST_CASE("no truncation and no appended byte decodes to the same message") {
    for (const Message& message : examples()) {
        Bytes bytes = encode_message(message);
        for (std::size_t length = 0; length < bytes.size(); length += 1 + length / 50) {
            const auto decoded = decode_message(ByteView{bytes}.first(length));
            CHECK((!decoded || *decoded != message));
        }
        bytes.push_back(0);
        CHECK_FALSE(decode_message(bytes).has_value());
    }
}

TEST_CASE("flipped bits never crash, and what still decodes has one encoding") {
    for (const Message& message : examples()) {
        const Bytes bytes = encode_message(message);
        for (std::size_t bit = 0; bit < bytes.size() * 8; bit += 7) {
            Bytes changed = bytes;
            changed[bit / 8] = static_cast<std::uint8_t>(changed[bit / 8] ^ (1U << (bit % 8)));
            const auto decoded = decode_message(changed);
            CHECK((!decoded || encode_message(*decoded) == changed));
        }
    }
}

TEST_CASE("unknown fields, repeated fields, explicit defaults and empty messages are refused") {
    CHECK(error_of({}) == WireError::malformed);
    const Bytes good = encode_message(BlockRequest{2, digest_of('b')});
    SECTION("an unknown field at the end") {
        Bytes bytes = good;
        append(bytes, Bytes{0xa0, 0x06, 0x01});
        CHECK(error_of(bytes) == WireError::malformed);
    }
    SECTION("the body twice") {
        Bytes bytes = good;
        append(bytes, good);
        CHECK(error_of(bytes) == WireError::malformed);
    }
    SECTION("two different bodies") {
        Bytes bytes = good;
        append(bytes, encode_message(EnvelopeGossip{Bytes(5, 1)}));
        CHECK(error_of(bytes) == WireError::malformed);
    }
    SECTION("a number in more bytes than needed") {
        // certificate_request { id: 1 in two bytes }
        CHECK(error_of(Bytes{0x22, 0x03, 0x08, 0x81, 0x00}) == WireError::malformed);
    }
    SECTION("a zero written out") {
        CHECK(error_of(Bytes{0x22, 0x02, 0x08, 0x00}) == WireError::malformed);
    }
    SECTION("nested deeper than any message") {
        CHECK(error_of(Bytes(200, 0x1a)) == WireError::malformed);
    }
}

TEST_CASE("votes outside their ranges are refused") {
    proto::ConsensusMessage message;
    proto::Vote& in = *message.mutable_vote();
    in.set_kind(1);
    in.set_view(5);
    in.set_digest(std::string(32, 'd'));
    in.set_signer(3);
    in.set_signature(std::string(64, 's'));
    REQUIRE(decode_message(encode(message)).has_value());
    SECTION("kind 0") { in.set_kind(0); }
    SECTION("kind 4") { in.set_kind(4); }
    SECTION("view 0") { in.set_view(0); }
    SECTION("signer beyond any set") { in.set_signer(validators_max); }
    SECTION("short digest") { in.set_digest(std::string(31, 'd')); }
    SECTION("no digest") { in.clear_digest(); }
    SECTION("short signature") { in.set_signature(std::string(63, 's')); }
    SECTION("a NULLIFY with a digest") { in.set_kind(2); }
    SECTION("a NULLIFY with a parent") {
        in.set_kind(2);
        in.clear_digest();
        in.set_parent_view(4);
    }
    CHECK(error_of(encode(message)) == WireError::out_of_range);
}

TEST_CASE("each count and length has its maximum") {
    proto::ConsensusMessage message;
    SECTION("a message") { CHECK(error_of(Bytes(message_bytes_max + 1)) == WireError::too_large); }
    SECTION("a header") {
        message.mutable_block_response()->set_header(std::string(wire_header_bytes_max + 1, 'h'));
        CHECK(error_of(encode(message)) == WireError::out_of_range);
    }
    SECTION("an envelope") {
        message.mutable_envelope_gossip()->set_envelope(
            std::string(wire_envelope_bytes_max + 1, 'e'));
        CHECK(error_of(encode(message)) == WireError::out_of_range);
    }
    SECTION("envelopes of a block") {
        for (std::size_t i = 0; i <= message_hashes_max; ++i) {
            message.mutable_block_response()->add_envelopes("e");
        }
        CHECK(error_of(encode(message)) == WireError::too_many);
    }
    SECTION("hashes") {
        message.mutable_envelope_request()->set_hashes(
            std::string((message_hashes_max + 1) * 32, 'h'));
        CHECK(error_of(encode(message)) == WireError::too_many);
        message.mutable_envelope_request()->set_hashes(std::string(33, 'h'));
        CHECK(error_of(encode(message)) == WireError::out_of_range);
    }
    SECTION("nullifications") {
        const Bytes one = certificate(nullify(7), {1, 2, 3}).encode();
        for (std::size_t i = 0; i <= inline_nullifications_max; ++i) {
            message.mutable_proposal()->add_nullifications(std::string{as_text(one)});
        }
        message.mutable_proposal()->set_view(9);
        CHECK(error_of(encode(message)) == WireError::too_many);
    }
    SECTION("certificates") {
        for (std::size_t i = 0; i <= response_certificates_max; ++i) {
            message.mutable_certificate_response()->add_certificates("");
        }
        CHECK(error_of(encode(message)) == WireError::too_many);
    }
    SECTION("final blocks") {
        for (std::size_t i = 0; i <= response_blocks_max; ++i) {
            message.mutable_range_response()->add_blocks();
        }
        CHECK(error_of(encode(message)) == WireError::too_many);
    }
    SECTION("views and heights asked for") {
        message.mutable_certificate_request()->set_to_view(request_views_max);
        CHECK(error_of(encode(message)) == WireError::out_of_range);
        message.mutable_certificate_request()->set_to_view(request_views_max - 1);
        CHECK(decode_message(encode(message)).has_value());
        message.mutable_certificate_request()->set_from_view(request_views_max);
        CHECK(error_of(encode(message)) == WireError::out_of_range);
        message.mutable_range_request()->set_count(response_blocks_max + 1);
        CHECK(error_of(encode(message)) == WireError::out_of_range);
    }
    SECTION("an epoch proof") {
        message.mutable_epoch_proof_response()->set_proof(
            std::string(epoch_proof_bytes_max + 1, 'p'));
        CHECK(error_of(encode(message)) == WireError::out_of_range);
    }
    SECTION("votes in a status") {
        message.mutable_status()->set_last_final_digest(std::string(32, 'd'));
        for (int i = 0; i < 4; ++i) {
            message.mutable_status()->add_your_votes();
        }
        CHECK(error_of(encode(message)) == WireError::too_many);
    }
    SECTION("certificates must be whole") {
        message.set_certificate("no certificate");
        CHECK(error_of(encode(message)) == WireError::bad_certificate);
    }
}

TEST_CASE("the largest messages we send fit into a frame") {
    Proposal proposal;
    proposal.header = Bytes(wire_header_bytes_max);
    proposal.envelopes.resize(message_hashes_max, digest_of('e'));
    std::vector<ValidatorIndex> everybody;
    for (ValidatorIndex i = 0; i < validators_max; ++i) {
        everybody.push_back(i);
    }
    const QuorumCertificate largest = certificate(nullify(7), everybody);
    proposal.justification.parent = largest;
    proposal.justification.nullifications.resize(inline_nullifications_max, largest);
    CHECK(encode_message(proposal).size() < message_bytes_max / 8);
    BlockResponse block{1, Bytes(wire_header_bytes_max), {}};
    block.envelopes.resize(8, Bytes(wire_envelope_bytes_max));
    CHECK(encode_message(block).size() <= message_bytes_max);
    CertificateResponse certificates{1, {}};
    certificates.certificates.resize(response_certificates_max, largest);
    CHECK(encode_message(certificates).size() <= message_bytes_max);
}

}  // namespace
}  // namespace tally::consensus::testing
