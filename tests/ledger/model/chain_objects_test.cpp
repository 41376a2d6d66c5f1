// Envelopes, block headers and the genesis.

#include "ledger/crypto/merkle.h"
#include "ledger/model/block_header.h"
#include "ledger/model/envelope.h"
#include "tests/ledger/base/seeded_random.h"
#include "tests/ledger/model/samples.h"

#include <catch2/catch.hpp>

namespace tally {

namespace {

Hash chain() { return sha256(as_bytes("chain")); }

Bytes signed_envelope(std::vector<Bytes> transactions) {
    KeySigner signer{test::secret(5)};
    return sign_envelope(chain(), test::party("AAA"), std::move(transactions), signer);
}

BlockHeader sample_header() {
    BlockHeader header;
    header.chain_id = chain();
    header.epoch = 1;
    header.height = 2;
    header.view = 5;
    header.parent = sha256(as_bytes("parent"));
    header.parent_view = 4;
    header.time = test::sample_time;
    header.proposer = 3;
    header.body_root = sha256(as_bytes("body"));
    header.log_size = 77;
    header.log_root = sha256(as_bytes("log"));
    header.state_root = sha256(as_bytes("state"));
    header.next_validators_hash = sha256(as_bytes("validators"));
    header.seals_epoch = true;
    return header;
}

EnvelopeError error_of(ByteView bytes) {
    const auto result = decode_envelope(bytes);
    REQUIRE_FALSE(result);
    return result.error();
}

std::string problem_of(const Genesis& genesis) {
    return find_problem(genesis).value_or("no problem");
}

}  // namespace

TEST_CASE("an envelope is read back and its signature verifies", "[envelope]") {
    const std::vector<Bytes> transactions{{1}, {2, 2}, {3, 3, 3}};
    const Bytes bytes = signed_envelope(transactions);
    const auto envelope = decode_envelope(bytes);
    REQUIRE(envelope);
    CHECK(envelope->signer == test::party("AAA"));
    CHECK(envelope->transactions == transactions);
    CHECK(encode_envelope(*envelope) == bytes);
    CHECK(bytes.size() == envelope_overhead + 3 * envelope_item_overhead + 6);
    const Hash root = envelope_root(*envelope);
    const std::vector<Hash> leaves{transaction_hash(Bytes{1}), transaction_hash(Bytes{2, 2}),
                                   transaction_hash(Bytes{3, 3, 3})};
    CHECK(root == merkle_root(leaves));
    const PublicKey key = public_key_of(test::secret(5));
    const auto verifies = [&](const Hash& chain_id, const PartyId& signer, const Hash& over) {
        return verify_signature(key, envelope_signing_digest(chain_id, signer, over),
                                envelope->signature);
    };
    CHECK(verifies(chain(), test::party("AAA"), root));
    CHECK_FALSE(verifies(Hash{}, test::party("AAA"), root));
    CHECK_FALSE(verifies(chain(), test::party("AAB"), root));
    CHECK_FALSE(verifies(chain(), test::party("AAA"), Hash{}));
}

TEST_CASE("an envelope cut off or with bytes left over is malformed", "[envelope]") {
    const Bytes bytes = signed_envelope({{1}, {2, 2}});
    for (std::size_t length = 0; length < bytes.size(); ++length) {
        CHECK(error_of(ByteView{bytes}.first(length)) == EnvelopeError::malformed);
    }
    Bytes longer = bytes;
    longer.push_back(0);
    CHECK(error_of(longer) == EnvelopeError::malformed);
}

TEST_CASE("an envelope has a known version, a party and 1 to 512 transactions", "[envelope]") {
    Bytes bytes = signed_envelope({{1}});
    SECTION("version") {
        bytes[0] = 2;
        CHECK(error_of(bytes) == EnvelopeError::malformed);
    }
    SECTION("party") {
        bytes[1] = 'a';
        CHECK(error_of(bytes) == EnvelopeError::malformed);
    }
    SECTION("none") {
        CHECK(error_of(encode_envelope({test::party("AAA"), {}, {}})) == EnvelopeError::malformed);
    }
    SECTION("as many as there may be") {
        const std::vector<Bytes> most(envelope_transactions_max, Bytes{7});
        CHECK(decode_envelope(signed_envelope(most))->transactions.size() == 512);
    }
    SECTION("one too many") {
        const std::vector<Bytes> most(envelope_transactions_max + 1, Bytes{7});
        CHECK(error_of(encode_envelope({test::party("AAA"), most, {}})) ==
              EnvelopeError::malformed);
    }
    SECTION("a count that the bytes cannot hold") {
        bytes[6] = 2;
        CHECK(error_of(bytes) == EnvelopeError::malformed);
    }
}

TEST_CASE("transactions of an envelope are neither empty nor too long", "[envelope]") {
    const PartyId signer = test::party("AAA");
    CHECK(error_of(encode_envelope({signer, {Bytes{1}, Bytes{}}, {}})) ==
          EnvelopeError::bad_transaction);
    const Bytes longest(transaction_bytes_max);
    CHECK(decode_envelope(encode_envelope({signer, {longest}, {}})));
    CHECK(error_of(encode_envelope({signer, {Bytes(transaction_bytes_max + 1)}, {}})) ==
          EnvelopeError::bad_transaction);
    const std::vector<Bytes> too_many(envelope_bytes_max / transaction_bytes_max, longest);
    CHECK(error_of(encode_envelope({signer, too_many, {}})) == EnvelopeError::too_large);
}

TEST_CASE("a header is read back from exactly its length", "[header]") {
    const BlockHeader header = sample_header();
    const Bytes bytes = header.encode();
    CHECK(bytes.size() == BlockHeader::encoded_bytes);
    CHECK(BlockHeader::decode(bytes) == header);
    for (std::size_t length = 0; length < bytes.size(); ++length) {
        CHECK_FALSE(BlockHeader::decode(ByteView{bytes}.first(length)));
    }
    Bytes longer = bytes;
    longer.push_back(0);
    CHECK_FALSE(BlockHeader::decode(longer));
}

TEST_CASE("every byte of a header is in its digest", "[header]") {
    const Bytes bytes = sample_header().encode();
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        Bytes changed = bytes;
        changed[i] ^= 0x02;
        const auto header = BlockHeader::decode(changed);
        // Version and flag have one right value each; anything else is another header.
        CHECK(header.has_value() == (i > 1 && i + 1 < bytes.size()));
        if (header) {
            CHECK(header->encode() == changed);
            CHECK(header->digest() != sample_header().digest());
        }
    }
}

TEST_CASE("a body's root is over the hashes of its envelopes", "[header]") {
    CHECK(body_root({}) == sha256(ByteView{}));
    const std::vector<Hash> hashes{sha256(as_bytes("1")), sha256(as_bytes("2"))};
    CHECK(body_root(hashes) ==
          merkle_node_hash(merkle_leaf_hash(hashes[0].view()), merkle_leaf_hash(hashes[1].view())));
}

TEST_CASE("a genesis names its chain by all that is in it", "[genesis]") {
    const Genesis genesis = test::sample_genesis();
    REQUIRE(problem_of(genesis) == "no problem");
    std::vector<Genesis> others(19, genesis);
    others[15].parameters.cycle_start += 1;
    others[16].parameters.cycle_length -= 1;
    others[17].parameters.payment_window += 1;
    others[18].parameters.default_bearer = DefaultBearer::shared;
    others[12].parameters.arbitrate_window += 1;
    others[13].parameters.dispute_default = DisputeDefault::release;
    others[14].parameters.correction_window -= 1;
    others[0].name += "!";
    others[1].time += 1;
    others[2].parameters.skip_timeout += 1;
    others[3].parameters.minimum_approval += 1;
    others[4].members[0].operator_id.clear();
    others[5].members[0].validator = false;
    others[6].members[2].country = "DE";
    others[7].agreements[0].agreement.exposure_cap += 1;
    others[8].agreements[0].agreement.tariffs_offered.clear();
    others[9].limits.pop_back();
    others[10].members[1].link_key = public_key_of(test::secret(99));
    std::swap(others[11].limits[0], others[11].limits[1]);
    for (const Genesis& other : others) {
        CHECK(problem_of(other) == "no problem");
        CHECK(other.chain_id() != genesis.chain_id());
    }
}

TEST_CASE("a wrong genesis is refused with the name of the field", "[genesis]") {
    const auto problem = [](auto change) {
        Genesis genesis = test::sample_genesis();
        change(genesis);
        return problem_of(genesis);
    };
    using Catch::Contains;
    CHECK_THAT(problem([](Genesis& g) { g.name.clear(); }), Contains("name"));
    CHECK_THAT(problem([](Genesis& g) { g.name.assign(65, 'x'); }), Contains("name"));
    CHECK_THAT(problem([](Genesis& g) { g.name = "a\n"; }), Contains("name"));
    CHECK_THAT(problem([](Genesis& g) { g.time = -1; }), Contains("time"));
    CHECK_THAT(problem([](Genesis& g) { g.parameters.delta = 0; }), Contains("parameters.delta"));
    const auto skips = Contains("parameters.skip_timeout");
    CHECK_THAT(problem([](Genesis& g) { g.parameters.delta = 700; }), skips);
    CHECK_THAT(problem([](Genesis& g) { g.parameters.skip_timeout = 999; }), skips);
    CHECK_THAT(problem([](Genesis& g) {
                   g.parameters.delta = 8001;
                   g.parameters.skip_timeout = 60'000;
               }),
               Contains("parameters.delta must be at most 8000 ms"));
    CHECK_THAT(problem([](Genesis& g) { g.parameters.settle_window = parameter_duration_max + 1; }),
               Contains("parameters.settle_window"));
    CHECK_THAT(problem([](Genesis& g) { g.parameters.minimum_approval = -1; }),
               Contains("parameters.minimum_approval"));
    CHECK_THAT(problem([](Genesis& g) { g.parameters.arbitrate_window = 0; }),
               Contains("parameters.arbitrate_window"));
    CHECK_THAT(problem([](Genesis& g) { g.parameters.correction_window += 1; }),
               Contains("parameters.correction_window"));
    CHECK_THAT(problem([](Genesis& g) { g.parameters.dispute_default = DisputeDefault{3}; }),
               Contains("parameters.dispute_default"));
    CHECK_THAT(problem([](Genesis& g) { g.parameters.cycle_start = -1; }),
               Contains("parameters.cycle_start"));
    CHECK_THAT(problem([](Genesis& g) { g.parameters.cycle_start = cycle_start_max + 1; }),
               Contains("parameters.cycle_start"));
    CHECK_THAT(problem([](Genesis& g) { g.parameters.cycle_length = cycle_length_min_ms - 1; }),
               Contains("parameters.cycle_length"));
    CHECK_THAT(problem([](Genesis& g) { g.parameters.payment_window = 0; }),
               Contains("parameters.payment_window"));
    CHECK_THAT(problem([](Genesis& g) { g.parameters.default_bearer = DefaultBearer{0}; }),
               Contains("parameters.default_bearer"));
    CHECK_THAT(problem([](Genesis& g) { g.members.clear(); }), Contains("members"));
    CHECK_THAT(problem([](Genesis& g) { g.members[1].party = PartyId{}; }),
               Contains("members[1].party"));
    CHECK_THAT(problem([](Genesis& g) { std::swap(g.members[0], g.members[1]); }),
               Contains("sorted"));
    CHECK_THAT(problem([](Genesis& g) { g.members[1].party = g.members[0].party; }),
               Contains("members[1].party"));
    CHECK_THAT(problem([](Genesis& g) { g.members[0].country = "cn"; }), Contains("country"));
    CHECK_THAT(problem([](Genesis& g) { g.members[0].operator_id = "12345678"; }),
               Contains("operator_id"));
    CHECK_THAT(problem([](Genesis& g) { g.members[2].role = MemberRole::operator_; }),
               Contains("exactly one hub"));
    CHECK_THAT(problem([](Genesis& g) { g.members[1].role = MemberRole::hub; }),
               Contains("exactly one hub"));
    CHECK_THAT(problem([](Genesis& g) { g.members[1].link_key = PublicKey{}; }),
               Contains("members[1].link_key"));
    CHECK_THAT(problem([](Genesis& g) { g.members[1].consensus_key = g.members[0].consensus_key; }),
               Contains("members[1].consensus_key"));
    CHECK_THAT(problem([](Genesis& g) {
                   for (Member& member : g.members) {
                       member.validator = false;
                   }
               }),
               Contains("validators"));
    CHECK_THAT(problem([](Genesis& g) { g.agreements[0].member = test::party("ZZZ"); }),
               Contains("agreements[0].member"));
    CHECK_THAT(problem([](Genesis& g) { g.agreements[0].agreement.partner = test::party("AAA"); }),
               Contains("agreements[0].partner"));
    CHECK_THAT(problem([](Genesis& g) { g.agreements[1] = g.agreements[0]; }),
               Contains("agreements[1]"));
    CHECK_THAT(problem([](Genesis& g) { g.agreements[0].agreement.exposure_cap = -1; }),
               Contains("agreements[0]"));
    CHECK_THAT(problem([](Genesis& g) { g.limits[0].member = test::party("ZZZ"); }),
               Contains("limits[0].member"));
    CHECK_THAT(problem([](Genesis& g) { g.limits[0].limit = -1; }), Contains("limits[0]"));
    CHECK_THAT(problem([](Genesis& g) { g.limits[1] = g.limits[0]; }), Contains("limits[1]"));
    CHECK_THAT(problem([](Genesis& g) { g.limits.resize(genesis_limits_max + 1); }),
               Contains("limits"));
    CHECK_THAT(problem([](Genesis& g) { g.agreements.resize(genesis_agreements_max + 1); }),
               Contains("agreements"));
}

TEST_CASE("members are at most 256, validators at most 64", "[genesis]") {
    test::SeededRandom random{9};
    Genesis genesis = test::sample_genesis();
    genesis.agreements.clear();
    genesis.limits.clear();
    genesis.members.clear();
    for (std::size_t i = 0; i <= members_max; ++i) {
        Member member;
        member.party.data = {'A', static_cast<std::uint8_t>('A' + i / 26),
                             static_cast<std::uint8_t>('A' + i % 26)};
        member.country = "CN";
        member.role = i == 0 ? MemberRole::hub : MemberRole::operator_;
        member.member_key = public_key_of(generate_secret(random));
        member.consensus_key = public_key_of(generate_secret(random));
        member.link_key = public_key_of(generate_secret(random));
        member.validator = i <= validators_max;
        genesis.members.push_back(member);
    }
    CHECK_THAT(problem_of(genesis), Catch::Contains("members must be 1 to 256"));
    genesis.members.pop_back();
    CHECK_THAT(problem_of(genesis), Catch::Contains("validators, not 65"));
    genesis.members[0].validator = false;
    CHECK(problem_of(genesis) == "no problem");
}

TEST_CASE("validators are ordered by consensus key", "[genesis]") {
    std::vector<Member> members = test::sample_genesis().members;
    const std::vector<Validator> validators = validators_of(members);
    REQUIRE(validators.size() == 3);
    CHECK(validators[0].consensus_key < validators[1].consensus_key);
    CHECK(validators[1].consensus_key < validators[2].consensus_key);
    std::swap(members[0], members[2]);
    CHECK(validators_of(members) == validators);
    members[0].validator = false;
    CHECK(validators_of(members).size() == 2);
    CHECK(validators_hash(validators_of(members)) != validators_hash(validators));
}

}  // namespace tally
