// Files that a backup, an archive or a restore reads: the manifest, a snapshot file, the record of
// what was moved. Whatever decodes is canonical. The first byte chooses the decoder.

#include "ledger/base/check.h"
#include "ledger/store/archived_record.h"
#include "ledger/store/snapshot_file.h"
#include "tests/support/faulty_file_system.h"
#include "tools/storage/backup_manifest.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>

using namespace tally;  // NOLINT(google-build-using-namespace): a fuzz target, not a library.

namespace {

void read_snapshot(ByteView input) {
    test::FaultPlan plan;
    test::FaultyFileSystem files{plan};
    ENSURE(files.write_whole("snapshot", input).has_value());
    auto reader = SnapshotFileReader::open(files, "snapshot", Hash{});
    while (reader) {
        const std::uint64_t before = reader->offset();
        const auto part = reader->next();
        if (!part || !*part) {
            return;
        }
        ENSURE(reader->offset() > before && reader->offset() <= input.size());
        ENSURE((*part)->answer.size() <= snapshot_answer_bytes_max);
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) {
        return 0;
    }
    const ByteView input{data + 1, size - 1};
    if (data[0] == 0) {
        read_snapshot(input);
    } else if (data[0] == 1) {
        if (const auto record = ArchivedRecord::decode(input)) {
            const Bytes again = record->encode();
            ENSURE(std::equal(again.begin(), again.end(), input.begin(), input.end()));
        }
    } else if (const auto manifest = tools::BackupManifest::from_json(as_text(input))) {
        const auto again = tools::BackupManifest::from_json(manifest->to_json());
        ENSURE(again && *again == *manifest);
    }
    return 0;
}
