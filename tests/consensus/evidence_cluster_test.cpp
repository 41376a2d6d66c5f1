// Everything that real drivers say while frames get lost, nodes crash and epochs change: no two of
// their votes accuse anybody.

#include "tests/consensus/cluster.h"
#include "tests/consensus/hand_driven.h"

#include <catch2/catch.hpp>

#include <set>

namespace tally::consensus::testing {
namespace {

using namespace std::chrono_literals;

/// Every vote that ever left a node, alone, in a proposal, in a certificate or in a Status.
class Ear {
public:
    void hear(PeerId from, const Bytes& frame) {
        const auto message = decode_message(frame);
        REQUIRE(message.has_value());
        if (const auto* vote = std::get_if<Vote>(&*message)) {
            note(vote->signer, vote->statement);
        } else if (const auto* certificate = std::get_if<QuorumCertificate>(&*message)) {
            note(*certificate);
        } else if (const auto* proposal = std::get_if<Proposal>(&*message)) {
            const auto meta = decode_test_header(proposal->header);
            REQUIRE(meta.has_value());
            note(static_cast<ValidatorIndex>(from - 100),
                 {proposal->epoch, VoteKind::notarize, proposal->view, proposal->parent_view,
                  meta->digest});
            for (const QuorumCertificate& one : proposal->justification.nullifications) {
                note(one);
            }
        } else if (const auto* response = std::get_if<CertificateResponse>(&*message)) {
            for (const QuorumCertificate& one : response->certificates) {
                note(one);
            }
        } else if (const auto* status = std::get_if<Status>(&*message)) {
            for (const Vote& one : status->your_votes) {
                note(one.signer, one.statement);
            }
        }
    }
    [[nodiscard]] std::size_t contradictions() const {
        std::size_t found{0};
        for (const auto& [place, statements] : m_heard) {
            for (const VoteStatement& a : statements) {
                for (const VoteStatement& b : statements) {
                    found += is_equivocation(a, b) ? 1U : 0U;
                }
            }
        }
        return found;
    }
    /// Views in which a validator let out both NOTARIZE and NULLIFY, which is no fault.
    [[nodiscard]] std::size_t changed_minds() const {
        std::size_t found{0};
        for (const auto& [place, statements] : m_heard) {
            std::set<VoteKind> kinds;
            for (const VoteStatement& statement : statements) {
                kinds.insert(statement.kind);
            }
            found += kinds.count(VoteKind::notarize) * kinds.count(VoteKind::nullify);
        }
        return found;
    }
    [[nodiscard]] std::size_t epochs() const {
        std::set<std::uint64_t> all;
        for (const auto& [place, statements] : m_heard) {
            all.insert(std::get<1>(place));
        }
        return all.size();
    }

private:
    void note(ValidatorIndex signer, const VoteStatement& statement) {
        m_heard[{signer, statement.epoch, statement.view}].insert(statement);
    }
    void note(const QuorumCertificate& certificate) {
        for (ValidatorIndex signer = 0; signer < validators_max; ++signer) {
            if ((certificate.bitmap >> signer & 1) != 0) {
                note(signer, certificate.statement);
            }
        }
    }
    std::map<std::tuple<ValidatorIndex, std::uint64_t, View>, std::set<VoteStatement>> m_heard;
};

TEST_CASE("nothing that real drivers say is evidence, through losses, crashes and epochs") {
    Cluster cluster{4, 0};
    Ear ear;
    std::size_t count{0};
    cluster.filter = [&](PeerId from, PeerId, const Bytes& frame) {
        ear.hear(from, frame);
        ++count;
        return count % 7 != 3 && count % 11 != 5;
    };
    cluster.start_all();
    for (std::size_t round = 0; round < 40; ++round) {
        Node& busy = *cluster.nodes[round % 4];
        // The same four in every epoch, so an index means the same validator throughout.
        busy.submit(round % 10 == 4 ? "set:ABCD" + std::string(round, 'x')
                                    : "round " + std::to_string(round));
        std::size_t steps{0};
        cluster.run_until([&] { return steps++ >= 40 + round * 5; }, 2s);
        Node& dies = *cluster.nodes[(round + 1) % 4];
        dies.crash();
        cluster.run_until([&] { return steps++ >= 60 + round * 10; }, 1s);
        dies.start();
        cluster.connect_all();
    }
    CHECK(ear.contradictions() == 0);
    CHECK(ear.changed_minds() > 0);
    CHECK(ear.epochs() > 1);
    CHECK(cluster.agrees());
    for (const auto& node : cluster.nodes) {
        CHECK(node->fatals.empty());
        CHECK(node->evidence.empty());
        CHECK(node->driver->evidence().empty());
    }
}

}  // namespace
}  // namespace tally::consensus::testing
