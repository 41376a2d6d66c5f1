#pragma once

// Inside of the driver; only its .cpp files include this.

#include "consensus/driver/block_tree.h"
#include "consensus/driver/driver.h"
#include "consensus/driver/fetcher.h"
#include "consensus/driver/peer_table.h"
#include "consensus/journal/safety_signer.h"
#include "consensus/simplex/core.h"
#include "consensus/wire/wire.h"

#include <deque>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace tally::consensus {

class Driver::Impl {
public:
    Impl(DriverOptions options, DriverPorts ports, Application& application, Mempool& mempool);

    void start();
    void on_connected(const Peer& peer);
    void on_disconnected(PeerId peer);
    void on_message(PeerId peer, ByteView frame);
    void on_timer();
    void on_envelope_available();
    void gossip(const Bytes& envelope);
    [[nodiscard]] DriverFigures figures() const;
    [[nodiscard]] DriverStatus status() const;
    [[nodiscard]] std::vector<Evidence> evidence() const {
        const std::deque<Evidence>& all = m_ports.journal->evidence().all();
        return {all.begin(), all.end()};
    }

private:
    enum class Audience : std::uint8_t { one, validators, all };
    struct Outgoing {
        Audience audience{Audience::all};
        PeerId peer{0};
        Bytes frame;
    };
    struct Examination {
        View view{0};
        Hash digest;
        ValidatorIndex leader{0};
    };
    struct OwnBlock {
        View view{0};
        Hash digest;
        Proposal proposal;  ///< without the signature
    };

    /// Blocks above our last final one, all with NOTARIZE certificates that hold; never empty.
    struct RangePart {
        PeerId peer{0};
        std::vector<FinalBlock> blocks;
        std::vector<BlockMeta> metas;  ///< of the same blocks
    };

    // driver.cpp: the turn
    [[nodiscard]] Time now() const { return m_ports.clock.monotonic(); }
    void feed(Event event) { m_events.push_back(std::move(event)); }
    void run_turn();
    void drain();
    void observe_if_record_is_old();
    void publish();
    void transmit();
    void compact_journal();
    void arm_timer();
    void halt(const std::string& what);
    void send(PeerId peer, const Message& message);
    void send_to_validators(const Message& message);
    void send_to_all(const Message& message);

    // effects.cpp
    void perform(const EnterView& effect);
    void perform(ExamineBlock& effect);
    void perform(BuildBlock& effect);
    void perform(const CastVote& effect);
    void perform(const KeepCertificate& effect);
    void perform(const SendCertificate& effect);
    void perform(const RepeatVote& effect);
    void perform(const ReportEvidence& effect);
    void perform(const RejectSender& effect);
    void journal_block(TreeBlock& block);
    void send_proposal(const Vote& leader_vote);

    // execution.cpp
    void progress();
    void execute_ready();
    void execute(TreeBlock& block);
    void examine();
    void build();
    void propose_again(const BuildBlock& work, const TreeBlock& block);
    void commit();
    [[nodiscard]] std::vector<FinalEnvelope> final_envelopes(const TreeBlock& block) const;
    void finish_commit(const BlockMeta& meta, const std::vector<FinalEnvelope>& envelopes);
    [[nodiscard]] std::optional<BlockMeta> executed_meta(const Hash& digest) const;
    [[nodiscard]] bool is_misplaced(const BlockMeta& meta) const;
    [[nodiscard]] bool is_pending() const;
    [[nodiscard]] bool leads() const;
    [[nodiscard]] std::optional<Time> next_pending_check() const;
    void fill_from_mempool(TreeBlock& block);

    // epochs.cpp
    void load_epoch(bool with_record);
    void begin_epoch();
    void make_core(CoreStart start);
    [[nodiscard]] BlockMeta final_block() const;
    [[nodiscard]] bool is_current(const ConnectedPeer& peer) const;
    void take_other_epoch(ConnectedPeer& peer, std::uint64_t epoch, Message& message);
    void send_epoch_proof(ConnectedPeer& peer, std::uint64_t epoch);
    void handle(ConnectedPeer& peer, EpochProofRequest& message);
    void handle(ConnectedPeer& peer, EpochProofResponse& message);
    void want_epoch_proof(std::vector<Want>& wants) const;

    // driver_status.cpp: for people only
    [[nodiscard]] MemberKey member(ValidatorIndex index) const;
    void note_nullified(const QuorumCertificate& certificate);
    void sync_journal();
    void tell_evidence();
    [[nodiscard]] bool is_sealing() const;

    // messages.cpp: one handler per kind of message
    void handle(ConnectedPeer& peer, Vote& message);
    void handle(ConnectedPeer& peer, QuorumCertificate& message);
    void handle(ConnectedPeer& peer, Proposal& message);
    void keep_if_certified(const BlockMeta& meta, const Bytes& header,
                           const std::vector<Hash>& envelopes);
    void handle(ConnectedPeer& peer, EnvelopeGossip& message);
    void handle(ConnectedPeer& peer, Status& message);
    void reject(PeerId peer, const char* reason);

    // serve.cpp: answers to requests
    void handle(ConnectedPeer& peer, CertificateRequest& message);
    void handle(ConnectedPeer& peer, BlockRequest& message);
    [[nodiscard]] std::optional<FinalizedBytes> find_recent_final(const Hash& digest) const;
    void handle(ConnectedPeer& peer, RangeRequest& message);
    void handle(ConnectedPeer& peer, EnvelopeRequest& message);
    void handle(ConnectedPeer& peer, SnapshotRequest& message);
    void handle(ConnectedPeer& /*peer*/, SnapshotResponse& /*message*/) {}  // late: nobody waits
    [[nodiscard]] std::map<Hash, const Bytes*> find_in_tree(const std::vector<Hash>& hashes) const;

    // repair.cpp: what is lacking, and answers that bring it
    void request_missing();
    [[nodiscard]] std::vector<Want> wants() const;
    void want_certificates(std::vector<Want>& wants) const;
    void want_blocks(std::vector<Want>& wants) const;
    void want_range(std::vector<Want>& wants) const;
    [[nodiscard]] std::optional<Time> next_range_check() const;
    [[nodiscard]] std::optional<Message> request_for(const Ask& ask) const;
    [[nodiscard]] std::optional<std::pair<View, View>> lacking_views() const;
    void handle(ConnectedPeer& peer, CertificateResponse& message);
    void handle(ConnectedPeer& peer, BlockResponse& message);
    void handle(ConnectedPeer& peer, EnvelopeResponse& message);
    void handle(ConnectedPeer& peer, RangeResponse& message);
    [[nodiscard]] bool has_range_part(PeerId peer) const;
    [[nodiscard]] const char* range_problem(BlockMeta parent, const std::vector<FinalBlock>& blocks,
                                            std::vector<BlockMeta>& metas) const;
    void take_run(const RangePart& run, const FetchKey& key);
    void keep_run(RangePart run, const FetchKey& key);
    void take_final(const FinalBlock& block, const BlockMeta& meta);

    // recovery.cpp
    void recover();
    void restore_blocks(const std::vector<JournalBlock>& blocks);
    void restore_proposal(Bytes encoded);
    void greet(const ConnectedPeer& peer);
    void send_status(const ConnectedPeer& peer);
    void allow_voting_if_heard();

    DriverOptions m_options;
    DriverPorts m_ports;
    Application& m_application;
    Mempool& m_mempool;
    EpochInfo m_epoch;
    std::vector<VerifyKey> m_keys;
    std::optional<ValidatorIndex> m_self;  ///< in the epoch's set; nothing for a follower
    std::optional<SafetySigner> m_signer;  ///< for a validator with a record of this epoch
    std::unique_ptr<Core> m_core;          ///< from `start` on
    std::optional<Hash> m_known_seal;      ///< digest of the block that a proof says ends the epoch
    PeerTable m_peers;
    Fetcher m_fetcher;
    std::optional<RangePart> m_range_part;
    BlockTree m_tree;
    EnvelopeCache m_arrivals;

    std::deque<Event> m_events;
    std::vector<Outgoing> m_outbox;
    PeerId m_sender{0};  ///< of the message being handled
    std::optional<Examination> m_examination;
    std::optional<BuildBlock> m_build;
    std::optional<OwnBlock> m_own_block;
    Bytes m_own_proposal;  ///< newest one sent, encoded
    View m_own_proposal_view{0};
    std::optional<QuorumCertificate> m_unkept_finalization;
    std::set<ValidatorIndex> m_status_from;
    bool m_heard_enough{false};  ///< stays so as long as this process votes in every epoch
    bool m_halted{false};
    Time m_next_status{0};
    std::optional<Time> m_clock_wait;  ///< until a block's time is near enough
    std::optional<Time> m_armed;
    std::vector<Evidence> m_new_evidence;  ///< told after the next sync
    View m_entered_view{0};
    Time m_entered_at{0};
    std::optional<std::pair<View, NullifyReason>> m_own_nullify;  ///< the newest one
    std::deque<NullifiedView> m_nullified;
    std::deque<std::pair<Hash, Height>> m_recent_final;  ///< newest last
    DriverFigures m_counters;                            ///< only its counters are used
};

}  // namespace tally::consensus
