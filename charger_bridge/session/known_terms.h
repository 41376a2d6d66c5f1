#pragma once

// What each connector was charged by at its last approval, for charges that begin while the node is
// away. Pure: writes go into the caller's batch.

#include "charger_bridge/session/session.h"
#include "ledger/base/key_value_store.h"

#include <map>
#include <string>
#include <utility>
#include <vector>

namespace tally::bridge {

/// One entry for a connector of the site.
class KnownTerms {
public:
    static constexpr std::uint8_t key_prefix{'v'};
    /// False when the entry is none of ours: data of our own is wrong.
    [[nodiscard]] bool load(ByteView key, ByteView value);
    void set(const std::string& station, const node::AuthorizeResult::Evse& evse,
             WriteBatch& batch);
    /// Of a connector, or of all of the station (0); those of another currency are left out.
    [[nodiscard]] std::vector<node::AuthorizeResult::Evse> of(const std::string& station,
                                                              std::uint16_t connector,
                                                              const Currency& currency) const;

private:
    std::map<std::pair<std::string, std::uint16_t>, Bytes> m_terms;  ///< encoded
};

}  // namespace tally::bridge
