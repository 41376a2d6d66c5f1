#include "ledger/base/posix_file_system.h"
#include "node/process/node.h"
#include "node/process/node_metrics.h"
#include "node/runtime/asio.h"
#include "node/runtime/exit_codes.h"
#include "node/runtime/http_client.h"
#include "tests/node/process/member_folder.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <catch2/catch.hpp>

#include <chrono>
#include <future>

using namespace tally;
using namespace tally::node;
using tally::node::test::MemberFolder;
using tally::test::party;

namespace {

using boost::asio::ip::tcp;

bool contains(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

/// Holds a loopback port for as long as it lives.
struct TakenPort {
    boost::asio::io_context io;
    tcp::acceptor acceptor{io, tcp::endpoint{boost::asio::ip::address_v4::loopback(), 0}};
    [[nodiscard]] std::uint16_t number() const { return acceptor.local_endpoint().port(); }
};

std::uint16_t free_port() { return TakenPort{}.number(); }

/// The only validator of a network, so that it makes blocks alone.
Genesis lonely_genesis() {
    Genesis genesis = tally::test::make_genesis();
    for (Member& member : genesis.members) {
        member.validator = member.party == party("AAA");
    }
    genesis.parameters.idle_interval = 50;
    return genesis;
}

struct Prepared {
    explicit Prepared(const Genesis& genesis = lonely_genesis(), const std::string& member = "AAA")
        : folder{member, genesis} {
        folder.write("node.toml", folder.config(free_port(), api_port));
        PosixFileSystem files;
        REQUIRE(initialize_node(inputs(), files));
    }
    [[nodiscard]] NodeInputs inputs() const {
        auto loaded = folder.load();
        REQUIRE(loaded);
        return std::move(loaded).value();
    }
    std::uint16_t api_port{free_port()};
    MemberFolder folder;
    boost::asio::io_context io;
};

/// A GET at the node while its loop runs here.
HttpClientResponse get(Prepared& node, const std::string& path, const std::string& token = "") {
    auto answer = std::async(std::launch::async, [&] {
        HttpClientRequest request;
        request.url = "http://127.0.0.1:" + std::to_string(node.api_port) + path;
        request.bearer_token = token;
        request.deadline = std::chrono::seconds{5};
        return http_request(request);
    });
    while (answer.wait_for(std::chrono::seconds{0}) != std::future_status::ready) {
        node.io.restart();
        node.io.run_one_for(std::chrono::milliseconds{10});
    }
    const auto response = answer.get();
    REQUIRE(response);
    return *response;
}

std::string start_error(Prepared& node) {
    const auto opened = Node::open(node.io, node.inputs());
    return opened ? "opened" : opened.error().text;
}

}  // namespace

SCENARIO("a node runs alone, makes blocks, and answers with its figures") {
    Prepared node;
    node.folder.write("customers.json", R"({"customers":[{"token":"AAA-CARD1","currency":"CNY",)"
                                        R"("balance":"100.00"}]})");
    node.folder.write("node.toml", node.folder.config(0, node.api_port) +
                                       "[accounts]\ncustomers = \"customers.json\"\n");
    auto opened = Node::open(node.io, node.inputs());
    REQUIRE(opened);
    const std::unique_ptr<Node> running = std::move(opened).value();
    REQUIRE(running->start());

    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds{10};
    while (get(node, "/api/v1/blocks/3").status != 200) {
        REQUIRE(std::chrono::steady_clock::now() < deadline);
    }
    CHECK(get(node, "/readyz").status == 200);
    CHECK(contains(get(node, "/api/v1/status").body, R"("member":"AAA","role":"operator")"));
    CHECK(get(node, "/api/v1/accounts/AAA").status == 401);
    CHECK(get(node, "/api/v1/accounts/AAA", "api-token").status == 200);
    CHECK(contains(get(node, "/api/v1/sessions", "api-token").body, R"({"items":[]})"));
    CHECK(contains(get(node, "/api/v1/segments").body, ".seg"));

    const std::string metrics = get(node, "/metrics").body;
    for (const char* name : {"tally_height",
                             "tally_view",
                             "tally_last_final_view",
                             "tally_unfinalized_blocks",
                             "tally_validators_connected",
                             "tally_peers",
                             "tally_delta_seconds",
                             "tally_mempool_envelopes",
                             "tally_mempool_bytes",
                             "tally_blocks_total",
                             "tally_views_nullified_total",
                             "tally_proposals_rejected_total",
                             "tally_blocks_fetched_total",
                             "tally_consensus_messages_rejected_total",
                             "tally_evidence_total",
                             "tally_blocks_refused_total",
                             "tally_sessions_open",
                             "tally_submissions_pending",
                             "tally_outbox_messages",
                             "tally_leveldb_slowest_write_seconds{store=\"operator\"}",
                             "tally_leveldb_tables_compacted_total{store=\"state\"} 0"}) {
        INFO(name);
        CHECK(contains(metrics, std::string{"\n"} + name));
    }
    CHECK(contains(metrics, "tally_sessions_open{side=\"visited\"} 0"));
    CHECK_FALSE(contains(metrics, "tally_blocks_total 0\n"));
    // Blocks were written, so that some write was the slowest.
    const std::string slowest{"\ntally_leveldb_slowest_write_seconds{store=\"state\"} "};
    REQUIRE(contains(metrics, slowest));
    CHECK_FALSE(contains(metrics, slowest + "0\n"));
    CHECK_FALSE(contains(metrics, "CARD1"));

    // A second process in the same folder is told so.
    Prepared& same = node;
    CHECK(contains(start_error(same), "another tallyd uses this data folder"));
    running->stop();
}

SCENARIO("a node without its peers is alive but not ready, and says why") {
    Prepared node{tally::test::make_genesis()};
    auto opened = Node::open(node.io, node.inputs());
    REQUIRE(opened);
    REQUIRE((*opened)->start());
    CHECK(get(node, "/livez").status == 200);
    const HttpClientResponse ready = get(node, "/readyz");
    CHECK(ready.status == 503);
    CHECK(contains(ready.body, "waiting for the status of enough validators"));
    CHECK(contains(ready.body, "linked to 0 validators, a quorum needs 2"));
    (*opened)->stop();
}

SCENARIO("a validator that lost its safety record goes on as an observer, and says so") {
    Prepared node;
    const std::string consensus = node.folder.file("data") + "/consensus";
    std::filesystem::remove_all(consensus);
    auto opened = Node::open(node.io, node.inputs());
    REQUIRE(opened);
    static_cast<void>((*opened)->start());
    const HttpClientResponse ready = get(node, "/readyz");
    CHECK(ready.status == 503);
    CHECK(contains(ready.body, "the safety record is lost or damaged: observing, not voting"));
    CHECK(contains(get(node, "/api/v1/status").body, R"("height":0)"));
    CHECK(contains(get(node, "/api/v1/consensus").body, R"("role":"observer")"));
    (*opened)->stop();
}

SCENARIO("a hub has its backup store and no customers") {
    Genesis genesis = tally::test::make_genesis();
    Prepared node{genesis, "HUB"};
    auto opened = Node::open(node.io, node.inputs());
    REQUIRE(opened);
    REQUIRE((*opened)->start());
    CHECK(contains(get(node, "/api/v1/status").body, R"("role":"hub")"));
    CHECK(get(node, "/api/v1/status").status == 200);
    (*opened)->stop();
}

SCENARIO("what keeps a node from starting is said with its exit code") {
    Prepared node;
    const auto refused = [&node](int exit_code, const std::string& part) {
        const auto opened = Node::open(node.io, node.inputs());
        REQUIRE_FALSE(opened);
        INFO(opened.error().text);
        CHECK(opened.error().exit_code == exit_code);
        CHECK(contains(opened.error().text, part));
    };
    const std::string config = node.folder.config(0, node.api_port);

    node.folder.write("node.toml", config + "[accounts]\ncustomers = \"none.json\"\n");
    refused(exit_config, "none.json: cannot be opened");
    node.folder.write("other.json", R"({"customers":[{"token":"BBB-X","currency":"CNY",)"
                                    R"("balance":"1"}]})");
    node.folder.write("node.toml", config + "[accounts]\ncustomers = \"other.json\"\n");
    refused(exit_config, "other.json: customers[0]: ");
    node.folder.write("node.toml", config);

    {
        const TakenPort taken;
        node.folder.write("node.toml", node.folder.config(0, taken.number()));
        refused(exit_io, "api.listen: ");
        node.folder.write("node.toml", node.folder.config(taken.number(), node.api_port));
        auto opened = Node::open(node.io, node.inputs());
        REQUIRE(opened);
        const auto started = (*opened)->start();
        REQUIRE_FALSE(started);
        CHECK(started.error().exit_code == exit_io);
        CHECK(contains(started.error().text, "link.listen: "));
    }
    node.folder.write("node.toml", config);
    std::filesystem::remove(node.folder.file("api.token"));
    refused(exit_config, "api.token");
    std::filesystem::remove_all(node.folder.file("data"));
    refused(exit_io, "tallyd init");
}

SCENARIO("figures of links are counted by kind of frame and reason") {
    LinkMetrics links;
    links.frames[static_cast<std::uint8_t>(FrameKind::consensus)] = {3, 300, 2, 200, 1};
    links.frames[static_cast<std::uint8_t>(FrameKind::bridge)] = {1, 10, 0, 0, 0};
    links.refusals[LinkRefusal::not_admitted] = 4;
    Metrics metrics;
    collect_links(metrics, links);
    collect_links(metrics, links);  // a total that is kept elsewhere is not added twice
    const std::string text = metrics.metrics_text();
    CHECK(contains(text, "tally_frames_sent_total{kind=\"consensus\"} 3\n"));
    CHECK(contains(text, "tally_frame_bytes_sent_total{kind=\"consensus\"} 300\n"));
    CHECK(contains(text, "tally_frames_received_total{kind=\"consensus\"} 2\n"));
    CHECK(contains(text, "tally_frame_bytes_received_total{kind=\"consensus\"} 200\n"));
    CHECK(contains(text, "tally_frames_dropped_total{kind=\"consensus\"} 1\n"));
    CHECK(contains(text, "tally_frames_sent_total{kind=\"bridge\"} 1\n"));
    CHECK(contains(text, "tally_links_ended_total{reason=\"not_admitted\"} 4\n"));
    RoamingService::Load load;
    load.home_open = 7;
    load.outbox = 2;
    collect_roaming(metrics, load);
    CHECK(contains(metrics.metrics_text(), "tally_sessions_open{side=\"home\"} 7\n"));
    CHECK(contains(metrics.metrics_text(), "tally_outbox_messages 2\n"));
}
