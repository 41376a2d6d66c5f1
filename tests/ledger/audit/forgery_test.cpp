// The forgeries that an audit must find, one test each, by the names of the requirement.

#include "ledger/audit/fork.h"
#include "ledger/state/keys.h"
#include "ledger/state/queries.h"
#include "tests/ledger/audit/audited.h"

#include <catch2/catch.hpp>

#include <algorithm>

using namespace tally;
using namespace tally::test;

namespace {

using Kinds = std::set<FindingKind>;

/// A site and one settled charge, and then what `last` adds.
Forger make_charges() {
    Forger forger;
    forger.set_up_site(aaa);
    const AuthorizationRef ref = forger.start(bbb, aaa, units(100));
    const RecordCharge record = forger.record(ref, aaa, 12'000);
    REQUIRE(forger.apply(bbb, SettleCharge{ref, record.amount}) == ResultCode::ok);
    return forger;
}

Kinds kinds_of(const Forger& forger, const AuditOptions& options) {
    ForgedLedger ledger{forger.blocks()};
    return ledger.kinds(options);
}

/// Audits and keeps the checkpoint of the end.
std::shared_ptr<const AuditCheckpoint> checkpoint_of(const Forger& forger) {
    std::shared_ptr<const AuditCheckpoint> kept;
    AuditOptions options{AuditLevel::business};
    options.wants_checkpoint = [](bool at_end) { return at_end; };
    options.on_checkpoint = [&kept](const AuditCheckpoint& checkpoint) {
        const auto again = decode_audit_checkpoint(encode(checkpoint));
        REQUIRE(again);
        kept = std::make_shared<const AuditCheckpoint>(*again);
    };
    CHECK(kinds_of(forger, options).empty());
    REQUIRE(kept);
    return kept;
}

}  // namespace

TEST_CASE("forgery: a fork") {
    Forger one = make_charges();
    Forger other = make_charges();
    REQUIRE(one.apply(bbb, one.chain().approval(aaa, units(10))) == ResultCode::ok);
    REQUIRE(other.apply(bbb, other.chain().approval(aaa, units(20))) == ResultCode::ok);
    CHECK(kinds_of(one, {AuditLevel::business}).empty());
    CHECK(kinds_of(other, {AuditLevel::business}).empty());

    const std::uint64_t last = one.height();
    CHECK_FALSE(is_fork(one.proof(last - 1), other.proof(last - 1)));
    const ForkEvidence evidence{one.proof(last), other.proof(last)};
    const auto read = ForkEvidence::decode(evidence.encode());
    REQUIRE(read);
    const auto culprits = verify_fork(*read, make_genesis());
    REQUIRE(culprits);
    CHECK(culprits->size() == 3);

    SECTION("who voted in different views is not to blame: an honest one may") {
        ForkEvidence later = evidence;
        BlockHeader& header = later.second.headers.front();
        header.view += 1;
        later.second.finalization = certify_by(make_genesis(), header, 0b0111);
        const auto blamed = verify_fork(later, make_genesis());
        REQUIRE(blamed);
        CHECK(blamed->empty());
    }
    SECTION("one block twice is none") {
        CHECK_FALSE(verify_fork({one.proof(last), one.proof(last)}, make_genesis()));
    }
    SECTION("nor are votes of too few") {
        ForkEvidence weak = evidence;
        weak.second.finalization = certify_by(make_genesis(), weak.second.headers.front(), 0b0011);
        CHECK_FALSE(verify_fork(weak, make_genesis()));
    }
    SECTION("an audit that goes on from one branch does not take the other for its own") {
        AuditOptions options{AuditLevel::business};
        options.from = checkpoint_of(one);
        CHECK(kinds_of(other, options).contains(FindingKind::checkpoint));
    }
}

TEST_CASE("forgery: a history forged with old keys") {
    SECTION("for blocks of a later epoch") {
        ForgedLedger ledger{make_epochs_history()};
        FinalizedBlock& last = ledger.blocks().back();
        const std::vector<Validator> first = validators_of(ledger.genesis().members);
        last.finalization =
            certify(first, VoteKind::finalize, last.block.header, last.block.header.view);
        const Kinds kinds = ledger.kinds({AuditLevel::chain});
        CHECK((kinds.contains(FindingKind::certificate_signers) ||
               kinds.contains(FindingKind::certificate_signature)));
    }
    SECTION("for all blocks since those keys were in force, against the last audit") {
        const Forger honest = make_charges();
        Forger forged;
        forged.set_up_site(aaa);
        while (forged.height() < honest.height()) {
            forged.pass(second_ms);
        }
        CHECK(kinds_of(forged, {AuditLevel::business}).empty());
        AuditOptions options{AuditLevel::business};
        options.from = checkpoint_of(honest);
        CHECK(kinds_of(forged, options).contains(FindingKind::checkpoint));
        forged.pass(second_ms);
        const Kinds kinds = kinds_of(forged, options);
        CHECK(kinds.contains(FindingKind::checkpoint));
        CHECK(kinds.contains(FindingKind::parent));
    }
}

TEST_CASE("forgery: a dropped transaction") {
    ForgedLedger ledger{make_charges().blocks()};
    FinalizedBlock& block = ledger.blocks()[5];
    REQUIRE(block.results.size() == 1);
    block.block.envelopes.clear();
    block.results.clear();
    SECTION("taken out of the file") {
        const Kinds kinds = ledger.kinds({AuditLevel::merkle});
        CHECK(kinds.contains(FindingKind::body_root));
        CHECK(kinds.contains(FindingKind::log_size));
    }
    SECTION("with a new body root that a quorum signed") {
        block.block.header.body_root = body_root({});
        ledger.certify_again_from(5);
        CHECK(ledger.kinds({AuditLevel::chain}).empty());
        CHECK(ledger.kinds({AuditLevel::merkle}).contains(FindingKind::log_size));
    }
    SECTION("out of an envelope of several") {
        ForgedLedger several;
        FinalizedBlock& second = several.blocks()[1];
        auto envelope = decode_envelope(second.block.envelopes[0]);
        REQUIRE((envelope && envelope->transactions.size() == 3));
        envelope->transactions.pop_back();
        second.block.envelopes[0] = encode_envelope(*envelope);
        second.results.pop_back();
        const Kinds kinds = several.kinds({AuditLevel::signatures});
        CHECK(kinds.contains(FindingKind::body_root));
        CHECK(kinds.contains(FindingKind::log_size));
        CHECK(kinds.contains(FindingKind::signature));
    }
}

TEST_CASE("forgery: a swapped result") {
    ForgedLedger ledger;
    auto& results = ledger.blocks()[0].results;
    REQUIRE((results.size() == 2 && results[0] != results[1]));
    std::swap(results[0], results[1]);
    CHECK(ledger.kinds({AuditLevel::merkle}).contains(FindingKind::log_root));
    const Kinds kinds = ledger.kinds({AuditLevel::business});
    CHECK(kinds.contains(FindingKind::result_differs));
    CHECK(kinds.contains(FindingKind::unmatched));  // a release of a charge that is not open
}

TEST_CASE("forgery: a changed state value") {
    Forger forger = make_charges();
    forger.pass(second_ms);
    Account account = *find_account(forger.chain().state(), bbb, currency("CNY"));
    account.limit = units(1'000'000);
    forger.plant(keys::account(bbb, currency("CNY")), encode(account));
    REQUIRE(forger.apply(bbb, forger.chain().approval(aaa, units(10))) == ResultCode::ok);
    ForgedLedger ledger{forger.blocks()};
    CHECK(ledger.kinds({AuditLevel::signatures}).empty());
    CHECK(ledger.finds(AuditLevel::replay, FindingKind::state_mismatch, forger.height()));
}

TEST_CASE("forgery: a re-ordered block") {
    SECTION("two envelopes of one block") {
        ForgedLedger ledger;
        auto& envelopes = ledger.blocks()[0].block.envelopes;
        REQUIRE(envelopes.size() == 2);
        std::swap(envelopes[0], envelopes[1]);
        CHECK(ledger.kinds({AuditLevel::merkle}).contains(FindingKind::body_root));
    }
    SECTION("two blocks") {
        ForgedLedger ledger;
        std::swap(ledger.blocks()[3], ledger.blocks()[4]);
        CHECK(ledger.kinds({AuditLevel::chain}).contains(FindingKind::missing_blocks));
    }
    SECTION("two blocks with their heights mended and signed again") {
        ForgedLedger ledger{make_charges().blocks()};
        auto& blocks = ledger.blocks();
        std::swap(blocks[4], blocks[5]);
        BlockHeader& first = blocks[4].block.header;
        BlockHeader& second = blocks[5].block.header;
        std::swap(first.height, second.height);
        std::swap(first.view, second.view);
        std::swap(first.parent_view, second.parent_view);
        std::swap(first.time, second.time);
        std::swap(first.parent, second.parent);
        first.parent = blocks[3].block.header.digest();
        ledger.certify_again_from(4);
        CHECK(ledger.kinds({AuditLevel::chain}).empty());
        CHECK(ledger.kinds({AuditLevel::merkle}).contains(FindingKind::log_size));
    }
}

TEST_CASE("forgery: a truncated ledger") {
    const Forger whole = make_charges();
    ForgedLedger cut{whole.blocks()};
    cut.blocks().resize(whole.height() - 3);
    CHECK(cut.kinds({AuditLevel::business}).empty());
    SECTION("that a height is expected of") {
        AuditOptions options{AuditLevel::chain};
        options.expected_height = whole.height();
        CHECK(cut.kinds(options) == Kinds{FindingKind::truncated});
        options.expected_height = whole.height() - 3;
        CHECK(cut.kinds(options).empty());
    }
    SECTION("that was audited when it was longer") {
        AuditOptions options{AuditLevel::business};
        options.from = checkpoint_of(whole);
        CHECK(cut.kinds(options) == Kinds{FindingKind::truncated});
    }
    SECTION("in the middle of a record") {
        ForgedLedger torn{whole.blocks()};
        torn.write();
        Bytes& file = torn.file(torn.paths().front());
        file.resize(file.size() - 5);
        CHECK(torn.finds_as_is(AuditLevel::chain, FindingKind::torn_tail, {}));
    }
}

TEST_CASE("forgery: a certificate with too few signers") {
    ForgedLedger ledger;
    FinalizedBlock& block = ledger.blocks()[2];
    block.finalization = certify_by(ledger.genesis(), block.block.header, 0b0101);
    CHECK(ledger.kinds({AuditLevel::chain}) == Kinds{FindingKind::certificate_signers});
}

TEST_CASE("forgery: a certificate with repeated signers") {
    ForgedLedger ledger;
    QuorumCertificate& certificate = ledger.blocks()[2].finalization;
    REQUIRE(certificate.signatures.size() == 3);
    certificate.signatures[2] = certificate.signatures[1];
    CHECK(ledger.kinds({AuditLevel::chain}) == Kinds{FindingKind::certificate_signature});
}

TEST_CASE("forgery: a certificate with unknown signers") {
    ForgedLedger ledger;
    FinalizedBlock& block = ledger.blocks()[2];
    SECTION("beyond the set") {
        block.finalization.bitmap = 0b10011;
        CHECK(ledger.kinds({AuditLevel::chain}) == Kinds{FindingKind::certificate_signers});
    }
    SECTION("in a validator's name") {
        std::vector<Validator> strangers = validators_of(ledger.genesis().members);
        for (Validator& stranger : strangers) {
            stranger.consensus_key = public_key_of(secret_of(to_text(stranger.party) + "/link"));
        }
        block.finalization.signatures[0] =
            sign_digest(secret_of("AAA/link"),
                        block.finalization.statement.signing_digest(ledger.genesis().chain_id()));
        CHECK(ledger.kinds({AuditLevel::chain}) == Kinds{FindingKind::certificate_signature});
    }
}

TEST_CASE("forgery: one operator's transactions withheld") {
    SECTION("from a copy of the ledger") {
        ForgedLedger ledger;
        for (FinalizedBlock& block : ledger.blocks()) {
            std::erase_if(block.block.envelopes,
                          [](const Bytes& bytes) { return decode_envelope(bytes)->signer == aaa; });
        }
        const Kinds kinds = ledger.kinds({AuditLevel::merkle});
        CHECK(kinds.contains(FindingKind::body_root));
        CHECK(kinds.contains(FindingKind::result_count));
    }
    SECTION("by a quorum that writes another history: the proofs that the operator holds tell") {
        const Forger honest = make_charges();
        Forger without;
        while (without.height() < honest.height()) {
            without.pass(second_ms);
        }
        CHECK(kinds_of(without, {AuditLevel::business}).empty());
        const std::uint64_t height = honest.height();
        CHECK(verify_fork({honest.proof(height), without.proof(height)}, make_genesis()));
    }
}

TEST_CASE("forgery: a settlement without record") {
    Forger forger;
    forger.set_up_site(aaa);
    const AuthorizationRef ref = forger.start(bbb, aaa, units(100));
    forger.pass(second_ms);
    // The planted rule: what is started counts as recorded.
    const Authorization started = *find_live_authorization(forger.chain().state(), ref);
    Authorization recorded = started;
    recorded.status = AuthorizationStatus::recorded;
    recorded.record = Authorization::Record{};
    recorded.record->recorded_at = forger.chain().now();
    recorded.record->settle_by = forger.chain().now() + hour_ms;
    recorded.record->claim_until = forger.chain().now() + 2 * hour_ms;
    recorded.record->amount = units(77);
    forger.plant(keys::authorization(ref), encode(recorded));
    forger.plant(keys::deadline({started.deadline(), ref, DeadlineKind::authorization}), {});
    forger.plant(keys::deadline({recorded.deadline(), ref, DeadlineKind::authorization}), Bytes{});
    ChargerRecord charger = *find_charger(forger.chain().state(), aaa, TestChain::evse(aaa, 1));
    charger.busy.reset();
    forger.plant(keys::charger(aaa, TestChain::evse(aaa, 1)), encode(charger));
    REQUIRE(forger.apply(bbb, SettleCharge{ref, units(77)}) == ResultCode::ok);

    ForgedLedger ledger{forger.blocks()};
    CHECK(ledger.kinds({AuditLevel::signatures}).empty());
    CHECK(ledger.finds(AuditLevel::replay, FindingKind::state_mismatch, forger.height()));
    CHECK(ledger.finds(AuditLevel::business, FindingKind::unmatched, forger.height(), 0));
}

TEST_CASE("forgery: a record priced wrongly by a colluding quorum") {
    Forger forger;
    forger.set_up_site(aaa);
    const AuthorizationRef ref = forger.start(bbb, aaa, units(100));
    // The planted rule: prices are twice what was published.
    forger.plant(keys::tariff(aaa, {"std", 1}), encode(Forger::price(units(2))));
    const RecordCharge record = forger.record(ref, aaa, 12'000);
    CHECK(record.amount == units(30));  // published are 1.5000 a kWh
    const std::uint64_t height = forger.height();
    REQUIRE(forger.apply(bbb, SettleCharge{ref, record.amount}) == ResultCode::ok);

    ForgedLedger ledger{forger.blocks()};
    CHECK(ledger.kinds({AuditLevel::signatures}).empty());
    CHECK(ledger.finds(AuditLevel::replay, FindingKind::state_mismatch, height));
    CHECK(ledger.finds(AuditLevel::business, FindingKind::rating, height, 0));
    const AuditReport report = ledger.audit(AuditLevel::business);
    const auto found =
        std::find_if(report.findings.begin(), report.findings.end(),
                     [](const Finding& finding) { return finding.kind == FindingKind::rating; });
    REQUIRE(found != report.findings.end());
    CHECK(found->message.find("30.0000 CNY for 12000 Wh") != std::string::npos);
    CHECK(found->message.find("gives 18.0000 CNY") != std::string::npos);
}
