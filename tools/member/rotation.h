#pragma once

#include "ledger/base/random.h"
#include "tools/member/identity.h"

#include <string>

namespace tally::tools {

/// The files of one key and what the ledger says about it.
struct KeyFiles {
    std::string current;  ///< as configured
    std::string next;     ///< beside it
};

/// The files of a role in a node's configuration.
[[nodiscard]] KeyFiles key_files_of(const node::NodeConfig& config, KeyRole role);

/// Makes sure that `files.next` holds a key that the ledger does not name yet, and gives its public
/// half. An earlier change that holds by now is completed first: its key moves from `next` to
/// `current`. A key in `next` that was never put on the ledger is used. Refuses while an earlier
/// change of the consensus key waits for its epoch, and when no file holds the key in force.
[[nodiscard]] Expected<PublicKey, std::string> prepare_next_key(const KeyFiles& files, KeyRole role,
                                                                const KnownMember& known,
                                                                Random& random);

/// The change of the signer's key to the one in `file`, with the proof that it has the secret.
[[nodiscard]] Expected<RotateKey, std::string> rotation_to(const std::string& file, KeyRole role,
                                                           const SubmitAs& as);

}  // namespace tally::tools
