// Meter data fetched from a bridge: paged, and nothing believed that a list may not hold.

#include "tools/audit/evidence_copy.h"

#include "tests/node/runtime/http_fixture.h"
#include "tools/audit/evidence_folder.h"

#include <catch2/catch.hpp>

#include <filesystem>
#include <map>

using namespace tally;
using namespace tally::tools;

namespace {

const std::string first_hash(64, '1');
const std::string second_hash(64, '2');
const std::string first_charge{"BBB-00000000000000000000000000000001"};
const std::string second_charge{"BBB-00000000000000000000000000000002"};

std::string item(const std::string& charge, const std::string& hash) {
    return R"({"authorization":")" + charge + R"(","hash":")" + hash + R"("})";
}

/// A bridge that answers as told, by path and `after`.
struct PlayedBridge {
    struct Answer {
        unsigned status{200};
        std::string body;
    };
    std::map<std::string, Answer> answers;
    node::test::RunningServer server{
        [this](const node::HttpRequest& request, const node::HttpReply& reply) {
            const auto after = request.query.find("after");
            const std::string asked =
                request.path + (after == request.query.end() ? "" : "?" + after->second);
            const auto found = answers.find(asked);
            node::HttpResponse response;
            response.status = found == answers.end() ? 404 : found->second.status;
            response.body = found == answers.end() ? "{}" : found->second.body;
            if (request.bearer_token != "secret") {
                response = node::http_error(401, "unauthorized", "a bearer token is needed");
            }
            reply(response);
        }};

    PlayedBridge() {
        answers["/api/v1/evidence"] = {200, R"({"items":[)" + item(first_charge, first_hash) +
                                                R"(],"next":")" + first_hash + R"("})"};
        answers["/api/v1/evidence?" + first_hash] = {
            200, R"({"items":[)" + item(second_charge, second_hash) + "]}"};
        answers["/api/v1/evidence/" + first_hash] = {200, "0102\n\"a text\"\n"};
        answers["/api/v1/evidence/" + second_hash] = {410, "{}"};
    }
    std::vector<std::uint64_t> told;
    [[nodiscard]] std::string url() const { return server.url(""); }
    /// Empty when all was fetched.
    std::string problem_of(EvidenceCopy& copy, const std::string& token = "secret") {
        const auto done =
            copy.fetch(url(), token, [this](std::uint64_t charges) { told.push_back(charges); });
        return done ? std::string{} : done.error();
    }
    std::string problem() {
        EvidenceCopy copy;
        return problem_of(copy);
    }
};

bool contains(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

}  // namespace

SCENARIO("a bridge's meter data become a folder that the audit reads, and goes with the audit") {
    PlayedBridge bridge;
    std::string folder;
    {
        EvidenceCopy copy;
        REQUIRE(bridge.problem_of(copy).empty());
        CHECK(copy.not_whole() == 1);
        folder = copy.folder();
        const auto evidence = read_evidence(folder);
        REQUIRE(evidence);
        CHECK(evidence->hashes.size() == 1);
        CHECK(evidence->hashes.count(first_charge) == 1);
        CHECK(bridge.told == std::vector<std::uint64_t>{1, 2});
        const auto texts = read_evidence_texts(evidence->paths.at(first_charge));
        REQUIRE(texts);
        CHECK(texts->texts == std::vector<std::string>{"a text"});
    }
    CHECK_FALSE(std::filesystem::exists(folder));
}

SCENARIO("a bridge's list is taken up to its bound") {
    PlayedBridge bridge;
    EvidenceCopy enough{2};
    CHECK(bridge.problem_of(enough).empty());
    EvidenceCopy less{1};
    CHECK(contains(bridge.problem_of(less), "not a list of at most 1 charges"));
}

SCENARIO("a bridge that answers otherwise is named, with what came") {
    PlayedBridge bridge;
    SECTION("the token is wrong") {
        EvidenceCopy copy;
        CHECK(contains(bridge.problem_of(copy, "wrong"), "/api/v1/evidence: "));
    }
    SECTION("a list that goes back") {
        bridge.answers["/api/v1/evidence?" + first_hash] = {
            200, R"({"items":[],"next":")" + first_hash + R"("})"};
        CHECK(contains(bridge.problem(), "goes back to"));
    }
    SECTION("a list that goes on with no hash") {
        bridge.answers["/api/v1/evidence"] = {200, R"({"items":[],"next":"zz"})"};
        CHECK(contains(bridge.problem(), "goes back to"));
    }
    SECTION("a charge that is a path") {
        bridge.answers["/api/v1/evidence"] = {200,
                                              R"({"items":[)" + item("../../x", first_hash) + "]}"};
        CHECK(contains(bridge.problem(), "not a list"));
    }
    SECTION("a hash that is none") {
        bridge.answers["/api/v1/evidence"] = {200,
                                              R"({"items":[)" + item(first_charge, "../x") + "]}"};
        CHECK(contains(bridge.problem(), "not a list"));
    }
    SECTION("no JSON") {
        bridge.answers["/api/v1/evidence"] = {200, "<html>"};
        CHECK_FALSE(bridge.problem().empty());
    }
    SECTION("a charge that is listed and not there") {
        bridge.answers.erase("/api/v1/evidence/" + first_hash);
        CHECK(contains(bridge.problem(), first_hash + ": 404"));
    }
}
