#include "node/link/auth_message.h"

#include "ledger/base/check.h"
#include "ledger/base/codec.h"
#include "ledger/crypto/sha256.h"

namespace tally::node {

namespace {

void encode_unsigned(Encoder& encoder, const AuthMessage& message) {
    encoder.u8(message.version)
        .fixed(message.chain_id)
        .fixed(message.genesis)
        .u8(static_cast<std::uint8_t>(message.role))
        .fixed(message.sender)
        .fixed(message.receiver)
        .u64(message.features);
}

}  // namespace

Bytes encode_auth(const AuthMessage& message) {
    Encoder encoder;
    encode_unsigned(encoder, message);
    encoder.fixed(message.signature);
    ENSURE(encoder.bytes().size() == auth_message_bytes);
    return std::move(encoder).take();
}

Expected<AuthMessage, LinkRefusal> decode_auth(ByteView bytes) {
    if (bytes.size() != auth_message_bytes || bytes[0] != auth_version) {
        return Unexpected{LinkRefusal::wrong_version};
    }
    Decoder decoder{bytes};
    AuthMessage message;
    message.version = decoder.u8();
    message.chain_id = decoder.fixed<Hash>();
    message.genesis = decoder.fixed<Hash>();
    const std::uint8_t role = decoder.u8();
    message.sender = decoder.fixed<PublicKey>();
    message.receiver = decoder.fixed<PublicKey>();
    message.features = decoder.u64();
    message.signature = decoder.fixed<Signature>();
    ENSURE(decoder.finished());
    if (role != static_cast<std::uint8_t>(AuthRole::dialer) &&
        role != static_cast<std::uint8_t>(AuthRole::listener)) {
        return Unexpected{LinkRefusal::wrong_role};
    }
    message.role = static_cast<AuthRole>(role);
    return message;
}

Hash auth_digest(const AuthMessage& message, const ChannelBinding& binding) {
    Encoder encoder;
    encode_unsigned(encoder, message);
    encoder.fixed(binding);
    return tagged_hash("tally/peer-auth/v1", encoder.bytes());
}

Bytes make_auth(const AuthContext& context, const PublicKey& receiver, Signer& signer) {
    AuthMessage message;
    message.chain_id = context.chain_id;
    message.genesis = context.chain_id;
    message.role = context.own_role;
    message.sender = context.own_key;
    message.receiver = receiver;
    message.features = context.features;
    message.signature = signer.sign(auth_digest(message, context.binding));
    return encode_auth(message);
}

Expected<AuthMessage, LinkRefusal> check_auth(const AuthContext& context, ByteView bytes,
                                              const AuthAdmission& admission) {
    const Expected<AuthMessage, LinkRefusal> decoded = decode_auth(bytes);
    if (!decoded) {
        return decoded;
    }
    const AuthMessage& message = *decoded;
    if (message.chain_id != context.chain_id || message.genesis != context.chain_id) {
        return Unexpected{LinkRefusal::wrong_chain};
    }
    if (message.role == context.own_role) {
        return Unexpected{LinkRefusal::wrong_role};
    }
    if (message.receiver != context.own_key) {
        return Unexpected{LinkRefusal::wrong_receiver};
    }
    if (message.sender == context.own_key) {
        return Unexpected{LinkRefusal::self_connection};
    }
    if (const std::optional<LinkRefusal> refusal = admission(message.sender)) {
        return Unexpected{*refusal};
    }
    if (!verify_signature(message.sender, auth_digest(message, context.binding),
                          message.signature)) {
        return Unexpected{LinkRefusal::bad_signature};
    }
    return message;
}

}  // namespace tally::node
