#include "charger_bridge/evidence_feeder.h"

#include "charger_bridge/session/evidence.h"
#include "charger_bridge/session/evidence_to_send.h"
#include "node/runtime/logging.h"

#include <utility>

namespace tally::bridge {

EvidenceFeeder::EvidenceFeeder(Parts parts)
    : m_parts{std::move(parts)},
      m_sender{{[this](const std::optional<Hash>& after, std::size_t count_max) {
                    return waiting(after, count_max);
                },
                [this](const Hash& hash) { return file_of(hash); },
                [this](const node::EvidenceMessage& message) { m_parts.send(message); }}} {}

std::chrono::milliseconds EvidenceFeeder::now() const {
    return std::chrono::duration_cast<std::chrono::milliseconds>(m_parts.clock.monotonic());
}

void EvidenceFeeder::tick() {
    if (m_is_connected && !m_has_failed) {
        m_sender.tick(now());
    }
}

void EvidenceFeeder::node_connected() {
    m_is_connected = true;
    m_sender.restart();
}

void EvidenceFeeder::node_said(const node::EvidenceMessage& message) {
    const auto* const answer = std::get_if<node::EvidenceAnswer>(&message);
    if (answer == nullptr) {
        m_parts.metrics
            .counter("tally_bridge_node_malformed_total", "Frames of the node not understood")
            .add();
        return;
    }
    switch (m_sender.on_answer(*answer, now())) {
        case node::EvidenceSender::Outcome::none:
            return;
        case node::EvidenceSender::Outcome::done:
            forget({answer->hash});
            m_parts.metrics
                .counter("tally_bridge_evidence_delivered_total",
                         "Charges whose texts the node has on its disk")
                .add();
            return;
        case node::EvidenceSender::Outcome::refused:
            m_parts.metrics
                .counter("tally_bridge_evidence_refused_total",
                         "Charges whose texts the node says do not have the hash of the record")
                .add();
            node::log_error("evidence", "refused_by_node", {{"hash", to_hex(answer->hash)}});
            return;
    }
}

std::vector<node::WaitingEvidence> EvidenceFeeder::waiting(const std::optional<Hash>& after,
                                                           std::size_t count_max) {
    const auto listed = list_evidence_to_send(m_parts.store, after, count_max);
    if (!listed) {
        fail();
        return {};
    }
    std::vector<node::WaitingEvidence> found;
    std::vector<Hash> too_old;
    for (const EvidenceToSend& one : *listed) {
        found.push_back({one.hash, one.authorization});
        if (one.ended + evidence_to_send_ms_max < m_parts.clock.now()) {
            too_old.push_back(one.hash);
        }
    }
    forget(too_old);
    return found;
}

std::optional<Bytes> EvidenceFeeder::file_of(const Hash& hash) {
    auto kept = find_evidence(m_parts.store, hash);
    if (!kept) {
        fail();
        return std::nullopt;
    }
    if (!*kept || !(*kept)->is_whole) {
        forget({hash});  // it will never be whole again
        m_parts.metrics
            .counter("tally_bridge_evidence_not_whole_total",
                     "Charges with more texts than are kept: the node gets none")
            .add();
        return std::nullopt;
    }
    const node::EvidenceFile file{(*kept)->session, std::move((*kept)->texts)};
    if (!is_within_bounds(file)) {
        forget({hash});
        return std::nullopt;
    }
    return encode_evidence_file(file);
}

void EvidenceFeeder::forget(const std::vector<Hash>& hashes) {
    if (hashes.empty()) {
        return;
    }
    WriteBatch batch;
    for (const Hash& hash : hashes) {
        erase_evidence_to_send(batch, hash);
    }
    // If this is lost, the node is asked once more and says again that it has it.
    if (!m_parts.store.write(batch, false)) {
        fail();
    }
}

void EvidenceFeeder::fail() {
    m_has_failed = true;
    m_parts.storage_failed();
}

}  // namespace tally::bridge
