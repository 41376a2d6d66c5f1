#include "node/api/node_api.h"

#include "ledger/base/posix_file_system.h"
#include "ledger/store/segment_archiver.h"
#include "ledger/store/snapshot.h"
#include "node/runtime/http_client.h"
#include "tests/ledger/base/temporary_folder.h"
#include "tests/ledger/store/test_ledger.h"
#include "tests/node/runtime/http_fixture.h"

#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>
#include <catch2/catch.hpp>

#include <deque>
#include <filesystem>
#include <fstream>
#include <iterator>

using namespace tally;
using namespace tally::node;
using tally::test::TemporaryFolder;

namespace json = boost::json;
namespace fixture = tally::test;

namespace {

constexpr const char* token{"s3cret-token"};

RegisterBridge some_bridge() {
    RegisterBridge action;
    action.bridge_id = "bridge-9";
    action.public_key = public_key_of(fixture::secret_of("AAA/bridge-9"));
    return action;
}

SessionView make_session(std::uint8_t number) {
    SessionView session;
    session.id.data[0] = number;
    session.state = SessionState::charging;
    session.visited = fixture::party("AAA");
    session.home = fixture::party("BBB");
    session.station = "ST1";
    session.connector = 2;
    session.opened = fixture::genesis_time;
    session.currency = fixture::currency("CNY");
    session.elapsed_s = 1800;
    session.energy_wh = 30'000;
    session.amount_so_far = fixture::units(20);
    session.prepaid = fixture::units(50);
    session.figures.progress_hundredths = 4'099;
    session.figures.remaining_s = 2'700;
    return session;
}

/// A real ledger with every kind of leaf, and what a node adds to it.
class TestBackend final : public ApiBackend {
public:
    explicit TestBackend(std::uint64_t segment_bytes = LedgerOptions{}.segment_bytes) {
        ENSURE(Ledger::initialize(m_files, m_store, segments_folder(), m_genesis).has_value());
        LedgerOptions options;
        options.segment_bytes = segment_bytes;
        auto opened = Ledger::open(m_files, m_store, segments_folder(), m_genesis, m_signatures,
                                   m_clock, options);
        ENSURE(opened.has_value());
        m_ledger = std::move(opened).value();
        for (const Block& block : fixture::make_history()) {
            add(block);
        }
    }
    void add(const Block& block) {
        const auto executed = m_ledger->execute(block);
        ENSURE(executed.has_value());
        blocks.push_back(m_ledger->commit(
            (*executed)->digest, fixture::certify(m_genesis, VoteKind::finalize, block.header)));
    }

    [[nodiscard]] NodeStatus status() const override {
        NodeStatus status;
        status.member = fixture::party("AAA");
        status.height = m_ledger->final_header().height;
        status.digest = m_ledger->final_digest();
        status.state_root = m_ledger->final_header().state_root;
        status.block_time = m_ledger->final_header().time;
        status.view = 99;
        status.peers = {fixture::party("BBB"), fixture::party("HUB")};
        for (const Validator& validator : m_ledger->validators()) {
            status.validators.push_back(validator.party);
        }
        status.bridges = {"bridge-1"};
        return status;
    }
    [[nodiscard]] std::vector<std::string> not_ready_reasons() const override { return reasons; }
    [[nodiscard]] const Ledger& ledger() const override { return *m_ledger; }
    [[nodiscard]] consensus::DriverStatus consensus() const override { return driver; }
    [[nodiscard]] Bytes lease_backup_snapshot() override {
        return m_ledger->lease_backup_snapshot();
    }
    /// Moves the first so many segments away; where to.
    std::string archive(std::size_t count) {
        const std::string to = m_folder.file("archive");
        SegmentArchiver archiver{m_files, segments_folder(), to, m_ledger->chain_id()};
        ENSURE(archiver.prepare().has_value());
        for (std::size_t i = 0; i < count; ++i) {
            const SegmentInfo segment = m_ledger->segments().at(i);
            ENSURE(archiver.move(segment, [](ArchiveStep) { return true; }).has_value());
        }
        return to;
    }
    [[nodiscard]] std::string segments_folder() const { return m_folder.file("segments"); }
    [[nodiscard]] std::vector<SessionView> sessions(std::size_t count_max) const override {
        std::vector<SessionView> newest;
        for (const SessionView& session : known_sessions) {
            if (newest.size() < count_max) {
                newest.push_back(session);
            }
        }
        return newest;
    }
    [[nodiscard]] std::optional<SessionView> session(const SessionId& id) const override {
        for (const SessionView& session : known_sessions) {
            if (session.id == id) {
                return session;
            }
        }
        return std::nullopt;
    }
    void submit(Bytes envelope, std::function<void(GateResult)> done) override {
        submitted.push_back(std::move(envelope));
        done(gate_result);
    }
    [[nodiscard]] std::string metrics_text() override { return "tally_height 8\n"; }
    [[nodiscard]] const Genesis& genesis() const { return m_genesis; }

    consensus::DriverStatus driver;
    std::vector<std::string> reasons;
    std::vector<SessionView> known_sessions;
    std::vector<Bytes> submitted;
    GateResult gate_result{GateResult::added};
    std::deque<std::shared_ptr<const FinalizedBlock>> blocks;

private:
    TemporaryFolder m_folder;
    PosixFileSystem m_files;
    MemoryStore m_store;
    fixture::TestClock m_clock;
    DirectSignatureChecker m_signatures;
    Genesis m_genesis{fixture::make_genesis()};
    std::unique_ptr<Ledger> m_ledger;
};

struct Api {
    explicit Api(std::uint64_t segment_bytes = LedgerOptions{}.segment_bytes)
        : backend{segment_bytes} {}
    TestBackend backend;
    NodeApi api{backend, token};

    HttpResponse call(HttpRequest request) {
        std::vector<HttpResponse> replies;
        api.handle(request,
                   [&replies](HttpResponse reply) { replies.push_back(std::move(reply)); });
        REQUIRE(replies.size() == 1);
        return replies.front();
    }
    HttpResponse get(const std::string& path, std::map<std::string, std::string> query = {},
                     const std::string& bearer = "") {
        HttpRequest request;
        request.method = "GET";
        request.path = path;
        request.query = std::move(query);
        request.bearer_token = bearer;
        return call(std::move(request));
    }
    HttpResponse post(const std::string& body) {
        HttpRequest request;
        request.method = "POST";
        request.path = "/api/v1/envelopes";
        request.body = body;
        return call(std::move(request));
    }
    /// The JSON of a response that must have status 200.
    json::object read(const std::string& path, std::map<std::string, std::string> query = {},
                      const std::string& bearer = "") {
        const HttpResponse response = get(path, std::move(query), bearer);
        INFO(path << ": " << response.body);
        REQUIRE(response.status == 200);
        CHECK(response.content_type == "application/json");
        return json::parse(response.body).as_object();
    }
};

/// The items of a list, as a value: a range-for over a temporary's member would dangle.
json::array items_of(const json::object& answer) { return answer.at("items").as_array(); }

std::string text(const json::object& object, const char* key) {
    return std::string{object.at(key).as_string()};
}

/// The transaction of one action in the history, as its block shows it.
json::object find_action(Api& api, const std::string& action) {
    for (const json::value& block : items_of(api.read("/api/v1/blocks", {{"from", "1"}}))) {
        for (const json::value& item : block.at("transactions").as_array()) {
            if (item.at("action").as_string() == action && item.at("result").as_string() == "ok") {
                return item.as_object();
            }
        }
    }
    FAIL(action << " is not in the history");
    return {};
}

bool is_error(const HttpResponse& response, unsigned status, const std::string& code) {
    return response.status == status &&
           json::parse(response.body).at("error").at("code").as_string() == code &&
           !json::parse(response.body).at("error").at("message").as_string().empty();
}

}  // namespace

SCENARIO("health, readiness with reasons, and metrics") {
    Api api;
    CHECK(api.read("/livez").at("live").as_bool());
    CHECK(api.read("/readyz").at("ready").as_bool());
    api.backend.reasons = {"linked to 1 validators, a quorum needs 2"};
    const HttpResponse not_ready = api.get("/readyz");
    CHECK(not_ready.status == 503);
    CHECK(json::parse(not_ready.body).at("reasons").as_array().at(0).as_string() ==
          api.backend.reasons.front());
    CHECK(api.get("/livez").status == 200);
    CHECK(api.get("/metrics").body == "tally_height 8\n");
    CHECK(api.get("/metrics").content_type.starts_with("text/plain; version=0.0.4"));
}

SCENARIO("the status names the node, its chain and whom it is linked to") {
    Api api;
    const json::object status = api.read("/api/v1/status");
    CHECK(text(status, "member") == "AAA");
    CHECK(text(status, "role") == "operator");
    CHECK(text(status, "chain_id") == to_hex(api.backend.genesis().chain_id()));
    CHECK(status.at("height").to_number<std::uint64_t>() == api.backend.blocks.size());
    CHECK(text(status, "digest") == to_hex(api.backend.ledger().final_digest()));
    CHECK(text(status, "state_root") == to_hex(api.backend.ledger().final_header().state_root));
    CHECK(status.at("peers").as_array() == json::array{"BBB", "HUB"});
    CHECK(status.at("validators").as_array().size() == 4);
    CHECK(status.at("bridges").as_array() == json::array{"bridge-1"});
}

SCENARIO("epoch, proposals and evidence are shown") {
    Api api;
    const json::value epoch = api.read("/api/v1/epoch");
    CHECK(epoch.at("epoch").to_number<std::uint64_t>() == 0);
    CHECK(epoch.at("first_height").to_number<std::uint64_t>() == 1);
    CHECK(epoch.at("validators").as_array().size() == 4);
    CHECK(epoch.at("wanted") == epoch.at("validators"));
    CHECK_FALSE(epoch.at("changes").as_bool());
    CHECK(epoch.at("parameters").at("delta_ms").to_number<std::uint64_t>() == 50);
    const auto height = epoch.at("height").to_number<std::uint64_t>();
    CHECK(epoch.at("blocks_left").to_number<std::uint64_t>() ==
          epoch.at("blocks_max").to_number<std::uint64_t>() - height);
    CHECK(items_of(api.read("/api/v1/proposals")).empty());
    CHECK(items_of(api.read("/api/v1/evidence")).empty());
}

SCENARIO("consensus says who voted, who is missing, and why views had no block") {
    Api api;
    consensus::DriverStatus& driver = api.backend.driver;
    const auto member = [](const char* name) {
        return consensus::MemberKey{fixture::party(name).data};
    };
    driver.view = 12;
    driver.leader_member = member("BBB");
    driver.validators = {member("AAA"), member("BBB")};
    driver.time_in_view = std::chrono::microseconds{1500};
    driver.entry.emplace();
    driver.entry->kind = VoteKind::nullify;
    driver.entry->view = 11;
    driver.votes = {{.member = member("AAA"), .connected = true, .notarized = true},
                    {.member = member("BBB"), .connected = false}};
    consensus::NullifiedView nullified;
    nullified.view = 11;
    nullified.leader = member("BBB");
    nullified.own_reason = consensus::NullifyReason::no_proposal;
    nullified.signers = {member("AAA")};
    driver.nullified = {nullified};
    const json::value shown = api.read("/api/v1/consensus");
    CHECK(shown.at("leader").as_string() == "BBB");
    CHECK(shown.at("time_in_view_ms").as_double() == Approx(1.5));
    CHECK(shown.at("entry").at("kind").as_string() == "nullification");
    CHECK(shown.at("missing").as_array() == json::array{"BBB"});
    CHECK(shown.at("votes").at(0).at("notarized").as_bool());
    CHECK(shown.at("nullified").at(0).at("own_reason").as_string() == "no_proposal");
    driver.entry.reset();
    CHECK(api.read("/api/v1/consensus").at("entry").is_null());
}

SCENARIO("members and chargers are listed") {
    Api api;
    const json::array members = items_of(api.read("/api/v1/members"));
    REQUIRE(members.size() == 4);
    CHECK(members.at(3).at("party").as_string() == "HUB");
    CHECK_FALSE(members.at(0).at("suspended").as_bool());
    CHECK(members.at(0).at("validator_now").as_bool());
    CHECK(members.at(0).at("consensus_key_now") == members.at(0).at("consensus_key"));
    const json::array own = items_of(api.read("/api/v1/chargers"));
    REQUIRE(own.size() == 1);
    CHECK(own.at(0).at("evse_id").as_string() == "AAA*1");
    CHECK(own.at(0).at("last_register_wh").to_number<std::int64_t>() == 12'000);
    CHECK_FALSE(own.at(0).as_object().contains("busy"));
    CHECK(items_of(api.read("/api/v1/chargers", {{"owner", "BBB"}})).empty());
    CHECK(is_error(api.get("/api/v1/chargers", {{"owner", "BB"}}), 400, "bad_parameter"));
}

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

SCENARIO("an authorization shows its whole life") {
    Api api;
    const std::string id = text(find_action(api, "StartCharge"), "authorization");
    const json::object shown = api.read("/api/v1/authorizations/" + id);
    CHECK(text(shown, "id") == id);
    CHECK(text(shown, "status") == "settled");
    CHECK(text(shown, "home") == "BBB");
    CHECK(text(shown, "visited") == "AAA");
    CHECK(text(shown, "amount") == "50.0000");
    CHECK(shown.at("height").to_number<int>() == 3);
    CHECK(shown.at("record").at("energy_wh").to_number<int>() == 12'000);
    CHECK(shown.at("record").at("amount").as_string() == "18.0000");
    CHECK(shown.at("end").at("posted").as_string() == "18.0000");
    CHECK(api.read("/api/v1/authorizations/" + id.substr(4)) == shown);
    const std::string charge = text(find_action(api, "StartCharge"), "id");
    CHECK(is_error(api.get("/api/v1/authorizations/" + charge), 404, "not_found"));
    CHECK(is_error(api.get("/api/v1/authorizations/"), 404, "not_found"));
}

SCENARIO("sessions and accounts need the token, whole and exact") {
    Api api;
    for (const char* path :
         {"/api/v1/sessions", "/api/v1/sessions/00", "/api/v1/accounts/AAA", "/api/v1/accounts/ZZZ",
          "/api/v1/cycles", "/api/v1/cycles/0", "/api/v1/legs"}) {
        for (const std::string& wrong : {std::string{}, std::string{"s3cret-toke"},
                                         std::string{token} + "x", std::string{"S3CRET-TOKEN"}}) {
            INFO(path << " with " << wrong);
            const HttpResponse refused = api.get(path, {}, wrong);
            CHECK(is_error(refused, 401, "unauthorized"));
            CHECK(refused.headers.at("WWW-Authenticate") == "Bearer");
        }
    }
    NodeApi without{api.backend, ""};
    HttpRequest request;
    request.method = "GET";
    request.path = "/api/v1/sessions";
    without.handle(request, [](const HttpResponse& reply) { CHECK(reply.status == 401); });
}

SCENARIO("accounts show both sides of a settled charge") {
    Api api;
    const auto account = [&api](const std::string& member) {
        const json::object shown = api.read("/api/v1/accounts/" + member, {}, token);
        CHECK(text(shown, "member") == member);
        REQUIRE(shown.at("accounts").as_array().size() == 1);
        return shown.at("accounts").as_array().at(0).as_object();
    };
    CHECK(text(account("BBB"), "debits_posted") == "18.0000");
    CHECK(text(account("BBB"), "net_posted") == "-18.0000");
    CHECK(text(account("BBB"), "limit_used") == "18.0000");
    CHECK(text(account("AAA"), "credits_posted") == "18.0000");
    CHECK(text(account("AAA"), "debits_pending") == "0.0000");
    for (const char* unknown : {"ZZZ", "AA", "", "AAA/x"}) {
        const std::string path = std::string{"/api/v1/accounts/"} + unknown;
        CHECK(is_error(api.get(path, {}, token), 404, "not_found"));
    }
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

SCENARIO("a session has numbers for what is known and null for what is not") {
    Api api;
    SessionView session = make_session(1);
    session.authorization = AuthorizationRef{fixture::party("BBB"), {}};
    api.backend.known_sessions = {session};
    const std::string path = "/api/v1/sessions/" + session.id_text();
    json::object shown = api.read(path, {}, token);
    CHECK(text(shown, "id") == session.id_text());
    CHECK(text(shown, "state") == "charging");
    CHECK(shown.at("t_s").as_int64() == 1800);
    CHECK(shown.at("energy_wh").as_int64() == 30'000);
    CHECK(text(shown, "mc") == "20.0000");
    CHECK(text(shown, "mp") == "50.0000");
    CHECK(shown.at("n_percent").as_int64() == 40);
    CHECK(shown.at("ts_s").as_int64() == 2'700);
    CHECK(text(shown, "amount") == "0.0000");
    CHECK(text(shown, "currency") == "CNY");
    CHECK(text(shown, "authorization") == to_text(*session.authorization));

    session.figures = {};
    session.authorization.reset();
    session.currency = {};
    session.state = SessionState::denied;
    session.reason = "no \"agreement\"\n";
    api.backend.known_sessions = {session};
    shown = api.read(path, {}, token);
    CHECK(shown.at("n_percent").is_null());
    CHECK(shown.at("ts_s").is_null());
    CHECK(shown.at("authorization").is_null());
    CHECK_FALSE(shown.contains("currency"));
    CHECK(text(shown, "reason") == session.reason);
    CHECK(
        is_error(api.get("/api/v1/sessions/" + std::string(32, '0'), {}, token), 404, "not_found"));
    CHECK(is_error(api.get("/api/v1/sessions/", {}, token), 404, "not_found"));
    CHECK(is_error(api.get("/api/v1/sessions/zz", {}, token), 404, "not_found"));
}

SCENARIO("sessions are listed newest first, a bounded number at a time") {
    Api api;
    for (std::uint8_t number = 1; number <= 120; ++number) {
        api.backend.known_sessions.push_back(make_session(number));
    }
    const auto count = [&api](std::map<std::string, std::string> query) {
        return items_of(api.read("/api/v1/sessions", std::move(query), token)).size();
    };
    CHECK(count({}) == http_list_items_max);
    CHECK(count({{"limit", "7"}}) == 7);
    CHECK(count({{"limit", "100"}}) == 100);
    const json::object page = api.read("/api/v1/sessions", {{"limit", "1"}}, token);
    CHECK(page.at("items").as_array().at(0).at("id").as_string() == make_session(1).id_text());
    for (const char* limit : {"0", "101", "x", "-1"}) {
        CHECK(
            is_error(api.get("/api/v1/sessions", {{"limit", limit}}, token), 400, "bad_parameter"));
    }
}

SCENARIO("every result of an envelope has its HTTP status") {
    struct Case {
        GateResult result;
        unsigned status;
    };
    Api api;
    fixture::TestChain chain;
    const Transaction transaction = chain.transaction(fixture::party("AAA"), some_bridge());
    const Bytes envelope =
        fixture::make_envelope(chain.chain_id(), fixture::party("AAA"), {transaction, transaction});
    for (const Case& wanted :
         {Case{GateResult::added, 202}, Case{GateResult::already_known, 200},
          Case{GateResult::malformed, 400}, Case{GateResult::expired, 400},
          Case{GateResult::unknown_signer, 403}, Case{GateResult::bad_signature, 403},
          Case{GateResult::pool_full, 503}, Case{GateResult::busy, 503}}) {
        api.backend.gate_result = wanted.result;
        const HttpResponse response = api.post(std::string{as_text(envelope)});
        CHECK(response.status == wanted.status);
        const json::object shown = json::parse(response.body).as_object();
        CHECK(text(shown, "result") == to_text(wanted.result));
        CHECK(text(shown, "envelope") == to_hex(envelope_hash(envelope)));
        REQUIRE(shown.at("transactions").as_array().size() == 2);
        CHECK(shown.at("transactions").as_array().at(0).as_string() == to_text(chain.last_ref()));
        CHECK(api.backend.submitted.back() == envelope);
    }
}

SCENARIO("a body that is no envelope never reaches the node") {
    Api api;
    fixture::TestChain chain;
    const Bytes envelope =
        fixture::make_envelope(chain.chain_id(), fixture::party("AAA"),
                               {chain.transaction(fixture::party("AAA"), some_bridge())});
    const std::string whole{as_text(envelope)};
    for (std::size_t length = 0; length < whole.size(); ++length) {
        REQUIRE(is_error(api.post(whole.substr(0, length)), 400, "malformed"));
    }
    CHECK(is_error(api.post(whole + "x"), 400, "malformed"));
    CHECK(is_error(api.post("{}"), 400, "malformed"));
    CHECK(api.backend.submitted.empty());
}

SCENARIO("what is not there is 404 and what is not allowed is 405") {
    Api api;
    for (const char* path :
         {"/", "/api", "/api/v1", "/api/v1/", "/api/v2/status", "/livez/", "/api/v1/status/",
          "/api/v1/statuses", "/api/v1/envelopes", "/api/v1/accounts", "/api/v1/sessionsX",
          "//api/v1/status", "/api/v1//status"}) {
        INFO(path);
        CHECK(is_error(api.get(path, {}, token), 404, "not_found"));
    }
    for (const char* method : {"POST", "PUT", "DELETE", "PATCH", "OPTIONS"}) {
        HttpRequest request;
        request.method = method;
        request.path = "/api/v1/status";
        const HttpResponse refused = api.call(request);
        CHECK(is_error(refused, 405, "method_not_allowed"));
        CHECK(refused.headers.at("Allow") == "GET, HEAD");
    }
    HttpRequest request;
    request.method = "DELETE";
    request.path = "/api/v1/envelopes";
    CHECK(api.call(request).headers.at("Allow") == "POST");
}

SCENARIO("the API answers over a real socket, segments byte for byte") {
    Api api;
    node::test::RunningServer server{[&api](const HttpRequest& request, const HttpReply& reply) {
        api.api.handle(request, reply);
    }};
    const auto get = [&server](const std::string& target, const std::string& bearer = "") {
        HttpClientRequest request;
        request.url = server.url(target);
        request.bearer_token = bearer;
        const auto response = http_request(request);
        REQUIRE(response);
        return *response;
    };
    CHECK(get("/readyz").status == 200);
    CHECK(get("/api/v1/accounts/AAA").status == 401);
    CHECK(get("/api/v1/accounts/AAA", token).status == 200);
    CHECK(get("/api/v1/blocks?from=2&limit=2").status == 200);
    CHECK(get("/api/v1/segments/%2e%2e%2fsegments").status >= 400);
    CHECK(get("/api/v1/segments/..%2f..%2fetc%2fpasswd").status >= 400);
    const std::string name = api.backend.ledger().segments().front().name;
    const HttpClientResponse segment = get("/api/v1/segments/" + name);
    REQUIRE(segment.status == 200);
    std::ifstream file{api.backend.segments_folder() + "/" + name, std::ios::binary};
    const std::string content{std::istreambuf_iterator<char>{file}, {}};
    CHECK(segment.body == content.substr(0, api.backend.ledger().segments().front().bytes));
    // Bytes that are no UTF-8 come back as valid JSON.
    const HttpClientResponse strange = get("/api/v1/sessions/%ff%22", token);
    CHECK(strange.status == 404);
    boost::json::error_code error;
    static_cast<void>(json::parse(strange.body, error));
    CHECK_FALSE(error);
}
