#include "ledger/base/system_random.h"
#include "ledger/crypto/sha256.h"
#include "node/config/genesis_json.h"
#include "node/config/node_config.h"
#include "node/process/node_files.h"
#include "node/runtime/key_file.h"
#include "tests/ledger/base/temporary_folder.h"
#include "tests/support/ledger_fixture.h"
#include "tools/join/join.h"
#include "tools/keys/key_set.h"
#include "tools/keys/proven_keys.h"
#include "tools/member/requests.h"
#include "tools/member/rotation.h"

#include <boost/json/object.hpp>
#include <catch2/catch.hpp>

#include <filesystem>
#include <fstream>

using namespace tally;
using namespace tally::tools;
using tally::test::party;
using tally::test::secret_of;
using tally::test::TemporaryFolder;

namespace json = boost::json;

namespace {

bool contains(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

JoinOptions options_in(const TemporaryFolder& folder) {
    std::ofstream{folder.file("genesis.json")}
        << node::genesis_to_json(tally::test::make_genesis());
    JoinOptions options;
    options.party = "DDD";
    options.country = "DE";
    options.genesis = folder.file("genesis.json");
    options.peers = {"HUB=hub.example:7001", "AAA=127.0.0.1:7011"};
    options.folder = folder.file("ddd");
    return options;
}

std::string refusal_of(const JoinOptions& options) {
    SystemRandom random;
    const auto made = make_join_folder(options, random);
    CHECK_FALSE(std::filesystem::exists(options.folder + "/admission.json"));
    return made ? "accepted" : made.error();
}

std::string hex_key(const char* name) { return to_hex(public_key_of(secret_of(name))); }

}  // namespace

SCENARIO("a new operator gets files that its node accepts and a request that names them") {
    const TemporaryFolder folder;
    const JoinOptions options = options_in(folder);
    SystemRandom random;
    const auto made = make_join_folder(options, random);
    REQUIRE(made);
    const auto admission = load_admission(options.folder + "/admission.json");
    REQUIRE(admission);
    const Member& member = admission->request.member;
    CHECK(admission->request == made->request);
    CHECK(admission->chain_id == tally::test::make_genesis().chain_id());
    CHECK_FALSE(member.validator);
    tally::test::TestChain chain;
    CHECK(chain.apply(party("HUB"), admission->request) == ResultCode::ok);

    const auto inputs = node::load_inputs(options.folder + "/tallyd.toml");
    REQUIRE(inputs);
    CHECK(inputs->joining);
    CHECK(inputs->member.party == party("DDD"));
    CHECK(public_key_of(inputs->keys.member) == member.member_key);
    CHECK(public_key_of(inputs->keys.link) == member.link_key);
    REQUIRE(inputs->config.peers.size() == 2);
    CHECK(inputs->config.peers[0].address.host == "hub.example");
    CHECK(inputs->config.next_consensus_key_file == options.folder + "/keys/consensus.key.next");

    // A second run would make other keys than those that were handed in.
    const auto again = make_join_folder(options, random);
    REQUIRE_FALSE(again);
    CHECK(contains(again.error(), "member.key"));
}

SCENARIO("what a new operator says wrongly is named before any key is made") {
    const TemporaryFolder folder;
    const JoinOptions good = options_in(folder);
    const auto with = [&good](auto change) {
        JoinOptions options = good;
        change(options);
        return refusal_of(options);
    };
    CHECK(contains(with([](JoinOptions& o) { o.party = "DD"; }), "--party"));
    CHECK(contains(with([](JoinOptions& o) { o.party = "AAA"; }), "in the genesis already"));
    CHECK(contains(with([](JoinOptions& o) { o.country = "Germany"; }), "country"));
    CHECK(contains(with([](JoinOptions& o) { o.peers = {"HUB:7001"}; }), "HUB=host:port"));
    CHECK(contains(with([](JoinOptions& o) { o.peers = {"EEE=h:1"}; }), "link key"));
    CHECK(contains(with([](JoinOptions& o) { o.peers = {"HUB=h:1@zz"}; }), "66 hexadecimal"));
    CHECK(contains(with([](JoinOptions& o) { o.peers = {"HUB=h:1", "HUB=h:2"}; }), "twice"));
    CHECK(contains(with([](JoinOptions& o) { o.genesis = "/none"; }), "/none"));
    CHECK(contains(with([](JoinOptions& o) { o.api_listen = "7002"; }), "--api-listen"));
    CHECK_FALSE(std::filesystem::exists(good.folder + "/keys"));
}

SCENARIO("a peer may be named with the link key it has now") {
    const auto peer = peer_from_text("EEE=[::1]:7001@" + hex_key("EEE/link"));
    REQUIRE(peer);
    CHECK(peer->address.host == "::1");
    CHECK(peer->link_key == public_key_of(secret_of("EEE/link")));
}

SCENARIO("an admission request is read strictly") {
    Action action = AdmitFollower{tally::test::make_follower("DDD")};
    Admission request;
    request.chain_id = sha256(as_bytes("a chain"));
    tally::test::add_possessions(request.chain_id, party("HUB"), action);
    request.request = std::get<AdmitFollower>(action);
    const std::string good = admission_to_json(request);
    REQUIRE(admission_from_json(good));
    CHECK(admission_from_json(good)->request == request.request);
    const auto changed = [&good](const std::string& from, const std::string& into) {
        std::string text = good;
        text.replace(text.find(from), from.size(), into);
        const auto read = admission_from_json(text);
        return read ? std::string{"accepted"} : read.error();
    };
    CHECK(contains(changed("DDD", "dd"), "party"));
    // Another party, chain or key than the one that was proven.
    CHECK(contains(changed("DDD", "DDE"), "member_possession: must be the key's own signature"));
    CHECK(contains(changed(to_hex(request.chain_id), std::string(64, 'a')), "member_possession"));
    CHECK(contains(changed(hex_key("DDD/link"), hex_key("EEE/link")), "link_possession"));
    CHECK(contains(changed("\"link_possession\"", "\"link_proof\""), "link_possession"));
    CHECK(contains(changed(to_hex(request.request.possessions[1]), "00"), "consensus_possession"));
    CHECK(contains(changed("\"" + request.request.member.country + "\"", "\"Deutschland\""),
                   "country"));
    CHECK(contains(changed(hex_key("DDD/link"), std::string(66, 'f')), "link_key"));
    CHECK(contains(changed("\"chain_id\"", "\"chain\""), "chain"));
    CHECK(contains(changed("\"operator_id\"", "\"party\""), "party"));
    CHECK_FALSE(admission_from_json("{"));
    CHECK_FALSE(admission_from_json(std::string(admission_json_bytes_max + 1, ' ')));
}

SCENARIO("proposals are read from the command line") {
    ProposalOptions options;
    options.kind = "promote";
    options.member = "DDD";
    const Hash chain = sha256(as_bytes("a chain"));
    auto change = proposal_of(options, chain, {});
    REQUIRE(change);
    CHECK(change->kind == ChangeKind::promote);
    CHECK(change->member == party("DDD"));

    options.kind = "activate-feature";
    CHECK(contains(proposal_of(options, chain, {}).error(), "--feature"));
    options.feature = 7;
    CHECK(proposal_of(options, chain, {})->feature == 7);
    CHECK(proposal_of(options, chain, {})->member.is_zero());

    options.kind = "confirm-leg";
    CHECK(contains(proposal_of(options, chain, {}).error(), "--creditor"));
    options.cycle = 2'961;
    options.currency = "EUR";
    options.creditor = "DDD";  // The debtor itself.
    CHECK(contains(proposal_of(options, chain, {}).error(), "--creditor"));
    options.creditor = "AAA";
    const auto payment = proposal_of(options, chain, {});
    REQUIRE(payment.has_value());
    CHECK(payment->leg == LegKey{2'961, *currency_from_text("EUR"), party("DDD"), party("AAA")});
    CHECK(payment->member.is_zero());

    options.kind = "evict";
    CHECK(contains(proposal_of(options, chain, {}).error(), "must be promote"));
    CHECK(vote_of("AAA-" + std::string(32, '0'), "approve")->approve);
    CHECK_FALSE(vote_of("AAA-" + std::string(32, '0'), "yes"));
    CHECK_FALSE(vote_of("AAA", "approve"));
}

SCENARIO("keys that replace lost ones are proposed as their member has proven them") {
    const TemporaryFolder folder;
    const tally::test::TestChain chain;
    const std::string file = folder.file("new.json");
    CHECK(contains(prove_keys_in(folder.path(), chain.chain_id(), party("BBB")).error(),
                   "has none of"));
    REQUIRE(node::write_new_secret_key(folder.file("link.key"), secret_of("BBB/link-1")));
    const auto proven = prove_keys_in(folder.path(), chain.chain_id(), party("BBB"));
    REQUIRE(proven);
    CHECK_FALSE(proven->member);
    const std::string good = proven_keys_to_json(*proven);
    CHECK(proven_keys_from_json(good).value() == *proven);

    ProposalOptions options;
    options.kind = "replace-keys";
    options.member = "BBB";
    CHECK(contains(proposal_of(options, chain.chain_id(), {}).error(), "prove-keys"));
    options.keys = file;
    CHECK(contains(proposal_of(options, chain.chain_id(), {}).error(), file));
    std::ofstream{file} << good;
    const auto change = proposal_of(options, chain.chain_id(), {});
    REQUIRE(change);
    CHECK(change->link_key == proven->link);
    CHECK_FALSE(change->member_key);
    tally::test::TestChain ledger;
    CHECK(ledger.apply(party("AAA"), *change) == ResultCode::ok);

    CHECK(contains(proposal_of(options, Hash{}, {}).error(), "proves keys of BBB"));
    options.member = "CCC";
    CHECK(contains(proposal_of(options, chain.chain_id(), {}).error(), "proves keys of BBB"));

    const auto changed = [&good](const std::string& from, const std::string& into) {
        std::string text = good;
        text.replace(text.find(from), from.size(), into);
        const auto read = proven_keys_from_json(text);
        return read ? std::string{"accepted"} : read.error();
    };
    CHECK(contains(changed("BBB", "CCC"), "link_possession: must be the key's own signature"));
    CHECK(contains(changed("\"link_possession\"", "\"proof\""), "link_possession"));
    CHECK(contains(changed("\"party\"", "\"member\""), "party"));
    CHECK(contains(changed("\"link_key\"", "\"member_key\""), "member_possession"));
    CHECK_FALSE(
        proven_keys_from_json(R"({"party":"BBB","chain_id":")" + std::string(64, 'a') + "\"}"));
    CHECK_FALSE(proven_keys_from_json(std::string(proven_json_bytes_max + 1, ' ')));
}

SCENARIO("parameters are changed one by one, the others stay as they are in force") {
    Parameters in_force;
    in_force.delta = 77;
    ProposalOptions options;
    options.kind = "set-parameters";
    options.set = {"epoch_blocks_max=500", "minimum_approval=7.50"};
    const auto change = proposal_of(options, Hash{}, node::parameters_to_json(in_force));
    REQUIRE(change);
    CHECK(change->member.is_zero());
    REQUIRE(change->parameters);
    CHECK(change->parameters->epoch_blocks_max == 500);
    CHECK(change->parameters->minimum_approval == 75'000);
    CHECK(change->parameters->delta == 77);

    options.set = {"epoch_blocks_max=1"};
    CHECK(contains(proposal_of(options, Hash{}, node::parameters_to_json(in_force)).error(),
                   "epoch_blocks_max"));
    options.set = {"colour=red"};
    CHECK(contains(proposal_of(options, Hash{}, node::parameters_to_json(in_force)).error(),
                   "colour"));
}

SCENARIO("a key is rotated again and again without losing the one in force") {
    const TemporaryFolder folder;
    const KeyFiles files{folder.file("consensus.key"), folder.file("consensus.key.next")};
    REQUIRE(node::write_new_secret_key(files.current, secret_of("AAA/consensus")));
    SystemRandom random;
    KnownMember known;
    known.consensus_key = public_key_of(secret_of("AAA/consensus"));
    known.consensus_key_now = known.consensus_key;

    const auto first = prepare_next_key(files, KeyRole::consensus, known, random);
    REQUIRE(first);
    CHECK(*first != known.consensus_key);
    // It did not reach the ledger: the same key is used.
    CHECK(prepare_next_key(files, KeyRole::consensus, known, random).value() == *first);

    known.consensus_key = *first;
    const auto too_soon = prepare_next_key(files, KeyRole::consensus, known, random);
    REQUIRE_FALSE(too_soon);
    CHECK(contains(too_soon.error(), "next epoch"));

    known.consensus_key_now = *first;
    const auto second = prepare_next_key(files, KeyRole::consensus, known, random);
    REQUIRE(second);
    CHECK(*second != *first);
    CHECK(public_key_of(node::read_secret_key(files.current).value()) == *first);
    CHECK(public_key_of(node::read_secret_key(files.next).value()) == *second);

    known.consensus_key = public_key_of(secret_of("AAA/elsewhere"));
    CHECK(contains(prepare_next_key(files, KeyRole::consensus, known, random).error(),
                   "neither this file"));
}

SCENARIO("a rotation carries the proof that the ledger asks for") {
    const TemporaryFolder folder;
    const std::string file = folder.file("link.key.next");
    tally::test::TestChain chain;
    const SubmitAs as{party("AAA"), secret_of("AAA/member"), chain.chain_id(), ""};
    CHECK(contains(rotation_to(file, KeyRole::link, as).error(), file));
    REQUIRE(node::write_new_secret_key(file, secret_of("made by the tool")));
    const auto rotation = rotation_to(file, KeyRole::link, as);
    REQUIRE(rotation);
    CHECK(rotation->new_key == public_key_of(secret_of("made by the tool")));
    CHECK(chain.apply(party("BBB"), *rotation) == ResultCode::bad_possession);
    CHECK(chain.apply(party("AAA"), *rotation) == ResultCode::ok);
}
