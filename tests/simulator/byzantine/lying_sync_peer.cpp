#include "tests/simulator/byzantine/actors.h"
#include "tests/simulator/byzantine/snapshot_liar.h"

#include <algorithm>
#include <variant>

namespace tally::simulator {

namespace {

class LyingSyncPeer final : public Actor {
public:
    using Actor::Actor;

private:
    bool on_message(NodeIndex from, const consensus::Message& message) override {
        const auto* request = std::get_if<consensus::SnapshotRequest>(&message);
        if (request == nullptr || is_silent()) {
            return true;
        }
        if (!m_snapshots) {
            m_snapshots.emplace(stage());
        }
        const SnapshotAnswer answer = m_snapshots->answer(request->query);
        if (answer.is_lie) {
            done();
        }
        if (answer.bytes) {
            stage().send(from, consensus::SnapshotResponse{request->id, *answer.bytes});
        }
        return false;
    }

    bool sending(NodeIndex to, const consensus::Message& message) override {
        if (is_silent() || !random().chance(600)) {
            return true;
        }
        if (const auto* range = std::get_if<consensus::RangeResponse>(&message)) {
            stage().send(to, lie(*range));
        } else if (const auto* found = std::get_if<consensus::CertificateResponse>(&message)) {
            stage().send(to, lie(*found));
        } else if (const auto* block = std::get_if<consensus::BlockResponse>(&message)) {
            stage().send(to, lie(*block));
        } else if (const auto* envelopes = std::get_if<consensus::EnvelopeResponse>(&message)) {
            stage().send(to, lie(*envelopes));
        } else if (const auto* status = std::get_if<consensus::Status>(&message)) {
            stage().send(to, lie(*status));
        } else {
            return true;
        }
        done();
        return false;
    }

    consensus::RangeResponse lie(consensus::RangeResponse range) {
        if (range.blocks.empty()) {
            return range;
        }
        consensus::FinalBlock& one =
            random().chance(500) ? range.blocks.back() : range.blocks.front();
        switch (random().between(0, 10)) {
            case 0:
                change(one.header, HeaderChange::height);
                break;
            case 1:
                change(one.header, HeaderChange::epoch);
                break;
            case 2:
                change(one.header, HeaderChange::state);
                break;
            case 3:  // another block's finalization
                one.certificate = range.blocks.front().certificate;
                one.certificate.statement.kind = VoteKind::finalize;
                break;
            case 4:
                one.certificate.signatures.pop_back();
                break;
            case 5:
                one.envelopes.push_back(
                    stage().kind().next_envelope(random(), stage().wall_time()));
                break;
            case 6:
                std::reverse(range.blocks.begin(), range.blocks.end());
                break;
            case 7:
                range.blocks.erase(range.blocks.begin());
                break;
            case 8:
            case 9:
                forge(range.blocks.back());
                break;
            default:
                range.blocks.clear();
                break;
        }
        return range;
    }

    /// As good a block as the true one, under signatures of another.
    void forge(consensus::FinalBlock& block) {
        change(block.header, HeaderChange::later);
        if (const auto digest = digest_of(block.header)) {
            block.certificate.statement.kind = VoteKind::finalize;
            block.certificate.statement.digest = *digest;
        }
    }

    consensus::CertificateResponse lie(consensus::CertificateResponse found) {
        for (QuorumCertificate& certificate : found.certificates) {
            if (random().chance(500)) {
                certificate.statement.view += 1;
            }
        }
        if (random().chance(300)) {
            found.certificates.clear();
        }
        return found;
    }

    consensus::BlockResponse lie(consensus::BlockResponse block) {
        if (!block.header.empty() && random().chance(500)) {
            change(block.header, HeaderChange::later);
        } else {
            block.envelopes.push_back(stage().kind().next_envelope(random(), stage().wall_time()));
        }
        return block;
    }

    consensus::EnvelopeResponse lie(consensus::EnvelopeResponse found) {
        for (Bytes& envelope : found.envelopes) {
            envelope = stage().kind().next_envelope(random(), stage().wall_time());
        }
        return found;
    }

    consensus::Status lie(consensus::Status status) {
        status.last_final_height += random().between(1, 1'000'000);
        status.last_final_view += random().between(1, 1'000'000);
        status.view = status.last_final_view + 1;
        for (consensus::Vote& vote : status.your_votes) {
            vote.statement.view += random().between(1, 1000);
        }
        return status;
    }

    void change(Bytes& header, HeaderChange what) {
        if (const auto altered = stage().kind().alter_header(header, what)) {
            header = *altered;
        }
    }

    std::optional<SnapshotLiar> m_snapshots;
};

}  // namespace

std::unique_ptr<Actor> make_lying_sync_peer(Stage& stage) {
    return std::make_unique<LyingSyncPeer>(stage);
}

}  // namespace tally::simulator
