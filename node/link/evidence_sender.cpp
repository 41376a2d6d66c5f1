#include "node/link/evidence_sender.h"

#include <algorithm>
#include <utility>

namespace tally::node {

namespace {

using std::chrono::milliseconds;

/// Without an answer for so long a message is repeated; after so many of them the peer is left
/// alone for a while.
constexpr milliseconds answer_wait{10'000};
constexpr std::uint32_t attempts_max{3};
constexpr milliseconds quiet_time{30'000};
/// From the end of one round to the begin of the next.
constexpr milliseconds round_pause{3'000};
/// Looked at in one tick, so that a round over much that cannot be sent now costs little at once.
constexpr std::size_t looked_at_max{8};

}  // namespace

void EvidenceSender::tick(Milliseconds now) {
    refill(now);
    if (now < m_quiet_until) {
        return;
    }
    for (auto it = m_files.begin(); it != m_files.end();) {
        const auto current = it++;
        File& file = current->second;
        const bool is_late = !file.is_due && file.sent + answer_wait <= now;
        if (is_late && file.attempts >= attempts_max) {
            m_files.clear();  // the peer does not answer: neither will it for the others
            m_quiet_until = now + quiet_time;
            return;
        }
        if (file.is_due || is_late) {
            file.is_due = !transmit(file, now);
        }
    }
    take_next(now);
}

void EvidenceSender::refill(Milliseconds now) {
    const std::int64_t passed = std::clamp<std::int64_t>((now - m_refilled).count(), 0, 1000);
    m_refilled = now;
    m_budget =
        std::min(evidence_bytes_per_second, m_budget + evidence_bytes_per_second * passed / 1000);
}

void EvidenceSender::take_next(Milliseconds now) {
    if (m_files.size() >= evidence_sending_max || now < m_next_round) {
        return;
    }
    const std::vector<WaitingEvidence> waiting = m_source.waiting(m_after, looked_at_max);
    for (const WaitingEvidence& each : waiting) {
        if (m_files.size() >= evidence_sending_max) {
            return;
        }
        m_after = each.hash;
        if (File* const begun = begin(each)) {
            begun->is_due = !transmit(*begun, now);
        }
    }
    if (waiting.size() < looked_at_max) {
        m_after.reset();
        m_next_round = now + round_pause;
    }
}

EvidenceSender::File* EvidenceSender::begin(const WaitingEvidence& waiting) {
    if (m_files.contains(waiting.hash) || m_refused.contains(waiting.hash)) {
        return nullptr;
    }
    auto bytes = m_source.file(waiting.hash);
    if (!bytes || bytes->empty() || bytes->size() > evidence_file_bytes_max) {
        return nullptr;
    }
    File file;
    file.offer = {waiting.hash, waiting.authorization, static_cast<std::uint32_t>(bytes->size())};
    file.bytes = std::move(*bytes);
    return &m_files.emplace(waiting.hash, std::move(file)).first->second;
}

bool EvidenceSender::transmit(File& file, Milliseconds now) {
    if (m_budget <= 0) {
        return false;
    }
    file.attempts += 1;
    file.sent = now;
    if (!file.next) {
        m_budget -= 256;  // an offer costs the peer a look into the ledger
        m_source.send(file.offer);
        return true;
    }
    const std::size_t length = std::min(evidence_chunk_bytes_max, file.bytes.size() - *file.next);
    const ByteView piece = ByteView{file.bytes}.subspan(*file.next, length);
    m_budget -= static_cast<std::int64_t>(length);
    m_source.send(EvidenceChunk{file.offer.hash, *file.next, {piece.begin(), piece.end()}});
    return true;
}

EvidenceSender::Outcome EvidenceSender::on_answer(const EvidenceAnswer& answer, Milliseconds now) {
    const auto found = m_files.find(answer.hash);
    if (found == m_files.end()) {
        return Outcome::none;
    }
    File& file = found->second;
    switch (answer.verdict) {
        case EvidenceVerdict::more:
            // The same again is a repetition of what was answered already.
            if (answer.next < file.bytes.size() && file.next != answer.next) {
                file.next = answer.next;
                file.attempts = 0;
                file.is_due = true;
                refill(now);
                file.is_due = !transmit(file, now);
            }
            return Outcome::none;
        case EvidenceVerdict::kept:
            m_files.erase(found);
            return Outcome::done;
        case EvidenceVerdict::unknown:
        case EvidenceVerdict::busy:
            m_files.erase(found);
            return Outcome::none;
        case EvidenceVerdict::refused:
            m_files.erase(found);
            if (m_refused.size() >= evidence_refused_max) {
                m_refused.erase(m_refused.begin());
            }
            m_refused.insert(answer.hash);
            return Outcome::refused;
    }
    return Outcome::none;
}

void EvidenceSender::restart() {
    m_files.clear();
    m_after.reset();
    m_next_round = m_quiet_until = Milliseconds{0};
}

}  // namespace tally::node
