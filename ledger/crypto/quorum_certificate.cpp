#include "ledger/crypto/quorum_certificate.h"

#include "ledger/base/codec.h"
#include "ledger/crypto/sha256.h"

#include <bit>

namespace tally {

namespace {

bool is_known_kind(std::uint8_t kind) noexcept {
    return kind >= static_cast<std::uint8_t>(VoteKind::notarize) &&
           kind <= static_cast<std::uint8_t>(VoteKind::finalize);
}

}  // namespace

bool is_well_formed(const VoteStatement& statement) noexcept {
    if (!is_known_kind(static_cast<std::uint8_t>(statement.kind))) {
        return false;
    }
    return statement.kind != VoteKind::nullify ||
           (statement.parent_view == 0 && statement.digest.is_zero());
}

bool is_equivocation(const VoteStatement& first, const VoteStatement& second) noexcept {
    if (first.epoch != second.epoch || first.view != second.view) {
        return false;
    }
    if (first.kind != second.kind) {
        return first.kind != VoteKind::notarize && second.kind != VoteKind::notarize;
    }
    switch (first.kind) {
        case VoteKind::notarize:
            return first.digest != second.digest || first.parent_view != second.parent_view;
        case VoteKind::nullify:
            return false;
        case VoteKind::finalize:
            return first.digest != second.digest;
    }
    return false;
}

void encode(Encoder& encoder, const VoteStatement& statement) {
    encoder.u64(statement.epoch)
        .u8(static_cast<std::uint8_t>(statement.kind))
        .u64(statement.view)
        .u64(statement.parent_view)
        .fixed(statement.digest);
}

VoteStatement decode_vote_statement(Decoder& decoder) {
    VoteStatement statement;
    statement.epoch = decoder.u64();
    const std::uint8_t kind = decoder.u8();
    statement.kind = is_known_kind(kind) ? VoteKind{kind} : VoteKind{};
    statement.view = decoder.u64();
    statement.parent_view = decoder.u64();
    statement.digest = decoder.fixed<Hash>();
    if (!is_well_formed(statement)) {
        decoder.fail();
    }
    return statement;
}

Hash VoteStatement::signing_digest(const Hash& chain_id) const {
    Encoder encoder;
    encoder.fixed(chain_id);
    encode(encoder, *this);
    return tagged_hash("tally/vote/v1", encoder.bytes());
}

Bytes QuorumCertificate::encode() const {
    Encoder encoder;
    tally::encode(encoder, statement);
    encoder.u64(bitmap);
    for (const Signature& signature : signatures) {
        encoder.fixed(signature);
    }
    return std::move(encoder).take();
}

std::optional<QuorumCertificate> QuorumCertificate::decode(ByteView bytes) {
    Decoder decoder{bytes};
    QuorumCertificate certificate;
    certificate.statement = decode_vote_statement(decoder);
    certificate.bitmap = decoder.u64();
    if (!decoder.ok()) {
        return std::nullopt;
    }
    const auto signers = static_cast<std::size_t>(std::popcount(certificate.bitmap));
    if (decoder.remaining() != signers * Signature::size) {
        return std::nullopt;
    }
    certificate.signatures.reserve(signers);
    for (std::size_t i = 0; i < signers; ++i) {
        certificate.signatures.push_back(decoder.fixed<Signature>());
    }
    return decoder.finished() ? std::optional{std::move(certificate)} : std::nullopt;
}

std::optional<CertificateError> check_certificate(const QuorumCertificate& certificate,
                                                  const Hash& chain_id,
                                                  std::span<const VerifyKey> validators) {
    const auto signers = static_cast<std::size_t>(std::popcount(certificate.bitmap));
    if (signers == 0 || signers < quorum(validators.size()) ||
        signers != certificate.signatures.size()) {
        return CertificateError::too_few_signers;
    }
    if (static_cast<std::size_t>(std::bit_width(certificate.bitmap)) > validators.size()) {
        return CertificateError::unknown_signer;
    }
    const Hash digest = certificate.statement.signing_digest(chain_id);
    std::uint64_t rest = certificate.bitmap;
    for (const Signature& signature : certificate.signatures) {
        const auto index = static_cast<std::size_t>(std::countr_zero(rest));
        rest &= rest - 1;
        if (!validators[index].verify(digest, signature)) {
            return CertificateError::bad_signature;
        }
    }
    return std::nullopt;
}

}  // namespace tally
