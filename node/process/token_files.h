#pragma once

#include "ledger/store/leveldb_store.h"
#include "node/roaming/token_parts.h"
#include "node/runtime/verify_pool.h"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace tally::node {

/// Where cards without a prefix are kept, and the one thread that reads and writes it, so that a
/// large set never delays the loop. Nothing until it is opened. Must outlive what uses `parts`.
class TokenFiles {
public:
    /// The error names the folder.
    [[nodiscard]] Expected<Done, std::string> open(boost::asio::io_context& io,
                                                   const std::string& folder,
                                                   const LevelDbStore::Options& options);
    [[nodiscard]] TokenParts parts(std::vector<SharedTokenKey> keys);

private:
    std::unique_ptr<LevelDbStore> m_store;
    std::optional<VerifyPool> m_work;  // behind the store: ends before it
};

}  // namespace tally::node
