#include "tests/simulator/byzantine/actors.h"

#include <map>
#include <variant>

namespace tally::simulator {

namespace {

class Equivocator final : public Actor {
public:
    using Actor::Actor;

private:
    void offer(const consensus::Proposal& proposal) override {
        const auto second = alter(proposal, HeaderChange::later);
        for (const NodeIndex node : others()) {
            if (second && random().chance(100)) {
                stage().send(node, proposal);  // to some both, one after the other
                stage().send(node, *second);
            } else {
                stage().send(node, second && random().chance(500) ? *second : proposal);
            }
        }
        if (second) {
            done();
        }
    }

    /// Votes for every statement of the view that anybody has voted for, each to some of them.
    void cast(const VoteStatement& statement) override {
        for (const VoteStatement& other : notes().statements(statement.view)) {
            if (other.kind == statement.kind || random().chance(200)) {
                vote_to_some(other);
            }
        }
        vote_to_some(statement);
    }

    bool on_message(NodeIndex from, const consensus::Message& message) override {
        // Whoever votes is told that we agree.
        const auto* vote = std::get_if<consensus::Vote>(&message);
        if (vote != nullptr && vote->statement.epoch == stage().epoch() && random().chance(300)) {
            if (const auto mine = make_vote(vote->statement)) {
                stage().send(from, *mine);
                done();
            }
        }
        return true;
    }

    void vote_to_some(const VoteStatement& statement) {
        if (const auto vote = make_vote(statement)) {
            send_to(some(), *vote);
        }
    }
};

}  // namespace

std::unique_ptr<Actor> make_equivocator(Stage& stage) {
    return std::make_unique<Equivocator>(stage);
}

}  // namespace tally::simulator
