#include "tools/audit/compare.h"

#include "tests/ledger/audit/forged_ledger.h"
#include "tests/ledger/audit/forger.h"
#include "tests/node/runtime/http_fixture.h"
#include "tools/audit/segments_copy.h"

using namespace tally;
using namespace tally::test;
using namespace tally::tools;

namespace {

/// A member that answers from a list of blocks, as far as it likes to.
class Answerer final : public ProofSource {
public:
    Answerer(std::string name, const Forger& ledger, std::uint64_t height)
        : m_name{std::move(name)}, m_ledger{ledger}, m_height{height} {}
    [[nodiscard]] const std::string& name() const override { return m_name; }
    [[nodiscard]] Expected<std::uint64_t, std::string> height() override {
        if (dead) {
            return Unexpected{m_name + " does not answer"};
        }
        return m_height;
    }
    [[nodiscard]] Expected<std::optional<HeaderProof>, std::string> proof(
        std::uint64_t height) override {
        if (height + unproven > m_height) {
            return std::optional<HeaderProof>{};
        }
        if (only_newest && height != m_height) {
            return Unexpected{m_name + " hangs up"};
        }
        HeaderProof proof = m_ledger.proof(answers_always == 0 ? height : answers_always);
        proof.finalization.bitmap ^= forged ? 1U : 0U;
        return std::optional{proof};
    }

    bool dead{false};
    bool forged{false};
    bool only_newest{false};
    std::uint64_t unproven{0};
    std::uint64_t answers_always{0};

private:
    std::string m_name;
    const Forger& m_ledger;
    std::uint64_t m_height;
};

/// `blocks` of which those behind `common` have another time than in the other history.
Forger history(std::uint64_t blocks, std::uint64_t common, bool other = false) {
    Forger forger;
    while (forger.height() < blocks) {
        forger.pass(other && forger.height() >= common ? 2 * second_ms : second_ms);
    }
    return forger;
}

struct Scene {
    Forger good{history(10, 10)};
    Forger bad{history(10, 4, true)};
    std::vector<std::unique_ptr<ProofSource>> members;

    Answerer& add(const char* name, const Forger& ledger, std::uint64_t height) {
        auto member = std::make_unique<Answerer>(name, ledger, height);
        Answerer& reference = *member;
        members.push_back(std::move(member));
        return reference;
    }
    [[nodiscard]] Comparison compare(AuditedCopy* copy = nullptr) {
        return compare_ledgers(good.chain().genesis(), members, copy);
    }
};

/// A folder of segments, audited up to a height.
struct Folder {
    explicit Folder(const Forger& ledger, std::uint64_t height)
        : segments{std::vector<FinalizedBlock>{
              ledger.blocks().begin(),
              ledger.blocks().begin() + static_cast<std::ptrdiff_t>(height)}} {
        segments.write();
        report.chain_id = segments.genesis().chain_id();
        report.last_height = height;
        report.last_digest = ledger.blocks()[height - 1].block.header.digest();
    }
    ForgedLedger segments;
    FolderSegmentSource source{segments.files(), "segments"};
    AuditReport report;
};

bool mentions(const std::vector<std::string>& sentences, const std::string& part) {
    return std::any_of(sentences.begin(), sentences.end(), [&](const std::string& sentence) {
        return sentence.find(part) != std::string::npos;
    });
}

}  // namespace

SCENARIO("members of one ledger are compared at the newest block of each") {
    Scene scene;
    scene.add("a", scene.good, 10);
    scene.add("b", scene.good, 10);
    scene.add("c", scene.good, 7);
    const Comparison result = scene.compare();
    CHECK(result.findings.empty());
    CHECK(result.is_complete());
    CHECK(mentions(result.compared, "a, b and c have one ledger up to block 7"));
    CHECK(mentions(result.compared, "a and b have one ledger up to block 10"));
    CHECK(mentions(result.compared, "c shows nothing above block 7"));
}

SCENARIO("a short, lying or dead member never hides a fork between the others") {
    Scene scene;
    Answerer& disturber = scene.add("d", scene.good, 10);
    scene.add("a", scene.good, 10);
    scene.add("b", scene.bad, 9);
    bool says_so{true};
    SECTION("dead") { disturber.dead = true; }
    SECTION("with a proof that does not hold") { disturber.forged = true; }
    SECTION("that hangs up") { disturber.only_newest = true; }
    SECTION("that answers with another block") { disturber.answers_always = 2; }
    SECTION("that proves nothing") { disturber.unproven = 17; }
    SECTION("short, below the fork") {
        scene.members.front() = std::make_unique<Answerer>("d", scene.good, 2);
        says_so = false;
    }
    const Comparison result = scene.compare();
    REQUIRE(result.findings.size() == 1);
    CHECK(result.findings[0].kind == FindingKind::fork);
    CHECK(result.findings[0].height == 9);
    CHECK_THAT(result.findings[0].message, Catch::Contains("signed both: CCC, AAA and BBB"));
    REQUIRE(result.forks.size() == 1);
    CHECK(verify_fork(result.forks[0], scene.good.chain().genesis()));
    CHECK(mentions(result.not_compared, "d") == says_so);
}

SCENARIO("a member whose last blocks are not final yet is asked for one below") {
    Scene scene;
    scene.add("a", scene.good, 10).unproven = 3;
    scene.add("b", scene.bad, 10);
    const Comparison result = scene.compare();
    REQUIRE(result.findings.size() == 1);
    CHECK(result.findings[0].height == 7);
    CHECK(result.is_complete());
}

SCENARIO("a fork between members that were never equally long is found at the shorter's height") {
    Scene scene;
    scene.add("a", scene.good, 5);
    scene.add("b", scene.bad, 10);
    const Comparison result = scene.compare();
    REQUIRE(result.findings.size() == 1);
    CHECK(result.findings[0].height == 5);
}

SCENARIO("what one member alone says is compared with nothing") {
    Scene scene;
    scene.add("a", scene.good, 10);
    CHECK_FALSE(scene.compare().is_complete());
    scene.add("b", scene.good, 10).dead = true;
    const Comparison result = scene.compare();
    CHECK(mentions(result.not_compared, "b does not answer"));
    CHECK(mentions(result.not_compared, "fewer than two"));
}

SCENARIO("more forks than are kept as evidence are still said") {
    Scene scene;
    const std::uint64_t pairs{fork_evidence_max + 4};
    Forger good{history(pairs + 4, pairs)};
    Forger bad{history(pairs + 4, 4, true)};
    for (std::uint64_t i = 0; i < pairs; ++i) {
        scene.add("a", good, 5 + i);
    }
    scene.add("b", bad, pairs + 4);
    const Comparison result = scene.compare();
    CHECK(result.findings.size() == pairs);
    CHECK(result.forks.size() == fork_evidence_max);
}

SCENARIO("the audited copy is compared at every height that a member shows") {
    Scene scene;
    scene.add("a", scene.good, 10);
    scene.add("c", scene.good, 6);
    SECTION("and is theirs, though shorter") {
        Folder folder{scene.good, 8};
        SegmentsCopy copy{folder.source, folder.report};
        const Comparison result = scene.compare(&copy);
        CHECK(result.findings.empty());
        CHECK(result.is_complete());
        CHECK(mentions(result.compared, "a, c and the audited copy have one ledger up to block 6"));
        CHECK(mentions(result.compared, "a and the audited copy have one ledger up to block 8"));
    }
    SECTION("and its own fork becomes evidence for everybody") {
        Folder folder{scene.bad, 10};
        SegmentsCopy copy{folder.source, folder.report};
        const Comparison result = scene.compare(&copy);
        REQUIRE(result.findings.size() == 2);
        CHECK(result.findings[0].height == 6);
        REQUIRE(result.forks.size() == 2);
        CHECK(verify_fork(result.forks[0], scene.good.chain().genesis()));
        CHECK(verify_fork(result.forks[1], scene.good.chain().genesis()));
    }
    SECTION("and what no member shows of a longer one is said") {
        scene.members.erase(scene.members.begin());
        Folder folder{scene.good, 9};
        SegmentsCopy copy{folder.source, folder.report};
        const Comparison result = scene.compare(&copy);
        CHECK(result.findings.empty());
        CHECK(mentions(result.not_compared, "from block 7 on"));
    }
    SECTION("and files that changed since the audit are not believed") {
        Folder folder{scene.bad, 10};
        folder.report.last_digest = scene.good.blocks()[9].block.header.digest();
        SegmentsCopy copy{folder.source, folder.report};
        const Comparison result = scene.compare(&copy);
        CHECK(mentions(result.not_compared, "not the one that was audited"));
    }
}

SCENARIO("a copy of several epochs proves its blocks like a member") {
    ForgedLedger ledger{make_epochs_history()};
    ledger.write();
    FolderSegmentSource source{ledger.files(), "segments"};
    AuditReport report;
    report.chain_id = ledger.genesis().chain_id();
    report.last_height = ledger.blocks().size();
    report.last_digest = ledger.blocks().back().block.header.digest();
    SegmentsCopy copy{source, report};
    for (std::uint64_t height = 1; height <= report.last_height; ++height) {
        const auto proof = copy.prove(height);
        REQUIRE(proof);
        CHECK(proof->header() == ledger.blocks()[height - 1].block.header);
        CHECK(verify_header_proof(*proof, ledger.genesis()));
    }
}

SCENARIO("nodes are asked over HTTP, and what they answer is not believed") {
    Forger ledger{history(3, 3)};
    std::string body;
    unsigned status{200};
    node::test::RunningServer server{
        [&](const node::HttpRequest& request, const node::HttpReply& reply) {
            node::HttpResponse response;
            response.status = status;
            response.body = request.path == "/api/v1/status" ? R"({"height": 3})" : body;
            reply(std::move(response));
        }};
    const auto sources = http_proof_sources({server.url("")});
    ProofSource& source = *sources.front();
    CHECK(source.height().value() == 3);
    const Bytes proof = ledger.proof(3).encode();
    SECTION("a proof") {
        body = std::string{as_text(proof)};
        const auto read = source.proof(3);
        REQUIRE(read);
        CHECK(read->value() == ledger.proof(3));
    }
    SECTION("half a proof") {
        body = std::string{as_text(ByteView{proof}.first(proof.size() / 2))};
        CHECK_FALSE(source.proof(3));
    }
    SECTION("none") {
        status = 404;
        const auto read = source.proof(3);
        REQUIRE(read);
        CHECK_FALSE(read->has_value());
    }
    SECTION("an error") {
        status = 500;
        body = std::string{as_text(proof)};
        CHECK_FALSE(source.proof(3));
        CHECK_FALSE(source.height());
    }
}
