#include "tests/simulator/byzantine/actors.h"

namespace tally::simulator {

namespace {

class HostileLeader final : public Actor {
public:
    using Actor::Actor;

private:
    void offer(const consensus::Proposal& proposal) override {
        const std::uint64_t choice = random().between(0, 9);
        if (choice < 2) {
            Actor::offer(proposal);
            return;
        }
        done();
        if (choice < 5) {
            give_up(proposal, choice == 2);
        } else {
            send_to(random().chance(700) ? others() : some(), spoil(proposal, choice));
        }
    }

    /// NULLIFY of its own view, before or after its proposal, or instead of it.
    void give_up(const consensus::Proposal& proposal, bool instead) {
        const bool first = random().chance(500);
        if (first) {
            cast(statement(VoteKind::nullify, proposal.view));
        }
        if (!instead) {
            send_all(proposal);
        }
        if (!first) {
            cast(statement(VoteKind::nullify, proposal.view));
        }
    }

    consensus::Proposal spoil(consensus::Proposal proposal, std::uint64_t choice) {
        consensus::Justification& reasons = proposal.justification;
        switch (choice) {
            case 5:  // far too much of it
                for (std::size_t i = 0; i < 200; ++i) {
                    reasons.nullifications.push_back(junk(i + 1));
                }
                break;
            case 6:
                if (reasons.nullifications.empty()) {
                    reasons.nullifications.push_back(junk(proposal.view));
                } else {
                    reasons.nullifications.pop_back();
                }
                break;
            case 7:
                if (reasons.parent) {
                    random().fill(reasons.parent->signatures.front().data);
                }
                break;
            case 8:
                reasons.parent.reset();
                break;
            default:  // an old parent, and nothing that says why
                proposal.parent_view = proposal.parent_view / 2;
                sign_proposal(proposal);
                break;
        }
        return proposal;
    }

    QuorumCertificate junk(consensus::View view) {
        QuorumCertificate certificate;
        certificate.statement = statement(VoteKind::nullify, view);
        for (std::size_t i = 0; i < quorum(stage().validators()); ++i) {
            certificate.bitmap |= std::uint64_t{1} << i;
            certificate.signatures.emplace_back();
            random().fill(certificate.signatures.back().data);
        }
        return certificate;
    }
};

}  // namespace

std::unique_ptr<Actor> make_hostile_leader(Stage& stage) {
    return std::make_unique<HostileLeader>(stage);
}

}  // namespace tally::simulator
