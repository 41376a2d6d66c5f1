#include "tests/simulator/byzantine/actors.h"
#include "tests/simulator/byzantine/signature_forms.h"

#include <variant>

namespace tally::simulator {

namespace {

class Impersonator final : public Actor {
public:
    using Actor::Actor;

private:
    void cast(const VoteStatement& statement) override {
        if (random().chance(500)) {
            Actor::cast(statement);
        }
        if (random().chance(deceit_permille)) {
            if (const auto vote = forge(statement)) {
                send_to(some(), *vote);
                done();
            }
        }
    }

    bool on_message(NodeIndex /*from*/, const consensus::Message& message) override {
        if (!random().chance(deceit_permille)) {
            return true;
        }
        if (const auto* vote = std::get_if<consensus::Vote>(&message)) {
            relay(*vote);
        } else if (const auto* certificate = std::get_if<QuorumCertificate>(&message)) {
            send_to(some(), spoil(*certificate));
            done();
        } else if (const auto* proposal = std::get_if<consensus::Proposal>(&message)) {
            // In the name of the true leader, unchanged or under a wrong view.
            consensus::Proposal copy = *proposal;
            copy.view += random().between(0, 1);
            send_to(some(), copy);
            done();
        }
        return true;
    }

    /// Somebody's true vote over our connection, or as ours.
    void relay(consensus::Vote vote) {
        if (random().chance(500) && stage().self()) {
            vote.signer = *stage().self();
        }
        send_to(some(), vote);
        done();
    }

    std::optional<consensus::Vote> forge(VoteStatement statement) {
        if (!stage().self()) {
            return std::nullopt;
        }
        consensus::Vote vote{statement, *stage().self(), {}};
        switch (random().between(0, 5)) {
            case 0:
                vote.statement.epoch += 1;
                vote.signature = stage().sign(vote.statement, stage().kind().chain_id());
                break;
            case 1:  // of another chain
                vote.signature = stage().sign(statement, Hash{});
                break;
            case 2:
                vote.signature = high_s(stage().sign(statement, stage().kind().chain_id()));
                break;
            case 3:
                vote.signature = swapped(stage().sign(statement, stage().kind().chain_id()));
                break;
            case 4:  // of nobody that there is
                vote.signer = static_cast<consensus::ValidatorIndex>(stage().validators() + 3);
                vote.signature = stage().sign(statement, stage().kind().chain_id());
                break;
            default:
                vote.signer = static_cast<consensus::ValidatorIndex>(
                    random().between(0, stage().validators() - 1));
                vote.signature = stage().sign(statement, stage().kind().chain_id());
                break;
        }
        return vote;
    }

    QuorumCertificate spoil(QuorumCertificate certificate) {
        switch (random().between(0, 5)) {
            case 0:
                certificate.statement.view += 1;
                break;
            case 1:
                certificate.statement.epoch += 1;
                break;
            case 2:
                certificate.statement.kind = VoteKind::finalize;
                break;
            case 3:  // the same signer over and over
                for (Signature& signature : certificate.signatures) {
                    signature = certificate.signatures.front();
                }
                break;
            case 4:  // one signature too few
                certificate.bitmap &= certificate.bitmap - 1;
                certificate.signatures.erase(certificate.signatures.begin());
                break;
            default:
                certificate.signatures.back() = high_s(certificate.signatures.back());
                break;
        }
        return certificate;
    }

    static constexpr std::uint32_t deceit_permille{100};
};

}  // namespace

std::unique_ptr<Actor> make_impersonator(Stage& stage) {
    return std::make_unique<Impersonator>(stage);
}

}  // namespace tally::simulator
