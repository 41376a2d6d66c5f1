// Layers over a base: what is seen through them, in order, and what is taken back.

#include "ledger/base/memory_store.h"
#include "ledger/state/state_overlay.h"

#include <catch2/catch.hpp>

#include <random>

namespace tally {
namespace {

Bytes bytes(std::string_view text) { return Bytes{text.begin(), text.end()}; }

std::string keys_of(const StateView& view, std::string_view prefix) {
    std::string keys;
    Bytes from = bytes(prefix);
    while (const auto entry = view.next(from, as_bytes(prefix))) {
        keys += std::string{as_text(entry->key)} + "=" + std::string{as_text(entry->value)} + " ";
        from = entry->key;
        from.push_back(0);
    }
    return keys;
}

}  // namespace

TEST_CASE("newer layers hide older ones", "[state][overlay]") {
    const MemoryStore base{
        {{bytes("a"), bytes("1")}, {bytes("b"), bytes("1")}, {bytes("c"), bytes("1")}}};
    const StateChanges older{
        {bytes("b"), bytes("2")}, {bytes("c"), std::nullopt}, {bytes("d"), bytes("2")}};
    const StateChanges newer{{bytes("c"), bytes("3")}, {bytes("d"), std::nullopt}};
    StateOverlay overlay{base, {&newer, &older}};
    CHECK(keys_of(overlay, "") == "a=1 b=2 c=3 ");
    overlay.put(bytes("d"), bytes("4"));
    overlay.erase(bytes("a"));
    CHECK(keys_of(overlay, "") == "b=2 c=3 d=4 ");
    CHECK_FALSE(overlay.get(as_bytes("a")));
    CHECK(overlay.get_before(as_bytes("a")) == bytes("1"));
    CHECK_FALSE(overlay.get_before(as_bytes("d")));
    CHECK(overlay.changes().size() == 2);
}

TEST_CASE("next stays within its prefix and starts there", "[state][overlay]") {
    const MemoryStore base{
        {{bytes("a1"), {}}, {bytes("b1"), {}}, {bytes("b2"), {}}, {bytes("c1"), {}}}};
    StateOverlay overlay{base, {}};
    CHECK(keys_of(overlay, "b") == "b1= b2= ");
    CHECK(overlay.next(as_bytes("a"), as_bytes("b"))->key == bytes("b1"));
    CHECK_FALSE(overlay.next(as_bytes("b3"), as_bytes("b")));
    CHECK_FALSE(overlay.next(as_bytes("c"), as_bytes("b")));
    overlay.erase(bytes("b1"));
    CHECK(keys_of(overlay, "b") == "b2= ");
}

TEST_CASE("an empty value is not a deleted key", "[state][overlay]") {
    const MemoryStore base;
    StateOverlay overlay{base, {}};
    overlay.put(bytes("k"), {});
    CHECK(overlay.get(as_bytes("k")) == Bytes{});
    CHECK(overlay.next(as_bytes(""), as_bytes(""))->key == bytes("k"));
}

TEST_CASE("next_below ends before its end", "[state][overlay]") {
    const MemoryStore base{{{bytes("a"), {}}, {bytes("b"), {}}}};
    StateOverlay overlay{base, {}};
    CHECK(overlay.next_below(as_bytes("a"), as_bytes("b"))->key == bytes("a"));
    CHECK_FALSE(overlay.next_below(as_bytes("b"), as_bytes("b")));
    overlay.erase(bytes("a"));
    CHECK_FALSE(overlay.next_below(as_bytes("a"), as_bytes("b")));
    CHECK(overlay.next_below(as_bytes("a"), as_bytes("c"))->key == bytes("b"));
}

TEST_CASE("a roll-back restores exactly what was there", "[state][overlay]") {
    const MemoryStore base{{{bytes("a"), bytes("1")}}};
    StateOverlay overlay{base, {}};
    overlay.put(bytes("b"), bytes("1"));
    overlay.erase(bytes("c"));
    const StateChanges before = overlay.changes();
    overlay.set_savepoint();
    overlay.put(bytes("a"), bytes("2"));
    overlay.put(bytes("a"), bytes("3"));
    overlay.erase(bytes("b"));
    overlay.put(bytes("b"), bytes("4"));
    overlay.put(bytes("c"), bytes("5"));
    overlay.put(bytes("d"), bytes("6"));
    overlay.erase(bytes("d"));
    overlay.roll_back();
    CHECK(overlay.changes() == before);
    CHECK(overlay.get(as_bytes("a")) == bytes("1"));
    overlay.set_savepoint();
    overlay.put(bytes("a"), bytes("7"));
    overlay.keep();
    CHECK(overlay.get(as_bytes("a")) == bytes("7"));
}

TEST_CASE("random layers agree with one merged map", "[state][overlay][property]") {
    for (std::uint64_t seed = 1; seed <= 40; ++seed) {
        std::mt19937_64 random{seed};
        MemoryStore::Entries merged;
        const auto random_key = [&random] {
            Bytes key;
            for (std::uint64_t i = 0; i < 1 + random() % 3; ++i) {
                key.push_back(static_cast<std::uint8_t>(random() % 3));
            }
            return key;
        };
        for (int i = 0; i < 8; ++i) {
            merged[random_key()] = {static_cast<std::uint8_t>(i)};
        }
        const MemoryStore base{merged};
        std::vector<StateChanges> layers(3);
        for (StateChanges& layer : layers) {  // Oldest first here.
            for (int i = 0; i < 6; ++i) {
                const Bytes key = random_key();
                if (random() % 2 == 0) {
                    layer[key] = std::nullopt;
                } else {
                    layer[key] = Bytes{static_cast<std::uint8_t>(100 + i)};
                }
            }
            for (const auto& [key, value] : layer) {
                if (value) {
                    merged[key] = *value;
                } else {
                    merged.erase(key);
                }
            }
        }
        const StateOverlay overlay{base, {&layers[2], &layers[1], &layers[0]}};
        MemoryStore::Entries seen;
        Bytes from;
        while (auto entry = overlay.next(from, {})) {
            seen[entry->key] = entry->value;
            from = entry->key;
            from.push_back(0);
        }
        INFO("seed " << seed);
        REQUIRE(seen == merged);
    }
}

}  // namespace tally
