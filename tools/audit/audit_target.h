#pragma once

#include "ledger/base/expected.h"
#include "ledger/store/segment_source.h"

#include <memory>
#include <string>

namespace tally::tools {

/// What an operator named to be audited.
struct AuditTarget {
    std::unique_ptr<SegmentSource> source;
    /// A node is writing it now: a URL, or a data folder whose state store is locked.
    bool live{false};
};

/// `name` is the URL of a node, a node's data folder, or a folder with segment files.
[[nodiscard]] Expected<AuditTarget, SourceError> open_audit_target(const std::string& name);

/// Whether another process has the state store in this folder open: LevelDB holds a lock on it as
/// long as it runs.
[[nodiscard]] bool is_state_locked(const std::string& state_folder);

}  // namespace tally::tools
