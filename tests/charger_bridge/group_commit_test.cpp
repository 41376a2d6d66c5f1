#include "charger_bridge/group_commit.h"

#include "ledger/base/memory_store.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <catch2/catch.hpp>

#include <string>
#include <vector>

namespace tally::bridge {
namespace {

/// Counts what is written, and can refuse.
class WatchedStore final : public MemoryStore {
public:
    Expected<Done, StoreError> write(const WriteBatch& batch, bool sync) override {
        if (is_full) {
            return Unexpected{StoreError::io_error};
        }
        writes.push_back(batch.operations.size());
        syncs += sync ? 1 : 0;
        return MemoryStore::write(batch, sync);
    }
    std::vector<std::size_t> writes;
    int syncs{0};
    bool is_full{false};
};

WriteBatch change(std::uint8_t key, std::uint8_t value) {
    WriteBatch batch;
    batch.put({key}, {value});
    return batch;
}

struct Scene {
    boost::asio::io_context io;
    WatchedStore store;
    int failures{0};
    std::vector<std::string> done;
    GroupCommit commit{io, store, [this] { ++failures; }};

    GroupCommit::Action say(const std::string& what) {
        return [this, what] { done.push_back(what); };
    }
    std::uint8_t stored(std::uint8_t key) {
        const auto value = store.get(Bytes{key});
        return *value ? (**value)[0] : std::uint8_t{0};
    }
};

TEST_CASE("steps of one turn share a synced write, and nothing is told before it") {
    Scene scene;
    boost::asio::post(scene.io, [&] {
        for (std::uint8_t i = 1; i <= 5; ++i) {
            scene.commit.add(change(i, 1), i == 3, scene.say("step " + std::to_string(i)));
            scene.commit.when_stored(scene.say("behind " + std::to_string(i)));
        }
        CHECK(scene.done.empty());
        CHECK(scene.store.writes.empty());
    });
    scene.io.run();
    CHECK(scene.store.writes == std::vector<std::size_t>{5});
    CHECK(scene.store.syncs == 1);
    REQUIRE(scene.done.size() == 10);
    CHECK(scene.done[0] == "step 1");
    CHECK(scene.done[1] == "behind 1");
    CHECK(scene.done[9] == "behind 5");
    CHECK(scene.commit.work().steps == 5);
    CHECK(scene.commit.work().syncs == 1);
}

TEST_CASE("handlers that are ready in the same turn join the write") {
    Scene scene;
    for (std::uint8_t i = 1; i <= 20; ++i) {
        boost::asio::post(scene.io,
                          [&scene, i] { scene.commit.add(change(i, 1), true, scene.say("told")); });
    }
    scene.io.run();
    CHECK(scene.store.writes == std::vector<std::size_t>{20});
    CHECK(scene.done.size() == 20);
}

TEST_CASE("later changes of a turn win over earlier ones") {
    Scene scene;
    boost::asio::post(scene.io, [&] {
        scene.commit.add(change(7, 1), true, [] {});
        scene.commit.add(change(7, 2), true, [] {});
    });
    scene.io.run();
    CHECK(scene.stored(7) == 2);
}

TEST_CASE("what rests on nothing runs at once, unless something waits") {
    Scene scene;
    scene.commit.when_stored(scene.say("at once"));
    CHECK(scene.done.size() == 1);
    scene.commit.add(change(1, 1), true, scene.say("stored"));
    scene.commit.when_stored(scene.say("behind"));
    CHECK(scene.done.size() == 1);
    scene.commit.flush();
    CHECK(scene.done == std::vector<std::string>{"at once", "stored", "behind"});
    scene.io.run();  // The turn's own write finds nothing left.
    CHECK(scene.store.writes.size() == 1);
}

TEST_CASE("what an action leads to is stored before it is told") {
    Scene scene;
    scene.commit.add(change(1, 1), true, [&] {
        scene.commit.when_stored(scene.say("rests on the first"));
        scene.commit.add(change(2, 1), true, scene.say("second"));
        scene.commit.when_stored(scene.say("behind the second"));
        CHECK(scene.done == std::vector<std::string>{"rests on the first"});
        scene.commit.flush();  // Not from in here.
        CHECK(scene.store.writes.size() == 1);
    });
    scene.io.run();
    CHECK(scene.store.writes.size() == 2);
    CHECK(scene.stored(2) == 1);
    CHECK(scene.done ==
          std::vector<std::string>{"rests on the first", "second", "behind the second"});
}

TEST_CASE("a turn with very many changes does not wait for its end") {
    Scene scene;
    for (std::size_t i = 0; i < commit_operations_max; ++i) {
        CHECK(scene.store.writes.empty());
        scene.commit.add(change(1, 1), true, [] {});
    }
    CHECK(scene.store.writes == std::vector<std::size_t>{commit_operations_max});
}

TEST_CASE("a write that fails is reported once and nothing is told any more") {
    Scene scene;
    scene.store.is_full = true;
    scene.commit.add(change(1, 1), true, scene.say("never"));
    scene.io.run();
    scene.commit.add(change(2, 1), true, scene.say("never"));
    scene.commit.when_stored(scene.say("never"));
    scene.commit.flush();
    scene.io.restart();
    scene.io.run();
    CHECK(scene.failures == 1);
    CHECK(scene.done.empty());
}

TEST_CASE("nothing is written for a commit that is gone") {
    boost::asio::io_context io;
    WatchedStore store;
    {
        GroupCommit commit{io, store, [] {}};
        commit.add(change(1, 1), true, [] {});
    }
    io.run();
    CHECK(store.writes.empty());
}

}  // namespace
}  // namespace tally::bridge
