// Honest validators cannot be framed, and liars do not get away: random votes in random order by
// random ways, judged by brute force over all pairs.

#include "tests/consensus/hand_driven.h"
#include "tests/simulator/sim_random.h"

#include <catch2/catch.hpp>

#include <algorithm>

namespace tally::consensus::testing {
namespace {

using simulator::SimRandom;

constexpr ValidatorIndex suspect{2};
constexpr ValidatorIndex witness{0};
constexpr View views{6};

/// Whatever a validator lets out that keeps to its safety record, through crashes and retries.
class HonestVoter {
public:
    explicit HonestVoter(std::uint64_t epoch) { m_record.epoch = epoch; }

    void try_vote(SimRandom& random) {
        const auto kind = static_cast<VoteKind>(random.between(1, 3));
        VoteStatement statement{m_record.epoch, kind, random.between(1, views), 0, Hash{}};
        if (kind != VoteKind::nullify) {
            statement.digest = digest_of(random.chance(500) ? 'a' : 'b');
            statement.parent_view = random.between(0, statement.view - 1);
        }
        if (m_record.allows(statement)) {
            m_record.of(kind) = {statement.view, statement.parent_view, statement.digest,
                                 vote(suspect, statement).signature};
            ++m_record.sequence;
            released.push_back(statement);
        }
    }
    /// What a restart and a repeated NULLIFY send again.
    void crash_and_repeat() {
        const auto kept = SafetyRecord::decode(m_record.encode());
        REQUIRE(kept.has_value());
        m_record = *kept;
        for (const VoteKind kind : {VoteKind::notarize, VoteKind::nullify, VoteKind::finalize}) {
            if (m_record.of(kind).view != 0) {
                released.push_back(m_record.vote(kind, suspect).statement);
            }
        }
    }

    std::vector<VoteStatement> released;

private:
    SafetyRecord m_record;
};

void shuffle(std::vector<VoteStatement>& statements, SimRandom& random) {
    for (std::size_t i = statements.size(); i > 1; --i) {
        std::swap(statements[i - 1], statements[random.between(0, i - 1)]);
    }
}

bool has_contradiction(const std::vector<VoteStatement>& statements) {
    for (const VoteStatement& a : statements) {
        for (const VoteStatement& b : statements) {
            if (is_equivocation(a, b)) {
                return true;
            }
        }
    }
    return false;
}

/// A witness that has seen the views of these tests pass.
struct Listener : Validator {
    Listener() : Validator{witness} {
        for (View view = 1; view <= views; ++view) {
            step(CertificateReceived{certificate(nullify(view), {0, 1, 3})});
        }
    }
    /// As a vote, or in a certificate with the votes of all others (one that is not held yet: of
    /// what is known nothing more is read).
    void hear(const VoteStatement& statement, bool in_certificate) {
        const Effects heard =
            in_certificate ? step(CertificateReceived{certificate(statement, {1, suspect, 3})})
                           : step(VoteReceived{vote(suspect, statement), suspect});
        for (const ReportEvidence& found : all_of<ReportEvidence>(heard)) {
            if (found.first.signer == suspect) {
                reports.push_back(found);
            }
        }
    }
    std::vector<ReportEvidence> reports;
};

TEST_CASE("nothing that an honest validator lets out is evidence against it",
          "[consensus][property]") {
    std::size_t both{0};  // NOTARIZE and NULLIFY of one view
    for (std::uint64_t seed = 1; seed <= 150; ++seed) {
        SimRandom random{seed};
        std::vector<VoteStatement> of_all_epochs;
        std::vector<VoteStatement> of_this_epoch;
        for (std::uint64_t epoch = test_epoch - 1; epoch <= test_epoch + 1; ++epoch) {
            HonestVoter voter{epoch};
            for (int attempt = 0; attempt < 20; ++attempt) {
                voter.try_vote(random);
                if (random.chance(125)) {
                    voter.crash_and_repeat();
                }
            }
            of_all_epochs.insert(of_all_epochs.end(), voter.released.begin(), voter.released.end());
            of_this_epoch = epoch == test_epoch ? voter.released : of_this_epoch;
        }
        INFO("seed " << seed);
        CHECK_FALSE(has_contradiction(of_all_epochs));
        for (const VoteStatement& a : of_this_epoch) {
            both += std::count_if(of_this_epoch.begin(), of_this_epoch.end(), [&](const auto& b) {
                        return a.view == b.view && a.kind == VoteKind::notarize &&
                               b.kind == VoteKind::nullify;
                    }) != 0;
        }
        shuffle(of_all_epochs, random);
        Listener listener;
        for (const VoteStatement& statement : of_all_epochs) {
            listener.hear(statement, statement.kind == VoteKind::notarize && random.chance(250));
        }
        CHECK(listener.reports.empty());
    }
    CHECK(both > 0);
}

TEST_CASE("a contradiction is found in whatever order and by whatever way the votes come",
          "[consensus][property]") {
    std::size_t contradictions{0};
    std::size_t blameless{0};
    for (std::uint64_t seed = 1; seed <= 400; ++seed) {
        SimRandom random{seed};
        const View view = random.between(1, views);
        const std::vector<VoteStatement> possible{
            notarize(view, 0, digest_of('a')),        notarize(view, 0, digest_of('b')),
            notarize(view, view - 1, digest_of('a')), nullify(view),
            finalize(view, 0, digest_of('a')),        finalize(view, 0, digest_of('b')),
        };
        std::vector<VoteStatement> statements;
        for (const VoteStatement& statement : possible) {
            const bool same_again =
                std::find(statements.begin(), statements.end(), statement) != statements.end();
            if (!same_again && random.chance(400)) {
                statements.push_back(statement);
            }
        }
        shuffle(statements, random);
        Listener listener;
        for (const VoteStatement& statement : statements) {
            if (random.chance(250)) {
                Vote forged = vote(suspect, random.pick(possible));
                forged.signature.data[9] ^= 1U;
                listener.step(VoteReceived{forged, suspect});
            }
            listener.hear(statement, statement.kind == VoteKind::notarize && random.chance(333));
        }
        INFO("seed " << seed << ", " << statements.size() << " votes");
        const bool guilty = has_contradiction(statements);
        CHECK(listener.reports.size() == (guilty ? 1U : 0U));
        for (const ReportEvidence& found : listener.reports) {
            CHECK(is_equivocation(found.first.statement, found.second.statement));
            CHECK(found.first == vote(suspect, found.first.statement));
            CHECK(found.second == vote(suspect, found.second.statement));
        }
        (guilty ? contradictions : blameless) += 1;
    }
    CHECK(contradictions > 50);
    CHECK(blameless > 50);
}

}  // namespace
}  // namespace tally::consensus::testing
