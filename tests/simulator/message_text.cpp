#include "ledger/base/overloaded.h"
#include "ledger/crypto/sha256.h"
#include "tests/simulator/sim_node.h"

#include <fmt/format.h>

#include <variant>

namespace tally::simulator {

namespace {

std::string certificate_text(const QuorumCertificate& certificate) {
    return fmt::format("certificate {} by {:x}", to_text(certificate.statement),
                       certificate.bitmap);
}

std::string proposal_text(const consensus::Proposal& proposal) {
    return fmt::format("proposal v={} p={} header={} envelopes={} nullifications={}", proposal.view,
                       proposal.parent_view, short_hex(sha256(proposal.header)),
                       proposal.envelopes.size(), proposal.justification.nullifications.size());
}

std::string status_text(const consensus::Status& status) {
    return fmt::format("status e={} v={} final v={} h={} votes={}", status.epoch, status.view,
                       status.last_final_view, status.last_final_height, status.your_votes.size());
}

}  // namespace

std::string to_text(const consensus::Message& message) {
    using namespace consensus;
    return std::visit(
        Overloaded{
            [](const Vote& m) {
                return fmt::format("vote {} of {}", to_text(m.statement), m.signer);
            },
            [](const QuorumCertificate& m) { return certificate_text(m); },
            [](const Proposal& m) { return proposal_text(m); },
            [](const CertificateRequest& m) {
                return fmt::format("get certificates {}..{}", m.from_view, m.to_view);
            },
            [](const CertificateResponse& m) {
                return fmt::format("certificates {}", m.certificates.size());
            },
            [](const BlockRequest& m) { return fmt::format("get block {}", short_hex(m.digest)); },
            [](const BlockResponse& m) {
                return fmt::format("block of {} envelopes, header {} bytes", m.envelopes.size(),
                                   m.header.size());
            },
            [](const RangeRequest& m) {
                return fmt::format("get heights from {} count {}", m.from_height, m.count);
            },
            [](const RangeResponse& m) {
                return fmt::format("range of {} blocks", m.blocks.size());
            },
            [](const EnvelopeRequest& m) {
                return fmt::format("get envelopes {}", m.hashes.size());
            },
            [](const EnvelopeResponse& m) {
                return fmt::format("envelopes {}", m.envelopes.size());
            },
            [](const EnvelopeGossip& m) {
                return fmt::format("gossip {}", short_hex(sha256(m.envelope)));
            },
            [](const Status& m) { return status_text(m); },
            [](const EpochProofRequest& m) { return fmt::format("get epoch proof {}", m.epoch); },
            [](const EpochProofResponse& m) {
                return fmt::format("epoch proof of {} bytes", m.proof.size());
            },
            [](const SnapshotRequest& m) {
                return fmt::format("snapshot query of {} bytes", m.query.size());
            },
            [](const SnapshotResponse& m) {
                return fmt::format("snapshot answer of {} bytes", m.answer.size());
            },
        },
        message);
}

VoteRecord vote_record(const consensus::SafetyRecord& record) {
    const auto statement = [&](VoteKind kind) {
        const consensus::ReleasedVote& vote = record.of(kind);
        return VoteStatement{.epoch = record.epoch,
                             .kind = kind,
                             .view = vote.view,
                             .parent_view = vote.parent_view,
                             .digest = vote.digest};
    };
    return VoteRecord{.notarize = statement(VoteKind::notarize),
                      .nullify = statement(VoteKind::nullify),
                      .finalize = statement(VoteKind::finalize)};
}

}  // namespace tally::simulator
