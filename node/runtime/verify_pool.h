#pragma once

#include <cstddef>
#include <functional>
#include <memory>

namespace boost::asio {
class io_context;
}

namespace tally::node {

/// A fixed number of threads for pure jobs, signature verification above all.
///
/// A job touches nothing but what it was given (by value or immutable). Its `done` runs on the
/// io_context's thread after the job, never at the same time as it; results of several jobs come
/// in the order in which they finished, many to one wake-up. The queue is bounded: a full queue
/// refuses, and the caller treats that like a lost message. A job must not throw.
/// `submit` is for the io_context's thread only. Destruction waits for the jobs that run, drops the
/// queued ones, and no `done` runs after it.
class VerifyPool {
public:
    using Job = std::function<void()>;

    /// `threads` 1 or more; `queue_max` is the number of jobs waiting or running.
    VerifyPool(boost::asio::io_context& io, std::size_t threads, std::size_t queue_max);
    ~VerifyPool();
    VerifyPool(const VerifyPool&) = delete;
    VerifyPool& operator=(const VerifyPool&) = delete;

    /// False when the queue is full; then neither function is ever called.
    [[nodiscard]] bool submit(Job work, Job done);

    /// `work` gives a value that `done` receives.
    template <typename Result>
    [[nodiscard]] bool submit_for(std::function<Result()> work, std::function<void(Result)> done) {
        auto result = std::make_shared<Result>();
        return submit([result, work = std::move(work)] { *result = work(); },
                      [result, done = std::move(done)] { done(std::move(*result)); });
    }

    /// Jobs accepted whose `done` has not run yet.
    [[nodiscard]] std::size_t pending() const;

private:
    class Impl;
    std::shared_ptr<Impl> m_impl;
};

}  // namespace tally::node
