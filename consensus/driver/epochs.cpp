// From one epoch to the next, and what peers of another epoch are told.

#include "consensus/driver/driver_impl.h"
#include "consensus/planted_bug.h"
#include "ledger/base/check.h"

#include <algorithm>
#include <utility>

namespace tally::consensus {
namespace {

std::vector<VerifyKey> parse_keys(const std::vector<EpochValidator>& validators) {
    std::vector<VerifyKey> parsed;
    for (const EpochValidator& validator : validators) {
        const std::optional<VerifyKey> read = VerifyKey::parse(validator.key);
        ENSURE(read.has_value());
        parsed.push_back(*read);
    }
    return parsed;
}

}  // namespace

/// Takes over the epoch of the block after the last final one: its validators, our place among them
/// and our journal. A journal of a later epoch than the ledger's (whose folder was put back from an
/// older copy) is left alone until the ledger has caught up; until then nothing is signed.
void Driver::Impl::load_epoch(bool with_record) {
    const EpochInfo before = std::exchange(m_epoch, m_application.epoch());
    if (planted(PlantedBug::old_set_after_epoch) && !before.validators.empty()) {
        m_epoch.validators = before.validators;
    }
    ENSURE(!m_epoch.validators.empty() && m_epoch.validators.size() <= validators_max);
    m_keys = parse_keys(m_epoch.validators);
    if (m_epoch.timing) {
        m_options.delta = m_epoch.timing->delta;
        m_options.idle_interval = m_epoch.timing->idle_interval;
        m_options.skip_timeout = m_epoch.timing->skip_timeout;
    }
    m_peers.set_validators(m_epoch.validators);
    m_self.reset();
    m_signer.reset();
    Journal& journal = *m_ports.journal;
    if (journal.epoch() < m_epoch.epoch) {
        journal.begin_epoch(m_epoch.epoch, with_record);
    }
    const bool may_sign = journal.has_record() && journal.epoch() == m_epoch.epoch;
    for (std::size_t i = 0; i < m_epoch.validators.size() && m_ports.signer_for; ++i) {
        const bool is_self = m_epoch.validators[i].member == m_ports.self;
        Signer* key = is_self ? m_ports.signer_for(m_epoch.validators[i].key) : nullptr;
        if (key == nullptr) {
            continue;
        }
        ENSURE(key->public_key() == m_epoch.validators[i].key);
        m_self = static_cast<ValidatorIndex>(i);
        if (may_sign) {
            m_signer.emplace(*key, journal, m_options.chain_id, *m_self);
        }
        break;
    }
}

void Driver::Impl::make_core(CoreStart start) {
    CoreOptions options;
    options.chain_id = m_options.chain_id;
    options.epoch = m_epoch.epoch;
    options.previous_seal = m_epoch.previous_seal;
    options.validators = m_keys;
    options.self = m_self;
    options.delta = m_options.delta;
    options.delta_max = m_options.delta_max;
    options.idle_interval = m_options.idle_interval;
    options.retry_interval = m_options.retry_interval;
    options.skip_timeout = m_options.skip_timeout;
    options.check_signature = m_ports.check_signature;
    start.safety.epoch = m_epoch.epoch;
    m_core = std::make_unique<Core>(std::move(options), std::move(start));
}

/// The last final block has ended its epoch. What was promised in it is void from now on: the new
/// epoch's statements are other statements. Whoever voted for that block goes on voting. Whoever
/// lost its record gets a new one if q - 1 validators were heard in the epoch that ends. It, and
/// whoever comes along in any other way, first waits until q - 1 validators of the new epoch have
/// shown which of its votes they saw there: it may have been here before, or a copy of it.
void Driver::Impl::begin_epoch() {
    const SafetyRecord& record = m_ports.journal->safety();
    const Hash seal = m_application.last_final().digest;
    const bool was_intact = m_ports.journal->has_record() && !m_core->has_lost_record();
    const bool was_voting = m_signer && m_core->may_vote() &&
                            (record.notarize.digest == seal || record.finalize.digest == seal);
    m_events.clear();
    m_examination.reset();
    m_build.reset();
    m_own_block.reset();
    m_clock_wait.reset();
    m_own_proposal.clear();
    m_own_proposal_view = 0;
    m_unkept_finalization.reset();
    m_known_seal.reset();
    m_status_from.clear();
    m_fetcher.reset();
    m_range_part.reset();
    m_tree = BlockTree{m_options.block_limits.bytes_max};
    load_epoch(was_intact || m_heard_enough);
    m_heard_enough = m_heard_enough && was_intact && was_voting;
    if (m_ports.journal->has_failed()) {
        m_halted = true;
        return;
    }
    const BlockMeta final = final_block();
    ENSURE(final.view == 0);
    CoreStart start;
    start.final_digest = final.digest;
    if (m_signer) {
        start.safety = m_ports.journal->safety();
    }
    make_core(std::move(start));
    ++m_counters.epochs_begun;
    feed(Started{});
    if (m_signer && m_heard_enough) {
        feed(VotingAllowed{});
    }
    for (const auto& [id, peer] : m_peers.all()) {
        send_status(peer);
    }
    allow_voting_if_heard();
}

/// The last final block as the current epoch sees it: what ended the epoch before is its view 0.
BlockMeta Driver::Impl::final_block() const {
    BlockMeta meta = m_application.last_final();
    if (meta.epoch != m_epoch.epoch) {
        meta.view = 0;
        meta.parent_view = 0;
    }
    return meta;
}

/// Whether the peer has told where it stands in our epoch.
bool Driver::Impl::is_current(const ConnectedPeer& peer) const {
    return peer.status && peer.status->epoch == m_epoch.epoch;
}

/// Whoever is behind is told how its epoch ended. Whoever is ahead is asked how ours did; nothing
/// it says in an epoch that we do not know is processed. What a Status says about heights holds in
/// any epoch.
void Driver::Impl::take_other_epoch(ConnectedPeer& peer, std::uint64_t epoch, Message& message) {
    peer.epoch_seen = std::max(peer.epoch_seen, epoch);
    if (auto* status = std::get_if<Status>(&message)) {
        peer.status = std::move(*status);
        peer.status_at = now();
    }
    if (epoch < m_epoch.epoch) {
        send_epoch_proof(peer, epoch);
    }
}

void Driver::Impl::send_epoch_proof(ConnectedPeer& peer, std::uint64_t epoch) {
    if (peer.epoch_proof_sent_at && now() < *peer.epoch_proof_sent_at + epoch_proof_interval) {
        return;
    }
    peer.epoch_proof_sent_at = now();
    if (std::optional<Bytes> proof = m_application.read_epoch_proof(epoch)) {
        send(peer.peer.id, EpochProofResponse{0, std::move(*proof)});
    }
}

void Driver::Impl::handle(ConnectedPeer& peer, EpochProofRequest& message) {
    if (!peer.may_ask(now())) {
        return;
    }
    EpochProofResponse response{message.id, {}};
    if (std::optional<Bytes> proof = m_application.read_epoch_proof(message.epoch)) {
        response.proof = std::move(*proof);
    }
    peer.answered(now(), response.proof.size());
    send(peer.peer.id, response);
}

/// The finalization in it counts like any other; the block itself is fetched as usual. An unasked
/// proof may be about an epoch that we have left while it was under way.
void Driver::Impl::handle(ConnectedPeer& peer, EpochProofResponse& message) {
    const bool was_asked =
        message.id != 0 &&
        m_fetcher.settle(peer.peer.id, message.id, FetchKind::epoch_proof).has_value();
    if (message.proof.empty() || m_known_seal || (!was_asked && message.id != 0)) {
        return;
    }
    if (!was_asked && !peer.unasked_proofs.take(now())) {
        return;
    }
    if (!peer.certificates.take(now())) {
        return;
    }
    const std::optional<EpochSeal> seal = m_application.check_epoch_proof(message.proof);
    if (!seal) {
        if (was_asked) {
            reject(peer.peer.id, "epoch proof: does not hold");
        }
        return;
    }
    m_known_seal = seal->meta.digest;
    feed(CertificateReceived{seal->finalization});
}

void Driver::Impl::want_epoch_proof(std::vector<Want>& wants) const {
    Want want;
    want.key.kind = FetchKind::epoch_proof;
    for (const PeerId id : m_peers.by_preference(0)) {
        if (m_peers.all().at(id).epoch_seen > m_epoch.epoch) {
            want.peers.push_back(id);
        }
    }
    if (!m_known_seal && !want.peers.empty()) {
        wants.push_back(std::move(want));
    }
}

}  // namespace tally::consensus
