#include "tests/simulator/byzantine/actors.h"

#include <variant>

namespace tally::simulator {

namespace {

class Withholder final : public Actor {
public:
    using Actor::Actor;

private:
    /// Names an envelope that nobody else has, or tells only some of them about the block.
    void offer(const consensus::Proposal& proposal) override {
        const Bytes secret = stage().kind().next_envelope(random(), stage().wall_time());
        const auto hiding =
            random().chance(400) ? make_proposal(proposal.view, {secret}) : std::nullopt;
        send_to(random().chance(300) ? others() : some(), hiding ? *hiding : proposal);
        done();
    }

    void cast(const VoteStatement& statement) override {
        const auto vote = make_vote(statement);
        if (vote && random().chance(600)) {
            send_to(some(), *vote);
        }
    }

    bool sending(NodeIndex /*to*/, const consensus::Message& message) override {
        const bool body = std::holds_alternative<consensus::BlockResponse>(message) ||
                          std::holds_alternative<consensus::EnvelopeResponse>(message) ||
                          std::holds_alternative<consensus::EnvelopeGossip>(message) ||
                          std::holds_alternative<consensus::RangeResponse>(message) ||
                          std::holds_alternative<QuorumCertificate>(message);
        return !body || random().chance(200);
    }
};

}  // namespace

std::unique_ptr<Actor> make_withholder(Stage& stage) { return std::make_unique<Withholder>(stage); }

}  // namespace tally::simulator
