#pragma once

#include "ledger/model/genesis.h"
#include "ledger/store/segment_source.h"

#include <memory>
#include <string>

namespace tally::tools {

/// What a backup is made from: the segments of a node, and a snapshot of its state. One thread.
class BackupSource : public SegmentSource {
public:
    /// The manifest of a snapshot that is kept while this is asked again now and then.
    [[nodiscard]] virtual Expected<Bytes, SourceError> lease() = 0;
    /// The answer to an encoded SnapshotQuery for proofs or a chunk; empty when the snapshot is not
    /// kept any more.
    [[nodiscard]] virtual Expected<Bytes, SourceError> answer(ByteView query) = 0;
};

/// A running node, by its HTTP interface.
[[nodiscard]] std::unique_ptr<BackupSource> backup_source_of_url(const std::string& url);

/// The data folder of a node that does not run; it is locked as long as the source lives. The error
/// says what to do.
[[nodiscard]] Expected<std::unique_ptr<BackupSource>, SourceError> backup_source_of_folder(
    const std::string& data_dir, const Genesis& genesis);

}  // namespace tally::tools
