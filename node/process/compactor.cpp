#include "node/process/compactor.h"

#include "node/runtime/asio.h"
#include "node/runtime/logging.h"

#include <boost/asio/post.hpp>

#include <utility>

namespace tally::node {
namespace {

/// The first key behind a table's.
Bytes end_of(std::uint8_t table) { return {static_cast<std::uint8_t>(table + 1)}; }

MetricCounter tables_counter(Metrics& metrics) {
    return metrics.counter("tally_leveldb_tables_compacted_total",
                           "Tables written anew because much of them was deleted",
                           {{"store", "state"}});
}

}  // namespace

Compactor::Compactor(Parts parts)
    : m_parts{std::move(parts)},
      m_log_size{m_parts.log_size()},
      m_last_change{m_parts.clock.monotonic()} {
    tables_counter(m_parts.metrics);
}

Compactor::~Compactor() {
    if (m_thread.joinable()) {
        m_thread.join();
    }
}

bool Compactor::is_quiet() {
    const std::uint64_t log_size = m_parts.log_size();
    const std::chrono::microseconds now = m_parts.clock.monotonic();
    if (log_size != m_log_size) {
        m_log_size = log_size;
        m_last_change = now;
    }
    return now - m_last_change >= compactor_quiet;
}

std::optional<std::uint8_t> Compactor::find_table(std::uint64_t erased_min) const {
    for (const auto& [table, erased] : m_parts.erased()) {
        const auto compacted = m_compacted.find(table);
        const std::uint64_t before = compacted == m_compacted.end() ? 0 : compacted->second;
        if (erased - before >= erased_min && table < UINT8_MAX) {
            return table;
        }
    }
    return std::nullopt;
}

void Compactor::tick() {
    const bool quiet = is_quiet();
    if (m_is_working) {
        return;
    }
    if (!m_table) {
        m_table = find_table(quiet ? compacted_when_quiet : compacted_at_once);
        if (!m_table) {
            return;
        }
        m_compacted[*m_table] = m_parts.erased().at(*m_table);
        m_from = {*m_table};
    }
    if (m_thread.joinable()) {
        m_thread.join();
    }
    m_is_working = true;
    m_thread = std::thread{[this, from = m_from, to = end_of(*m_table)] {
        const Bytes end = m_parts.store.compact(from, to, m_parts.piece_bytes);
        boost::asio::post(m_parts.io, [this, end, alive = std::weak_ptr<const bool>{m_alive}] {
            if (!alive.expired()) {
                finished(end);
            }
        });
    }};
}

void Compactor::finished(const Bytes& end) {
    m_is_working = false;
    m_from = end;
    if (end == end_of(*m_table)) {
        log_info("storage", "table_compacted", {{"table", *m_table}});
        tables_counter(m_parts.metrics).add();
        m_table.reset();
    }
}

}  // namespace tally::node
