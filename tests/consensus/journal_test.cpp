// What survives a crash, and what a damaged disk is not allowed to hide.

#include "consensus/journal/journal.h"

#include "consensus/journal/records.h"
#include "consensus/journal/safety_signer.h"
#include "ledger/base/crc32c.h"
#include "tests/consensus/memory_files.h"
#include "tests/consensus/support.h"

#include <catch2/catch.hpp>

namespace tally::consensus::testing {
namespace {

const std::string folder{"data/consensus"};
const std::string slots{folder + "/safety_record"};
const std::string first_file{folder + "/journal-0000000000000001"};

JournalOptions options() {
    JournalOptions made;
    made.rotate_bytes = 4'000;
    return made;
}

std::unique_ptr<Journal> open(MemoryFiles& files) {
    auto opened = Journal::open(files, folder, options());
    REQUIRE(opened.has_value());
    return std::move(*opened);
}

JournalError::Kind open_error(MemoryFiles& files) {
    const auto opened = Journal::open(files, folder, options());
    REQUIRE_FALSE(opened.has_value());
    CHECK_FALSE(opened.error().message.empty());
    return opened.error().kind;
}

SafetyRecord next_record(const Journal& journal, View view) {
    SafetyRecord record = journal.safety();
    ++record.sequence;
    record.notarize = {view, view - 1, digest_of('n'), vote(0, nullify(view)).signature};
    return record;
}

JournalBlock block(std::uint8_t salt) {
    return {Bytes(100, salt), {Bytes(30, salt), Bytes{}, Bytes(5, 9)}};
}

void flip(MemoryFiles& files, const std::string& path, std::size_t at) {
    MemoryFiles::File& file = files.files.at(path);
    file.bytes.at(at) ^= 0x10;
    file.synced = file.bytes;
}

struct Filled {
    Filled() {
        REQUIRE(Journal::create(files, folder, test_epoch).has_value());
        auto journal = open(files);
        journal->append_block(block(1));
        journal->append_certificate(certificate(nullify(4), {0, 1, 2}));
        journal->append_own_proposal(Bytes(40, 7));
        journal->append_safety(next_record(*journal, 5));
        journal->sync();
        record = journal->safety();
    }
    MemoryFiles files;
    SafetyRecord record;
};

TEST_CASE("only init makes a safety record, and never a second one") {
    MemoryFiles files;
    CHECK(open_error(files) == JournalError::Kind::not_initialized);
    REQUIRE(Journal::create(files, folder, test_epoch).has_value());
    const auto again = Journal::create(files, folder, test_epoch);
    REQUIRE_FALSE(again.has_value());
    CHECK(again.error().kind == JournalError::Kind::already_exists);
    CHECK(open(files)->safety() == SafetyRecord{test_epoch, 0, {}, {}, {}});
}

TEST_CASE("what was synced is there after a crash, what was not is gone") {
    Filled filled;
    {
        auto journal = open(filled.files);
        journal->append_block(block(2));
        journal->append_safety(next_record(*journal, 6));
        CHECK_FALSE(journal->is_synced());
    }
    filled.files.crash();
    auto journal = open(filled.files);
    CHECK(journal->safety() == filled.record);
    const JournalState state = journal->take_recovered();
    CHECK(state.blocks == std::vector{block(1)});
    CHECK(state.certificates == std::vector{certificate(nullify(4), {0, 1, 2})});
    CHECK(state.own_proposal == Bytes(40, 7));
    CHECK(journal->take_recovered().blocks.empty());
}

TEST_CASE("a tail that was never synced may be torn at any byte") {
    Filled filled;
    const std::size_t synced = filled.files.files.at(first_file).bytes.size();
    {
        auto journal = open(filled.files);
        journal->append_block(block(2));
        journal->append_safety(next_record(*journal, 6));
    }
    const Bytes whole = filled.files.files.at(first_file).bytes;
    for (std::size_t length = synced; length < whole.size(); ++length) {
        MemoryFiles files = filled.files;
        files.files[first_file].bytes.resize(length);
        auto journal = open(files);
        CHECK(journal->safety() == filled.record);
        journal->append_safety(next_record(*journal, 7));
        journal->sync();
        CHECK(open(files)->safety().notarize.view == 7);
    }
}

TEST_CASE("any flipped bit in what was synced is noticed") {
    Filled filled;
    const std::size_t size = filled.files.files.at(first_file).bytes.size();
    for (std::size_t at = 0; at < size; ++at) {
        MemoryFiles files = filled.files;
        flip(files, first_file, at);
        CHECK(open_error(files) == JournalError::Kind::corrupted);
    }
}

TEST_CASE("a journal that lost synced bytes or a whole file is refused") {
    Filled filled;
    SECTION("cut") {
        MemoryFiles::File& file = filled.files.files.at(first_file);
        file.bytes.resize(file.bytes.size() - 1);
    }
    SECTION("missing") { filled.files.files.erase(first_file); }
    CHECK(open_error(filled.files) == JournalError::Kind::corrupted);
}

TEST_CASE("one damaged slot does no harm, two are refused") {
    Filled filled;
    const bool first = GENERATE(true, false);
    flip(filled.files, slots, first ? 30 : slot_stride + 30);
    {
        MemoryFiles files = filled.files;
        CHECK(open(files)->safety() == filled.record);
    }
    flip(filled.files, slots, first ? slot_stride + 30 : 30);
    CHECK(open_error(filled.files) == JournalError::Kind::corrupted);
}

TEST_CASE("a safety record file that was put back from an older copy changes nothing") {
    Filled filled;
    const MemoryFiles::File old_slots = filled.files.files.at(slots);
    {
        auto journal = open(filled.files);
        journal->append_safety(next_record(*journal, 8));
        journal->sync();
    }
    filled.files.files[slots] = old_slots;
    CHECK(open(filled.files)->safety().notarize.view == 8);
}

TEST_CASE("an older journal beside a newer safety record is refused") {
    Filled filled;
    const MemoryFiles::File old_journal = filled.files.files.at(first_file);
    {
        auto journal = open(filled.files);
        journal->append_safety(next_record(*journal, 8));
        journal->sync();
    }
    filled.files.files[first_file] = old_journal;
    CHECK(open_error(filled.files) == JournalError::Kind::corrupted);
}

TEST_CASE("compaction keeps what is live and the record, and removes the rest") {
    Filled filled;
    auto journal = open(filled.files);
    CHECK_FALSE(journal->wants_compaction());
    for (std::uint8_t i = 0; i < 40; ++i) {
        journal->append_block(block(i));
    }
    CHECK(journal->wants_compaction());
    JournalState live;
    live.blocks = {block(39)};
    live.certificates = {certificate(nullify(9), {1, 2, 3})};
    journal->compact(live);
    CHECK_FALSE(journal->wants_compaction());
    CHECK(journal->is_synced());
    CHECK(filled.files.files.count(first_file) == 0);
    journal.reset();
    filled.files.crash();
    journal = open(filled.files);
    CHECK(journal->safety() == filled.record);
    const JournalState state = journal->take_recovered();
    CHECK(state.blocks == live.blocks);
    CHECK(state.certificates == live.certificates);
    CHECK(state.own_proposal.empty());
}

TEST_CASE("a compaction that was cut off at any byte loses nothing") {
    Filled filled;
    MemoryFiles compacted = filled.files;
    {
        auto journal = open(compacted);
        JournalState live;
        live.blocks = {block(39)};
        journal->compact(live);
    }
    const std::string second = folder + "/journal-0000000000000002";
    const Bytes whole = compacted.files.at(second).bytes;
    for (std::size_t length = 0; length < whole.size(); ++length) {
        MemoryFiles files = filled.files;
        files.files[second].bytes.assign(whole.begin(),
                                         whole.begin() + static_cast<std::ptrdiff_t>(length));
        auto journal = open(files);
        CHECK(journal->safety() == filled.record);
        const JournalState state = journal->take_recovered();
        REQUIRE_FALSE(state.blocks.empty());
        CHECK(state.blocks.front() == block(1));
    }
}

TEST_CASE("a disk error is reported once, and nothing counts as synced afterwards") {
    Filled filled;
    std::vector<std::string> fatals;
    JournalOptions with_handler = options();
    with_handler.fatal = [&fatals](const std::string& what) { fatals.push_back(what); };
    auto opened = Journal::open(filled.files, folder, std::move(with_handler));
    REQUIRE(opened.has_value());
    Journal& journal = **opened;
    const bool at_append = GENERATE(true, false);
    if (!at_append) {
        journal.append_block(block(3));
    }
    filled.files.broken = true;
    journal.append_block(block(3));
    journal.sync();
    journal.sync();
    CHECK(fatals.size() == 1);
    CHECK(journal.has_failed());
    CHECK_FALSE(journal.is_synced());
}

TEST_CASE("an epoch begins with an empty journal and an empty record") {
    Filled filled;
    {
        auto journal = open(filled.files);
        journal->append_block(block(9));  // unsynced: nothing of the old epoch matters any more
        journal->begin_epoch(test_epoch + 1, true);
        CHECK(journal->is_synced());
        CHECK(journal->epoch() == test_epoch + 1);
        CHECK(journal->take_recovered().blocks.empty());
        CHECK(filled.files.files.count(first_file) == 0);
    }
    filled.files.crash();
    auto journal = open(filled.files);
    CHECK(journal->has_record());
    CHECK(journal->safety() == SafetyRecord{test_epoch + 1, 0, {}, {}, {}});
    const JournalState state = journal->take_recovered();
    CHECK(state.blocks.empty());
    CHECK(state.certificates.empty());
    CHECK(state.own_proposal.empty());
    journal->append_safety(next_record(*journal, 1));  // lower than in the epoch before
    journal->sync();
    CHECK(open(filled.files)->safety().notarize.view == 1);
}

TEST_CASE("a beginning of an epoch that was cut off anywhere leaves the old one or the new one") {
    Filled filled;
    MemoryFiles begun = filled.files;
    open(begun)->begin_epoch(test_epoch + 1, true);
    const std::string second = folder + "/journal-0000000000000002";
    const Bytes header = begun.files.at(second).bytes;
    const Bytes new_slots = begun.files.at(slots).bytes;
    const Bytes old_slots = open(filled.files) ? filled.files.files.at(slots).bytes : Bytes{};
    for (std::size_t length = 0; length <= header.size(); ++length) {
        MemoryFiles files = filled.files;
        files.files[second].bytes.assign(header.begin(),
                                         header.begin() + static_cast<std::ptrdiff_t>(length));
        auto journal = open(files);
        CHECK(journal->safety() == filled.record);
        CHECK(files.files.count(second) == 0);
        journal->begin_epoch(test_epoch + 1, true);
        CHECK(open(files)->safety().epoch == test_epoch + 1);
    }
    for (std::size_t torn = 0; torn <= new_slots.size(); torn += 7) {
        MemoryFiles files = filled.files;
        files.files[second] = begun.files.at(second);
        Bytes mixed = old_slots;
        std::copy(new_slots.begin(), new_slots.begin() + static_cast<std::ptrdiff_t>(torn),
                  mixed.begin());
        files.files[slots] = {mixed, mixed};
        auto journal = open(files);
        const bool is_new = journal->epoch() == test_epoch + 1;
        CHECK(journal->safety() ==
              (is_new ? SafetyRecord{test_epoch + 1, 0, {}, {}, {}} : filled.record));
        CHECK(files.files.count(is_new ? first_file : second) == 0);
    }
}

TEST_CASE("a damaged slot of a new epoch does not bring the old epoch's record back") {
    Filled filled;
    auto journal = open(filled.files);
    journal->begin_epoch(test_epoch + 1, true);
    journal->append_safety(next_record(*journal, 1));
    journal->sync();
    journal.reset();
    const bool first = GENERATE(true, false);
    flip(filled.files, slots, first ? 30 : slot_stride + 30);
    journal = open(filled.files);
    CHECK(journal->epoch() == test_epoch + 1);
    CHECK(journal->safety().notarize.view == 1);
}

TEST_CASE("records of an epoch inside a file of another one are damage") {
    Filled filled;
    Bytes& bytes = filled.files.files.at(first_file).bytes;
    SafetyRecord other = filled.record;
    ++other.epoch;
    append(bytes, encode_record(1, bytes.size(), RecordType::safety, other.encode()));
    CHECK(open_error(filled.files) == JournalError::Kind::corrupted);
}

TEST_CASE("a journal without a record signs nothing until an epoch begins with one") {
    MemoryFiles files;
    JournalError::Kind found_as{JournalError::Kind::not_initialized};
    SECTION("nothing is there") {}
    SECTION("the journal is damaged") {
        const Filled filled;
        files = filled.files;
        flip(files, first_file, 60);
        found_as = JournalError::Kind::corrupted;
    }
    SECTION("it is marked already") {
        const Filled filled;
        files = filled.files;
        open(files)->forget_record();
        found_as = JournalError::Kind::record_lost;
    }
    CHECK(open_error(files) == found_as);
    auto opened = Journal::open_without_record(files, folder, options());
    REQUIRE(opened.has_value());
    std::unique_ptr<Journal> journal = std::move(*opened);
    CHECK_FALSE(journal->has_record());
    CHECK(journal->take_recovered().blocks.empty());
    CHECK(open_error(files) == JournalError::Kind::record_lost);
    journal->begin_epoch(test_epoch + 1, false);
    CHECK_FALSE(journal->has_record());
    CHECK(journal->epoch() == test_epoch + 1);
    files.crash();
    CHECK(open_error(files) == JournalError::Kind::record_lost);
    journal->begin_epoch(test_epoch + 2, true);
    CHECK(journal->has_record());
    files.crash();
    CHECK(open(files)->safety() == SafetyRecord{test_epoch + 2, 0, {}, {}, {}});
}

TEST_CASE("a forgotten record does not come back when a slot is damaged") {
    Filled filled;
    auto journal = open(filled.files);
    journal->forget_record();
    CHECK_FALSE(journal->has_record());
    CHECK(journal->safety() == SafetyRecord{test_epoch, 0, {}, {}, {}});
    journal.reset();
    filled.files.crash();
    const bool first = GENERATE(true, false);
    flip(filled.files, slots, first ? 30 : slot_stride + 30);
    CHECK(open_error(filled.files) == JournalError::Kind::record_lost);
}

TEST_CASE("the safety signer records before it gives a signature away") {
    Filled filled;
    auto journal = open(filled.files);
    KeySigner key{secret_of(2)};
    SafetySigner signer{key, *journal, test_chain_id(), 2};
    const VoteStatement statement = notarize(9, 8, digest_of('x'));
    const auto made = signer.sign(statement);
    REQUIRE(made);
    CHECK(*made == vote(2, statement));
    CHECK_FALSE(journal->is_synced());
    CHECK(journal->safety().notarize.view == 9);
    CHECK(signer.sign(statement) == made);
    CHECK_FALSE(signer.sign(notarize(9, 8, digest_of('y'))));
    CHECK(signer.sign(nullify(9)));
    CHECK_FALSE(signer.sign(finalize(9, 8, digest_of('x'))));
    journal->sync();
    journal.reset();
    filled.files.crash();
    journal = open(filled.files);
    SafetySigner after{key, *journal, test_chain_id(), 2};
    CHECK_FALSE(after.sign(notarize(9, 8, digest_of('y'))));
    CHECK(after.sign(nullify(9)) == vote(2, nullify(9)));
}

TEST_CASE("checksums and records have fixed values") {
    CHECK(crc32c(as_bytes("123456789")) == 0xe3069283U);
    const Bytes record = encode_record(7, 1000, RecordType::own_proposal, as_bytes("abc"));
    CHECK(to_hex(record).substr(0, 16) == "0000000304616263");
    Bytes file(1000);
    append(file, record);
    REQUIRE(decode_record(file, 7, 1000));
    CHECK_FALSE(decode_record(file, 8, 1000));  // whole, but of another file
    file.insert(file.begin(), 0);
    CHECK_FALSE(decode_record(file, 7, 1001));  // whole, but in another place
    CHECK_FALSE(decode_record(file, 7, 5000));
    Bytes huge = Bytes{0xff, 0xff, 0xff, 0xff, 1};
    huge.resize(100);
    CHECK_FALSE(decode_record(huge, 7, 0));
}

}  // namespace
}  // namespace tally::consensus::testing
