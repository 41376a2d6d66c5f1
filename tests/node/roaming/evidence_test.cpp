// The evidence of a charge: from the bridge to the visited operator, and on to the home operator.

#include "node/link/evidence_sender.h"
#include "node/roaming/messages.h"
#include "tests/node/roaming/roaming_world.h"

#include <catch2/catch.hpp>

namespace tally::node::test {
namespace {

using tally::test::party;
using tally::test::units;

EvidenceFile make_file(std::uint8_t number, std::size_t bytes = 300) {
    EvidenceFile file;
    file.session.data[0] = number;
    file.texts = {"{\"first\":1}", std::string(bytes, 'x'), "{\"tally\":\"metering\"}"};
    return file;
}

/// A charge at AAA whose record names the hash of `file`, settled.
AuthorizationRef charged(World& world, const EvidenceFile& file) {
    ChargePlan plan;
    plan.evidence = evidence_hash(file);
    const SessionView view = world.charge(plan);
    REQUIRE(view.state == SessionState::settled);
    REQUIRE(view.authorization);
    return *view.authorization;
}

/// The bridge's side of it: offers a file, and sends what AAA asks for. AAA's last word.
EvidenceVerdict give(World& world, const EvidenceOffer& offer, const Bytes& bytes) {
    MemberProcess& node = world.member("AAA");
    node.said_of_evidence.clear();
    EvidenceMessage next = offer;
    for (int i = 0; i < 100; ++i) {
        node.service().on_bridge_evidence("bridge-1", next);
        const auto answer = std::get<EvidenceAnswer>(node.said_of_evidence.back());
        CHECK(answer.hash == offer.hash);
        if (answer.verdict != EvidenceVerdict::more) {
            return answer.verdict;
        }
        const std::size_t length = std::min(evidence_chunk_bytes_max, bytes.size() - answer.next);
        const ByteView piece = ByteView{bytes}.subspan(answer.next, length);
        next = EvidenceChunk{offer.hash, answer.next, {piece.begin(), piece.end()}};
    }
    return EvidenceVerdict::more;
}

EvidenceVerdict give(World& world, const EvidenceFile& file, const AuthorizationRef& charge) {
    const Bytes bytes = encode_evidence_file(file);
    return give(world, {evidence_hash(file), charge, static_cast<std::uint32_t>(bytes.size())},
                bytes);
}

std::optional<Bytes> kept_at(World& world, std::string_view member, const EvidenceFile& file) {
    MemberProcess& process = world.member(member);
    return process.is_up() ? process.service().evidence()->find(evidence_hash(file)) : std::nullopt;
}

bool has_all(World& world, std::string_view member, const EvidenceFile& file) {
    return kept_at(world, member, file) == encode_evidence_file(file);
}

bool is_nothing_waiting(World& world) {
    return world.member("AAA").service().evidence()->lacking(10).empty();
}

}  // namespace

TEST_CASE("evidence goes from the bridge to both operators", "[roaming]") {
    World world;
    world.customer("BBB-1", units(100));
    const EvidenceFile file = make_file(1, 100'000);
    const AuthorizationRef charge = charged(world, file);
    CHECK(give(world, file, charge) == EvidenceVerdict::kept);
    CHECK(has_all(world, "AAA", file));
    CHECK(world.run_until([&] { return has_all(world, "BBB", file) && is_nothing_waiting(world); },
                          60'000));
    CHECK(world.member("HUB").counts()["roaming_relayed"] > 0);
    CHECK(world.member("HUB").service().evidence() == nullptr);
    const auto listed = world.member("BBB").service().evidence()->list(std::nullopt, 10);
    REQUIRE(listed.size() == 1);
    CHECK(listed[0].authorization == charge);
    // Once more: it is there.
    CHECK(give(world, file, charge) == EvidenceVerdict::kept);
    CHECK(world.member("AAA").counts()["evidence_kept"] == 1);
    CHECK(world.member("BBB").counts()["evidence_kept"] == 1);
}

TEST_CASE("evidence of a charge without a final record is not taken yet", "[roaming]") {
    World world;
    world.customer("BBB-1", units(100));
    const EvidenceFile file = make_file(1);
    AuthorizationRef unknown;
    unknown.signer = party("BBB");
    CHECK(give(world, file, unknown) == EvidenceVerdict::unknown);
    const AuthorizationRef charge = charged(world, file);
    CHECK(give(world, make_file(2), charge) == EvidenceVerdict::unknown);  // not its hash
    CHECK(give(world, file, unknown) == EvidenceVerdict::unknown);         // not its charge
    CHECK(give(world, file, charge) == EvidenceVerdict::kept);
}

TEST_CASE("evidence that does not have its hash is refused, counted and not kept", "[roaming]") {
    World world;
    world.customer("BBB-1", units(100));
    const EvidenceFile file = make_file(1);
    const AuthorizationRef charge = charged(world, file);
    Bytes bytes = encode_evidence_file(file);
    const EvidenceOffer offer{evidence_hash(file), charge,
                              static_cast<std::uint32_t>(bytes.size())};
    bytes[40] ^= 1U;
    CHECK(give(world, offer, bytes) == EvidenceVerdict::refused);
    CHECK(world.member("AAA").counts()["evidence_refused"] == 1);
    CHECK_FALSE(kept_at(world, "AAA", file));
    bytes[40] ^= 1U;
    CHECK(give(world, offer, bytes) == EvidenceVerdict::kept);
}

TEST_CASE("a home operator that was away gets the evidence late", "[roaming]") {
    World world;
    world.customer("BBB-1", units(100));
    const EvidenceFile file = make_file(1, 200'000);
    const AuthorizationRef charge = charged(world, file);
    world.member("BBB").crash();
    CHECK(give(world, file, charge) == EvidenceVerdict::kept);
    world.run(300'000);
    world.member("AAA").crash();
    world.run(1'000);
    world.member("AAA").start();
    CHECK(has_all(world, "AAA", file));
    world.member("BBB").start();
    CHECK(world.run_until([&] { return world.member("BBB").service().load().outbox == 0; }, 1'000));
    CHECK(world.run_until([&] { return has_all(world, "BBB", file) && is_nothing_waiting(world); },
                          120'000));
}

TEST_CASE("evidence arrives whatever the links lose and whoever crashes", "[roaming]") {
    World world;
    for (std::uint8_t i = 1; i <= 3; ++i) {
        world.customer("BBB-" + std::to_string(i), units(100));
    }
    std::vector<EvidenceFile> files;
    for (std::uint8_t i = 1; i <= 3; ++i) {
        files.push_back(make_file(i, 90'000));
        ChargePlan plan;
        plan.token = "BBB-" + std::to_string(i);
        plan.evidence = evidence_hash(files.back());
        const SessionView view = world.charge(plan);
        REQUIRE(view.authorization);
        CHECK(give(world, files.back(), *view.authorization) == EvidenceVerdict::kept);
    }
    world.faults = {.loss = 10, .repetition = 10, .delay_max = 50, .crash = 5};
    CHECK(world.run_until(
        [&] {
            return std::all_of(files.begin(), files.end(), [&](const EvidenceFile& file) {
                return has_all(world, "BBB", file);
            });
        },
        3'600'000));
}

TEST_CASE("evidence goes directly while the hub is away", "[roaming]") {
    World world;
    world.customer("BBB-1", units(100));
    const EvidenceFile file = make_file(1, 100'000);
    const AuthorizationRef charge = charged(world, file);
    world.member("HUB").crash();
    CHECK(give(world, file, charge) == EvidenceVerdict::kept);
    CHECK(world.run_until([&] { return has_all(world, "BBB", file); }, 120'000));
}

TEST_CASE("evidence passes by a hub whose program is older", "[roaming]") {
    World world;
    world.customer("BBB-1", units(100));
    world.member("HUB").features = 0;
    const EvidenceFile file = make_file(1, 100'000);
    const AuthorizationRef charge = charged(world, file);
    CHECK(give(world, file, charge) == EvidenceVerdict::kept);
    CHECK(world.run_until([&] { return has_all(world, "BBB", file) && is_nothing_waiting(world); },
                          300'000));
}

TEST_CASE("evidence waits for a home operator whose program is older", "[roaming]") {
    World world;
    world.customer("BBB-1", units(100));
    world.member("BBB").features = 0;
    const EvidenceFile file = make_file(1, 100'000);
    const AuthorizationRef charge = charged(world, file);
    CHECK(give(world, file, charge) == EvidenceVerdict::kept);
    world.run(300'000);
    CHECK_FALSE(kept_at(world, "BBB", file));
    CHECK_FALSE(is_nothing_waiting(world));
    world.member("BBB").crash();  // and comes back with the program of today
    world.member("BBB").features = feature_evidence;
    world.member("BBB").start();
    CHECK(world.run_until([&] { return has_all(world, "BBB", file) && is_nothing_waiting(world); },
                          120'000));
}

TEST_CASE("nobody but the visited operator can give a home operator evidence", "[roaming]") {
    World world;
    world.customer("BBB-1", units(100));
    const EvidenceFile file = make_file(1);
    const AuthorizationRef charge = charged(world, file);
    const Bytes bytes = encode_evidence_file(file);
    const EvidenceOffer offer{evidence_hash(file), charge,
                              static_cast<std::uint32_t>(bytes.size())};
    std::uint8_t number{0};
    const auto say = [&](EvidenceMessage evidence) {
        SignedMessage message;
        message.from = party("CCC");
        message.to = party("BBB");
        message.id.data[0] = ++number;
        message.body = encode_roaming_body(RoamingBody{std::move(evidence)});
        KeySigner key{tally::test::secret_of("CCC/member")};
        message.signature = key.sign(message.signing_digest(world.chain().chain_id()));
        return world.member("BBB").service().on_member_frame(party("CCC"),
                                                             encode_signed_message(message));
    };
    CHECK(say(offer));
    CHECK(say(EvidenceChunk{offer.hash, 0, bytes}));
    CHECK(say(EvidenceAnswer{offer.hash, EvidenceVerdict::kept, 0}));
    world.run(1'000);
    CHECK_FALSE(kept_at(world, "BBB", file));
}

}  // namespace tally::node::test
