// A real process that votes on a real disk is killed with SIGKILL a thousand times, at any instant
// between deciding on a vote and having sent it. No two signatures that left may contradict each
// other, and what left is never forgotten.

#include "consensus/journal/journal.h"
#include "consensus/journal/safety_signer.h"
#include "ledger/base/posix_file_system.h"
#include "tests/consensus/support.h"
#include "tests/ledger/base/temporary_folder.h"

#include <catch2/catch.hpp>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <chrono>
#include <csignal>
#include <map>
#include <random>
#include <thread>
#include <tuple>

namespace tally::consensus::testing {
namespace {

/// Where the victim was when it died; in memory that outlives it.
enum class Phase : std::uint8_t { idle, deciding, syncing, sending };
constexpr std::size_t phases{4};
using SharedPhase = std::atomic<Phase>;
static_assert(SharedPhase::is_always_lock_free);

constexpr unsigned turns_an_epoch{40};  ///< on average
constexpr int kills_between_decision_and_send{1'000};
constexpr int kills_max{8'000};
constexpr std::size_t wire_bytes{1 + 8 + 8 + 32 + 64};

/// What leaves the process: kind, view, epoch, digest, signature.
using Wire = std::array<std::uint8_t, wire_bytes>;

void put_number(Wire& wire, std::size_t at, std::uint64_t number) {
    for (std::size_t i = 0; i < 8; ++i) {
        wire.at(at + i) = static_cast<std::uint8_t>(number >> (8 * i));
    }
}

std::uint64_t number_at(const Wire& wire, std::size_t at) {
    std::uint64_t number{0};
    for (std::size_t i = 0; i < 8; ++i) {
        number |= std::uint64_t{wire.at(at + i)} << (8 * i);
    }
    return number;
}

Wire to_wire(const Vote& vote) {
    Wire wire{};
    wire[0] = static_cast<std::uint8_t>(vote.statement.kind);
    put_number(wire, 1, vote.statement.view);
    put_number(wire, 9, vote.statement.epoch);
    std::copy_n(vote.statement.digest.data.begin(), 32, wire.begin() + 17);
    std::copy_n(vote.signature.data.begin(), 64, wire.begin() + 49);
    return wire;
}

/// All that anybody ever saw of the victim, and whether it contradicts itself.
class Witness {
public:
    void see(const Wire& wire) {
        const View view = number_at(wire, 1);
        const std::uint64_t epoch = number_at(wire, 9);
        const auto [entry, is_new] = m_seen.try_emplace({epoch, wire[0], view}, wire);
        m_conflicts += !is_new && entry->second != wire ? 1U : 0U;
        m_conflicts += is_new && contradicts_other_kind(epoch, wire[0], view) ? 1U : 0U;
        if (epoch > m_epoch) {
            m_epoch = epoch;
            m_newest = {};
        }
        if (epoch == m_epoch) {
            View& newest = m_newest.at(wire[0] - 1U);
            newest = std::max(newest, view);
        }
    }
    /// Whether a record read after a kill still knows everything that left in its epoch.
    [[nodiscard]] bool is_remembered(const SafetyRecord& record) const {
        return record.epoch > m_epoch ||
               (record.epoch == m_epoch && record.notarize.view >= m_newest[0] &&
                record.nullify.view >= m_newest[1] && record.finalize.view >= m_newest[2]);
    }
    [[nodiscard]] std::uint64_t epochs() const { return m_epoch + 1; }
    [[nodiscard]] std::size_t conflicts() const { return m_conflicts; }
    [[nodiscard]] std::size_t votes() const { return m_seen.size(); }

private:
    [[nodiscard]] bool contradicts_other_kind(std::uint64_t epoch, std::uint8_t kind,
                                              View view) const {
        const auto nullify = static_cast<std::uint8_t>(VoteKind::nullify);
        const auto finalize = static_cast<std::uint8_t>(VoteKind::finalize);
        if (kind != nullify && kind != finalize) {
            return false;
        }
        return m_seen.contains({epoch, kind == nullify ? finalize : nullify, view});
    }

    std::map<std::tuple<std::uint64_t, std::uint8_t, View>, Wire> m_seen;
    std::uint64_t m_epoch{0};
    std::array<View, 3> m_newest{};
    std::size_t m_conflicts{0};
};

/// The process that votes: asks its signer for votes it may and votes it must not give, about
/// blocks that nobody asked about in an earlier life.
class Victim {
public:
    Victim(const std::string& folder, unsigned seed, int pipe, SharedPhase& phase, bool is_careless)
        : m_chance{seed}, m_pipe{pipe}, m_phase{phase}, m_is_careless{is_careless} {
        JournalOptions options;
        options.rotate_bytes = 20'000;
        options.fatal = [](const std::string&) { ::_exit(3); };
        auto journal = Journal::open(m_files, folder, std::move(options));
        if (!journal) {
            ::_exit(2);
        }
        m_journal = std::move(*journal);
    }

    [[noreturn]] void run() {
        KeySigner key{secret_of(0)};
        SafetySigner signer{key, *m_journal, test_chain_id(), 0};
        const SafetyRecord& record = m_journal->safety();
        View view =
            std::max({record.notarize.view, record.nullify.view, record.finalize.view, View{3}}) -
            2;
        while (true) {
            const std::vector<VoteStatement> wanted = choose(view);
            if (m_is_careless) {
                send(unrecorded(key, wanted));
                m_journal->sync();
            }
            m_phase = Phase::deciding;
            const std::vector<Vote> votes = decide(signer, wanted);
            m_phase = Phase::syncing;
            m_journal->sync();
            send(votes);
            m_phase = Phase::idle;
            if (m_journal->wants_compaction()) {
                m_journal->compact({});
            }
            view += m_chance() % 2;
            if (m_chance() % turns_an_epoch == 0) {
                m_journal->begin_epoch(m_journal->epoch() + 1, true);
                view = 1;
            }
        }
    }

private:
    /// One to three requests in one turn of the loop.
    std::vector<VoteStatement> choose(View view) {
        std::vector<VoteStatement> wanted;
        const std::uint64_t epoch = m_journal->epoch();
        for (auto left = 1 + m_chance() % 3; left > 0; --left) {
            const Hash digest = digest_of(static_cast<char>('a' + m_chance() % 26));
            const std::array<VoteStatement, 3> choices{
                VoteStatement{epoch, VoteKind::notarize, view, view - 1, digest},
                VoteStatement{epoch, VoteKind::nullify, view, 0, Hash{}},
                VoteStatement{epoch, VoteKind::finalize, view, view - 1, digest}};
            wanted.push_back(choices[m_chance() % choices.size()]);
        }
        return wanted;
    }

    static std::vector<Vote> decide(SafetySigner& signer,
                                    const std::vector<VoteStatement>& wanted) {
        std::vector<Vote> votes;
        for (const VoteStatement& statement : wanted) {
            if (const auto vote = signer.sign(statement)) {
                votes.push_back(*vote);
            }
        }
        return votes;
    }

    /// The mistake that the test must find: a vote that leaves before it is recorded.
    std::vector<Vote> unrecorded(Signer& key, const std::vector<VoteStatement>& wanted) {
        if (!m_journal->safety().allows(wanted.front())) {
            return {};
        }
        const Hash digest = wanted.front().signing_digest(test_chain_id());
        return {Vote{wanted.front(), 0, key.sign(digest)}};
    }

    void send(const std::vector<Vote>& votes) {
        m_phase = Phase::sending;
        for (const Vote& vote : votes) {
            const Wire wire = to_wire(vote);
            if (::write(m_pipe, wire.data(), wire.size()) != ssize_t{wire_bytes}) {
                ::_exit(4);
            }
        }
    }

    PosixFileSystem m_files;
    std::mt19937 m_chance;
    int m_pipe;
    SharedPhase& m_phase;
    bool m_is_careless;
    std::unique_ptr<Journal> m_journal;
};

/// Lives of one victim, each ended by SIGKILL.
class Killing {
public:
    explicit Killing(bool is_careless) : m_is_careless{is_careless} {
        void* page =
            ::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        REQUIRE(page != MAP_FAILED);
        m_phase = new (page) SharedPhase{Phase::idle};
        PosixFileSystem files;
        REQUIRE(Journal::create(files, data(), 0).has_value());
    }
    ~Killing() { ::munmap(m_phase, 4096); }
    Killing(const Killing&) = delete;
    Killing& operator=(const Killing&) = delete;

    /// Starts the victim, lets it vote for a random while, kills it, and reads what it had sent.
    void one_life() {
        int ends[2];
        REQUIRE(::pipe(ends) == 0);
        const unsigned seed = ++m_lives;
        *m_phase = Phase::idle;
        const pid_t child = ::fork();
        REQUIRE(child >= 0);
        if (child == 0) {
            Victim{data(), seed, ends[1], *m_phase, m_is_careless}.run();
        }
        ::close(ends[1]);
        read_one(ends[0]);
        const auto instant =
            std::chrono::steady_clock::now() + std::chrono::microseconds{m_chance() % 1'500};
        while (std::chrono::steady_clock::now() < instant) {
            std::this_thread::yield();
        }
        if (m_lives % 4 == 0) {
            await(Phase::deciding);
        }
        REQUIRE(::kill(child, SIGKILL) == 0);
        while (read_one(ends[0])) {
        }
        ::close(ends[0]);
        int status{0};
        REQUIRE(::waitpid(child, &status, 0) == child);
        REQUIRE(WIFSIGNALED(status));
        ++m_died_in[static_cast<std::size_t>(m_phase->load())];
    }

    [[nodiscard]] SafetyRecord record() const {
        PosixFileSystem files;
        auto journal = Journal::open(files, data(), JournalOptions{});
        REQUIRE(journal.has_value());
        return (*journal)->safety();
    }
    [[nodiscard]] int died_in(Phase phase) const {
        return m_died_in[static_cast<std::size_t>(phase)];
    }
    [[nodiscard]] unsigned lives() const { return m_lives; }
    [[nodiscard]] const Witness& witness() const { return m_witness; }

private:
    [[nodiscard]] std::string data() const { return m_folder.path() + "/consensus"; }

    /// Deciding is short beside syncing: random instants alone may miss it a thousand times.
    void await(Phase phase) const {
        const auto deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds{50};
        while (m_phase->load() != phase && std::chrono::steady_clock::now() < deadline) {
        }
    }

    /// False at the end of the pipe. A vote is written whole: it is smaller than PIPE_BUF.
    bool read_one(int pipe) {
        Wire wire{};
        const ssize_t got = ::read(pipe, wire.data(), wire.size());
        if (got == ssize_t{wire_bytes}) {
            m_witness.see(wire);
        }
        return got > 0;
    }

    tally::test::TemporaryFolder m_folder;
    bool m_is_careless;
    SharedPhase* m_phase{nullptr};
    std::mt19937 m_chance{1};
    unsigned m_lives{0};
    std::array<int, phases> m_died_in{};
    Witness m_witness;
};

}  // namespace

TEST_CASE("a thousand kills between decision and send give no contradicting signatures") {
    Killing killing{false};
    const auto counted = [&killing] {
        return killing.died_in(Phase::deciding) + killing.died_in(Phase::syncing) +
               killing.died_in(Phase::sending);
    };
    while (counted() < kills_between_decision_and_send) {
        REQUIRE(killing.lives() < kills_max);
        killing.one_life();
        REQUIRE(killing.witness().conflicts() == 0);
        if (killing.lives() % 10 == 0) {
            REQUIRE(killing.witness().is_remembered(killing.record()));
        }
    }
    CHECK(killing.witness().votes() > 500);
    CHECK(killing.witness().epochs() > 5);
    CHECK(killing.died_in(Phase::deciding) > 0);
    CHECK(killing.died_in(Phase::syncing) > 0);
    WARN(killing.lives() << " kills: " << killing.died_in(Phase::deciding) << " while deciding, "
                         << killing.died_in(Phase::syncing) << " while syncing, "
                         << killing.died_in(Phase::sending) << " while sending, "
                         << killing.died_in(Phase::idle) << " elsewhere; "
                         << killing.witness().votes() << " votes left in "
                         << killing.witness().epochs() << " epochs");
}

TEST_CASE("a process that sends before it records is found out by the same kills") {
    Killing killing{true};
    while (killing.witness().conflicts() == 0) {
        REQUIRE(killing.lives() < kills_max);
        killing.one_life();
    }
    CHECK(killing.witness().conflicts() > 0);
}

}  // namespace tally::consensus::testing
