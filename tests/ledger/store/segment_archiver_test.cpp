#include "ledger/store/segment_archiver.h"

#include "ledger/store/ledger_index.h"
#include "tests/ledger/store/test_ledger.h"

#include <catch2/catch.hpp>

#include <set>

using namespace tally;
using namespace tally::test;

namespace {

constexpr const char* folder{TestLedger::folder};
constexpr const char* archive{"/mnt/archive"};

const SegmentArchiver::GoOn always{[](ArchiveStep) { return true; }};

/// The usual history and then a block an hour; nothing stays open.
const std::vector<Block>& long_history() {
    static const std::vector<Block> blocks = [] {
        TestChain chain;
        std::vector<Block> made;
        RegisterBridge bridge;
        bridge.bridge_id = "bridge-1";
        bridge.public_key = public_key_of(secret_of("AAA/bridge-1"));
        const Transaction first = chain.transaction(party("AAA"), bridge);
        const Bytes envelope = make_envelope(chain.chain_id(), party("AAA"), {first});
        made.push_back(chain.add_block(chain.now() + second_ms, {envelope}).block);
        for (int hour = 0; hour < 6; ++hour) {
            made.push_back(chain.pass(hour_ms).block);
        }
        return made;
    }();
    return blocks;
}

struct Node {
    FaultPlan plan;
    FaultyFileSystem files{plan};
    MemoryStore store;
    TestLedger ledger{files, store};

    /// A segment for each block.
    explicit Node(const std::vector<Block>& blocks = long_history()) {
        ledger.initialize();
        REQUIRE(open().empty());
        for (const Block& block : blocks) {
            ledger.add(block);
        }
        ledger.get().sync_state();
    }
    std::string open() { return ledger.open(1); }
    [[nodiscard]] ArchiveSituation situation() {
        return {ledger.get().chain_id(), ledger.get().final_header().time,
                ledger.get().needed_from()};
    }
    [[nodiscard]] ArchivePlan plan_of(const RetentionRule& rule) {
        const auto made = plan_archive(files, folder, rule, situation());
        REQUIRE(made);
        return *made;
    }
    [[nodiscard]] SegmentArchiver archiver(const std::string& to = archive) {
        return {files, folder, to, ledger.get().chain_id()};
    }
    /// The first thing that goes wrong; empty when all of the plan moved.
    std::string move(const ArchivePlan& wanted, const SegmentArchiver::GoOn& go_on = always) {
        SegmentArchiver mover = archiver();
        if (const auto prepared = mover.prepare(); !prepared) {
            return prepared.error().message;
        }
        for (const SegmentInfo& segment : wanted.segments) {
            if (const auto moved = mover.move(segment, go_on); !moved) {
                failed_at = moved.error().step;
                return moved.error().message;
            }
        }
        return "";
    }
    [[nodiscard]] std::vector<std::string> names_in(const std::string& where) const {
        return files.list(where).value();
    }
    void check_all_blocks() {
        const std::uint64_t tip = ledger.get().final_header().height;
        REQUIRE(tip == long_history().size());
        for (std::uint64_t height = 1; height <= tip; ++height) {
            const auto block = ledger.get().read_block(height);
            REQUIRE(block);
            CHECK(block->block.header == long_history()[height - 1].header);
        }
    }
    std::optional<ArchiveStep> failed_at;
};

const RetentionRule older_than_two_hours{std::chrono::hours{2}, std::nullopt};

}  // namespace

TEST_CASE("the plan takes what is older than the rule, oldest first, and changes nothing") {
    Node node;
    const std::vector<std::string> before = node.files.paths();
    const ArchivePlan plan = node.plan_of(older_than_two_hours);
    REQUIRE(plan.segments.size() == 4);  // blocks 1 to 4; block 5 is two hours before block 7
    CHECK(plan.segments.front().first_height == 1);
    CHECK(plan.segments.back().first_height == 4);
    CHECK(plan.held_back == 0);
    CHECK(node.files.paths() == before);
}

TEST_CASE("the plan takes the oldest until no more bytes are left than the rule keeps") {
    Node node;
    const ArchivePlan all = node.plan_of({std::nullopt, 0});
    const ArchivePlan none = node.plan_of({std::nullopt, UINT64_MAX});
    CHECK(none.segments.empty());
    CHECK(all.bytes + all.bytes_kept == none.bytes_kept);
    const std::uint64_t keep = none.bytes_kept - all.segments[0].bytes - 1;
    const ArchivePlan two = node.plan_of({std::nullopt, keep});
    CHECK(two.segments.size() == 2);
    CHECK(two.bytes_kept <= keep);
}

TEST_CASE("the newest segment and the 120 s of blocks behind the newest one never go") {
    Node node;
    TestChain chain;
    const ArchivePlan all = node.plan_of({std::nullopt, 0});
    REQUIRE_FALSE(all.segments.empty());
    CHECK(all.segments.back().first_height < node.ledger.get().needed_from());
    // Whatever the caller says it needs: what ends less than 120 s before the newest block stays.
    ArchiveSituation careless = node.situation();
    careless.needed_from = UINT64_MAX;
    const auto most = plan_archive(node.files, folder, {std::nullopt, 0}, careless);
    REQUIRE(most);
    CHECK(most->segments.back().first_height == long_history().size() - 2);
    CHECK(most->held_back == 1);
}

TEST_CASE("what the next start, a snapshot or a newer receipt needs is held back") {
    Node node;
    ArchiveSituation situation = node.situation();
    situation.needed_from = 3;
    const auto plan = plan_archive(node.files, folder, older_than_two_hours, situation);
    REQUIRE(plan);
    REQUIRE(plan->segments.size() == 2);
    CHECK(plan->segments.back().first_height == 2);
    CHECK(plan->held_back == 1);
}

TEST_CASE("blocks that the state on disk does not have yet are needed") {
    Node node;
    CHECK(node.ledger.get().needed_from() == long_history().size() - 1);
    TestChain chain;
    for (const Block& block : long_history()) {
        chain.add_block(block.header.time, block.envelopes);
    }
    for (int i = 0; i < 3; ++i) {
        node.ledger.add(chain.pass(hour_ms).block);
    }
    CHECK(node.ledger.get().needed_from() == long_history().size());
    node.ledger.get().sync_state();
    CHECK(node.ledger.get().needed_from() == long_history().size() + 2);
}

TEST_CASE("blocks that a held snapshot offers to joining nodes are needed") {
    Node node;
    CHECK(node.ledger.get().needed_from() == long_history().size() - 1);
    REQUIRE(node.open().empty());  // takes a snapshot of the last block
    CHECK(node.ledger.get().snapshot_height() == long_history().size());
    CHECK(node.ledger.get().needed_from() <= long_history().size() - 1);
}

TEST_CASE("the oldest transaction that something open goes back to is found by its deadline") {
    const Node closed;
    CHECK(oldest_open_height(closed.store).value() == std::nullopt);
    // Block 1 has a limit that waits for its second signature, block 3 two approvals.
    std::vector<Block> blocks = make_history();
    blocks.resize(4);
    const Node open{blocks};
    CHECK(oldest_open_height(open.store).value().value_or(0) == 1);
}

TEST_CASE("a node, a replay and its receipts read what was moved") {
    Node node;
    const ArchivePlan plan = node.plan_of(older_than_two_hours);
    REQUIRE(node.move(plan).empty());
    CHECK(node.names_in(archive).size() == 4);
    CHECK(node.names_in(folder).size() == 4);  // three segments and the record
    node.check_all_blocks();                   // by the ledger that was open all the time
    REQUIRE(node.open().empty());
    node.check_all_blocks();
    CHECK(node.ledger.get().segments().size() == 7);
    const auto first = node.ledger.get().find_segment(segment_name(1));
    REQUIRE(first);
    CHECK(*first == std::string{archive} + "/" + segment_name(1));
    node.ledger.close();
    node.store = MemoryStore{};
    REQUIRE(Ledger::reset_state(node.store, node.ledger.genesis()));
    REQUIRE(node.open().empty());  // replays all
    node.check_all_blocks();
    const auto block = node.ledger.get().read_block(1);
    const auto envelope = decode_envelope(block->block.envelopes.front());
    const auto transaction = decode_transaction(envelope->transactions.front());
    const auto receipt = node.ledger.get().receipt({party("AAA"), transaction->id});
    REQUIRE(receipt);
    CHECK_FALSE(verify_receipt(*receipt, node.ledger.genesis()));
}

TEST_CASE("power failing before any step of moving loses nothing, and the next run goes on") {
    std::set<ArchiveStep> seen;
    std::uint64_t steps{0};
    for (bool more = true; more; ++steps) {
        for (const TailFate fate :
             {TailFate::lost, TailFate::half, TailFate::zeroed, TailFate::kept}) {
            Node node;
            const ArchivePlan plan = node.plan_of(older_than_two_hours);
            std::optional<ArchiveStep> at;
            node.plan.fail_before(steps);
            try {
                const std::string problem = node.move(plan, [&at](ArchiveStep step) {
                    at = step;
                    return true;
                });
                CHECK(problem.empty());
                more = false;
            } catch (const PowerFailure&) {
                seen.insert(at.value_or(ArchiveStep::read));
            }
            node.plan.fail_before(std::nullopt);
            node.files.crash(fate);
            INFO("before write step " << steps << ", fate " << static_cast<int>(fate));
            REQUIRE(node.open().empty());
            node.check_all_blocks();
            CHECK(node.move(node.plan_of(older_than_two_hours)).empty());
            REQUIRE(node.open().empty());
            node.check_all_blocks();
            CHECK(node.names_in(archive).size() == 4);
            CHECK(node.names_in(folder).size() == 4);
        }
    }
    CHECK(steps > 16);
    CHECK(seen.size() >= 4);  // those that write; reading and verifying in the next test
}

TEST_CASE("stopping or being killed at any named step of moving loses nothing") {
    const bool is_killed = GENERATE(false, true);
    std::set<ArchiveStep> seen;
    for (std::uint64_t calls = 0; calls < 12; ++calls) {
        Node node;
        std::uint64_t left = calls;
        const auto go_on = [&](ArchiveStep step) {
            if (left-- > 0) {
                return true;
            }
            seen.insert(step);
            if (is_killed) {
                throw PowerFailure{};
            }
            return false;
        };
        const ArchivePlan plan = node.plan_of(older_than_two_hours);
        if (is_killed) {
            CHECK_THROWS_AS(node.move(plan, go_on), PowerFailure);
            node.files.crash(TailFate::lost);
        } else {
            CHECK(node.move(plan, go_on) == "stopped");
        }
        node.check_all_blocks();
        CHECK(node.move(node.plan_of(older_than_two_hours)).empty());
        REQUIRE(node.open().empty());
        node.check_all_blocks();
    }
    CHECK(seen == std::set<ArchiveStep>{ArchiveStep::read, ArchiveStep::copy, ArchiveStep::verify,
                                        ArchiveStep::record, ArchiveStep::remove,
                                        ArchiveStep::tidy});
}

TEST_CASE("a full archive or an error of any write step leaves the original where it is") {
    const FileError error = GENERATE(FileError::no_space, FileError::io_error);
    std::set<ArchiveStep> seen;
    for (std::uint64_t step = 0;; ++step) {
        Node node;
        const ArchivePlan plan = node.plan_of(older_than_two_hours);
        node.plan.fail_with(error, step);
        const std::string problem = node.move(plan);
        node.plan.fail_before(std::nullopt);
        if (problem.empty()) {
            break;
        }
        INFO(problem);
        CHECK(problem.find(to_text(error)) != std::string::npos);
        seen.insert(node.failed_at.value_or(ArchiveStep::read));
        node.check_all_blocks();
        node.files.crash(TailFate::lost);
        REQUIRE(node.open().empty());
        node.check_all_blocks();
        CHECK(node.move(node.plan_of(older_than_two_hours)).empty());
        node.check_all_blocks();
    }
    CHECK(seen.size() >= 4);  // those that write
}

TEST_CASE("a copy that reads back differently is not trusted") {
    Node node;
    const ArchivePlan plan = node.plan_of(older_than_two_hours);
    const std::string target = std::string{archive} + "/" + segment_name(1);
    const std::string problem = node.move(plan, [&](ArchiveStep step) {
        if (step == ArchiveStep::verify) {
            node.files.content(target)[100] ^= 1U;
        }
        return true;
    });
    CHECK(problem.find("not what was written") != std::string::npos);
    CHECK(node.failed_at == ArchiveStep::verify);
    CHECK(node.files.size(std::string{folder} + "/" + segment_name(1)));
    node.check_all_blocks();
}

TEST_CASE(
    "a segment that is damaged already is not moved, so that nobody takes the copy for good") {
    Node node;
    const ArchivePlan plan = node.plan_of(older_than_two_hours);
    node.files.content(std::string{folder} + "/" + segment_name(1))[90] ^= 1U;
    const std::string problem = node.move(plan);
    CHECK(problem.find("at byte") != std::string::npos);
    CHECK(node.files.size(std::string{folder} + "/" + segment_name(1)));
}

TEST_CASE("two nodes do not share one archive folder") {
    Node node;
    const ArchivePlan plan = node.plan_of(older_than_two_hours);
    const std::string path = std::string{archive} + "/" + segment_name(1);
    REQUIRE(node.files.write_whole(path, as_bytes("a file of somebody else")));
    CHECK(node.move(plan).find("archive folder of its own") != std::string::npos);
    CHECK(node.files.content(path).size() == 23);
    node.check_all_blocks();
}

TEST_CASE("without its archive a node opens, and says of an old block where it is") {
    Node node;
    REQUIRE(node.move(node.plan_of(older_than_two_hours)).empty());
    const std::vector<std::string> names = node.names_in(archive);
    std::map<std::string, Bytes> away;
    for (const std::string& name : names) {
        const std::string path = std::string{archive} + "/" + name;
        away[path] = node.files.content(path);
        REQUIRE(node.files.remove(path));
    }
    REQUIRE(node.open().empty());
    const Ledger& ledger = node.ledger.get();
    CHECK_FALSE(ledger.read_block(1));
    CHECK(ledger.read_block(5));
    CHECK_FALSE(ledger.why_unreadable(5));
    CHECK_FALSE(ledger.why_unreadable(100));
    const auto why = ledger.why_unreadable(1);
    REQUIRE(why);
    CHECK(why->find(archive) != std::string::npos);
    CHECK(why->find(segment_name(1)) != std::string::npos);
    CHECK_FALSE(ledger.find_segment(segment_name(1)));
    CHECK(ledger.segments().size() == 3);
    SegmentFolders folders{node.files, folder};
    const auto replay = [&] {
        MemoryStore empty;
        REQUIRE(Ledger::reset_state(empty, node.ledger.genesis()));
        TestLedger other{node.files, empty};
        return other.open(1);
    };
    CHECK(replay().find(archive) != std::string::npos);
    SECTION("and reads it again when the folder is back") {
        for (const auto& [path, bytes] : away) {
            REQUIRE(node.files.write_whole(path, bytes));
        }
        CHECK(ledger.read_block(1));
        CHECK(replay().empty());
    }
    SECTION("a gap in the archive is seen by a replay") {
        for (const auto& [path, bytes] : away) {
            if (path.find(segment_name(2)) == std::string::npos) {
                REQUIRE(node.files.write_whole(path, bytes));
            }
        }
        CHECK(replay().find("block 2 should come before this file") != std::string::npos);
    }
}

TEST_CASE("damage in the archive is an answer about old blocks, not the end of the node") {
    Node node;
    REQUIRE(node.move(node.plan_of(older_than_two_hours)).empty());
    node.files.content(std::string{archive} + "/" + segment_name(2))[90] ^= 1U;
    REQUIRE(node.open().empty());
    CHECK_FALSE(node.ledger.get().read_block(2));
    CHECK(node.ledger.get().why_unreadable(2));
    CHECK(node.ledger.get().read_block(1));
}

TEST_CASE("segments that are missing and were never moved are refused as before") {
    Node node;
    REQUIRE(node.move(node.plan_of(older_than_two_hours)).empty());
    REQUIRE(node.files.remove(std::string{folder} + "/" + segment_name(5)));
    CHECK(node.open().find("segments before this file are missing") != std::string::npos);
}

TEST_CASE("an archive gets a new place only when everything is there") {
    Node node;
    REQUIRE(node.move(node.plan_of(older_than_two_hours)).empty());
    SegmentArchiver other = node.archiver("/mnt/other");
    CHECK_FALSE(other.prepare());
    for (const std::string& name : node.names_in(archive)) {
        const Bytes bytes = node.files.content(std::string{archive} + "/" + name);
        CHECK_FALSE(other.prepare());
        REQUIRE(node.files.write_whole("/mnt/other/" + name, bytes));
    }
    REQUIRE(other.prepare());
    for (const std::string& name : node.names_in(archive)) {
        REQUIRE(node.files.remove(std::string{archive} + "/" + name));
    }
    node.check_all_blocks();
    REQUIRE(node.open().empty());
    node.check_all_blocks();
    CHECK_FALSE(node.archiver(folder).prepare());
}

TEST_CASE("the record of what was moved is read back, and nothing else passes for it") {
    const ArchivedRecord record{77, Hash{{1, 2, 3}}, "/mnt/archive"};
    const Bytes good = record.encode();
    CHECK(ArchivedRecord::decode(good) == record);
    for (std::size_t length = 0; length < good.size(); ++length) {
        CHECK_FALSE(ArchivedRecord::decode(ByteView{good}.first(length)));
    }
    for (std::size_t at = 0; at < good.size(); ++at) {
        Bytes changed = good;
        changed[at] ^= 0x10U;
        CHECK_FALSE(ArchivedRecord::decode(changed));
    }
    Bytes longer = good;
    longer.push_back(0);
    CHECK_FALSE(ArchivedRecord::decode(longer));
    CHECK_FALSE(ArchivedRecord::decode(ArchivedRecord{1, {}, ""}.encode()));
    const std::string longest(archive_path_bytes_max, 'x');
    CHECK(ArchivedRecord::decode(ArchivedRecord{1, {}, longest}.encode()));
    CHECK_FALSE(ArchivedRecord::decode(ArchivedRecord{1, {}, longest + "x"}.encode()));
}
