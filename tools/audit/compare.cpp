#include "tools/audit/compare.h"

#include <algorithm>
#include <optional>
#include <utility>

namespace tally::tools {
namespace {

/// A member's newest blocks may have no finalization yet: so many below are asked for.
constexpr std::uint64_t unproven_blocks_max{16};
constexpr const char* copy_name{"the audited copy"};

/// One that says which block it has at a height.
struct Witness {
    std::string name;
    Hash digest;
    std::optional<HeaderProof> proof;  ///< nothing: it is the audited copy
};

struct Member {
    ProofSource* source{nullptr};
    HeaderProof newest;
};

std::string join(const std::vector<std::string>& names) {
    std::string text;
    for (std::size_t i = 0; i < names.size(); ++i) {
        text += (i == 0 ? "" : i + 1 == names.size() ? " and " : ", ") + names[i];
    }
    return text;
}

class Comparer {
public:
    Comparer(const Genesis& genesis, AuditedCopy* copy) : m_genesis{genesis}, m_copy{copy} {}

    void ask(ProofSource& source);
    [[nodiscard]] Comparison finish();

private:
    [[nodiscard]] Expected<HeaderProof, std::string> newest_of(ProofSource& source) const;
    /// The member's verified proof of this height; nothing when it says that it has none.
    [[nodiscard]] Expected<std::optional<HeaderProof>, std::string> ask_at(
        ProofSource& source, std::uint64_t height) const;
    void read_copy(const std::set<std::uint64_t>& heights);
    [[nodiscard]] std::vector<Witness> witnesses(std::uint64_t height);
    void compare_at(std::uint64_t height);
    void report_fork(std::uint64_t height, const Witness& one, const Witness& other);
    [[nodiscard]] std::optional<HeaderProof> proof_of(const Witness& witness, std::uint64_t height);
    void say_what_is_above();
    void not_compared(std::string sentence) {
        m_result.not_compared.push_back(std::move(sentence));
    }

    const Genesis& m_genesis;
    AuditedCopy* m_copy;
    std::vector<Member> m_members;
    std::map<std::uint64_t, Hash> m_copy_digests;
    std::uint64_t m_copy_compared{0};  ///< height up to which a member has shown what it has
    Comparison m_result;
};

Expected<std::optional<HeaderProof>, std::string> Comparer::ask_at(ProofSource& source,
                                                                   std::uint64_t height) const {
    Expected<std::optional<HeaderProof>, std::string> answer = source.proof(height);
    if (!answer || !*answer) {
        return answer;
    }
    const HeaderProof& proof = **answer;
    if (proof.header().height != height) {
        return Unexpected{source.name() + " answers with another block than " +
                          std::to_string(height)};
    }
    if (const auto verified = verify_header_proof(proof, m_genesis); !verified) {
        return Unexpected{source.name() + " gives a proof of block " + std::to_string(height) +
                          " that does not hold: " + verified.error()};
    }
    return answer;
}

Expected<HeaderProof, std::string> Comparer::newest_of(ProofSource& source) const {
    const auto height = source.height();
    if (!height) {
        return Unexpected{height.error()};
    }
    for (std::uint64_t down = 0; down <= unproven_blocks_max && down < *height; ++down) {
        Expected<std::optional<HeaderProof>, std::string> proof = ask_at(source, *height - down);
        if (!proof) {
            return Unexpected{proof.error()};
        }
        if (*proof) {
            return std::move(**proof);
        }
    }
    return Unexpected{source.name() + " says that it has " + std::to_string(*height) +
                      " blocks and proves none of the last"};
}

void Comparer::ask(ProofSource& source) {
    Expected<HeaderProof, std::string> newest = newest_of(source);
    if (!newest) {
        not_compared(newest.error());
        return;
    }
    m_members.push_back({&source, std::move(newest).value()});
}

void Comparer::read_copy(const std::set<std::uint64_t>& heights) {
    if (m_copy == nullptr) {
        return;
    }
    std::set<std::uint64_t> wanted;
    std::copy_if(heights.begin(), heights.end(), std::inserter(wanted, wanted.end()),
                 [this](std::uint64_t height) { return height <= m_copy->height(); });
    auto digests = m_copy->digests(wanted);
    if (!digests) {
        not_compared(std::string{copy_name} + ": " + digests.error());
        return;
    }
    m_copy_digests = std::move(digests).value();
}

std::vector<Witness> Comparer::witnesses(std::uint64_t height) {
    std::vector<Witness> witnesses;
    for (Member& member : m_members) {
        const std::uint64_t newest = member.newest.header().height;
        if (newest < height) {
            continue;
        }
        Expected<std::optional<HeaderProof>, std::string> proof =
            newest == height ? std::optional{member.newest} : ask_at(*member.source, height);
        if (!proof || !*proof) {
            not_compared(proof ? member.source->name() + " has no proof of block " +
                                     std::to_string(height)
                               : proof.error());
            continue;
        }
        const Hash digest = (*proof)->header().digest();
        witnesses.push_back({member.source->name(), digest, std::move(proof).value()});
    }
    const auto copy = m_copy_digests.find(height);
    if (copy != m_copy_digests.end()) {
        if (!witnesses.empty()) {
            m_copy_compared = height;
        }
        witnesses.push_back({copy_name, copy->second, std::nullopt});
    }
    return witnesses;
}

std::optional<HeaderProof> Comparer::proof_of(const Witness& witness, std::uint64_t height) {
    if (witness.proof) {
        return witness.proof;
    }
    auto proof = m_copy->prove(height);
    if (!proof) {
        not_compared(std::string{copy_name} + " cannot prove its block " + std::to_string(height) +
                     ": " + proof.error());
        return std::nullopt;
    }
    return std::move(proof).value();
}

void Comparer::report_fork(std::uint64_t height, const Witness& one, const Witness& other) {
    std::string text = one.name + " has block " + to_hex(one.digest) + ", " + other.name + " has " +
                       to_hex(other.digest);
    const std::optional<HeaderProof> first = proof_of(one, height);
    const std::optional<HeaderProof> second = proof_of(other, height);
    if (first && second) {
        ForkEvidence evidence{*first, *second};
        const auto culprits = verify_fork(evidence, m_genesis);
        if (culprits) {
            std::vector<std::string> names;
            for (const PartyId& party : *culprits) {
                names.push_back(to_text(party));
            }
            text += names.empty() ? "" : "; signed both: " + join(names);
            if (m_result.forks.size() < fork_evidence_max) {
                m_result.forks.push_back(std::move(evidence));
            }
        } else {
            text += "; " + culprits.error();
        }
    }
    m_result.findings.push_back({FindingKind::fork, height, std::nullopt, {}, 0, std::move(text)});
}

void Comparer::compare_at(std::uint64_t height) {
    std::vector<Witness> all = witnesses(height);
    std::vector<Witness> different;  // one of each block
    std::vector<std::string> names;
    for (Witness& witness : all) {
        names.push_back(witness.name);
        const bool is_known =
            std::any_of(different.begin(), different.end(),
                        [&](const Witness& known) { return known.digest == witness.digest; });
        if (!is_known) {
            different.push_back(std::move(witness));
        }
    }
    for (std::size_t i = 1; i < different.size(); ++i) {
        report_fork(height, different.front(), different[i]);
    }
    if (different.size() == 1 && names.size() > 1) {
        m_result.compared.push_back(join(names) + " have one ledger up to block " +
                                    std::to_string(height) + " " +
                                    to_hex(different.front().digest));
    }
}

/// How far each reaches: above its own newest block nobody can be held to another's.
void Comparer::say_what_is_above() {
    std::uint64_t highest{m_copy == nullptr ? 0 : m_copy->height()};
    for (const Member& member : m_members) {
        highest = std::max(highest, member.newest.header().height);
    }
    for (const Member& member : m_members) {
        if (member.newest.header().height < highest) {
            m_result.compared.push_back(member.source->name() + " shows nothing above block " +
                                        std::to_string(member.newest.header().height));
        }
    }
    if (m_copy != nullptr && m_copy_compared < m_copy->height()) {
        not_compared(std::string{copy_name} + " from block " + std::to_string(m_copy_compared + 1) +
                     " on: no member shows block " + std::to_string(m_copy->height()));
    }
    if (m_copy == nullptr && m_members.size() < 2) {
        not_compared("fewer than two members show a block: there is nothing to compare");
    }
}

Comparison Comparer::finish() {
    std::set<std::uint64_t> heights;
    for (const Member& member : m_members) {
        heights.insert(member.newest.header().height);
    }
    if (m_copy != nullptr && m_copy->height() > 0) {
        heights.insert(m_copy->height());
    }
    read_copy(heights);
    for (const std::uint64_t height : heights) {
        compare_at(height);
    }
    say_what_is_above();
    return std::move(m_result);
}

}  // namespace

Comparison compare_ledgers(const Genesis& genesis,
                           const std::vector<std::unique_ptr<ProofSource>>& members,
                           AuditedCopy* copy) {
    Comparer comparer{genesis, copy};
    for (const std::unique_ptr<ProofSource>& member : members) {
        comparer.ask(*member);
    }
    return comparer.finish();
}

}  // namespace tally::tools
