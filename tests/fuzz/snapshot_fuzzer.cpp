// What peers say about snapshots: manifests, queries, checkpoint proofs, lists and the base file.
// Whatever decodes is canonical. The first byte chooses the decoder.

#include "ledger/base/check.h"
#include "ledger/store/archive_base.h"
#include "ledger/store/snapshot.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>

using namespace tally;  // NOLINT(google-build-using-namespace): a fuzz target, not a library.

namespace {

void same(const Bytes& written, ByteView read) {
    ENSURE(std::equal(written.begin(), written.end(), read.begin(), read.end()));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) {
        return 0;
    }
    const ByteView input{data + 1, size - 1};
    if (data[0] == 0) {
        if (const auto manifest = SnapshotManifest::decode(input)) {
            same(manifest->encode(), input);
        }
    } else if (data[0] == 1) {
        if (const auto query = decode_snapshot_query(input)) {
            same(encode(*query), input);
            ENSURE(input.size() <= snapshot_query_bytes_max);
        }
    } else if (data[0] == 2) {
        if (const auto proof = CheckpointProof::decode(input)) {
            same(proof->encode(), input);
        }
    } else if (data[0] == 3) {
        if (const auto items = decode_list(input, snapshot_blocks_max)) {
            same(encode_list(*items), input);
        }
    } else if (data[0] == 4) {
        if (const auto answer = BlocksAnswer::decode(input)) {
            same(answer->encode(), input);
        }
    } else if (const auto base = decode_archive_base(input)) {
        same(encode_archive_base(*base), input);
    }
    return 0;
}
