#pragma once

#include "ledger/base/codec.h"
#include "ledger/crypto/quorum_certificate.h"
#include "ledger/crypto/secp256k1.h"
#include "ledger/model/ids.h"

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tally {

inline constexpr std::size_t members_max{256};

enum class MemberRole : std::uint8_t { hub = 1, operator_ = 2 };
[[nodiscard]] const char* to_text(MemberRole role);

/// What each of a member's keys is for. Values are on the wire.
enum class KeyRole : std::uint8_t { member = 1, consensus = 2, link = 3 };
inline constexpr std::array<KeyRole, 3> key_roles{KeyRole::member, KeyRole::consensus,
                                                  KeyRole::link};
/// "member", "consensus", "link".
[[nodiscard]] const char* to_text(KeyRole role);

/// What a new key signs to show that its secret is in the hands of `party`, so that nobody takes
/// another's public key for its own:
/// tagged_hash("tally/key-possession/v1", chain_id | party | role u8 | key).
[[nodiscard]] Hash key_possession_digest(const Hash& chain_id, const PartyId& party, KeyRole role,
                                         const PublicKey& key);

/// A new key and its signature over `key_possession_digest`.
struct ProvenKey {
    PublicKey key;
    Signature possession{};
    friend bool operator==(const ProvenKey&, const ProvenKey&) = default;
};

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

    [[nodiscard]] const PublicKey& key(KeyRole key_role) const;
    void set_key(KeyRole key_role, const PublicKey& key);
};

/// The first of a member's fields that is wrong by itself (keys not looked at), in words; nothing
/// when all are right.
[[nodiscard]] std::optional<std::string> find_problem(const Member& member);

/// A validator of an epoch. Validators are ordered by consensus key; their index is their place.
struct Validator {
    PartyId party;
    PublicKey consensus_key;
    friend bool operator==(const Validator&, const Validator&) = default;
};

[[nodiscard]] std::vector<Validator> validators_of(const std::vector<Member>& members);
/// tagged_hash("tally/validators/v1", `encode`).
[[nodiscard]] Hash validators_hash(const std::vector<Validator>& validators);

/// Count u32, then party and key of each, in order.
void encode(Encoder& encoder, const std::vector<Validator>& validators);
/// Marks the decoder failed unless there are `count_min` to `validators_max` of them, with valid
/// parties and rising keys.
[[nodiscard]] std::vector<Validator> decode_validators(Decoder& decoder, std::size_t count_min);

/// Numbers of protocol features, from 1 on, rising. What each of them changes is in
/// docs/protocol/features.md; which of them a program knows is in ledger/model/features.h.
using FeatureList = std::vector<std::uint32_t>;
/// Most features that are active or asked for on one chain.
inline constexpr std::size_t features_max{64};
/// Count u32, then u32 each.
void encode(Encoder& encoder, const FeatureList& features);
/// Marks the decoder failed unless there are at most `features_max`, from 1 on and rising.
[[nodiscard]] FeatureList decode_features(Decoder& decoder);

/// What begins when an epoch ends: who votes, and the features that become active with it.
struct NextEpoch {
    std::vector<Validator> validators;
    FeatureList features;
    friend bool operator==(const NextEpoch&, const NextEpoch&) = default;
    /// tagged_hash("tally/next-epoch/v1", validators | features): what members report ready for.
    [[nodiscard]] Hash hash() const;
};

/// What members decide by vote. Values are on the wire and in the state.
enum class ChangeKind : std::uint8_t {
    promote = 1,           ///< a follower becomes a validator with the next epoch
    demote = 2,            ///< a validator becomes a follower with the next epoch
    suspend = 3,           ///< no new approvals or starts by or with the member
    reinstate = 4,         ///< takes a suspension back
    replace_keys = 5,      ///< new keys for a member that lost its own
    set_parameters = 6,    ///< of the scheme, from the next height on
    activate_feature = 7,  ///< from the next epoch for which enough programs know it
    withdraw_feature = 8,  ///< a feature that waits for its epoch is no longer asked for
    confirm_leg = 9,       ///< a bank leg ends as if its creditor had confirmed it
};
/// "promote" and so on.
[[nodiscard]] const char* to_text(ChangeKind kind);
[[nodiscard]] std::optional<ChangeKind> change_kind_from_text(std::string_view text);

}  // namespace tally
