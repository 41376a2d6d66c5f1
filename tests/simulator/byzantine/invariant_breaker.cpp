#include "tests/simulator/byzantine/actors.h"

namespace tally::simulator {

namespace {

class InvariantBreaker final : public Actor {
public:
    using Actor::Actor;

private:
    void offer(const consensus::Proposal& proposal) override {
        if (random().chance(400)) {
            Actor::offer(proposal);
            return;
        }
        static const std::vector<HeaderChange> changes{
            HeaderChange::state, HeaderChange::height,   HeaderChange::parent,
            HeaderChange::view,  HeaderChange::proposer, HeaderChange::epoch,
            HeaderChange::body,  HeaderChange::seals,    HeaderChange::chain,
            HeaderChange::early, HeaderChange::future,   HeaderChange::short_by_one};
        done();
        if (random().chance(300)) {
            offer_body(proposal);
        } else if (const auto altered = alter(proposal, random().pick(changes))) {
            send_to(random().chance(500) ? others() : some(), *altered);
        }
    }

    /// The header is right, what it is said to stand for is not.
    void offer_body(consensus::Proposal proposal) {
        const Bytes stray = stage().kind().next_envelope(random(), stage().wall_time());
        const Hash name = stage().kind().hash_of_envelope(stray);
        if (random().chance(500)) {
            send_all(consensus::EnvelopeGossip{stray});
        }
        proposal.envelopes.push_back(name);
        if (random().chance(300)) {
            proposal.envelopes.push_back(name);
        }
        send_all(proposal);
    }
};

}  // namespace

std::unique_ptr<Actor> make_invariant_breaker(Stage& stage) {
    return std::make_unique<InvariantBreaker>(stage);
}

}  // namespace tally::simulator
