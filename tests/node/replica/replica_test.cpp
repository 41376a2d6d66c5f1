#include "node/replica/replica.h"

#include "ledger/base/posix_file_system.h"
#include "ledger/base/system_clock.h"
#include "ledger/state/epochs.h"
#include "node/runtime/asio.h"
#include "tests/ledger/base/temporary_folder.h"
#include "tests/support/ledger_fixture.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <catch2/catch.hpp>

#include <algorithm>
#include <chrono>

using namespace tally;
using namespace tally::node;
using namespace tally::test;

namespace {

Genesis quick_genesis() {
    Genesis genesis = make_genesis();
    genesis.parameters.delta = 20;
    genesis.parameters.idle_interval = 100;
    genesis.parameters.skip_timeout = 1000;
    return genesis;
}

class Cluster;

/// One member's replica on a disk of its own. The state store outlives a crash, as LevelDB would.
class Site {
public:
    Site(Cluster& cluster, const Member& member) : m_cluster{cluster}, m_member{member} {}

    void initialize(const Genesis& genesis);
    void start();
    void stop();
    [[nodiscard]] bool is_up() const { return m_replica != nullptr; }
    [[nodiscard]] Replica& replica() { return *m_replica; }
    [[nodiscard]] PeerIdentity identity() const { return {m_member.link_key, m_member.party, ""}; }
    [[nodiscard]] Expected<std::unique_ptr<Replica>, LedgerOpenError> open();

    std::vector<std::uint64_t> delivered;  ///< heights, since the last start
    MemoryStore state;
    std::vector<std::string> disconnected;

private:
    [[nodiscard]] std::string data_dir() const { return m_folder.file("data"); }

    Cluster& m_cluster;
    Member m_member;
    TemporaryFolder m_folder;
    PosixFileSystem m_files;
    SystemClock m_clock;
    KeySigner m_key{secret_of(to_text(m_member.party) + "/consensus")};
    std::unique_ptr<VerifyPool> m_pool;
    std::unique_ptr<consensus::Journal> m_journal;
    std::unique_ptr<Replica> m_replica;
};

/// All members in one event loop; frames travel as events of it.
class Cluster {
public:
    explicit Cluster(Genesis genesis = quick_genesis()) : m_genesis{std::move(genesis)} {
        for (const Member& member : m_genesis.members) {
            sites.push_back(std::make_unique<Site>(*this, member));
            sites.back()->initialize(m_genesis);
        }
    }
    ~Cluster() {
        for (const auto& site : sites) {
            site->stop();
        }
    }
    Cluster(const Cluster&) = delete;
    Cluster& operator=(const Cluster&) = delete;

    void start_all() {
        for (const auto& site : sites) {
            site->start();
        }
    }
    /// Links that both ends are told of.
    void connect(Site& fresh) {
        for (const auto& other : sites) {
            if (other.get() != &fresh && other->is_up()) {
                other->replica().peer_connected(fresh.identity());
                fresh.replica().peer_connected(other->identity());
            }
        }
    }
    void disconnect(Site& gone) {
        for (const auto& other : sites) {
            if (other.get() != &gone && other->is_up()) {
                other->replica().peer_disconnected(gone.identity());
            }
        }
    }
    bool deliver(const PeerIdentity& from, const PublicKey& to, Bytes frame) {
        boost::asio::post(io, [this, from, to, frame = std::move(frame)] {
            for (const auto& site : sites) {
                if (site->identity().link_key == to && site->is_up()) {
                    site->replica().frame_received(from, frame);
                }
            }
        });
        return true;
    }
    void run_until(const std::function<bool()>& condition) {
        const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds{60};
        while (!condition()) {
            const bool is_late = std::chrono::steady_clock::now() >= deadline;
            INFO((is_late ? describe() : std::string{}));
            REQUIRE_FALSE(is_late);
            io.restart();
            io.run_one_for(std::chrono::milliseconds{20});
        }
    }
    /// Where everybody stands, for whoever reads why a test failed.
    [[nodiscard]] std::string describe() const {
        std::string text;
        for (const auto& site : sites) {
            text += to_text(*site->identity().member);
            if (site->is_up()) {
                const consensus::DriverStatus status = site->replica().status();
                text += ": epoch " + std::to_string(status.epoch) + " view " +
                        std::to_string(status.view) + " height " +
                        std::to_string(status.final_height) + " " + to_text(status.role) +
                        " waiting envelopes " + std::to_string(site->replica().mempool().size());
            }
            text += '\n';
        }
        return text;
    }
    [[nodiscard]] Site& site(const char* name) {
        for (const auto& candidate : sites) {
            if (candidate->identity().member == party(name)) {
                return *candidate;
            }
        }
        FAIL(name);
        return *sites.front();
    }
    /// One transaction of a member, signed and good for a minute from now.
    Bytes envelope(const char* member, TransactionRef& ref) {
        RegisterBridge action;
        action.bridge_id = "bridge-" + std::to_string(++m_made);
        action.public_key = public_key_of(secret_of(action.bridge_id));
        Transaction transaction;
        transaction.id.data[15] = static_cast<std::uint8_t>(m_made);
        transaction.not_after = m_clock.now() + 60'000;
        transaction.action = action;
        ref = {party(member), transaction.id};
        return make_envelope(m_genesis.chain_id(), ref.signer, {transaction});
    }
    /// Submitted at that member's node as its own programs do; asks for `added`.
    TransactionRef submit(const char* member) {
        TransactionRef ref;
        std::optional<GateResult> result;
        site(member).replica().submit(envelope(member, ref),
                                      [&result](GateResult given) { result = given; });
        run_until([&result] { return result.has_value(); });
        CHECK(*result == GateResult::added);
        return ref;
    }
    /// A membership action, handed in as the member's own programs do.
    TransactionRef act(const char* member, const Action& action) {
        Transaction transaction;
        transaction.id.data[15] = static_cast<std::uint8_t>(++m_made);
        transaction.not_after = m_clock.now() + 60'000;
        transaction.action = action;
        const TransactionRef ref{party(member), transaction.id};
        const Bytes bytes = make_envelope(m_genesis.chain_id(), ref.signer, {transaction});
        CHECK(site(member).replica().submit_own(bytes) == GateResult::added);
        run_until([&] { return is_final_everywhere({ref}); });
        const auto found = site(member).replica().ledger().find_transaction(ref);
        CHECK(found->result == ResultCode::ok);
        return ref;
    }
    /// Proposed and approved by the hub and the validators named, and reported ready for by those.
    void change(ChangeKind kind, const char* member, const std::vector<const char*>& approving,
                const std::vector<const char*>& ready) {
        ProposeChange proposal;
        proposal.kind = kind;
        proposal.member = party(member);
        const TransactionRef ref = act("HUB", proposal);
        for (const char* voter : approving) {
            act(voter, VoteOnChange{ref, true});
        }
        for (const char* next : ready) {
            const Ledger& ledger = site(next).replica().ledger();
            ReportReady report;
            report.epoch = ledger.epoch();
            report.next_epoch = wanted_epoch(ledger.final_state()).hash();
            report.height = ledger.final_header().height;
            act(next, report);
        }
    }
    [[nodiscard]] bool all_in_epoch(std::uint64_t epoch) const {
        return std::all_of(sites.begin(), sites.end(), [epoch](const auto& site) {
            return !site->is_up() || site->replica().status().epoch == epoch;
        });
    }
    [[nodiscard]] bool is_final_everywhere(const std::vector<TransactionRef>& refs) const {
        for (const auto& site : sites) {
            for (const TransactionRef& ref : refs) {
                if (site->is_up() && !site->replica().ledger().find_transaction(ref)) {
                    return false;
                }
            }
        }
        return true;
    }
    /// Same blocks with the same roots at all that run, as far as the shortest goes.
    void check_agreement() {
        std::uint64_t common{UINT64_MAX};
        for (const auto& site : sites) {
            if (site->is_up()) {
                common = std::min(common, site->replica().ledger().final_header().height);
            }
        }
        REQUIRE(common > 0);
        for (std::uint64_t height = 1; height <= common; ++height) {
            std::set<Hash> digests;
            for (const auto& site : sites) {
                if (site->is_up()) {
                    const auto block = site->replica().ledger().read_block(height);
                    REQUIRE(block);
                    digests.insert(block->block.header.digest());
                }
            }
            REQUIRE(digests.size() == 1);
        }
    }
    [[nodiscard]] const Genesis& genesis() const { return m_genesis; }

    boost::asio::io_context io;
    std::vector<std::unique_ptr<Site>> sites;

private:
    Genesis m_genesis;
    SystemClock m_clock;
    int m_made{0};
};

void Site::initialize(const Genesis& genesis) {
    REQUIRE(m_files.create_directories(data_dir() + "/ledger/segments"));
    REQUIRE(m_files.create_directories(data_dir() + "/consensus"));
    REQUIRE(Ledger::initialize(m_files, state, data_dir() + "/ledger/segments", genesis));
    REQUIRE(consensus::Journal::create(m_files, data_dir() + "/consensus", 0));
}

Expected<std::unique_ptr<Replica>, LedgerOpenError> Site::open() {
    m_pool = std::make_unique<VerifyPool>(m_cluster.io, 1, 4096);
    consensus::JournalOptions options;
    options.fatal = [](const std::string& what) { FAIL(what); };
    auto journal = consensus::Journal::open(m_files, data_dir() + "/consensus", options);
    REQUIRE(journal);
    m_journal = std::move(journal).value();
    ReplicaPorts ports{
        .io = m_cluster.io,
        .files = m_files,
        .state_store = state,
        .clock = m_clock,
        .journal = *m_journal,
        .signer_for =
            [this](const PublicKey& key) { return key == m_key.public_key() ? &m_key : nullptr; },
        .pool = *m_pool,
        .driver_clock = m_clock,
        .on_nullified = {},
        .on_evidence = {},
        .send = [this](const PublicKey& to,
                       Bytes frame) { return m_cluster.deliver(identity(), to, std::move(frame)); },
        .disconnect = [this](const PublicKey& /*peer*/,
                             const char* reason) { disconnected.emplace_back(reason); }};
    return Replica::open({m_cluster.genesis(), m_member.party, data_dir()}, std::move(ports));
}

void Site::start() {
    auto opened = open();
    REQUIRE(opened);
    m_replica = std::move(opened).value();
    delivered.clear();
    m_replica->start(
        [this](const FinalizedBlock& block) { delivered.push_back(block.block.header.height); });
    m_cluster.connect(*this);
}

void Site::stop() {
    if (!is_up()) {
        return;
    }
    m_cluster.disconnect(*this);
    m_pool.reset();  // nothing comes back from it
    m_cluster.io.restart();
    m_cluster.io.poll();  // nothing is posted for it any more
    m_replica.reset();
    m_journal.reset();
}

bool is_contiguous(const std::vector<std::uint64_t>& heights) {
    for (std::size_t index = 1; index < heights.size(); ++index) {
        if (heights[index] != heights[index - 1] + 1) {
            return false;
        }
    }
    return !heights.empty();
}

}  // namespace

SCENARIO("what is submitted at one replica becomes final on all, with equal roots") {
    Cluster cluster;
    cluster.start_all();
    std::vector<TransactionRef> refs;
    for (int round = 0; round < 5; ++round) {
        refs.push_back(cluster.submit("AAA"));
        refs.push_back(cluster.submit("BBB"));
    }
    TransactionRef own;
    const Bytes envelope = cluster.envelope("CCC", own);
    CHECK(cluster.site("CCC").replica().submit_own(envelope) == GateResult::added);
    CHECK(cluster.site("CCC").replica().submit_own(envelope) == GateResult::already_known);
    refs.push_back(own);
    cluster.run_until([&] { return cluster.is_final_everywhere(refs); });
    cluster.check_agreement();
    for (const auto& site : cluster.sites) {
        const Ledger& ledger = site->replica().ledger();
        for (const TransactionRef& ref : refs) {
            CHECK(ledger.find_transaction(ref)->result == ResultCode::ok);
            const auto receipt = ledger.receipt(ref);
            REQUIRE(receipt);
            CHECK_FALSE(verify_receipt(*receipt, cluster.genesis()));
        }
        CHECK(site->replica().status().role == consensus::Role::validator);
        CHECK(site->replica().refused_blocks() == 0);
        CHECK(site->disconnected.empty());
        cluster.run_until([&] { return site->delivered.size() >= 2; });
        CHECK(site->delivered.front() == 1);
        CHECK(is_contiguous(site->delivered));
        CHECK(site->replica().mempool().size() == 0);
    }
}

SCENARIO("an own envelope submitted before any link is up becomes final once there are links") {
    Genesis genesis = quick_genesis();
    for (Member& member : genesis.members) {
        member.validator = member.validator && member.party != party("AAA");  // it proposes nothing
    }
    Cluster cluster{genesis};
    cluster.site("AAA").start();
    TransactionRef ref;
    const Bytes envelope = cluster.envelope("AAA", ref);
    CHECK(cluster.site("AAA").replica().submit_own(envelope) == GateResult::added);
    for (const char* name : {"BBB", "CCC", "HUB"}) {
        cluster.site(name).start();
    }
    CHECK(cluster.site("AAA").replica().submit_own(envelope) == GateResult::already_known);
    cluster.run_until([&] { return cluster.is_final_everywhere({ref}); });
}

SCENARIO("what a replica refuses is answered to whom submitted it") {
    Cluster cluster;
    cluster.start_all();
    Replica& replica = cluster.site("AAA").replica();
    const auto submit = [&](Bytes envelope) {
        std::optional<GateResult> result;
        replica.submit(std::move(envelope), [&result](GateResult given) { result = given; });
        cluster.run_until([&result] { return result.has_value(); });
        return *result;
    };
    TransactionRef ref;
    Bytes forged = cluster.envelope("AAA", ref);
    forged.back() ^= 1U;
    CHECK(submit(forged) == GateResult::bad_signature);
    CHECK(submit(Bytes{1, 2, 3}) == GateResult::malformed);
    Transaction late;
    RegisterBridge action;
    action.bridge_id = "late";
    action.public_key = public_key_of(secret_of("late"));
    late.action = action;
    late.not_after = genesis_time;
    CHECK(submit(make_envelope(cluster.genesis().chain_id(), party("BBB"), {late})) ==
          GateResult::expired);
    const Bytes good = cluster.envelope("BBB", ref);
    CHECK(submit(good) == GateResult::added);
    CHECK(submit(good) == GateResult::already_known);
    cluster.run_until([&] { return cluster.is_final_everywhere({ref}); });
    CHECK(submit(good) == GateResult::already_known);
}

SCENARIO("a replica that was away catches up, also with a state older than its segments") {
    const bool state_is_old = GENERATE(false, true);
    Cluster cluster;
    cluster.start_all();
    std::vector<TransactionRef> refs{cluster.submit("AAA")};
    cluster.run_until([&] { return cluster.is_final_everywhere(refs); });
    Site& away = cluster.site("BBB");
    const MemoryStore::Entries old = away.state.entries();
    refs.push_back(cluster.submit("AAA"));
    cluster.run_until([&] { return cluster.is_final_everywhere(refs); });
    away.stop();
    const std::vector<TransactionRef> missed{cluster.submit("AAA"), cluster.submit("CCC")};
    cluster.run_until([&] { return cluster.is_final_everywhere(missed); });
    if (state_is_old) {
        away.state = MemoryStore{old};
    }
    away.start();
    CHECK(away.replica().ledger().find_transaction(refs.back()));
    CHECK_FALSE(away.replica().ledger().find_transaction(missed.back()));
    const std::uint64_t height = away.replica().ledger().final_header().height;
    cluster.run_until([&] { return cluster.is_final_everywhere(missed); });
    cluster.check_agreement();
    cluster.run_until([&] { return !away.delivered.empty(); });
    CHECK(away.delivered.front() == height + 1);
    CHECK(is_contiguous(away.delivered));
    // It takes part again: with another one away the quorum needs it.
    cluster.site("CCC").stop();
    const TransactionRef after = cluster.submit("BBB");
    cluster.run_until([&] { return cluster.is_final_everywhere({after}); });
    cluster.check_agreement();
}

SCENARIO("the whole network stops and starts again where it was") {
    Cluster cluster;
    cluster.start_all();
    const TransactionRef before = cluster.submit("AAA");
    cluster.run_until([&] { return cluster.is_final_everywhere({before}); });
    for (const auto& site : cluster.sites) {
        site->stop();
    }
    cluster.start_all();
    CHECK(cluster.is_final_everywhere({before}));
    const TransactionRef after = cluster.submit("CCC");
    cluster.run_until([&] { return cluster.is_final_everywhere({after}); });
    cluster.check_agreement();
}

SCENARIO("a follower without a journal executes, serves and submits, but does not vote") {
    Genesis genesis = quick_genesis();
    genesis.members.at(2).validator = false;
    Cluster cluster{genesis};
    cluster.start_all();
    const std::vector<TransactionRef> refs{cluster.submit("AAA"), cluster.submit("CCC")};
    cluster.run_until([&] { return cluster.is_final_everywhere(refs); });
    cluster.check_agreement();
    CHECK(cluster.site("CCC").replica().status().role == consensus::Role::follower);
    CHECK(cluster.site("AAA").replica().ledger().validators().size() == 3);
}

SCENARIO("a follower becomes a validator by vote, without a restart, and another leaves") {
    Genesis genesis = quick_genesis();
    REQUIRE(genesis.members.at(2).party == party("CCC"));
    genesis.members.at(2).validator = false;
    Cluster cluster{genesis};
    cluster.start_all();
    Site& promoted = cluster.site("CCC");
    cluster.change(ChangeKind::promote, "CCC", {"AAA", "BBB"}, {"HUB", "AAA", "CCC"});
    cluster.run_until([&] { return cluster.all_in_epoch(1); });
    const Ledger& ledger = promoted.replica().ledger();
    CHECK(ledger.epoch() == 1);
    CHECK(ledger.validators().size() == 4);
    REQUIRE(ledger.epoch_proof(0));
    CHECK(check_epoch_proof(*ledger.epoch_proof(0), ledger.chain_id(), 0,
                            validators_of(genesis.members)));
    cluster.run_until(
        [&] { return promoted.replica().status().role == consensus::Role::validator; });
    // With one of four away the quorum needs the new one; whoever was away catches up over the
    // seal.
    cluster.site("BBB").stop();
    const TransactionRef first = cluster.submit("CCC");
    cluster.run_until([&] { return cluster.is_final_everywhere({first}); });
    cluster.change(ChangeKind::demote, "AAA", {"AAA", "CCC"}, {"HUB", "CCC"});
    CHECK(cluster.all_in_epoch(1));  // two of three wanted ones are no quorum of three
    cluster.site("BBB").start();
    cluster.run_until([&] { return cluster.is_final_everywhere({first}); });
    ReportReady last;
    last.epoch = 1;
    const Ledger& late = cluster.site("BBB").replica().ledger();
    last.next_epoch = wanted_epoch(late.final_state()).hash();
    last.height = late.final_header().height;
    cluster.act("BBB", last);
    cluster.run_until([&] { return cluster.all_in_epoch(2); });
    CHECK(cluster.site("AAA").replica().status().role == consensus::Role::follower);
    // A whole network that stops in an epoch starts in it.
    for (const auto& site : cluster.sites) {
        site->stop();
    }
    cluster.start_all();
    CHECK(cluster.all_in_epoch(2));
    const TransactionRef after = cluster.submit("AAA");
    cluster.run_until([&] { return cluster.is_final_everywhere({after}); });
    cluster.check_agreement();
    for (const auto& site : cluster.sites) {
        CHECK(site->disconnected.empty());
        CHECK(site->replica().refused_blocks() == 0);
    }
}

SCENARIO("garbage from a member is counted and cut off, and the others go on") {
    Cluster cluster;
    cluster.start_all();
    Site& victim = cluster.site("AAA");
    const PeerIdentity liar = cluster.site("BBB").identity();
    victim.replica().frame_received(liar, Bytes{0xff, 0xff, 0xff});
    victim.replica().frame_received(liar, {});
    victim.replica().frame_received(liar, Bytes(100'000, std::uint8_t{0x0a}));
    CHECK(victim.replica().status().messages_rejected >= 1);
    cluster.run_until([&] { return !victim.disconnected.empty(); });
    // Frames of somebody who is not connected, or is a bridge, are ignored.
    PeerIdentity stranger;
    stranger.link_key = public_key_of(secret_of("stranger"));
    const std::uint64_t rejected = victim.replica().status().messages_rejected;
    victim.replica().frame_received(stranger, Bytes{0xff});
    victim.replica().peer_connected(stranger);
    victim.replica().frame_received(stranger, Bytes{0xff});
    victim.replica().peer_disconnected(stranger);
    CHECK(victim.replica().status().messages_rejected == rejected);
    const TransactionRef ref = cluster.submit("AAA");
    cluster.run_until([&] { return cluster.is_final_everywhere({ref}); });
}

SCENARIO("a replica does not open without a ledger, or with another network's genesis") {
    Cluster cluster;
    Site& site = cluster.site("AAA");
    site.state = MemoryStore{};
    const auto lost = site.open();
    REQUIRE_FALSE(lost);
    INFO(lost.error().message);
    CHECK(lost.error().kind != LedgerOpenError::Kind::already_initialized);

    Genesis other = quick_genesis();
    other.name = "other";
    Cluster foreign{other};
    Site& taken = foreign.site("AAA");
    taken.state = MemoryStore{cluster.site("BBB").state.entries()};
    const auto wrong = taken.open();
    REQUIRE_FALSE(wrong);
    CHECK(wrong.error().kind == LedgerOpenError::Kind::wrong_genesis);
}
