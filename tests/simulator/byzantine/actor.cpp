#include "tests/simulator/byzantine/actor.h"

#include "tests/simulator/byzantine/actors.h"

#include <variant>

namespace tally::simulator {

using consensus::Message;
using consensus::Proposal;
using consensus::View;

namespace {

/// Until an actor gives up on a view of its own account.
constexpr SimTime give_up_after{400'000};

}  // namespace

const char* to_text(ActorKind kind) {
    switch (kind) {
        case ActorKind::equivocator:
            return "equivocator";
        case ActorKind::withholder:
            return "withholder";
        case ActorKind::split_certificates:
            return "split_certificates";
        case ActorKind::late_leader:
            return "late_leader";
        case ActorKind::impersonator:
            return "impersonator";
        case ActorKind::nullify_and_finalize:
            return "nullify_and_finalize";
        case ActorKind::flooder:
            return "flooder";
        case ActorKind::lying_sync_peer:
            return "lying_sync_peer";
        case ActorKind::invariant_breaker:
            return "invariant_breaker";
        case ActorKind::hostile_leader:
            return "hostile_leader";
    }
    return "unknown";
}

std::unique_ptr<Actor> make_actor(ActorKind kind, Stage& stage) {
    switch (kind) {
        case ActorKind::equivocator:
            return make_equivocator(stage);
        case ActorKind::withholder:
            return make_withholder(stage);
        case ActorKind::split_certificates:
            return make_split_certificates(stage);
        case ActorKind::late_leader:
            return make_late_leader(stage);
        case ActorKind::impersonator:
            return make_impersonator(stage);
        case ActorKind::nullify_and_finalize:
            return make_nullify_and_finalize(stage);
        case ActorKind::flooder:
            return make_flooder(stage);
        case ActorKind::lying_sync_peer:
            return make_lying_sync_peer(stage);
        case ActorKind::invariant_breaker:
            return make_invariant_breaker(stage);
        case ActorKind::hostile_leader:
            return make_hostile_leader(stage);
    }
    return nullptr;
}

void Actor::renew_epoch() {
    if (m_notes.epoch() != m_stage.epoch() || m_seen_view == 0) {
        m_notes.begin_epoch(m_stage.epoch(), m_stage.validators());
        m_seen_view = 0;
    }
}

bool Actor::received(NodeIndex from, const Message& message) {
    renew_epoch();
    m_notes.hear(
        message, [this](const QuorumCertificate& one) { return m_stage.holds(one); },
        [this](const Bytes& header) { return digest_of(header); });
    if (m_silent) {
        return true;
    }
    const bool passes = on_message(from, message);
    const auto* proposal = std::get_if<Proposal>(&message);
    if (proposal != nullptr && proposal->epoch == m_stage.epoch()) {
        vote_on(*proposal);
    }
    const auto* certificate = std::get_if<QuorumCertificate>(&message);
    if (certificate != nullptr && certificate->statement.kind == VoteKind::notarize &&
        certificate->statement.epoch == m_stage.epoch()) {
        VoteStatement finalize = certificate->statement;
        finalize.kind = VoteKind::finalize;
        cast(finalize);
    }
    return passes;
}

void Actor::turn() {
    renew_epoch();
    const View view = m_stage.view();
    if (m_silent || view == m_seen_view || !m_stage.self()) {
        return;
    }
    m_seen_view = view;
    on_view(view);
}

void Actor::on_view(View view) {
    if (m_stage.leader(view) == *m_stage.self()) {
        m_stage.later(random().between(SimTime{1'000}, SimTime{20'000}),
                      [this, view] { lead(view); });
    }
    m_stage.later(give_up_after, [this, view] {
        if (m_stage.view() == view && !m_silent) {
            cast(statement(VoteKind::nullify, view));
        }
    });
}

void Actor::lead(View view) {
    if (m_silent || m_stage.view() != view || !m_stage.self() ||
        m_stage.leader(view) != *m_stage.self()) {
        return;
    }
    if (const std::optional<Proposal> proposal = make_proposal(view, {})) {
        offer(*proposal);
    }
}

void Actor::offer(const Proposal& proposal) { send_all(proposal); }

void Actor::vote_on(const Proposal& proposal) {
    if (const std::optional<Hash> digest = digest_of(proposal.header)) {
        cast(statement(VoteKind::notarize, proposal.view, proposal.parent_view, *digest));
    }
}

void Actor::cast(const VoteStatement& statement) {
    if (const auto vote = make_vote(statement)) {
        send_all(*vote);
    }
}

VoteStatement Actor::statement(VoteKind kind, View view, View parent_view, const Hash& digest) {
    return {.epoch = m_stage.epoch(),
            .kind = kind,
            .view = view,
            .parent_view = parent_view,
            .digest = digest};
}

std::optional<Hash> Actor::digest_of(const Bytes& header) {
    const auto meta = m_stage.kind().decode_header(header);
    return meta ? std::optional{meta->digest} : std::nullopt;
}

std::optional<consensus::Vote> Actor::make_vote(const VoteStatement& statement) {
    const auto self = m_stage.self();
    if (!self) {
        return std::nullopt;
    }
    const consensus::Vote vote{statement, *self,
                               m_stage.sign(statement, m_stage.kind().chain_id())};
    m_notes.hear_vote(statement, *self, vote.signature);
    return vote;
}

void Actor::sign_proposal(Proposal& proposal) {
    if (const auto digest = digest_of(proposal.header)) {
        const VoteStatement vote =
            statement(VoteKind::notarize, proposal.view, proposal.parent_view, *digest);
        proposal.leader_signature = m_stage.sign(vote, m_stage.kind().chain_id());
        m_notes.hear_vote(vote, m_stage.self().value_or(0), proposal.leader_signature);
    }
}

std::optional<Proposal> Actor::make_proposal(View view, const std::vector<Bytes>& envelopes) {
    consensus::Application& application = m_stage.application();
    const consensus::BlockMeta final = application.last_final();
    const bool fresh = final.epoch != m_stage.epoch() || final.height == 0 || final.seals_epoch;
    const auto ground = m_notes.ground(view, fresh ? final.digest : Hash{});
    if (!ground || !m_stage.self() || !application.has_executed(ground->parent)) {
        return std::nullopt;
    }
    const consensus::BuildRequest request{.parent = ground->parent,
                                          .epoch = m_stage.epoch(),
                                          .view = view,
                                          .parent_view = ground->parent_view,
                                          .time = m_stage.wall_time(),
                                          .proposer = *m_stage.self()};
    const auto built = application.build(request, envelopes);
    if (!built) {
        return std::nullopt;
    }
    Proposal proposal;
    proposal.epoch = m_stage.epoch();
    proposal.view = view;
    proposal.parent_view = ground->parent_view;
    proposal.header = built->header;
    proposal.envelopes = built->envelopes;
    proposal.justification = ground->justification;
    sign_proposal(proposal);
    return proposal;
}

std::optional<Proposal> Actor::alter(const Proposal& proposal, HeaderChange change) {
    const auto header = m_stage.kind().alter_header(proposal.header, change);
    if (!header) {
        return std::nullopt;
    }
    Proposal altered = proposal;
    altered.header = *header;
    sign_proposal(altered);
    return altered;
}

std::vector<NodeIndex> Actor::others() {
    std::vector<NodeIndex> result;
    for (NodeIndex node = 0; node < m_stage.machines(); ++node) {
        if (node != m_stage.index()) {
            result.push_back(node);
        }
    }
    return result;
}

std::vector<NodeIndex> Actor::some() {
    std::vector<NodeIndex> result;
    for (const NodeIndex node : others()) {
        if (random().chance(500)) {
            result.push_back(node);
        }
    }
    return result;
}

void Actor::send_to(const std::vector<NodeIndex>& receivers, const Message& message) {
    for (const NodeIndex node : receivers) {
        m_stage.send(node, message);
    }
}

void Actor::send_all(const Message& message) { send_to(others(), message); }

}  // namespace tally::simulator
