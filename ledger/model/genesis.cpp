#include "ledger/model/genesis.h"

#include "ledger/base/codec.h"
#include "ledger/crypto/sha256.h"

#include <algorithm>
#include <array>
#include <set>
#include <tuple>

namespace tally {

namespace {

constexpr std::size_t name_bytes_max{64};
constexpr std::size_t operator_id_bytes{9};

using Problem = std::optional<std::string>;

/// Every duration of the parameters, in the order of the encoding.
struct Duration {
    const char* name;
    UnixMillis Parameters::*value;
};
constexpr std::array<Duration, 11> durations{{
    {"start_window", &Parameters::start_window},
    {"record_window", &Parameters::record_window},
    {"settle_window", &Parameters::settle_window},
    {"claim_window", &Parameters::claim_window},
    {"countersign_window", &Parameters::countersign_window},
    {"home_release_after", &Parameters::home_release_after},
    {"charger_clock_back", &Parameters::charger_clock_back},
    {"charger_clock_ahead", &Parameters::charger_clock_ahead},
    {"delta", &Parameters::delta},
    {"idle_interval", &Parameters::idle_interval},
    {"skip_timeout", &Parameters::skip_timeout},
}};

void encode_member(Encoder& encoder, const Member& member) {
    encoder.fixed(member.party)
        .text(member.country)
        .u8(static_cast<std::uint8_t>(member.role))
        .text(member.operator_id)
        .fixed(member.member_key)
        .fixed(member.consensus_key)
        .fixed(member.link_key)
        .boolean(member.validator);
}

void encode_agreement(Encoder& encoder, const GenesisAgreement& entry) {
    const SetAgreement& agreement = entry.agreement;
    encoder.fixed(entry.member)
        .fixed(agreement.partner)
        .boolean(agreement.active)
        .fixed(agreement.currency)
        .u32(static_cast<std::uint32_t>(agreement.tariffs_offered.size()));
    for (const std::string& tariff : agreement.tariffs_offered) {
        encoder.text(tariff);
    }
    encoder.i64(agreement.exposure_cap);
}

std::string place(const char* list, std::size_t index) {
    return std::string{list} + "[" + std::to_string(index) + "]";
}

bool is_printable(const std::string& text) {
    return std::all_of(text.begin(), text.end(),
                       [](char character) { return character >= 0x20 && character <= 0x7e; });
}

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

Problem find_parameter_problem(const Parameters& parameters) {
    for (const Duration& duration : durations) {
        const UnixMillis value = parameters.*duration.value;
        if (value < 1 || value > parameter_duration_max) {
            return std::string{"parameters."} + duration.name + " must be 1 to " +
                   std::to_string(parameter_duration_max) + " ms, not " + std::to_string(value);
        }
    }
    if (parameters.delta > delta_max_ms) {
        return "parameters.delta must be at most " + std::to_string(delta_max_ms) + " ms, not " +
               std::to_string(parameters.delta);
    }
    if (parameters.skip_timeout < skip_timeout_min_ms ||
        parameters.skip_timeout <= 3 * parameters.delta) {
        return "parameters.skip_timeout must be at least " + std::to_string(skip_timeout_min_ms) +
               " ms and more than three times delta, not " +
               std::to_string(parameters.skip_timeout);
    }
    if (parameters.minimum_approval < 0 || parameters.minimum_approval > amount_max) {
        return "parameters.minimum_approval must be 0 to " + money_to_text(amount_max) + ", not " +
               money_to_text(parameters.minimum_approval);
    }
    return std::nullopt;
}

Problem find_key_problem(const Member& member, std::set<PublicKey>& member_keys,
                         std::set<PublicKey>& consensus_keys, std::set<PublicKey>& link_keys) {
    struct Key {
        const char* name;
        const PublicKey& value;
        std::set<PublicKey>& seen;
    };
    const std::array<Key, 3> keys{{{"member_key", member.member_key, member_keys},
                                   {"consensus_key", member.consensus_key, consensus_keys},
                                   {"link_key", member.link_key, link_keys}}};
    for (const Key& key : keys) {
        if (!VerifyKey::parse(key.value)) {
            return std::string{key.name} + " is not a point of secp256k1: " + to_hex(key.value);
        }
        if (!key.seen.insert(key.value).second) {
            return std::string{key.name} + " is also another member's: " + to_hex(key.value);
        }
    }
    return std::nullopt;
}

Problem find_member_problem(const Member& member) {
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

Problem find_members_problem(const std::vector<Member>& members) {
    if (members.empty() || members.size() > members_max) {
        return "members must be 1 to " + std::to_string(members_max) + ", not " +
               std::to_string(members.size());
    }
    std::set<PublicKey> member_keys;
    std::set<PublicKey> consensus_keys;
    std::set<PublicKey> link_keys;
    for (std::size_t i = 0; i < members.size(); ++i) {
        Problem problem = find_member_problem(members[i]);
        if (!problem) {
            problem = find_key_problem(members[i], member_keys, consensus_keys, link_keys);
        }
        if (problem) {
            return place("members", i) + "." + *problem;
        }
        if (i > 0 && members[i].party <= members[i - 1].party) {
            return place("members", i) + ".party: members must be sorted by party, each once";
        }
    }
    const auto hubs = std::count_if(members.begin(), members.end(), [](const Member& member) {
        return member.role == MemberRole::hub;
    });
    if (hubs != 1) {
        return "members must have exactly one hub, not " + std::to_string(hubs);
    }
    const auto validators = std::count_if(members.begin(), members.end(),
                                          [](const Member& member) { return member.validator; });
    if (validators < 1 || validators > static_cast<std::ptrdiff_t>(validators_max)) {
        return "members must have 1 to " + std::to_string(validators_max) + " validators, not " +
               std::to_string(validators);
    }
    return std::nullopt;
}

bool has_member(const std::vector<Member>& members, const PartyId& party) {
    return std::any_of(members.begin(), members.end(),
                       [&party](const Member& member) { return member.party == party; });
}

Problem find_agreements_problem(const Genesis& genesis) {
    if (genesis.agreements.size() > genesis_agreements_max) {
        return "agreements must be at most " + std::to_string(genesis_agreements_max);
    }
    std::set<std::pair<PartyId, PartyId>> seen;
    for (std::size_t i = 0; i < genesis.agreements.size(); ++i) {
        const GenesisAgreement& entry = genesis.agreements[i];
        const PartyId& partner = entry.agreement.partner;
        if (!has_member(genesis.members, entry.member)) {
            return place("agreements", i) + ".member is not a member";
        }
        if (!has_member(genesis.members, partner) || partner == entry.member) {
            return place("agreements", i) + ".partner is not another member";
        }
        if (!is_within_bounds(entry.agreement)) {
            return place("agreements", i) +
                   ": currency, tariffs_offered or exposure_cap is out of bounds";
        }
        if (!seen.insert({entry.member, partner}).second) {
            return place("agreements", i) + " repeats member and partner of an earlier one";
        }
    }
    return std::nullopt;
}

Problem find_limits_problem(const Genesis& genesis) {
    if (genesis.limits.size() > genesis_limits_max) {
        return "limits must be at most " + std::to_string(genesis_limits_max);
    }
    std::set<std::pair<PartyId, Currency>> seen;
    for (std::size_t i = 0; i < genesis.limits.size(); ++i) {
        const SetLimit& limit = genesis.limits[i];
        if (!has_member(genesis.members, limit.member)) {
            return place("limits", i) + ".member is not a member";
        }
        if (!is_within_bounds(limit)) {
            return place("limits", i) + ": currency or limit is out of bounds";
        }
        if (!seen.insert({limit.member, limit.currency}).second) {
            return place("limits", i) + " repeats member and currency of an earlier one";
        }
    }
    return std::nullopt;
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

Bytes Genesis::encode() const {
    Encoder encoder;
    encoder.text(name).i64(time);
    for (const Duration& duration : durations) {
        encoder.i64(parameters.*duration.value);
    }
    encoder.i64(parameters.minimum_approval);
    encoder.u32(static_cast<std::uint32_t>(members.size()));
    for (const Member& member : members) {
        encode_member(encoder, member);
    }
    encoder.u32(static_cast<std::uint32_t>(agreements.size()));
    for (const GenesisAgreement& agreement : agreements) {
        encode_agreement(encoder, agreement);
    }
    encoder.u32(static_cast<std::uint32_t>(limits.size()));
    for (const SetLimit& limit : limits) {
        encoder.fixed(limit.member).fixed(limit.currency).i64(limit.limit);
    }
    return std::move(encoder).take();
}

Hash Genesis::chain_id() const { return tagged_hash("tally/genesis/v1", encode()); }

std::optional<std::string> find_problem(const Genesis& genesis) {
    if (genesis.name.empty() || genesis.name.size() > name_bytes_max ||
        !is_printable(genesis.name)) {
        return "name must be 1 to 64 printable characters";
    }
    if (genesis.time < 0 || genesis.time > unix_millis_max) {
        return "time must be 0 to " + std::to_string(unix_millis_max) + " ms, not " +
               std::to_string(genesis.time);
    }
    Problem problem = find_parameter_problem(genesis.parameters);
    if (!problem) {
        problem = find_members_problem(genesis.members);
    }
    if (!problem) {
        problem = find_agreements_problem(genesis);
    }
    if (!problem) {
        problem = find_limits_problem(genesis);
    }
    return problem;
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
    encoder.u32(static_cast<std::uint32_t>(validators.size()));
    for (const Validator& validator : validators) {
        encoder.fixed(validator.party).fixed(validator.consensus_key);
    }
    return tagged_hash("tally/validators/v1", encoder.bytes());
}

}  // namespace tally
