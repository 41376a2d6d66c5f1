// The parts catch-up is made of: whom to ask for what, blocks that are not final, allowances.

#include "consensus/driver/block_tree.h"
#include "consensus/driver/fetcher.h"
#include "consensus/driver/peer_table.h"
#include "tests/consensus/support.h"

#include <catch2/catch.hpp>

namespace tally::consensus::testing {
namespace {

using namespace std::chrono_literals;

const FetchKey block_a{FetchKind::block, digest_of('a')};
const FetchKey block_b{FetchKind::block, digest_of('b')};

std::vector<PeerId> peers_of(const std::vector<Ask>& asks) {
    std::vector<PeerId> peers;
    for (const Ask& ask : asks) {
        peers.push_back(ask.peer);
    }
    return peers;
}

TEST_CASE("the fetcher asks the next peer after a timeout, and starts over after all of them") {
    Fetcher fetcher{100ms};
    const std::vector<Want> wants{{block_a, {1, 2}}};
    CHECK(peers_of(fetcher.update(wants, 0ms)) == std::vector<PeerId>{1});
    CHECK(fetcher.update(wants, 50ms).empty());
    CHECK(fetcher.next_deadline() == Time{100ms});
    CHECK(peers_of(fetcher.update(wants, 100ms)) == std::vector<PeerId>{2});
    CHECK(peers_of(fetcher.update(wants, 200ms)) == std::vector<PeerId>{1});
}

TEST_CASE("an answer that does not help leads to the next peer at once, but in no endless loop") {
    Fetcher fetcher{100ms};
    const std::vector<Want> wants{{block_a, {1, 2}}};
    for (int i = 0; i < 2; ++i) {
        const auto asks = fetcher.update(wants, 10ms);
        REQUIRE(asks.size() == 1);
        CHECK(fetcher.settle(asks[0].peer, asks[0].id, FetchKind::block) == block_a);
    }
    CHECK(fetcher.update(wants, 10ms).empty());
    CHECK(fetcher.next_deadline() > Time{10ms});
    CHECK(fetcher.update(wants, 110ms).size() == 1);
}

TEST_CASE("a peer has one outstanding request of a kind") {
    Fetcher fetcher{100ms};
    CHECK(peers_of(fetcher.update({{block_a, {1}}, {block_b, {1, 2}}}, 0ms)) ==
          std::vector<PeerId>{1, 2});
    Fetcher other{100ms};
    CHECK(other.update({{block_a, {1}}, {block_b, {1}}}, 0ms).size() == 1);
    CHECK(other.update({{block_a, {1}}, {{FetchKind::range, {}}, {1}}}, 0ms).size() == 1);
}

TEST_CASE("answers that nobody asked for are not accepted") {
    Fetcher fetcher{100ms};
    const auto asks = fetcher.update({{block_a, {1}}}, 0ms);
    REQUIRE(asks.size() == 1);
    CHECK_FALSE(fetcher.settle(2, asks[0].id, FetchKind::block));
    CHECK_FALSE(fetcher.settle(1, asks[0].id + 1, FetchKind::block));
    CHECK_FALSE(fetcher.settle(1, asks[0].id, FetchKind::envelopes));
    CHECK(fetcher.settle(1, asks[0].id, FetchKind::block));
    CHECK_FALSE(fetcher.settle(1, asks[0].id, FetchKind::block));
    static_cast<void>(fetcher.update({{block_b, {1}}}, 0ms));
    CHECK_FALSE(fetcher.settle(1, asks[0].id, FetchKind::block));  // not wanted any more
}

TEST_CASE("an answer that comes after its timeout counts while it is wanted") {
    Fetcher fetcher{100ms};
    const std::vector<Want> wants{{block_a, {1, 2}}};
    const auto first = fetcher.update(wants, 0ms);
    const auto second = fetcher.update(wants, 100ms);
    REQUIRE((first.size() == 1 && second.size() == 1));
    CHECK(fetcher.settle(1, first[0].id, FetchKind::block) == block_a);
    CHECK_FALSE(fetcher.settle(1, first[0].id, FetchKind::block));
    CHECK(fetcher.update(wants, 110ms).empty());  // the second is still awaited
    CHECK(fetcher.settle(2, second[0].id, FetchKind::block) == block_a);
}

TEST_CASE("only the newest requests of one thing are remembered") {
    Fetcher fetcher{100ms};
    std::vector<PeerId> peers;
    for (PeerId peer = 0; peer <= Fetcher::outstanding_max; ++peer) {
        peers.push_back(peer);
    }
    std::vector<Ask> asked;
    for (int i = 0; i <= static_cast<int>(Fetcher::outstanding_max); ++i) {
        const auto asks = fetcher.update({{block_a, peers}}, i * 100ms);
        REQUIRE(asks.size() == 1);
        asked.push_back(asks[0]);
    }
    CHECK_FALSE(fetcher.settle(asked[0].peer, asked[0].id, FetchKind::block));
    CHECK(fetcher.settle(asked[1].peer, asked[1].id, FetchKind::block));
    fetcher.forget(asked[2].peer);
    CHECK_FALSE(fetcher.settle(asked[2].peer, asked[2].id, FetchKind::block));
}

TEST_CASE("each round of silence doubles the timeout up to its maximum, help resets it") {
    Fetcher fetcher{100ms};
    const std::vector<Want> wants{{block_a, {1}}};
    std::vector<Time> sent;
    Ask last;
    for (Time now = 0ms; sent.size() < 7; now += 100ms) {
        for (const Ask& ask : fetcher.update(wants, now)) {
            sent.push_back(now);
            last = ask;
        }
    }
    CHECK(sent == std::vector<Time>{0ms, 100ms, 300ms, 700ms, 1500ms, 2300ms, 3100ms});
    REQUIRE(fetcher.settle(1, last.id, FetchKind::block));
    fetcher.helped(block_a);
    CHECK(fetcher.update(wants, 3110ms).size() == 1);
    CHECK(fetcher.update(wants, 3210ms).size() == 1);
}

TEST_CASE("a want without any peer never makes the timer run hot") {
    Fetcher fetcher{100ms};
    CHECK(fetcher.update({{block_a, {}}}, 500ms).empty());
    CHECK(fetcher.next_deadline() > Time{500ms});
    CHECK(fetcher.update({{block_a, {}}}, 700ms).empty());
    CHECK(fetcher.next_deadline() > Time{700ms});
    fetcher.forget(3);
    CHECK(fetcher.update({{block_a, {3}}}, 701ms).size() == 1);
    fetcher.forget(3);
    CHECK(fetcher.update({{block_a, {3}}}, 702ms).size() == 1);
}

BlockMeta meta_of(char digest, char parent, Height height) {
    BlockMeta meta;
    meta.digest = digest_of(digest);
    meta.parent = digest_of(parent);
    meta.height = height;
    meta.view = height;
    return meta;
}

TEST_CASE("a block is complete when the last of its envelopes came") {
    BlockTree tree;
    TreeBlock& block = tree.insert(meta_of('b', 'a', 1), {}, {digest_of('x'), digest_of('y')});
    CHECK_FALSE(block.is_complete());
    tree.offer(digest_of('y'), as_bytes("why"));
    tree.offer(digest_of('z'), as_bytes("unrelated"));
    CHECK_FALSE(block.is_complete());
    tree.offer(digest_of('x'), as_bytes("ex"));
    CHECK(block.is_complete());
    CHECK(as_text(block.envelopes[0]) == "ex");
    CHECK(as_text(block.envelopes[1]) == "why");
    CHECK(tree.insert(meta_of('c', 'b', 2), {}, {digest_of('x'), digest_of('x')}).invalid);
}

TEST_CASE("finality cuts off what is below, beside and on top of what is beside") {
    BlockTree tree;
    tree.insert(meta_of('b', 'a', 1), {}, {});
    tree.insert(meta_of('B', 'a', 1), {}, {});
    tree.insert(meta_of('c', 'b', 2), {}, {digest_of('x')});
    tree.insert(meta_of('C', 'B', 2), {}, {});
    tree.insert(meta_of('D', 'C', 3), {}, {});
    tree.certify(certificate(notarize(1, 0, digest_of('b')), {0, 1, 2}));
    tree.certify(certificate(notarize(2, 1, digest_of('c')), {0, 1, 2}));
    REQUIRE(tree.path(digest_of('a'), digest_of('c')));
    CHECK(tree.path(digest_of('a'), digest_of('c'))->size() == 2);
    CHECK_FALSE(tree.path(digest_of('b'), digest_of('D')));
    CHECK(tree.envelopes_of_chain(digest_of('c')) == std::set{digest_of('x')});
    tree.prune(meta_of('b', 'a', 1));
    CHECK(tree.size() == 1);
    CHECK(tree.find(digest_of('c')) != nullptr);
    CHECK(tree.certificate(digest_of('b')) == nullptr);
    CHECK(tree.certificate(digest_of('c')) != nullptr);
}

TEST_CASE("finality cuts off a block that lies about its height") {
    BlockTree tree;
    BlockMeta liar = meta_of('L', 'a', 1);
    liar.height = Height{1} << 62;
    tree.insert(liar, {}, {digest_of('x')});
    BlockMeta child = meta_of('M', 'L', 2);
    child.height = liar.height + 1;
    tree.insert(child, {}, {});
    tree.prune(meta_of('b', 'a', 2));
    CHECK(tree.size() == 0);
}

TEST_CASE("a block with a larger body than allowed is invalid and holds no memory") {
    BlockTree tree{10};
    tree.insert(meta_of('b', 'a', 1), {}, {digest_of('x'), digest_of('y'), digest_of('z')});
    tree.insert(meta_of('c', 'a', 2), {}, {digest_of('x')});
    tree.offer(digest_of('x'), as_bytes("six by"));
    CHECK_FALSE(tree.find(digest_of('b'))->invalid);
    tree.offer(digest_of('y'), as_bytes("five!"));
    const TreeBlock& block = *tree.find(digest_of('b'));
    CHECK(block.invalid);
    CHECK_FALSE(block.is_complete());
    CHECK(block.missing.empty());
    CHECK(block.envelopes == std::vector<Bytes>(3));
    tree.offer(digest_of('z'), as_bytes("z"));
    CHECK(block.envelopes == std::vector<Bytes>(3));
    CHECK(tree.find(digest_of('c'))->is_complete());
}

TEST_CASE("a FINALIZE certificate takes the place of the NOTARIZE one, never the other way") {
    BlockTree tree;
    const auto n = certificate(notarize(1, 0, digest_of('b')), {0, 1, 2});
    const auto f = certificate(finalize(1, 0, digest_of('b')), {0, 1, 2});
    tree.certify(n);
    tree.certify(f);
    tree.certify(n);
    tree.certify(certificate(nullify(2), {0, 1, 2}));
    CHECK(*tree.certificate(digest_of('b')) == f);
    CHECK(tree.certificates().size() == 1);
    CHECK(tree.without_block().size() == 1);
}

TEST_CASE("the tree has room for certified blocks however many others come") {
    BlockTree tree;
    for (std::size_t i = 0; i < BlockTree::blocks_max + 10; ++i) {
        BlockMeta meta = meta_of('?', 'a', 1);
        meta.digest.data[0] = static_cast<std::uint8_t>(i);
        meta.digest.data[1] = static_cast<std::uint8_t>(i >> 8);
        meta.view = i + 1;
        if (i == 0) {
            tree.certify(certificate(notarize(1, 0, meta.digest), {0, 1, 2}));
        }
        tree.insert(meta, {}, {});
    }
    CHECK(tree.size() == BlockTree::blocks_max);
    BlockMeta first = meta_of('?', 'a', 1);
    first.digest.data[0] = 0;
    first.digest.data[1] = 0;
    CHECK(tree.find(first.digest) != nullptr);
}

TEST_CASE("a tree full of certified blocks gives up the newest, not the next to become final") {
    BlockTree tree;
    const auto meta_at = [](std::size_t i) {
        BlockMeta meta = meta_of('?', 'a', 1);
        meta.digest.data[0] = static_cast<std::uint8_t>(i);
        meta.digest.data[1] = static_cast<std::uint8_t>(i >> 8);
        meta.view = i;
        return meta;
    };
    for (std::size_t i = 1; i <= BlockTree::blocks_max + 1; ++i) {
        tree.certify(certificate(notarize(i, i - 1, meta_at(i).digest), {}));
        tree.insert(meta_at(i), {}, {});
    }
    CHECK(tree.size() == BlockTree::blocks_max);
    CHECK(tree.find(meta_at(1).digest) != nullptr);
    CHECK(tree.find(meta_at(BlockTree::blocks_max).digest) == nullptr);
}

TEST_CASE("the cache of arrived envelopes forgets the oldest") {
    EnvelopeCache cache;
    for (std::size_t i = 0; i <= EnvelopeCache::count_max; ++i) {
        Hash hash;
        hash.data[0] = static_cast<std::uint8_t>(i);
        hash.data[1] = static_cast<std::uint8_t>(i >> 8);
        cache.add(1, hash, Bytes(1));
    }
    CHECK(cache.find(Hash{}) == nullptr);
    Hash second;
    second.data[0] = 1;
    CHECK(cache.find(second) != nullptr);
    for (int i = 0; i < 20; ++i) {
        cache.add(1, digest_of(static_cast<char>('a' + i)), Bytes(1024UL * 1024));
    }
    CHECK(cache.find(second) == nullptr);
    CHECK(cache.find(digest_of('a')) == nullptr);
    CHECK(cache.find(digest_of('t')) != nullptr);
}

TEST_CASE("a peer that floods the cache pushes out its own envelopes only") {
    EnvelopeCache cache;
    constexpr PeerId flooder{1};
    cache.add(2, digest_of('x'), Bytes(1000));
    cache.add(3, digest_of('y'), Bytes(1000));
    const auto name = [](std::size_t i) {
        Hash hash;
        hash.data[0] = static_cast<std::uint8_t>(i);
        hash.data[1] = static_cast<std::uint8_t>(i >> 8);
        return hash;
    };
    for (std::size_t i = 0; i < 3 * EnvelopeCache::count_max; ++i) {
        cache.add(flooder, name(i), Bytes(1));
    }
    CHECK(cache.find(digest_of('x')) != nullptr);
    CHECK(cache.find(digest_of('y')) != nullptr);
    CHECK(cache.find(name(0)) == nullptr);
    CHECK(cache.find(name(3 * EnvelopeCache::count_max - 1)) != nullptr);
    for (int i = 0; i < 20; ++i) {
        cache.add(flooder, digest_of(static_cast<char>('a' + i)), Bytes(1024UL * 1024));
    }
    CHECK(cache.find(digest_of('x')) != nullptr);
    CHECK(cache.find(digest_of('t')) != nullptr);
}

TEST_CASE("an allowance refills with time and never beyond one second's worth") {
    TokenBucket bucket{10};
    for (int i = 0; i < 10; ++i) {
        CHECK(bucket.take(1s));
    }
    CHECK_FALSE(bucket.take(1s));
    CHECK_FALSE(bucket.take(1s + 99ms));
    CHECK(bucket.take(1s + 100ms));
    for (int i = 0; i < 10; ++i) {
        CHECK(bucket.take(3600s));
    }
    CHECK_FALSE(bucket.take(3600s));
}

TEST_CASE("an allowance is taken by cost, and one answer larger than it is still possible") {
    TokenBucket bucket{10};
    CHECK(bucket.take(1s, 6));
    CHECK_FALSE(bucket.take(1s, 6));
    CHECK(bucket.take(1s, 4));
    CHECK(bucket.take(2s, 1000));
    CHECK_FALSE(bucket.take(2s, 1));
    bucket.spend(3s, 1000);
    CHECK_FALSE(bucket.take(3s));
    CHECK(bucket.take(3s + 100ms));
}

}  // namespace
}  // namespace tally::consensus::testing
