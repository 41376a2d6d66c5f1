#pragma once

// Hub, AAA (visited) and BBB, CCC (home) with the real roaming service, accounts and stores, over a
// real ledger with one sequencer, and a bridge with one station; under one virtual clock. Links
// lose, repeat and delay messages, and services crash between any two events, as configured.

#include "ledger/store/store_view.h"
#include "node/link/link.h"
#include "node/roaming/roaming_service.h"
#include "tests/ledger/base/seeded_random.h"
#include "tests/support/ledger_fixture.h"

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace tally::node::test {

/// Per cent of messages, and milliseconds.
struct Faults {
    std::uint64_t loss{0};
    std::uint64_t repetition{0};
    std::uint64_t delay_max{2};
    std::uint64_t crash{0};  ///< chance in 10,000 of a crash before each event
};

class World;

/// One member's process: what survives a crash, and the service that does not.
class MemberProcess : public LedgerPort, public MemberPort, public BridgePort, public TimerPort {
public:
    MemberProcess(World& world, const PartyId& self);

    void start();
    void crash();
    [[nodiscard]] bool is_up() const noexcept { return m_service != nullptr; }
    [[nodiscard]] RoamingService& service() { return *m_service; }
    [[nodiscard]] CustomerAccounts& accounts() { return *m_accounts; }
    [[nodiscard]] std::map<std::string, int>& counts() noexcept { return m_counts; }
    /// The operator's store: to be replaced by an older copy of it while the process is down.
    [[nodiscard]] MemoryStore& disk() noexcept { return m_disk; }
    RoamingOptions options;
    /// For cards without a prefix; used by the next start.
    std::vector<SharedTokenKey> token_keys;
    MemoryStore token_disk;
    MemoryStore evidence_disk;                      ///< not the hub's
    std::vector<EvidenceMessage> said_of_evidence;  ///< to the bridge
    std::uint64_t features{feature_evidence};       ///< that its program announces

    // LedgerPort
    [[nodiscard]] const Hash& chain_id() const override;
    [[nodiscard]] const StateView& final_state() const override;
    [[nodiscard]] UnixMillis final_time() const override;
    [[nodiscard]] std::uint64_t final_height() const override;
    [[nodiscard]] std::optional<FinalizedBlock> read_block(std::uint64_t height) const override;
    bool submit(Bytes envelope) override;
    [[nodiscard]] std::optional<ResultCode> find_result(const TransactionRef& ref) const override;
    [[nodiscard]] std::optional<std::uint64_t> find_height(
        const TransactionRef& ref) const override;
    // MemberPort
    [[nodiscard]] bool is_connected(const PartyId& member) const override;
    bool send(const PartyId& member, Bytes frame, std::uint64_t needs) override;
    // BridgePort
    bool send(const std::string& bridge_id, const BridgeMessage& message) override;
    bool send_evidence(const std::string& bridge_id, const EvidenceMessage& message) override;
    // TimerPort
    void after(std::chrono::milliseconds delay, std::function<void()> action) override;

private:
    World& m_world;
    PartyId m_self;
    KeySigner m_key;
    MemoryStore m_disk;
    MemoryStore m_backup;
    StoreView m_state;
    std::unique_ptr<StagedStore> m_store;
    std::unique_ptr<CustomerAccounts> m_accounts;
    std::unique_ptr<RoamingService> m_service;
    std::map<std::string, int> m_counts;
};

/// What a driver and a charger do with one swipe.
struct ChargePlan {
    std::string token{"BBB-1"};
    std::uint16_t connector{1};
    std::uint16_t asked_connector{0};  ///< of the Authorize
    std::optional<Money> prepaid;
    std::int64_t energy_wh{10'000};
    ConnectorHealth health{ConnectorHealth::available};
    std::string station{"ST1"};
    bool charged_already{false};  ///< while the bridge was cut off
    bool start{true};             ///< else the approval stays unused and is given back
    bool end{true};               ///< else the charge goes on
    Hash evidence;                ///< in its record; zero: none
};

/// The bridge of AAA's station "ST1": repeats what is not answered or acknowledged, keeps nothing
/// else right.
class TestBridge {
public:
    explicit TestBridge(World& world) : m_world{world} {}

    struct Charge {
        ChargePlan plan;
        AuthorizeRequest request;
        std::optional<AuthorizeResult> result;
        std::vector<std::string> states;  ///< SessionNotices
        std::vector<std::string> stops;
        std::optional<ChargeEnded> ended;
    };
    SessionId swipe(const ChargePlan& plan);
    void end_charge(const SessionId& session);
    /// Of this bridge, signed; with the next number of its outbox.
    [[nodiscard]] ChargeEnded make_end(const SessionId& session, const AuthorizationRef& ref,
                                       const ChargePlan& plan);
    void put(std::uint64_t sequence, BridgeMessage message);
    void on_message(const BridgeMessage& message);
    void repeat();
    [[nodiscard]] Charge& charge(const SessionId& session) { return m_charges.at(session); }
    [[nodiscard]] const std::map<SessionId, Charge>& charges() const { return m_charges; }
    [[nodiscard]] bool is_idle() const;
    /// Messages not yet acknowledged.
    [[nodiscard]] std::size_t waiting() const noexcept { return m_outbox.size(); }
    [[nodiscard]] std::uint64_t next_sequence() { return ++m_sequence; }

private:
    void on_result(const AuthorizeResult& result);

    World& m_world;
    std::map<SessionId, Charge> m_charges;
    std::map<std::uint64_t, BridgeMessage> m_outbox;
    std::uint64_t m_sequence{0};
    std::map<std::string, UnixMillis> m_last_end;
    std::map<std::string, std::int64_t> m_register;
    UnixMillis m_last_repeat{0};
};

class World : public Clock {
public:
    explicit World(std::uint64_t seed = 1, Faults faults = {}, Genesis genesis = default_genesis());
    ~World() override;

    [[nodiscard]] static Genesis default_genesis();

    MemberProcess& member(std::string_view name);
    TestBridge& bridge() { return m_bridge; }
    tally::test::TestChain& chain() { return m_chain; }
    tally::test::SeededRandom& random() { return m_random; }
    Faults faults;
    /// Links between two members that are cut, smaller party first.
    std::set<std::pair<PartyId, PartyId>> cut;
    /// Frames to a member are looked at here first; false drops them.
    std::function<bool(const PartyId& from, const PartyId& to, const Bytes&)> filter;
    /// Stops the sequencer: nothing becomes final.
    bool sequencer_stopped{false};

    void customer(const std::string& token, Money balance, CustomerPolicy policy = {});
    /// Runs events until `done` or `limit_ms` of virtual time have passed; whether `done` held.
    bool run_until(const std::function<bool()>& done, UnixMillis limit_ms = 20'000);
    void run(UnixMillis ms);
    /// Swipes and waits for the answer.
    AuthorizeResult swipe(const ChargePlan& plan);
    /// A swipe whose charge is settled in the end.
    SessionView charge(const ChargePlan& plan);
    [[nodiscard]] std::optional<SessionView> view(std::string_view member, const SessionId& id);
    [[nodiscard]] bool is_in(std::string_view member, const SessionId& id, SessionState state);

    // for the parts
    [[nodiscard]] UnixMillis now() const override { return m_now; }
    [[nodiscard]] std::chrono::microseconds monotonic() const override {
        return std::chrono::milliseconds{m_now};
    }
    void schedule(UnixMillis delay, std::function<void()> action);
    void deliver(std::function<void()> action);
    bool offer(Bytes envelope);
    [[nodiscard]] const std::vector<FinalizedBlock>& blocks() const { return m_blocks; }
    [[nodiscard]] std::uint64_t first_height() const { return m_first_height; }
    std::map<PartyId, std::unique_ptr<MemberProcess>>& members() { return m_members; }

private:
    void make_block();
    void maybe_crash();
    void step();

    UnixMillis m_now;
    tally::test::SeededRandom m_random;
    tally::test::TestChain m_chain;
    std::uint64_t m_first_height{0};
    std::multimap<UnixMillis, std::function<void()>> m_events;
    std::vector<Bytes> m_pool;
    std::vector<FinalizedBlock> m_blocks;
    std::map<PartyId, std::unique_ptr<MemberProcess>> m_members;
    TestBridge m_bridge;
};

}  // namespace tally::node::test
