#include "node/accounts/staged_store.h"

#include "ledger/base/memory_store.h"
#include "tests/ledger/base/seeded_random.h"

#include <catch2/catch.hpp>

#include <map>

namespace tally::node {
namespace {

Bytes key_of(std::uint64_t number) {
    Bytes key(3, 'k');
    key[1] = static_cast<std::uint8_t>(number >> 8U);
    key[2] = static_cast<std::uint8_t>(number);
    return key;
}

}  // namespace

TEST_CASE("scans of staged and stored entries equal a plain map", "[accounts][property]") {
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        tally::test::SeededRandom random{seed};
        MemoryStore disk;
        StagedStore store{disk};
        std::map<Bytes, Bytes> model;
        for (int i = 0; i < 1'500; ++i) {
            const Bytes key = key_of(random.below(1'000));
            if (random.below(3) == 0) {
                store.erase(key);
                model.erase(key);
            } else {
                const Bytes value = random.bytes(3);
                store.put(key, value);
                model[key] = value;
            }
            if (random.below(200) == 0) {
                store.commit();
                CHECK_FALSE(store.has_changes());
            }
        }
        store.put(Bytes(1, 'j'), Bytes());  // other prefixes stay out
        store.put(Bytes(1, 'l'), Bytes());
        const Bytes prefix(1, 'k');
        Bytes from = prefix;
        std::vector<KeyValueStore::Entry> all;
        const std::size_t page = 1 + random.below(400);
        for (;;) {
            const auto entries = store.scan(prefix, from, page);
            CHECK(entries.size() <= page);
            if (entries.empty()) {
                break;
            }
            all.insert(all.end(), entries.begin(), entries.end());
            from = entries.back().key;
            from.push_back(0);
        }
        REQUIRE(all.size() == model.size());
        auto expected = model.begin();
        for (const auto& entry : all) {
            CHECK(entry.key == expected->first);
            CHECK(entry.value == expected->second);
            CHECK(store.get(entry.key) == entry.value);
            ++expected;
        }
        CHECK(store.scan(prefix, prefix, 0).empty());
    }
}

}  // namespace tally::node
