#pragma once

// The connections to the operator's own central system, one a charger.

#include "ledger/base/random.h"
#include "node/runtime/asio_timers.h"
#include "node/runtime/websocket_client.h"

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

namespace tally::bridge {

/// Unsent texts to upstream of one charger; then the connection is given up.
inline constexpr std::size_t upstream_queue_bytes_max{256UL * 1024};
/// Connections being made at once; others wait in order, so that an upstream that comes back is not
/// overrun by a site.
inline constexpr std::size_t upstream_dialing_max{64};
inline constexpr std::chrono::seconds upstream_idle_max{120};  ///< pings go out at half of it
/// A connection that lasted so long was a good one: the next is made without waiting long.
inline constexpr std::chrono::seconds upstream_steady{10};

struct UpstreamConfig {
    std::string url;                       ///< "wss://csms.example/ocpp/{id}"
    std::shared_ptr<node::TlsClient> tls;  ///< of a wss URL
    std::string password;                  ///< raw bytes; empty: none
    bool passes_password{false};           ///< what the charger showed, instead
    /// With these, upstream says that it does not know a token.
    std::vector<std::string> unknown_statuses{"Invalid", "Unknown"};
    /// Between two connections of a charger: doubled from the first to the second, and of that
    /// half to whole by chance.
    std::chrono::milliseconds wait_min{500};
    std::chrono::milliseconds wait_max{60'000};
};

/// Where the URL leads for a station; false when it is none, or has no {id} in its path.
[[nodiscard]] bool upstream_target(const std::string& url, const std::string& station,
                                   node::WebSocketTarget& target);

/// Called on the io_context's thread.
struct UpstreamHandlers {
    std::function<void(const std::string& station)> opened;
    std::function<void(const std::string& station, const std::string& text)> received;
    /// A connection ended or could not be made; `why` is a literal of a bounded set. The next is
    /// made by itself.
    std::function<void(const std::string& station, const std::string& why)> closed;
};

/// Keeps a connection for every station that is wanted. How long a station waits is remembered when
/// it goes and comes, so that a charger that reconnects quickly does not overrun upstream. Threads:
/// the io_context's. `random` must outlive it; no handler runs after the destructor.
class UpstreamLines {
public:
    UpstreamLines(boost::asio::io_context& io, Random& random, UpstreamConfig config,
                  UpstreamHandlers handlers);
    ~UpstreamLines();
    UpstreamLines(const UpstreamLines&) = delete;
    UpstreamLines& operator=(const UpstreamLines&) = delete;

    /// From now on there is a connection with this sub-protocol, a new one when there was one.
    /// `authorization` is what the charger showed.
    void want(const std::string& station, const std::string& sub_protocol,
              const std::string& authorization);
    /// No longer; without a call of `closed`.
    void unwant(const std::string& station);
    /// Nothing when the connection is not open.
    void send(const std::string& station, std::string text);
    /// Ends the connection; the next is made by itself.
    void hang_up(const std::string& station, const std::string& why);
    void stop();

    [[nodiscard]] bool is_open(const std::string& station) const;
    [[nodiscard]] std::size_t open_count() const { return m_open.size(); }
    [[nodiscard]] std::size_t dialing_count() const { return m_dialing.size(); }

private:
    struct Line {
        std::string sub_protocol;
        std::string authorization;
        std::unique_ptr<node::WebSocketClient> socket;
        node::AsioTimers::Id timer{0};
        std::chrono::steady_clock::time_point opened_at;
    };
    /// What is remembered of a station that goes away: at most one for each station of the site.
    struct Manners {
        std::chrono::milliseconds wait{0};
        std::chrono::steady_clock::time_point not_before;
    };

    void dial_when_due(const std::string& station);
    void dial(const std::string& station);
    void dial_next();
    void opened(const std::string& station);
    void ended(const std::string& station, const std::string& why);
    void forget_socket(Line& line, const std::string& station);
    [[nodiscard]] std::chrono::milliseconds part_of(std::chrono::milliseconds wait);

    boost::asio::io_context& m_io;
    Random& m_random;
    UpstreamConfig m_config;
    UpstreamHandlers m_handlers;
    std::map<std::string, Line> m_lines;
    std::map<std::string, Manners> m_manners;
    std::set<std::string> m_dialing;
    std::deque<std::string> m_queue;  ///< that may be dialed when another is done
    std::set<std::string> m_open;
    node::AsioTimers m_timers;
};

}  // namespace tally::bridge
