#include "node/runtime/asio_timers.h"

#include "node/runtime/asio.h"

#include <boost/asio/steady_timer.hpp>

#include <map>

namespace tally::node {

class AsioTimers::Impl : public std::enable_shared_from_this<Impl> {
public:
    explicit Impl(asio::io_context& io) : m_io{io} {}

    Id after(std::chrono::microseconds delay, std::function<void()> action) {
        const Id id = ++m_last_id;
        const auto entry =
            m_timers.try_emplace(id, Timer{asio::steady_timer{m_io, delay}, std::move(action)})
                .first;
        entry->second.timer.async_wait([weak = weak_from_this(), id](const ErrorCode& error) {
            const std::shared_ptr<Impl> self = weak.lock();
            if (self && !error) {
                self->expire(id);
            }
        });
        return id;
    }

    void cancel(Id id) { m_timers.erase(id); }
    void cancel_all() { m_timers.clear(); }
    [[nodiscard]] std::size_t pending() const { return m_timers.size(); }

private:
    struct Timer {
        asio::steady_timer timer;
        std::function<void()> action;
    };

    void expire(Id id) {
        const auto found = m_timers.find(id);
        if (found == m_timers.end()) {
            return;  // Cancelled after it expired, before this handler ran.
        }
        const std::function<void()> action = std::move(found->second.action);
        m_timers.erase(found);
        action();
    }

    asio::io_context& m_io;
    std::map<Id, Timer> m_timers;
    Id m_last_id{0};
};

AsioTimers::AsioTimers(asio::io_context& io) : m_impl{std::make_shared<Impl>(io)} {}
AsioTimers::~AsioTimers() { m_impl->cancel_all(); }

AsioTimers::Id AsioTimers::after(std::chrono::microseconds delay, std::function<void()> action) {
    return m_impl->after(delay, std::move(action));
}
void AsioTimers::cancel(Id id) { m_impl->cancel(id); }
void AsioTimers::cancel_all() { m_impl->cancel_all(); }
std::size_t AsioTimers::pending() const { return m_impl->pending(); }

}  // namespace tally::node
