// A journal file and its safety record as an attacker or a failing disk may leave them.

#include "consensus/journal/journal.h"
#include "consensus/journal/records.h"
#include "tests/consensus/memory_files.h"

#include <cstddef>
#include <cstdint>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace tally;
    using namespace tally::consensus;
    const ByteView input{data, size};
    static_cast<void>(decode_block_payload(input));
    static_cast<void>(decode_slot(input));
    static_cast<void>(SafetyRecord::decode(input));
    static_cast<void>(decode_evidence(input));
    consensus::testing::MemoryFiles files;
    static_cast<void>(Journal::create(files, "j", 1));
    // The input stands behind a right header, with and without right checksums.
    auto& file = files.files.at("j/journal-0000000000000001");
    if (size != 0 && (data[0] & 1) != 0) {
        const auto type = static_cast<RecordType>(1 + (data[0] >> 1) % 5);
        append(file.bytes, encode_record(1, file.bytes.size(), type, input.subspan(1)));
    } else {
        append(file.bytes, input);
    }
    JournalOptions options;
    const auto opened = Journal::open(files, "j", options);
    if (!opened) {
        static_cast<void>(Journal::open_without_record(files, "j", options));
    }
    return 0;
}
