#include "consensus/driver/driver.h"

#include "consensus/driver/driver_impl.h"
#include "consensus/planted_bug.h"
#include "ledger/base/check.h"

#include <algorithm>

namespace tally::consensus {
Driver::Impl::Impl(DriverOptions options, DriverPorts ports, Application& application,
                   Mempool& mempool)
    : m_options{std::move(options)},
      m_ports{std::move(ports)},
      m_application{application},
      m_mempool{mempool},
      m_fetcher{m_options.fetch_timeout},
      m_tree{m_options.block_limits.bytes_max} {
    ENSURE(m_options.block_limits.bytes_max <= block_response_bytes_max);
    ENSURE(m_ports.journal != nullptr);
}

void Driver::Impl::start() {
    ENSURE(m_core == nullptr);
    recover();
    m_next_status = now() + m_options.status_interval;
    m_new_evidence = evidence();
    feed(Started{});
    allow_voting_if_heard();
    run_turn();
}

/// Everything that a call from outside leads to. Publication comes last: only what is durable by
/// then leaves the process.
void Driver::Impl::run_turn() {
    if (m_halted || m_core == nullptr) {
        return;
    }
    do {
        drain();
        progress();
    } while (!m_events.empty() && !m_halted);
    observe_if_record_is_old();
    request_missing();
    publish();
    compact_journal();
    m_sender = 0;
    if (!m_halted) {
        arm_timer();
    }
}

void Driver::Impl::drain() {
    while (!m_events.empty() && !m_halted) {
        const Event event = std::move(m_events.front());
        m_events.pop_front();
        Effects effects = m_core->step(event, now());
        for (Effect& effect : effects) {
            std::visit([this](auto& concrete) { perform(concrete); }, effect);
        }
    }
}

/// Durably: a restart must not take the old record for a new one.
void Driver::Impl::observe_if_record_is_old() {
    if (m_halted || !m_signer || !m_core->has_lost_record()) {
        return;
    }
    m_signer.reset();
    m_ports.journal->forget_record();
    m_halted = m_ports.journal->has_failed();
}

/// Who does not vote need not remember either: its journal stays as it is.
void Driver::Impl::publish() {
    if (m_unkept_finalization && !m_halted && m_signer &&
        final_block().view < m_unkept_finalization->statement.view) {
        m_ports.journal->append_certificate(*m_unkept_finalization);
    }
    m_unkept_finalization.reset();
    if (!m_halted) {
        sync_journal();
    }
    // Journal must be synced before anything is sent.
    ENSURE(m_halted || m_ports.journal->is_synced());
    transmit();
    if (!m_halted) {
        tell_evidence();
    }
}

/// Sends what waits. Only `publish` may call this.
void Driver::Impl::transmit() {
    const std::vector<Outgoing> outbox = std::exchange(m_outbox, {});
    if (m_halted) {
        return;
    }
    for (const Outgoing& outgoing : outbox) {
        if (outgoing.audience == Audience::one) {
            m_ports.transport.send(outgoing.peer, outgoing.frame);
            continue;
        }
        for (const auto& [id, peer] : m_peers.all()) {
            if (outgoing.audience == Audience::all || peer.index) {
                m_ports.transport.send(id, outgoing.frame);
            }
        }
    }
}

/// Rewrites the journal when it has grown: what is final is in the ledger's segments by now.
void Driver::Impl::compact_journal() {
    if (m_halted || !m_signer || !m_ports.journal->wants_compaction()) {
        return;
    }
    JournalState live;
    for (const TreeBlock* block : m_tree.by_height()) {
        if (block->journaled && !planted(PlantedBug::compaction_drops_blocks)) {
            live.blocks.push_back({block->header, block->envelopes});
        }
    }
    // The tree knows one certificate of a block; one that was proposed again has several, and each
    // settles its own view.
    live.certificates = m_core->unfinalized_certificates();
    for (const QuorumCertificate& certificate : m_tree.certificates()) {
        if (!m_core->holds_unfinalized(certificate)) {
            live.certificates.push_back(certificate);
        }
    }
    if (m_own_proposal_view >= m_core->view()) {
        live.own_proposal = m_own_proposal;
    }
    m_ports.journal->compact(live);
    m_halted = m_ports.journal->has_failed();
}

/// A wake-up that is armed for an earlier time is left alone: it arms the next one itself. So the
/// normal path, with new deadlines every few milliseconds, hardly touches the timer.
void Driver::Impl::arm_timer() {
    Time next = m_next_status;
    for (const std::optional<Time>& deadline :
         {m_core->next_deadline(), m_fetcher.next_deadline(), m_clock_wait, next_range_check(),
          next_pending_check()}) {
        next = deadline ? std::min(next, *deadline) : next;
    }
    if (m_armed && *m_armed <= next) {
        return;
    }
    m_armed = next;
    m_ports.timers.wake_after(std::max(Time{0}, next - now()));
}

void Driver::Impl::on_timer() {
    if (m_halted || m_core == nullptr) {
        return;
    }
    m_armed.reset();
    if (now() >= m_next_status) {
        m_next_status = now() + m_options.status_interval;
        for (const auto& [id, peer] : m_peers.all()) {
            send_status(peer);
        }
    }
    if (m_clock_wait && now() >= *m_clock_wait) {
        m_clock_wait.reset();
    }
    feed(Tick{});
    if (next_pending_check() && is_pending()) {
        feed(PendingChanged{true});
    }
    run_turn();
}

void Driver::Impl::on_connected(const Peer& peer) {
    ENSURE(m_core != nullptr);
    if (m_halted) {
        return;
    }
    greet(m_peers.add(peer));
    run_turn();
}

void Driver::Impl::on_disconnected(PeerId peer) {
    m_peers.remove(peer);
    m_fetcher.forget(peer);
    if (m_range_part && m_range_part->peer == peer) {
        m_range_part.reset();
    }
    run_turn();
}

void Driver::Impl::on_envelope_available() {
    if (!m_halted && m_core != nullptr && !m_core->has_pending() && is_pending()) {
        feed(PendingChanged{true});
        run_turn();
    }
}

void Driver::Impl::gossip(const Bytes& envelope) {
    send_to_all(EnvelopeGossip{envelope});
    run_turn();
}

void Driver::Impl::halt(const std::string& what) {
    m_halted = true;
    if (m_ports.fatal) {
        m_ports.fatal(what);
    }
}

void Driver::Impl::send(PeerId peer, const Message& message) {
    m_outbox.push_back({Audience::one, peer, encode_message(message)});
}

void Driver::Impl::send_to_validators(const Message& message) {
    m_outbox.push_back({Audience::validators, 0, encode_message(message)});
}

void Driver::Impl::send_to_all(const Message& message) {
    m_outbox.push_back({Audience::all, 0, encode_message(message)});
}

DriverFigures Driver::Impl::figures() const {
    DriverFigures status = m_counters;
    const BlockMeta final = m_application.last_final();
    status.final_height = final.height;
    status.final_digest = final.digest;
    status.peers = m_peers.all().size();
    status.unfinalized_blocks = m_tree.size();
    status.arrivals_bytes = m_arrivals.bytes();
    status.range_blocks = m_range_part ? m_range_part->blocks.size() : 0;
    for (const auto& [id, peer] : m_peers.all()) {
        status.validators_connected += peer.index ? 1U : 0U;
    }
    status.safety = m_ports.journal->safety();
    if (m_core == nullptr) {
        return status;
    }
    status.epoch = m_epoch.epoch;
    status.view = m_core->view();
    status.leader = m_core->leader(status.view);
    status.last_final_view = m_core->last_final_view();
    status.vote_views = m_core->vote_views();
    status.certificates = m_core->certificates_held();
    status.delta = m_core->delta();
    status.alarm = status.view - status.last_final_view > unfinalized_views_alarm;
    status.role = !m_self                                  ? Role::follower
                  : !m_signer || m_core->has_lost_record() ? Role::observer
                  : m_heard_enough                         ? Role::validator
                                                           : Role::waiting;
    return status;
}

Driver::Driver(DriverOptions options, DriverPorts ports, Application& application, Mempool& mempool)
    : m_impl{std::make_unique<Impl>(std::move(options), std::move(ports), application, mempool)} {}
Driver::~Driver() = default;

void Driver::start() { m_impl->start(); }
void Driver::on_connected(const Peer& peer) { m_impl->on_connected(peer); }
void Driver::on_disconnected(PeerId peer) { m_impl->on_disconnected(peer); }
void Driver::on_message(PeerId peer, ByteView frame) { m_impl->on_message(peer, frame); }
void Driver::on_timer() { m_impl->on_timer(); }
void Driver::on_envelope_available() { m_impl->on_envelope_available(); }
void Driver::gossip(const Bytes& envelope) { m_impl->gossip(envelope); }
DriverFigures Driver::figures() const { return m_impl->figures(); }
DriverStatus Driver::status() const { return m_impl->status(); }
std::vector<Evidence> Driver::evidence() const { return m_impl->evidence(); }

}  // namespace tally::consensus
