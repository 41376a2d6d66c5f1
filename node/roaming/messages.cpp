#include "node/roaming/messages.h"

#include "ledger/base/overloaded.h"
#include "ledger/crypto/sealed_box.h"
#include "ledger/crypto/sha256.h"
#include "node/accounts/customer.h"
#include "node/link/link.h"
#include "node/roaming/roaming.pb.h"

#include <limits>

namespace tally::node {
namespace {

constexpr std::string_view identity_purpose{"tally/roaming/identity/v1"};

// ---- values to protobuf

template <typename Fixed>
std::string text_of(const Fixed& bytes) {
    return std::string{as_text(bytes.view())};
}

void write(const AuthorizationRequest& from, wire::AuthorizationRequest& to) {
    to.set_session(text_of(from.session));
    to.set_visited(text_of(from.visited));
    to.set_home(text_of(from.home));
    to.set_station(from.station);
    for (const OfferedEvse& evse : from.evses) {
        wire::OfferedEvse& offered = *to.add_evses();
        offered.set_evse_id(evse.evse_id);
        offered.set_connector(evse.connector);
        offered.set_tariff_id(evse.tariff.tariff_id);
        offered.set_tariff_version(evse.tariff.version);
    }
    to.set_currency(text_of(from.currency));
    if (from.prepaid) {
        to.set_prepaid(*from.prepaid);
    }
    to.set_sealed_identity(std::string{as_text(from.sealed_identity)});
    to.set_token_commitment(text_of(from.token_commitment));
    to.set_time(from.time);
}

void write(const Denial& from, wire::Denial& to) {
    to.set_session(text_of(from.session));
    to.set_decision(std::string{as_text(from.decision)});
}

void write(const Progress& from, wire::Progress& to) {
    to.set_session(text_of(from.session));
    to.set_authorization_signer(text_of(from.authorization.signer));
    to.set_authorization_id(text_of(from.authorization.id));
    to.set_station(from.station);
    to.set_connector(from.connector);
    to.set_elapsed_s(from.elapsed_s);
    to.set_energy_wh(from.energy_wh);
    to.set_amount_so_far(from.amount_so_far);
    to.set_time(from.time);
    to.set_reference_power_w(from.reference_power_w);
    if (from.coefficient_permille != Progress{}.coefficient_permille) {
        to.set_coefficient_permille(from.coefficient_permille);
    }
}

void write(const Notice& from, wire::Notice& to) {
    to.set_session(text_of(from.session));
    to.set_authorization_signer(text_of(from.authorization.signer));
    to.set_authorization_id(text_of(from.authorization.id));
    to.set_state(static_cast<std::uint32_t>(from.state));
    to.set_station(from.station);
    to.set_connector(from.connector);
    to.set_amount(from.amount);
}

// ---- protobuf to values

/// Collects range errors, so that each reader is a plain list of fields.
struct Reader {
    bool in_range{true};

    template <typename Fixed>
    Fixed fixed(const std::string& text) {
        const auto bytes = Fixed::from(as_bytes(text));
        in_range = in_range && bytes.has_value();
        return bytes.value_or(Fixed{});
    }
    PartyId party(const std::string& text) {
        const auto party = fixed<PartyId>(text);
        in_range = in_range && is_valid(party);
        return party;
    }
    AuthorizationRef authorization(const std::string& signer, const std::string& id) {
        return {.signer = party(signer), .id = fixed<TransactionId>(id)};
    }
    std::string name(const std::string& text, std::size_t bytes_max) {
        in_range = in_range && is_valid_name(text, bytes_max);
        return text;
    }
    std::uint16_t connector(std::uint32_t number) {
        in_range = in_range && number <= std::numeric_limits<std::uint16_t>::max();
        return static_cast<std::uint16_t>(number);
    }
    std::int64_t not_negative(std::int64_t number) {
        in_range = in_range && number >= 0;
        return number;
    }
    Money amount(std::int64_t number) {
        in_range = in_range && number <= amount_max;
        return not_negative(number);
    }
    Bytes bytes(const std::string& text, std::size_t length_max) {
        in_range = in_range && !text.empty() && text.size() <= length_max;
        const ByteView view = as_bytes(text);
        return Bytes{view.begin(), view.end()};
    }
};

AuthorizationRequest read(const wire::AuthorizationRequest& from, Reader& reader) {
    AuthorizationRequest to;
    to.session = reader.fixed<SessionId>(from.session());
    to.visited = reader.party(from.visited());
    to.home = reader.party(from.home());
    to.station = reader.name(from.station(), station_id_bytes_max);
    const auto count = static_cast<std::size_t>(from.evses_size());
    reader.in_range = reader.in_range && count > 0 && count <= offered_evses_max;
    for (const wire::OfferedEvse& offered : from.evses()) {
        OfferedEvse evse;
        evse.evse_id = reader.name(offered.evse_id(), evse_id_bytes_max);
        evse.connector = reader.connector(offered.connector());
        evse.tariff.tariff_id = reader.name(offered.tariff_id(), tariff_id_bytes_max);
        evse.tariff.version = offered.tariff_version();
        reader.in_range = reader.in_range && evse.tariff.version > 0 && evse.connector > 0;
        to.evses.push_back(std::move(evse));
    }
    to.currency = reader.fixed<Currency>(from.currency());
    reader.in_range = reader.in_range && is_valid(to.currency);
    if (from.has_prepaid()) {
        to.prepaid = reader.amount(from.prepaid());
    }
    to.sealed_identity = reader.bytes(from.sealed_identity(), sealed_identity_bytes_max);
    to.token_commitment = reader.fixed<Hash>(from.token_commitment());
    to.time = reader.not_negative(from.time());
    return to;
}

Denial read(const wire::Denial& from, Reader& reader) {
    Denial to;
    to.session = reader.fixed<SessionId>(from.session());
    to.decision = reader.bytes(from.decision(), transaction_bytes_max);
    return to;
}

Progress read(const wire::Progress& from, Reader& reader) {
    Progress to;
    to.session = reader.fixed<SessionId>(from.session());
    to.authorization = reader.authorization(from.authorization_signer(), from.authorization_id());
    to.station = reader.name(from.station(), station_id_bytes_max);
    to.connector = reader.connector(from.connector());
    to.elapsed_s = reader.not_negative(from.elapsed_s());
    to.energy_wh = reader.not_negative(from.energy_wh());
    to.amount_so_far = reader.amount(from.amount_so_far());
    to.time = reader.not_negative(from.time());
    to.reference_power_w = reader.not_negative(from.reference_power_w());
    if (from.has_coefficient_permille()) {
        const bool is_default = from.coefficient_permille() == to.coefficient_permille;
        to.coefficient_permille = reader.not_negative(from.coefficient_permille());
        reader.in_range =
            reader.in_range && !is_default && to.coefficient_permille <= coefficient_permille_max;
    }
    return to;
}

Notice read(const wire::Notice& from, Reader& reader) {
    Notice to;
    to.session = reader.fixed<SessionId>(from.session());
    to.authorization = reader.authorization(from.authorization_signer(), from.authorization_id());
    const bool known = from.state() >= static_cast<std::uint32_t>(SessionState::authorized) &&
                       from.state() <= static_cast<std::uint32_t>(SessionState::expired);
    reader.in_range = reader.in_range && known;
    to.state = known ? static_cast<SessionState>(from.state()) : SessionState::authorized;
    to.station = reader.name(from.station(), station_id_bytes_max);
    to.connector = reader.connector(from.connector());
    to.amount = reader.amount(from.amount());
    return to;
}

/// Parses, and accepts only the bytes that this program would have written: that refuses unknown
/// and repeated fields at any depth, default values that are spelled out, and longer varints.
template <typename Message>
std::optional<MessageError> parse_canonical(ByteView bytes, Message& message) {
    if (!message.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
        return MessageError::malformed;
    }
    const std::size_t with_unknown = message.ByteSizeLong();
    message.DiscardUnknownFields();
    if (message.ByteSizeLong() != with_unknown) {
        return MessageError::unknown_field;
    }
    if (message.SerializeAsString() != as_text(bytes)) {
        return MessageError::malformed;
    }
    return std::nullopt;
}

Bytes to_bytes(const std::string& text) {
    const ByteView view = as_bytes(text);
    return Bytes{view.begin(), view.end()};
}

Bytes identity_context(const AuthorizationRequest& request) {
    Encoder encoder;
    encoder.fixed(request.session).fixed(request.visited).fixed(request.home);
    encoder.fixed(request.token_commitment);
    return std::move(encoder).take();
}

}  // namespace

Hash SignedMessage::signing_digest(const Hash& chain_id) const {
    Encoder encoder;
    encoder.fixed(chain_id).fixed(from).fixed(to).fixed(id).raw(body);
    return tagged_hash("tally/roaming/v1", encoder.bytes());
}

Bytes encode_signed_message(const SignedMessage& message) {
    wire::SignedMessage to;
    to.set_from(text_of(message.from));
    to.set_to(text_of(message.to));
    to.set_id(text_of(message.id));
    to.set_direct(message.direct);
    to.set_body(std::string{as_text(message.body)});
    to.set_signature(text_of(message.signature));
    return to_bytes(to.SerializeAsString());
}

Expected<SignedMessage, MessageError> decode_signed_message(ByteView bytes) {
    if (bytes.size() > roaming_message_bytes_max) {
        return Unexpected{MessageError::too_large};
    }
    wire::SignedMessage from;
    if (const auto error = parse_canonical(bytes, from)) {
        return Unexpected{*error};
    }
    Reader reader;
    SignedMessage to;
    to.from = reader.party(from.from());
    to.to = reader.party(from.to());
    to.id = reader.fixed<MessageId>(from.id());
    to.direct = from.direct();
    to.body = reader.bytes(from.body(), roaming_message_bytes_max);
    to.signature = reader.fixed<Signature>(from.signature());
    if (!reader.in_range) {
        return Unexpected{MessageError::out_of_range};
    }
    return to;
}

Bytes encode_roaming_body(const RoamingBody& body) {
    wire::Body to;
    std::visit(Overloaded{
                   [&](const AuthorizationRequest& from) {
                       write(from, *to.mutable_authorization_request());
                   },
                   [&](const Denial& from) { write(from, *to.mutable_denial()); },
                   [&](const Progress& from) { write(from, *to.mutable_progress()); },
                   [&](const Notice& from) { write(from, *to.mutable_notice()); },
                   [&](const HubReceipt& from) {
                       to.mutable_hub_receipt()->set_message(text_of(from.message));
                       to.mutable_hub_receipt()->set_forwarded(from.forwarded);
                   },
                   [&](const Acknowledgement& from) {
                       to.mutable_acknowledgement()->set_message(text_of(from.message));
                   },
                   [&](const TokenMessage& from) {
                       to.set_tokens(std::string{as_text(encode_token_message(from))});
                   },
                   [&](const EvidenceMessage& from) {
                       to.set_evidence(std::string{as_text(encode_evidence_message(from))});
                   },
               },
               body);
    return to_bytes(to.SerializeAsString());
}

Expected<RoamingBody, MessageError> decode_roaming_body(ByteView bytes) {
    if (bytes.size() > roaming_message_bytes_max) {
        return Unexpected{MessageError::too_large};
    }
    wire::Body from;
    if (const auto error = parse_canonical(bytes, from)) {
        return Unexpected{*error};
    }
    Reader reader;
    RoamingBody body;
    switch (from.kind_case()) {
        case wire::Body::kAuthorizationRequest:
            body = read(from.authorization_request(), reader);
            break;
        case wire::Body::kDenial:
            body = read(from.denial(), reader);
            break;
        case wire::Body::kProgress:
            body = read(from.progress(), reader);
            break;
        case wire::Body::kNotice:
            body = read(from.notice(), reader);
            break;
        case wire::Body::kHubReceipt:
            body = HubReceipt{.message = reader.fixed<MessageId>(from.hub_receipt().message()),
                              .forwarded = from.hub_receipt().forwarded()};
            break;
        case wire::Body::kAcknowledgement:
            body = Acknowledgement{.message =
                                       reader.fixed<MessageId>(from.acknowledgement().message())};
            break;
        case wire::Body::kTokens: {
            auto tokens = decode_token_message(as_bytes(from.tokens()));
            if (!tokens) {
                return Unexpected{MessageError::malformed};
            }
            body = std::move(*tokens);
            break;
        }
        case wire::Body::kEvidence: {
            auto evidence = decode_evidence_message(as_bytes(from.evidence()));
            if (!evidence) {
                return Unexpected{MessageError::malformed};
            }
            body = std::move(*evidence);
            break;
        }
        case wire::Body::KIND_NOT_SET:
            return Unexpected{MessageError::malformed};
    }
    if (!reader.in_range) {
        return Unexpected{MessageError::out_of_range};
    }
    return body;
}

std::uint64_t features_needed(ByteView body) {
    // A canonical body begins with the tag of its one field, which is of varying length.
    constexpr std::uint8_t evidence_tag{(wire::Body::kEvidenceFieldNumber << 3U) | 2U};
    return !body.empty() && body.front() == evidence_tag ? feature_evidence : 0;
}

Hash request_hash(ByteView body) { return tagged_hash("tally/authorization-request/v1", body); }

Hash token_commitment(const TokenKey& key, std::string_view token) {
    return hmac_sha256(key.view(), as_bytes(token));
}

std::optional<Bytes> seal_identity(const Identity& identity, const AuthorizationRequest& request,
                                   const PublicKey& home_link_key, Random& random) {
    Encoder content;
    content.fixed(identity.key).text(identity.token);
    return seal(home_link_key, identity_purpose, identity_context(request), content.bytes(),
                random);
}

std::optional<Identity> open_identity(const AuthorizationRequest& request,
                                      const SecretKey& link_secret) {
    const auto content = open_sealed(link_secret, identity_purpose, identity_context(request),
                                     request.sealed_identity);
    if (!content) {
        return std::nullopt;
    }
    Decoder decoder{*content};
    Identity identity;
    identity.key = decoder.fixed<TokenKey>();
    identity.token = decoder.text(home_token_bytes_max);
    if (!decoder.finished() ||
        token_commitment(identity.key, identity.token) != request.token_commitment) {
        return std::nullopt;
    }
    return identity;
}

}  // namespace tally::node
