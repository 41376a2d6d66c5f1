#include "node/process/membership_duties.h"

#include "ledger/model/envelope.h"
#include "ledger/model/transaction.h"
#include "ledger/state/queries.h"
#include "node/runtime/logging.h"

#include <algorithm>
#include <utility>

namespace tally::node {

namespace {

/// A transaction that was not executed by then is submitted again with another id. It queues behind
/// what else the member has handed in, and expires there when this is too short.
constexpr UnixMillis lifetime_ms{60'000};
static_assert(lifetime_ms <= not_after_window_ms);
/// A last block older than this is not the newest one of a living network.
constexpr UnixMillis level_age_max_ms{10'000};
/// Most evidence that is on its way at a time: whoever flooded us does not flood the ledger.
constexpr std::ptrdiff_t evidence_on_its_way_max{4};

/// The set that voted in the evidence's epoch, when the ledger can still check it.
const std::vector<Validator>* set_of(const EpochRecord& epoch, std::uint64_t votes_epoch) {
    if (votes_epoch == epoch.epoch) {
        return &epoch.validators;
    }
    return votes_epoch + 1 == epoch.epoch ? &epoch.previous : nullptr;
}

/// Whether a block may still carry what was submitted with this not_after (0: nothing was). One
/// that is too far ahead comes from a clock that was set back since.
bool is_on_its_way(UnixMillis expires, UnixMillis now) {
    return now < expires && expires <= now + not_after_window_ms;
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

UnixMillis MembershipDuties::now() const { return std::max(m_parts.clock.now(), m_parts.time()); }

UnixMillis MembershipDuties::submit(Action action) {
    const UnixMillis not_after = now() + lifetime_ms;
    const Transaction transaction{.id = make_transaction_id(now(), m_parts.random),
                                  .not_after = not_after,
                                  .action = std::move(action)};
    const bool taken = m_parts.submit(sign_envelope(
        m_parts.chain_id, m_parts.self, {encode_transaction(transaction)}, m_parts.member_key));
    return taken ? not_after : 0;
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
    if (reported) {
        m_report_expires = 0;  // Should it be undone, nothing is on its way.
        return;
    }
    // A report of two epochs ago is refused, however long it lives.
    const bool waits = m_reported_for == hash && is_on_its_way(m_report_expires, now()) &&
                       epoch.epoch <= m_reported_in + 1;
    if (waits || !is_level()) {
        return;
    }
    if (const UnixMillis expires = submit(ReportReady{epoch.epoch, hash, m_parts.height()})) {
        m_reported_for = hash;
        m_reported_in = epoch.epoch;
        m_report_expires = expires;
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
    m_evidence.push_back({evidence, 0});
}

void MembershipDuties::submit_evidence(const EpochRecord& epoch) {
    std::erase_if(m_evidence, [this, &epoch](const Waiting& waiting) {
        const consensus::Vote& vote = waiting.evidence.first;
        const std::vector<Validator>* set = set_of(epoch, vote.statement.epoch);
        if (set == nullptr || vote.signer >= set->size()) {
            return vote.statement.epoch <= epoch.epoch;  // nobody can check it any more
        }
        return find_evidence(m_parts.state(), vote.statement.epoch, (*set)[vote.signer].party)
            .has_value();
    });
    if (!is_validator(epoch.validators, m_parts.self)) {
        return;
    }
    auto on_its_way = std::count_if(
        m_evidence.begin(), m_evidence.end(),
        [at = now()](const Waiting& each) { return is_on_its_way(each.expires, at); });
    for (Waiting& each : m_evidence) {
        if (on_its_way >= evidence_on_its_way_max) {
            return;
        }
        if (is_on_its_way(each.expires, now()) ||
            each.evidence.first.statement.epoch > epoch.epoch) {
            continue;
        }
        const auto& [first, second] = each.evidence;
        each.expires = submit(SubmitEvidence{first.signer, first.statement, first.signature,
                                             second.statement, second.signature});
        if (each.expires == 0) {
            return;  // refused; the next tick tries again
        }
        ++on_its_way;
        log_warn("membership", "evidence_submitted",
                 {{"epoch", first.statement.epoch},
                  {"view", first.statement.view},
                  {"signer", first.signer}});
    }
}

}  // namespace tally::node
