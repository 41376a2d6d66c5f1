#include "ledger/model/membership.h"

#include "ledger/base/check.h"
#include "ledger/crypto/sha256.h"

#include <algorithm>
#include <array>
#include <utility>

namespace tally {
namespace {

constexpr std::size_t operator_id_bytes{9};

constexpr std::array<std::pair<ChangeKind, const char*>, 9> change_names{
    {{ChangeKind::promote, "promote"},
     {ChangeKind::demote, "demote"},
     {ChangeKind::suspend, "suspend"},
     {ChangeKind::reinstate, "reinstate"},
     {ChangeKind::replace_keys, "replace_keys"},
     {ChangeKind::set_parameters, "set_parameters"},
     {ChangeKind::activate_feature, "activate_feature"},
     {ChangeKind::withdraw_feature, "withdraw_feature"},
     {ChangeKind::confirm_leg, "confirm_leg"}}};

bool is_country(const std::string& text) {
    return text.size() == 2 && std::all_of(text.begin(), text.end(), [](char character) {
               return character >= 'A' && character <= 'Z';
           });
}

bool is_operator_id(const std::string& text) {
    return text.empty() || (text.size() == operator_id_bytes &&
                            std::all_of(text.begin(), text.end(), [](char character) {
                                return (character >= 'A' && character <= 'Z') ||
                                       (character >= '0' && character <= '9');
                            }));
}

}  // namespace

const char* to_text(MemberRole role) {
    switch (role) {
        case MemberRole::hub:
            return "hub";
        case MemberRole::operator_:
            return "operator";
    }
    return "unknown";
}

const char* to_text(KeyRole role) {
    switch (role) {
        case KeyRole::member:
            return "member";
        case KeyRole::consensus:
            return "consensus";
        case KeyRole::link:
            return "link";
    }
    return "unknown";
}

Hash key_possession_digest(const Hash& chain_id, const PartyId& party, KeyRole role,
                           const PublicKey& key) {
    Encoder encoder;
    encoder.fixed(chain_id).fixed(party).u8(static_cast<std::uint8_t>(role)).fixed(key);
    return tagged_hash("tally/key-possession/v1", encoder.bytes());
}

const PublicKey& Member::key(KeyRole key_role) const {
    switch (key_role) {
        case KeyRole::member:
            return member_key;
        case KeyRole::consensus:
            return consensus_key;
        case KeyRole::link:
            return link_key;
    }
    ENSURE(false);
    return member_key;
}

void Member::set_key(KeyRole key_role, const PublicKey& key) {
    switch (key_role) {
        case KeyRole::member:
            member_key = key;
            return;
        case KeyRole::consensus:
            consensus_key = key;
            return;
        case KeyRole::link:
            link_key = key;
            return;
    }
    ENSURE(false);
}

std::optional<std::string> find_problem(const Member& member) {
    if (!is_valid(member.party)) {
        return "party must be three letters A-Z";
    }
    if (!is_country(member.country)) {
        return "country must be two letters A-Z, not \"" + member.country + "\"";
    }
    if (member.role != MemberRole::hub && member.role != MemberRole::operator_) {
        return "role must be hub or operator";
    }
    if (!is_operator_id(member.operator_id)) {
        return "operator_id must be empty or 9 letters A-Z and digits, not \"" +
               member.operator_id + "\"";
    }
    return std::nullopt;
}

std::vector<Validator> validators_of(const std::vector<Member>& members) {
    std::vector<Validator> validators;
    for (const Member& member : members) {
        if (member.validator) {
            validators.push_back({member.party, member.consensus_key});
        }
    }
    std::sort(validators.begin(), validators.end(),
              [](const Validator& left, const Validator& right) {
                  return left.consensus_key < right.consensus_key;
              });
    return validators;
}

Hash validators_hash(const std::vector<Validator>& validators) {
    Encoder encoder;
    encode(encoder, validators);
    return tagged_hash("tally/validators/v1", encoder.bytes());
}

void encode(Encoder& encoder, const std::vector<Validator>& validators) {
    encoder.u32(static_cast<std::uint32_t>(validators.size()));
    for (const Validator& validator : validators) {
        encoder.fixed(validator.party).fixed(validator.consensus_key);
    }
}

std::vector<Validator> decode_validators(Decoder& decoder, std::size_t count_min) {
    std::vector<Validator> validators;
    const std::uint32_t count = decoder.count(validators_max, PartyId::size + PublicKey::size);
    for (std::uint32_t i = 0; i < count && decoder.ok(); ++i) {
        Validator validator;
        validator.party = decoder.fixed<PartyId>();
        validator.consensus_key = decoder.fixed<PublicKey>();
        const bool rises =
            validators.empty() || validators.back().consensus_key < validator.consensus_key;
        if (!is_valid(validator.party) || !rises) {
            decoder.fail();
        }
        validators.push_back(validator);
    }
    if (validators.size() < count_min) {
        decoder.fail();
    }
    return validators;
}

void encode(Encoder& encoder, const FeatureList& features) {
    encoder.u32(static_cast<std::uint32_t>(features.size()));
    for (const std::uint32_t feature : features) {
        encoder.u32(feature);
    }
}

FeatureList decode_features(Decoder& decoder) {
    FeatureList features;
    const std::uint32_t count = decoder.count(features_max, sizeof(std::uint32_t));
    for (std::uint32_t i = 0; i < count && decoder.ok(); ++i) {
        const std::uint32_t feature = decoder.u32();
        if (feature <= (features.empty() ? 0 : features.back())) {
            decoder.fail();
        }
        features.push_back(feature);
    }
    return features;
}

Hash NextEpoch::hash() const {
    Encoder encoder;
    encode(encoder, validators);
    encode(encoder, features);
    return tagged_hash("tally/next-epoch/v1", encoder.bytes());
}

const char* to_text(ChangeKind kind) {
    for (const auto& [known, name] : change_names) {
        if (known == kind) {
            return name;
        }
    }
    return "unknown";
}

std::optional<ChangeKind> change_kind_from_text(std::string_view text) {
    for (const auto& [kind, name] : change_names) {
        if (text == name) {
            return kind;
        }
    }
    return std::nullopt;
}

}  // namespace tally
