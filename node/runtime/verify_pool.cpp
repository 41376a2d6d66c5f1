#include "node/runtime/verify_pool.h"

#include "ledger/base/check.h"
#include "node/runtime/asio.h"

#include <boost/asio/post.hpp>

#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <vector>

namespace tally::node {

class VerifyPool::Impl : public std::enable_shared_from_this<Impl> {
public:
    Impl(asio::io_context& io, std::size_t queue_max) : m_io{io}, m_queue_max{queue_max} {}

    void start(std::size_t threads) {
        for (std::size_t i = 0; i < threads; ++i) {
            m_threads.emplace_back([this] { run(); });
        }
    }

    void stop() {
        {
            const std::lock_guard lock{m_mutex};
            m_stopping = true;
            m_waiting.clear();
        }
        m_wake.notify_all();
        for (std::thread& thread : m_threads) {
            thread.join();
        }
        m_stopped = true;
    }

    bool submit(Job work, Job done) {
        if (m_pending >= m_queue_max) {
            return false;
        }
        ++m_pending;
        {
            const std::lock_guard lock{m_mutex};
            m_waiting.push_back({std::move(work), std::move(done)});
        }
        m_wake.notify_one();
        return true;
    }

    [[nodiscard]] std::size_t pending() const { return m_pending; }

private:
    struct Task {
        Job work;
        Job done;
    };

    void run() {
        std::unique_lock lock{m_mutex};
        for (;;) {
            m_wake.wait(lock, [this] { return m_stopping || !m_waiting.empty(); });
            if (m_stopping) {
                return;
            }
            Task task = std::move(m_waiting.front());
            m_waiting.pop_front();
            lock.unlock();
            task.work();
            lock.lock();
            m_finished.push_back(std::move(task.done));
            if (m_finished.size() == 1) {  // Later results ride on the same wake-up.
                asio::post(m_io, [weak = weak_from_this()] {
                    if (const std::shared_ptr<Impl> self = weak.lock()) {
                        self->deliver();
                    }
                });
            }
        }
    }

    void deliver() {
        std::vector<Job> finished;
        {
            const std::lock_guard lock{m_mutex};
            finished.swap(m_finished);
        }
        for (const Job& done : finished) {
            if (m_stopped) {
                return;  // A `done` destroyed the pool.
            }
            --m_pending;
            done();
        }
    }

    asio::io_context& m_io;
    const std::size_t m_queue_max;
    std::size_t m_pending{0};  ///< touched on the io_context's thread only
    bool m_stopped{false};     ///< likewise
    std::vector<std::thread> m_threads;

    std::mutex m_mutex;  ///< guards everything below
    std::condition_variable m_wake;
    std::deque<Task> m_waiting;
    std::vector<Job> m_finished;
    bool m_stopping{false};
};

VerifyPool::VerifyPool(asio::io_context& io, std::size_t threads, std::size_t queue_max)
    : m_impl{std::make_shared<Impl>(io, queue_max)} {
    ENSURE(threads >= 1 && queue_max >= 1);
    m_impl->start(threads);
}
VerifyPool::~VerifyPool() { m_impl->stop(); }
bool VerifyPool::submit(Job work, Job done) {
    return m_impl->submit(std::move(work), std::move(done));
}
std::size_t VerifyPool::pending() const { return m_impl->pending(); }

}  // namespace tally::node
