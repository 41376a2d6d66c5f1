#include "node/replica/replica.h"

#include "ledger/state/epochs.h"
#include "ledger/state/queries.h"
#include "node/runtime/asio.h"
#include "node/runtime/exit_codes.h"
#include "node/runtime/logging.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

#include <algorithm>
#include <cstdlib>
#include <utility>

namespace tally::node {

namespace {

/// The node's own data is wrong or its disk failed: stopping is the only safe answer, and a restart
/// goes through recovery.
[[noreturn]] void stop_for_good(const std::string& what) {
    log_error("replica", "fatal", {{"what", what}});
    std::abort();
}

}  // namespace

Replica::Replica(ReplicaOptions options, ReplicaPorts ports)
    : m_options{std::move(options)}, m_ports{std::move(ports)}, m_timers{m_ports.io} {}

Replica::~Replica() = default;

Expected<std::unique_ptr<Replica>, LedgerOpenError> Replica::open(ReplicaOptions options,
                                                                  ReplicaPorts ports) {
    std::unique_ptr<Replica> replica{new Replica{std::move(options), std::move(ports)}};
    LedgerOptions ledger_options;
    ledger_options.snapshot_interval = replica->m_options.snapshot_interval;
    ledger_options.known_features = replica->m_options.known_features;
    ledger_options.keep_finished = replica->m_options.keep_finished;
    ledger_options.segment_bytes = replica->m_options.segment_bytes;
    Expected<std::unique_ptr<Ledger>, LedgerOpenError> ledger =
        Ledger::open(replica->m_ports.files, replica->m_ports.state_store,
                     replica->m_options.data_dir + "/ledger/segments", replica->m_options.genesis,
                     replica->m_signatures, replica->m_ports.clock, ledger_options);
    if (!ledger) {
        return Unexpected{ledger.error()};
    }
    replica->m_ledger = std::move(ledger).value();
    replica->make_driver();
    return replica;
}

consensus::DriverOptions Replica::driver_options() const {
    const Parameters parameters = find_parameters(m_ledger->final_state());
    consensus::DriverOptions options;
    options.chain_id = m_ledger->chain_id();
    options.delta = std::chrono::milliseconds{parameters.delta};
    options.idle_interval = std::chrono::milliseconds{parameters.idle_interval};
    options.skip_timeout = std::chrono::milliseconds{parameters.skip_timeout};
    options.fetch_timeout = std::max(options.fetch_timeout, 2 * options.delta);
    options.block_limits.count_max = block_envelopes_max;
    options.block_limits.bytes_max = block_bytes_max;
    return options;
}

void Replica::make_driver() {
    LedgerObserver& observer = *this;
    m_application = std::make_unique<LedgerApplication>(*m_ledger, observer);
    m_gate = std::make_unique<EnvelopeGate>(
        m_ledger->chain_id(),
        EnvelopeGate::Ports{m_ports.pool, m_mempool, m_signatures, m_ports.clock,
                            [this](const PartyId& party) -> std::optional<PublicKey> {
                                const auto member = find_member(m_ledger->final_state(), party);
                                return member ? std::optional{member->member.member_key}
                                              : std::nullopt;
                            }});
    consensus::DriverPorts ports{.clock = m_ports.driver_clock,
                                 .transport = *this,
                                 .timers = *this,
                                 .intake = *this,
                                 .self = consensus::MemberKey{m_options.member.data},
                                 .signer_for = m_ports.signer_for,
                                 .journal = &m_ports.journal,
                                 .fatal = stop_for_good,
                                 .on_nullified = m_ports.on_nullified,
                                 .on_evidence = m_ports.on_evidence};
    m_driver = std::make_unique<consensus::Driver>(driver_options(), std::move(ports),
                                                   *m_application, m_mempool);
}

void Replica::start(BlockHandler on_final) {
    m_on_final = std::move(on_final);
    m_driver->start();
}

void Replica::peer_connected(const PeerIdentity& peer) {
    if (!peer.member) {
        return;
    }
    const consensus::PeerId id = m_next_peer++;
    m_peer_keys[id] = peer.link_key;
    m_peer_ids[peer.link_key] = id;
    m_driver->on_connected({id, consensus::MemberKey{peer.member->data}});
}

void Replica::peer_disconnected(const PeerIdentity& peer) {
    const auto found = m_peer_ids.find(peer.link_key);
    if (found == m_peer_ids.end()) {
        return;
    }
    const consensus::PeerId id = found->second;
    m_peer_ids.erase(found);
    m_peer_keys.erase(id);
    m_bad_gossip.erase(id);
    m_driver->on_disconnected(id);
}

void Replica::frame_received(const PeerIdentity& peer, ByteView frame) {
    const auto found = m_peer_ids.find(peer.link_key);
    if (found != m_peer_ids.end()) {
        m_driver->on_message(found->second, frame);
    }
}

void Replica::submit(Bytes envelope, std::function<void(GateResult)> done) {
    auto kept = std::make_shared<const Bytes>(envelope);
    auto finish = [this, kept, done = std::move(done)](GateResult result) {
        if (result == GateResult::added) {
            envelope_added(*kept);
        }
        done(result);
    };
    m_gate->offer(own_clients, std::move(envelope), std::move(finish));
}

GateResult Replica::submit_own(const Bytes& envelope) {
    const auto member = find_member(m_ledger->final_state(), m_options.member);
    ENSURE(member.has_value());
    const GateResult result = m_gate->admit_own(envelope, member->member.member_key);
    if (result == GateResult::added) {
        envelope_added(envelope);
    } else if (result == GateResult::already_known &&
               m_mempool.find(envelope_hash(envelope)) != nullptr) {
        m_driver->gossip(envelope);  // again, for whoever was not linked the last time
    }
    return result;
}

void Replica::envelope_added(const Bytes& envelope) {
    m_driver->gossip(envelope);
    announce_envelopes();
}

void Replica::announce_envelopes() {
    // Many envelopes of one turn of the loop are one event for consensus.
    if (m_announcement_posted) {
        return;
    }
    m_announcement_posted = true;
    boost::asio::post(m_ports.io, [this] {
        m_announcement_posted = false;
        m_driver->on_envelope_available();
    });
}

void Replica::block_final(const Hash& /*digest*/,
                          const std::shared_ptr<const FinalizedBlock>& block) {
    m_final_blocks.push_back(block);
    if (!m_delivery_posted) {
        m_delivery_posted = true;
        boost::asio::post(m_ports.io, [this] { deliver_final_blocks(); });
    }
}

void Replica::deliver_final_blocks() {
    m_delivery_posted = false;
    while (!m_final_blocks.empty()) {
        const std::shared_ptr<const FinalizedBlock> block = std::move(m_final_blocks.front());
        m_final_blocks.pop_front();
        m_on_final(*block);
    }
}

void Replica::block_refused(const Hash& digest, const BlockError& error) {
    ++m_refused_blocks;
    log_warn("replica", "block_refused", {{"digest", to_hex(digest)}, {"what", error.what}});
}

void Replica::feature_unknown(std::uint32_t feature) {
    log_error("replica", "feature_unknown",
              {{"feature", feature},
               {"effect",
                "the protocol has a feature that this program does not know: it stops; install a "
                "newer release"}});
    std::_Exit(exit_outdated);
}

void Replica::send(consensus::PeerId peer, Bytes frame) {
    const auto found = m_peer_keys.find(peer);
    if (found != m_peer_keys.end()) {
        m_ports.send(found->second, std::move(frame));
    }
}

void Replica::disconnect(consensus::PeerId peer, const char* reason) {
    const auto found = m_peer_keys.find(peer);
    if (found != m_peer_keys.end()) {
        // Later: closing calls back as `peer_disconnected`, which must not happen in this turn.
        boost::asio::post(m_ports.io,
                          [this, key = found->second, reason] { m_ports.disconnect(key, reason); });
    }
}

void Replica::wake_after(std::chrono::microseconds delay) {
    if (m_wake) {
        m_timers.cancel(*m_wake);
    }
    m_wake = m_timers.after(delay, [this] {
        m_wake.reset();
        m_driver->on_timer();
    });
}

void Replica::received(consensus::PeerId from, Bytes envelope) {
    m_gate->offer(from, std::move(envelope), [this, from](GateResult result) {
        if (result == GateResult::added) {
            announce_envelopes();
        } else if (result == GateResult::malformed) {
            disconnect(from, "gossip_malformed");  // its sender should have looked
        } else if (result == GateResult::bad_signature && m_peer_keys.count(from) != 0 &&
                   ++m_bad_gossip[from] > bad_gossip_max) {
            disconnect(from, "gossip_unsigned");
        }
    });
}

}  // namespace tally::node
