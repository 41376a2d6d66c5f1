#pragma once

// The HTTP API over a real ledger with every kind of leaf, asked without a socket.

#include "ledger/base/posix_file_system.h"
#include "ledger/store/segment_archiver.h"
#include "node/api/node_api.h"
#include "tests/ledger/base/temporary_folder.h"
#include "tests/ledger/store/test_ledger.h"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <catch2/catch.hpp>

#include <deque>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace tally::node::test {

namespace json = boost::json;
namespace fixture = tally::test;
using tally::test::TemporaryFolder;

inline constexpr const char* token{"s3cret-token"};

inline RegisterBridge some_bridge() {
    RegisterBridge action;
    action.bridge_id = "bridge-9";
    action.public_key = public_key_of(fixture::secret_of("AAA/bridge-9"));
    return action;
}

inline SessionView make_session(std::uint8_t number) {
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

    [[nodiscard]] const EvidenceStore* evidence() const override { return evidence_store; }

    [[nodiscard]] UnmatchedCharges* unmatched() override { return unmatched_charges; }

    const EvidenceStore* evidence_store{nullptr};
    UnmatchedCharges* unmatched_charges{nullptr};
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
inline json::array items_of(const json::object& answer) { return answer.at("items").as_array(); }

inline std::string text(const json::object& object, const char* key) {
    return std::string{object.at(key).as_string()};
}

/// The transaction of one action in the history, as its block shows it.
inline json::object find_action(Api& api, const std::string& action) {
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

inline bool is_error(const HttpResponse& response, unsigned status, const std::string& code) {
    return response.status == status &&
           json::parse(response.body).at("error").at("code").as_string() == code &&
           !json::parse(response.body).at("error").at("message").as_string().empty();
}

}  // namespace tally::node::test
