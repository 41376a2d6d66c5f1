#include "consensus/simplex/evidence.h"

#include "ledger/base/codec.h"

namespace tally::consensus {

Bytes encode_evidence(const Evidence& evidence) {
    Encoder out;
    out.u32(evidence.first.signer);
    for (const Vote* vote : {&evidence.first, &evidence.second}) {
        encode(out, vote->statement);
        out.fixed(vote->signature);
    }
    return std::move(out).take();
}

std::optional<Evidence> decode_evidence(ByteView bytes) {
    Decoder in{bytes};
    Evidence evidence;
    const std::uint32_t signer = in.u32();
    for (Vote* vote : {&evidence.first, &evidence.second}) {
        vote->signer = signer;
        vote->statement = decode_vote_statement(in);
        vote->signature = in.fixed<Signature>();
    }
    const bool holds = in.finished() && signer < validators_max &&
                       is_equivocation(evidence.first.statement, evidence.second.statement);
    return holds ? std::optional{evidence} : std::nullopt;
}

bool EvidenceList::add(const Evidence& evidence) {
    const VoteStatement& statement = evidence.first.statement;
    std::size_t of_signer{0};
    for (const Evidence& known : m_all) {
        const VoteStatement& other = known.first.statement;
        if (known.first.signer != evidence.first.signer || other.epoch != statement.epoch) {
            continue;
        }
        if (other.view == statement.view) {
            return false;
        }
        ++of_signer;
    }
    if (of_signer >= evidence_per_signer_max) {
        return false;
    }
    m_all.push_back(evidence);
    if (m_all.size() > evidence_max) {
        m_all.pop_front();
    }
    return true;
}

}  // namespace tally::consensus
