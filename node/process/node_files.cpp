#include "node/process/node_files.h"

#include "consensus/journal/journal.h"
#include "ledger/store/ledger.h"
#include "ledger/store/leveldb_store.h"
#include "node/config/genesis_json.h"
#include "node/runtime/exit_codes.h"
#include "node/runtime/key_file.h"

#include <algorithm>
#include <utility>

namespace tally::node {

namespace {

StartError config_error(std::string text) { return {exit_config, std::move(text)}; }
StartError io_error(std::string text) { return {exit_io, std::move(text)}; }

Expected<SecretKey, StartError> load_key(const std::string& path) {
    const Expected<SecretKey, KeyFileError> key = read_secret_key(path);
    if (!key) {
        return Unexpected{config_error(key.error().text)};
    }
    return *key;
}

Expected<NodeKeys, StartError> load_keys(const NodeConfig& config) {
    const auto member_key = load_key(config.member_key_file);
    if (!member_key) {
        return Unexpected{member_key.error()};
    }
    const auto consensus_key = load_key(config.consensus_key_file);
    if (!consensus_key) {
        return Unexpected{consensus_key.error()};
    }
    const auto link_key = load_key(config.link_key_file);
    if (!link_key) {
        return Unexpected{link_key.error()};
    }
    return NodeKeys{*member_key, *consensus_key, *link_key};
}

std::optional<StartError> wrong_key(const std::string& path, const SecretKey& key,
                                    const PublicKey& expected, const char* what) {
    if (public_key_of(key) == expected) {
        return std::nullopt;
    }
    return config_error(path + ": is not the " + what +
                        " key that the genesis names for this member (" + to_hex(expected) + ")");
}

std::optional<StartError> find_wrong_key(const NodeInputs& inputs) {
    const NodeConfig& config = inputs.config;
    const Member& member = inputs.member;
    if (auto wrong =
            wrong_key(config.member_key_file, inputs.keys.member, member.member_key, "member")) {
        return wrong;
    }
    if (auto wrong = wrong_key(config.consensus_key_file, inputs.keys.consensus,
                               member.consensus_key, "consensus")) {
        return wrong;
    }
    return wrong_key(config.link_key_file, inputs.keys.link, member.link_key, "link");
}

Expected<std::vector<SharedTokenKey>, StartError> load_token_keys(const NodeConfig& config,
                                                                  MemberRole role) {
    if (role == MemberRole::hub && !config.token_key_files.empty()) {
        return Unexpected{config_error(
            config.token_key_files.front() +
            ": tokens.keys: a hub must not have the operators' token keys: with one it could tell "
            "which cards the hashes it keeps stand for. Remove it from this machine")};
    }
    std::vector<SharedTokenKey> keys;
    for (const std::string& path : config.token_key_files) {
        const auto line = read_secret_text(path);
        if (!line) {
            return Unexpected{config_error(line.error().text)};
        }
        const auto key = shared_key_from_line(*line);
        if (!key) {
            return Unexpected{config_error(path + ": " + key.error())};
        }
        const bool known = std::any_of(keys.begin(), keys.end(), [&](const SharedTokenKey& other) {
            return other.id == key->id;
        });
        if (known) {
            return Unexpected{config_error(path + ": tokens.keys names the same key twice")};
        }
        keys.push_back(*key);
    }
    return keys;
}

/// A member that the genesis does not know: it is on the ledger, or will be.
Member joining_member(const PartyId& party, const NodeKeys& keys) {
    Member member;
    member.party = party;
    member.member_key = public_key_of(keys.member);
    member.consensus_key = public_key_of(keys.consensus);
    member.link_key = public_key_of(keys.link);
    member.validator = false;
    return member;
}

std::string joined(const ConfigProblems& problems) {
    std::string text;
    for (const ConfigProblem& problem : problems) {
        text += (text.empty() ? "" : "\n") + problem.text();
    }
    return text;
}

}  // namespace

DataFolders::DataFolders(const std::string& data_dir)
    : root{data_dir},
      lock{data_dir + "/lock"},
      segments{data_dir + "/ledger/segments"},
      state{data_dir + "/ledger/state"},
      consensus{data_dir + "/consensus"},
      operator_{data_dir + "/operator"},
      backup{data_dir + "/backup"},
      evidence{data_dir + "/evidence"},
      tokens{data_dir + "/tokens"} {}

Expected<NodeInputs, StartError> load_inputs(const std::string& config_path) {
    Expected<NodeConfig, ConfigProblems> config = load_node_config(config_path);
    if (!config) {
        return Unexpected{config_error(joined(config.error()))};
    }
    Expected<Genesis, std::string> genesis = load_genesis(config->genesis_file);
    if (!genesis) {
        return Unexpected{config_error(genesis.error())};
    }
    Expected<NodeKeys, StartError> keys = load_keys(*config);
    if (!keys) {
        return Unexpected{keys.error()};
    }
    const auto member = std::find_if(
        genesis->members.begin(), genesis->members.end(),
        [&config](const Member& candidate) { return candidate.party == config->member; });
    NodeInputs inputs;
    inputs.joining = member == genesis->members.end();
    inputs.member = inputs.joining ? joining_member(config->member, *keys) : *member;
    inputs.keys = *keys;
    auto token_keys = load_token_keys(*config, inputs.member.role);
    if (!token_keys) {
        return Unexpected{token_keys.error()};
    }
    inputs.token_keys = std::move(token_keys).value();
    inputs.config = std::move(config).value();
    inputs.genesis = std::move(genesis).value();
    return inputs;
}

Expected<Done, StartError> initialize_node(const NodeInputs& inputs, FileSystem& files,
                                           InitMode mode) {
    if (mode == InitMode::first) {
        if (const std::optional<StartError> wrong = find_wrong_key(inputs)) {
            return Unexpected{*wrong};
        }
    }
    const DataFolders folders{inputs.config.data_dir};
    for (const std::string& folder :
         {folders.segments, folders.state, folders.consensus, folders.operator_, folders.backup}) {
        if (!files.create_directories(folder)) {
            return Unexpected{io_error(folder + ": cannot be created")};
        }
    }
    auto store = LevelDbStore::open(folders.state);
    if (!store) {
        return Unexpected{io_error(store.error())};
    }
    const auto ledger = Ledger::initialize(files, **store, folders.segments, inputs.genesis);
    if (!ledger) {
        return Unexpected{io_error(folders.root + ": " + ledger.error().message)};
    }
    if (mode == InitMode::after_loss) {
        return Done{};
    }
    const auto journal = consensus::Journal::create(files, folders.consensus, 0);
    if (!journal) {
        return Unexpected{io_error(journal.error().message)};
    }
    return Done{};
}

}  // namespace tally::node
