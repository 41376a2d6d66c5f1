#include "consensus/driver/driver.h"
#include "tests/simulator/byzantine/actors.h"

namespace tally::simulator {

namespace {

class LateLeader final : public Actor {
public:
    using Actor::Actor;

private:
    /// Between the moments when others give up waiting for a proposal (two delta) and for the
    /// end of the view (three delta), and a little around them.
    void offer(const consensus::Proposal& proposal) override {
        const SimTime delta = consensus::DriverOptions{}.delta;
        stage().later(random().between(delta * 2 - delta / 4, delta * 3 + delta / 4),
                      [this, proposal] {
                          if (!is_silent()) {
                              send_all(proposal);
                              done();
                          }
                      });
    }
    void cast(const VoteStatement& statement) override {
        stage().later(random().between(SimTime{0}, SimTime{150'000}), [this, statement] {
            if (!is_silent()) {
                Actor::cast(statement);
            }
        });
    }
};

}  // namespace

std::unique_ptr<Actor> make_late_leader(Stage& stage) {
    return std::make_unique<LateLeader>(stage);
}

}  // namespace tally::simulator
