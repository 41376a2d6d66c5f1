#include "tests/simulator/byzantine/actors.h"

namespace tally::simulator {

namespace {

class HostileLeader final : public Actor {
public:
    using Actor::Actor;

private:
    /// Now and then a block of its own in a view that another one leads.
    void on_view(consensus::View view) override {
        Actor::on_view(view);
        if (!stage().self() || stage().leader(view) == *stage().self() ||
            !random().chance(usurping_permille)) {
            return;
        }
        stage().later(random().between(SimTime{0}, SimTime{10'000}), [this, view] {
            if (is_silent() || stage().view() != view) {
                return;
            }
            if (const auto proposal = make_proposal(view, {})) {
                send_all(*proposal);
                done();
            }
        });
    }

    void offer(const consensus::Proposal& proposal) override {
        const std::uint64_t choice = random().between(0, 13);
        if (choice < 2) {
            Actor::offer(proposal);
            return;
        }
        done();
        if (choice < 5) {
            give_up(proposal, choice == 2);
        } else if (choice == 13) {
            offer_two_bodies(proposal);
        } else if (choice > 9) {
            send_all(on_final_block(proposal, static_cast<Reasons>(choice - 10)));
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

    enum class Reasons : std::uint8_t { lacking, forged, of_another_parent };

    /// A block beside those that are notarized and not final yet.
    consensus::Proposal on_final_block(const consensus::Proposal& honest, Reasons reasons) {
        const consensus::BlockMeta final = stage().application().last_final();
        const auto finalization = stage().application().last_finalization();
        const bool is_first = final.height == 0 || final.seals_epoch;
        const consensus::View final_view = is_first ? 0 : final.view;
        if (final_view >= honest.parent_view) {
            return honest;
        }
        consensus::Proposal proposal = honest;
        if (reasons != Reasons::of_another_parent) {
            proposal.parent_view = final_view;
            proposal.justification.parent = is_first ? std::nullopt : finalization;
            proposal.justification.nullifications =
                nullifications(final_view + 1, honest.view, reasons == Reasons::forged);
        }
        const consensus::BuildRequest request{.parent = final.digest,
                                              .epoch = stage().epoch(),
                                              .view = honest.view,
                                              .parent_view = proposal.parent_view,
                                              .time = stage().wall_time(),
                                              .proposer = *stage().self()};
        const auto built = stage().application().build(request, {});
        if (!built) {
            return honest;
        }
        proposal.header = built->header;
        proposal.envelopes = built->envelopes;
        sign_proposal(proposal);
        return proposal;
    }

    /// Those of [first, end) that there are; with `forged`, made up for the others.
    std::vector<QuorumCertificate> nullifications(consensus::View first, consensus::View end,
                                                  bool forged) {
        std::vector<QuorumCertificate> found;
        for (consensus::View view = first; view < end; ++view) {
            if (const QuorumCertificate* held = notes().nullification(view)) {
                found.push_back(*held);
            } else if (forged) {
                found.push_back(forge(view));
            }
        }
        return found;
    }

    QuorumCertificate forge(consensus::View view) {
        QuorumCertificate certificate;
        certificate.statement = statement(VoteKind::nullify, view);
        for (std::size_t i = 0; i < quorum(stage().validators()); ++i) {
            certificate.bitmap |= std::uint64_t{1} << i;
            certificate.signatures.push_back(
                stage().sign(certificate.statement, stage().kind().chain_id()));
        }
        return certificate;
    }

    /// The list of envelopes that goes with a block is not under its digest: one of the others gets
    /// a wrong one.
    void offer_two_bodies(const consensus::Proposal& proposal) {
        const std::vector<NodeIndex> receivers = others();
        const NodeIndex victim = random().pick(receivers);
        const Bytes stray = stage().kind().next_envelope(random(), stage().wall_time());
        consensus::Proposal wrong = proposal;
        wrong.envelopes.push_back(stage().kind().hash_of_envelope(stray));
        stage().send(victim, consensus::EnvelopeGossip{stray});
        for (const NodeIndex node : receivers) {
            stage().send(node, node == victim ? wrong : proposal);
        }
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

    static constexpr std::uint32_t usurping_permille{100};
};

}  // namespace

std::unique_ptr<Actor> make_hostile_leader(Stage& stage) {
    return std::make_unique<HostileLeader>(stage);
}

}  // namespace tally::simulator
