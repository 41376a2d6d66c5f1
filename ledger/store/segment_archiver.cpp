#include "ledger/store/segment_archiver.h"

#include "ledger/chain/id_window.h"
#include "ledger/crypto/sha256.h"
#include "ledger/model/block_header.h"
#include "ledger/state/keys.h"
#include "ledger/store/archive_base.h"
#include "ledger/store/ledger_index.h"
#include "ledger/store/segment_folders.h"
#include "ledger/store/segment_reader.h"

#include <algorithm>
#include <array>
#include <utility>

namespace tally {
namespace {

constexpr std::uint64_t piece_bytes{1024UL * 1024};
constexpr std::size_t deadlines_at_once{1024};

constexpr std::array<const char*, 6> step_names{"read",   "copy",   "verify",
                                                "record", "remove", "tidy"};

/// Time of a segment's first block; nothing when it has none.
Expected<std::optional<UnixMillis>, std::string> first_time(SegmentSource& source,
                                                            const SegmentInfo& info,
                                                            const Hash& chain_id) {
    SegmentReader reader{source, info, chain_id};
    const auto described = [&info](const SegmentFault& fault) {
        return info.name + " at byte " + std::to_string(fault.offset) + ": " + fault.message;
    };
    if (const auto opened = reader.open(); !opened) {
        return Unexpected{described(opened.error())};
    }
    const auto record = reader.next();
    if (!record) {
        const bool is_growing = record.error().kind == SegmentFault::Kind::torn_tail;
        if (is_growing) {
            return std::optional<UnixMillis>{};
        }
        return Unexpected{described(record.error())};
    }
    if (!*record || (*record)->kind != RecordKind::block) {
        return std::optional<UnixMillis>{};
    }
    const ByteView payload{(*record)->payload};
    const auto header = payload.size() < BlockHeader::encoded_bytes
                            ? std::nullopt
                            : BlockHeader::decode(payload.first(BlockHeader::encoded_bytes));
    if (!header) {
        return Unexpected{info.name + ": its first record is not a block"};
    }
    return std::optional{header->time};
}

Expected<BlockHeader, std::string> header_at(SegmentSource& source, const BlockPlace& place,
                                             const Hash& chain_id) {
    const SegmentInfo info{segment_name(place.segment), place.offset + place.length, place.segment};
    SegmentReader reader{source, info, chain_id};
    reader.seek(place.offset);
    const auto record = reader.next();
    const bool is_block =
        record && *record && (*record)->payload.size() >= BlockHeader::encoded_bytes;
    const auto header =
        is_block
            ? BlockHeader::decode(ByteView{(*record)->payload}.first(BlockHeader::encoded_bytes))
            : std::nullopt;
    if (!header) {
        return Unexpected{info.name + " at byte " + std::to_string(place.offset) + ": " +
                          (record ? "not a block" : record.error().message)};
    }
    return *header;
}

bool names_it(const RetentionRule& rule, UnixMillis age, std::uint64_t bytes_left) {
    const bool is_old = rule.older_than && age >= rule.older_than->count();
    const bool is_too_much = rule.keep_bytes && bytes_left > *rule.keep_bytes;
    return is_old || is_too_much;
}

ArchiveFailure failed(ArchiveStep step, const std::string& what, FileError error) {
    std::string message = what + ": " + to_text(error);
    if (error == FileError::no_space) {
        message += "; make room there: nothing was removed here, and the next run goes on";
    }
    return {step, false, std::move(message)};
}

ArchiveFailure stopped(ArchiveStep step) { return {step, true, "stopped"}; }

/// Where the closing record has to be in a file of this size.
constexpr std::uint64_t footer_record_bytes{RecordHeader::encoded_bytes +
                                            SegmentFooter::encoded_bytes};

}  // namespace

const char* to_text(ArchiveStep step) { return step_names.at(static_cast<std::size_t>(step)); }

Expected<ArchivePlan, std::string> plan_archive(const FileSystem& files,
                                                const std::string& segments_folder,
                                                const RetentionRule& rule,
                                                const ArchiveSituation& situation) {
    FolderSegmentSource source{files, segments_folder};
    const auto listed = source.list();
    if (!listed) {
        return Unexpected{listed.error().message};
    }
    const auto moved = read_archived_record(files, segments_folder);
    if (!moved) {
        return Unexpected{moved.error()};
    }
    const std::uint64_t through = *moved ? (*moved)->through : 0;
    ArchivePlan plan;
    for (const SegmentInfo& info : *listed) {
        plan.bytes_kept += info.bytes;
    }
    for (std::size_t i = 0; i + 1 < listed->size(); ++i) {
        const SegmentInfo& info = (*listed)[i];
        const SegmentInfo& next = (*listed)[i + 1];
        // What an earlier run moved and could not remove any more goes in any case.
        if (next.first_height - 1 > through) {
            const auto time = first_time(source, next, situation.chain_id);
            if (!time) {
                return Unexpected{time.error()};
            }
            if (!*time || !names_it(rule, situation.newest_time - **time, plan.bytes_kept)) {
                break;
            }
            if (next.first_height > situation.needed_from ||
                is_in_id_window(**time, situation.newest_time)) {
                ++plan.held_back;
                break;
            }
        }
        plan.segments.push_back(info);
        plan.bytes += info.bytes;
        plan.bytes_kept -= info.bytes;
    }
    return plan;
}

Expected<std::optional<std::uint64_t>, std::string> oldest_open_height(const KeyValueStore& store) {
    std::optional<std::uint64_t> oldest;
    const Bytes prefix = keys::table(Table::deadline);
    Bytes from = prefix;
    for (;;) {
        const auto entries = store.scan(prefix, from, deadlines_at_once);
        if (!entries) {
            return Unexpected{std::string{"the state store cannot be read"}};
        }
        for (const KeyValueStore::Entry& entry : *entries) {
            const std::optional<keys::Deadline> deadline = keys::decode_deadline(entry.key);
            const auto value =
                deadline ? store.get(ledger_index::transaction_key(deadline->ref))
                         : Expected<std::optional<Bytes>, StoreError>{std::optional<Bytes>{}};
            if (!value) {
                return Unexpected{std::string{"the state store cannot be read"}};
            }
            const auto location = *value ? ledger_index::decode_location(**value) : std::nullopt;
            if (location) {
                oldest = std::min(oldest.value_or(location->height), location->height);
            }
        }
        if (entries->size() < deadlines_at_once) {
            return oldest;
        }
        from = entries->back().key;
        from.push_back(0);  // the smallest key behind it
    }
}

Expected<ArchiveSituation, std::string> situation_of(const FileSystem& files,
                                                     const KeyValueStore& store,
                                                     const std::string& segments_folder) {
    const auto value = store.get(ledger_index::applied_key());
    const auto begun = store.get(ledger_index::sync_key());
    const auto applied = value && *value ? ledger_index::decode_applied(**value) : std::nullopt;
    if (!begun || *begun || !applied) {
        return Unexpected{std::string{
            "the state is empty, damaged or still being fetched; run the node first, or make it "
            "anew with `tally rebuild`"}};
    }
    ArchiveSituation situation;
    situation.chain_id = applied->chain_id;
    SegmentFolders folders{files, segments_folder};
    for (std::uint64_t height = applied->height; height > 0; --height) {
        const auto entry_bytes = store.get(ledger_index::block_key(height));
        const auto entry = entry_bytes && *entry_bytes
                               ? ledger_index::decode_block_entry(**entry_bytes)
                               : std::nullopt;
        if (!entry) {
            return Unexpected{"the state does not say where block " + std::to_string(height) +
                              " is; make it anew with `tally rebuild`"};
        }
        if (height == applied->height) {
            const auto header = header_at(folders, entry->place, applied->chain_id);
            if (!header) {
                return Unexpected{header.error()};
            }
            situation.newest_time = header->time;
        }
        if (entry->finalized) {
            situation.needed_from = height;  // receipts are proven by it
            break;
        }
    }
    const auto oldest = oldest_open_height(store);
    if (!oldest) {
        return Unexpected{oldest.error()};
    }
    situation.needed_from = std::min(situation.needed_from, oldest->value_or(UINT64_MAX));
    return situation;
}

SegmentArchiver::SegmentArchiver(FileSystem& files, std::string segments_folder,
                                 std::string archive, const Hash& chain_id)
    : m_files{files},
      m_folder{std::move(segments_folder)},
      m_archive{std::move(archive)},
      m_chain_id{chain_id} {}

std::string SegmentArchiver::target_of(const SegmentInfo& segment) const {
    return m_archive + "/" + segment.name;
}

Expected<Done, ArchiveFailure> SegmentArchiver::prepare() {
    const auto record = read_archived_record(m_files, m_folder);
    if (!record) {
        return Unexpected{ArchiveFailure{ArchiveStep::record, false, record.error()}};
    }
    if (m_archive.size() > archive_path_bytes_max || m_archive == m_folder) {
        return Unexpected{ArchiveFailure{ArchiveStep::record, false,
                                         m_archive + ": cannot be the archive of " + m_folder}};
    }
    if (const auto made = m_files.create_directories(m_archive); !made) {
        return Unexpected{failed(ArchiveStep::copy, m_archive, made.error())};
    }
    if (!*record || (*record)->folder == m_archive) {
        return Done{};
    }
    if (const auto complete = check_moved((*record)->through); !complete) {
        return complete;
    }
    ArchivedRecord changed = **record;
    changed.folder = m_archive;
    const std::string path = m_folder + "/" + archived_record_name;
    if (const auto written = m_files.write_whole(path, changed.encode()); !written) {
        return Unexpected{failed(ArchiveStep::record, path, written.error())};
    }
    return Done{};
}

/// Whether the archive folder has all blocks up to `through` that are not in the node's own.
Expected<Done, ArchiveFailure> SegmentArchiver::check_moved(std::uint64_t through) const {
    const auto incomplete = [this](const std::string& what) {
        return Unexpected{
            ArchiveFailure{ArchiveStep::record, false,
                           m_archive + " does not have all that was moved before: " + what +
                               "; copy the old archive there first, or name the old one"}};
    };
    const auto here = FolderSegmentSource{m_files, m_archive}.list();
    if (!here || here->empty()) {
        return incomplete(here ? "no segments" : here.error().message);
    }
    const auto base = read_archive_base(m_files, m_folder);
    if (!base) {
        return Unexpected{ArchiveFailure{ArchiveStep::record, false, base.error()}};
    }
    std::uint64_t next_height = *base ? (*base)->height + 1 : 1;
    for (const SegmentInfo& info : *here) {
        if (info.first_height > through) {
            break;
        }
        if (info.first_height != next_height) {
            return incomplete("block " + std::to_string(next_height) + " is missing");
        }
        const auto footer = verify(info);
        if (!footer) {
            return Unexpected{footer.error()};
        }
        next_height = footer->last_height + 1;
    }
    return next_height > through
               ? Expected<Done, ArchiveFailure>{Done{}}
               : incomplete("it ends with block " + std::to_string(next_height - 1));
}

Expected<Hash, ArchiveFailure> SegmentArchiver::hash_of(const std::string& path,
                                                        const GoOn& go_on) const {
    Sha256 hash;
    for (std::uint64_t at = 0;;) {
        if (!go_on(ArchiveStep::verify)) {
            return Unexpected{stopped(ArchiveStep::verify)};
        }
        const auto piece = m_files.read(path, at, piece_bytes);
        if (!piece) {
            return Unexpected{failed(ArchiveStep::verify, path, piece.error())};
        }
        if (piece->empty()) {
            return hash.finish();
        }
        hash.update(*piece);
        at += piece->size();
    }
}

Expected<Bytes, ArchiveFailure> SegmentArchiver::read_original(const SegmentInfo& segment,
                                                               const GoOn& go_on) const {
    const std::string path = m_folder + "/" + segment.name;
    Bytes whole;
    while (whole.size() < segment.bytes) {
        if (!go_on(ArchiveStep::read)) {
            return Unexpected{stopped(ArchiveStep::read)};
        }
        const auto piece =
            m_files.read(path, whole.size(), std::min(piece_bytes, segment.bytes - whole.size()));
        if (!piece || piece->empty()) {
            return Unexpected{
                failed(ArchiveStep::read, path, piece ? FileError::io_error : piece.error())};
        }
        append(whole, *piece);
    }
    return whole;
}

/// Every record of the copy in the archive.
Expected<SegmentFooter, ArchiveFailure> SegmentArchiver::verify(const SegmentInfo& segment) const {
    const auto wrong = [&](std::uint64_t offset, const std::string& what) {
        return Unexpected{ArchiveFailure{ArchiveStep::verify, false,
                                         target_of(segment) + " at byte " + std::to_string(offset) +
                                             ": " + what +
                                             "; remove this file if it is not wanted"}};
    };
    FolderSegmentSource source{m_files, m_archive};
    SegmentReader reader{source, segment, m_chain_id};
    if (const auto opened = reader.open(); !opened) {
        return wrong(opened.error().offset, opened.error().message);
    }
    for (;;) {
        const auto record = reader.next();
        if (!record) {
            return wrong(record.error().offset, record.error().message);
        }
        if (!*record) {
            return wrong(segment.bytes, "the segment is not closed");
        }
        if ((*record)->kind != RecordKind::footer) {
            continue;
        }
        const auto footer = SegmentFooter::decode((*record)->payload);
        const bool is_last = (*record)->offset + footer_record_bytes == segment.bytes;
        if (!footer || !is_last) {
            return wrong((*record)->offset, "the closing record is not right");
        }
        return *footer;
    }
}

Expected<Done, ArchiveFailure> SegmentArchiver::let_go(const SegmentInfo& segment,
                                                       const SegmentFooter& footer,
                                                       const GoOn& go_on) {
    const std::string record_path = m_folder + "/" + archived_record_name;
    const auto before = read_archived_record(m_files, m_folder);
    if (!before) {
        return Unexpected{ArchiveFailure{ArchiveStep::record, false, before.error()}};
    }
    if (!go_on(ArchiveStep::record)) {
        return Unexpected{stopped(ArchiveStep::record)};
    }
    if (!*before || (*before)->through < footer.last_height) {
        const ArchivedRecord record{footer.last_height, footer.last_digest, m_archive};
        if (const auto written = m_files.write_whole(record_path, record.encode()); !written) {
            return Unexpected{failed(ArchiveStep::record, record_path, written.error())};
        }
    }
    if (!go_on(ArchiveStep::remove)) {
        return Unexpected{stopped(ArchiveStep::remove)};
    }
    const std::string original = m_folder + "/" + segment.name;
    if (const auto removed = m_files.remove(original); !removed) {
        return Unexpected{failed(ArchiveStep::remove, original, removed.error())};
    }
    if (!go_on(ArchiveStep::tidy)) {
        return Unexpected{stopped(ArchiveStep::tidy)};
    }
    if (const auto synced = m_files.sync_folder(m_folder); !synced) {
        return Unexpected{failed(ArchiveStep::tidy, m_folder, synced.error())};
    }
    return Done{};
}

Expected<Done, ArchiveFailure> SegmentArchiver::move(const SegmentInfo& segment,
                                                     const GoOn& go_on) {
    const std::string target = target_of(segment);
    const bool is_there = m_files.size(target).has_value();
    const auto original = read_original(segment, go_on);
    if (!original) {
        return Unexpected{original.error()};
    }
    if (!go_on(ArchiveStep::copy)) {
        return Unexpected{stopped(ArchiveStep::copy)};
    }
    if (!is_there) {
        if (const auto written = m_files.write_whole(target, *original); !written) {
            return Unexpected{failed(ArchiveStep::copy, target, written.error())};
        }
    } else if (const auto synced = m_files.sync_folder(m_archive); !synced) {
        // A run before this one may have been cut off between giving the name and syncing it.
        return Unexpected{failed(ArchiveStep::copy, m_archive, synced.error())};
    }
    const auto copied = hash_of(target, go_on);
    if (!copied) {
        return Unexpected{copied.error()};
    }
    if (*copied != sha256(*original)) {
        return Unexpected{ArchiveFailure{
            ArchiveStep::verify, false,
            target + (is_there
                          ? ": another file of this name is there; every node needs an archive "
                            "folder of its own"
                          : ": what is read back is not what was written; the original stays. "
                            "Check that disk, remove the file and run this again")}};
    }
    const auto footer = verify(segment);
    return footer ? let_go(segment, *footer, go_on) : Unexpected{footer.error()};
}

}  // namespace tally
