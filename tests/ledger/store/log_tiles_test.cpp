#include "ledger/store/log_tiles.h"

#include "ledger/base/codec.h"
#include "ledger/base/memory_store.h"

#include <catch2/catch.hpp>

using namespace tally;

namespace {

Hash leaf(std::uint64_t index) { return merkle_leaf_hash(Encoder{}.u64(index).bytes()); }

}  // namespace

TEST_CASE("tiles give the proofs of the tree that their leaves make, across three levels") {
    MemoryStore store;
    LogTiles tiles{store};
    std::vector<Hash> leaves;
    const std::uint64_t size = 256 * 256 + 256 * 3 + 77;
    for (std::uint64_t next = 0; next < size;) {
        std::vector<Hash> block;
        for (std::uint64_t i = 0; i < 4999 && next < size; ++i) {
            block.push_back(leaf(next++));
        }
        leaves.insert(leaves.end(), block.begin(), block.end());
        WriteBatch batch;
        tiles.append(block, batch);
        REQUIRE(store.write(batch, false));
    }
    const SubtreeReader subtree = [&tiles](std::uint32_t level, std::uint64_t index) {
        return tiles.subtree(level, index);
    };
    const Hash root = merkle_root(leaves);
    for (const std::uint64_t index : {std::uint64_t{0}, std::uint64_t{255}, std::uint64_t{256},
                                      std::uint64_t{65535}, std::uint64_t{65536}, size - 1}) {
        CHECK(verify_inclusion(leaf(index), index, size, inclusion_proof(index, size, subtree),
                               root));
    }
    const std::uint64_t old_size = 65537;
    CHECK(verify_consistency(old_size, merkle_root(std::span{leaves}.first(old_size)), size, root,
                             consistency_proof(old_size, size, subtree)));

    LogTiles again{store};
    REQUIRE(again.restore(size));
    WriteBatch batch;
    const std::vector<Hash> more{leaf(size)};
    again.append(more, batch);
    REQUIRE(store.write(batch, false));
    leaves.push_back(more[0]);
    const SubtreeReader after = [&again](std::uint32_t level, std::uint64_t index) {
        return again.subtree(level, index);
    };
    CHECK(verify_inclusion(leaf(3), 3, size + 1, inclusion_proof(3, size + 1, after),
                           merkle_root(leaves)));
}

TEST_CASE("tiles that are not all there are noticed") {
    MemoryStore store;
    LogTiles tiles{store};
    WriteBatch batch;
    tiles.append(std::vector<Hash>(300, leaf(0)), batch);
    REQUIRE(store.write(batch, false));
    CHECK(LogTiles{store}.restore(300));
    CHECK(LogTiles{store}.restore(256));  // nothing at the edge of level 0
    CHECK_FALSE(LogTiles{store}.restore(301));
    CHECK_FALSE(LogTiles{store}.restore(1024));
}
