#include "ledger/store/block_archive.h"

#include "ledger/base/crc32c.h"
#include "ledger/chain/block.h"
#include "tests/support/faulty_file_system.h"

#include <catch2/catch.hpp>

using namespace tally;
using namespace tally::test;

namespace {

constexpr const char* folder{"segments"};
const Hash chain{{1, 2, 3}};

/// Blocks that are right in form only: the archive looks at nothing but heights.
FinalizedBlock block_at(std::uint64_t height) {
    FinalizedBlock block;
    block.block.header.chain_id = chain;
    block.block.header.height = height;
    block.block.envelopes.emplace_back(40 + height % 7, std::uint8_t{0xab});
    block.finalization.statement.kind = VoteKind::finalize;
    return block;
}

struct Disk {
    FaultPlan plan;
    FaultyFileSystem files{plan};

    std::unique_ptr<BlockArchive> open(std::uint64_t segment_bytes = 1UL << 20,
                                       std::uint64_t applied = 0) {
        auto opened = BlockArchive::open(files, folder, chain, {segment_bytes, applied});
        last_error = opened ? "" : opened.error().message;
        return opened ? std::move(opened).value() : nullptr;
    }
    /// Creates an archive with `count` blocks.
    void fill(std::uint64_t count, std::uint64_t segment_bytes = 1UL << 20) {
        REQUIRE(BlockArchive::create(files, folder, chain));
        const auto archive = open(segment_bytes);
        REQUIRE(archive);
        for (std::uint64_t height = 1; height <= count; ++height) {
            const FinalizedBlock block = block_at(height);
            archive->append(block, block.block.header.digest());
        }
    }
    Bytes& file(std::uint64_t first_height) {
        return files.content(std::string{folder} + "/" + segment_name(first_height));
    }
    std::string last_error;
};

std::vector<std::uint64_t> heights_of(BlockArchive::Cursor cursor) {
    std::vector<std::uint64_t> heights;
    for (;;) {
        auto item = cursor.next();
        REQUIRE(item);
        if (!*item) {
            return heights;
        }
        heights.push_back((*item)->block.block.header.height);
    }
}

}  // namespace

TEST_CASE("CRC-32C gives the check value of its definition") {
    CHECK(crc32c(as_bytes("123456789")) == 0xe3069283U);
    CHECK(crc32c(as_bytes("6789"), crc32c(as_bytes("12345"))) == 0xe3069283U);
    CHECK(crc32c({}) == 0);
}

TEST_CASE("segment names hold the first height and nothing else passes for one") {
    CHECK(segment_name(1) == "00000000000000000001.seg");
    CHECK(first_height_of_segment(segment_name(1)) == 1);
    CHECK(first_height_of_segment(segment_name(UINT64_MAX)) == UINT64_MAX);
    for (const char* name : {"1.seg", "00000000000000000001.seg.tmp", "0000000000000000000a.seg",
                             "99999999999999999999.seg", "-0000000000000000001.seg", ""}) {
        CHECK_FALSE(first_height_of_segment(name));
    }
}

TEST_CASE("a record that was moved to another place is not valid there") {
    const Bytes record = encode_record(RecordKind::block, as_bytes("payload"), {1, 54});
    const ByteView header = ByteView{record}.first(RecordHeader::encoded_bytes);
    CHECK(RecordHeader::decode(header, {1, 54}));
    CHECK_FALSE(RecordHeader::decode(header, {1, 55}));
    CHECK_FALSE(RecordHeader::decode(header, {2, 54}));
}

TEST_CASE("blocks are found again after a restart, over several files") {
    Disk disk;
    disk.fill(20, 1500);
    CHECK(disk.files.paths().size() > 3);
    const auto archive = disk.open(1500);
    REQUIRE(archive);
    CHECK(archive->last_height() == 20);
    CHECK(archive->last_digest() == block_at(20).block.header.digest());
    const std::vector<std::uint64_t> all = heights_of(archive->read_all());
    REQUIRE(all.size() == 20);
    CHECK(all.front() == 1);
    CHECK(all.back() == 20);
    const FinalizedBlock next = block_at(21);
    const BlockPlace place = archive->append(next, next.block.header.digest());
    const auto read = archive->read(place);
    REQUIRE(read);
    CHECK(read->encode() == next.encode());
    CHECK(heights_of(archive->read_after(place)).empty());
}

TEST_CASE("an archive is made once, and not in a folder that has one") {
    Disk disk;
    disk.fill(1);
    const auto again = BlockArchive::create(disk.files, folder, chain);
    REQUIRE_FALSE(again);
    CHECK(again.error().kind == ArchiveError::Kind::already_there);
}

TEST_CASE("a torn tail above the applied height is cut, whatever is left of it") {
    const TailFate fate = GENERATE(TailFate::lost, TailFate::half, TailFate::zeroed);
    Disk disk;
    disk.fill(3);
    {
        const auto archive = disk.open();
        const FinalizedBlock block = block_at(4);
        disk.plan.fail_before(2);  // opened and appended, not synced
        CHECK_THROWS_AS(archive->append(block, block.block.header.digest()), PowerFailure);
        disk.plan.fail_before(std::nullopt);
    }
    disk.files.crash(fate);
    const auto archive = disk.open(1UL << 20, 3);
    REQUIRE(archive);
    CHECK(archive->last_height() == 3);
    CHECK((archive->bytes_cut() > 0) == (fate != TailFate::lost));
    const FinalizedBlock block = block_at(4);
    archive->append(block, block.block.header.digest());
    CHECK(heights_of(disk.open()->read_all()).size() == 4);
}

TEST_CASE("damage in a block that the state already has is never cut") {
    Disk disk;
    disk.fill(3);
    disk.file(1).back() ^= 1U;
    CHECK_FALSE(disk.open(1UL << 20, 3));
    CHECK(disk.last_error.find("00000000000000000001.seg at byte") != std::string::npos);
    CHECK(disk.last_error.find("restore") != std::string::npos);
    CHECK(disk.open(1UL << 20, 2));
}

TEST_CASE("damage with whole records behind it is never cut") {
    Disk disk;
    disk.fill(3);
    const auto first_record = static_cast<std::size_t>(SegmentHeader::encoded_bytes);
    const std::size_t at = GENERATE(std::size_t{0}, std::size_t{2}, std::size_t{20});
    disk.file(1)[first_record + at] ^= 0x40U;
    const Bytes before = disk.file(1);
    CHECK_FALSE(disk.open());
    CHECK(disk.file(1) == before);
}

TEST_CASE("files that are missing, of another chain or changed after closing are refused") {
    Disk disk;
    disk.fill(20, 1500);
    const std::vector<std::string> paths = disk.files.paths();
    SECTION("the first") {
        REQUIRE(disk.files.remove(paths[0]));
        CHECK_FALSE(disk.open(1500));
    }
    SECTION("one in the middle") {
        REQUIRE(disk.files.remove(paths[1]));
        CHECK_FALSE(disk.open(1500));
        CHECK(disk.last_error.find("one is missing") != std::string::npos);
    }
    SECTION("a closed file that was cut") {
        disk.files.content(paths[1]).pop_back();
        CHECK_FALSE(disk.open(1500));
    }
    SECTION("another chain") { CHECK_FALSE(BlockArchive::open(disk.files, folder, Hash{}, {})); }
}

TEST_CASE("a crash at any step of closing a file and starting the next loses nothing synced") {
    for (std::uint64_t step = 0; step < 12; ++step) {
        for (const TailFate fate : {TailFate::lost, TailFate::half, TailFate::kept}) {
            Disk disk;
            disk.fill(2, 300);
            std::uint64_t synced = 2;
            try {
                const auto archive = disk.open(300);
                REQUIRE(archive);
                disk.plan.fail_before(step);
                for (std::uint64_t height = 3; height <= 6; ++height) {
                    const FinalizedBlock block = block_at(height);
                    archive->append(block, block.block.header.digest());
                    synced = height;
                }
            } catch (const PowerFailure&) {
            }
            disk.plan.fail_before(std::nullopt);
            disk.files.crash(fate);
            const auto archive = disk.open(300, synced);
            INFO(disk.last_error);
            REQUIRE(archive);
            CHECK(archive->last_height() >= synced);
            CHECK(heights_of(archive->read_all()).size() == archive->last_height());
        }
    }
}
