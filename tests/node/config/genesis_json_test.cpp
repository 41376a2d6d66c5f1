#include "node/config/genesis_json.h"

#include "tests/ledger/base/temporary_folder.h"
#include "tests/support/ledger_fixture.h"

#include <catch2/catch.hpp>

#include <fstream>

using namespace tally;
using namespace tally::node;
using tally::test::TemporaryFolder;

namespace {

/// `text` with the first `from` replaced; the test is wrong when there is none.
std::string changed(std::string text, const std::string& from, const std::string& to) {
    const std::size_t place = text.find(from);
    INFO(from);
    REQUIRE(place != std::string::npos);
    return text.replace(place, from.size(), to);
}

/// The file that a network starts from, without a chain id so that it may be edited.
std::string sample() {
    const Genesis genesis = test::make_genesis();
    return changed(genesis_to_json(genesis), "\"chain_id\":\"" + to_hex(genesis.chain_id()) + "\",",
                   "");
}

std::string error_of(const std::string& text) {
    const auto genesis = genesis_from_json(text);
    return genesis ? "accepted" : genesis.error();
}

bool contains(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

std::string hex_key(const char* name) { return to_hex(public_key_of(test::secret_of(name))); }

}  // namespace

SCENARIO("a genesis is the same after writing and reading, with and without its chain id") {
    Genesis genesis = test::make_genesis();
    genesis.parameters.settle_window = 7'000;
    genesis.parameters.delta = 33;
    genesis.parameters.epoch_blocks_max = 1'000'000'000;
    genesis.parameters.epoch_blocks_min = 999'999'999;
    genesis.parameters.admissions_per_epoch = 256;
    genesis.parameters.arbitrate_window = 8'000;
    genesis.parameters.correction_window = 9'000;
    genesis.parameters.dispute_default = DisputeDefault::release;
    genesis.parameters.cycle_start = 0;
    genesis.parameters.cycle_length = 1'000;
    genesis.parameters.payment_window = 7'000;
    genesis.parameters.default_bearer = DefaultBearer::shared;
    genesis.members[1].operator_id = "MA0123456";
    genesis.members[2].validator = false;
    genesis.agreements[0].agreement.tariffs_offered = {"day", "night"};
    genesis.agreements[0].agreement.exposure_cap = 12'345;
    genesis.agreements[1].agreement.active = false;
    const std::string text = genesis_to_json(genesis);
    const auto read = genesis_from_json(text);
    REQUIRE(read);
    CHECK(*read == genesis);
    CHECK(contains(text, to_hex(genesis.chain_id())));
    CHECK(genesis_to_json(*read) == text);
    const auto edited = genesis_from_json(sample());
    REQUIRE(edited);
    CHECK(*edited == test::make_genesis());
}

SCENARIO("what is left out has its default") {
    std::string text = R"({"name":"small","time_ms":5,"members":[{"party":"HUB","country":"CN",)";
    text += R"("role":"hub","member_key":")" + hex_key("HUB/member") + R"(","consensus_key":")" +
            hex_key("HUB/consensus") + R"(","link_key":")" + hex_key("HUB/link") + "\"}]}";
    const auto genesis = genesis_from_json(text);
    REQUIRE(genesis);
    CHECK(genesis->parameters == Parameters{});
    CHECK(genesis->members.front().validator);
    CHECK(genesis->members.front().operator_id.empty());
    CHECK(genesis->agreements.empty());
}

SCENARIO("every wrong value is refused with its place and its rule") {
    struct Case {
        const char* from;
        const char* to;
        const char* error;
    };
    const std::vector<Case> cases{
        {R"("name":"test")", R"("nom":"test")", "name: is missing"},
        {R"("name":"test")", R"("name":7)", "name: must be a text"},
        {R"("name":"test")", R"("name":"")", "name must be 1 to 64 printable characters"},
        {R"("name":"test")", R"("name":"test","extra":1)", "extra: is not a known key"},
        {R"("time_ms":1748736000000)", R"("time_ms":-1)", "time_ms: must be a whole number from 0"},
        {R"("time_ms":1748736000000)", R"("time_ms":1.5)", "time_ms: must be a whole number"},
        {R"("time_ms":1748736000000)", R"("time_ms":1e3)", "time_ms: must be a whole number"},
        {R"("time_ms":1748736000000)", R"("time_ms":"1")", "time_ms: must be a whole number"},
        {R"("time_ms":1748736000000)", R"("time_ms":18446744073709551615)",
         "time_ms: must be a whole number"},
        {R"("parameters":{)", R"("parameters":{"speed":1,)", "parameters.speed: is not a known"},
        {R"("delta_ms":50)", R"("delta_ms":0)", "parameters.delta_ms: must be a whole number from"},
        {R"("delta_ms":50)", R"("delta_ms":34560000001)", "from 1 to 34560000000"},
        {R"("epoch_blocks_max":100000)", R"("epoch_blocks_max":9)",
         "parameters.epoch_blocks_max: must be a whole number from 10"},
        {R"("epoch_blocks_max":100000)", R"("epoch_blocks_max":1000000001)",
         "parameters.epoch_blocks_max: must be a whole number from 10 to 1000000000"},
        {R"("epoch_blocks_min":1,)", R"("epoch_blocks_min":0,)",
         "parameters.epoch_blocks_min: must be a whole number from 1 to 1000000000"},
        {R"("admissions_per_epoch":16)", R"("admissions_per_epoch":0)",
         "parameters.admissions_per_epoch: must be a whole number from 1 to 256"},
        {R"("dispute_default":"post")", R"("dispute_default":"both")",
         "parameters.dispute_default: must be \"post\" or \"release\""},
        {R"("default_bearer":"creditor")", R"("default_bearer":"hub")",
         "parameters.default_bearer: must be \"creditor\" or \"shared\""},
        {R"("cycle_length_ms":34560000000)", R"("cycle_length_ms":999)",
         "parameters.cycle_length_ms: must be a whole number from 1000"},
        {R"("cycle_start_ms":1748736000000)", R"("cycle_start_ms":-1)",
         "parameters.cycle_start_ms: must be a whole number from 0"},
        {R"("arbitrate_window_ms":1209600000)", R"("arbitrate_window_ms":0)",
         "parameters.arbitrate_window_ms: must be a whole number from 1"},
        {R"("minimum_approval":"1.0000")", R"("minimum_approval":1)",
         "parameters.minimum_approval: must be a text"},
        {R"("minimum_approval":"1.0000")", R"("minimum_approval":"-1")",
         "parameters.minimum_approval: must be a decimal text"},
        {R"("minimum_approval":"1.0000")", R"("minimum_approval":"0.00001")",
         "parameters.minimum_approval: must be a decimal text"},
        {R"("minimum_approval":"1.0000")", R"("minimum_approval":"1000000000.0001")",
         "parameters.minimum_approval: must be a decimal text"},
        {R"("party":"BBB")", R"("party":"B8B")", "members[1].party: must be three letters"},
        {R"("party":"BBB")", R"("party":"AAA")", "members[1].party: members must be sorted"},
        {R"("party":"BBB")", R"("party":null)", "members[1].party: must be a text"},
        {R"("country":"CN")", R"("country":"C")", "members[0].country must be two letters"},
        {R"("role":"operator")", R"("role":"bank")",
         "members[0].role: must be \"hub\" or \"operator\""},
        {R"("role":"hub")", R"("role":"operator")", "exactly one hub, not 0"},
        {R"("role":"operator")", R"("role":"hub")", "exactly one hub, not 2"},
        {R"("operator_id":"")", R"("operator_id":"MA012")", "operator_id must be empty or 9"},
        {R"("validator":true)", R"("validator":"yes")", "members[0].validator: must be true or"},
        {R"("member_key":")", R"("member_key":"0)", "members[0].member_key: must be 66 hex"},
        {R"("consensus_key":"0)", R"("consensus_key":"7)", "consensus_key is not a point"},
        {R"("partner":"BBB")", R"("partner":"AAA")", "agreements[0].partner is not another"},
        {R"("partner":"BBB")", R"("partner":"ZZZ")", "agreements[0].partner is not another"},
        {R"("partner":"BBB")", R"("partner":"CCC")", "agreements[1] repeats member and partner"},
        {R"("currency":"CNY")", R"("currency":"cn")", "agreements[0].currency: must be an ISO"},
        {R"("tariffs_offered":[])", R"("tariffs_offered":[1])",
         "agreements[0].tariffs_offered: must be a list of texts"},
        {R"("tariffs_offered":[])", R"("tariffs_offered":{})",
         "agreements[0].tariffs_offered: must be a list"},
        {R"("tariffs_offered":[])", R"("tariffs_offered":["a b"])", "agreements[0]: currency, tar"},
        {R"("limit":"10000.0000")", R"("limit":"abc")", "limits[0].limit: must be a decimal text"},
        {R"("limit":"10000.0000")", R"("limit":"1","burst":"2")", "limits[0].burst: is not a"},
        {R"("limits":[)", R"("limits":[5,)", "limits[0]: must be an object"},
    };
    for (const Case& wrong : cases) {
        const std::string error = error_of(changed(sample(), wrong.from, wrong.to));
        INFO(wrong.from << " -> " << wrong.to << ": " << error);
        CHECK(contains(error, wrong.error));
        CHECK(error.starts_with("genesis: "));
    }
}

SCENARIO("a chain id that belongs to another content is refused and the right one is named") {
    const Genesis genesis = test::make_genesis();
    const std::string edited =
        changed(genesis_to_json(genesis), "\"delta_ms\":50", "\"delta_ms\":51");
    Genesis other = genesis;
    other.parameters.delta = 51;
    const std::string error = error_of(edited);
    CHECK(contains(error, "chain_id: does not belong to this content"));
    CHECK(contains(error, to_hex(other.chain_id())));
    CHECK(contains(error_of(changed(sample(), "{", R"({"chain_id":"00",)")), "chain_id"));
    CHECK(contains(error_of(changed(sample(), "{", R"({"chain_id":5,)")), "chain_id: must be a"));
}

SCENARIO("hostile documents are refused without effort") {
    CHECK(contains(error_of(""), "not JSON"));
    CHECK(contains(error_of("{}x"), "not JSON"));
    CHECK(contains(error_of("[]"), "document: must be an object"));
    CHECK(contains(error_of("null"), "document: must be an object"));
    CHECK(contains(error_of("{\"name\":\"\xff\"}"), "not JSON"));
    CHECK(contains(error_of(std::string(100'000, '[')), "not JSON"));
    CHECK(contains(error_of(changed(sample(), "\"test\"", std::string(5'000, '{'))), "not JSON"));
    CHECK(contains(error_of(std::string(genesis_json_bytes_max + 1, ' ')), "larger than 4 MiB"));
    std::string members = R"({"name":"x","time_ms":1,"members":[)";
    for (std::size_t index = 0; index <= members_max; ++index) {
        members += index == 0 ? "{}" : ",{}";
    }
    CHECK(contains(error_of(members + "]}"), "members: has more than 256 items"));
    const std::string text = sample();
    for (std::size_t length = 0; length + 2 < text.size(); length += 37) {
        CHECK_FALSE(genesis_from_json(text.substr(0, length)));
    }
}

SCENARIO("a key that is given twice is refused: nobody can tell which one counts") {
    CHECK(
        contains(error_of(changed(sample(), "{", R"({"name":"other",)")), "name: is given twice"));
    CHECK(contains(error_of(changed(sample(), R"("delta_ms":50)", R"("delta_ms":1,"delta_ms":50)")),
                   "delta_ms: is given twice"));
    CHECK(
        contains(error_of(changed(sample(), R"("party":"BBB")", R"("party":"BBB","party":"DDD")")),
                 "party: is given twice"));
    CHECK(
        contains(error_of(changed(sample(), R"("party":"BBB")", R"("party":"BBB","p\u0061rty":1)")),
                 "party: is given twice"));
}

SCENARIO("errors of a genesis file name the file") {
    const TemporaryFolder folder;
    const std::string path = folder.file("genesis.json");
    CHECK(load_genesis(path).error() == path + ": cannot be opened");
    std::ofstream{path} << "{";
    CHECK(contains(load_genesis(path).error(), path + ": genesis: not JSON"));
    std::ofstream{path} << genesis_to_json(test::make_genesis());
    CHECK(load_genesis(path).value() == test::make_genesis());
    std::ofstream{path} << std::string(genesis_json_bytes_max + 1, ' ');
    CHECK(contains(load_genesis(path).error(), "larger than 4 MiB"));
    CHECK(contains(load_genesis(folder.path()).error(), folder.path()));
}
