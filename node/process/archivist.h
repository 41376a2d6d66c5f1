#pragma once

#include "ledger/base/clock.h"
#include "ledger/store/ledger.h"
#include "ledger/store/segment_archiver.h"
#include "node/config/node_config.h"
#include "node/runtime/metrics.h"

#include <boost/asio/io_context.hpp>

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <thread>

namespace tally::node {

/// Applies the retention rule of the node's configuration: now and then looks which closed segments
/// have to leave the data folder, and moves them on a thread of its own, so that copying never
/// delays the loop. A failure is logged, counted and tried again; the node goes on.
///
/// Threads: the loop's, but for the moving. The destructor stops that within one piece of a file
/// and waits; what was under way is taken up at the next start.
class Archivist {
public:
    struct Parts {
        boost::asio::io_context& io;
        FileSystem& files;  ///< of which any thread may use
        std::string segments_folder;
        const KeyValueStore& store;  ///< the ledger's; its snapshots are read on the other thread
        ArchiveConfig config;
        std::function<const Ledger&()> ledger;
        const Clock& clock;
        Metrics& metrics;
    };
    /// How often it looks whether something has to go.
    static constexpr std::chrono::seconds interval{60};

    explicit Archivist(Parts parts);
    ~Archivist();
    Archivist(const Archivist&) = delete;
    Archivist& operator=(const Archivist&) = delete;

    /// To be called every second or so.
    void tick();
    [[nodiscard]] bool is_moving() const noexcept { return m_is_moving; }

private:
    struct Outcome {
        std::uint64_t segments{0};
        std::uint64_t bytes{0};
        std::uint64_t held_back{0};
        std::string problem;  ///< empty: none
    };
    [[nodiscard]] Outcome work(ArchiveSituation situation, const KeyValueStore& values);
    void finished(const Outcome& outcome);

    Parts m_parts;
    std::string m_archive;  ///< absolute
    std::thread m_thread;
    std::atomic<bool> m_stop{false};
    /// What the loop is told after the destructor is for nobody.
    std::shared_ptr<const bool> m_alive{std::make_shared<const bool>(true)};
    bool m_is_moving{false};
    std::chrono::microseconds m_next{0};
    std::string m_last_problem;
};

}  // namespace tally::node
