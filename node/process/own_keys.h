#pragma once

#include "ledger/state/records.h"
#include "node/process/key_ring.h"

#include <optional>
#include <string>
#include <vector>

namespace tally::node {

/// Sees to it that a node uses the keys that the ledger names for its member, and says so when it
/// does not have them.
/// Threads: the loop's. The ring must outlive it.
class OwnKeys {
public:
    explicit OwnKeys(KeyRing& ring) : m_ring{ring} {}

    /// What the last final state and the links say, once a second.
    struct Facts {
        std::optional<MemberRecord> own;  ///< nothing while not a member
        bool is_level{false};             ///< the ledger copy is up to date
        bool is_alone{false};             ///< no link to any member
    };
    /// Whether the member or link key in use is another one now. The ledger copy of a node that was
    /// away may name a link key of its own that the others do not believe any more: while it is
    /// alone and behind, each link key at hand is tried in turn.
    bool follow(const Facts& facts);
    /// Keys that the ledger names and no file holds, as sentences.
    [[nodiscard]] const std::vector<std::string>& missing() const noexcept { return m_missing; }

private:
    void try_link_keys(const Facts& facts);
    void use_named(const Member& member);

    KeyRing& m_ring;
    unsigned m_looks_alone{0};  ///< in a row
    bool m_trying{false};
    std::vector<std::string> m_missing;
};

}  // namespace tally::node
