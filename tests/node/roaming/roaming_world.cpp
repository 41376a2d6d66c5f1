#include "tests/node/roaming/roaming_world.h"

#include "ledger/base/overloaded.h"
#include "node/roaming/ledger_changes.h"
#include "node/roaming/messages.h"

#include <algorithm>

namespace tally::node::test {
namespace {

using tally::test::currency;
using tally::test::party;
using tally::test::secret_of;
using tally::test::units;

constexpr UnixMillis block_interval_ms{5};
constexpr UnixMillis idle_interval_ms{1'000};
constexpr UnixMillis repeat_ms{400};

}  // namespace

// ---- a member

MemberProcess::MemberProcess(World& world, const PartyId& self)
    : m_world{world},
      m_self{self},
      m_key{secret_of(to_text(self) + "/member")},
      m_state{world.chain().base()} {
    options.self = self;
}

void MemberProcess::start() {
    m_store = std::make_unique<StagedStore>(m_disk);
    m_accounts = std::make_unique<CustomerAccounts>(*m_store, m_self);
    const bool is_hub = m_self == party("HUB");
    RoamingParts parts{*this,
                       *this,
                       *this,
                       *this,
                       m_world,
                       m_world.random(),
                       m_key,
                       secret_of(to_text(m_self) + "/link"),
                       *m_store,
                       is_hub ? &m_backup : nullptr,
                       *m_accounts,
                       [this](std::string_view name) { m_counts[std::string{name}] += 1; },
                       TokenParts{token_keys, is_hub || !token_keys.empty() ? &token_disk : nullptr,
                                  [this](std::function<void()> work, std::function<void()> done) {
                                      work();
                                      m_world.schedule(0, std::move(done));
                                      return true;
                                  }},
                       is_hub ? nullptr : &evidence_disk};
    m_service = std::make_unique<RoamingService>(std::move(parts), options);
    m_service->start();
    for (auto& [name, other] : m_world.members()) {
        if (name != m_self && other->is_up()) {
            m_service->on_member_connected(name);
            other->service().on_member_connected(m_self);
        }
    }
}

void MemberProcess::crash() {
    m_service.reset();  // what was staged and not committed is lost with the store object
    m_accounts.reset();
    m_store.reset();
}

const Hash& MemberProcess::chain_id() const { return m_world.chain().chain_id(); }
const StateView& MemberProcess::final_state() const { return m_state; }
UnixMillis MemberProcess::final_time() const { return m_world.chain().now(); }
std::uint64_t MemberProcess::final_height() const {
    return m_world.chain().tip().block.header.height;
}

std::optional<FinalizedBlock> MemberProcess::read_block(std::uint64_t height) const {
    const std::uint64_t first = m_world.first_height();
    if (height < first || height - first >= m_world.blocks().size()) {
        return std::nullopt;
    }
    return m_world.blocks()[height - first];
}

bool MemberProcess::submit(Bytes envelope) { return m_world.offer(std::move(envelope)); }
std::optional<ResultCode> MemberProcess::find_result(const TransactionRef&) const {
    return std::nullopt;
}

std::optional<std::uint64_t> MemberProcess::find_height(const TransactionRef& ref) const {
    for (const FinalizedBlock& block : m_world.blocks()) {
        for (const FinalTransaction& transaction : final_transactions(block)) {
            if (transaction.ref == ref && transaction.result == ResultCode::ok) {
                return block.block.header.height;
            }
        }
    }
    return std::nullopt;
}

bool MemberProcess::is_connected(const PartyId& member) const {
    const auto found = m_world.members().find(member);
    return found != m_world.members().end() && found->second->is_up() &&
           !m_world.cut.contains(std::minmax(m_self, member));
}

bool MemberProcess::send(const PartyId& member, Bytes frame, std::uint64_t needs) {
    if (!is_connected(member) || (m_world.members().at(member)->features & needs) != needs) {
        return false;
    }
    m_world.deliver([this, member, frame = std::move(frame)] {
        if (!is_connected(member) || (m_world.filter && !m_world.filter(m_self, member, frame))) {
            return;
        }
        MemberProcess& receiver = *m_world.members().at(member);
        // An older program cuts the link when evidence comes.
        const auto message = decode_signed_message(frame);
        const auto body = message ? decode_roaming_body(message->body) : RoamingBody{};
        ENSURE(receiver.features != 0 || !std::holds_alternative<EvidenceMessage>(*body));
        ENSURE(receiver.service().on_member_frame(m_self, frame));
    });
    return true;
}

bool MemberProcess::send(const std::string& bridge_id, const BridgeMessage& message) {
    if (m_self != party("AAA") || bridge_id != "bridge-1") {
        return false;
    }
    m_world.deliver([this, message] { m_world.bridge().on_message(message); });
    return true;
}

bool MemberProcess::send_evidence(const std::string&, const EvidenceMessage& message) {
    said_of_evidence.push_back(message);
    return true;
}

void MemberProcess::after(std::chrono::milliseconds delay, std::function<void()> action) {
    m_world.schedule(delay.count(), std::move(action));
}

// ---- the bridge

SessionId TestBridge::swipe(const ChargePlan& plan) {
    Charge charge;
    charge.plan = plan;
    charge.request.session = m_world.random().fixed<SessionId>();
    charge.request.station = plan.station;
    charge.request.connector = plan.asked_connector;
    charge.request.token = plan.token;
    charge.request.prepaid = plan.prepaid;
    charge.request.charged_already = plan.charged_already;
    charge.request.health = {{0, ConnectorHealth::available, ""},
                             {plan.connector, plan.health, ""}};
    const SessionId session = charge.request.session;
    m_charges[session] = charge;
    m_last_repeat = 0;
    repeat();
    return session;
}

void TestBridge::repeat() {
    const UnixMillis now = m_world.now();
    if (now - m_last_repeat < repeat_ms) {
        return;
    }
    m_last_repeat = now;
    const auto send = [this](const BridgeMessage& message) {
        m_world.deliver([this, message] {
            MemberProcess& node = m_world.member("AAA");
            if (node.is_up()) {
                node.service().on_bridge_message("bridge-1", message);
            }
        });
    };
    for (const auto& [session, charge] : m_charges) {
        if (!charge.result) {
            send(charge.request);
        }
    }
    for (const auto& [sequence, message] : m_outbox) {
        send(message);
    }
}

bool TestBridge::is_idle() const {
    return m_outbox.empty() && std::all_of(m_charges.begin(), m_charges.end(),
                                           [](const auto& entry) { return entry.second.result; });
}

void TestBridge::put(std::uint64_t sequence, BridgeMessage message) {
    m_outbox[sequence] = std::move(message);
    m_last_repeat = 0;
    repeat();
}

void TestBridge::on_message(const BridgeMessage& message) {
    std::visit(Overloaded{
                   [this](const AuthorizeResult& result) { on_result(result); },
                   [this](const SessionNotice& notice) {
                       const auto charge = m_charges.find(notice.session);
                       if (charge != m_charges.end()) {  // not one that `make_end` made up
                           charge->second.states.push_back(notice.state);
                       }
                   },
                   [this](const StopCharge& stop) {
                       m_charges.at(stop.session).stops.push_back(stop.reason);
                   },
                   // One by one, because deliveries here may overtake each other.
                   [this](const Acknowledge& done) { m_outbox.erase(done.sequence); },
                   [](const auto&) { ENSURE(false); },
               },
               message);
}

void TestBridge::on_result(const AuthorizeResult& result) {
    Charge& charge = m_charges.at(result.session);
    if (charge.result) {
        ENSURE(charge.result->accepted == result.accepted || !result.accepted);
        return;
    }
    charge.result = result;
    if (!result.accepted) {
        return;
    }
    const std::uint64_t sequence = next_sequence();
    if (!charge.plan.start) {
        put(sequence, ApprovalUnused{.sequence = sequence, .session = result.session});
        return;
    }
    const std::string evse =
        tally::test::TestChain::evse(party("AAA"), static_cast<int>(charge.plan.connector));
    ChargeStarted started;
    started.sequence = sequence;
    started.session = result.session;
    started.authorization = result.authorization;
    started.connector = charge.plan.connector;
    started.evse_id = evse;
    put(sequence, started);
    if (charge.plan.end) {
        end_charge(result.session);
    }
}

void TestBridge::end_charge(const SessionId& session) {
    Charge& charge = m_charges.at(session);
    ENSURE(charge.result && charge.result->accepted);
    charge.ended = make_end(session, charge.result->authorization, charge.plan);
    put(charge.ended->sequence, *charge.ended);
}

ChargeEnded TestBridge::make_end(const SessionId& session, const AuthorizationRef& ref,
                                 const ChargePlan& plan) {
    ChargeEnded ended;
    ended.sequence = next_sequence();
    ended.session = session;
    MeteredCharge& metered = ended.metered;
    metered.authorization = ref;
    metered.evse_id = tally::test::TestChain::evse(party("AAA"), static_cast<int>(plan.connector));
    metered.bridge_id = "bridge-1";
    metered.meter_serial = "M" + std::to_string(plan.connector);
    metered.evidence = plan.evidence;
    const UnixMillis begin = std::max(m_world.now(), m_last_end[metered.evse_id]);
    const UnixMillis end = begin + tally::test::hour_ms;
    std::int64_t& reading = m_register[metered.evse_id];
    metered.readings = {{begin, 480, reading, false}, {end, 480, reading + plan.energy_wh, false}};
    reading += plan.energy_wh;
    m_last_end[metered.evse_id] = end;
    tally::test::sign_metered(m_world.chain().chain_id(), party("AAA"), metered);
    return ended;
}

// ---- the world

Genesis World::default_genesis() { return tally::test::make_genesis(); }

World::World(std::uint64_t seed, Faults world_faults, Genesis genesis)
    : faults{world_faults},
      m_now{0},
      m_random{seed},
      m_chain{std::move(genesis), {party("AAA")}},
      m_bridge{*this} {
    m_now = m_chain.now() + 1;
    m_first_height = m_chain.tip().block.header.height + 1;
    for (const char* name : {"HUB", "AAA", "BBB", "CCC"}) {
        m_members[party(name)] = std::make_unique<MemberProcess>(*this, party(name));
    }
    for (auto& [name, process] : m_members) {
        process->start();
    }
    schedule(0, [this] { make_block(); });
}

World::~World() {
    for (auto& [name, process] : m_members) {
        process->crash();
    }
}

MemberProcess& World::member(std::string_view name) { return *m_members.at(party(name)); }

void World::schedule(UnixMillis delay, std::function<void()> action) {
    m_events.emplace(m_now + delay, std::move(action));
}

void World::deliver(std::function<void()> action) {
    const auto delay = [this] {
        return static_cast<UnixMillis>(m_random.below(faults.delay_max + 1));
    };
    if (m_random.below(100) < faults.repetition) {
        schedule(delay(), action);
    }
    if (m_random.below(100) >= faults.loss) {
        schedule(delay(), std::move(action));
    }
}

bool World::offer(Bytes envelope) {
    if (std::find(m_pool.begin(), m_pool.end(), envelope) == m_pool.end()) {
        m_pool.push_back(std::move(envelope));
    }
    return true;
}

void World::make_block() {
    schedule(block_interval_ms, [this] { make_block(); });
    const UnixMillis time = std::max(m_now, m_chain.now() + 1);
    if (sequencer_stopped || (m_pool.empty() && time - m_chain.now() < idle_interval_ms)) {
        return;
    }
    std::vector<Bytes> envelopes = std::move(m_pool);
    m_pool.clear();
    std::vector<Hash> left_out;
    ENSURE(m_chain.executor()
               .build(m_chain.tip_pointer(), m_chain.window(), m_chain.next_context(time),
                      envelopes, left_out)
               .has_value());
    std::erase_if(envelopes, [&left_out](const Bytes& envelope) {
        return std::find(left_out.begin(), left_out.end(), envelope_hash(envelope)) !=
               left_out.end();
    });
    const ExecutedBlock& executed = m_chain.add_block(time, envelopes);
    FinalizedBlock block;
    block.block = executed.block;
    block.results = executed.results;
    block.events = executed.events;
    m_blocks.push_back(block);
    for (auto& [name, process] : m_members) {
        MemberProcess* const member = process.get();
        schedule(static_cast<UnixMillis>(m_random.below(faults.delay_max + 1)), [member, block] {
            if (member->is_up()) {
                member->service().on_final_block(block);
            }
        });
    }
}

void World::maybe_crash() {
    if (faults.crash == 0 || m_random.below(10'000) >= faults.crash) {
        return;
    }
    const auto chosen =
        std::next(m_members.begin(), static_cast<std::ptrdiff_t>(m_random.below(m_members.size())));
    MemberProcess* const process = chosen->second.get();
    if (!process->is_up()) {
        return;
    }
    process->crash();
    schedule(m_random.between(1, 1'500), [process] { process->start(); });
}

void World::step() {
    const auto first = m_events.begin();
    m_now = std::max(m_now, first->first);
    const auto action = std::move(first->second);
    m_events.erase(first);
    maybe_crash();
    action();
    m_bridge.repeat();
}

bool World::run_until(const std::function<bool()>& done, UnixMillis limit_ms) {
    const UnixMillis end = m_now + limit_ms;
    while (!done()) {
        if (m_events.empty() || m_events.begin()->first > end) {
            m_now = end;
            return false;
        }
        step();
    }
    return true;
}

void World::run(UnixMillis ms) {
    run_until([] { return false; }, ms);
}

void World::customer(const std::string& token, Money balance, CustomerPolicy policy) {
    CustomerEntry entry;
    entry.token = token;
    entry.currency = currency("CNY");
    entry.opening_balance = balance;
    entry.policy = policy;
    ENSURE(member(token.substr(0, 3)).accounts().import({entry}, m_now).has_value());
}

AuthorizeResult World::swipe(const ChargePlan& plan) {
    const SessionId session = m_bridge.swipe(plan);
    run_until([&] { return m_bridge.charge(session).result.has_value(); });
    return m_bridge.charge(session).result.value_or(AuthorizeResult{});
}

SessionView World::charge(const ChargePlan& plan) {
    const SessionId session = m_bridge.swipe(plan);
    run_until([&] { return is_in("AAA", session, SessionState::settled); });
    return view("AAA", session).value_or(SessionView{});
}

std::optional<SessionView> World::view(std::string_view name, const SessionId& id) {
    return member(name).is_up() ? member(name).service().find_session(id) : std::nullopt;
}

bool World::is_in(std::string_view name, const SessionId& id, SessionState state) {
    const auto found = view(name, id);
    return found && found->state == state;
}

}  // namespace tally::node::test
