// What an audit takes over from the last one: everything it needs, and nothing that cannot be.

#include "ledger/audit/business_check.h"
#include "ledger/audit/checkpoint_state.h"
#include "ledger/audit/meter_book.h"
#include "ledger/base/codec.h"
#include "ledger/state/cycle_records.h"
#include "ledger/state/keys.h"
#include "ledger/state/queries.h"
#include "ledger/state/state_tree.h"
#include "tests/ledger/audit/audited.h"

#include <catch2/catch.hpp>

#include <algorithm>

using namespace tally;
using namespace tally::test;

namespace {

/// Audits and gives the checkpoint of the end, if there is one.
std::shared_ptr<AuditCheckpoint> checkpoint_of(const std::vector<FinalizedBlock>& blocks) {
    std::shared_ptr<AuditCheckpoint> kept;
    AuditOptions options{AuditLevel::business};
    options.wants_checkpoint = [](bool at_end) { return at_end; };
    options.on_checkpoint = [&kept](const AuditCheckpoint& checkpoint) {
        auto again = decode_audit_checkpoint(encode(checkpoint));
        REQUIRE(again);
        kept = std::make_shared<AuditCheckpoint>(std::move(*again));
    };
    ForgedLedger ledger{blocks};
    ledger.write();
    static_cast<void>(ledger.audit_as_is(options));
    return kept;
}

/// An open approval and two recorded charges, one with meter data.
Forger make_charges() {
    Forger forger;
    forger.set_up_site(aaa);
    forger.record(forger.start(bbb, aaa, units(100)), aaa, 12'000);
    const AuthorizationRef ref = forger.start(bbb, aaa, units(100));
    RecordCharge record = forger.chain().record(ref, 1'000);
    record.metered.evidence.data[0] = 9;
    sign_metered(forger.chain().chain_id(), aaa, record.metered);
    REQUIRE(forger.apply(aaa, record) == ResultCode::ok);
    REQUIRE(forger.apply(bbb, forger.chain().approval(aaa, units(20))) == ResultCode::ok);
    return forger;
}

AuditReport audit_from(const std::vector<FinalizedBlock>& blocks,
                       std::shared_ptr<const AuditCheckpoint> from) {
    AuditOptions options{AuditLevel::business};
    options.from = std::move(from);
    ForgedLedger ledger{blocks};
    ledger.write();
    return ledger.audit_as_is(options);
}

KeyValueStore::Entry& entry_of(AuditCheckpoint& checkpoint, const Bytes& key) {
    const auto found =
        std::find_if(checkpoint.state.begin(), checkpoint.state.end(),
                     [&key](const KeyValueStore::Entry& entry) { return entry.key == key; });
    REQUIRE(found != checkpoint.state.end());
    return *found;
}

Bytes wide_max() {
    Encoder encoder;
    encoder.u64(0x7fffffffffffffffU).u64(0xffffffffffffffffU);
    return std::move(encoder).take();
}

}  // namespace

TEST_CASE("an audit that goes on knows the meter data and registers of the one before") {
    Forger forger = make_charges();
    const auto kept = checkpoint_of(forger.blocks());
    REQUIRE(kept);
    const AuthorizationRef ref = forger.start(bbb, aaa, units(100));
    RecordCharge record = forger.chain().record(ref, 1'000);
    record.metered.evidence.data[0] = 9;
    sign_metered(forger.chain().chain_id(), aaa, record.metered);
    REQUIRE(forger.apply(aaa, record) == ResultCode::ok);
    const AuditReport report = audit_from(forger.blocks(), kept);
    REQUIRE(report.findings.size() == 1);
    CHECK(report.findings.front().kind == FindingKind::duplicate);
}

TEST_CASE("an audit that goes on knows how charges ended in the one before") {
    Forger forger;
    forger.set_up_site(aaa);
    const AuthorizationRef ref = forger.start(bbb, aaa, units(100));
    forger.record(ref, aaa, 12'000);
    REQUIRE(forger.apply(bbb, SettleCharge{ref, units(18)}) == ResultCode::ok);
    const auto kept = checkpoint_of(forger.blocks());
    REQUIRE(kept);
    forger.both(aaa, LateCharge{forger.rated(ref, aaa, 2'000)}, bbb);
    const AuditReport report = audit_from(forger.blocks(), kept);
    CHECK(ForgedLedger::has(report, FindingKind::duplicate, {}));
}

TEST_CASE("an audit goes on over a ledger that begins right behind the checkpoint") {
    Forger forger = make_charges();
    const std::size_t cut = forger.blocks().size();
    const auto kept = checkpoint_of(forger.blocks());
    REQUIRE(kept);
    REQUIRE(forger.apply(bbb, forger.chain().approval(aaa, units(20))) == ResultCode::ok);
    forger.pass(second_ms);
    const auto audit_behind = [&](std::size_t first) {
        std::vector<FinalizedBlock> blocks = forger.blocks();
        blocks.erase(blocks.begin(), blocks.begin() + static_cast<std::ptrdiff_t>(first));
        ForgedLedger ledger{std::move(blocks)};
        ledger.write(first + 1);
        AuditOptions options{AuditLevel::business};
        options.from = kept;
        return ledger.audit_as_is(options);
    };
    const AuditReport report = audit_behind(cut);
    CHECK(report.findings.empty());
    CHECK(report.blocks == 2);
    CHECK(ForgedLedger::has(audit_behind(cut + 1), FindingKind::missing_blocks, {}));
}

TEST_CASE("no checkpoint is given of a ledger that ends too early or is not final") {
    std::vector<FinalizedBlock> blocks = make_charges().blocks();
    AuditOptions options{AuditLevel::business};
    bool kept{false};
    options.wants_checkpoint = [](bool at_end) { return at_end; };
    options.on_checkpoint = [&kept](const AuditCheckpoint&) { kept = true; };
    SECTION("as it should be") { options.expected_height = blocks.size(); }
    SECTION("too early") { options.expected_height = blocks.size() + 1; }
    SECTION("not final") {
        blocks.back().finalization =
            certify(make_genesis(), VoteKind::notarize, blocks.back().block.header);
    }
    ForgedLedger ledger{blocks};
    ledger.write();
    const AuditReport report = ledger.audit_as_is(options);
    CHECK(kept == report.findings.empty());
    CHECK(kept == (options.expected_height == blocks.size()));
}

TEST_CASE("books that differ from the state in anything are found before a checkpoint") {
    Forger forger = make_charges();
    const PartyId ccc = party("CCC");
    forger.both(aaa, LateCharge{forger.rated({ccc, {}}, aaa, 2'000)}, ccc);
    forger.pass(forger.chain().genesis().parameters.cycle_length);
    AuthorizationRef corrected{ccc, {}};
    corrected.id.data[0] = 1;
    forger.both(aaa, LateCharge{forger.rated(corrected, aaa, 2'000)}, ccc);
    forger.pass(second_ms);
    REQUIRE(find_correction(forger.chain().state(), corrected));
    REQUIRE(list_legs(forger.chain().state(), 0, 9).size() == 1);
    BusinessCheck check{forger.chain().chain_id(), forger.chain().state(), forger.chain().now(),
                        100};
    check.follow(aaa, {}, forger.chain().state());
    check.reconcile(forger.chain().state());
    REQUIRE(check.findings().count() == 0);
    const LegEntry leg = list_legs(forger.chain().state(), 0, 9).front();
    SECTION("a balance") {
        Account account = *find_account(forger.chain().state(), bbb, cny);
        account.debits_pending += 1;
        forger.plant(keys::account(bbb, cny), encode(account));
    }
    SECTION("a payment that is missing") { forger.plant(keys::leg(leg.key), {}); }
    SECTION("a payment of another amount") {
        LegRecord other = leg.leg;
        other.amount += 1;
        forger.plant(keys::leg(leg.key), encode(other));
    }
    SECTION("a correction that is missing") { forger.plant(keys::correction(corrected), {}); }
    SECTION("parameters") {
        Parameters parameters = forger.chain().genesis().parameters;
        parameters.minimum_approval += 1;
        forger.plant(keys::scheme(), encode(parameters));
    }
    SECTION("a member") {
        MemberRecord member = *find_member(forger.chain().state(), ccc);
        member.suspended = true;
        forger.plant(keys::member(ccc), encode(member));
    }
    SECTION("a sub-log") { forger.plant(keys::sublog(aaa), {}); }
    check.reconcile(forger.chain().state());
    const std::uint64_t found = check.findings().count();
    CHECK(found > 0);
    check.reconcile(forger.chain().state());
    CHECK(check.findings().count() == found);  // once
}

TEST_CASE("a state that no ledger can have is refused, whatever its root") {
    const auto kept = checkpoint_of(make_charges().blocks());
    REQUIRE(kept);
    REQUIRE(restore_state(kept->state));
    AuditCheckpoint hostile = *kept;
    const auto change_account = [&](const auto& change) {
        KeyValueStore::Entry& entry = entry_of(hostile, keys::account(aaa, cny));
        Account account = *decode_record<Account>(entry.value);
        change(account);
        entry.value = encode(account);
    };
    SECTION("an unknown table") { hostile.state.push_back({{0x7f, 1}, {1}}); }
    SECTION("an entry of a derived table") {
        hostile.state.push_back({keys::deadline({1, {aaa, {}}, DeadlineKind::countersign}), {}});
    }
    SECTION("an empty key") { hostile.state.insert(hostile.state.begin(), {{}, {}}); }
    SECTION("a key that is too short") { hostile.state.back().key.pop_back(); }
    SECTION("a value that is no record") { hostile.state.back().value.push_back(0); }
    SECTION("no parameters") {
        std::erase_if(hostile.state, [](const KeyValueStore::Entry& entry) {
            return entry.key == keys::scheme();
        });
    }
    SECTION("no epoch") {
        std::erase_if(hostile.state,
                      [](const KeyValueStore::Entry& entry) { return entry.key == keys::epoch(); });
    }
    SECTION("no tariff of an open charge") {
        std::erase_if(hostile.state, [](const KeyValueStore::Entry& entry) {
            return entry.key.front() == static_cast<std::uint8_t>(Table::tariff);
        });
    }
    SECTION("a balance without its pair") {
        change_account([](Account& account) { account.debits_posted += 1; });
    }
    SECTION("pairs that do not fit 64 bits together") {
        const Exposure huge{INT64_MAX, INT64_MAX, 0};
        entry_of(hostile, keys::exposure(bbb, aaa, cny)).value = encode(huge);
    }
    SECTION("charges that do not fit 64 bits together") {
        for (KeyValueStore::Entry& entry : hostile.state) {
            if (entry.key.front() == static_cast<std::uint8_t>(Table::authorization)) {
                Authorization charge = *decode_record<Authorization>(entry.value);
                charge.amount = INT64_MAX;
                entry.value = encode(charge);
            }
        }
    }
    SECTION("a tariff with versions that are not there is no reason to look for them") {
        Bytes latest = keys::tariff(aaa, {"std", 0});
        entry_of(hostile, latest).value = Bytes(4, 0xff);
        CHECK(restore_state(hostile.state));
        return;
    }
    CHECK_FALSE(restore_state(hostile.state));
}

TEST_CASE("a hostile checkpoint is refused by the audit") {
    const Forger forger = make_charges();
    const auto kept = checkpoint_of(forger.blocks());
    REQUIRE(kept);
    AuditCheckpoint hostile = *kept;
    const auto set_root = [&hostile] {
        StateTree tree;
        StateChanges changes;
        for (const KeyValueStore::Entry& entry : hostile.state) {
            changes[entry.key] = entry.value;
        }
        tree.update(changes);
        hostile.header.state_root = tree.root();
    };
    SECTION("a state of its own, under its own root") {
        KeyValueStore::Entry& entry = entry_of(hostile, keys::account(aaa, cny));
        Account account = *decode_record<Account>(entry.value);
        account.credits_posted += units(1'000'000);
        entry.value = encode(account);
        set_root();
    }
    SECTION("books that end early") { hostile.books.pop_back(); }
    SECTION("books with more behind them") { hostile.books.push_back(0); }
    SECTION("no books") { hostile.books.clear(); }
    ForgedLedger ledger{forger.blocks()};
    ledger.write();
    AuditOptions next{AuditLevel::business};
    next.from = std::make_shared<const AuditCheckpoint>(hostile);
    InlineJobRunner runner;
    FolderSegmentSource source{ledger.files(), "segments"};
    CHECK_FALSE(audit_ledger(source, ledger.genesis(), next, runner, nullptr));
}

TEST_CASE("a checkpoint file out of bounds is not read") {
    const auto kept = checkpoint_of(make_charges().blocks());
    REQUIRE(kept);
    AuditCheckpoint hostile = *kept;
    SECTION("a height that cannot go on") { hostile.header.height = UINT64_MAX; }
    SECTION("a time before all times") { hostile.header.time = -1; }
    SECTION("entries out of order") { std::swap(hostile.state[0], hostile.state[1]); }
    SECTION("an entry twice") { hostile.state.insert(hostile.state.begin(), hostile.state[0]); }
    SECTION("ids out of order") {
        REQUIRE(hostile.ids.size() > 1);
        std::swap(hostile.ids[0], hostile.ids[1]);
    }
    SECTION("ids of a later block") { hostile.ids.back().time = hostile.header.time + 1; }
    SECTION("more blocks without a finalization than there are") {
        hostile.uncovered = hostile.header.height + 1;
    }
    CHECK_FALSE(decode_audit_checkpoint(encode(hostile)));
}

TEST_CASE("sums of a checkpoint that could pass 128 bits or cannot be are not read") {
    BusinessReport report;
    report.pairs[{bbb, aaa, cny}].posted = units(1);
    report.days[{20'000, cny}].posted = units(1);
    report.denials[{bbb, aaa, DenyReason::token_blocked}] = 1;
    report.refusals[ResultCode::too_late] = 1;
    report.positions[{aaa, cny}].credits = -units(1);
    report.note(NoteKind::late_record, 1, "late");
    const Bytes right = encode(report);
    REQUIRE(decode_business_report(right) == report);
    for (std::size_t size = 0; size < right.size(); ++size) {
        CHECK_FALSE(decode_business_report(ByteView{right}.first(size)));
    }
    const auto is_refused = [](const BusinessReport& other) {
        return !decode_business_report(encode(other));
    };
    const WideMoney huge = (WideMoney{1} << 126U);
    SECTION("a sum") {
        report.pairs[{bbb, aaa, cny}].posted = huge;
        CHECK(is_refused(report));
    }
    SECTION("a balance") {
        report.positions[{aaa, cny}].credits = -huge;
        CHECK(is_refused(report));
    }
    SECTION("a member's name") {
        report.pairs[{PartyId{}, aaa, cny}].posted = 1;
        CHECK(is_refused(report));
    }
    SECTION("the name of all others is one") {
        report.pairs[AuditPair::others(cny)].posted = 1;
        CHECK_FALSE(is_refused(report));
    }
    SECTION("a currency") {
        report.days[{20'000, Currency{}}].posted = 1;
        CHECK(is_refused(report));
    }
    SECTION("a day") {
        report.days[{INT64_MAX, cny}].posted = 1;
        CHECK(is_refused(report));
    }
    SECTION("a reason") {
        report.denials[{bbb, aaa, static_cast<DenyReason>(77)}] = 1;
        CHECK(is_refused(report));
    }
    SECTION("a result") {
        report.refusals[static_cast<ResultCode>(4'444)] = 1;
        CHECK(is_refused(report));
    }
    SECTION("a sum of all bits") {
        Bytes bytes = right;
        const auto at =
            std::search(bytes.begin(), bytes.end(), cny.view().begin(), cny.view().end());
        REQUIRE(at != bytes.end());
        const Bytes most = wide_max();
        std::copy(most.begin(), most.end(), at + 3 + 8);
        CHECK_FALSE(decode_business_report(bytes));
    }
}

TEST_CASE("denials in made-up currencies open no more places than there may be") {
    BusinessReport report;
    const auto letter = [](std::size_t number, std::size_t place) {
        for (; place > 0; --place) {
            number /= 26;
        }
        return static_cast<std::uint8_t>('A' + number % 26);
    };
    const auto currency_number = [&letter](std::size_t number) {
        const Bytes bytes{letter(number, 2), letter(number, 1), letter(number, 0)};
        return *Currency::from(bytes);
    };
    constexpr std::size_t currencies{26UL * 26 * 26};
    for (std::size_t i = 0; i < 2 * audit_pairs_max; ++i) {
        const Bytes name{'M', letter(i / currencies, 1), letter(i / currencies, 0)};
        const AuditPair pair{*PartyId::from(name), aaa, currency_number(i % currencies)};
        const auto day = static_cast<UnixMillis>(i / currencies);
        report.deny(pair, day * 24 * hour_ms, DenyReason::token_blocked);
    }
    CHECK(report.pairs.size() <= audit_pairs_max + currencies);
    CHECK(report.days.size() <= audit_days_max + currencies);
    CHECK(report.denials.size() == 2 * audit_pairs_max / currencies + 1);
    std::uint64_t denied{0};
    for (const auto& [pair, figures] : report.pairs) {
        denied += figures.of(ChargeStep::denied).count;
    }
    CHECK(denied == 2 * audit_pairs_max);
    for (std::size_t i = 0; i < audit_denials_max; ++i) {
        const PartyId home = *PartyId::from(currency_number(i % currencies).view());
        const PartyId visited = *PartyId::from(currency_number(i / currencies).view());
        report.deny({home, visited, cny}, 0, DenyReason::not_allowed);
    }
    CHECK(report.denials.size() == audit_denials_max);
    CHECK(report.denials_beyond > 0);
    CHECK(decode_business_report(encode(report)) == report);
}

TEST_CASE("a meter book is read back as it was written, and nothing else is") {
    const auto kept = checkpoint_of(make_charges().blocks());
    REQUIRE(kept);
    Decoder books{kept->books};
    static_cast<void>(books.u16());
    CorrectionBook ended;
    ended.decode_ended(books);
    const ByteView meters = ByteView{kept->books}.last(books.remaining());
    MeterBook book;
    book.decode(books);
    REQUIRE(books.finished());
    CHECK(book.meters() == 1);
    Encoder again;
    book.encode(again);
    CHECK(std::equal(meters.begin(), meters.end(), again.bytes().begin(), again.bytes().end()));
    for (std::size_t size = 0; size < meters.size(); ++size) {
        Decoder cut{meters.first(size)};
        MeterBook{}.decode(cut);
        CHECK_FALSE(cut.finished());
    }
}

TEST_CASE("a meter book remembers the hashes of so many meter data, the oldest go first") {
    const AuditBlock block;
    const Parameters parameters;
    BusinessReport report;
    FindingLog log{10};
    const BusinessScope scope{block, parameters, party("HUB"), report, log};
    MeterBook book;
    MeteredCharge metered;
    metered.authorization.signer = bbb;
    metered.evse_id = TestChain::evse(aaa, 1);
    metered.meter_serial = "M1";
    std::int64_t next{0};
    const auto take = [&](std::size_t number) {
        metered.readings = {{next, 0, next, false}, {next + 1, 0, next + 1, false}};
        ++next;
        for (std::size_t i = 0; i < 3; ++i) {
            metered.evidence.data[i] = static_cast<std::uint8_t>((number + 1) >> (8 * i));
        }
        book.take({scope, 0, aaa, metered});
    };
    for (std::size_t i = 0; i <= MeterBook::evidence_max; ++i) {
        take(i);
    }
    CHECK(log.count() == 0);
    take(MeterBook::evidence_max);
    CHECK(log.count() == 1);
    take(0);
    CHECK(log.count() == 1);  // the first is forgotten
}
