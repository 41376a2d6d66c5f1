// The window of ids: exact at its edges, and the same whatever has been forgotten.

#include "ledger/chain/id_window.h"

#include <catch2/catch.hpp>

namespace tally {
namespace {

constexpr UnixMillis window_ms{120'000};
constexpr UnixMillis start{1'000'000};

TransactionRef ref_of(std::uint8_t number) {
    TransactionRef ref{*party_from_text("AAA"), {}};
    ref.id.data.fill(number);
    return ref;
}

Hash hash_of(std::uint8_t number) {
    Hash hash;
    hash.data.fill(number);
    return hash;
}

IdWindow::BlockIds block(UnixMillis time, std::uint8_t number) {
    return {time, {{ref_of(number), hash_of(number)}}, {hash_of(number)}};
}

}  // namespace

TEST_CASE("an id is seen for less than 120 s", "[chain][id_window]") {
    IdWindow window;
    window.add(block(start, 1));
    CHECK(window.transaction(ref_of(1), start + 1) == hash_of(1));
    CHECK(window.transaction(ref_of(1), start + window_ms - 1) == hash_of(1));
    CHECK_FALSE(window.transaction(ref_of(1), start + window_ms));
    CHECK(window.has_envelope_root(hash_of(1), start + window_ms - 1));
    CHECK_FALSE(window.has_envelope_root(hash_of(1), start + window_ms));
    CHECK_FALSE(window.transaction(ref_of(2), start + 1));
}

TEST_CASE("what is forgotten is what no later block may see", "[chain][id_window]") {
    IdWindow window;
    window.add(block(start, 1));
    window.add(block(start + 1, 2));
    CHECK(window.transaction_count() == 2);
    window.add(block(start + window_ms, 3));
    CHECK(window.transaction_count() == 2);
    CHECK_FALSE(window.transaction(ref_of(1), start + window_ms + 1));
    CHECK_FALSE(window.transaction(ref_of(2), start + window_ms + 1));
    window.add(block(start + 10 * window_ms, 4));
    CHECK(window.transaction_count() == 1);
}

TEST_CASE("two windows with different pasts answer alike", "[chain][id_window]") {
    // One node has made more blocks final than the other when they execute the same block.
    IdWindow behind;
    IdWindow ahead;
    for (IdWindow* window : {&behind, &ahead}) {
        window->add(block(start, 1));
        window->add(block(start + 50'000, 2));
    }
    ahead.add({start + window_ms + 5, {}, {}});
    const UnixMillis asking = start + window_ms + 10;
    for (const std::uint8_t number : {std::uint8_t{1}, std::uint8_t{2}}) {
        CHECK(behind.transaction(ref_of(number), asking) ==
              ahead.transaction(ref_of(number), asking));
        CHECK(behind.has_envelope_root(hash_of(number), asking) ==
              ahead.has_envelope_root(hash_of(number), asking));
    }
}

TEST_CASE("an id that is used again beyond the window counts from its last use",
          "[chain][id_window]") {
    IdWindow window;
    window.add(block(start, 1));
    IdWindow::BlockIds again{start + window_ms, {{ref_of(1), hash_of(9)}}, {}};
    window.add(again);
    CHECK(window.transaction(ref_of(1), start + window_ms + 1) == hash_of(9));
    CHECK(window.transaction_count() == 1);
    window.add({start + window_ms + 10, {}, {}});
    CHECK(window.transaction(ref_of(1), start + window_ms + 11) == hash_of(9));
}

}  // namespace tally
