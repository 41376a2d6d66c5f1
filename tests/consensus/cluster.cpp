#include "tests/consensus/cluster.h"

#include "ledger/base/check.h"
#include "ledger/base/codec.h"
#include "ledger/crypto/sha256.h"

#include <algorithm>

namespace tally::consensus::testing {

Hash TestApplication::hash_of_envelope(ByteView envelope) const {
    return tagged_hash("test/envelope", envelope);
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
    BlockMeta meta;
    meta.parent = request.parent;
    meta.epoch = request.epoch;
    meta.height = parent_height + 1;
    meta.view = request.view;
    meta.parent_view = request.parent_view;
    meta.time = request.time;
    meta.proposer = request.proposer;
    built.header = encode_header(meta, built.envelopes);
    built.meta = *decode_test_header(built.header);
    executed[built.meta.digest] = {built.header, built.meta, used, built.envelopes};
    return built;
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
    executed[meta->digest] = {Bytes{header.begin(), header.end()}, *meta, envelopes, hashes};
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
    : cluster{owner}, id{peer_id}, index{validator} {
    if (index) {
        signer = std::make_unique<KeySigner>(secret_of(*index));
    }
}

void Node::init() {
    if (index) {
        const auto created = Journal::create(files, "consensus", test_epoch);
        ENSURE(created.has_value());
    }
}

void Node::start() {
    DriverOptions options;
    options.chain_id = test_chain_id();
    options.epoch = test_epoch;
    options.validators = public_keys(cluster.validators);
    options.self = index;
    mempool = std::make_unique<Mempool>();
    if (index) {
        JournalOptions journal_options;
        journal_options.epoch = test_epoch;
        journal_options.rotate_bytes = 20'000;
        journal_options.fatal = [this](const std::string& what) { fatals.push_back(what); };
        auto opened = Journal::open(files, "consensus", std::move(journal_options));
        ENSURE(opened.has_value());
        journal = std::move(*opened);
    }
    DriverPorts ports{
        *this, *this, *this, *this, signer.get(), journal.get(), [this](const std::string& what) {
            fatals.push_back(what);
        }};
    driver = std::make_unique<Driver>(std::move(options), std::move(ports), application, *mempool);
    driver->start();
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

void Node::received(PeerId /*from*/, Bytes envelope) {
    VerifiedEnvelope verified;
    verified.hash = application.hash_of_envelope(envelope);
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
    a.driver->on_connected({b.id, b.index});
    b.driver->on_connected({a.id, a.index});
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
