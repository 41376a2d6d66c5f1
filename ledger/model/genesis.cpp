#include "ledger/model/genesis.h"

#include "ledger/base/codec.h"
#include "ledger/crypto/sha256.h"

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <utility>

namespace tally {

namespace {

constexpr std::size_t name_bytes_max{64};

using Problem = std::optional<std::string>;

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

/// `owners` receives whose each key is. A member may use one key twice, two members never.
Problem find_key_problem(const Member& member, std::map<PublicKey, PartyId>& owners) {
    const std::array<std::pair<const char*, KeyRole>, 3> names{
        {{"member_key", KeyRole::member},
         {"consensus_key", KeyRole::consensus},
         {"link_key", KeyRole::link}}};
    for (const auto& [name, role] : names) {
        const PublicKey& key = member.key(role);
        if (!VerifyKey::parse(key)) {
            return std::string{name} + " is not a point of secp256k1: " + to_hex(key);
        }
        if (owners.emplace(key, member.party).first->second != member.party) {
            return std::string{name} + " is also another member's: " + to_hex(key);
        }
    }
    return std::nullopt;
}

Problem find_members_problem(const std::vector<Member>& members) {
    if (members.empty() || members.size() > members_max) {
        return "members must be 1 to " + std::to_string(members_max) + ", not " +
               std::to_string(members.size());
    }
    std::map<PublicKey, PartyId> owners;
    for (std::size_t i = 0; i < members.size(); ++i) {
        Problem problem = find_problem(members[i]);
        if (!problem) {
            problem = find_key_problem(members[i], owners);
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

Bytes Genesis::encode() const {
    Encoder encoder;
    encoder.text(name).i64(time);
    tally::encode(encoder, parameters);
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
    Problem problem = find_problem(genesis.parameters);
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

}  // namespace tally
