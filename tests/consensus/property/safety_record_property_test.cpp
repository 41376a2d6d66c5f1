// The constant-size safety record against a naive one that remembers every vote ever released.

#include "consensus/journal/safety_signer.h"
#include "ledger/crypto/sha256.h"
#include "tests/simulator/sim_disk.h"
#include "tests/simulator/sim_random.h"

#include <catch2/catch.hpp>

#include <algorithm>
#include <set>
#include <vector>

namespace tally::consensus {
namespace {

using simulator::EffectGate;
using simulator::SimFileSystem;
using simulator::SimRandom;
using simulator::UnsyncedFate;

/// Everything ever released; the rules read directly from the specification.
class NaiveHistory {
public:
    /// Whether the vote may be released: never twice in a view with another content, never
    /// nullify and finalize in one view, never notarize after nullify, and never backwards.
    [[nodiscard]] bool allows(const VoteStatement& vote) const {
        if (newest(vote.kind) == vote) {
            return true;
        }
        for (const VoteStatement& old : m_released) {
            const bool later = vote.view > old.view;
            const bool own_kind = old.kind == vote.kind;
            const bool excluded =
                (vote.kind == VoteKind::notarize && old.kind == VoteKind::nullify) ||
                (vote.kind == VoteKind::nullify && old.kind == VoteKind::finalize) ||
                (vote.kind == VoteKind::finalize && old.kind == VoteKind::nullify);
            if (!later && (own_kind || excluded)) {
                return false;
            }
        }
        return true;
    }
    void release(const VoteStatement& vote) {
        if (newest(vote.kind) != vote) {
            m_released.push_back(vote);
        }
    }
    /// Forgets what a crash took with it: votes that are newer than what is remembered.
    void cut_to(const SafetyRecord& record) {
        std::erase_if(m_released, [&](const VoteStatement& vote) {
            return vote.view > record.of(vote.kind).view;
        });
    }
    /// The contradictions that evidence is made of.
    [[nodiscard]] bool contradicts_itself() const {
        for (const VoteStatement& a : m_released) {
            for (const VoteStatement& b : m_released) {
                const bool same_view = a.view == b.view;
                if (same_view && a.kind == b.kind && a != b) {
                    return true;
                }
                if (same_view && a.kind == VoteKind::nullify && b.kind == VoteKind::finalize) {
                    return true;
                }
            }
        }
        return false;
    }
    [[nodiscard]] View newest_view(VoteKind kind) const {
        const auto vote = newest(kind);
        return vote ? vote->view : 0;
    }

private:
    [[nodiscard]] std::optional<VoteStatement> newest(VoteKind kind) const {
        for (auto at = m_released.rbegin(); at != m_released.rend(); ++at) {
            if (at->kind == kind) {
                return *at;
            }
        }
        return std::nullopt;
    }
    std::vector<VoteStatement> m_released;
};

VoteStatement random_vote(SimRandom& random, View around) {
    VoteStatement vote;
    vote.kind = static_cast<VoteKind>(random.between(1, 3));
    vote.view = around + random.between(0, 3);
    if (vote.kind != VoteKind::nullify) {
        vote.parent_view = vote.view > 1 ? vote.view - random.between(1, 2) : 0;
        vote.digest.data[0] = static_cast<std::uint8_t>(random.between(1, 2));
    }
    return vote;
}

SecretKey test_key() {
    SecretKey key;
    key.data = sha256(Bytes{1, 2, 3}).data;
    return key;
}

constexpr const char* folder{"consensus"};

std::unique_ptr<Journal> open_journal(SimFileSystem& files) {
    auto journal = Journal::open(
        files, folder,
        {.rotate_bytes = 1U << 20U, .fatal = [](const std::string& what) { FAIL(what); }});
    REQUIRE(journal.has_value());
    return std::move(journal).value();
}

/// One validator with a disk, asked for random votes, crashing now and then.
struct Validator {
    SimRandom random;
    SimFileSystem files{EffectGate{}};
    KeySigner key{test_key()};
    Hash chain_id{sha256(Bytes{9})};
    NaiveHistory released;  ///< seen by others
    NaiveHistory made;      ///< signed, and not lost in a crash
    std::unique_ptr<Journal> journal;
    std::unique_ptr<SafetySigner> signer;

    explicit Validator(std::uint64_t seed) : random{seed} {
        REQUIRE(Journal::create(files, folder, 0).has_value());
        open();
    }
    void open() {
        journal = open_journal(files);
        signer = std::make_unique<SafetySigner>(key, *journal, chain_id, 0);
    }
    void crash() {
        signer.reset();
        journal.reset();
        files.freeze(static_cast<UnsyncedFate>(random.between(0, 3)), random);
        files.restart();
        open();
        made.cut_to(journal->safety());
    }
};

}  // namespace

TEST_CASE("the safety record allows what the whole history allows", "[consensus][property]") {
    for (std::uint64_t seed = 1; seed <= 300; ++seed) {
        SimRandom random{seed};
        SafetyRecord record;
        NaiveHistory history;
        View around{1};
        std::size_t released{0};
        for (int step = 0; step < 120; ++step) {
            const VoteStatement vote = random_vote(random, around);
            INFO("seed " << seed << " step " << step);
            REQUIRE(record.allows(vote) == history.allows(vote));
            if (record.allows(vote) && random.chance(700)) {
                ReleasedVote& slot = record.of(vote.kind);
                slot = {vote.view, vote.parent_view, vote.digest, {}};
                history.release(vote);
                ++released;
            }
            around += random.chance(300) ? 1U : 0U;
        }
        REQUIRE_FALSE(history.contradicts_itself());
        REQUIRE(released > 20);
    }
}

TEST_CASE("a signer that crashes at random never contradicts what it let out",
          "[consensus][property]") {
    std::size_t refused{0};
    for (std::uint64_t seed = 1; seed <= 60; ++seed) {
        Validator validator{seed};
        View around{1};
        for (int step = 0; step < 80; ++step) {
            INFO("seed " << seed << " step " << step);
            const VoteStatement statement = random_vote(validator.random, around);
            const std::optional<Vote> vote = validator.signer->sign(statement);
            refused += vote ? 0U : 1U;
            REQUIRE(vote.has_value() == validator.made.allows(statement));
            if (vote) {
                validator.made.release(statement);
            }
            // A crash may come before the sync: then the vote was never seen by anybody.
            if (validator.random.chance(100)) {
                validator.crash();
            } else if (vote) {
                validator.journal->sync();
                REQUIRE(validator.journal->is_synced());
                validator.released.release(statement);
                if (validator.random.chance(100)) {
                    validator.crash();
                }
            }
            const SafetyRecord& now = validator.journal->safety();
            for (const VoteKind kind :
                 {VoteKind::notarize, VoteKind::nullify, VoteKind::finalize}) {
                REQUIRE(now.of(kind).view >= validator.released.newest_view(kind));
            }
            around += validator.random.chance(300) ? 1U : 0U;
        }
        REQUIRE_FALSE(validator.released.contradicts_itself());
    }
    CHECK(refused > 100);
}

TEST_CASE("the same statement gives the same signature, also after a restart",
          "[consensus][property]") {
    Validator validator{1};
    const VoteStatement statement{.epoch = 0, .view = 5, .parent_view = 4, .digest = {}};
    const std::optional<Vote> first = validator.signer->sign(statement);
    REQUIRE(first.has_value());
    validator.journal->sync();
    validator.crash();
    CHECK(validator.signer->sign(statement) == first);
}

}  // namespace tally::consensus
