#pragma once

#include "ledger/base/clock.h"
#include "ledger/store/leveldb_store.h"
#include "node/runtime/metrics.h"

#include <boost/asio/io_context.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <thread>

namespace tally::node {

/// Deleted entries of a table from which on its files are written anew: when the node had no
/// transactions for `compactor_quiet`, and at any time.
inline constexpr std::uint64_t compacted_when_quiet{20'000};
inline constexpr std::uint64_t compacted_at_once{1'000'000};
inline constexpr std::chrono::seconds compactor_quiet{60};
/// Of one table's files, at most about this is written anew in one go; LevelDB may do what it finds
/// more urgent before the next.
inline constexpr std::uint64_t compacted_piece_bytes{32UL * 1024 * 1024};

/// Gives back the room that deleted entries of the state store take: LevelDB itself does so only
/// where others are written. Works off-peak, table by table in bounded pieces, on a thread of its
/// own, so that it delays the loop as little as LevelDB's own compactions do.
///
/// Threads: the loop's, but for one piece at a time. The destructor waits for the one under way.
/// Errors: a disk that fails shows in the node's next write, which ends the process.
class Compactor {
public:
    struct Parts {
        boost::asio::io_context& io;
        LevelDbStore& store;
        /// Entries that were deleted from each table since the start.
        std::function<const std::map<std::uint8_t, std::uint64_t>&()> erased;
        /// Grows with every transaction.
        std::function<std::uint64_t()> log_size;
        const Clock& clock;
        Metrics& metrics;
        std::uint64_t piece_bytes{compacted_piece_bytes};
    };

    explicit Compactor(Parts parts);
    ~Compactor();
    Compactor(const Compactor&) = delete;
    Compactor& operator=(const Compactor&) = delete;

    /// To be called every second or so; begins at most one piece.
    void tick();
    [[nodiscard]] bool is_working() const noexcept { return m_is_working; }
    /// A table is under way, between two pieces or in one.
    [[nodiscard]] bool has_work() const noexcept { return m_table.has_value(); }

private:
    [[nodiscard]] bool is_quiet();
    [[nodiscard]] std::optional<std::uint8_t> find_table(std::uint64_t erased_min) const;
    void finished(const Bytes& end);

    Parts m_parts;
    std::thread m_thread;
    /// What the loop is told after the destructor is for nobody.
    std::shared_ptr<const bool> m_alive{std::make_shared<const bool>(true)};
    bool m_is_working{false};
    std::optional<std::uint8_t> m_table;                ///< the one under way
    Bytes m_from;                                       ///< where its next piece begins
    std::map<std::uint8_t, std::uint64_t> m_compacted;  ///< of `erased`, what is dealt with
    std::uint64_t m_log_size{0};
    std::chrono::microseconds m_last_change;
};

}  // namespace tally::node
