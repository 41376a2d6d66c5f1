// The audit of a ledger over several epochs, and what a forger can do at their borders.

#include "ledger/state/epochs.h"
#include "tests/ledger/audit/forged_ledger.h"

#include <catch2/catch.hpp>

#include <algorithm>

using namespace tally;
using namespace tally::test;

namespace {

/// Where the blocks of the history are; heights are these plus 1.
struct EpochsLedger {
    ForgedLedger ledger{make_epochs_history()};
    std::vector<std::size_t> seals;

    EpochsLedger() {
        for (std::size_t at = 0; at < ledger.blocks().size(); ++at) {
            if (ledger.blocks()[at].block.header.seals_epoch) {
                seals.push_back(at);
            }
        }
        REQUIRE(seals.size() == 2);
    }
    [[nodiscard]] FinalizedBlock& seal(std::size_t epoch) { return ledger.blocks()[seals[epoch]]; }
    [[nodiscard]] std::uint64_t seal_height(std::size_t epoch) const { return seals[epoch] + 1; }
    [[nodiscard]] bool finds(AuditLevel level, FindingKind kind, std::uint64_t height) {
        return ledger.finds(level, kind, height);
    }
};

}  // namespace

TEST_CASE("an honest ledger of three epochs is verified at every level") {
    EpochsLedger epochs;
    for (const AuditLevel level :
         {AuditLevel::chain, AuditLevel::merkle, AuditLevel::signatures, AuditLevel::replay}) {
        const AuditReport report = epochs.ledger.audit(level);
        for (const Finding& finding : report.findings) {
            UNSCOPED_INFO(to_text(finding.kind)
                          << " at " << finding.height << ": " << finding.message);
        }
        CHECK(report.findings.empty());
        CHECK(report.last_height == epochs.ledger.blocks().size());
    }
    const AuditReport report = epochs.ledger.audit(AuditLevel::replay);
    CHECK(report.replayed_to == report.last_height);
    CHECK(report.log_checked_to == report.last_height);
    CHECK(report.leaves == report.transactions + 2);  // the seals
}

TEST_CASE("a sealing block that was proposed again is verified, another block is not") {
    EpochsLedger epochs;
    const auto again = [](FinalizedBlock& block, const std::vector<Validator>& validators) {
        block.finalization = certify(validators, VoteKind::finalize, block.block.header,
                                     block.block.header.view + 2);
    };
    const std::vector<Validator> first = validators_of(epochs.ledger.genesis().members);
    SECTION("the seal") {
        again(epochs.seal(0), first);
        CHECK(epochs.ledger.audit(AuditLevel::replay).findings.empty());
    }
    SECTION("a block before it") {
        again(epochs.ledger.blocks()[1], first);
        CHECK(epochs.finds(AuditLevel::chain, FindingKind::certificate_kind, 2));
    }
}

TEST_CASE("a set that is not the committed one is found, and what it signs is not believed") {
    EpochsLedger epochs;
    SECTION("validators exchanged in the seal") {
        epochs.seal(0).events.back().validators.front().consensus_key =
            public_key_of(secret_of("liar"));
        std::sort(epochs.seal(0).events.back().validators.begin(),
                  epochs.seal(0).events.back().validators.end(),
                  [](const Validator& left, const Validator& right) {
                      return left.consensus_key < right.consensus_key;
                  });
        CHECK(epochs.finds(AuditLevel::chain, FindingKind::validator_set, epochs.seal_height(0)));
        CHECK(
            epochs.finds(AuditLevel::chain, FindingKind::validator_set, epochs.seal_height(0) + 1));
        CHECK(epochs.finds(AuditLevel::merkle, FindingKind::log_root, epochs.seal_height(0)));
    }
    SECTION("no set at all") {
        epochs.seal(0).events.pop_back();
        CHECK(epochs.finds(AuditLevel::chain, FindingKind::validator_set, epochs.seal_height(0)));
    }
    SECTION("the seal of another epoch") {
        epochs.seal(1).events.back().epoch = 0;
        CHECK(epochs.finds(AuditLevel::chain, FindingKind::validator_set, epochs.seal_height(1)));
    }
    SECTION("a set named by a block that seals nothing") {
        epochs.ledger.blocks()[2].events.push_back(epochs.seal(0).events.back());
        CHECK(epochs.finds(AuditLevel::chain, FindingKind::validator_set, 3));
    }
}

TEST_CASE("certificates of the wrong epoch or set are found") {
    EpochsLedger epochs;
    FinalizedBlock& next = epochs.ledger.blocks()[epochs.seals[0] + 1];
    const std::uint64_t height = epochs.seal_height(0) + 1;
    const std::vector<Validator> first = validators_of(epochs.ledger.genesis().members);
    SECTION("signed by the validators before") {
        next.finalization =
            certify(first, VoteKind::finalize, next.block.header, next.block.header.view);
        CHECK((epochs.finds(AuditLevel::chain, FindingKind::certificate_signers, height) ||
               epochs.finds(AuditLevel::chain, FindingKind::certificate_signature, height)));
    }
    SECTION("of votes of another epoch") {
        BlockHeader other = next.block.header;
        other.epoch = 0;
        const Hash digest = next.block.header.digest();
        next.finalization = certify(first, VoteKind::finalize, other, other.view);
        next.finalization.statement.digest = digest;
        CHECK(epochs.finds(AuditLevel::chain, FindingKind::certificate_epoch, height));
    }
    SECTION("a seal that is only notarized") {
        FinalizedBlock& seal = epochs.seal(0);
        seal.finalization =
            certify(first, VoteKind::notarize, seal.block.header, seal.block.header.view);
        CHECK(
            epochs.finds(AuditLevel::chain, FindingKind::certificate_kind, epochs.seal_height(0)));
    }
}

TEST_CASE("an epoch that does not follow is found") {
    EpochsLedger epochs;
    FinalizedBlock& next = epochs.ledger.blocks()[epochs.seals[0] + 1];
    next.block.header.epoch = 0;
    CHECK(epochs.finds(AuditLevel::chain, FindingKind::epoch, epochs.seal_height(0) + 1));
}

TEST_CASE("a seal that was not called for, and one that is missing, are found by replay") {
    EpochsLedger epochs;
    const std::vector<Validator> first = validators_of(epochs.ledger.genesis().members);
    const auto certify_again = [&first](FinalizedBlock& block) {
        block.finalization =
            certify(first, VoteKind::finalize, block.block.header, block.block.header.view);
    };
    SECTION("uncalled for") {
        FinalizedBlock& block = epochs.ledger.blocks()[1];
        block.block.header.seals_epoch = true;
        certify_again(block);
        CHECK(epochs.finds(AuditLevel::replay, FindingKind::seal, 2));
    }
    SECTION("missing") {
        FinalizedBlock& block = epochs.seal(0);
        block.block.header.seals_epoch = false;
        certify_again(block);
        CHECK(epochs.finds(AuditLevel::replay, FindingKind::seal, epochs.seal_height(0)));
    }
}

TEST_CASE("an envelope signed with a key that was given up is found") {
    EpochsLedger epochs;
    auto& blocks = epochs.ledger.blocks();
    const auto sign_again = [&](FinalizedBlock& block, std::size_t index, const char* key) {
        Bytes& encoded = block.block.envelopes[index];
        const auto envelope = decode_envelope(encoded);
        REQUIRE(envelope);
        KeySigner signer{secret_of(key)};
        encoded = sign_envelope(epochs.ledger.genesis().chain_id(), envelope->signer,
                                envelope->transactions, signer);
    };
    FinalizedBlock& last = blocks.back();
    SECTION("rotated") {
        sign_again(last, 0, "AAA/member");
        CHECK(
            epochs.ledger.finds(AuditLevel::signatures, FindingKind::signature, blocks.size(), 0));
    }
    SECTION("replaced by vote") {
        sign_again(last, 1, "DDD/member");
        CHECK(
            epochs.ledger.finds(AuditLevel::signatures, FindingKind::signature, blocks.size(), 1));
    }
    SECTION("signed before the member was admitted") {
        std::vector<Bytes>& envelopes = blocks[0].block.envelopes;
        envelopes.insert(envelopes.begin(), last.block.envelopes[1]);
        CHECK(epochs.ledger.finds(AuditLevel::signatures, FindingKind::signer, 1, 0));
    }
}

TEST_CASE("a feature that the auditor's program does not know ends its replay, and says so") {
    ForgedLedger ledger{make_feature_history()};
    const std::uint64_t last = ledger.blocks().size();
    CHECK(ledger.finds(AuditLevel::replay, FindingKind::feature, last));
    const AuditReport report = ledger.audit(AuditLevel::replay);
    REQUIRE(report.findings.size() == 1);
    CHECK(report.findings[0].message.find("feature 7") != std::string::npos);
    CHECK(report.replayed_to == last - 1);
    CHECK(report.last_height == last);
    CHECK(ledger.audit(AuditLevel::signatures).findings.empty());
}
