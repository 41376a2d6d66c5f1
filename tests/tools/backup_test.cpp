// Backups of a stopped node's folder: complete, interrupted, brought up to date, damaged; and what
// is restored from them.

#include "tools/storage/backup.h"

#include "consensus/journal/journal.h"
#include "ledger/base/posix_file_system.h"
#include "ledger/store/leveldb_store.h"
#include "ledger/store/segment_archiver.h"
#include "ledger/store/snapshot_file.h"
#include "tests/ledger/base/temporary_folder.h"
#include "tests/ledger/store/test_ledger.h"

#include <catch2/catch.hpp>

#include <filesystem>

using namespace tally;
using namespace tally::test;
using namespace tally::tools;

namespace {

const StageProgress silent{[](const char*, std::uint64_t, std::uint64_t) {}};

/// The data folder of a stopped node: the usual history with three epochs, some blocks in each
/// segment.
struct DataFolder {
    TemporaryFolder folder;
    PosixFileSystem files;
    Genesis genesis{make_genesis()};
    std::vector<Block> history{make_epochs_history()};
    std::size_t added{0};

    explicit DataFolder(std::size_t count) {
        REQUIRE(files.create_directories(segments(data())));
        with_ledger(data(), [](TestLedger& ledger) {
            ledger.initialize();
            REQUIRE(ledger.open(3000).empty());
        });
        add(count);
    }
    [[nodiscard]] std::string data() const { return folder.file("data"); }
    [[nodiscard]] std::string to() const { return folder.file("backup"); }
    [[nodiscard]] std::string restored() const { return folder.file("restored"); }
    static std::string segments(const std::string& data) { return data + "/ledger/segments"; }

    template <typename Work>
    void with_ledger(const std::string& at, Work work) {
        const auto store = std::move(LevelDbStore::open(at + "/ledger/state")).value();
        TestLedger ledger{files, *store, segments(at)};
        work(ledger);
        if (ledger.is_open()) {
            ledger.get().sync_state();
        }
    }
    void add(std::size_t count) {
        with_ledger(data(), [&](TestLedger& ledger) {
            REQUIRE(ledger.open(3000).empty());
            for (std::size_t i = 0; i < count; ++i) {
                ledger.add(history.at(added++));
            }
        });
    }
    Expected<BackupReport, std::string> back_up(bool incremental = false) {
        auto source = backup_source_of_folder(data(), genesis);
        REQUIRE(source);
        return make_backup(**source, files, genesis, {to(), incremental}, silent);
    }
    Expected<BackupManifest, std::string> restore() {
        return restore_backup(files, to(), restored(), genesis, silent);
    }
    /// The restored ledger opens, has every block up to `count` with receipts, and goes on.
    void check_restored(std::size_t count) {
        with_ledger(restored(), [&](TestLedger& ledger) {
            REQUIRE(ledger.open().empty());
            CHECK(ledger.get().base_height() == 0);
            REQUIRE(ledger.get().final_header() == history.at(count - 1).header);
            for (std::size_t i = 0; i < count; ++i) {
                const auto block = ledger.get().read_block(i + 1);
                REQUIRE(block);
                CHECK(block->block.header == history[i].header);
            }
            const auto first = decode_envelope(history[0].envelopes.front());
            const auto transaction = decode_transaction(first->transactions.front());
            const auto receipt = ledger.get().receipt({first->signer, transaction->id});
            REQUIRE(receipt);
            CHECK_FALSE(verify_receipt(*receipt, genesis));
            for (std::size_t i = count; i < history.size(); ++i) {
                ledger.add(history[i]);
            }
            CHECK(ledger.get().final_header() == history.back().header);
        });
    }
    void flip(const std::string& path, std::uint64_t at) {
        const auto byte = files.read(path, at, 1);
        REQUIRE(byte);
        const Bytes changed{static_cast<std::uint8_t>(byte->front() ^ 1U)};
        REQUIRE(files.write_at(path, at, changed));
    }
};

}  // namespace

SCENARIO("a backup is restored with every block, receipts and the state, and goes on") {
    DataFolder node{12};
    const auto report = node.back_up();
    INFO((report ? "" : report.error()));
    REQUIRE(report);
    CHECK(report->manifest.height == 12);
    CHECK(report->manifest.base_height == 0);
    CHECK(report->manifest.segments.size() >= 2);
    const auto restored = node.restore();
    INFO((restored ? "" : restored.error()));
    REQUIRE(restored);
    CHECK(*restored == report->manifest);
    node.check_restored(12);

    THEN("there is no safety record in it, so it cannot vote as if it knew what it signed") {
        CHECK_FALSE(consensus::Journal::open(node.files, node.restored() + "/consensus", {}));
        CHECK(node.files.list(node.restored() + "/consensus")->empty());
    }
    THEN("it is not restored over itself, nor into any folder with something in it") {
        const auto again = node.restore();
        REQUIRE_FALSE(again);
        CHECK(again.error().find("not empty") != std::string::npos);
        const auto over = restore_backup(node.files, node.to(), node.data(), node.genesis, silent);
        REQUIRE_FALSE(over);
        node.with_ledger(node.data(), [](TestLedger& ledger) { CHECK(ledger.open().empty()); });
    }
}

SCENARIO("a second backup into the same folder fetches what is new") {
    DataFolder node{6};
    const auto first = node.back_up();
    REQUIRE(first);
    node.add(5);
    const auto refused = node.back_up();
    REQUIRE_FALSE(refused);
    CHECK(refused.error().find("--incremental") != std::string::npos);
    const auto second = node.back_up(true);
    INFO((second ? "" : second.error()));
    REQUIRE(second);
    CHECK(second->manifest.height == 11);
    CHECK(second->files_kept == first->manifest.segments.size());
    CHECK_FALSE(node.files.size(node.to() + "/" + first->manifest.snapshot.path));
    REQUIRE(node.restore());
    node.check_restored(11);
}

SCENARIO("a backup has what was archived") {
    DataFolder node{12};
    const std::string segments = DataFolder::segments(node.data());
    const auto listed = FolderSegmentSource{node.files, segments}.list();
    REQUIRE(listed);
    REQUIRE(listed->size() > 2);
    SegmentArchiver archiver{node.files, segments, node.folder.file("old"),
                             node.genesis.chain_id()};
    REQUIRE(archiver.prepare());
    REQUIRE(archiver.move(listed->front(), [](ArchiveStep) { return true; }));
    REQUIRE(node.back_up());
    REQUIRE(node.restore());
    node.check_restored(12);
}

namespace {

/// A source that ends after so many calls, as when the line is cut.
class CutSource final : public BackupSource {
public:
    CutSource(BackupSource& inner, std::uint64_t calls) : m_inner{inner}, m_left{calls} {}
    Expected<Bytes, SourceError> lease() override {
        return cut() ? failed<Bytes>() : m_inner.lease();
    }
    Expected<Bytes, SourceError> answer(ByteView query) override {
        return cut() ? failed<Bytes>() : m_inner.answer(query);
    }
    Expected<std::vector<SegmentInfo>, SourceError> list() override {
        return cut() ? failed<std::vector<SegmentInfo>>() : m_inner.list();
    }
    Expected<Bytes, SourceError> read(const std::string& name, std::uint64_t offset,
                                      std::uint64_t length) override {
        return cut() ? failed<Bytes>() : m_inner.read(name, offset, length);
    }

private:
    bool cut() { return m_left == 0 || m_left-- == 0; }
    template <typename T>
    static Expected<T, SourceError> failed() {
        return Unexpected{SourceError{"the line was cut"}};
    }
    BackupSource& m_inner;
    std::uint64_t m_left;
};

}  // namespace

SCENARIO("a backup that is cut off at any point is no backup, and goes on when run again") {
    DataFolder node{12};
    const auto source = backup_source_of_folder(node.data(), node.genesis);
    REQUIRE(source);
    std::uint64_t calls{0};
    for (;; ++calls) {
        CutSource cut{**source, calls};
        const auto report = make_backup(cut, node.files, node.genesis, {node.to(), false}, silent);
        if (report) {
            break;
        }
        CHECK(report.error().find("run the same command again") != std::string::npos);
        CHECK_FALSE(node.restore());
        CHECK_FALSE(std::filesystem::exists(node.restored()));
        REQUIRE(calls < 100);
    }
    CHECK(calls >= 3);
    REQUIRE(node.restore());
    node.check_restored(12);
}

SCENARIO("a backup with any file changed, cut or missing is refused before anything is made") {
    DataFolder node{8};
    const auto report = node.back_up();
    REQUIRE(report);
    const BackupManifest& manifest = report->manifest;
    for (const BackupFile& file : {manifest.segments.front(), manifest.tail, manifest.snapshot}) {
        const std::string path = node.to() + "/" + file.path;
        INFO(path);
        for (const std::uint64_t at : {std::uint64_t{3}, file.bytes / 2, file.bytes - 1}) {
            node.flip(path, at);
            CHECK_FALSE(node.restore());
            node.flip(path, at);
        }
        std::filesystem::rename(path, path + ".away");
        CHECK_FALSE(node.restore());
        std::filesystem::rename(path + ".away", path);
        CHECK_FALSE(std::filesystem::exists(node.restored()));
    }
    Genesis other = node.genesis;
    other.time += 1;
    CHECK_FALSE(restore_backup(node.files, node.to(), node.restored(), other, silent));
    REQUIRE(node.restore());
}

SCENARIO("a forged backup with hashes that fit is refused for what it says") {
    DataFolder node{8};
    auto report = node.back_up();
    REQUIRE(report);
    BackupManifest manifest = report->manifest;
    const auto rewrite = [&](BackupFile& file) {
        file.sha256 = hash_of_file(node.files, node.to() + "/" + file.path).value();
        file.bytes = node.files.size(node.to() + "/" + file.path).value();
        const std::string text = manifest.to_json();
        REQUIRE(node.files.write_whole(node.to() + "/backup.json", as_bytes(text)));
    };
    WHEN("a value of the state is another one") {
        const std::string path = node.to() + "/" + manifest.snapshot.path;
        auto reader = SnapshotFileReader::open(node.files, path, manifest.chain_id);
        REQUIRE(reader);
        std::vector<SnapshotPart> parts;
        for (auto part = reader->next(); part && *part; part = reader->next()) {
            parts.push_back(**part);
        }
        parts.back().answer.back() ^= 1U;
        auto writer = SnapshotFileWriter::create(node.files, path, manifest.chain_id);
        for (const SnapshotPart& part : parts) {
            REQUIRE(writer->add(part));
        }
        REQUIRE(writer->sync());
        rewrite(manifest.snapshot);
        const auto restored = node.restore();
        REQUIRE_FALSE(restored);
        CHECK(restored.error().find("state root") != std::string::npos);
    }
    WHEN("the last blocks are left out") {
        const std::string path = node.to() + "/" + manifest.tail.path;
        REQUIRE(node.files.truncate(path, 54));
        rewrite(manifest.tail);
        const auto restored = node.restore();
        REQUIRE_FALSE(restored);
        CHECK(restored.error().find("is in no segment") != std::string::npos);
    }
    WHEN("an old segment is left out") {
        manifest.segments.erase(manifest.segments.begin());
        rewrite(manifest.tail);
        CHECK_FALSE(node.restore());
    }
    CHECK_FALSE(std::filesystem::exists(node.restored()));
}

SCENARIO("a restore that was cut off is taken up, and not mistaken for a ledger") {
    DataFolder node{8};
    REQUIRE(node.back_up());
    // What a restore leaves that ended right behind its first step.
    REQUIRE(node.files.create_directories(node.restored()));
    const std::string chain = to_hex(node.genesis.chain_id());
    REQUIRE(node.files.write_whole(node.restored() + "/restoring", as_bytes(chain)));
    REQUIRE(node.restore());
    CHECK_FALSE(node.files.size(node.restored() + "/restoring"));
    node.check_restored(8);
}

SCENARIO("a manifest is read back, and hostile ones are refused") {
    const Hash hash{{7}};
    BackupManifest manifest;
    manifest.chain_id = Hash{{1}};
    manifest.height = 20;
    manifest.digest = Hash{{2}};
    manifest.base_height = 3;
    manifest.block_time = 99;
    manifest.segments = {{backup_segment_path(4), 100, hash}, {backup_segment_path(9), 5, hash}};
    manifest.tail = {backup_tail_path(20), 10, hash};
    manifest.tail_first_height = 15;
    manifest.snapshot = {backup_snapshot_path(20), 11, hash};
    const std::string good = manifest.to_json();
    CHECK(BackupManifest::from_json(good).value() == manifest);
    const auto refused = [&](const std::string& from, const std::string& to) {
        std::string text = good;
        const std::size_t at = text.find(from);
        REQUIRE(at != std::string::npos);
        text.replace(at, from.size(), to);
        INFO(text);
        CHECK_FALSE(BackupManifest::from_json(text));
    };
    refused("\"version\":1", "\"version\":2");
    refused("tallystick-backup", "something");
    refused("segments/00000000000000000004.seg", "segments/../../../../etc/passwd");
    refused("segments/00000000000000000004.seg", "/etc/passwd");
    refused("segments/00000000000000000004.seg", "segments/00000000000000000005.seg");
    refused("segments/00000000000000000009.seg", "segments/00000000000000000004.seg");
    refused("tail-20.seg", "tail-21.seg");
    refused("snapshot-20.bin", "../snapshot-20.bin");
    refused("\"tail_first_height\":15", "\"tail_first_height\":9");
    refused("\"bytes\":100", "\"bytes\":-1");
    refused("\"base_height\":3", "\"base_height\":20");
    refused("\"height\":20", "\"height\":20,\"height\":20");
    refused("\"height\":20", "\"height\":20,\"more\":1");
    for (std::size_t length = 0; length + 1 < good.size(); length += 7) {
        CHECK_FALSE(BackupManifest::from_json(good.substr(0, length)));
    }
}

SCENARIO("a snapshot file gives back its parts, up to where it was cut or changed") {
    TemporaryFolder folder;
    PosixFileSystem files;
    const std::string path = folder.file("snapshot-1.bin");
    const Hash chain{{9}};
    const std::vector<SnapshotPart> parts{{Bytes(3, 1), Bytes(1000, 2)}, {Bytes(40, 3), {}}};
    {
        auto writer = SnapshotFileWriter::create(files, path, chain);
        REQUIRE(writer);
        for (const SnapshotPart& part : parts) {
            REQUIRE(writer->add(part));
        }
        REQUIRE(writer->sync());
    }
    const std::uint64_t whole = files.size(path).value();
    const auto read = [&](std::size_t wanted) {
        auto reader = SnapshotFileReader::open(files, path, chain);
        std::size_t count{0};
        while (reader) {
            const auto part = reader->next();
            if (!part || !*part) {
                CHECK((part.has_value() == (reader->offset() == files.size(path).value())));
                break;
            }
            CHECK(**part == parts.at(count++));
        }
        return count == wanted;
    };
    CHECK(read(2));
    CHECK_FALSE(SnapshotFileReader::open(files, path, Hash{}));
    for (std::uint64_t at = 0; at < whole; at += 11) {
        const auto byte = files.read(path, at, 1);
        REQUIRE(files.write_at(path, at, Bytes{static_cast<std::uint8_t>(byte->front() ^ 0x80U)}));
        CHECK_FALSE(read(2));
        REQUIRE(files.write_at(path, at, *byte));
    }
    REQUIRE(files.truncate(path, whole - 1));
    CHECK(read(1));
    REQUIRE(files.truncate(path, 20));
    CHECK(read(0));
}
