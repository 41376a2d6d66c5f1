#include "ledger/store/snapshot_file.h"

#include "ledger/base/codec.h"
#include "ledger/base/crc32c.h"
#include "ledger/store/segment_source.h"

#include <utility>

namespace tally {
namespace {

constexpr std::string_view magic{"TALLYSNP"};
constexpr std::uint64_t header_bytes{8 + 2 + 32 + 4};
constexpr std::uint64_t part_header_bytes{4 + 4 + 4};

Bytes encode_header(const Hash& chain_id) {
    Encoder encoder;
    encoder.raw(as_bytes(magic)).u16(snapshot_file_version).fixed(chain_id);
    encoder.u32(crc32c(encoder.bytes()));
    return std::move(encoder).take();
}

std::uint32_t checksum(std::uint64_t offset, ByteView query, ByteView answer) {
    Encoder place;
    place.u64(offset);
    place.u32(static_cast<std::uint32_t>(query.size()));
    place.u32(static_cast<std::uint32_t>(answer.size()));
    return crc32c(answer, crc32c(query, crc32c(place.bytes())));
}

}  // namespace

Expected<SnapshotFileWriter, std::string> SnapshotFileWriter::create(FileSystem& files,
                                                                     const std::string& path,
                                                                     const Hash& chain_id) {
    const auto failed = [&path](FileError error) {
        return Unexpected{path + ": " + to_text(error)};
    };
    if (const auto written = files.write_whole(path, encode_header(chain_id)); !written) {
        return failed(written.error());
    }
    auto file = files.open_append(path);
    if (!file) {
        return failed(file.error());
    }
    return SnapshotFileWriter{path, std::move(file).value()};
}

Expected<SnapshotFileWriter, std::string> SnapshotFileWriter::resume(FileSystem& files,
                                                                     const std::string& path,
                                                                     std::uint64_t length) {
    if (const auto cut = files.truncate(path, length); !cut) {
        return Unexpected{path + ": " + to_text(cut.error())};
    }
    auto file = files.open_append(path);
    if (!file) {
        return Unexpected{path + ": " + to_text(file.error())};
    }
    return SnapshotFileWriter{path, std::move(file).value()};
}

Expected<Done, std::string> SnapshotFileWriter::add(const SnapshotPart& part) {
    Encoder encoder;
    encoder.u32(static_cast<std::uint32_t>(part.query.size()));
    encoder.u32(static_cast<std::uint32_t>(part.answer.size()));
    encoder.u32(checksum(m_file->size(), part.query, part.answer));
    encoder.raw(part.query).raw(part.answer);
    if (const auto added = m_file->append(encoder.bytes()); !added) {
        return Unexpected{m_path + ": " + to_text(added.error())};
    }
    return Done{};
}

Expected<Done, std::string> SnapshotFileWriter::sync() {
    if (const auto synced = m_file->sync(); !synced) {
        return Unexpected{m_path + ": " + to_text(synced.error())};
    }
    return Done{};
}

SnapshotFileReader::SnapshotFileReader(const FileSystem& files, std::string path,
                                       std::uint64_t bytes)
    : m_files{&files}, m_path{std::move(path)}, m_bytes{bytes}, m_offset{header_bytes} {}

Expected<SnapshotFileReader, std::string> SnapshotFileReader::open(const FileSystem& files,
                                                                   const std::string& path,
                                                                   const Hash& chain_id) {
    const auto bytes = files.size(path);
    if (!bytes) {
        return Unexpected{path + ": " + to_text(bytes.error())};
    }
    const auto header = files.read(path, 0, header_bytes);
    if (!header) {
        return Unexpected{path + ": " + to_text(header.error())};
    }
    if (*header != encode_header(chain_id)) {
        return Unexpected{path + ": is not a snapshot of this chain"};
    }
    return SnapshotFileReader{files, path, *bytes};
}

Expected<std::optional<SnapshotPart>, std::string> SnapshotFileReader::next() {
    if (m_offset == m_bytes) {
        return std::optional<SnapshotPart>{};
    }
    const auto fault = [this](const std::string& what) {
        return Unexpected{m_path + " at byte " + std::to_string(m_offset) + ": " + what};
    };
    const auto header = m_files->read(m_path, m_offset, part_header_bytes);
    if (!header) {
        return fault(to_text(header.error()));
    }
    Decoder decoder{*header};
    const std::uint32_t query_bytes = decoder.u32();
    const std::uint32_t answer_bytes = decoder.u32();
    const std::uint32_t crc = decoder.u32();
    const std::uint64_t length = std::uint64_t{query_bytes} + answer_bytes;
    if (!decoder.finished() || query_bytes > snapshot_query_bytes_max ||
        answer_bytes > snapshot_answer_bytes_max ||
        length > m_bytes - m_offset - part_header_bytes) {
        return fault("the file ends inside a part, or its length is damaged");
    }
    const auto body = m_files->read(m_path, m_offset + part_header_bytes, length);
    if (!body || body->size() != length) {
        return fault(body ? "the file became shorter" : to_text(body.error()));
    }
    const ByteView query = ByteView{*body}.first(query_bytes);
    const ByteView answer = ByteView{*body}.subspan(query_bytes);
    if (checksum(m_offset, query, answer) != crc) {
        return fault("the checksum does not match");
    }
    m_offset += part_header_bytes + length;
    return std::optional{
        SnapshotPart{Bytes{query.begin(), query.end()}, Bytes{answer.begin(), answer.end()}}};
}

}  // namespace tally
