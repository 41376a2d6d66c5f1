#pragma once

// One factory for each way to be wrong; each is in the file of its name.

#include "tests/simulator/byzantine/actor.h"

#include <memory>

namespace tally::simulator {

/// Proposes two blocks in a view it leads, votes for whatever others vote for, to different peers.
[[nodiscard]] std::unique_ptr<Actor> make_equivocator(Stage& stage);
/// Keeps bodies, votes and answers from some.
[[nodiscard]] std::unique_ptr<Actor> make_withholder(Stage& stage);
/// Gives certificates to some only, late, and tries to have both of a view.
[[nodiscard]] std::unique_ptr<Actor> make_split_certificates(Stage& stage);
/// Proposes when the others are about to give up.
[[nodiscard]] std::unique_ptr<Actor> make_late_leader(Stage& stage);
/// Speaks in the name of others and of other epochs and chains, with signatures in odd forms.
[[nodiscard]] std::unique_ptr<Actor> make_impersonator(Stage& stage);
/// Says NULLIFY and FINALIZE in one view.
[[nodiscard]] std::unique_ptr<Actor> make_nullify_and_finalize(Stage& stage);
/// Sends as much of everything as it can.
[[nodiscard]] std::unique_ptr<Actor> make_flooder(Stage& stage);
/// Answers requests with what was not asked for, and lies about where it stands.
[[nodiscard]] std::unique_ptr<Actor> make_lying_sync_peer(Stage& stage);
/// Proposes blocks that break a rule of the application or of headers.
[[nodiscard]] std::unique_ptr<Actor> make_invariant_breaker(Stage& stage);
/// Gives up its own views, proposes in those of others and on parents that are not the newest, and
/// justifies its proposals with rubbish.
[[nodiscard]] std::unique_ptr<Actor> make_hostile_leader(Stage& stage);

}  // namespace tally::simulator
