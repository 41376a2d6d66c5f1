#include "tests/consensus/model/duel.h"

#include "ledger/base/overloaded.h"
#include "tests/consensus/support.h"

#include <algorithm>
#include <set>

namespace tally::consensus::model {

namespace {

constexpr Time step_max{20'000};

std::string text(const VoteStatement& statement) {
    static constexpr const char* names[]{"?", "notarize", "nullify", "finalize"};
    return std::string{names[static_cast<std::size_t>(statement.kind)]} + " v" +
           std::to_string(statement.view) + " p" + std::to_string(statement.parent_view) + " " +
           to_hex(statement.digest.view()).substr(0, 6);
}

/// What is compared of an effect; empty for those that are compared otherwise.
std::string text(const Effect& effect) {
    return std::visit(
        Overloaded{
            [](const EnterView& one) { return "enter v" + std::to_string(one.view); },
            [](const ExamineBlock& one) {
                return "examine v" + std::to_string(one.view) + " " +
                       to_hex(one.digest.view()).substr(0, 6) + " of " + std::to_string(one.leader);
            },
            [](const BuildBlock& one) {
                std::string made = "build v" + std::to_string(one.view) + " p" +
                                   std::to_string(one.parent_view) + " on " +
                                   to_hex(one.parent.view()).substr(0, 6) + " over";
                for (const QuorumCertificate& passed : one.justification.nullifications) {
                    made += " " + std::to_string(passed.statement.view);
                }
                return made;
            },
            [](const CastVote& one) { return "cast " + text(one.statement); },
            [](const KeepCertificate& one) { return "keep " + text(one.certificate.statement); },
            [](const SendCertificate& one) { return "help " + std::to_string(one.to); },
            [](const RepeatVote& one) { return "repeat " + text(one.vote.statement); },
            [](const ReportEvidence& one) {
                return "evidence of " + std::to_string(one.first.signer) + " in v" +
                       std::to_string(one.first.statement.view);
            },
            [](const RejectSender&) { return std::string{}; }},
        effect);
}

std::set<std::string> texts(const Effects& effects) {
    std::set<std::string> all;
    for (const Effect& effect : effects) {
        all.insert(text(effect));
    }
    all.erase("");
    return all;
}

std::string joined(const std::set<std::string>& parts) {
    std::string all;
    for (const std::string& part : parts) {
        all += (all.empty() ? "" : ", ") + part;
    }
    return all.empty() ? "nothing" : all;
}

}  // namespace

Duel::Duel(std::uint64_t seed, std::size_t validators)
    : m_count{validators},
      m_self{0},
      m_random{seed},
      m_slow_answers{static_cast<std::uint32_t>(m_random.between(0, 600))},
      m_hostility{static_cast<std::uint32_t>(m_random.between(0, 250))},
      m_restarts{static_cast<std::uint32_t>(m_random.between(0, 20))} {
    m_self = static_cast<ValidatorIndex>(m_random.between(0, validators - 1));
    m_record.epoch = model_epoch;
    CoreStart start;
    start.final_digest = testing::genesis_meta().digest;
    start.safety.epoch = model_epoch;
    // Who leads is not a rule: all go by one schedule.
    const LeaderSchedule schedule{model_chain_id(), model_epoch, Hash{}, m_count};
    m_others = std::make_unique<Others>(
        validators, m_self, [schedule](View view) { return schedule.leader(view); }, m_random);
    begin(start);
}

CoreOptions Duel::options() const {
    CoreOptions made;
    made.chain_id = model_chain_id();
    made.epoch = model_epoch;
    made.validators = model_keys(m_count);
    made.self = m_self;
    made.check_signature = [](const VerifyKey& key, const Hash& digest,
                              const Signature& signature) {
        return signature == stand_in_signature(key.public_key(), digest);
    };
    return made;
}

void Duel::begin(const CoreStart& start) {
    m_core = std::make_unique<Core>(options(), start);
    const LeaderSchedule schedule{model_chain_id(), model_epoch, Hash{}, m_count};
    m_naive = std::make_unique<NaiveCore>(options(), start,
                                          [schedule](View view) { return schedule.leader(view); });
    m_allowed = false;
    feed(Started{}, true, "starts");
}

std::optional<std::string> Duel::run(std::size_t events) {
    for (std::size_t i = 0; i < events && !m_difference; ++i) {
        act();
    }
    return m_difference;
}

void Duel::act() {
    if (m_random.chance(m_restarts)) {
        restart();
        return;
    }
    if (!m_allowed && m_random.chance(300)) {
        m_allowed = true;
        feed(VotingAllowed{}, true, "may vote");
        return;
    }
    if (m_random.chance(m_hostility)) {
        deliver_hostile();
        return;
    }
    const std::uint64_t what = m_random.between(0, 99);
    if (what < 25) {
        m_others->act();
    } else if (what < 70) {
        deliver();
    } else if (what < 85) {
        answer_something();
    } else {
        pass_time();
    }
}

void Duel::deliver() {
    const View view = m_core->view();
    const std::uint64_t what = m_random.between(0, 9);
    if (what < 5) {
        if (const auto vote = m_others->some_vote(view)) {
            feed(VoteReceived{*vote, vote->signer}, !m_others->is_liar(vote->signer),
                 std::to_string(vote->signer) + " votes " + text(vote->statement));
        }
    } else if (what < 7) {
        if (const auto certificate = m_others->some_certificate(view)) {
            feed(CertificateReceived{*certificate}, true,
                 "certificate " + text(certificate->statement));
        }
    } else if (what < 9) {
        if (const auto offered = m_others->some_proposal(view)) {
            feed(*offered, !m_others->is_liar(offered->from),
                 std::to_string(offered->from) + " proposes v" +
                     std::to_string(offered->proposal.view));
        }
    } else {
        const auto peer = static_cast<ValidatorIndex>(m_random.between(0, m_count - 1));
        feed(ValidatorHeard{peer}, true, std::to_string(peer) + " is heard");
    }
}

void Duel::deliver_hostile() {
    switch (m_random.between(0, 3)) {
        case 0:
            hostile_vote();
            break;
        case 1:
            hostile_certificate();
            break;
        case 2:
            show_own_vote();
            break;
        default:
            hostile_proposal();
            break;
    }
}

void Duel::hostile_vote() {
    auto vote = m_others->some_vote(m_core->view());
    if (!vote) {
        return;
    }
    ValidatorIndex from = vote->signer;
    const std::uint64_t how = m_random.between(0, 4);
    if (how == 0) {
        vote->signature.data[5] ^= 1U;
    } else if (how == 1) {
        from = static_cast<ValidatorIndex>((from + 1) % m_count);
    } else if (how == 2) {
        vote->statement.epoch += 1;
        *vote = m_others->sign(vote->signer, vote->statement);
    } else if (how == 3) {
        vote->statement.view += m_random.between(1, 9);
    } else {
        vote->signer = static_cast<ValidatorIndex>((from + 1) % m_count);
    }
    if (from == m_self) {
        return;  // It has no connection to itself.
    }
    feed(VoteReceived{*vote, from}, false,
         std::to_string(from) + " lies as " + std::to_string(vote->signer) + " in manner " +
             std::to_string(how) + ": " + text(vote->statement));
}

/// Of ours: one that is known, one that is forged, seldom one that our record does not know.
void Duel::show_own_vote() {
    const std::uint64_t how = m_random.between(0, 40);
    Vote vote = m_others->sign(m_self, statement_of(VoteKind::nullify, m_core->view() + 2));
    if (how < 20 && m_record.notarize.view > 0) {
        vote = m_record.vote(VoteKind::notarize, m_self);
    } else if (how < 40) {
        vote.signature.data[7] ^= 1U;
    }
    feed(OwnVoteShown{vote}, false, "is shown " + text(vote.statement));
}

void Duel::hostile_certificate() {
    auto certificate = m_others->some_certificate(m_core->view());
    if (!certificate) {
        return;
    }
    const std::uint64_t how = m_random.between(0, 4);
    if (how == 0) {
        certificate->signatures.back().data[3] ^= 1U;
    } else if (how == 1) {
        while (certificate->signatures.size() + faults_tolerated(m_count) >= m_count) {
            certificate->bitmap &= certificate->bitmap - 1;
            certificate->signatures.erase(certificate->signatures.begin());
        }
    } else if (how == 2) {
        certificate->statement.view += 1;
    } else if (how == 3) {
        certificate->statement.epoch += 1;
    } else {
        certificate->bitmap |= std::uint64_t{1} << m_count;
        certificate->signatures.push_back(certificate->signatures.back());
    }
    feed(
        CertificateReceived{*certificate}, false,
        "false certificate in manner " + std::to_string(how) + ": " + text(certificate->statement));
}

void Duel::hostile_proposal() {
    auto event = m_others->some_proposal(m_core->view());
    if (!event) {
        return;
    }
    Proposal& proposal = event->proposal;
    Justification& given = proposal.justification;
    const std::uint64_t how = m_random.between(0, 8);
    if (how == 0 || how == 8) {
        event->from = static_cast<ValidatorIndex>((event->from + 1) % m_count);
        if (how == 8) {  // All its own, but it does not lead.
            event->meta.proposer = event->from;
            proposal.leader_signature =
                m_others
                    ->sign(event->from, statement_of(VoteKind::notarize, proposal.view,
                                                     proposal.parent_view, event->meta.digest))
                    .signature;
        }
    } else if (how == 1 && !given.nullifications.empty()) {
        given.nullifications.pop_back();
    } else if (how == 2 && !given.nullifications.empty()) {
        given.nullifications.back().signatures.back().data[1] ^= 1U;
    } else if (how == 3 && given.parent) {
        given.parent->signatures.back().data[1] ^= 1U;
    } else if (how == 4 && given.parent) {
        given.parent.reset();
    } else if (how == 5) {
        proposal.leader_signature.data[9] ^= 1U;
    } else if (how == 6) {
        event->meta.parent.data[0] ^= 1U;
    } else {
        event->meta.view += 1;
    }
    if (event->from != m_self) {
        feed(*event, false,
             std::to_string(event->from) + " proposes v" + std::to_string(proposal.view) +
                 " in manner " + std::to_string(how));
    }
}

void Duel::answer_cast() {
    if (m_casts.empty()) {
        return;
    }
    const VoteStatement statement = m_casts.front();
    m_casts.pop_front();
    const Vote vote = m_others->sign(m_self, statement);
    ReleasedVote& released = m_record.of(statement.kind);
    released = {statement.view, statement.parent_view, statement.digest, vote.signature};
    ++m_record.sequence;
    m_others->note_own(vote);
    feed(VoteCast{vote}, true, "has signed " + text(statement));
}

void Duel::answer_something() {
    if (!m_casts.empty() && m_random.chance(500)) {
        answer_cast();
        return;
    }
    if (!m_answers.empty()) {
        const std::size_t which = m_random.between(0, m_answers.size() - 1);
        const Event event = m_answers[which];
        m_answers.erase(m_answers.begin() + static_cast<std::ptrdiff_t>(which));
        feed(event, true, "answer " + std::to_string(event.index()));
        return;
    }
    const bool pending = m_random.chance(600);
    feed(PendingChanged{pending}, true, pending ? "envelopes wait" : "no envelopes wait");
}

void Duel::pass_time() {
    m_now += m_random.between(Time{1}, step_max);
    const auto wanted = m_core->next_deadline();
    if (wanted && m_random.chance(400)) {
        // To the very deadline, or just short of it.
        m_now = std::max(m_now, *wanted - Time{m_random.chance(300) ? 1 : 0});
    }
    feed(Tick{}, true, "it is " + std::to_string(m_now.count()));
}

CoreStart Duel::durable_start() {
    CoreStart start;
    start.final_view = m_core->last_final_view();
    start.final_digest = m_core->last_final_digest();
    start.final_certificate = m_core->finalization();
    start.safety = m_record;
    for (const QuorumCertificate& certificate : m_kept) {
        if (certificate.statement.view > start.final_view) {
            start.certificates.push_back(certificate);
        }
    }
    return start;
}

void Duel::restart() {
    // What was asked for last may have become durable although nobody was told.
    while (!m_casts.empty() && m_random.chance(500)) {
        answer_cast();
    }
    m_casts.clear();
    m_answers.clear();
    ++m_counts.restarts;
    m_now += m_random.between(Time{1'000}, Time{5'000'000});
    begin(durable_start());
}

void Duel::differ(const std::string& what) {
    if (!m_difference) {
        m_difference = what + " (after: " + m_story.back() + ")";
    }
}

void Duel::feed(const Event& event, bool honest, const std::string& what) {
    if (m_difference) {
        return;
    }
    m_story.push_back(std::to_string(m_now.count()) + " n" + std::to_string(m_self) + " v" +
                      std::to_string(m_naive->view()) + ": " + what);
    ++m_counts.events;
    const Effects produced = m_core->step(event, m_now);
    const Effects expected = m_naive->step(event, m_now);
    m_story.back() += " -> " + joined(texts(produced));
    compare_effects(produced, expected);
    compare_repeats(produced);
    compare_state();
    const bool rejects = std::any_of(produced.begin(), produced.end(), [](const Effect& effect) {
        return std::holds_alternative<RejectSender>(effect);
    });
    if (rejects && honest) {
        differ("rejects what an honest validator sent");
    }
    carry_out(produced);
}

void Duel::compare_effects(const Effects& produced, const Effects& expected) {
    const std::set<std::string> left = texts(produced);
    const std::set<std::string> right = texts(expected);
    if (left != right) {
        differ("production: " + joined(left) + "; naive: " + joined(right));
    }
}

/// What goes out again, or to a laggard, or is kept, holds by the naive core.
void Duel::compare_repeats(const Effects& produced) {
    const auto check = [this](const QuorumCertificate& certificate) {
        const VoteStatement& statement = certificate.statement;
        const QuorumCertificate* held = m_naive->certificate(statement.kind, statement.view);
        if (held == nullptr || held->statement != statement ||
            !m_naive->certificate_holds(certificate)) {
            differ("a certificate that cannot be: " + text(statement));
        }
    };
    for (const Effect& effect : produced) {
        if (const auto* repeat = std::get_if<RepeatVote>(&effect)) {
            if (repeat->entry) {
                check(*repeat->entry);
            }
        } else if (const auto* help = std::get_if<SendCertificate>(&effect)) {
            check(help->certificate);
        } else if (const auto* kept = std::get_if<KeepCertificate>(&effect)) {
            check(kept->certificate);
        }
    }
}

void Duel::compare_state() {
    const auto compare = [this](const char* what, auto production, auto naive) {
        if (production != naive) {
            differ(std::string{what} + ": production " + std::to_string(production) + ", naive " +
                   std::to_string(naive));
        }
    };
    compare("view", m_core->view(), m_naive->view());
    compare("last final view", m_core->last_final_view(), m_naive->final_view());
    compare("delta", m_core->delta().count(), m_naive->delta().count());
    compare("may vote", m_core->may_vote(), m_naive->may_vote());
    if (m_core->last_final_digest() != m_naive->final_digest()) {
        differ("last final digest");
    }
    const auto due = m_naive->next_due();
    const auto wanted = m_core->next_deadline();
    if (due && (!wanted || *wanted > std::max(*due, m_now))) {
        differ("wakes too late: production " +
               (wanted ? std::to_string(wanted->count()) : std::string{"never"}) + ", naive " +
               std::to_string(due->count()));
    }
}

void Duel::carry_out(const Effects& effects) {
    const auto later = [this](Event event) { m_answers.push_back(std::move(event)); };
    for (const Effect& effect : effects) {
        std::visit(
            Overloaded{
                [&](const EnterView&) { ++m_counts.views; },
                [&](const ExamineBlock& one) {
                    later(BlockExamined{one.view, one.digest, m_others->is_valid(one.digest)});
                },
                [&](const BuildBlock& one) {
                    if (m_random.chance(150)) {
                        later(BuildFailed{one.view});
                        return;
                    }
                    const OfferedBlock block = m_others->build_own(one);
                    later(BlockBuilt{one.view, one.parent_view, block.meta.digest});
                },
                [&](const CastVote& one) {
                    ++m_counts.votes;
                    m_casts.push_back(one.statement);
                },
                [&](const KeepCertificate& one) {
                    ++m_counts.certificates;
                    const bool final = one.certificate.statement.kind == VoteKind::finalize;
                    m_counts.finalizations += final ? 1 : 0;
                    m_kept.push_back(one.certificate);
                },
                [](const SendCertificate&) {}, [](const RepeatVote&) {},
                [&](const ReportEvidence&) { ++m_counts.evidence; }, [](const RejectSender&) {}},
            effect);
    }
    // Mostly what is asked for is there before anything else happens.
    while (!m_difference && !m_casts.empty() && !m_random.chance(m_slow_answers)) {
        answer_cast();
    }
}

}  // namespace tally::consensus::model
