#include "ledger/audit/fork.h"

#include <algorithm>
#include <string_view>

namespace tally {
namespace {

constexpr std::string_view magic{"TALLYFRK"};
constexpr std::uint16_t version{1};

std::vector<PartyId> signers_of(const QuorumCertificate& certificate,
                                const std::vector<Validator>& validators) {
    std::vector<PartyId> signers;
    for (std::size_t i = 0; i < validators.size(); ++i) {
        if ((certificate.bitmap >> i & 1U) != 0) {
            signers.push_back(validators[i].party);
        }
    }
    return signers;
}

}  // namespace

Bytes ForkEvidence::encode() const {
    Encoder encoder;
    encoder.raw(as_bytes(magic)).u16(version);
    encoder.var_bytes(first.encode()).var_bytes(second.encode());
    return std::move(encoder).take();
}

std::optional<ForkEvidence> ForkEvidence::decode(ByteView bytes) {
    Decoder decoder{bytes};
    if (as_text(decoder.raw(magic.size())) != magic || decoder.u16() != version) {
        return std::nullopt;
    }
    std::optional<HeaderProof> first =
        HeaderProof::decode(decoder.var_bytes(header_proof_bytes_max));
    std::optional<HeaderProof> second =
        HeaderProof::decode(decoder.var_bytes(header_proof_bytes_max));
    if (!decoder.finished() || !first || !second) {
        return std::nullopt;
    }
    return ForkEvidence{std::move(*first), std::move(*second)};
}

bool is_fork(const HeaderProof& first, const HeaderProof& second) {
    return first.header().height == second.header().height &&
           first.header().digest() != second.header().digest();
}

Expected<std::vector<PartyId>, std::string> verify_fork(const ForkEvidence& evidence,
                                                        const Genesis& genesis) {
    const auto first = verify_header_proof(evidence.first, genesis);
    if (!first) {
        return Unexpected{"the first block: " + first.error()};
    }
    const auto second = verify_header_proof(evidence.second, genesis);
    if (!second) {
        return Unexpected{"the second block: " + second.error()};
    }
    if (!is_fork(evidence.first, evidence.second)) {
        return Unexpected{std::string{"the blocks do not contradict each other"}};
    }
    std::vector<PartyId> both;
    if (!is_equivocation(evidence.first.finalization.statement,
                         evidence.second.finalization.statement)) {
        return both;
    }
    const std::vector<PartyId> others = signers_of(evidence.second.finalization, *second);
    for (const PartyId& party : signers_of(evidence.first.finalization, *first)) {
        if (std::find(others.begin(), others.end(), party) != others.end()) {
            both.push_back(party);
        }
    }
    return both;
}

}  // namespace tally
