#include "ledger/base/memory_store.h"

#include <catch2/catch.hpp>

namespace tally {

namespace {

Bytes key(std::initializer_list<int> octets) {
    Bytes result;
    for (const int octet : octets) {
        result.push_back(static_cast<std::uint8_t>(octet));
    }
    return result;
}

MemoryStore filled_store() {
    MemoryStore store;
    WriteBatch batch;
    batch.put(key({1}), key({10}));
    batch.put(key({1, 0}), key({11}));
    batch.put(key({1, 255}), key({12}));
    batch.put(key({2}), key({13}));
    REQUIRE(store.write(batch, true));
    return store;
}

std::vector<Bytes> keys_of(const std::vector<KeyValueStore::Entry>& entries) {
    std::vector<Bytes> keys;
    for (const KeyValueStore::Entry& entry : entries) {
        keys.push_back(entry.key);
    }
    return keys;
}

}  // namespace

TEST_CASE("operations of a batch happen in their order", "[store]") {
    MemoryStore store;
    WriteBatch batch;
    batch.put(key({1}), key({1}));
    batch.erase(key({1}));
    batch.put(key({1}), key({2}));
    batch.put(key({2}), key({3}));
    batch.erase(key({2}));
    batch.erase(key({9}));
    REQUIRE(store.write(batch, false));
    CHECK(**store.get(key({1})) == key({2}));
    CHECK_FALSE(store.get(key({2}))->has_value());
    CHECK(store.entries().size() == 1);
}

TEST_CASE("next gives the first key at or after the one asked for", "[store]") {
    const MemoryStore store = filled_store();
    CHECK((*store.next(key({})))->key == key({1}));
    CHECK((*store.next(key({1, 0})))->value == key({11}));
    CHECK((*store.next(key({1, 1})))->key == key({1, 255}));
    CHECK_FALSE(store.next(key({3}))->has_value());
}

TEST_CASE("a scan stays inside its prefix and its count", "[store]") {
    const MemoryStore store = filled_store();
    const std::vector<Bytes> all{key({1}), key({1, 0}), key({1, 255})};
    CHECK(keys_of(*store.scan(key({1}), key({}), 10)) == all);
    CHECK(keys_of(*store.scan(key({1}), key({1, 0}), 1)) == std::vector<Bytes>{key({1, 0})});
    CHECK(store.scan(key({1}), key({2}), 10)->empty());
    CHECK(store.scan(key({1}), key({}), 0)->empty());
    CHECK(store.scan(key({}), key({}), 10)->size() == 4);
}

TEST_CASE("a snapshot keeps what it was taken of") {
    MemoryStore store;
    WriteBatch first;
    first.put(key({1}), key({10}));
    first.put(key({2}), key({20}));
    REQUIRE(store.write(first, true));
    const std::unique_ptr<KeyValueStore> snapshot = store.snapshot();
    REQUIRE(snapshot);
    WriteBatch second;
    second.put(key({1}), key({11}));
    second.erase(key({2}));
    second.put(key({3}), key({30}));
    REQUIRE(store.write(second, true));
    CHECK(**snapshot->get(key({1})) == key({10}));
    CHECK(snapshot->scan({}, {}, 10)->size() == 2);
    CHECK(**store.get(key({1})) == key({11}));
    CHECK_FALSE(snapshot->write(second, true));
    const MemoryStore copy = store;
    REQUIRE(store.write(first, true));
    CHECK(**copy.get(key({1})) == key({11}));
}

}  // namespace tally
