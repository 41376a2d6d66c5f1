#include "node/process/node.h"

#include "consensus/journal/journal.h"
#include "ledger/base/lock_file.h"
#include "ledger/base/posix_file_system.h"
#include "ledger/base/system_clock.h"
#include "ledger/base/system_random.h"
#include "ledger/state/queries.h"
#include "ledger/store/leveldb_store.h"
#include "node/api/node_api.h"
#include "node/process/archivist.h"
#include "node/process/compactor.h"
#include "node/process/customer_import.h"
#include "node/process/key_ring.h"
#include "node/process/membership_duties.h"
#include "node/process/node_links.h"
#include "node/process/node_metrics.h"
#include "node/process/node_ports.h"
#include "node/process/own_keys.h"
#include "node/process/readiness.h"
#include "node/process/space_guard.h"
#include "node/process/token_files.h"
#include "node/runtime/asio.h"
#include "node/runtime/exit_codes.h"
#include "node/runtime/key_file.h"
#include "node/runtime/logging.h"

#include <boost/asio/io_context.hpp>

#include <array>
#include <cstdlib>
#include <optional>
#include <system_error>
#include <utility>
#include <vector>

namespace tally::node {

namespace {

constexpr std::size_t verify_queue_max{4096};
constexpr std::chrono::seconds recheck_interval{1};

StartError io_error(std::string text) { return {exit_io, std::move(text)}; }
StartError config_error(std::string text) { return {exit_config, std::move(text)}; }

using StoreResult = Expected<std::unique_ptr<LevelDbStore>, std::string>;

LevelDbStore::Options small_store(const Clock& clock) {
    LevelDbStore::Options options;
    options.clock = &clock;
    options.write_buffer_bytes = 8UL * 1024 * 1024;
    options.block_cache_bytes = 16UL * 1024 * 1024;
    return options;
}

std::string joined(const std::vector<consensus::MemberKey>& members) {
    std::string text;
    for (const consensus::MemberKey& member : members) {
        text += (text.empty() ? "" : ",") + to_text(PartyId{member.data});
    }
    return text;
}

/// The one line for a view that ended without a block.
void log_nullified(const consensus::NullifiedView& view) {
    log_info("consensus", "view_nullified",
             {{"epoch", view.epoch},
              {"view", view.view},
              {"leader", to_text(PartyId{view.leader.data})},
              {"reason", to_text(view.own_reason)},
              {"signers", joined(view.signers)},
              {"spent_us", view.spent.count()}});
}

std::array<KeyRing::Role, 3> key_roles(const NodeInputs& inputs) {
    const NodeConfig& config = inputs.config;
    return {{{KeyRole::member, inputs.keys.member, config.next_member_key_file},
             {KeyRole::consensus, inputs.keys.consensus, config.next_consensus_key_file},
             {KeyRole::link, inputs.keys.link, config.next_link_key_file}}};
}

}  // namespace

class Node::Impl final : public ApiBackend {
public:
    Impl(boost::asio::io_context& io, NodeInputs inputs)
        : m_io{io},
          m_inputs{std::move(inputs)},
          m_folders{m_inputs.config.data_dir},
          m_keys{key_roles(m_inputs)},
          m_pool{io, m_inputs.config.verify_threads, verify_queue_max},
          m_timers{io} {}

    /// The first thing that does not work; nothing when the node can start.
    std::optional<StartError> open() {
        for (const auto step : {&Impl::open_lock, &Impl::open_stores, &Impl::open_journal,
                                &Impl::open_replica, &Impl::open_roaming, &Impl::open_edges}) {
            if (std::optional<StartError> error = (this->*step)()) {
                return error;
            }
        }
        return std::nullopt;
    }

    Expected<Done, StartError> start() {
        try {
            m_links->start();
        } catch (const std::system_error& error) {
            return Unexpected{io_error("link.listen: " + std::string{error.what()})};
        }
        m_replica->start([this](const FinalizedBlock& block) { m_roaming->on_final_block(block); });
        m_roaming->start();
        look_at_membership();
        log_info("node", "started",
                 {{"member", to_text(m_inputs.config.member)},
                  {"version", m_inputs.version},
                  {"height", m_replica->ledger().final_header().height},
                  {"chain_id", to_hex(m_replica->ledger().chain_id())}});
        return Done{};
    }

    [[nodiscard]] int exit_code() const noexcept { return m_exit_code; }
    void stop() {
        log_info("node", "stopping");
        m_stopping = true;
        m_http->stop();
        m_links->stop();
        m_timers.cancel_all();
        m_io.stop();
    }

    // ---- ApiBackend
    [[nodiscard]] NodeStatus status() const override;
    [[nodiscard]] std::vector<std::string> not_ready_reasons() const override;
    [[nodiscard]] const Ledger& ledger() const override { return m_replica->ledger(); }
    [[nodiscard]] Bytes lease_backup_snapshot() override {
        return m_replica->lease_backup_snapshot();
    }
    [[nodiscard]] consensus::DriverStatus consensus() const override { return m_replica->status(); }
    [[nodiscard]] std::vector<SessionView> sessions(std::size_t count_max) const override {
        return m_roaming->sessions(count_max);
    }
    [[nodiscard]] std::optional<SessionView> session(const SessionId& id) const override {
        return m_roaming->find_session(id);
    }
    void submit(Bytes envelope, std::function<void(GateResult)> done) override {
        m_replica->submit(std::move(envelope), std::move(done));
    }
    [[nodiscard]] std::string metrics_text() override;
    [[nodiscard]] TokenView tokens() const override { return m_roaming->tokens(); }
    [[nodiscard]] const EvidenceStore* evidence() const override { return m_roaming->evidence(); }
    [[nodiscard]] UnmatchedCharges* unmatched() override { return &m_roaming->unmatched(); }
    void keep_cards(std::vector<std::string> cards, bool forget,
                    std::function<void(bool)> done) override {
        m_roaming->keep_cards(std::move(cards), forget, std::move(done));
    }
    void drop_tokens(const TokenKeyId& key, const std::optional<PartyId>& member,
                     std::function<void(std::optional<std::size_t>)> done) override {
        m_roaming->drop_tokens(key, member, std::move(done));
    }

private:
    std::optional<StartError> open_lock();
    std::optional<StartError> open_stores();
    std::optional<StartError> open_journal();
    std::optional<StartError> open_replica();
    std::optional<StartError> open_roaming();
    std::optional<StartError> open_edges();
    [[nodiscard]] NodeLinks::Parts link_parts();
    [[nodiscard]] LinkHandlers link_handlers();
    [[nodiscard]] MembershipDuties::Parts duties_parts();
    [[nodiscard]] std::optional<MemberRecord> own_record() const;
    void peer_connected(const PeerIdentity& peer);
    void peer_disconnected(const PeerIdentity& peer);
    void frame_received(const PeerIdentity& peer, FrameKind kind, const Bytes& body);
    void bridge_frame(const PeerIdentity& peer, ByteView body);
    void look_at_membership();

    boost::asio::io_context& m_io;
    NodeInputs m_inputs;
    DataFolders m_folders;
    PosixFileSystem m_files;
    SystemClock m_clock;
    SystemRandom m_random;
    KeyRing m_keys;
    OwnKeys m_own_keys{m_keys};
    VerifyPool m_pool;
    LoopTimerPort m_timers;
    Metrics m_metrics;
    std::optional<LockFile> m_lock;
    std::unique_ptr<LevelDbStore> m_state_store;
    std::unique_ptr<LevelDbStore> m_operator_store;
    std::unique_ptr<LevelDbStore> m_backup_store;
    std::unique_ptr<LevelDbStore> m_evidence_store;
    TokenFiles m_tokens;
    std::unique_ptr<consensus::Journal> m_journal;
    std::unique_ptr<Replica> m_replica;
    std::unique_ptr<NodeLinks> m_links;
    std::unique_ptr<MembershipDuties> m_duties;
    std::optional<ReplicaLedgerPort> m_ledger_port;
    std::optional<LinkMemberPort> m_member_port;
    std::optional<LinkBridgePort> m_bridge_port;
    std::optional<StagedStore> m_staged;
    std::optional<CustomerAccounts> m_accounts;
    std::unique_ptr<RoamingService> m_roaming;
    std::unique_ptr<NodeApi> m_api;
    std::unique_ptr<HttpServer> m_http;
    RoleWatch m_role_watch;
    SpaceGuard m_space{m_inputs.config.data_dir, m_inputs.config.free_bytes_min};
    int m_exit_code{0};
    // last: their threads end before what they use
    std::unique_ptr<Archivist> m_archivist;
    std::unique_ptr<Compactor> m_compactor;
    bool m_stopping{false};
};

std::optional<StartError> Node::Impl::open_lock() {
    Expected<LockFile, FileError> lock = LockFile::acquire(m_folders.lock);
    if (!lock) {
        return io_error(lock.error() == FileError::already_exists
                            ? m_folders.root + ": another tallyd uses this data folder"
                            : m_folders.lock + ": cannot be made; run tallyd init first");
    }
    m_lock.emplace(std::move(lock).value());
    if (const std::optional<std::string> problem = m_space.find_problem()) {
        return io_error(*problem);
    }
    return std::nullopt;
}

std::optional<StartError> Node::Impl::open_stores() {
    LevelDbStore::Options state_options;
    state_options.clock = &m_clock;
    StoreResult state = LevelDbStore::open(m_folders.state, state_options);
    if (!state) {
        return io_error(state.error());
    }
    m_state_store = std::move(state).value();
    StoreResult own = LevelDbStore::open(m_folders.operator_, small_store(m_clock));
    if (!own) {
        return io_error(own.error());
    }
    m_operator_store = std::move(own).value();
    if (m_inputs.member.role == MemberRole::hub) {
        StoreResult backup = LevelDbStore::open(m_folders.backup, small_store(m_clock));
        if (!backup) {
            return io_error(backup.error());
        }
        m_backup_store = std::move(backup).value();
    } else {
        StoreResult evidence = LevelDbStore::open(m_folders.evidence, small_store(m_clock));
        if (!evidence) {
            return io_error(evidence.error());
        }
        m_evidence_store = std::move(evidence).value();
    }
    if (m_inputs.member.role == MemberRole::hub || !m_inputs.token_keys.empty()) {
        const auto tokens = m_tokens.open(m_io, m_folders.tokens, small_store(m_clock));
        if (!tokens) {
            return io_error(tokens.error());
        }
    }
    return std::nullopt;
}

std::optional<StartError> Node::Impl::open_journal() {
    consensus::JournalOptions options;
    options.fatal = [](const std::string& what) {
        log_error("journal", "fatal", {{"what", what}});
        std::abort();
    };
    auto journal = consensus::Journal::open(m_files, m_folders.consensus, options);
    if (journal) {
        m_journal = std::move(journal).value();
        return std::nullopt;
    }
    using Kind = consensus::JournalError::Kind;
    if (journal.error().kind == Kind::io_error || journal.error().kind == Kind::already_exists) {
        return io_error(journal.error().message);
    }
    // Its votes are lost, not its ledger: the member goes on with everything but voting. An empty
    // record would let it contradict what it has signed.
    log_error("journal", "safety_record_lost",
              {{"what", journal.error().message},
               {"effect",
                "this member observes and does not vote until a new epoch; do not delete "
                "or re-create the data folder"}});
    journal = consensus::Journal::open_without_record(m_files, m_folders.consensus, options);
    if (!journal) {
        return io_error(journal.error().message);
    }
    m_journal = std::move(journal).value();
    return std::nullopt;
}

std::optional<StartError> Node::Impl::open_replica() {
    ReplicaPorts ports{
        m_io,
        m_files,
        *m_state_store,
        m_clock,
        *m_journal,
        [this](const PublicKey& key) { return m_keys.find_consensus(key); },
        m_pool,
        m_clock,
        log_nullified,
        [this](const consensus::Evidence& evidence) { m_duties->on_evidence(evidence); },
        [this](const PublicKey& peer, Bytes frame) {
            return m_links->send(peer, FrameKind::consensus, std::move(frame));
        },
        [this](const PublicKey& peer, const char* reason) { m_links->disconnect(peer, reason); }};
    auto replica =
        Replica::open({m_inputs.genesis, m_inputs.config.member, m_inputs.config.data_dir,
                       m_inputs.config.sync.snapshot_interval, m_inputs.known_features,
                       std::chrono::milliseconds{m_inputs.config.keep_finished}.count(),
                       m_inputs.config.archive.segment_bytes},
                      std::move(ports));
    if (!replica) {
        if (replica.error().kind == LedgerOpenError::Kind::unknown_feature) {
            return StartError{exit_outdated, replica.error().message};
        }
        return io_error(replica.error().message);
    }
    m_replica = std::move(replica).value();
    return std::nullopt;
}

std::optional<StartError> Node::Impl::open_roaming() {
    m_ledger_port.emplace(*m_replica);
    m_member_port.emplace(m_links);
    m_bridge_port.emplace(*m_replica, m_links, m_inputs.config.member);
    m_staged.emplace(*m_operator_store);
    m_accounts.emplace(*m_staged, m_inputs.config.member);
    if (const auto problem =
            import_customers(m_inputs.config.customers_file, *m_accounts, m_clock.now())) {
        return config_error(*problem);
    }
    RoamingParts parts{*m_ledger_port,
                       *m_member_port,
                       *m_bridge_port,
                       m_timers,
                       m_clock,
                       m_random,
                       m_keys.signer(KeyRole::member),
                       m_keys.link_secrets().front(),
                       *m_staged,
                       m_backup_store.get(),
                       *m_accounts,
                       [this](std::string_view name) {
                           m_metrics
                               .counter("tally_roaming_events_total", "What happened in roaming",
                                        {{"event", std::string{name}}})
                               .add();
                       },
                       m_tokens.parts(m_inputs.token_keys),
                       m_evidence_store.get()};
    RoamingOptions options;
    options.self = m_inputs.config.member;
    options.coefficients = m_inputs.config.coefficients;
    options.review_from = m_inputs.config.review_from;
    options.review_margin_ms = m_inputs.config.review_margin.count();
    const UnixMillis settle_window = find_parameters(m_ledger_port->final_state()).settle_window;
    if (leaves_no_review(options, settle_window)) {
        log_warn("roaming", "no_review",
                 {{"reason",
                   "review_margin_ms is not less than the scheme's settle_window_ms: "
                   "every charge is settled at once"},
                  {"review_margin_ms", options.review_margin_ms},
                  {"settle_window_ms", settle_window}});
    }
    m_roaming = std::make_unique<RoamingService>(std::move(parts), std::move(options));
    return std::nullopt;
}

std::optional<StartError> Node::Impl::open_edges() {
    const auto token = read_secret_text(m_inputs.config.api_token_file);
    if (!token) {
        return config_error(token.error().text);
    }
    const auto auditors = read_secret_text(m_inputs.config.evidence_token_file);
    if (!auditors) {
        return config_error(auditors.error().text);
    }
    m_links = std::make_unique<NodeLinks>(link_parts());
    m_duties = std::make_unique<MembershipDuties>(duties_parts());
    m_archivist = std::make_unique<Archivist>(Archivist::Parts{
        m_io, m_files, m_folders.segments, *m_state_store, m_inputs.config.archive,
        [this]() -> const Ledger& { return m_replica->ledger(); }, m_clock, m_metrics});
    m_compactor = std::make_unique<Compactor>(Compactor::Parts{
        m_io, *m_state_store,
        [this]() -> const std::map<std::uint8_t, std::uint64_t>& {
            return m_replica->ledger().erased();
        },
        [this] { return m_replica->ledger().final_header().log_size; }, m_clock, m_metrics});
    m_api = std::make_unique<NodeApi>(*this, *token, *auditors);
    try {
        m_http = std::make_unique<HttpServer>(
            m_io, m_inputs.config.api_listen.host, m_inputs.config.api_listen.port,
            [this](const HttpRequest& request, HttpReply reply) { m_api->handle(request, reply); });
    } catch (const std::system_error& error) {
        return io_error("api.listen: " + std::string{error.what()});
    }
    return std::nullopt;
}

NodeLinks::Parts Node::Impl::link_parts() {
    return {m_io,
            m_inputs.config,
            m_replica->ledger().chain_id(),
            m_keys.signer(KeyRole::link),
            [this]() -> const StateView& { return m_replica->ledger().final_state(); },
            [this] { return m_duties == nullptr || !m_duties->is_level(); },
            link_handlers()};
}

LinkHandlers Node::Impl::link_handlers() {
    LinkHandlers handlers;
    handlers.connected = [this](const PeerIdentity& peer) { peer_connected(peer); };
    handlers.disconnected = [this](const PeerIdentity& peer) { peer_disconnected(peer); };
    handlers.received = [this](const PeerIdentity& peer, FrameKind kind, const Bytes& body) {
        frame_received(peer, kind, body);
    };
    return handlers;
}

MembershipDuties::Parts Node::Impl::duties_parts() {
    return {m_inputs.config.member,
            m_replica->ledger().chain_id(),
            [this]() -> const StateView& { return m_replica->ledger().final_state(); },
            [this] { return m_replica->ledger().final_header().height; },
            [this] { return m_replica->ledger().final_header().time; },
            m_keys.signer(KeyRole::member),
            [this](const PublicKey& key) { return m_keys.find_consensus(key) != nullptr; },
            [this](const Bytes& envelope) {
                const GateResult result = m_replica->submit_own(envelope);
                return result == GateResult::added || result == GateResult::already_known;
            },
            m_clock,
            m_random,
            m_inputs.known_features};
}

void Node::Impl::peer_connected(const PeerIdentity& peer) {
    if (peer.member) {
        log_info("link", "member_connected", {{"member", to_text(*peer.member)}});
        m_replica->peer_connected(peer);
        m_roaming->on_member_connected(*peer.member);
    } else {
        log_info("link", "bridge_connected", {{"bridge", peer.bridge_id}});
    }
}

void Node::Impl::peer_disconnected(const PeerIdentity& peer) {
    if (peer.member) {
        log_info("link", "member_disconnected", {{"member", to_text(*peer.member)}});
        m_replica->peer_disconnected(peer);
    } else {
        log_info("link", "bridge_disconnected", {{"bridge", peer.bridge_id}});
        m_roaming->on_bridge_disconnected(peer.bridge_id);
    }
}

void Node::Impl::frame_received(const PeerIdentity& peer, FrameKind kind, const Bytes& body) {
    switch (kind) {
        case FrameKind::consensus:
            if (peer.member) {
                m_replica->frame_received(peer, body);
                return;
            }
            break;
        case FrameKind::roaming:
            if (peer.member && m_roaming->on_member_frame(*peer.member, body)) {
                return;
            }
            break;
        case FrameKind::bridge:
            if (!peer.member) {
                bridge_frame(peer, body);
                return;
            }
            break;
        case FrameKind::evidence:
            if (const auto message = decode_evidence_message(body); message && !peer.member) {
                m_roaming->on_bridge_evidence(peer.bridge_id, *message);
                return;
            }
            break;
    }
    m_links->disconnect(peer.link_key, "frame_against_the_protocol");
}

void Node::Impl::bridge_frame(const PeerIdentity& peer, ByteView body) {
    const Expected<BridgeMessage, MessageError> message = decode_bridge_message(body);
    if (!message) {
        m_links->disconnect(peer.link_key, "undecodable_bridge_message");
        return;
    }
    if (std::holds_alternative<BridgeHello>(*message)) {
        m_roaming->on_bridge_connected(peer.bridge_id);
    }
    m_roaming->on_bridge_message(peer.bridge_id, *message);
}

std::optional<MemberRecord> Node::Impl::own_record() const {
    return find_member(m_replica->ledger().final_state(), m_inputs.config.member);
}

/// Members are admitted, suspended and get new keys on the ledger: what that means here is done
/// within a second. So is the stop of a node that has no room left for what it would promise.
void Node::Impl::look_at_membership() {
    if (m_own_keys.follow({own_record(), m_duties->is_level(), m_links->is_alone()})) {
        m_roaming->on_keys_changed(m_keys.link_secrets());
    }
    m_links->refresh();
    m_duties->tick();
    m_role_watch.look(m_replica->status().role);
    m_archivist->tick();
    m_compactor->tick();
    if (const std::optional<std::string> problem = m_space.find_problem()) {
        log_error("storage", "no_room", {{"what", *problem}});
        m_exit_code = exit_io;
        stop();
        return;
    }
    m_timers.after(recheck_interval, [this] { look_at_membership(); });
}

NodeStatus Node::Impl::status() const {
    NodeStatus status;
    const BlockHeader& header = m_replica->ledger().final_header();
    status.member = m_inputs.config.member;
    status.role = m_inputs.member.role;
    status.height = header.height;
    status.digest = m_replica->ledger().final_digest();
    status.state_root = header.state_root;
    status.block_time = header.time;
    status.view = m_replica->status().view;
    for (const PeerIdentity& peer : m_links->peers()) {
        if (peer.member) {
            status.peers.push_back(*peer.member);
        } else {
            status.bridges.push_back(peer.bridge_id);
        }
    }
    for (const Validator& validator : m_replica->ledger().validators()) {
        status.validators.push_back(validator.party);
    }
    return status;
}

std::vector<std::string> Node::Impl::not_ready_reasons() const {
    const consensus::DriverStatus status = m_replica->status();
    return node::not_ready_reasons({.stopping = m_stopping,
                                    .is_member = own_record().has_value(),
                                    .missing_keys = m_own_keys.missing(),
                                    .role = status.role,
                                    .has_record = m_journal->has_record(),
                                    .validators = m_replica->ledger().validators().size(),
                                    .validators_connected = status.validators_connected});
}

std::string Node::Impl::metrics_text() {
    collect_replica(m_metrics, *m_replica);
    collect_membership(m_metrics, m_replica->ledger().final_state());
    collect_links(m_metrics, m_links->metrics());
    collect_roaming(m_metrics, m_roaming->load());
    collect_store(m_metrics, "state", *m_state_store);
    collect_store(m_metrics, "operator", *m_operator_store);
    if (m_backup_store) {
        collect_store(m_metrics, "backup", *m_backup_store);
    } else {
        collect_store(m_metrics, "evidence", *m_evidence_store);
    }
    m_metrics.gauge("tally_disk_free_bytes", "Free for the data folder")
        .set(static_cast<double>(m_space.free_bytes()));
    m_metrics
        .gauge("tally_build_info", "1, with the program's version", {{"version", m_inputs.version}})
        .set(1);
    return m_metrics.metrics_text();
}

Node::Node(std::unique_ptr<Impl> impl) : m_impl{std::move(impl)} {}
Node::~Node() = default;

Expected<std::unique_ptr<Node>, StartError> Node::open(boost::asio::io_context& io,
                                                       NodeInputs inputs) {
    auto impl = std::make_unique<Impl>(io, std::move(inputs));
    if (std::optional<StartError> error = impl->open()) {
        return Unexpected{*error};
    }
    return std::unique_ptr<Node>{new Node{std::move(impl)}};
}

Expected<Done, StartError> Node::start() { return m_impl->start(); }
void Node::stop() { m_impl->stop(); }
int Node::exit_code() const { return m_impl->exit_code(); }

}  // namespace tally::node
