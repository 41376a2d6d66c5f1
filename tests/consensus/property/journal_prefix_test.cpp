// A journal may lose its unsynced tail at any byte and power at any effect; what it then recovers
// must never contradict a vote that was sent.

#include "consensus/journal/safety_signer.h"
#include "ledger/crypto/sha256.h"
#include "tests/simulator/sim_disk.h"
#include "tests/simulator/sim_random.h"

#include <catch2/catch.hpp>

#include <algorithm>
#include <map>
#include <optional>
#include <vector>

namespace tally::consensus {
namespace {

using simulator::EffectGate;
using simulator::EffectKind;
using simulator::SimFileSystem;
using simulator::SimRandom;
using simulator::UnsyncedFate;

constexpr const char* folder{"consensus"};

/// A journal under load whose power fails at the k-th effect.
class Rig {
public:
    Rig(std::uint64_t seed, std::uint64_t fails_at)
        : m_random{seed}, m_fails_at{fails_at}, m_files{[this](EffectKind) { return gate(); }} {
        m_started = false;
        REQUIRE(Journal::create(m_files, folder, 0).has_value());
        m_started = true;
    }

    /// Works until power fails or `steps` are done. True when it failed.
    bool work(int steps) {
        auto journal = open();
        REQUIRE(journal != nullptr);
        take(*journal);
        for (int step = 0; step < steps && !m_dead; ++step) {
            one_step(*journal);
        }
        journal.reset();
        return m_dead;
    }
    void restart() {
        m_files.restart();
        m_dead = false;
    }
    void fail_at(std::uint64_t effects) { m_fails_at = effects; }
    /// Opens and checks that all that was synced is there.
    void check() {
        auto journal = open();
        REQUIRE(journal != nullptr);
        const SafetyRecord safety = journal->safety();
        const JournalState state = journal->take_recovered();
        for (const VoteKind kind : {VoteKind::notarize, VoteKind::nullify, VoteKind::finalize}) {
            const ReleasedVote& sent = m_sent.of(kind);
            REQUIRE(safety.of(kind).view >= sent.view);
            if (safety.of(kind).view == sent.view) {
                REQUIRE(safety.of(kind) == sent);
            }
        }
        if (m_sent.notarize.view != 0 && safety.notarize == m_sent.notarize) {
            REQUIRE(holds_body(state, m_sent.notarize.view));
        }
        for (const View view : m_durable_certificates) {
            const bool held =
                std::any_of(state.certificates.begin(), state.certificates.end(),
                            [&](const auto& one) { return one.statement.view == view; });
            REQUIRE(held);
        }
        REQUIRE(state.own_proposal.size() >= (m_durable_proposal ? 1U : 0U));
    }
    [[nodiscard]] SimFileSystem& files() { return m_files; }
    [[nodiscard]] std::uint64_t effects() const { return m_effects; }

private:
    bool gate() {
        if (!m_started || m_dead || m_effects++ != m_fails_at) {
            return false;
        }
        m_dead = true;
        m_files.freeze(static_cast<UnsyncedFate>(m_random.between(0, 3)), m_random);
        return true;
    }
    std::unique_ptr<Journal> open() {
        auto journal = Journal::open(m_files, folder, {.rotate_bytes = 3'000, .fatal = {}});
        if (!journal) {
            UNSCOPED_INFO(journal.error().message);
            return nullptr;
        }
        return std::move(journal).value();
    }
    /// After a start: the view goes on from what is remembered.
    void take(Journal& journal) {
        const SafetyRecord& safety = journal.safety();
        m_view =
            std::max({m_view, safety.notarize.view, safety.nullify.view, safety.finalize.view}) + 1;
        m_live = journal.take_recovered();
        // A compaction that was cut short leaves copies.
        std::map<View, QuorumCertificate> unique;
        for (const QuorumCertificate& certificate : m_live.certificates) {
            unique[certificate.statement.view] = certificate;
        }
        m_live.certificates.clear();
        for (const auto& [view, certificate] : unique) {
            m_live.certificates.push_back(certificate);
        }
    }
    static bool holds_body(const JournalState& state, View view) {
        return std::any_of(state.blocks.begin(), state.blocks.end(), [&](const auto& block) {
            return block.header == Bytes(10, static_cast<std::uint8_t>(view));
        });
    }

    void one_step(Journal& journal) {
        SafetyRecord record = journal.safety();
        const auto kind = static_cast<VoteKind>(m_random.between(1, 3));
        ++m_view;
        if (kind == VoteKind::notarize) {
            const JournalBlock block{Bytes(10, static_cast<std::uint8_t>(m_view)),
                                     {Bytes(m_random.between(1, 300), 5)}};
            journal.append_block(block);
            m_live.blocks = {block};
        }
        if (m_random.chance(300)) {
            journal.append_own_proposal(Bytes(20, static_cast<std::uint8_t>(m_view)));
            m_live.own_proposal = Bytes(20, static_cast<std::uint8_t>(m_view));
        }
        QuorumCertificate certificate;
        certificate.statement.view = m_view;
        certificate.bitmap = 1;
        certificate.signatures.resize(1);
        journal.append_certificate(certificate);
        m_live.certificates.push_back(certificate);
        ReleasedVote& slot = record.of(kind);
        slot.view = m_view;
        slot.digest.data[0] = static_cast<std::uint8_t>(m_view);
        ++record.sequence;
        journal.append_safety(record);
        journal.sync();
        if (!m_dead) {  // Only now may the vote leave.
            m_sent = record;
            m_durable_certificates.push_back(m_view);
            m_durable_proposal = m_durable_proposal || !m_live.own_proposal.empty();
        }
        if (journal.wants_compaction()) {
            if (m_live.certificates.size() > 5) {
                m_live.certificates.erase(m_live.certificates.begin(),
                                          m_live.certificates.end() - 5);
            }
            journal.compact(m_live);
            std::erase_if(m_durable_certificates, [&](View view) {
                return std::none_of(m_live.certificates.begin(), m_live.certificates.end(),
                                    [&](const auto& one) { return one.statement.view == view; });
            });
        }
    }

    SimRandom m_random;
    std::uint64_t m_fails_at;
    std::uint64_t m_effects{0};
    bool m_started{false};
    bool m_dead{false};
    SimFileSystem m_files;
    View m_view{0};
    JournalState m_live;
    SafetyRecord m_sent;
    std::vector<View> m_durable_certificates;
    bool m_durable_proposal{false};
};

}  // namespace

TEST_CASE("a journal that loses power at any effect keeps every vote that was sent",
          "[consensus][property]") {
    std::size_t failures{0};
    for (std::uint64_t effect = 0; effect < 260; ++effect) {
        for (std::uint64_t seed = 1; seed <= 4; ++seed) {
            INFO("seed " << seed << ", effect " << effect);
            Rig rig{seed, effect};
            if (rig.work(40)) {
                ++failures;
                rig.restart();
            }
            rig.check();
        }
    }
    CHECK(failures > 500);
}

TEST_CASE("a journal that loses power again and again, in recovery too, keeps every vote",
          "[consensus][property]") {
    for (std::uint64_t seed = 1; seed <= 40; ++seed) {
        SimRandom random{seed};
        Rig rig{seed, random.between(0, 60)};
        for (int round = 0; round < 25; ++round) {
            INFO("seed " << seed << ", round " << round);
            if (rig.work(15)) {
                rig.restart();
            }
            rig.check();
            rig.fail_at(rig.effects() + random.between(0, 60));
        }
    }
}

TEST_CASE("damage to what was synced is recognised, never voted on", "[consensus][property]") {
    // Whatever single byte is changed or cut: the journal refuses, or it still holds every vote.
    Rig whole{1, UINT64_MAX};
    REQUIRE_FALSE(whole.work(12));
    std::size_t refused{0};
    for (const std::string& path : whole.files().paths()) {
        const Bytes content = *whole.files().read(path, 0, UINT64_MAX);
        for (std::size_t at = 0; at < content.size(); at += 3) {
            for (const bool cut : {false, true}) {
                SimRandom random{1};
                const auto copy = whole.files().crashed_copy(UnsyncedFate::lost, random);
                Bytes damaged = content;
                damaged[at] ^= 0x10U;
                if (cut) {
                    damaged =
                        Bytes(content.begin(), content.begin() + static_cast<std::ptrdiff_t>(at));
                }
                copy->damage(path, damaged);
                const auto journal =
                    Journal::open(*copy, folder, {.rotate_bytes = 1U << 20U, .fatal = {}});
                if (!journal) {
                    ++refused;
                    continue;
                }
                const auto intact = whole.files().crashed_copy(UnsyncedFate::lost, random);
                const auto reference =
                    Journal::open(*intact, folder, {.rotate_bytes = 1U << 20U, .fatal = {}});
                INFO(path << " byte " << at << (cut ? " cut" : " changed"));
                REQUIRE((*journal)->safety() == (*reference)->safety());
            }
        }
    }
    CHECK(refused > 100);
}

}  // namespace tally::consensus
