#pragma once

#include "ledger/base/posix_file_system.h"
#include "ledger/base/system_clock.h"
#include "ledger/store/ledger.h"
#include "ledger/store/leveldb_store.h"
#include "node/process/node_files.h"

#include <map>
#include <memory>
#include <string>
#include <vector>

namespace tally::tools {

/// Appends blocks to a node's ledger as if a quorum had agreed on them. For one whose keys of all
/// validators are at hand. Signatures of envelopes are not checked: the caller has just made them.
class HistoryLedger {
public:
    /// Opens the ledger of an initialised data folder. `consensus_keys` by member.
    [[nodiscard]] static Expected<std::unique_ptr<HistoryLedger>, std::string> open(
        const node::DataFolders& folders, const Genesis& genesis,
        std::map<PartyId, SecretKey> consensus_keys, UnixMillis keep_finished);

    /// A final block of these envelopes. The error names a transaction that did not succeed.
    [[nodiscard]] Expected<Done, std::string> add_block(UnixMillis time,
                                                        const std::vector<Bytes>& envelopes);
    [[nodiscard]] const Ledger& ledger() const { return *m_ledger; }
    [[nodiscard]] const KeyValueStore& store() const { return *m_store; }
    /// Everything is on disk when this returns.
    [[nodiscard]] const Ledger& finish();

private:
    class Trusting final : public SignatureChecker {
    public:
        [[nodiscard]] bool verify(const Hash& /*envelope_hash*/, const PublicKey& /*key*/,
                                  const Hash& /*signing_digest*/,
                                  const Signature& /*signature*/) override {
            return true;
        }
    };
    HistoryLedger() = default;
    [[nodiscard]] BlockContext next_context(UnixMillis time) const;
    [[nodiscard]] QuorumCertificate certify(const BlockHeader& header) const;

    PosixFileSystem m_files;
    SystemClock m_clock;
    Trusting m_signatures;
    std::map<PartyId, SecretKey> m_keys;
    std::unique_ptr<LevelDbStore> m_store;
    std::unique_ptr<Ledger> m_ledger;
};

/// Makes the safety record of an initialised data folder what it would be if its node had voted for
/// this last block: with an empty one its peers would take it for a copy that came too late.
[[nodiscard]] Expected<Done, std::string> remember_votes(const node::DataFolders& folders,
                                                         const SecretKey& consensus_key,
                                                         const BlockHeader& last);

}  // namespace tally::tools
