#pragma once

#include "ledger/base/clock.h"
#include "ledger/model/actions.h"
#include "ledger/model/membership.h"
#include "ledger/model/parameters.h"

#include <optional>
#include <string>
#include <vector>

namespace tally {

inline constexpr std::size_t genesis_agreements_max{members_max * members_max};
inline constexpr std::size_t genesis_limits_max{members_max * 16};

struct GenesisAgreement {
    PartyId member;
    SetAgreement agreement;
    friend bool operator==(const GenesisAgreement&, const GenesisAgreement&) = default;
};

/// Everything that the first state is made of. Its JSON form is read and written in
/// node/config/genesis_json; the chain is named by this value's fixed-width encoding.
struct Genesis {
    std::string name;    ///< of the network, 1 to 64 printable characters
    UnixMillis time{0};  ///< block time of height 0
    Parameters parameters;
    std::vector<Member> members;  ///< sorted by party; exactly one hub
    std::vector<GenesisAgreement> agreements;
    std::vector<SetLimit> limits;
    friend bool operator==(const Genesis&, const Genesis&) = default;

    /// Fixed-width codec, fields in order; lists behind a u32 count, in the order given.
    [[nodiscard]] Bytes encode() const;
    /// tagged_hash("tally/genesis/v1", encode()).
    [[nodiscard]] Hash chain_id() const;
};

/// The first rule that a genesis breaks, in words with the field's name; nothing when it is valid.
[[nodiscard]] std::optional<std::string> find_problem(const Genesis& genesis);

}  // namespace tally
