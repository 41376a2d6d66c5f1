#include "tests/consensus/support.h"

#include "ledger/base/codec.h"
#include "ledger/crypto/sha256.h"

#include <algorithm>

namespace tally::consensus::testing {

Hash test_chain_id() { return sha256(as_bytes("the chain of the consensus tests")); }

SecretKey secret_of(ValidatorIndex index) {
    const Hash hash = sha256(Encoder{}.text("validator").u32(index).bytes());
    return *SecretKey::from(hash.view());
}

std::vector<PublicKey> public_keys(std::size_t count) {
    std::vector<PublicKey> keys;
    for (ValidatorIndex i = 0; i < count; ++i) {
        keys.push_back(public_key_of(secret_of(i)));
    }
    return keys;
}

MemberKey member_of(std::size_t index) {
    return MemberKey{{'N', 'O', static_cast<std::uint8_t>('A' + index)}};
}

std::vector<EpochValidator> validators_of(std::size_t count) {
    std::vector<EpochValidator> validators;
    for (const PublicKey& key : public_keys(count)) {
        validators.push_back({member_of(validators.size()), key});
    }
    return validators;
}

std::vector<VerifyKey> verify_keys(std::size_t count) {
    std::vector<VerifyKey> keys;
    for (const PublicKey& key : public_keys(count)) {
        keys.push_back(*VerifyKey::parse(key));
    }
    return keys;
}

Hash digest_of(char letter) {
    Hash hash;
    hash.data.fill(static_cast<std::uint8_t>(letter));
    return hash;
}

VoteStatement notarize(View view, View parent_view, const Hash& digest) {
    return {test_epoch, VoteKind::notarize, view, parent_view, digest};
}
VoteStatement nullify(View view) { return {test_epoch, VoteKind::nullify, view, 0, Hash{}}; }
VoteStatement finalize(View view, View parent_view, const Hash& digest) {
    return {test_epoch, VoteKind::finalize, view, parent_view, digest};
}

Vote vote(ValidatorIndex signer, const VoteStatement& statement) {
    return {statement, signer,
            sign_digest(secret_of(signer), statement.signing_digest(test_chain_id()))};
}

QuorumCertificate certificate(const VoteStatement& statement,
                              const std::vector<ValidatorIndex>& signers) {
    std::vector<ValidatorIndex> ordered = signers;
    std::sort(ordered.begin(), ordered.end());
    QuorumCertificate made;
    made.statement = statement;
    for (const ValidatorIndex signer : ordered) {
        made.bitmap |= std::uint64_t{1} << signer;
        made.signatures.push_back(vote(signer, statement).signature);
    }
    return made;
}

Hash body_hash(const std::vector<Hash>& envelopes) {
    Encoder out;
    for (const Hash& hash : envelopes) {
        out.fixed(hash);
    }
    return sha256(out.bytes());
}

Bytes encode_header(const BlockMeta& meta, const std::vector<Hash>& envelopes,
                    const Hash& next_set) {
    Encoder out;
    out.fixed(meta.parent).u64(meta.epoch).u64(meta.height).u64(meta.view).u64(meta.parent_view);
    out.i64(meta.time).u32(meta.proposer).boolean(meta.seals_epoch).fixed(next_set);
    out.fixed(body_hash(envelopes));
    return std::move(out).take();
}

std::optional<BlockMeta> decode_test_header(ByteView header) {
    Decoder in{header};
    BlockMeta meta;
    meta.parent = in.fixed<Hash>();
    meta.epoch = in.u64();
    meta.height = in.u64();
    meta.view = in.u64();
    meta.parent_view = in.u64();
    meta.time = in.i64();
    meta.proposer = in.u32();
    meta.seals_epoch = in.boolean();
    static_cast<void>(in.fixed<Hash>());
    static_cast<void>(in.fixed<Hash>());
    if (!in.finished()) {
        return std::nullopt;
    }
    meta.digest = tagged_hash("test/header", header);
    return meta;
}

BlockMeta genesis_meta() {
    BlockMeta meta;
    meta.digest = sha256(as_bytes("genesis of the consensus tests"));
    meta.epoch = test_epoch;
    return meta;
}

}  // namespace tally::consensus::testing
