#include "tests/simulator/byzantine/actors.h"

namespace tally::simulator {

namespace {

class Flooder final : public Actor {
public:
    explicit Flooder(Stage& stage) : Actor{stage} { plan(); }

private:
    void plan() {
        stage().later(interval, [this] {
            if (!is_silent() && bursts < bursts_max) {
                ++bursts;
                burst();
            }
            plan();
        });
    }

    void burst() {
        const NodeIndex victim = random().pick(others());
        const std::uint64_t what = random().between(0, 6);
        for (std::uint64_t i = 0; i < burst_frames; ++i) {
            switch (what) {
                case 0:
                    stage().send(victim, far_vote());
                    break;
                case 1:
                    stage().send(victim, junk_certificate());
                    break;
                case 2:
                    stage().send(victim, consensus::CertificateRequest{random().next(),
                                                                       stage().epoch(), 1, 1000});
                    break;
                case 3:
                    stage().send(victim, consensus::RangeRequest{random().next(), 1, 128});
                    break;
                case 4:
                    stage().send(victim, consensus::EnvelopeGossip{stage().kind().next_envelope(
                                             random(), stage().wall_time())});
                    break;
                case 5:
                    stage().send(victim, consensus::EnvelopeRequest{
                                             random().next(), std::vector<Hash>(1024, any_hash())});
                    break;
                default:
                    stage().send_bytes(victim, junk());
                    break;
            }
        }
        done();
    }

    consensus::Vote far_vote() {
        VoteStatement far = statement(VoteKind::nullify, stage().view() + random().between(0, 9));
        const auto vote = make_vote(far);
        return vote ? *vote : consensus::Vote{far, 0, {}};
    }
    QuorumCertificate junk_certificate() {
        QuorumCertificate certificate;
        certificate.statement =
            statement(VoteKind::notarize, stage().view() + random().between(0, 3), 0, any_hash());
        for (std::size_t i = 0; i < quorum(stage().validators()); ++i) {
            certificate.bitmap |= std::uint64_t{1} << i;
            certificate.signatures.emplace_back();
            random().fill(certificate.signatures.back().data);
        }
        return certificate;
    }
    Hash any_hash() {
        Hash hash;
        random().fill(hash.data);
        return hash;
    }
    Bytes junk() {
        Bytes bytes(static_cast<std::size_t>(random().between(0, 400)));
        random().fill(bytes);
        return bytes;
    }

    static constexpr SimTime interval{100'000};
    static constexpr std::uint64_t burst_frames{20};
    static constexpr std::uint64_t bursts_max{200};  // keeps a seed cheap
    std::uint64_t bursts{0};
};

}  // namespace

std::unique_ptr<Actor> make_flooder(Stage& stage) { return std::make_unique<Flooder>(stage); }

}  // namespace tally::simulator
