// A segment file of any bytes: the reader ends, stays inside the file and never gives a record that
// does not match its checksums.

#include "ledger/base/check.h"
#include "ledger/store/segment_reader.h"

#include <cstddef>
#include <cstdint>

using namespace tally;

namespace {

class MemorySource final : public SegmentSource {
public:
    explicit MemorySource(ByteView file) : m_file{file} {}
    Expected<std::vector<SegmentInfo>, SourceError> list() override {
        return std::vector<SegmentInfo>{{segment_name(1), m_file.size(), 1}};
    }
    Expected<Bytes, SourceError> read(const std::string& /*name*/, std::uint64_t offset,
                                      std::uint64_t length) override {
        ENSURE(offset + length <= m_file.size());
        const ByteView part =
            m_file.subspan(static_cast<std::size_t>(offset), static_cast<std::size_t>(length));
        return Bytes{part.begin(), part.end()};
    }

private:
    ByteView m_file;
};

void read_all(ByteView file, bool with_header) {
    MemorySource source{file};
    SegmentReader reader{source, {segment_name(1), file.size(), 1}, Hash{}};
    if (with_header && !reader.open()) {
        return;
    }
    for (;;) {
        const std::uint64_t before = reader.offset();
        const auto record = reader.next();
        const bool skippable = !record && record.error().kind == SegmentFault::Kind::record_payload;
        if ((!record && !skippable) || (record && !*record)) {
            return;
        }
        ENSURE(reader.offset() > before && reader.offset() <= file.size());
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const ByteView input{data, size};
    read_all(input, true);
    read_all(input, false);
    // Checksums hide what is behind them from a fuzzer, so one record is also made valid.
    Bytes file = SegmentHeader{Hash{}, 1}.encode();
    append(file, encode_record(RecordKind::block, input, {1, file.size()}));
    append(file, input);
    read_all(file, true);
    return 0;
}
