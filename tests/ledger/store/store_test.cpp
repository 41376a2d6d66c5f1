#include "ledger/store/leveldb_store.h"
#include "tests/ledger/base/temporary_folder.h"

#include <catch2/catch.hpp>

#include <fstream>

using namespace tally;
using namespace tally::test;

namespace {

Bytes bytes(std::string_view text) {
    const ByteView view = as_bytes(text);
    return {view.begin(), view.end()};
}

}  // namespace

TEST_CASE("LevelDB keeps batches, scans by prefix and survives closing") {
    const TemporaryFolder folder;
    {
        auto store = LevelDbStore::open(folder.file("state"));
        REQUIRE(store);
        WriteBatch batch;
        batch.put(bytes("a1"), bytes("1"));
        batch.put(bytes("a2"), bytes("2"));
        batch.put(bytes("b1"), bytes("3"));
        batch.put(bytes("a3"), bytes("gone"));
        batch.erase(bytes("a3"));
        REQUIRE((*store)->write(batch, true));
        CHECK_FALSE(LevelDbStore::open(folder.file("state")));  // locked
    }
    auto store = LevelDbStore::open(folder.file("state"));
    REQUIRE(store);
    CHECK(**(*store)->get(bytes("a2")) == bytes("2"));
    CHECK_FALSE((*(*store)->get(bytes("a3"))).has_value());
    CHECK((*store)->scan(bytes("a"), {}, 10)->size() == 2);
    CHECK((*store)->scan(bytes("a"), bytes("a2"), 10)->size() == 1);
    CHECK((*store)->scan({}, {}, 2)->size() == 2);
    CHECK((**(*store)->next(bytes("a9"))).key == bytes("b1"));
    CHECK_FALSE((*(*store)->next(bytes("c"))).has_value());
}

TEST_CASE("a LevelDB snapshot keeps what it was taken of, and cannot be written to") {
    const TemporaryFolder folder;
    auto store = LevelDbStore::open(folder.file("state"));
    REQUIRE(store);
    WriteBatch first;
    first.put(bytes("a"), bytes("1"));
    first.put(bytes("b"), bytes("2"));
    REQUIRE((*store)->write(first, true));
    const std::unique_ptr<KeyValueStore> snapshot = (*store)->snapshot();
    REQUIRE(snapshot);
    WriteBatch second;
    second.put(bytes("a"), bytes("later"));
    second.erase(bytes("b"));
    REQUIRE((*store)->write(second, true));
    CHECK(**snapshot->get(bytes("a")) == bytes("1"));
    CHECK(snapshot->scan({}, {}, 10)->size() == 2);
    CHECK((**snapshot->next(bytes("b"))).value == bytes("2"));
    CHECK(**(*store)->get(bytes("a")) == bytes("later"));
    CHECK_FALSE(snapshot->write(second, true));
}

TEST_CASE("LevelDB does not open over damaged files, and says where") {
    const TemporaryFolder folder;
    {
        auto store = LevelDbStore::open(folder.file("state"));
        REQUIRE(store);
    }
    std::ofstream{folder.file("state/CURRENT")} << "rubbish";
    const auto store = LevelDbStore::open(folder.file("state"));
    REQUIRE_FALSE(store);
    CHECK(store.error().find(folder.file("state")) != std::string::npos);
}
