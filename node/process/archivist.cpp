#include "node/process/archivist.h"

#include "node/runtime/asio.h"
#include "node/runtime/logging.h"

#include <boost/asio/post.hpp>

#include <algorithm>
#include <filesystem>
#include <system_error>
#include <utility>

namespace tally::node {
namespace {

std::string absolute(const std::string& folder) {
    std::error_code error;
    const std::filesystem::path path = std::filesystem::absolute(folder, error).lexically_normal();
    return error ? folder : path.string();
}

}  // namespace

Archivist::Archivist(Parts parts)
    : m_parts{std::move(parts)}, m_archive{absolute(m_parts.config.folder)} {
    // Both are there from the start, so that an alert can be written before anything happens.
    m_parts.metrics.counter("tally_segments_archived_total",
                            "Segments moved to the archive folder");
    m_parts.metrics.counter("tally_archive_failures_total",
                            "Runs of the retention rule that failed");
}

Archivist::~Archivist() {
    m_stop = true;
    if (m_thread.joinable()) {
        m_thread.join();
    }
}

void Archivist::tick() {
    const std::chrono::microseconds now = m_parts.clock.monotonic();
    if (m_parts.config.folder.empty() || m_is_moving || now < m_next) {
        return;
    }
    m_next = now + interval;
    const Ledger& ledger = m_parts.ledger();
    std::shared_ptr<KeyValueStore> values{m_parts.store.snapshot()};
    if (!values) {
        return;
    }
    const ArchiveSituation situation{ledger.chain_id(), ledger.final_header().time,
                                     ledger.needed_from()};
    if (m_thread.joinable()) {
        m_thread.join();
    }
    m_is_moving = true;
    m_thread = std::thread{[this, situation, values]() mutable {
        const Outcome outcome = work(situation, *values);
        values.reset();  // before the loop is told, so that the store is free to be closed
        boost::asio::post(m_parts.io, [this, outcome, alive = std::weak_ptr<const bool>{m_alive}] {
            if (!alive.expired()) {
                finished(outcome);
            }
        });
    }};
}

/// On the other thread.
Archivist::Outcome Archivist::work(ArchiveSituation situation, const KeyValueStore& values) {
    Outcome outcome;
    const auto make_plan = [&] {
        return plan_archive(m_parts.files, m_parts.segments_folder, m_parts.config.rule, situation);
    };
    auto plan = make_plan();
    if (plan && !plan->segments.empty()) {
        // What is open is looked through only when something would go.
        const auto oldest = oldest_open_height(values);
        if (!oldest) {
            outcome.problem = oldest.error();
            return outcome;
        }
        situation.needed_from = std::min(situation.needed_from, oldest->value_or(UINT64_MAX));
        plan = make_plan();
    }
    if (!plan) {
        outcome.problem = plan.error();
        return outcome;
    }
    outcome.held_back = plan->held_back;
    if (plan->segments.empty()) {
        return outcome;
    }
    SegmentArchiver archiver{m_parts.files, m_parts.segments_folder, m_archive, situation.chain_id};
    auto moved = archiver.prepare();
    for (std::size_t i = 0; moved && i < plan->segments.size(); ++i) {
        moved = archiver.move(plan->segments[i], [this](ArchiveStep) { return !m_stop; });
        if (moved) {
            ++outcome.segments;
            outcome.bytes += plan->segments[i].bytes;
        }
    }
    if (!moved && !moved.error().stopped) {
        outcome.problem = std::string{to_text(moved.error().step)} + ": " + moved.error().message;
    }
    return outcome;
}

void Archivist::finished(const Outcome& outcome) {
    m_is_moving = false;
    if (outcome.segments > 0) {
        m_parts.metrics
            .counter("tally_segments_archived_total", "Segments moved to the archive folder")
            .add(static_cast<double>(outcome.segments));
        log_info("archive", "segments_moved",
                 {{"segments", outcome.segments},
                  {"bytes", outcome.bytes},
                  {"folder", m_archive},
                  {"held_back", outcome.held_back}});
    }
    if (!outcome.problem.empty()) {
        m_parts.metrics
            .counter("tally_archive_failures_total", "Runs of the retention rule that failed")
            .add();
        if (outcome.problem != m_last_problem) {
            log_warn("archive", "failed", {{"what", outcome.problem}});
        }
    }
    m_last_problem = outcome.problem;
}

}  // namespace tally::node
