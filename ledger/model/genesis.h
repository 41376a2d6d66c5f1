#pragma once

#include "ledger/base/clock.h"
#include "ledger/crypto/quorum_certificate.h"
#include "ledger/crypto/secp256k1.h"
#include "ledger/model/actions.h"

#include <optional>
#include <string>
#include <vector>

namespace tally {

inline constexpr std::size_t members_max{256};
inline constexpr std::size_t genesis_agreements_max{members_max * members_max};
inline constexpr std::size_t genesis_limits_max{members_max * 16};

enum class MemberRole : std::uint8_t { hub = 1, operator_ = 2 };
[[nodiscard]] const char* to_text(MemberRole role);

/// A company in the network and its three keys.
struct Member {
    PartyId party;
    std::string country;  ///< ISO 3166-1 alpha-2, two letters A-Z
    MemberRole role{MemberRole::operator_};
    std::string operator_id;  ///< T/CEC OperatorID, 9 characters, or empty
    PublicKey member_key;     ///< signs transactions; may be cold
    PublicKey consensus_key;  ///< signs votes
    PublicKey link_key;       ///< proves the node on its links; sealed identities open with it
    bool validator{true};     ///< votes; a follower executes and serves only
    friend bool operator==(const Member&, const Member&) = default;
};

/// Longest duration in the parameters: 400 days. The shortest is 1 ms.
inline constexpr UnixMillis parameter_duration_max{400LL * 24 * 3'600'000};

/// Rules of the scheme. All durations are in milliseconds, 1 to `parameter_duration_max`.
struct Parameters {
    UnixMillis start_window{300'000};               ///< longest start_by after the decision
    UnixMillis record_window{72LL * 3'600'000};     ///< record_by = StartCharge + this
    UnixMillis settle_window{24LL * 3'600'000};     ///< settle_by = RecordCharge + this
    UnixMillis claim_window{7LL * 24 * 3'600'000};  ///< claim_until = settle_by + this
    UnixMillis countersign_window{72LL * 3'600'000};
    UnixMillis home_release_after{120'000};   ///< B may release an unstarted approval after this
    UnixMillis charger_clock_back{300'000};   ///< a charge may begin this long before the decision
    UnixMillis charger_clock_ahead{300'000};  ///< how far a charger's clock may run ahead
    Money minimum_approval{0};                ///< approvals below this are refused
    // Consensus timing: the same on every node, not part of any validity rule.
    UnixMillis delta{50};            ///< assumed bound on delay and processing
    UnixMillis idle_interval{1000};  ///< longest wait for an empty block
    UnixMillis skip_timeout{2000};   ///< a leader silent for this long is skipped at once
    friend bool operator==(const Parameters&, const Parameters&) = default;
};

/// Bounds of the timing above: a view's timers are stretched up to `delta_max_ms`; an idle leader
/// says something every 500 ms and must not be skipped; a view takes up to three delta.
inline constexpr UnixMillis delta_max_ms{8000};
inline constexpr UnixMillis skip_timeout_min_ms{1000};

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

/// A validator of an epoch. Validators are ordered by consensus key; their index is their place.
struct Validator {
    PartyId party;
    PublicKey consensus_key;
    friend bool operator==(const Validator&, const Validator&) = default;
};

[[nodiscard]] std::vector<Validator> validators_of(const std::vector<Member>& members);
/// tagged_hash("tally/validators/v1", count u32, then party and key of each, in order).
[[nodiscard]] Hash validators_hash(const std::vector<Validator>& validators);

}  // namespace tally
