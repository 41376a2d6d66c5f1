#pragma once

// AUTH1 (dialer to listener) and AUTH2 (listener to dialer): one fixed size, fixed-width codec.

#include "ledger/base/bytes.h"
#include "ledger/base/expected.h"
#include "ledger/crypto/signer.h"
#include "node/link/link_metrics.h"

#include <cstdint>
#include <functional>

namespace tally::node {

inline constexpr std::uint8_t auth_version{1};
/// version 1, chain id 32, genesis hash 32, role 1, keys 33 + 33, features 8, signature 64
inline constexpr std::size_t auth_message_bytes{204};

/// RFC 9266 tls-exporter value of one TLS connection.
using ChannelBinding = FixedBytes<32, struct ChannelBindingTag>;

enum class AuthRole : std::uint8_t { dialer = 1, listener = 2 };

struct AuthMessage {
    std::uint8_t version{auth_version};
    Hash chain_id;
    Hash genesis;
    AuthRole role{AuthRole::dialer};
    PublicKey sender;
    PublicKey receiver;  ///< whom the sender believes to talk to
    std::uint64_t features{0};
    Signature signature;
    friend bool operator==(const AuthMessage&, const AuthMessage&) = default;
};

[[nodiscard]] Bytes encode_auth(const AuthMessage& message);
/// `wrong_version` also stands for a wrong size, which no version has.
[[nodiscard]] Expected<AuthMessage, LinkRefusal> decode_auth(ByteView bytes);
/// tagged_hash("tally/peer-auth/v1", everything but the signature | binding). The binding ties the
/// signature to one TLS connection, the role and both keys to one direction of it.
[[nodiscard]] Hash auth_digest(const AuthMessage& message, const ChannelBinding& binding);

/// What one end knows when it proves itself and judges the other's proof.
struct AuthContext {
    Hash chain_id;
    PublicKey own_key;
    AuthRole own_role{AuthRole::dialer};
    std::uint64_t features{0};
    ChannelBinding binding;
};

/// This end's message to `receiver`, signed.
[[nodiscard]] Bytes make_auth(const AuthContext& context, const PublicKey& receiver,
                              Signer& signer);

/// Membership and tie-break, asked only when all cheaper checks passed and before the signature is
/// verified. Nothing: admitted.
using AuthAdmission = std::function<std::optional<LinkRefusal>(const PublicKey& sender)>;

/// Judges the other end's message: size, version, chain, genesis, role, receiver, self, admission,
/// signature, in this order. Gives who it is.
[[nodiscard]] Expected<AuthMessage, LinkRefusal> check_auth(const AuthContext& context,
                                                            ByteView bytes,
                                                            const AuthAdmission& admission);

}  // namespace tally::node
