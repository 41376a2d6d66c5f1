#pragma once

// Messages between members, as plain values. The wire form is roaming.proto, converted only in
// messages.cpp; formats and flow are in docs/protocol/roaming.md.

#include "ledger/base/expected.h"
#include "ledger/crypto/signer.h"
#include "ledger/model/actions.h"
#include "ledger/model/transaction.h"
#include "node/link/bridge_messages.h"
#include "node/link/evidence_messages.h"
#include "node/roaming/roaming_options.h"
#include "node/roaming/session_view.h"
#include "node/tokens/token_messages.h"

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace tally::node {

/// Largest encoded SignedMessage, in bytes.
inline constexpr std::size_t roaming_message_bytes_max{64UL * 1024};
/// Connectors of one station that a request can offer.
inline constexpr std::size_t offered_evses_max{64};
/// Sealed identity: 32 bytes key, token, overhead of the box.
inline constexpr std::size_t sealed_identity_bytes_max{256};

using MessageId = FixedBytes<16, struct RoamingMessageIdTag>;
/// Secret of one charge that hides the token in its commitment.
using TokenKey = FixedBytes<32, struct TokenKeyTag>;

struct OfferedEvse {
    std::string evse_id;
    std::uint16_t connector{0};
    TariffRef tariff;
    friend bool operator==(const OfferedEvse&, const OfferedEvse&) = default;
};

/// A asks B to verify a driver and promise to pay.
struct AuthorizationRequest {
    SessionId session;
    PartyId visited;
    PartyId home;
    std::string station;
    std::vector<OfferedEvse> evses;  ///< 1 or more, connectors of the station and their tariffs
    Currency currency;
    std::optional<Money> prepaid;
    Bytes sealed_identity;
    Hash token_commitment;
    UnixMillis time{0};  ///< clock of the visited operator
    friend bool operator==(const AuthorizationRequest&, const AuthorizationRequest&) = default;
};

/// B refuses. `decision` is the encoded transaction that B puts on the ledger as well, or would
/// have: the leaf may follow later.
struct Denial {
    SessionId session;
    Bytes decision;
    friend bool operator==(const Denial&, const Denial&) = default;
};

/// Live figures of a charge.
struct Progress {
    SessionId session;
    AuthorizationRef authorization;
    std::string station;
    std::uint16_t connector{0};
    std::int64_t elapsed_s{0};
    std::int64_t energy_wh{0};
    Money amount_so_far{0};
    UnixMillis time{0};
    std::int64_t reference_power_w{0};
    /// b, 0 to `coefficient_permille_max`.
    std::int64_t coefficient_permille{coefficient_permille_default};
    friend bool operator==(const Progress&, const Progress&) = default;
};

/// Points to what is on the ledger, so that the other side can name session and authorization
/// together. Delivered at least once.
struct Notice {
    SessionId session;
    AuthorizationRef authorization;
    SessionState state{SessionState::authorized};
    std::string station;
    std::uint16_t connector{0};
    Money amount{0};
    friend bool operator==(const Notice&, const Notice&) = default;
};

/// The hub took a message: forwarded it, or cannot because the addressee is not connected to it.
struct HubReceipt {
    MessageId message;
    bool forwarded{false};
    friend bool operator==(const HubReceipt&, const HubReceipt&) = default;
};

/// The addressee has what the message said, durably where that matters.
struct Acknowledgement {
    MessageId message;
    friend bool operator==(const Acknowledgement&, const Acknowledgement&) = default;
};

using RoamingBody = std::variant<AuthorizationRequest, Denial, Progress, Notice, HubReceipt,
                                 Acknowledgement, TokenMessage, EvidenceMessage>;

/// A message as it travels. `body` stays bytes: they are what is signed and hashed.
struct SignedMessage {
    PartyId from;
    PartyId to;
    MessageId id;
    bool direct{false};
    Bytes body;
    Signature signature;
    friend bool operator==(const SignedMessage&, const SignedMessage&) = default;

    /// tagged_hash("tally/roaming/v1", chain_id | from | to | id | body).
    [[nodiscard]] Hash signing_digest(const Hash& chain_id) const;
};

/// Encodings are canonical: unknown, repeated or default-valued fields are refused.
[[nodiscard]] Bytes encode_signed_message(const SignedMessage& message);
[[nodiscard]] Expected<SignedMessage, MessageError> decode_signed_message(ByteView bytes);
[[nodiscard]] Bytes encode_roaming_body(const RoamingBody& body);
[[nodiscard]] Expected<RoamingBody, MessageError> decode_roaming_body(ByteView bytes);
/// What a program must have announced (bits of node/link/link.h) to understand an encoded body.
[[nodiscard]] std::uint64_t features_needed(ByteView body);

/// Names a request on the ledger: tagged_hash("tally/authorization-request/v1", body bytes).
[[nodiscard]] Hash request_hash(ByteView body);

/// HMAC-SHA-256(key, canonical token).
[[nodiscard]] Hash token_commitment(const TokenKey& key, std::string_view token);

/// What the sealed identity holds.
struct Identity {
    TokenKey key;
    std::string token;  ///< canonical
};
/// Seals for the link key of the home operator; bound to session, visited and home operator.
/// Nothing when that key is not a point of the curve.
[[nodiscard]] std::optional<Bytes> seal_identity(const Identity& identity,
                                                 const AuthorizationRequest& request,
                                                 const PublicKey& home_link_key, Random& random);
/// Opens it and checks the commitment. Nothing when anything differs.
[[nodiscard]] std::optional<Identity> open_identity(const AuthorizationRequest& request,
                                                    const SecretKey& link_secret);

}  // namespace tally::node
