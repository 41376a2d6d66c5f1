#include "charger_bridge/group_commit.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

#include <iterator>
#include <utility>

namespace tally::bridge {

GroupCommit::GroupCommit(boost::asio::io_context& io, KeyValueStore& store, Action failed)
    : m_io{io}, m_store{store}, m_failed{std::move(failed)} {}

void GroupCommit::add(WriteBatch changes, bool must_sync, Action then) {
    if (m_broken) {
        return;
    }
    if (changes.operations.empty() && m_waiting.empty()) {
        then();
        return;
    }
    m_work.steps += changes.operations.empty() ? 0U : 1U;
    std::vector<WriteBatch::Operation>& all = m_changes.operations;
    all.insert(all.end(), std::make_move_iterator(changes.operations.begin()),
               std::make_move_iterator(changes.operations.end()));
    m_must_sync = m_must_sync || must_sync;
    m_waiting.push_back(std::move(then));
    if (all.size() >= commit_operations_max) {
        flush();
    }
    if (!m_waiting.empty()) {
        schedule();
    }
}

// NOLINTNEXTLINE(misc-no-recursion): what is posted runs in a later turn of the loop
void GroupCommit::schedule() {
    if (m_scheduled) {
        return;
    }
    m_scheduled = true;
    // Behind what is ready now: the messages that came while the last batch was written.
    // NOLINTNEXTLINE(misc-no-recursion)
    boost::asio::post(m_io, [this, alive = std::weak_ptr<bool>{m_alive}] {
        if (!alive.expired()) {
            m_scheduled = false;
            flush();
        }
    });
}

// NOLINTNEXTLINE(misc-no-recursion)
void GroupCommit::flush() {
    if (m_broken || m_running || m_waiting.empty()) {
        return;
    }
    const WriteBatch changes = std::exchange(m_changes, {});
    const bool must_sync = std::exchange(m_must_sync, false);
    const std::vector<Action> waiting = std::exchange(m_waiting, {});
    if (!changes.operations.empty()) {
        ++m_work.writes;
        m_work.syncs += must_sync ? 1U : 0U;
        if (!m_store.write(changes, must_sync)) {
            m_broken = true;
            m_failed();
            return;
        }
    }
    m_running = true;
    for (const Action& action : waiting) {
        action();
    }
    m_running = false;
    if (!m_waiting.empty()) {  // What the actions led to.
        schedule();
    }
}

}  // namespace tally::bridge
