// What leaves a node, and what becomes final on it, as the oracle and the observers are told.

#include "tests/simulator/sim_node.h"

#include <fmt/format.h>

#include <algorithm>

namespace tally::simulator {
namespace {

/// A crashed copy is opened for this share of the votes that leave a node, in permille.
constexpr std::uint32_t record_check_permille{50};

}  // namespace

/// Of what a liar sends, only blocks are noted: honest nodes may vote for them.
void SimNode::watch_corrupt(const Frame& frame) {
    const auto note = [this](ByteView header) {
        if (const auto meta = m_world.kind.decode_header(header)) {
            m_world.oracle.block_seen(*meta);
        }
    };
    if (!frame.message) {
        return;
    }
    if (const auto* proposal = std::get_if<consensus::Proposal>(&*frame.message)) {
        note(proposal->header);
    } else if (const auto* block = std::get_if<consensus::BlockResponse>(&*frame.message)) {
        note(block->header);
    }
}

void SimNode::watch_certificate(const QuorumCertificate& certificate) {
    // Its own vote in it is on its disk, and this is the way it gets out.
    const std::vector<std::size_t>& seats = m_world.oracle.seats(certificate.statement.epoch);
    const auto own =
        static_cast<std::size_t>(std::find(seats.begin(), seats.end(), m_index) - seats.begin());
    if (!is_corrupt() && own < seats.size() && (certificate.bitmap >> own & 1U) != 0) {
        watch_vote(certificate.statement);
    }
    m_world.oracle.certificate_seen(certificate);
}

void SimNode::watch_block(ByteView header) {
    if (const auto meta = m_world.kind.decode_header(header)) {
        m_world.oracle.block_seen(*meta);
    } else {
        fail("sends a header that does not decode");
    }
}

void SimNode::watch_proposal(const consensus::Proposal& proposal) {
    watch_block(proposal.header);
    if (proposal.justification.parent) {
        watch_certificate(*proposal.justification.parent);
    }
    for (const QuorumCertificate& certificate : proposal.justification.nullifications) {
        watch_certificate(certificate);
    }
    if (const auto meta = m_world.kind.decode_header(proposal.header)) {
        watch_vote({.epoch = proposal.epoch,
                    .kind = VoteKind::notarize,
                    .view = proposal.view,
                    .parent_view = proposal.parent_view,
                    .digest = meta->digest});
    }
}

void SimNode::watch_sent(NodeIndex to, const consensus::Message& message) {
    for (WorldObserver* observer : m_world.observers) {
        observer->sent(m_index, to, message);
    }
    if (const auto* vote = std::get_if<consensus::Vote>(&message)) {
        const std::vector<std::size_t>& seats = m_world.oracle.seats(vote->statement.epoch);
        if (vote->signer >= seats.size() || seats[vote->signer] != m_identity) {
            fail("sends a vote of another node");
        }
        if (!m_told.insert({vote->statement, to}).second) {
            m_world.coverage.add(Happening::vote_repeated);
        }
        watch_vote(vote->statement);
    } else if (const auto* certificate = std::get_if<QuorumCertificate>(&message)) {
        watch_certificate(*certificate);
    } else if (const auto* proposal = std::get_if<consensus::Proposal>(&message)) {
        watch_proposal(*proposal);
    } else if (const auto* found = std::get_if<consensus::CertificateResponse>(&message)) {
        for (const QuorumCertificate& one : found->certificates) {
            watch_certificate(one);
        }
    } else if (const auto* range = std::get_if<consensus::RangeResponse>(&message)) {
        for (const consensus::FinalBlock& block : range->blocks) {
            watch_block(block.header);
            watch_certificate(block.certificate);
        }
        m_world.coverage.add(Happening::block_caught_up, range->blocks.size());
    } else if (const auto* block = std::get_if<consensus::BlockResponse>(&message)) {
        if (!block->header.empty()) {
            watch_block(block->header);
        }
    }
}

void SimNode::watch_vote(const VoteStatement& statement) {
    if (m_world.oracle.vote_sent(m_index, statement)) {
        return;
    }
    // One that completes a finalization goes out with it: the most delicate one.
    const std::uint32_t share = statement.kind == VoteKind::finalize ? 4U : 1U;
    const bool surely = m_world.oracle.is_thorough() && statement.kind == VoteKind::finalize;
    if (!surely && !m_random.chance(share * record_check_permille)) {
        return;
    }
    std::string problem;
    if (const auto record = record_after_crash(problem)) {
        m_world.oracle.check_record(m_index, *record);
    } else {
        fail("a crash now would leave a journal that does not open: " + problem);
    }
}

void SimNode::take_final(const FinalNotice& notice) {
    if (m_doomed) {
        return;
    }
    m_world.trace.line(fmt::format("n{} final h={} v={} {} envelopes={}", m_index,
                                   notice.meta.height, notice.meta.view,
                                   short_hex(notice.meta.digest), notice.envelopes.size()));
    m_world.oracle.block_seen(notice.meta);
    watch_certificate(notice.finalization);
    m_world.oracle.committed(m_index, notice.meta, notice.header, notice.finalization);
    if (notice.next) {
        std::vector<std::size_t> seats;
        for (const consensus::EpochValidator& validator : notice.next->validators) {
            seats.push_back(machine_of(validator.member).value_or(SIZE_MAX));
        }
        m_world.oracle.begin_epoch(notice.next->epoch, seats);
        m_world.coverage.add(Happening::epoch_begun);
        m_world.trace.line(fmt::format("n{} enters epoch {} of {} validators", m_index,
                                       notice.next->epoch, seats.size()));
    }
    for (WorldObserver* observer : m_world.observers) {
        observer->committed(m_index, notice);
    }
}

}  // namespace tally::simulator
