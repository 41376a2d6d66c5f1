#include "tools/join/join.h"

#include "node/config/genesis_json.h"
#include "node/runtime/key_file.h"
#include "tools/keys/key_set.h"
#include "tools/keys/proven_keys.h"
#include "tools/support/text_file.h"

#include <algorithm>
#include <filesystem>
#include <set>
#include <system_error>
#include <utility>

namespace tally::tools {

namespace {

using PeerList = std::vector<node::PeerAddress>;

std::string quoted(const std::string& text) { return "\"" + text + "\""; }

std::string address_text(const node::HostPort& address) {
    const bool is_ipv6 = address.host.find(':') != std::string::npos;
    return (is_ipv6 ? "[" + address.host + "]" : address.host) + ":" + std::to_string(address.port);
}

std::string config_text(const JoinOptions& options, const PeerList& peers) {
    std::string text = "member = " + quoted(options.party) +
                       "\n"
                       "data_dir = \"data\"\n"
                       "genesis = \"genesis.json\"\n\n"
                       "[keys]\n"
                       "member = \"keys/member.key\"\n"
                       "consensus = \"keys/consensus.key\"\n"
                       "link = \"keys/link.key\"\n\n"
                       "[link]\n"
                       "listen = " +
                       quoted(options.link_listen) +
                       "\n\n"
                       "[api]\n"
                       "listen = " +
                       quoted(options.api_listen) +
                       "\n"
                       "token_file = \"api.token\"\n\n";
    for (const node::PeerAddress& peer : peers) {
        text += "[[peer]]\nmember = " + quoted(to_text(peer.member)) +
                "\naddress = " + quoted(address_text(peer.address)) + "\n";
        if (peer.link_key) {
            text += "link_key = " + quoted(to_hex(*peer.link_key)) + "\n";
        }
        text += "\n";
    }
    return text;
}

Expected<PeerList, std::string> read_peers(const JoinOptions& options, const Genesis& genesis) {
    PeerList peers;
    std::set<PartyId> seen;
    for (const std::string& text : options.peers) {
        auto peer = peer_from_text(text);
        if (!peer) {
            return Unexpected{peer.error()};
        }
        const bool in_genesis =
            std::any_of(genesis.members.begin(), genesis.members.end(),
                        [&peer](const Member& member) { return member.party == peer->member; });
        if (!in_genesis && !peer->link_key) {
            return Unexpected{
                "--peer " + text +
                ": is not in the genesis; add @ and its link key (tally member list)"};
        }
        if (!seen.insert(peer->member).second) {
            return Unexpected{"--peer " + text + ": is named twice"};
        }
        peers.push_back(std::move(peer).value());
    }
    return peers;
}

Expected<Member, std::string> describe(const JoinOptions& options, const Genesis& genesis) {
    Member member;
    const auto party = party_from_text(options.party);
    if (!party) {
        return Unexpected{std::string{"--party: must be three letters"}};
    }
    member.party = *party;
    member.country = options.country;
    member.operator_id = options.operator_id;
    member.role = MemberRole::operator_;
    member.validator = false;
    if (const auto problem = find_problem(member)) {
        return Unexpected{*problem};
    }
    for (const Member& known : genesis.members) {
        if (known.party == member.party) {
            return Unexpected{"--party: " + options.party + " is in the genesis already"};
        }
    }
    return member;
}

std::optional<std::string> find_bad_address(const JoinOptions& options) {
    if (!node::host_port_from_text(options.link_listen)) {
        return "--link-listen: must be address:port";
    }
    if (!node::host_port_from_text(options.api_listen)) {
        return "--api-listen: must be address:port";
    }
    return std::nullopt;
}

/// `keys` has all three.
Admission request_of(const Member& member, const ProvenKeys& keys) {
    Admission admission;
    admission.chain_id = keys.chain_id;
    admission.request.member = member;
    admission.request.member.member_key = keys.member->key;
    admission.request.member.consensus_key = keys.consensus->key;
    admission.request.member.link_key = keys.link->key;
    admission.request.possessions = {keys.member->possession, keys.consensus->possession,
                                     keys.link->possession};
    return admission;
}

Expected<Done, std::string> write_all(const JoinOptions& options, const PeerList& peers,
                                      const Admission& admission, Random& random) {
    std::error_code error;
    std::filesystem::copy_file(options.genesis, options.folder + "/genesis.json", error);
    if (error) {
        return Unexpected{options.folder + "/genesis.json: " + error.message()};
    }
    const auto token = node::write_new_secret_text(
        options.folder + "/api.token", to_hex(random.fixed<FixedBytes<16, struct TokenTag>>()));
    if (!token) {
        return Unexpected{token.error().text};
    }
    const auto config = write_text(options.folder + "/tallyd.toml", config_text(options, peers));
    return config ? write_text(options.folder + "/admission.json", admission_to_json(admission))
                  : config;
}

}  // namespace

Expected<node::PeerAddress, std::string> peer_from_text(std::string_view text) {
    const auto wrong = [&text] {
        return Unexpected{"--peer " + std::string{text} + ": must look like HUB=host:port"};
    };
    const std::size_t equals = text.find('=');
    if (equals == std::string_view::npos) {
        return wrong();
    }
    const std::size_t at = text.find('@');
    node::PeerAddress peer;
    const auto party = party_from_text(text.substr(0, equals));
    const auto address = node::host_port_from_text(
        text.substr(equals + 1, at == std::string_view::npos ? at : at - equals - 1));
    if (!party || !address) {
        return wrong();
    }
    peer.member = *party;
    peer.address = *address;
    if (at != std::string_view::npos) {
        peer.link_key = fixed_from_hex<PublicKey>(text.substr(at + 1));
        if (!peer.link_key || !VerifyKey::parse(*peer.link_key)) {
            return Unexpected{"--peer " + std::string{text} +
                              ": behind @ must be a link key of 66 hexadecimal digits"};
        }
    }
    return peer;
}

Expected<Admission, std::string> make_join_folder(const JoinOptions& options, Random& random) {
    const auto genesis = node::load_genesis(options.genesis);
    if (!genesis) {
        return Unexpected{genesis.error()};
    }
    if (const auto bad = find_bad_address(options)) {
        return Unexpected{*bad};
    }
    const auto member = describe(options, *genesis);
    if (!member) {
        return Unexpected{member.error()};
    }
    const auto peers = read_peers(options, *genesis);
    if (!peers) {
        return Unexpected{peers.error()};
    }
    // First of all, for keys are never overwritten: a second run in the same folder ends here.
    const std::string key_folder = options.folder + "/keys";
    if (const auto made = generate_member_keys(key_folder, random); !made) {
        return Unexpected{made.error()};
    }
    const auto keys = prove_keys_in(key_folder, genesis->chain_id(), member->party);
    if (!keys) {
        return Unexpected{keys.error()};
    }
    const Admission admission = request_of(*member, *keys);
    if (const auto written = write_all(options, *peers, admission, random); !written) {
        return Unexpected{written.error()};
    }
    return admission;
}

}  // namespace tally::tools
