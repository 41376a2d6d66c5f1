#include "tests/simulator/byzantine/actors.h"

namespace tally::simulator {

namespace {

class NullifyAndFinalize final : public Actor {
public:
    using Actor::Actor;

private:
    /// Whatever the kind of the vote that would be due, the contrary goes out beside it.
    void cast(const VoteStatement& statement) override {
        Actor::cast(statement);
        if (statement.kind == VoteKind::notarize || random().chance(300)) {
            VoteStatement finalize = statement;
            finalize.kind = VoteKind::finalize;
            if (statement.kind != VoteKind::nullify) {
                vote_to_some(finalize);
            }
        }
        vote_to_some(this->statement(VoteKind::nullify, statement.view));
        done();
    }

    void vote_to_some(const VoteStatement& statement) {
        if (const auto vote = make_vote(statement)) {
            send_to(some(), *vote);
        }
    }
};

}  // namespace

std::unique_ptr<Actor> make_nullify_and_finalize(Stage& stage) {
    return std::make_unique<NullifyAndFinalize>(stage);
}

}  // namespace tally::simulator
