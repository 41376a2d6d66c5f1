#include "tests/simulator/byzantine/actors.h"

#include <variant>

namespace tally::simulator {

namespace {

/// Votes so that it alone can complete certificates, then shows each of them to a few: a view is
/// notarized for some and nullified for others, in one view or in several in a row.
class SplitCertificates final : public Actor {
public:
    using Actor::Actor;

private:
    /// Its own vote goes out inside certificates only.
    void cast(const VoteStatement& statement) override {
        static_cast<void>(make_vote(statement));
        VoteStatement nothing = this->statement(VoteKind::nullify, statement.view);
        static_cast<void>(make_vote(nothing));
        show(statement.view);
    }

    bool on_message(NodeIndex /*from*/, const consensus::Message& message) override {
        if (const auto* vote = std::get_if<consensus::Vote>(&message)) {
            if (vote->statement.epoch == stage().epoch() && random().chance(700)) {
                static_cast<void>(make_vote(vote->statement));
            }
            show(vote->statement.view);
        }
        // What it learns by certificate its follower does not hear at once.
        return !std::holds_alternative<QuorumCertificate>(message) || random().chance(800);
    }

    bool sending(NodeIndex /*to*/, const consensus::Message& message) override {
        return !std::holds_alternative<QuorumCertificate>(message) &&
               (!std::holds_alternative<consensus::CertificateResponse>(message) ||
                random().chance(300));
    }

    void show(consensus::View view) {
        if (view == m_shown || view < m_held_until) {
            return;
        }
        std::vector<QuorumCertificate> found;
        for (const VoteStatement& statement : notes().statements(view)) {
            if (const auto certificate = notes().assemble(statement)) {
                found.push_back(*certificate);
            }
        }
        if (found.empty()) {
            return;
        }
        m_shown = view;
        m_held_until = random().chance(200) ? view + random().between(2, 5) : 0;
        for (const QuorumCertificate& certificate : found) {
            notes().hear_certificate(certificate, [](const QuorumCertificate&) { return true; });
            const SimTime delay =
                random().chance(500) ? SimTime{0} : random().between(SimTime{0}, SimTime{600'000});
            stage().later(delay, [this, certificate, receivers = some()] {
                send_to(receivers, certificate);
                done();
            });
        }
    }

    consensus::View m_shown{0};
    consensus::View m_held_until{0};
};

}  // namespace

std::unique_ptr<Actor> make_split_certificates(Stage& stage) {
    return std::make_unique<SplitCertificates>(stage);
}

}  // namespace tally::simulator
