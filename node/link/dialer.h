#pragma once

#include "ledger/base/random.h"
#include "node/link/link.h"
#include "node/runtime/asio_timers.h"

#include <chrono>
#include <functional>
#include <map>
#include <vector>

namespace tally::node {

/// Decides when to dial whom: at once, then after every failure twice as long, within the bounds,
/// with jitter so that a cluster does not reconnect in step. Opens nothing itself.
class Dialer {
public:
    struct Delays {
        std::chrono::milliseconds min;
        std::chrono::milliseconds max;
    };
    /// Dials; ends in exactly one call of `connected` or `failed`.
    using Dial = std::function<void(const DialTarget&)>;

    Dialer(boost::asio::io_context& io, Delays delays, Random& random, Dial dial);

    void set_targets(std::vector<DialTarget> targets);
    void stop();

    /// There is a link with this key, whoever dialed it: no need to dial.
    void connected(const PublicKey& key);
    /// The attempt to dial this key ended without a link.
    void failed(const PublicKey& key);
    /// The link with this key ended. A link that was short-lived counts as a failure.
    void lost(const PublicKey& key, std::chrono::milliseconds lived);

private:
    enum class State : std::uint8_t { waiting, dialing, connected };
    struct Entry {
        DialTarget target;
        State state{State::waiting};
        unsigned failures{0};
        AsioTimers::Id timer{0};
    };

    void schedule(Entry& entry, std::chrono::microseconds delay);
    void dial_now(const PublicKey& key);
    [[nodiscard]] std::chrono::microseconds delay_after(unsigned failures);

    Delays m_delays;
    Random& m_random;
    Dial m_dial;
    AsioTimers m_timers;
    std::map<PublicKey, Entry> m_entries;
    bool m_stopped{false};
};

}  // namespace tally::node
