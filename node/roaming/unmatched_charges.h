#pragma once

#include "ledger/base/clock.h"
#include "node/accounts/staged_store.h"
#include "node/link/bridge_messages.h"

#include <map>
#include <string>

namespace tally::node {

/// Charges that ended and that nothing here stands for. A healthy node has none.
inline constexpr std::size_t unmatched_charges_max{1'000};

/// Why a charge could not be taken up; numbers are stored.
enum class UnmatchedReason : std::uint8_t {
    unknown_charge = 1,  ///< neither a session here nor an open authorization on the ledger
    another_record = 2,  ///< the session has a record already, and it is not this one
    bad_record = 3,      ///< the ledger would not even decode it
};
[[nodiscard]] const char* to_text(UnmatchedReason reason);

/// Signed records of ended charges that this node cannot put on the ledger (now): their bridge
/// forgets them as soon as they are acknowledged, so they are kept here until they can be put there
/// or a person has looked at them.
///
/// Durability: changes are staged. Threads: one owner.
class UnmatchedCharges {
public:
    struct Charge {
        std::string bridge_id;
        UnmatchedReason reason{UnmatchedReason::unknown_charge};
        UnixMillis heard{0};  ///< first, this node's clock
        ChargeEnded ended;
    };

    explicit UnmatchedCharges(StagedStore& store) : m_store{store} {}
    void load();

    /// False when there is no room and the charge is not kept yet: it must not be acknowledged.
    [[nodiscard]] bool keep(const Charge& charge);
    /// False when there is none of that name.
    bool forget(const Hash& name);
    /// By the SHA-256 of the message without its sequence number.
    [[nodiscard]] const std::map<Hash, Charge>& all() const noexcept { return m_charges; }

private:
    StagedStore& m_store;
    std::map<Hash, Charge> m_charges;
};

}  // namespace tally::node
