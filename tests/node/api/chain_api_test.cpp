// Blocks, transactions, receipts and segments over HTTP, whatever folder they are in.

#include "ledger/store/snapshot.h"
#include "tests/node/api/api_fixture.h"

#include <filesystem>

using namespace tally;
using namespace tally::node;
using namespace tally::node::test;

SCENARIO("blocks are paged from a height within bounds") {
    Api api;
    const auto tip = api.backend.blocks.size();
    const auto heights = [&api](std::map<std::string, std::string> query) {
        std::vector<std::uint64_t> found;
        for (const json::value& block : items_of(api.read("/api/v1/blocks", std::move(query)))) {
            found.push_back(block.at("height").to_number<std::uint64_t>());
        }
        return found;
    };
    REQUIRE(tip == 8);
    CHECK(heights({}) == std::vector<std::uint64_t>{1, 2, 3, 4, 5, 6, 7, 8});
    CHECK(heights({{"limit", "3"}}) == std::vector<std::uint64_t>{6, 7, 8});
    CHECK(heights({{"limit", "3"}, {"from", "2"}}) == std::vector<std::uint64_t>{2, 3, 4});
    CHECK(heights({{"from", "0"}, {"limit", "1"}}) == std::vector<std::uint64_t>{1});
    CHECK(heights({{"from", "8"}, {"limit", "100"}}) == std::vector<std::uint64_t>{8});
    CHECK(heights({{"from", "9"}}).empty());
    CHECK(heights({{"from", "18446744073709551615"}, {"limit", "100"}}).empty());
    for (const char* limit : {"0", "101", "-1", "1x", "", " 1", "1.0", "18446744073709551616"}) {
        INFO(limit);
        CHECK(is_error(api.get("/api/v1/blocks", {{"limit", limit}}), 400, "bad_parameter"));
    }
    for (const char* from : {"-1", "x", "", "18446744073709551616"}) {
        INFO(from);
        CHECK(is_error(api.get("/api/v1/blocks", {{"from", from}}), 400, "bad_parameter"));
    }
}

SCENARIO("a page of large blocks ends early and goes on from where it ended") {
    Api api;
    fixture::TestChain chain;
    // The same blocks again: a fresh chain from genesis gives the same history up to the tip.
    for (const auto& block : api.backend.blocks) {
        chain.add_block(block->block.header.time, block->block.envelopes);
    }
    REQUIRE(chain.tip().digest == api.backend.ledger().final_digest());
    const UnixMillis time = chain.now();
    for (UnixMillis number = 1; number <= 3; ++number) {
        std::vector<Bytes> envelopes;
        std::size_t bytes{0};
        while (number < 3 && bytes < block_bytes_max / 2) {
            std::vector<Transaction> transactions;
            RegisterCharger charger;
            charger.evse_id = "E";
            charger.station = std::string(20, 'S');
            charger.bridge_id = "no-such-bridge";
            charger.rated_power_w = 1;
            charger.meter_serial = "M";
            charger.meter_public_key = Bytes(meter_key_bytes_max, std::uint8_t{7});
            for (std::size_t count = 0; count < 512; ++count) {
                transactions.push_back(chain.transaction(fixture::party("AAA"), charger));
            }
            envelopes.push_back(
                fixture::make_envelope(chain.chain_id(), fixture::party("AAA"), transactions));
            bytes += envelopes.back().size();
        }
        api.backend.add(chain.add_block(time + number, envelopes).block);
    }
    const json::object page = api.read("/api/v1/blocks", {{"from", "9"}, {"limit", "100"}});
    CHECK(page.at("height").to_number<int>() == 11);
    REQUIRE(page.at("items").as_array().size() == 2);
    CHECK(items_of(api.read("/api/v1/blocks", {{"from", "11"}})).size() == 1);
}

SCENARIO("a block has its header, certificate, transactions and events") {
    Api api;
    const json::object block = api.read("/api/v1/blocks/3");
    const FinalizedBlock& real = *api.backend.blocks.at(2);
    CHECK(text(block, "digest") == to_hex(real.block.header.digest()));
    CHECK(text(block, "state_root") == to_hex(real.block.header.state_root));
    CHECK(block.at("time_ms").to_number<UnixMillis>() == real.block.header.time);
    CHECK(block.at("envelopes").to_number<std::size_t>() == 2);
    CHECK(block.at("finalization").at("signers").as_array().size() == 3);
    const json::array& transactions = block.at("transactions").as_array();
    REQUIRE(transactions.size() == 2);
    CHECK(transactions.at(0).at("action").as_string() == "DecideAuthorization");
    CHECK(transactions.at(0).at("amount").as_string() == "50.0000");
    const json::array events = api.read("/api/v1/blocks/6").at("events").as_array();
    REQUIRE(events.size() == 1);
    CHECK(events.at(0).at("cause").as_string() == "not_started");
    CHECK(events.at(0).at("amount").as_string() == "20.0000");
    CHECK(is_error(api.get("/api/v1/blocks/0"), 404, "not_found"));
    CHECK(is_error(api.get("/api/v1/blocks/9"), 404, "not_found"));
    CHECK(is_error(api.get("/api/v1/blocks/18446744073709551615"), 404, "not_found"));
    for (const char* height : {"", "x", "-1", "1/2", "18446744073709551616"}) {
        INFO(height);
        const std::string path = std::string{"/api/v1/blocks/"} + height;
        CHECK(is_error(api.get(path), 400, "bad_parameter"));
    }
}

SCENARIO("what was moved to an archive is served from there, and without it the answer names it") {
    Api api{1};
    const std::string folder = api.backend.archive(3);
    const std::string name = segment_name(1);
    const auto transaction = [&api](std::uint64_t height) {
        const json::value block = api.read("/api/v1/blocks/" + std::to_string(height));
        return std::string{block.at("transactions").at(0).at("id").as_string()};
    };
    const std::string id = transaction(2);
    const std::vector<std::string> moved{"/api/v1/blocks/2", "/api/v1/segments/" + name,
                                         "/api/v1/transactions/" + id,
                                         "/api/v1/transactions/" + id + "/receipt"};
    for (const std::string& path : moved) {
        INFO(path);
        CHECK(api.get(path).status == 200);
    }
    CHECK(api.get("/api/v1/segments/" + name).file_path == folder + "/" + name);
    std::filesystem::rename(folder, folder + ".away");
    for (const std::string& path : moved) {
        INFO(path);
        const HttpResponse refused = api.get(path);
        CHECK(is_error(refused, 410, "archived"));
        CHECK(refused.body.find(folder) != std::string::npos);
    }
    CHECK(is_error(api.get("/api/v1/blocks", {{"from", "1"}}), 410, "archived"));
    CHECK(api.get("/api/v1/blocks/4").status == 200);
    CHECK(api.get("/api/v1/blocks", {{"from", "4"}}).status == 200);
    CHECK(is_error(api.get("/api/v1/blocks/99"), 404, "not_found"));
    CHECK(api.get("/api/v1/transactions/" + transaction(4)).status == 200);
}

SCENARIO("a backup is given the manifest of a snapshot, proofs and chunks, and nothing else") {
    Api api;
    const HttpResponse answer = api.get("/api/v1/backup/manifest");
    REQUIRE(answer.status == 200);
    const auto manifest = SnapshotManifest::decode(as_bytes(answer.body));
    REQUIRE(manifest);
    CHECK(manifest->header == api.backend.ledger().final_header());
    CHECK(api.get("/api/v1/backup/manifest").body == answer.body);
    const auto ask = [&api](const SnapshotQuery& query) {
        return api.get("/api/v1/backup/" + to_hex(encode(query)));
    };
    const HttpResponse chunk = ask(ChunkQuery{manifest->header.digest(), {}});
    REQUIRE(chunk.status == 200);
    CHECK(StateChunk::decode(as_bytes(chunk.body)));
    CHECK(is_error(ask(ChunkQuery{Hash{{1}}, {}}), 404, "not_found"));
    CHECK(is_error(ask(ProofsQuery{7}), 404, "not_found"));
    CHECK(is_error(ask(BlocksQuery{1, 2}), 400, "bad_parameter"));
    CHECK(is_error(ask(ManifestQuery{}), 400, "bad_parameter"));
    CHECK(is_error(ask(CheckpointQuery{{}, 1}), 400, "bad_parameter"));
    for (const std::string& wrong :
         {std::string{}, std::string{"zz"}, std::string{"0"}, std::string(1000, 'a')}) {
        CHECK(is_error(api.get("/api/v1/backup/" + wrong), 400, "bad_parameter"));
    }
}

SCENARIO("segments are served by their listed names only") {
    Api api;
    const json::array items = items_of(api.read("/api/v1/segments"));
    REQUIRE(items.size() == 1);
    const std::string name{items.at(0).at("name").as_string()};
    const HttpResponse file = api.get("/api/v1/segments/" + name);
    CHECK(file.status == 200);
    CHECK(file.content_type == "application/octet-stream");
    CHECK(file.file_path == api.backend.segments_folder() + "/" + name);
    CHECK(file.file_length == items.at(0).at("bytes").to_number<std::uint64_t>());
    for (const std::string& other :
         {std::string{}, std::string{"."}, std::string{".."}, "../" + name, "./" + name, "/" + name,
          name + "/", name + std::string(1, '\0'), std::string{"../../etc/passwd"},
          std::string{"/etc/passwd"}, api.backend.segments_folder() + "/" + name}) {
        INFO(other);
        const HttpResponse refused = api.get("/api/v1/segments/" + other);
        CHECK(is_error(refused, 404, "not_found"));
        CHECK(refused.file_path.empty());
    }
}

SCENARIO("a transaction is found by its full name and by its id alone") {
    Api api;
    const std::string id = text(find_action(api, "StartCharge"), "id");
    const json::object shown = api.read("/api/v1/transactions/" + id);
    CHECK(text(shown, "id") == id);
    CHECK(text(shown, "signer") == "AAA");
    CHECK(text(shown, "evse_id") == "AAA*1");
    CHECK(text(shown, "result") == "ok");
    CHECK(shown.at("height").to_number<int>() == 4);
    CHECK(shown.contains("leaf_index"));
    CHECK(api.read("/api/v1/transactions/" + id.substr(4)) == shown);
    for (const std::string& unknown :
         {"BBB" + id.substr(3), id.substr(0, id.size() - 1), id + "0", std::string{},
          std::string(32, '0'), id + "/other", std::string{"%00"}}) {
        INFO(unknown);
        CHECK(is_error(api.get("/api/v1/transactions/" + unknown), 404, "not_found"));
    }
}

SCENARIO("every transaction of a block is shown alone as its block shows it") {
    Api api;
    for (const auto& block : items_of(api.read("/api/v1/blocks", {{"from", "1"}}))) {
        for (const json::value& item : block.at("transactions").as_array()) {
            json::object alone = api.read("/api/v1/transactions/" + text(item.as_object(), "id"));
            CHECK(alone.at("height") == block.at("height"));
            alone.erase("height");
            alone.erase("leaf_index");
            CHECK(alone == item.as_object());
        }
    }
}

SCENARIO("a receipt's bytes verify against the genesis and no other") {
    Api api;
    const std::string id = text(find_action(api, "SettleCharge"), "id");
    const HttpResponse response = api.get("/api/v1/transactions/" + id + "/receipt");
    REQUIRE(response.status == 200);
    CHECK(response.content_type == "application/octet-stream");
    const auto receipt = Receipt::decode(as_bytes(response.body));
    REQUIRE(receipt);
    CHECK_FALSE(verify_receipt(*receipt, api.backend.genesis()));
    Genesis other = api.backend.genesis();
    other.name = "other";
    CHECK(verify_receipt(*receipt, other));
    CHECK(api.get("/api/v1/transactions/" + id.substr(4) + "/receipt").body == response.body);
    CHECK(is_error(api.get("/api/v1/transactions/" + id + "/receipts"), 404, "not_found"));
    CHECK(is_error(api.get("/api/v1/transactions/AAA/receipt"), 404, "not_found"));
    CHECK(is_error(api.get("/api/v1/transactions//receipt"), 404, "not_found"));
}

SCENARIO("cycles are asked for by number") {
    Api api;
    const json::object cycles = api.read("/api/v1/cycles", {{"from", "0"}}, token);
    CHECK(cycles.at("open").at("cycle").as_int64() == 0);
    CHECK(items_of(cycles).empty());
    CHECK(is_error(api.get("/api/v1/cycles", {{"from", "x"}}, token), 400, "bad_parameter"));
    CHECK(items_of(api.read("/api/v1/legs", {}, token)).empty());
    for (const char* unknown : {"0", "7", "", "x", "-1", "18446744073709551616"}) {
        const std::string path = std::string{"/api/v1/cycles/"} + unknown;
        CHECK(is_error(api.get(path, {}, token), 404, "not_found"));
    }
}
