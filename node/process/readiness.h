#pragma once

#include "consensus/driver/driver.h"

#include <cstddef>
#include <string>
#include <vector>

namespace tally::node {

/// What decides whether a node should get traffic.
struct ReadinessFacts {
    bool stopping{false};
    bool is_member{true};                   ///< by its own copy of the ledger
    std::vector<std::string> missing_keys;  ///< as sentences
    consensus::Role role{consensus::Role::follower};
    bool has_record{true};  ///< the journal holds a safety record that may be used
    std::size_t validators{0};
    std::size_t validators_connected{0};
};

/// Why not, each reason a sentence; empty: ready.
[[nodiscard]] std::vector<std::string> not_ready_reasons(const ReadinessFacts& facts);

/// Tells the log, once each time, when this node stops voting because another one has voted with
/// its consensus key, and when it votes again.
class RoleWatch {
public:
    void look(consensus::Role role);

private:
    consensus::Role m_last{consensus::Role::follower};
};

}  // namespace tally::node
