#include "tests/consensus/cluster.h"

#include "ledger/base/check.h"
#include "ledger/base/codec.h"
#include "ledger/crypto/sha256.h"

#include <algorithm>

namespace tally::consensus::testing {
namespace {

constexpr std::string_view set_prefix{"set:"};

Hash hash_of_set(const std::vector<EpochValidator>& validators) {
    Encoder out;
    for (const EpochValidator& validator : validators) {
        out.fixed(validator.member).fixed(validator.key);
    }
    return tagged_hash("test/set", out.bytes());
}

/// "A,B,C1".
std::vector<EpochValidator> read_set(std::string_view text) {
    std::vector<EpochValidator> validators;
    for (std::size_t at = 0; at < text.size(); ++at) {
        if (text[at] >= 'A' && text[at] <= 'Z') {
            const auto index = static_cast<std::uint32_t>(text[at] - 'A');
            validators.push_back({member_of(index), public_key_of(secret_of(index))});
        } else if (text[at] >= '1' && text[at] <= '9' && !validators.empty()) {
            const auto index = static_cast<std::uint32_t>(validators.back().member.data[2] - 'A');
            const auto changes = static_cast<std::uint32_t>(text[at] - '0');
            validators.back().key = public_key_of(secret_of(index + 100 * changes));
        }
    }
    return validators;
}

}  // namespace

Hash TestApplication::hash_of_envelope(ByteView envelope) const {
    return tagged_hash("test/envelope", envelope);
}

MemberKey TestApplication::signer_of_envelope(ByteView envelope) const {
    const auto found = signers->find(hash_of_envelope(envelope));
    return found == signers->end() ? MemberKey{} : found->second;
}

bool TestApplication::body_matches(ByteView header, const std::vector<Hash>& envelopes) const {
    const Hash expected = body_hash(envelopes);
    return header.size() > Hash::size && Hash::from(header.last(Hash::size)) == expected;
}

BlockMeta TestApplication::last_final() const {
    return chain.empty() ? genesis_meta() : chain.back().block.meta;
}

std::optional<QuorumCertificate> TestApplication::last_finalization() const {
    return chain.empty() ? std::nullopt : std::optional{chain.back().certificate};
}

bool TestApplication::has_executed(const Hash& digest) const {
    return digest == last_final().digest || executed.count(digest) != 0;
}

std::optional<BuiltBlock> TestApplication::build(const BuildRequest& request,
                                                 const std::vector<Bytes>& envelopes) {
    const BlockMeta final = last_final();
    const Height parent_height =
        request.parent == final.digest ? final.height : executed.at(request.parent).meta.height;
    BuiltBlock built;
    std::vector<Bytes> used;
    for (const Bytes& envelope : envelopes) {
        const Hash hash = hash_of_envelope(envelope);
        if (refused.count(hash) != 0) {
            built.left_out.push_back(hash);
            continue;
        }
        built.envelopes.push_back(hash);
        used.push_back(envelope);
    }
    const State& parent = state_of(request.parent);
    BlockMeta meta;
    meta.parent = request.parent;
    meta.epoch = request.epoch;
    meta.height = parent_height + 1;
    meta.view = request.view;
    meta.parent_view = request.parent_view;
    meta.time = request.time;
    meta.proposer = request.proposer;
    meta.seals_epoch = seals(parent);
    built.header = encode_header(meta, built.envelopes,
                                 meta.seals_epoch ? hash_of_set(parent.wanted) : Hash{});
    built.meta = *decode_test_header(built.header);
    executed[built.meta.digest] = {built.header, built.meta, used, built.envelopes,
                                   next_state(parent, built.meta, used)};
    return built;
}

const TestApplication::State& TestApplication::state_of(const Hash& digest) const {
    return digest == last_final().digest ? final_state() : executed.at(digest).state;
}

bool TestApplication::seals(const State& parent) const {
    return !parent.wanted.empty() && (parent.is_ready || !needs_ready);
}

TestApplication::State TestApplication::next_state(const State& parent, const BlockMeta& meta,
                                                   const std::vector<Bytes>& envelopes) const {
    State state = parent;
    if (meta.seals_epoch) {
        state.epoch.epoch = parent.epoch.epoch + 1;
        state.epoch.validators = parent.wanted;
        state.epoch.previous_seal = meta.digest;
        state.wanted.clear();
        state.is_ready = false;
    }
    for (const Bytes& envelope : envelopes) {
        const std::string_view text = as_text(envelope);
        if (text.substr(0, set_prefix.size()) == set_prefix) {
            state.wanted = read_set(text.substr(set_prefix.size()));
        }
        state.is_ready = state.is_ready || text == "ready";
    }
    return state;
}

std::optional<Bytes> TestApplication::read_epoch_proof(std::uint64_t ended) const {
    for (const Final& final : chain) {
        if (final.block.meta.seals_epoch && final.block.meta.epoch == ended) {
            Encoder out;
            out.var_bytes(final.block.header).var_bytes(final.certificate.encode());
            for (const EpochValidator& validator : final.block.state.epoch.validators) {
                out.fixed(validator.member).fixed(validator.key);
            }
            return std::move(out).take();
        }
    }
    return std::nullopt;
}

std::optional<EpochSeal> TestApplication::check_epoch_proof(ByteView proof) const {
    ++proofs_checked;
    Decoder in{proof};
    EpochSeal seal;
    const ByteView header = in.var_bytes(4096);
    seal.header.assign(header.begin(), header.end());
    const auto meta = decode_test_header(header);
    const auto certificate = QuorumCertificate::decode(in.var_bytes(16'384));
    std::vector<EpochValidator> next;
    while (in.ok() && in.remaining() != 0) {
        const auto member = in.fixed<MemberKey>();
        next.push_back({member, in.fixed<PublicKey>()});
    }
    const EpochInfo now = epoch();
    std::vector<VerifyKey> keys;
    for (const EpochValidator& validator : now.validators) {
        keys.push_back(*VerifyKey::parse(validator.key));
    }
    if (!in.finished() || !meta || !certificate || !meta->seals_epoch || meta->epoch != now.epoch ||
        certificate->statement.kind != VoteKind::finalize ||
        certificate->statement.epoch != now.epoch ||
        certificate->statement.digest != meta->digest || header.size() < 2 * Hash::size ||
        Hash::from(header.last(2 * Hash::size).first(Hash::size)) != hash_of_set(next) ||
        check_certificate(*certificate, test_chain_id(), keys)) {
        return std::nullopt;
    }
    seal.meta = *meta;
    seal.finalization = *certificate;
    return seal;
}

bool TestApplication::execute(ByteView header, const std::vector<Bytes>& envelopes) {
    const auto meta = decode_test_header(header);
    ENSURE(meta && has_executed(meta->parent));
    std::vector<Hash> hashes;
    for (const Bytes& envelope : envelopes) {
        hashes.push_back(hash_of_envelope(envelope));
        if (refused.count(hashes.back()) != 0) {
            return false;
        }
    }
    const State& parent = state_of(meta->parent);
    if (meta->epoch != parent.epoch.epoch || meta->seals_epoch != seals(parent)) {
        return false;
    }
    executed[meta->digest] = {Bytes{header.begin(), header.end()}, *meta, envelopes, hashes,
                              next_state(parent, *meta, envelopes)};
    return true;
}

void TestApplication::commit(const Hash& digest, const QuorumCertificate& certificate) {
    if (digest == last_final().digest) {
        return;
    }
    const Block block = executed.at(digest);
    ENSURE(block.meta.parent == last_final().digest);
    ENSURE(certificate.statement.digest == digest);
    chain.push_back({block, certificate});
    std::map<Hash, Block> kept;
    for (const auto& [hash, candidate] : executed) {
        if (candidate.meta.height > block.meta.height) {
            kept.emplace(hash, candidate);
        }
    }
    executed = std::move(kept);
}

std::optional<FinalizedBytes> TestApplication::read_final(Height height) const {
    if (height == 0 || height > chain.size()) {
        return std::nullopt;
    }
    const Final& final = chain[height - 1];
    return FinalizedBytes{final.block.header, final.block.envelopes, final.certificate};
}

Node::Node(Cluster& owner, PeerId peer_id, std::optional<ValidatorIndex> validator)
    : cluster{owner}, id{peer_id}, member{member_of(peer_id - 100)}, index{validator} {
    signer = std::make_unique<KeySigner>(secret_of(static_cast<ValidatorIndex>(id - 100)));
    application.genesis.epoch = {test_epoch, validators_of(cluster.validators)};
}

void Node::init() {
    const auto created = Journal::create(files, "consensus", test_epoch);
    ENSURE(created.has_value());
}

void Node::add_key(std::uint32_t changes) {
    const auto number = static_cast<std::uint32_t>(id - 100);
    other_keys.push_back(std::make_unique<KeySigner>(secret_of(number + 100 * changes)));
}

void Node::start() {
    DriverOptions options;
    options.chain_id = test_chain_id();
    mempool = std::make_unique<Mempool>();
    JournalOptions journal_options;
    journal_options.rotate_bytes = 20'000;
    journal_options.fatal = [this](const std::string& what) { fatals.push_back(what); };
    auto opened = loses_record ? Journal::open_without_record(files, "consensus", journal_options)
                               : Journal::open(files, "consensus", journal_options);
    if (!opened && opened.error().kind == JournalError::Kind::record_lost) {
        opened = Journal::open_without_record(files, "consensus", journal_options);
    }
    ENSURE(opened.has_value());
    loses_record = false;
    journal = std::move(*opened);
    DriverPorts ports{
        .clock = *this,
        .transport = *this,
        .timers = *this,
        .intake = *this,
        .self = member,
        .signer_for = [this](const PublicKey& key) { return signer_for(key); },
        .journal = journal.get(),
        .check_signature = check_signature,
        .fatal = [this](const std::string& what) { fatals.push_back(what); },
        .on_nullified = [this](const NullifiedView& ended) { nullified.push_back(ended); },
        .on_evidence =
            [this](const Evidence& found) {
                ENSURE(journal->is_synced());
                evidence.push_back(found);
            }};
    driver = std::make_unique<Driver>(std::move(options), std::move(ports), application, *mempool);
    driver->start();
}

Signer* Node::signer_for(const PublicKey& key) {
    if (signer && signer->public_key() == key) {
        return signer.get();
    }
    for (const auto& other : other_keys) {
        if (other->public_key() == key) {
            return other.get();
        }
    }
    return nullptr;
}

void Node::crash() {
    driver.reset();
    journal.reset();
    mempool.reset();
    wake_at.reset();
    files.crash();
    application.crash();
    for (const auto& other : cluster.nodes) {
        cluster.cut(*this, *other);
    }
}

void Node::submit(std::string_view text) {
    const ByteView view = as_bytes(text);
    VerifiedEnvelope envelope;
    envelope.bytes.assign(view.begin(), view.end());
    envelope.hash = application.hash_of_envelope(view);
    envelope.signer = application.signers->emplace(envelope.hash, member).first->second;
    envelope.expires_at = now() + 120'000;
    const Bytes bytes = envelope.bytes;
    if (mempool->add(std::move(envelope)) == Admission::added) {
        driver->gossip(bytes);
        driver->on_envelope_available();
    }
}

void Node::send(PeerId peer, Bytes frame) {
    ENSURE(!journal || journal->is_synced());
    if (cluster.links.count({id, peer}) == 0) {
        return;
    }
    ++cluster.frames_sent;
    if (!cluster.filter || cluster.filter(id, peer, frame)) {
        cluster.m_frames.push_back({id, peer, std::move(frame)});
    }
}

void Node::disconnect(PeerId /*peer*/, const char* reason) { disconnects.emplace_back(reason); }
void Node::wake_after(std::chrono::microseconds delay) { wake_at = cluster.now + delay; }

void Node::received(PeerId from, Bytes envelope) {
    VerifiedEnvelope verified;
    verified.hash = application.hash_of_envelope(envelope);
    verified.signer =
        application.signers->emplace(verified.hash, member_of(from - 100)).first->second;
    verified.bytes = std::move(envelope);
    verified.expires_at = now() + 120'000;
    static_cast<void>(mempool->add(std::move(verified)));
}

UnixMillis Node::now() const {
    return 1'700'000'000'000 + cluster.now.count() / 1000 + clock_skew_ms;
}
std::chrono::microseconds Node::monotonic() const { return cluster.now; }

Cluster::Cluster(std::size_t validator_count, std::size_t followers) : validators{validator_count} {
    for (std::size_t i = 0; i < validator_count + followers; ++i) {
        std::optional<ValidatorIndex> index;
        if (i < validator_count) {
            index = static_cast<ValidatorIndex>(i);
        }
        nodes.push_back(std::make_unique<Node>(*this, 100 + i, index));
        nodes.back()->application.signers = nodes.front()->application.signers;
        nodes.back()->init();
    }
}

void Cluster::start_all() {
    for (const auto& node : nodes) {
        node->start();
    }
    connect_all();
}

void Cluster::connect_all() {
    for (const auto& a : nodes) {
        for (const auto& b : nodes) {
            if (a->id < b->id && a->is_up() && b->is_up() && links.count({a->id, b->id}) == 0) {
                connect(*a, *b);
            }
        }
    }
}

void Cluster::connect(Node& a, Node& b) {
    links.insert({a.id, b.id});
    links.insert({b.id, a.id});
    a.driver->on_connected({b.id, b.member});
    b.driver->on_connected({a.id, a.member});
}

void Cluster::cut(Node& a, Node& b) {
    if (links.erase({a.id, b.id}) + links.erase({b.id, a.id}) == 0) {
        return;
    }
    const auto between = [&](const Frame& frame) {
        return (frame.from == a.id && frame.to == b.id) || (frame.from == b.id && frame.to == a.id);
    };
    m_frames.erase(std::remove_if(m_frames.begin(), m_frames.end(), between), m_frames.end());
    if (a.is_up()) {
        a.driver->on_disconnected(b.id);
    }
    if (b.is_up()) {
        b.driver->on_disconnected(a.id);
    }
}

bool Cluster::run_until(const std::function<bool()>& done, Time limit) {
    const Time end = now + limit;
    while (!done()) {
        if (!m_frames.empty()) {
            const Frame frame = std::move(m_frames.front());
            m_frames.pop_front();
            Node& to = *nodes[frame.to - 100];
            now += Time{100};
            if (to.is_up()) {
                to.driver->on_message(frame.from, frame.bytes);
                if (to.mempool->size() != 0) {
                    to.driver->on_envelope_available();
                }
            }
            continue;
        }
        Node* next{nullptr};
        for (const auto& node : nodes) {
            if (node->is_up() && node->wake_at && (!next || *node->wake_at < *next->wake_at)) {
                next = node.get();
            }
        }
        if (next == nullptr || *next->wake_at > end) {
            now = end;
            return done();
        }
        now = std::max(now, *next->wake_at);
        next->wake_at.reset();
        next->driver->on_timer();
    }
    return true;
}

bool Cluster::everyone_final(Height height) const {
    return std::all_of(nodes.begin(), nodes.end(), [height](const auto& node) {
        return !node->is_up() || node->application.chain.size() >= height;
    });
}

bool Cluster::agrees() const {
    for (const auto& a : nodes) {
        for (const auto& b : nodes) {
            const std::size_t common =
                std::min(a->application.chain.size(), b->application.chain.size());
            for (std::size_t i = 0; i < common; ++i) {
                if (a->application.chain[i].block.meta.digest !=
                    b->application.chain[i].block.meta.digest) {
                    return false;
                }
            }
        }
    }
    return true;
}

}  // namespace tally::consensus::testing
