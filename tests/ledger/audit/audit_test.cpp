#include "ledger/audit/audit.h"

#include "ledger/store/segment_reader.h"
#include "tests/ledger/audit/forged_ledger.h"

#include <catch2/catch.hpp>

using namespace tally;
using namespace tally::test;

TEST_CASE("an honest ledger is verified at every level, over one file or several") {
    const std::uint64_t segment_bytes = GENERATE(std::uint64_t{1500}, std::uint64_t{1} << 26);
    ForgedLedger ledger{segment_bytes};
    for (const AuditLevel level :
         {AuditLevel::chain, AuditLevel::merkle, AuditLevel::signatures, AuditLevel::replay}) {
        const AuditReport report = ledger.audit(level);
        CHECK(report.findings.empty());
        CHECK(report.blocks == ledger.blocks().size());
        CHECK(report.certificates == ledger.blocks().size());
        CHECK(report.last_height == ledger.blocks().size());
        CHECK(report.last_digest == ledger.blocks().back().block.header.digest());
        CHECK(report.uncovered == 0);
    }
    const AuditReport report = ledger.audit(AuditLevel::replay);
    CHECK(report.leaves == ledger.blocks().back().block.header.log_size);
    CHECK(report.leaves == report.transactions + 1);  // one expiry
    CHECK(report.replayed_to == report.last_height);
    CHECK(report.log_checked_to == report.last_height);
    CHECK(report.state_root == ledger.blocks().back().block.header.state_root);
}

TEST_CASE("one byte changed anywhere in any segment file is found and named") {
    ForgedLedger ledger{1000, 3};  // small, because each byte costs an audit
    REQUIRE(ledger.paths().size() > 1);
    std::size_t changed = 0;
    for (const std::string& path : ledger.paths()) {
        const std::size_t size = ledger.file(path).size();
        for (std::size_t at = 0; at < size; ++at) {
            ledger.file(path)[at] ^= static_cast<std::uint8_t>(1U << (at % 8));
            const AuditReport report = ledger.audit(AuditLevel::chain);
            ledger.file(path)[at] ^= static_cast<std::uint8_t>(1U << (at % 8));
            ++changed;
            if (report.findings.empty() || "segments/" + report.findings[0].segment != path ||
                report.findings[0].offset > at || report.findings[0].message.empty()) {
                FAIL("byte " << at << " of " << path);
            }
        }
    }
    CHECK(changed > 1500);
    CHECK(ledger.audit(AuditLevel::chain).findings.empty());
}

TEST_CASE("the level named chain finds a changed block even when the forger mends the checksums") {
    ForgedLedger ledger;
    for (std::size_t at = 0; at + 1 < ledger.blocks().size(); ++at) {
        const FinalizedBlock before = ledger.blocks()[at];
        ledger.blocks()[at].block.header.time += 1;
        CHECK(ledger.finds(AuditLevel::chain, FindingKind::parent, at + 2));
        CHECK(ledger.finds(AuditLevel::chain, FindingKind::certificate_block, at + 1));
        ledger.blocks()[at] = before;
    }
}

TEST_CASE("a certificate of another block is found") {
    ForgedLedger ledger;
    auto& blocks = ledger.blocks();
    SECTION("of the block before") {
        blocks[3].finalization = blocks[2].finalization;
        CHECK(ledger.finds(AuditLevel::chain, FindingKind::certificate_block, 4));
    }
    SECTION("two exchanged") {
        std::swap(blocks[3].finalization, blocks[4].finalization);
        CHECK(ledger.finds(AuditLevel::chain, FindingKind::certificate_block, 5));
    }
    SECTION("of the block after") {
        blocks[2].finalization = blocks[3].finalization;
        CHECK(ledger.finds(AuditLevel::chain, FindingKind::certificate_block, 3));
    }
    SECTION("of a block further on, with others between") {
        blocks[2].finalization = blocks[5].finalization;
        CHECK(ledger.finds(AuditLevel::chain, FindingKind::certificate_block, 3));
    }
    SECTION("of a block that is not in the ledger, with a later view") {
        BlockHeader stranger = blocks[4].block.header;
        stranger.view += 1;
        blocks[4].finalization = certify_by(ledger.genesis(), stranger, 0b0111);
        CHECK(ledger.finds(AuditLevel::chain, FindingKind::certificate_block, 5));
    }
    SECTION("of the last block") {
        BlockHeader stranger = blocks.back().block.header;
        stranger.view += 1;
        blocks.back().finalization = certify_by(ledger.genesis(), stranger, 0b0111);
        CHECK(ledger.finds(AuditLevel::chain, FindingKind::certificate_block, blocks.size()));
    }
    SECTION("a nullification is no certificate for a block") {
        blocks[1].finalization.statement.kind = VoteKind::nullify;
        blocks[1].finalization.statement.parent_view = 0;
        blocks[1].finalization.statement.digest = Hash{};
        CHECK(ledger.finds(AuditLevel::chain, FindingKind::certificate_kind, 2));
    }
    SECTION("a finalization made of the votes of a notarization") {
        blocks[1].finalization =
            certify(ledger.genesis(), VoteKind::notarize, blocks[1].block.header);
        blocks[1].finalization.statement.kind = VoteKind::finalize;
        CHECK(ledger.finds(AuditLevel::chain, FindingKind::certificate_signature, 2));
    }
    SECTION("of another view of the same block") {
        blocks[1].finalization.statement.view += 1;
        CHECK(ledger.finds(AuditLevel::chain, FindingKind::certificate_kind, 2));
    }
}

TEST_CASE("too few, repeated or unknown signers and wrong signatures are found") {
    ForgedLedger ledger;
    auto& block = ledger.blocks()[2];
    SECTION("too few") {
        block.finalization = certify_by(ledger.genesis(), block.block.header, 0b0101);
        CHECK(ledger.finds(AuditLevel::chain, FindingKind::certificate_signers, 3));
    }
    SECTION("none") {
        block.finalization.bitmap = 0;
        block.finalization.signatures.clear();
        CHECK(ledger.finds(AuditLevel::chain, FindingKind::certificate_signers, 3));
    }
    SECTION("repeated") {
        block.finalization.signatures[2] = block.finalization.signatures[1];
        CHECK(ledger.finds(AuditLevel::chain, FindingKind::certificate_signature, 3));
    }
    SECTION("unknown") {
        block.finalization.bitmap = 0b10011;
        CHECK(ledger.finds(AuditLevel::chain, FindingKind::certificate_signers, 3));
    }
    SECTION("under another name") {
        block.finalization.bitmap = 0b1011;
        CHECK(ledger.finds(AuditLevel::chain, FindingKind::certificate_signature, 3));
    }
}

TEST_CASE("blocks that are notarized only are final by what is built on them") {
    ForgedLedger ledger;
    auto& blocks = ledger.blocks();
    for (const std::size_t at : {1U, 2U}) {
        blocks[at].finalization =
            certify(ledger.genesis(), VoteKind::notarize, blocks[at].block.header);
    }
    const AuditReport report = ledger.audit(AuditLevel::replay);
    CHECK(report.findings.empty());
    CHECK(report.finalizations == blocks.size() - 2);
}

TEST_CASE("an envelope exchanged for another is found and its block named") {
    ForgedLedger ledger;
    auto& blocks = ledger.blocks();
    SECTION("a genuine one of another block") {
        blocks[3].block.envelopes[0] = blocks[4].block.envelopes[0];
        CHECK(ledger.finds(AuditLevel::merkle, FindingKind::body_root, 4));
        CHECK(ledger.finds(AuditLevel::merkle, FindingKind::log_root, 4));
    }
    SECTION("two of one block in another order") {
        std::swap(blocks[0].block.envelopes[0], blocks[0].block.envelopes[1]);
        CHECK(ledger.finds(AuditLevel::merkle, FindingKind::body_root, 1));
    }
    SECTION("taken away") {
        blocks[3].block.envelopes.clear();
        CHECK(ledger.finds(AuditLevel::merkle, FindingKind::body_root, 4));
        CHECK(ledger.finds(AuditLevel::merkle, FindingKind::result_count, 4));
    }
    SECTION("bytes that are no envelope") {
        blocks[3].block.envelopes[0] = Bytes(10, 7);
        CHECK(ledger.finds(AuditLevel::merkle, FindingKind::envelope, 4));
    }
    SECTION("signed by somebody else's key") {
        auto envelope = decode_envelope(blocks[1].block.envelopes[0]);
        REQUIRE(envelope);
        envelope->signature.data[10] ^= 1U;
        blocks[1].block.envelopes[0] = encode_envelope(*envelope);
        CHECK(ledger.finds(AuditLevel::signatures, FindingKind::signature, 2));
    }
    SECTION("signed in the name of nobody") {
        auto envelope = decode_envelope(blocks[1].block.envelopes[0]);
        REQUIRE(envelope);
        envelope->signer = party("ZZZ");
        blocks[1].block.envelopes[0] = encode_envelope(*envelope);
        CHECK(ledger.finds(AuditLevel::signatures, FindingKind::signer, 2));
    }
}

TEST_CASE("a changed result or event is found and its place named") {
    ForgedLedger ledger;
    auto& blocks = ledger.blocks();
    SECTION("a result") {
        REQUIRE(blocks[0].results[1] != ResultCode::ok);
        blocks[0].results[1] = ResultCode::ok;
        CHECK(ledger.finds(AuditLevel::merkle, FindingKind::log_root, 1));
        CHECK(ledger.finds(AuditLevel::replay, FindingKind::result_differs, 1, 1));
    }
    SECTION("a result too many") {
        blocks[1].results.push_back(ResultCode::ok);
        CHECK(ledger.finds(AuditLevel::merkle, FindingKind::result_count, 2));
    }
    SECTION("an event") {
        const auto with_event =
            std::find_if(blocks.begin(), blocks.end(),
                         [](const FinalizedBlock& block) { return !block.events.empty(); });
        REQUIRE(with_event != blocks.end());
        const std::uint64_t height = with_event->block.header.height;
        with_event->events[0].amount += 1;
        CHECK(ledger.finds(AuditLevel::merkle, FindingKind::log_root, height));
        CHECK(ledger.finds(AuditLevel::replay, FindingKind::event_differs, height, 0));
        with_event->events.clear();
        CHECK(ledger.finds(AuditLevel::merkle, FindingKind::log_size, height));
    }
}

TEST_CASE("validators who sign a false state root together are found by execution alone") {
    ForgedLedger ledger;
    auto& blocks = ledger.blocks();
    blocks[2].block.header.state_root.data[0] ^= 1U;
    ledger.certify_again_from(2);
    CHECK(ledger.audit(AuditLevel::signatures).findings.empty());
    CHECK(ledger.finds(AuditLevel::replay, FindingKind::state_mismatch, 3));
    CHECK(ledger.audit(AuditLevel::replay).replayed_to == 2);
}

TEST_CASE("validators who sign a false log root together are found by the leaves") {
    ForgedLedger ledger;
    ledger.blocks()[2].block.header.log_root.data[0] ^= 1U;
    ledger.certify_again_from(2);
    CHECK(ledger.audit(AuditLevel::chain).findings.empty());
    CHECK(ledger.finds(AuditLevel::merkle, FindingKind::log_root, 3));
}

TEST_CASE("header fields that do not follow are found") {
    ForgedLedger ledger;
    auto& header = ledger.blocks()[3].block.header;
    const auto forged = [&ledger](FindingKind kind) {
        ledger.certify_again_from(3);
        return ledger.finds(AuditLevel::chain, kind, 4);
    };
    SECTION("time") {
        header.time = ledger.blocks()[2].block.header.time;
        CHECK(forged(FindingKind::time));
    }
    SECTION("parent view") {
        header.parent_view += 1;
        CHECK(forged(FindingKind::view));
    }
    SECTION("view") {
        header.view = ledger.blocks()[2].block.header.view;
        CHECK(forged(FindingKind::view));
    }
    SECTION("proposer") {
        header.proposer = 4;
        CHECK(forged(FindingKind::validators));
    }
    SECTION("next validators") {
        header.next_validators_hash = Hash{};
        CHECK(forged(FindingKind::validators));
    }
    SECTION("chain") {
        header.chain_id = Hash{};
        CHECK(forged(FindingKind::chain_id));
    }
}

TEST_CASE("blocks removed, repeated or in another order are found") {
    ForgedLedger ledger;
    auto& blocks = ledger.blocks();
    SECTION("removed") {
        blocks.erase(blocks.begin() + 3);
        CHECK(ledger.finds(AuditLevel::chain, FindingKind::missing_blocks, 4));
    }
    SECTION("repeated") {
        blocks.insert(blocks.begin() + 3, blocks[2]);
        CHECK(ledger.finds(AuditLevel::chain, FindingKind::missing_blocks, 4));
    }
    SECTION("exchanged") {
        std::swap(blocks[2], blocks[3]);
        CHECK(ledger.finds(AuditLevel::chain, FindingKind::missing_blocks, 3));
    }
    SECTION("heights changed to hide it") {
        blocks.erase(blocks.begin() + 3);
        blocks[3].block.header.height = 4;
        CHECK(ledger.finds(AuditLevel::chain, FindingKind::parent, 4));
        CHECK(ledger.finds(AuditLevel::chain, FindingKind::certificate_block, 4));
    }
}

TEST_CASE("a truncated file is a finding, and only the tail of a live ledger is not") {
    ForgedLedger ledger;
    const std::string path = ledger.paths().front();
    const Bytes whole = ledger.file(path);
    const std::size_t last_record =
        RecordHeader::encoded_bytes + ledger.blocks().back().encode().size();
    for (const std::size_t cut : {std::size_t{1}, last_record / 2, last_record - 1}) {
        Bytes& file = ledger.file(path);
        file.assign(whole.begin(), whole.end() - static_cast<std::ptrdiff_t>(cut));
        CHECK(
            ledger.finds_as_is(AuditLevel::chain, FindingKind::torn_tail, ledger.blocks().size()));
        const AuditReport live = ledger.audit_as_is({AuditLevel::replay, true});
        CHECK(live.findings.empty());
        CHECK(live.blocks == ledger.blocks().size() - 1);
    }
    ledger.file(path) = whole;
    ledger.file(path)[whole.size() - 1] ^= 1U;
    CHECK_FALSE(ledger.audit_as_is({AuditLevel::chain, true}).findings.empty());
}

TEST_CASE("a ledger that does not end with a finalization is not final, unless it is growing") {
    ForgedLedger ledger;
    auto& blocks = ledger.blocks();
    const std::size_t last = blocks.size() - 1;
    for (const std::size_t at : {last - 1, last}) {
        blocks[at].finalization =
            certify(ledger.genesis(), VoteKind::notarize, blocks[at].block.header);
    }
    CHECK(ledger.finds(AuditLevel::chain, FindingKind::not_final, last));
    const AuditReport live = ledger.audit_as_is({AuditLevel::replay, true});
    CHECK(live.findings.empty());
    CHECK(live.uncovered == 2);
}

TEST_CASE("missing files, files without an end and bytes behind the end are found") {
    ForgedLedger ledger{1500};
    const std::vector<std::string> paths = ledger.paths();
    REQUIRE(paths.size() >= 3);
    SECTION("missing") {
        ledger.remove(paths[1]);
        CHECK(ledger.finds_as_is(AuditLevel::chain, FindingKind::missing_blocks, {}));
    }
    SECTION("not closed") {
        Bytes& file = ledger.file(paths[0]);
        file.resize(file.size() - RecordHeader::encoded_bytes - SegmentFooter::encoded_bytes);
        CHECK(ledger.finds_as_is(AuditLevel::chain, FindingKind::missing_footer, {}));
    }
    SECTION("continued") {
        ledger.file(paths[0]).push_back(0);
        CHECK(ledger.finds_as_is(AuditLevel::chain, FindingKind::after_footer, {}));
    }
    SECTION("a file of another chain") {
        Bytes& file = ledger.file(paths[1]);
        const std::uint64_t first = *first_height_of_segment(paths[1].substr(9));
        const Bytes header = SegmentHeader{Hash{}, first}.encode();
        std::copy(header.begin(), header.end(), file.begin());
        CHECK(ledger.finds_as_is(AuditLevel::chain, FindingKind::file_header, first));
    }
    SECTION("a false end, with mended checksums") {
        Bytes& file = ledger.file(paths[0]);
        const std::size_t size = RecordHeader::encoded_bytes + SegmentFooter::encoded_bytes;
        const std::size_t at = file.size() - size;
        const Bytes footer =
            encode_record(RecordKind::footer, SegmentFooter{1, Hash{}}.encode(), {1, at});
        std::copy(footer.begin(), footer.end(), file.begin() + static_cast<std::ptrdiff_t>(at));
        CHECK(ledger.finds_as_is(AuditLevel::chain, FindingKind::wrong_footer, {}));
    }
}

TEST_CASE("what cannot be read is an error, not a finding") {
    ForgedLedger ledger;
    ledger.remove(ledger.paths().front());
    InlineJobRunner runner;
    FolderSegmentSource source{ledger.files(), "segments"};
    CHECK_FALSE(audit_ledger(source, ledger.genesis(), {}, runner, nullptr));
    Genesis empty;
    CHECK_FALSE(audit_ledger(source, empty, {}, runner, nullptr));
}

namespace {

/// The disk fails at one of the files.
class FailingSource final : public SegmentSource {
public:
    FailingSource(const FileSystem& files, std::string bad)
        : m_source{files, "segments"}, m_bad{std::move(bad)} {}
    Expected<std::vector<SegmentInfo>, SourceError> list() override { return m_source.list(); }
    Expected<Bytes, SourceError> read(const std::string& name, std::uint64_t offset,
                                      std::uint64_t length) override {
        if (name == m_bad) {
            return Unexpected{SourceError{"the disk fails"}};
        }
        return m_source.read(name, offset, length);
    }

private:
    FolderSegmentSource m_source;
    std::string m_bad;
};

}  // namespace

TEST_CASE("a finding is reported though the source fails behind it") {
    ForgedLedger ledger{4096};
    const std::vector<std::string> paths = ledger.paths();
    REQUIRE(paths.size() >= 2);
    FailingSource source{ledger.files(), paths.back().substr(paths.back().rfind('/') + 1)};
    InlineJobRunner runner;
    CHECK_FALSE(audit_ledger(source, ledger.genesis(), {}, runner, nullptr));
    Bytes& first = ledger.file(paths.front());
    first[first.size() / 2] ^= 1U;
    const auto report = audit_ledger(source, ledger.genesis(), {}, runner, nullptr);
    REQUIRE(report);
    CHECK(report->findings_count > 0);
    CHECK(report->interrupted);
    CHECK(report->unreadable.find("the disk fails") != std::string::npos);
}

TEST_CASE("findings beyond the maximum are counted and not kept") {
    ForgedLedger ledger;
    for (FinalizedBlock& block : ledger.blocks()) {
        block.finalization.signatures[0] = Signature{};
    }
    ledger.write();
    const AuditReport report = ledger.audit_as_is({AuditLevel::chain, false, 3});
    CHECK(report.findings.size() == 3);
    CHECK(report.findings_count == ledger.blocks().size());
}

TEST_CASE("a ledger of another genesis fails at its first byte that tells") {
    ForgedLedger ledger;
    Genesis other = ledger.genesis();
    other.name = "other";
    InlineJobRunner runner;
    FolderSegmentSource source{ledger.files(), "segments"};
    ledger.write();
    const auto report = audit_ledger(source, other, {}, runner, nullptr);
    REQUIRE(report);
    REQUIRE_FALSE(report->findings.empty());
    CHECK(report->findings[0].kind == FindingKind::file_header);
    CHECK(report->findings[0].message.starts_with(other_network));
    CHECK(report->findings[0].message.find(to_hex(other.chain_id())) != std::string::npos);
}
