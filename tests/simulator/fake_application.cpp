#include "tests/simulator/fake_application.h"

#include "ledger/base/check.h"
#include "ledger/base/codec.h"
#include "ledger/crypto/sha256.h"

#include <algorithm>
#include <utility>

namespace tally::simulator {

namespace {

Bytes height_key(consensus::Height height) { return Encoder{}.u64(height).bytes(); }

Hash hash_of_list(const std::vector<Hash>& hashes) {
    Encoder encoder;
    for (const Hash& hash : hashes) {
        encoder.fixed(hash);
    }
    return tagged_hash("tally/simulator/body", encoder.bytes());
}

bool is_bad(const Bytes& envelope) {
    return envelope.empty() || envelope.front() == FakeApplication::bad_envelope_byte;
}

Hash hash_of_set(const std::vector<consensus::EpochValidator>& validators) {
    Encoder encoder;
    for (const consensus::EpochValidator& validator : validators) {
        encoder.fixed(validator.member).fixed(validator.key);
    }
    return tagged_hash("tally/simulator/set", encoder.bytes());
}

void encode_set(Encoder& encoder, const std::vector<consensus::EpochValidator>& validators) {
    encoder.u32(static_cast<std::uint32_t>(validators.size()));
    for (const consensus::EpochValidator& validator : validators) {
        encoder.fixed(validator.member).fixed(validator.key);
    }
}

std::vector<consensus::EpochValidator> decode_set(Decoder& decoder) {
    std::vector<consensus::EpochValidator> validators;
    const std::uint32_t count = decoder.count(validators_max, 36);
    for (std::uint32_t i = 0; i < count; ++i) {
        const auto member = decoder.fixed<consensus::MemberKey>();
        validators.push_back({member, decoder.fixed<PublicKey>()});
    }
    return validators;
}

/// The set that an envelope asks for, if it does; an empty one is no set.
struct Wish {
    bool needs_ready{false};
    std::vector<consensus::EpochValidator> wanted;
};
std::optional<Wish> wish_of(const Bytes& envelope) {
    if (envelope.empty() || envelope.front() != FakeApplication::set_envelope_byte) {
        return std::nullopt;
    }
    Decoder decoder{ByteView{envelope}.subspan(1)};
    Wish wish;
    static_cast<void>(decoder.u64());
    wish.needs_ready = decoder.boolean();
    wish.wanted = decode_set(decoder);
    return decoder.finished() && !wish.wanted.empty() ? std::optional{wish} : std::nullopt;
}

}  // namespace

struct FakeApplication::Header {
    Hash chain_id;
    consensus::BlockMeta meta;
    Hash body;
    Hash state;
    Hash next_set;  ///< of the validators of the next block

    [[nodiscard]] Bytes encode() const {
        Encoder encoder;
        encoder.fixed(chain_id).fixed(meta.parent).u64(meta.epoch).u64(meta.height).u64(meta.view);
        encoder.u64(meta.parent_view).i64(meta.time).u32(meta.proposer).boolean(meta.seals_epoch);
        encoder.fixed(body).fixed(state).fixed(next_set);
        return encoder.bytes();
    }
    [[nodiscard]] static std::optional<Header> decode(ByteView bytes) {
        Decoder decoder{bytes};
        Header header;
        header.chain_id = decoder.fixed<Hash>();
        header.meta.parent = decoder.fixed<Hash>();
        header.meta.epoch = decoder.u64();
        header.meta.height = decoder.u64();
        header.meta.view = decoder.u64();
        header.meta.parent_view = decoder.u64();
        header.meta.time = decoder.i64();
        header.meta.proposer = decoder.u32();
        header.meta.seals_epoch = decoder.boolean();
        header.body = decoder.fixed<Hash>();
        header.state = decoder.fixed<Hash>();
        header.next_set = decoder.fixed<Hash>();
        header.meta.digest = tagged_hash("tally/simulator/header", bytes);
        return decoder.finished() ? std::optional{header} : std::nullopt;
    }
};

FakeApplication::FakeApplication(Options options, SimStore& store, OnFinal on_final)
    : m_options{std::move(options)}, m_store{store}, m_on_final{std::move(on_final)} {
    m_final.meta = genesis(m_options.chain_id);
    m_final.state.epoch = m_options.first_epoch;
    load();
}

Bytes FakeApplication::set_envelope(const std::vector<consensus::EpochValidator>& wanted,
                                    bool needs_ready, std::uint64_t salt) {
    Encoder encoder;
    encoder.u8(set_envelope_byte).u64(salt).boolean(needs_ready);
    encode_set(encoder, wanted);
    return encoder.bytes();
}

Bytes FakeApplication::ready_envelope(std::uint64_t salt) {
    return Encoder{}.u8(ready_envelope_byte).u64(salt).bytes();
}

bool FakeApplication::seals(const State& parent, consensus::Height height) const {
    const bool changes = parent.is_ready && parent.wanted != parent.epoch.validators;
    return changes || (m_options.epoch_blocks_max > 0 &&
                       height - parent.first_height + 1 >= m_options.epoch_blocks_max);
}

FakeApplication::State FakeApplication::state_after(const Executed& parent,
                                                    const consensus::BlockMeta& meta,
                                                    const std::vector<Bytes>& envelopes,
                                                    const Hash& body) const {
    State state = parent.state;
    state.history = sha256(parent.state.history.view(), body.view());
    if (meta.seals_epoch) {
        ++state.epoch.epoch;
        state.epoch.previous_seal = meta.digest;
        state.first_height = meta.height + 1;
        if (state.is_ready) {
            state.epoch.validators = std::exchange(state.wanted, {});
            state.is_ready = false;
        }
    }
    for (const Bytes& envelope : envelopes) {
        if (std::optional<Wish> wish = wish_of(envelope)) {
            state.wanted = std::move(wish->wanted);
            state.is_ready = !wish->needs_ready;
        } else if (envelope.front() == ready_envelope_byte) {
            state.is_ready = !state.wanted.empty();
        }
    }
    return state;
}

consensus::BlockMeta FakeApplication::genesis(const Hash& chain_id) {
    consensus::BlockMeta meta;
    meta.digest = tagged_hash("tally/simulator/genesis", chain_id.view());
    return meta;
}

/// Reads the final chain back after a restart.
void FakeApplication::load() {
    for (consensus::Height height = 1;; ++height) {
        const std::optional<consensus::FinalizedBytes> block = read_final(height);
        if (!block) {
            return;
        }
        const std::optional<Header> header = Header::decode(block->header);
        ENSURE(header.has_value());
        m_final =
            Executed{.meta = header->meta,
                     .state = state_after(m_final, header->meta, block->envelopes, header->body),
                     .header = block->header,
                     .envelopes = {},
                     .hashes = {}};
        if (header->meta.seals_epoch) {
            m_seals[header->meta.epoch] = height;
        }
        for (const Bytes& envelope : block->envelopes) {
            m_final_envelopes.insert(hash_of_envelope(envelope));
        }
        m_last_finalization = block->finalization;
    }
}

std::optional<consensus::BlockMeta> FakeApplication::decode(const Hash& chain_id, ByteView header) {
    const std::optional<Header> decoded = Header::decode(header);
    if (!decoded || decoded->chain_id != chain_id) {
        return std::nullopt;
    }
    return decoded->meta;
}

std::optional<consensus::BlockMeta> FakeApplication::decode_header(ByteView header) const {
    return decode(m_options.chain_id, header);
}

Hash FakeApplication::hash_of(ByteView envelope) {
    return tagged_hash("tally/simulator/envelope", envelope);
}

Hash FakeApplication::hash_of_envelope(ByteView envelope) const { return hash_of(envelope); }

consensus::MemberKey FakeApplication::signer_of_envelope(ByteView envelope) const {
    consensus::MemberKey signer{};
    signer.data[0] = envelope.size() > 1 ? envelope[1] : 0;
    return signer;
}

bool FakeApplication::body_matches(ByteView header, const std::vector<Hash>& envelopes) const {
    const std::optional<Header> decoded = Header::decode(header);
    return decoded && decoded->body == hash_of_list(envelopes);
}

const FakeApplication::Executed* FakeApplication::find(const Hash& digest) const {
    if (digest == m_final.meta.digest) {
        return &m_final;
    }
    const auto found = m_executed.find(digest);
    return found == m_executed.end() ? nullptr : &found->second;
}

bool FakeApplication::has_executed(const Hash& digest) const { return find(digest) != nullptr; }

bool FakeApplication::is_repeated(const Hash& envelope, const Executed& parent) const {
    for (const Executed* at = &parent; at != nullptr && at != &m_final;
         at = find(at->meta.parent)) {
        if (std::find(at->hashes.begin(), at->hashes.end(), envelope) != at->hashes.end()) {
            return true;
        }
    }
    return m_final_envelopes.contains(envelope);
}

std::optional<consensus::BuiltBlock> FakeApplication::build(const consensus::BuildRequest& request,
                                                            const std::vector<Bytes>& envelopes) {
    const Executed* parent = find(request.parent);
    if (parent == nullptr) {
        return std::nullopt;
    }
    consensus::BuiltBlock built;
    std::vector<Bytes> body;
    for (const Bytes& envelope : envelopes) {
        const Hash hash = hash_of_envelope(envelope);
        const bool twice = std::find(built.envelopes.begin(), built.envelopes.end(), hash) !=
                           built.envelopes.end();
        if (is_bad(envelope) || twice || is_repeated(hash, *parent)) {
            built.left_out.push_back(hash);
        } else {
            built.envelopes.push_back(hash);
            body.push_back(envelope);
        }
    }
    Header header{
        .chain_id = m_options.chain_id, .meta = {}, .body = {}, .state = {}, .next_set = {}};
    header.meta.parent = request.parent;
    header.meta.epoch = request.epoch;
    header.meta.height = parent->meta.height + 1;
    header.meta.view = request.view;
    header.meta.parent_view = request.parent_view;
    header.meta.time = request.time;
    header.meta.proposer = request.proposer;
    header.meta.seals_epoch = seals(parent->state, header.meta.height);
    header.body = hash_of_list(built.envelopes);
    State state = state_after(*parent, header.meta, body, header.body);
    header.state = state.history;
    header.next_set = hash_of_set(state.epoch.validators);
    built.header = header.encode();
    built.meta = Header::decode(built.header)->meta;
    if (built.meta.seals_epoch) {
        state.epoch.previous_seal = built.meta.digest;  // known only now
    }
    m_executed[built.meta.digest] = Executed{.meta = built.meta,
                                             .state = std::move(state),
                                             .header = built.header,
                                             .envelopes = std::move(body),
                                             .hashes = built.envelopes};
    return built;
}

bool FakeApplication::execute(ByteView header, const std::vector<Bytes>& envelopes) {
    const std::optional<Header> decoded = Header::decode(header);
    ENSURE(decoded.has_value());
    const Executed* parent = find(decoded->meta.parent);
    ENSURE(parent != nullptr);
    std::vector<Hash> hashes;
    for (const Bytes& envelope : envelopes) {
        const Hash hash = hash_of_envelope(envelope);
        const bool twice = std::find(hashes.begin(), hashes.end(), hash) != hashes.end();
        if (is_bad(envelope) || twice || is_repeated(hash, *parent)) {
            return false;
        }
        hashes.push_back(hash);
    }
    const consensus::BlockMeta& meta = decoded->meta;
    State state = state_after(*parent, meta, envelopes, decoded->body);
    const bool right = decoded->body == hash_of_list(hashes) && decoded->state == state.history &&
                       decoded->next_set == hash_of_set(state.epoch.validators) &&
                       meta.epoch == parent->state.epoch.epoch &&
                       meta.height == parent->meta.height + 1 && meta.time > parent->meta.time &&
                       meta.seals_epoch == seals(parent->state, meta.height);
    if (right) {
        m_executed[meta.digest] = Executed{.meta = meta,
                                           .state = std::move(state),
                                           .header = Bytes(header.begin(), header.end()),
                                           .envelopes = envelopes,
                                           .hashes = std::move(hashes)};
    }
    return right;
}

void FakeApplication::commit(const Hash& digest, const QuorumCertificate& finalization) {
    const auto found = m_executed.find(digest);
    if (found == m_executed.end()) {
        ENSURE(m_last_finalization &&
               finalization.statement.view <= m_last_finalization->statement.view);
        return;
    }
    ENSURE(found->second.meta.parent == m_final.meta.digest);
    Executed block = std::move(found->second);
    Encoder encoder;
    encoder.var_bytes(block.header).u32(static_cast<std::uint32_t>(block.envelopes.size()));
    for (const Bytes& envelope : block.envelopes) {
        encoder.var_bytes(envelope);
    }
    encoder.var_bytes(finalization.encode());
    WriteBatch batch;
    batch.put(height_key(block.meta.height), encoder.bytes());
    ENSURE(m_store.write(batch, true).has_value());

    m_last_finalization = finalization;
    m_final_envelopes.insert(block.hashes.begin(), block.hashes.end());
    m_final = std::move(block);
    std::erase_if(m_executed, [&](const auto& entry) {
        return entry.second.meta.height <= m_final.meta.height;
    });
    FinalNotice notice{.meta = m_final.meta,
                       .header = m_final.header,
                       .envelopes = m_final.hashes,
                       .finalization = finalization};
    if (m_final.meta.seals_epoch) {
        m_seals[m_final.meta.epoch] = m_final.meta.height;
        notice.next = m_final.state.epoch;
    }
    m_on_final(notice);
}

std::optional<Bytes> FakeApplication::read_epoch_proof(std::uint64_t epoch) const {
    const auto seal = m_seals.find(epoch);
    if (seal == m_seals.end()) {
        return std::nullopt;
    }
    const auto block = read_final(seal->second);
    ENSURE(block.has_value());
    Encoder encoder;
    encoder.var_bytes(block->header).var_bytes(block->finalization.encode());
    return encoder.bytes();
}

bool FakeApplication::holds(const QuorumCertificate& certificate) const {
    const auto& validators = m_final.state.epoch.validators;
    const Hash digest = certificate.statement.signing_digest(m_options.chain_id);
    std::size_t next{0};
    for (std::size_t signer = 0; signer < validators_max; ++signer) {
        if ((certificate.bitmap >> signer & 1U) == 0) {
            continue;
        }
        const auto key =
            signer < validators.size() ? VerifyKey::parse(validators[signer].key) : std::nullopt;
        if (!key || next >= certificate.signatures.size()) {
            return false;
        }
        const Signature& signature = certificate.signatures[next++];
        if (!(m_options.check ? m_options.check(*key, digest, signature)
                              : key->verify(digest, signature))) {
            return false;
        }
    }
    return next == certificate.signatures.size() && next >= quorum(validators.size());
}

/// The next set is not in the proof: the block that sealed the epoch says its hash, and the ledger
/// gets the set itself when it executes that block.
std::optional<consensus::EpochSeal> FakeApplication::check_epoch_proof(ByteView proof) const {
    Decoder decoder{proof};
    const ByteView header = decoder.var_bytes(1U << 12U);
    const auto finalization = QuorumCertificate::decode(decoder.var_bytes(1U << 14U));
    const auto meta = decode_header(header);
    if (!decoder.finished() || !finalization || !meta) {
        return std::nullopt;
    }
    const VoteStatement& statement = finalization->statement;
    const bool fits = meta->seals_epoch && meta->epoch == m_final.state.epoch.epoch &&
                      statement.epoch == meta->epoch && statement.kind == VoteKind::finalize &&
                      statement.digest == meta->digest && statement.view >= meta->view;
    if (!fits || !holds(*finalization)) {
        return std::nullopt;
    }
    return consensus::EpochSeal{.header = Bytes(header.begin(), header.end()),
                                .meta = *meta,
                                .finalization = *finalization};
}

std::optional<consensus::FinalizedBytes> FakeApplication::read_final(
    consensus::Height height) const {
    const auto stored = m_store.get(height_key(height));
    ENSURE(stored.has_value());
    if (!*stored) {
        return std::nullopt;
    }
    Decoder decoder{**stored};
    consensus::FinalizedBytes block;
    const ByteView header = decoder.var_bytes(1U << 12U);
    block.header.assign(header.begin(), header.end());
    const std::uint32_t count = decoder.count(1U << 12U, 4);
    for (std::uint32_t i = 0; i < count; ++i) {
        const ByteView envelope = decoder.var_bytes(1U << 20U);
        block.envelopes.emplace_back(envelope.begin(), envelope.end());
    }
    const std::optional<QuorumCertificate> finalization =
        QuorumCertificate::decode(decoder.var_bytes(1U << 14U));
    ENSURE(decoder.finished() && finalization.has_value());
    block.finalization = *finalization;
    return block;
}

}  // namespace tally::simulator
