#pragma once

// Reports of transactions that chargers name and number themselves: which were taken, and which
// wait for one before them. Pure: writes go into the caller's batch.

#include "charger_bridge/metering/signed_track.h"
#include "charger_bridge/session/facts.h"
#include "ledger/base/bytes.h"
#include "ledger/base/key_value_store.h"

#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace tally::bridge {

/// Reports of one transaction that wait for one before them; beyond it the gap is given up.
inline constexpr std::size_t reports_held_max{32};
/// Bytes of held reports, in memory, of one station and of all; beyond it the station that has the
/// most gives up the gap of its oldest transaction, or the charge that it waits to begin.
inline constexpr std::size_t held_of_station_bytes_max{1024UL * 1024};
inline constexpr std::size_t held_bytes_max{64UL * 1024 * 1024};
/// Reports before a transaction had a token, kept for the evidence.
inline constexpr std::size_t reports_before_token_max{16};
inline constexpr std::size_t before_token_bytes_max{64UL * 1024};
inline constexpr std::size_t before_token_of_station_bytes_max{256UL * 1024};
/// Transactions of a station without an end that are followed; then the oldest is forgotten.
inline constexpr std::size_t open_transactions_max{32};
/// Ended transactions remembered over all stations, so that a repeated report is recognised.
inline constexpr std::size_t ended_transactions_max{4'096};
/// Taken reports of a transaction that are known by what they said.
inline constexpr std::size_t reports_seen_max{16};

struct HeldReport {
    ReportFacts facts;
    std::string text;
    /// What it takes in memory, about.
    [[nodiscard]] std::size_t bytes() const;
};

/// One transaction as its reports tell it.
struct Reported {
    std::string station;
    std::string transaction;
    std::uint64_t order{0};            ///< rises with creation
    std::optional<std::int64_t> next;  ///< nothing before the start was seen
    bool ended{false};
    bool start_seen{false};  ///< a report of its start was taken
    std::uint16_t connector{0};
    std::string token;                              ///< said before the connector was known
    bool begun_without_token{false};                ///< by a report that was not about the card
    std::optional<std::int64_t> first_register_wh;  ///< of those before the charge began
    std::optional<std::int64_t> register_wh;        ///< the last of them
    std::vector<std::string> before_token;          ///< texts
    SignedTrack signed_before;                      ///< what the meter signed in these texts
    /// The start and the newest taken ones: sequence and a digest of what they said.
    std::deque<std::pair<std::int64_t, std::uint64_t>> seen;
    std::map<std::int64_t, HeldReport> held;

    // Known only while the process runs.
    std::chrono::milliseconds held_since{0};
    bool asked_pending{false};
    std::map<std::int64_t, CallKey> waiting;  ///< calls of held reports that are about a token

    [[nodiscard]] bool has_seen(const ReportFacts& report) const;
    /// Whether a held report has this number and says the same.
    [[nodiscard]] bool is_held(const ReportFacts& report) const;
    /// Whether the first held report is the next one.
    [[nodiscard]] bool is_ready() const {
        return !held.empty() && next && held.begin()->first <= *next;
    }
    /// A time of the charge may be settled by waiting longer: its end is among the held.
    [[nodiscard]] bool holds_end() const;
    void remember(const ReportFacts& report);
};

/// Durability: `save` puts all but the held reports, `hold` and `unhold` one of those.
class ReportBook {
public:
    static constexpr std::uint8_t key_prefix{'n'};
    static constexpr std::uint8_t held_prefix{'w'};

    /// False when the value is none: data of our own is wrong. All of `load` before `load_held`.
    [[nodiscard]] bool load(ByteView value);
    [[nodiscard]] bool load_held(ByteView value);

    [[nodiscard]] Reported* find(const std::string& station, const std::string& transaction);
    /// Makes room when there are too many; what is forgotten is given back with its held reports.
    Reported& add(const std::string& station, const std::string& transaction, WriteBatch& batch,
                  std::vector<Reported>& forgotten);
    void save(const Reported& reported, WriteBatch& batch) const;
    /// The charger gives the name to another transaction. What was said of the one before is still
    /// known when it is repeated. Nothing of it may be held.
    void begin_anew(Reported& reported);
    void hold(Reported& reported, HeldReport report, WriteBatch& batch);
    /// Takes the first held report out.
    [[nodiscard]] HeldReport unhold(Reported& reported, WriteBatch& batch);
    /// Those that hold a report.
    [[nodiscard]] std::vector<Reported*> holding();
    /// The transaction that has to give up a held report before another one is held: the oldest
    /// that holds any, of `station` or of the one that holds the most. nullptr: all is in bounds.
    [[nodiscard]] Reported* beyond_bounds(const std::string& station);
    [[nodiscard]] std::size_t held_bytes(const std::string& station) const;
    /// Whether another text from before its card can be kept of the transaction.
    [[nodiscard]] bool has_room_before_token(const Reported& reported, std::size_t bytes) const;
    /// No call waits any more: the station went away.
    void forget_calls(const std::string& station);
    [[nodiscard]] std::size_t size() const { return m_entries.size(); }

private:
    using Key = std::pair<std::string, std::string>;
    void erase(const Reported& reported, WriteBatch& batch);
    void count_held(const std::string& station, const HeldReport& report);
    void uncount_held(const std::string& station, const HeldReport& report);
    [[nodiscard]] const Reported* oldest(const std::string* station, bool ended,
                                         std::size_t& count) const;

    std::map<Key, Reported> m_entries;
    std::set<Key> m_holding;
    std::map<std::string, std::size_t> m_held_bytes;  ///< by station, none is 0
    std::size_t m_held_in_all{0};
    std::uint64_t m_next_order{1};
};

}  // namespace tally::bridge
