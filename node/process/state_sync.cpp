#include "node/process/state_sync.h"

#include "consensus/wire/wire.h"
#include "ledger/base/lock_file.h"
#include "ledger/base/memory_store.h"
#include "ledger/base/posix_file_system.h"
#include "ledger/base/system_clock.h"
#include "ledger/store/leveldb_store.h"
#include "ledger/store/snapshot_import.h"
#include "ledger/store/store_view.h"
#include "node/process/node_links.h"
#include "node/replica/ledger_sink.h"
#include "node/runtime/asio.h"
#include "node/runtime/asio_timers.h"
#include "node/runtime/exit_codes.h"
#include "node/runtime/http_server.h"
#include "node/runtime/logging.h"
#include "node/runtime/process.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

#include <algorithm>
#include <map>
#include <system_error>
#include <utility>

namespace tally::node {
namespace {

constexpr std::chrono::milliseconds tick_interval{100};
constexpr std::chrono::seconds report_interval{2};

StartError io_error(std::string text) { return {exit_io, std::move(text)}; }

/// The links, the client and the ledger that is filled, on one loop.
class StateSync {
public:
    StateSync(const NodeInputs& inputs, SnapshotImport& import, const Clock& clock)
        : m_inputs{inputs},
          m_import{import},
          m_sink{import},
          m_clock{clock},
          m_link_key{inputs.keys.link},
          m_view{m_genesis_state},
          m_timers{m_io},
          m_client{options(), m_sink, clock.monotonic()} {
        ENSURE(Ledger::reset_state(m_genesis_state, inputs.genesis).has_value());
    }

    Expected<StateSyncEnd, StartError> run() {
        const SignalWatcher signals{m_io, [this] { stop(StateSyncEnd::stopped); }};
        try {
            m_http = std::make_unique<HttpServer>(
                m_io, m_inputs.config.api_listen.host, m_inputs.config.api_listen.port,
                [this](const HttpRequest& request, HttpReply reply) { reply(answer(request)); });
            m_links = std::make_unique<NodeLinks>(link_parts());
            m_links->start();
        } catch (const std::system_error& error) {
            return Unexpected{io_error("api.listen or link.listen: " + std::string{error.what()})};
        }
        if (m_import.chosen()) {
            log_info("sync", "resumed",
                     {{"height", m_import.chosen()->height},
                      {"entries", m_import.progress().entries},
                      {"blocks", m_import.progress().blocks}});
        }
        tick();
        m_io.run();
        return m_end;
    }

private:
    [[nodiscard]] consensus::SyncOptions options() const {
        consensus::SyncOptions options;
        options.min_height = m_inputs.config.sync.min_blocks;
        const std::size_t peers = m_inputs.config.peers.empty() ? 1 : m_inputs.config.peers.size();
        const std::size_t validators = validators_of(m_inputs.genesis.members).size();
        options.answers_needed = std::min(peers, faults_tolerated(validators) + 1);
        return options;
    }

    NodeLinks::Parts link_parts() {
        LinkHandlers handlers;
        handlers.connected = [this](const PeerIdentity& peer) { connected(peer); };
        handlers.disconnected = [this](const PeerIdentity& peer) { disconnected(peer); };
        handlers.received = [this](const PeerIdentity& peer, FrameKind kind, const Bytes& body) {
            if (kind == FrameKind::consensus) {
                received(peer, body);
            }
        };
        return {m_io,
                m_inputs.config,
                m_inputs.genesis.chain_id(),
                m_link_key,
                [this]() -> const StateView& { return m_view; },
                [] { return true; },
                std::move(handlers)};
    }

    void connected(const PeerIdentity& peer) {
        if (!peer.member) {
            return;
        }
        const consensus::PeerId id = m_next_peer++;
        m_keys[id] = peer.link_key;
        m_ids[peer.link_key] = id;
        carry_out(m_client.on_connected({id, consensus::MemberKey{peer.member->data}},
                                        m_clock.monotonic()));
    }

    void disconnected(const PeerIdentity& peer) {
        const auto found = m_ids.find(peer.link_key);
        if (found == m_ids.end()) {
            return;
        }
        const consensus::PeerId id = found->second;
        m_keys.erase(id);
        m_ids.erase(found);
        carry_out(m_client.on_disconnected(id, m_clock.monotonic()));
    }

    void received(const PeerIdentity& peer, const Bytes& body) {
        const auto found = m_ids.find(peer.link_key);
        if (found == m_ids.end()) {
            return;
        }
        m_bytes += body.size();
        const auto message = consensus::decode_message(body);
        if (!message) {
            return;  // The running node is the one that cuts off for it.
        }
        carry_out(m_client.on_message(found->second, *message, m_clock.monotonic()));
    }

    void tick() {
        m_timers.after(tick_interval, [this] {
            carry_out(m_client.on_tick(m_clock.monotonic()));
            report();
            if (!m_stopping) {
                tick();
            }
        });
    }

    void send(consensus::PeerId peer, const consensus::Message& message) {
        const auto key = m_keys.find(peer);
        if (key != m_keys.end()) {
            m_links->send(key->second, FrameKind::consensus, consensus::encode_message(message));
        }
    }

    void carry_out(const consensus::SyncEffects& effects) {
        for (const auto& [peer, message] : effects.sends) {
            send(peer, message);
        }
        for (const auto& [peer, why] : effects.disconnects) {
            cut_off(peer, why);
        }
        switch (m_client.step()) {
            case consensus::SyncStep::asking:
            case consensus::SyncStep::fetching:
                return;
            case consensus::SyncStep::complete:
                finish();
                return;
            case consensus::SyncStep::nothing:
                if (!m_stopping) {
                    log_info("sync", "no_snapshot_needed");
                }
                stop(StateSyncEnd::ready);
                return;
        }
    }

    void cut_off(consensus::PeerId peer, const std::string& why) {
        const auto key = m_keys.find(peer);
        if (key == m_keys.end()) {
            return;
        }
        const auto identity = identify(key->second);
        log_warn("sync", "peer_lies", {{"member", identity}, {"what", why}});
        // Later: closing calls back, which must not happen in this turn.
        boost::asio::post(
            m_io, [this, key = key->second] { m_links->disconnect(key, "wrong_snapshot"); });
    }

    [[nodiscard]] std::string identify(const PublicKey& key) const {
        for (const PeerIdentity& peer : m_links->peers()) {
            if (peer.link_key == key && peer.member) {
                return to_text(*peer.member);
            }
        }
        return to_hex(key);
    }

    void finish() {
        if (m_stopping) {
            return;
        }
        const SnapshotImport::Progress progress = m_import.progress();  // gone when it is finished
        m_import.finish();
        log_info("sync", "complete",
                 {{"height", m_import.chosen()->height},
                  {"digest", to_hex(m_import.chosen()->digest)},
                  {"entries", progress.entries},
                  {"blocks", progress.blocks},
                  {"bytes", m_bytes},
                  {"lies", m_client.lies_found()}});
        stop(StateSyncEnd::ready);
    }

    void stop(StateSyncEnd end) {
        if (m_stopping) {
            return;
        }
        m_stopping = true;
        m_end = end;
        // Later: this may be called by a handler of the links.
        boost::asio::post(m_io, [this] {
            m_http->stop();
            m_links->stop();
            m_timers.cancel_all();
            m_io.stop();
        });
    }

    [[nodiscard]] std::uint64_t percent() const {
        const SnapshotImport::Progress progress = m_import.progress();
        const std::uint64_t expected = progress.entries_expected + progress.blocks_expected;
        const std::uint64_t here = progress.entries + progress.blocks;
        return expected == 0 ? 0 : std::min<std::uint64_t>(99, here * 100 / expected);
    }

    [[nodiscard]] std::string progress_text() const {
        if (!m_import.chosen()) {
            return "syncing: asking " + std::to_string(m_ids.size()) +
                   " linked members for a snapshot";
        }
        return "syncing: " + std::to_string(percent()) + " % of the snapshot at block " +
               std::to_string(m_import.chosen()->height) + " from " +
               std::to_string(m_client.sources()) + " members";
    }

    void report() {
        const auto now = m_clock.monotonic();
        if (now - m_reported_at < report_interval || m_stopping) {
            return;
        }
        m_reported_at = now;
        m_links->refresh();
        const SnapshotImport::Progress progress = m_import.progress();
        log_info("sync", "progress",
                 {{"percent", percent()},
                  {"height", m_import.chosen() ? m_import.chosen()->height : 0},
                  {"entries", progress.entries},
                  {"blocks", progress.blocks},
                  {"bytes", m_bytes},
                  {"sources", m_client.sources()},
                  {"linked", m_ids.size()}});
    }

    [[nodiscard]] HttpResponse answer(const HttpRequest& request) const {
        HttpResponse response;
        if (request.path == "/livez") {
            response.body = "{\"live\":true}";
            return response;
        }
        if (request.path == "/readyz") {
            response.status = 503;
            response.body = "{\"ready\":false,\"reasons\":[\"" + progress_text() + "\"]}";
            return response;
        }
        return http_error(503, "syncing", progress_text());
    }

    const NodeInputs& m_inputs;
    SnapshotImport& m_import;
    LedgerSink m_sink;
    const Clock& m_clock;
    KeySigner m_link_key;
    MemoryStore m_genesis_state;
    StoreView m_view;
    boost::asio::io_context m_io{1};
    AsioTimers m_timers;
    consensus::SyncClient m_client;
    std::unique_ptr<HttpServer> m_http;
    std::unique_ptr<NodeLinks> m_links;
    std::map<consensus::PeerId, PublicKey> m_keys;
    std::map<PublicKey, consensus::PeerId> m_ids;
    consensus::PeerId m_next_peer{1};
    std::chrono::microseconds m_reported_at{0};
    std::uint64_t m_bytes{0};  ///< received since this process began
    bool m_stopping{false};
    StateSyncEnd m_end{StateSyncEnd::stopped};
};

}  // namespace

Expected<StateSyncEnd, StartError> sync_state(const NodeInputs& inputs) {
    const DataFolders folders{inputs.config.data_dir};
    const SystemClock clock;
    const auto lock = LockFile::acquire(folders.lock);
    if (!lock) {
        return StateSyncEnd::ready;  // Opening the node says why.
    }
    PosixFileSystem files;
    auto store = LevelDbStore::open(folders.state);
    if (!store) {
        return Unexpected{io_error(store.error())};
    }
    using Phase = SnapshotImport::Phase;
    const auto phase = SnapshotImport::phase_of(files, **store, folders.segments);
    if (!phase) {
        return Unexpected{io_error(phase.error().message)};
    }
    const auto age = std::chrono::milliseconds{clock.now() - inputs.genesis.time};
    const bool is_young = age < inputs.config.sync.min_chain_age;
    if (*phase == Phase::ready || (*phase == Phase::fresh && is_young)) {
        return StateSyncEnd::ready;
    }
    if (inputs.config.peers.empty() && *phase == Phase::fresh) {
        return StateSyncEnd::ready;
    }
    SnapshotImport import{files, **store, folders.segments, inputs.genesis,
                          inputs.config.sync.checkpoint};
    StateSync sync{inputs, import, clock};
    return sync.run();
}

}  // namespace tally::node
