#pragma once

// One validator of four, driven by hand, and what it may be told.

#include "tests/consensus/support.h"

#include <memory>
#include <optional>
#include <vector>

namespace tally::consensus::testing {

inline constexpr Time delta{50'000};

template <typename T>
std::vector<T> all_of(const Effects& effects) {
    std::vector<T> found;
    for (const Effect& effect : effects) {
        if (const T* concrete = std::get_if<T>(&effect)) {
            found.push_back(*concrete);
        }
    }
    return found;
}

inline std::vector<VoteStatement> votes_in(const Effects& effects) {
    std::vector<VoteStatement> statements;
    for (const CastVote& cast : all_of<CastVote>(effects)) {
        statements.push_back(cast.statement);
    }
    return statements;
}

/// A core with its signer: signs whatever is asked, as the driver does.
struct Validator {
    explicit Validator(ValidatorIndex index = 0, CoreStart start = fresh()) : self{index} {
        CoreOptions options;
        options.chain_id = test_chain_id();
        options.epoch = test_epoch;
        options.validators = verify_keys(4);
        options.self = index;
        core = std::make_unique<Core>(std::move(options), std::move(start));
        effects = core->step(Started{}, now);
        step(VotingAllowed{});
    }
    static CoreStart fresh() {
        CoreStart start;
        start.final_digest = genesis_meta().digest;
        start.safety.epoch = test_epoch;
        return start;
    }
    /// Feeds the event, then everything that follows from signing.
    Effects step(const Event& event) {
        Effects all = core->step(event, now);
        for (std::size_t i = 0; i < all.size(); ++i) {
            const CastVote* cast = std::get_if<CastVote>(&all[i]);
            if (cast == nullptr) {
                continue;
            }
            const VoteStatement statement = cast->statement;
            const Effects more = core->step(VoteCast{vote(self, statement)}, now);
            all.insert(all.end(), more.begin(), more.end());
        }
        return all;
    }
    Effects wait(Time time) {
        now += time;
        return step(Tick{});
    }
    /// The certificate of the three others, from somebody.
    Effects certify(const VoteStatement& statement) {
        std::vector<ValidatorIndex> others;
        for (ValidatorIndex signer = 0; signer < 4; ++signer) {
            if (signer != self) {
                others.push_back(signer);
            }
        }
        return certify(statement, others);
    }
    Effects certify(const VoteStatement& statement, const std::vector<ValidatorIndex>& signers) {
        return step(CertificateReceived{certificate(statement, signers)});
    }

    Time now{1'000'000};
    ValidatorIndex self;
    std::unique_ptr<Core> core;
    Effects effects;
};

inline View view_led_by(ValidatorIndex leader, View from) {
    const LeaderSchedule schedule{test_chain_id(), test_epoch, Hash{}, 4};
    while (schedule.leader(from) != leader) {
        ++from;
    }
    return from;
}
inline ValidatorIndex leader_of(View view) {
    return LeaderSchedule{test_chain_id(), test_epoch, Hash{}, 4}.leader(view);
}
/// A validator that does not lead this view.
inline ValidatorIndex follower_of(View view) { return (leader_of(view) + 1) % 4; }

struct Offered {
    ProposalReceived event;
    VoteStatement statement;
};

/// What the leader of `view` sends on this parent (genesis without a certificate).
inline Offered offer(View view, const std::optional<QuorumCertificate>& parent,
                     std::vector<QuorumCertificate> nullifications, std::uint8_t salt = 0) {
    BlockMeta meta = genesis_meta();
    meta.parent = parent ? parent->statement.digest : genesis_meta().digest;
    meta.parent_view = parent ? parent->statement.view : 0;
    meta.height = meta.parent_view + 1;
    meta.view = view;
    meta.time = 1'000 + salt;
    meta.proposer = leader_of(view);
    Proposal proposal;
    proposal.epoch = test_epoch;
    proposal.view = view;
    proposal.parent_view = meta.parent_view;
    proposal.header = encode_header(meta, {});
    proposal.justification = {parent, std::move(nullifications)};
    meta = *decode_test_header(proposal.header);
    const VoteStatement statement = notarize(view, meta.parent_view, meta.digest);
    proposal.leader_signature = vote(leader_of(view), statement).signature;
    return {{proposal, meta, leader_of(view)}, statement};
}

inline BlockExamined verdict(const VoteStatement& statement, bool valid) {
    return {statement.view, statement.digest, valid};
}

}  // namespace tally::consensus::testing
