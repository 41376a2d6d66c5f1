#include "node/process/membership_duties.h"

#include "ledger/model/envelope.h"
#include "ledger/model/transaction.h"
#include "ledger/state/queries.h"
#include "node/runtime/logging.h"

#include <algorithm>
#include <utility>

namespace tally::node {

namespace {

/// A transaction that was not executed by then is submitted again with another id.
constexpr UnixMillis lifetime_ms{10'000};
/// A last block older than this is not the newest one of a living network.
constexpr UnixMillis level_age_max_ms{10'000};
/// Most evidence submitted in one tick: whoever flooded us does not flood the ledger.
constexpr std::size_t evidence_per_tick_max{4};

/// The set that voted in the evidence's epoch, when the ledger can still check it.
const std::vector<Validator>* set_of(const EpochRecord& epoch, std::uint64_t votes_epoch) {
    if (votes_epoch == epoch.epoch) {
        return &epoch.validators;
    }
    return votes_epoch + 1 == epoch.epoch ? &epoch.previous : nullptr;
}

}  // namespace

bool MembershipDuties::is_level() const {
    const UnixMillis idle = find_parameters(m_parts.state()).idle_interval;
    return m_parts.clock.now() - m_parts.time() < std::max(level_age_max_ms, 3 * idle);
}

void MembershipDuties::tick() {
    const EpochRecord epoch = find_epoch(m_parts.state());
    report_ready(epoch);
    submit_evidence(epoch);
}

bool MembershipDuties::submit(Action action) {
    const UnixMillis now = std::max(m_parts.clock.now(), m_parts.time());
    const Transaction transaction{.id = make_transaction_id(now, m_parts.random),
                                  .not_after = now + lifetime_ms,
                                  .action = std::move(action)};
    return m_parts.submit(sign_envelope(m_parts.chain_id, m_parts.self,
                                        {encode_transaction(transaction)}, m_parts.member_key));
}

void MembershipDuties::report_ready(const EpochRecord& epoch) {
    const NextEpoch wanted = wanted_epoch(m_parts.state());
    const auto own = std::find_if(
        wanted.validators.begin(), wanted.validators.end(),
        [this](const Validator& validator) { return validator.party == m_parts.self; });
    if (!is_change(epoch, wanted) || own == wanted.validators.end() ||
        !m_parts.holds_consensus_key(own->consensus_key) || !knows_features(wanted)) {
        return;
    }
    const Hash hash = wanted.hash();
    const bool reported = epoch.ready_for == hash &&
                          std::binary_search(epoch.ready.begin(), epoch.ready.end(), m_parts.self);
    const UnixMillis now = m_parts.clock.now();
    const bool waits = m_reported_for == hash && now < m_next_report;
    if (reported || waits || !is_level()) {
        return;
    }
    if (submit(ReportReady{epoch.epoch, hash, m_parts.height()})) {
        m_reported_for = hash;
        m_next_report = now + lifetime_ms;
        log_info("membership", "reported_ready",
                 {{"epoch", epoch.epoch}, {"validators", wanted.validators.size()}});
    }
}

/// Says once what is lacking: without a newer program this node stops when the feature begins.
bool MembershipDuties::knows_features(const NextEpoch& wanted) {
    const auto feature = find_unknown_feature(wanted.features, m_parts.known_features);
    if (!feature) {
        return true;
    }
    if (const Hash hash = wanted.hash(); m_refused_for != hash) {
        m_refused_for = hash;
        log_warn("membership", "feature_not_known",
                 {{"feature", *feature},
                  {"effect", "not ready for the next epoch; install a newer release"}});
    }
    return false;
}

void MembershipDuties::on_evidence(const consensus::Evidence& evidence) {
    if (m_evidence.size() >= consensus::evidence_max) {
        m_evidence.pop_front();
    }
    m_evidence.push_back(evidence);
}

void MembershipDuties::submit_evidence(const EpochRecord& epoch) {
    const UnixMillis now = m_parts.clock.now();
    std::erase_if(m_evidence, [this, &epoch](const consensus::Evidence& evidence) {
        const std::vector<Validator>* set = set_of(epoch, evidence.first.statement.epoch);
        if (set == nullptr || evidence.first.signer >= set->size()) {
            return evidence.first.statement.epoch <= epoch.epoch;  // nobody can check it any more
        }
        return find_evidence(m_parts.state(), evidence.first.statement.epoch,
                             (*set)[evidence.first.signer].party)
            .has_value();
    });
    if (now < m_next_evidence || m_evidence.empty() ||
        !is_validator(epoch.validators, m_parts.self)) {
        return;
    }
    m_next_evidence = now + lifetime_ms;
    const std::size_t count = std::min(m_evidence.size(), evidence_per_tick_max);
    for (std::size_t index = 0; index < count; ++index) {
        const consensus::Evidence& evidence = m_evidence[index];
        submit(SubmitEvidence{evidence.first.signer, evidence.first.statement,
                              evidence.first.signature, evidence.second.statement,
                              evidence.second.signature});
        log_warn("membership", "evidence_submitted",
                 {{"epoch", evidence.first.statement.epoch},
                  {"view", evidence.first.statement.view},
                  {"signer", evidence.first.signer}});
    }
}

}  // namespace tally::node
