#pragma once

// One write, and one sync, for what several steps changed in the same turn of the loop.

#include "ledger/base/key_value_store.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

namespace boost::asio {
class io_context;
}

namespace tally::bridge {

/// Changes that wait for their write are at most so many; the next one writes them at once.
inline constexpr std::size_t commit_operations_max{1'024};

/// Gathers the changes of steps until the handlers that the loop has ready are done, then writes
/// them as one batch, in order, and carries out what rests on them, in order: nothing runs before
/// everything that was added up to it is on disk (synced, when any of it must be). A batch is
/// atomic, so after a crash either all of a turn is there or nothing of it. When a write fails
/// `failed` is called once and nothing runs any more. Threads: one, the io_context's; `store` must
/// outlive it, and nothing runs after its destruction.
class GroupCommit {
public:
    using Action = std::function<void()>;

    GroupCommit(boost::asio::io_context& io, KeyValueStore& store, Action failed);

    /// `then` runs when `changes` are written; at once when there are none and nothing waits.
    void add(WriteBatch changes, bool must_sync, Action then);
    /// Runs it behind everything that waits; at once when nothing does.
    void when_stored(Action then) { add({}, false, std::move(then)); }
    /// Writes now. On return nothing waits, unless called from inside an action or storage failed.
    void flush();

    struct Work {
        std::uint64_t steps{0};   ///< that changed something
        std::uint64_t writes{0};  ///< batches
        std::uint64_t syncs{0};   ///< those of them that were synced
    };
    [[nodiscard]] const Work& work() const { return m_work; }

private:
    void schedule();

    boost::asio::io_context& m_io;
    KeyValueStore& m_store;
    Action m_failed;
    WriteBatch m_changes;
    bool m_must_sync{false};
    std::vector<Action> m_waiting;
    bool m_scheduled{false};
    bool m_running{false};  ///< actions
    bool m_broken{false};
    Work m_work;
    std::shared_ptr<bool> m_alive{std::make_shared<bool>(true)};
};

}  // namespace tally::bridge
