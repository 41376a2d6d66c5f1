#pragma once

// A few nodes in one thread with real drivers, journals and keys: a clock that only moves when
// asked, and messages that arrive in the order sent.

#include "consensus/driver/driver.h"
#include "consensus/wire/wire.h"
#include "tests/consensus/memory_files.h"
#include "tests/consensus/support.h"

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <set>

namespace tally::consensus::testing {

/// Orders opaque envelopes. What was committed survives a crash.
///
/// An envelope "set:A,B,C1" asks for the next epoch's validators: letters are members, a digit
/// counts their key changes. The block after it seals the epoch, once an envelope "ready" has
/// followed where `needs_ready` is set.
class TestApplication final : public Application {
public:
    /// After a block.
    struct State {
        EpochInfo epoch;                     ///< of the next block
        std::vector<EpochValidator> wanted;  ///< empty: no change
        bool is_ready{false};
    };
    struct Block {
        Bytes header;
        BlockMeta meta;
        std::vector<Bytes> envelopes;
        std::vector<Hash> hashes;
        State state;
    };
    struct Final {
        Block block;
        QuorumCertificate certificate;
    };

    std::optional<BlockMeta> decode_header(ByteView header) const override {
        return decode_test_header(header);
    }
    Hash hash_of_envelope(ByteView envelope) const override;
    MemberKey signer_of_envelope(ByteView envelope) const override;
    bool body_matches(ByteView header, const std::vector<Hash>& envelopes) const override;
    bool has_executed(const Hash& digest) const override;
    std::optional<BuiltBlock> build(const BuildRequest& request,
                                    const std::vector<Bytes>& envelopes) override;
    bool execute(ByteView header, const std::vector<Bytes>& envelopes) override;
    void commit(const Hash& digest, const QuorumCertificate& certificate) override;
    BlockMeta last_final() const override;
    std::optional<QuorumCertificate> last_finalization() const override;
    std::optional<FinalizedBytes> read_final(Height height) const override;
    EpochInfo epoch() const override { return final_state().epoch; }
    std::optional<Bytes> read_epoch_proof(std::uint64_t epoch) const override;
    std::optional<EpochSeal> check_epoch_proof(ByteView proof) const override;

    void crash() { executed.clear(); }
    [[nodiscard]] const State& final_state() const {
        return chain.empty() ? genesis : chain.back().block.state;
    }

    /// Who handed in an envelope first; the bytes do not say so here. Shared by all nodes.
    std::shared_ptr<std::map<Hash, MemberKey>> signers{
        std::make_shared<std::map<Hash, MemberKey>>()};
    State genesis;
    bool needs_ready{false};
    mutable std::uint64_t proofs_checked{0};

    std::vector<Final> chain;  ///< from height 1
    std::map<Hash, Block> executed;
    std::set<Hash> refused;  ///< envelopes that make a block invalid

private:
    [[nodiscard]] const State& state_of(const Hash& digest) const;
    [[nodiscard]] bool seals(const State& parent) const;
    [[nodiscard]] State next_state(const State& parent, const BlockMeta& meta,
                                   const std::vector<Bytes>& envelopes) const;
};

class Cluster;

class Node final : public Transport, public Timers, public EnvelopeIntake, public Clock {
public:
    Node(Cluster& cluster, PeerId id, std::optional<ValidatorIndex> index);
    void init();
    /// A key of this node's beside its first one: the one after `changes` changes.
    void add_key(std::uint32_t changes);
    /// Starts (again) from what is on disk.
    void start();
    void crash();
    void submit(std::string_view text);
    [[nodiscard]] bool is_up() const { return driver != nullptr; }
    [[nodiscard]] Signer* signer_for(const PublicKey& key);

    void send(PeerId peer, Bytes frame) override;
    void disconnect(PeerId peer, const char* reason) override;
    void wake_after(std::chrono::microseconds delay) override;
    void received(PeerId from, Bytes envelope) override;
    UnixMillis now() const override;
    std::chrono::microseconds monotonic() const override;

    Cluster& cluster;
    PeerId id;
    MemberKey member;
    std::optional<ValidatorIndex> index;  ///< in the first epoch
    MemoryFiles files;
    TestApplication application;
    std::unique_ptr<KeySigner> signer;
    std::vector<std::unique_ptr<KeySigner>> other_keys;
    std::unique_ptr<Mempool> mempool;
    std::unique_ptr<Journal> journal;
    std::unique_ptr<Driver> driver;
    std::optional<Time> wake_at;
    std::vector<std::string> disconnects;
    std::vector<std::string> fatals;
    std::vector<Evidence> evidence;        ///< that it was told of
    std::vector<NullifiedView> nullified;  ///< likewise
    SignatureCheck check_signature{};      ///< for its driver
    bool loses_record{false};              ///< the next start finds its safety record lost
    std::int64_t clock_skew_ms{0};
};

class Cluster {
public:
    Cluster(std::size_t validators, std::size_t followers);
    void start_all();
    void connect_all();
    /// Connects two nodes that are up and not connected.
    void connect(Node& a, Node& b);
    void cut(Node& a, Node& b);
    /// Delivers messages and fires timers until `done` or `limit` of clock time has passed.
    bool run_until(const std::function<bool()>& done, Time limit);
    bool everyone_final(Height height) const;
    /// Same block at every height on all nodes.
    bool agrees() const;

    std::size_t validators;
    Time now{1'000'000};
    std::vector<std::unique_ptr<Node>> nodes;
    std::set<std::pair<PeerId, PeerId>> links;
    /// Return false to lose the frame.
    std::function<bool(PeerId from, PeerId to, const Bytes& frame)> filter;
    std::size_t frames_sent{0};

private:
    friend class Node;
    struct Frame {
        PeerId from{0};
        PeerId to{0};
        Bytes bytes;
    };
    std::deque<Frame> m_frames;
};

}  // namespace tally::consensus::testing
