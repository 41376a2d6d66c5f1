#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>

namespace boost::asio {
class io_context;
}

namespace tally::node {

/// One-shot timers on an io_context, by the monotonic clock.
///
/// Actions run on the io_context's thread, where all members must be called too. Destroying the
/// object cancels all its timers: none of its actions runs afterwards.
class AsioTimers {
public:
    using Id = std::uint64_t;

    explicit AsioTimers(boost::asio::io_context& io);
    ~AsioTimers();
    AsioTimers(const AsioTimers&) = delete;
    AsioTimers& operator=(const AsioTimers&) = delete;

    /// Runs `action` once, no earlier than `delay` from now and never from inside this call.
    Id after(std::chrono::microseconds delay, std::function<void()> action);
    /// The action will not run. No effect when it already ran or was cancelled.
    void cancel(Id id);
    void cancel_all();
    [[nodiscard]] std::size_t pending() const;

private:
    class Impl;
    std::shared_ptr<Impl> m_impl;
};

}  // namespace tally::node
