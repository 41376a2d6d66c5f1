#include "consensus/journal/journal.h"

#include "consensus/journal/journal_impl.h"
#include "consensus/planted_bug.h"
#include "ledger/base/check.h"

#include <algorithm>
#include <utility>

namespace tally::consensus {

/// Until the new slot is written, the old epoch's record is the one that counts; nothing can have
/// been signed in the new epoch by then.
void Journal::Impl::begin_epoch(std::uint64_t epoch, bool with_record) {
    sync();
    if (failed) {
        return;
    }
    ENSURE(epoch > safety.epoch);
    safety = empty_record(epoch);
    recovered = {};
    if (!start_file(m_number + 1)) {
        fail("cannot start " + file_path(m_folder, m_number + 1));
        return;
    }
    append_all_evidence();
    if (failed) {
        return;
    }
    if (!m_file->sync() || !m_files.sync_folder(m_folder)) {
        fail("cannot sync " + file_path(m_folder, m_number));
        return;
    }
    if (planted(PlantedBug::epoch_before_record)) {
        remove_older();
    }
    has_record = with_record;
    if (!write_slot()) {
        fail("cannot write " + slots_path(m_folder));
        return;
    }
    dirty = false;
    m_compact_above = m_options.rotate_bytes;
    remove_older();
}

/// Into both slots: an older record must not come back when one of them is damaged.
void Journal::Impl::forget_record() {
    if (failed || !has_record) {
        return;
    }
    has_record = false;
    safety = empty_record(safety.epoch);
    if (!write_slot() || !write_slot()) {
        fail("cannot write " + slots_path(m_folder));
    }
}

void Journal::Impl::fail(const std::string& what) {
    if (!std::exchange(failed, true) && m_options.fatal) {
        m_options.fatal("consensus journal: " + what);
    }
}

void Journal::Impl::append(RecordType type, ByteView payload) {
    if (failed) {
        return;
    }
    if (!m_file->append(encode_record(m_number, m_file->size(), type, payload))) {
        fail("cannot append to " + file_path(m_folder, m_number));
        return;
    }
    dirty = true;
}

void Journal::Impl::append_safety(const SafetyRecord& record) {
    ENSURE(has_record && record.epoch == safety.epoch && record.sequence == safety.sequence + 1);
    safety = record;
    m_slot_is_old = true;
    append(RecordType::safety, record.encode());
}

bool Journal::Impl::append_evidence(const Evidence& added) {
    if (failed || !evidence.add(added)) {
        return false;
    }
    append(RecordType::evidence, encode_evidence(added));
    return !failed;
}

void Journal::Impl::append_all_evidence() {
    for (const Evidence& kept : evidence.all()) {
        append(RecordType::evidence, encode_evidence(kept));
    }
}

/// Into the slot that does not hold the newest record.
bool Journal::Impl::write_slot() {
    const SafetySlot slot{m_number, m_file->size(), has_record, safety};
    const std::size_t index = 1 - m_slot_index;
    if (!m_files.write_at(slots_path(m_folder), index * slot_stride, encode_slot(slot))) {
        return false;
    }
    m_slot = slot;
    m_slot_index = index;
    m_slot_is_old = false;
    return true;
}

void Journal::Impl::sync() {
    if (failed || !dirty) {
        return;
    }
    if (!m_file->sync()) {
        fail("cannot sync " + file_path(m_folder, m_number));
        return;
    }
    if (m_slot_is_old && !write_slot()) {
        fail("cannot write " + slots_path(m_folder));
        return;
    }
    dirty = false;
}

bool Journal::Impl::start_file(std::uint64_t number) {
    auto file = m_files.open_append(file_path(m_folder, number));
    if (!file || !(*file)->append(encode_journal_header(safety.epoch, number))) {
        return false;
    }
    m_older.push_back(m_number);
    m_file = std::move(*file);
    m_number = number;
    return true;
}

void Journal::Impl::compact(const JournalState& live) {
    sync();
    if (failed) {
        return;
    }
    if (!start_file(m_number + 1)) {
        fail("cannot start " + file_path(m_folder, m_number + 1));
        return;
    }
    if (safety.sequence != 0) {
        append(RecordType::safety, safety.encode());
    }
    for (const JournalBlock& block : live.blocks) {
        append(RecordType::block, encode_block_payload(block));
    }
    for (const QuorumCertificate& certificate : live.certificates) {
        append(RecordType::certificate, certificate.encode());
    }
    if (!live.own_proposal.empty()) {
        append(RecordType::own_proposal, live.own_proposal);
    }
    append_all_evidence();
    if (failed) {
        return;
    }
    if (!m_file->sync() || !m_files.sync_folder(m_folder) || !write_slot()) {
        fail("cannot sync " + file_path(m_folder, m_number));
        return;
    }
    dirty = false;
    remove_older();
    m_compact_above = std::max(m_options.rotate_bytes, 2 * m_file->size());
}

void Journal::Impl::remove_older() {
    for (const std::uint64_t number : std::exchange(m_older, {})) {
        if (!m_files.remove(file_path(m_folder, number))) {
            fail("cannot remove " + file_path(m_folder, number));
            return;
        }
    }
}

Journal::Journal(std::unique_ptr<Impl> impl) : m_impl{std::move(impl)} {}
Journal::~Journal() = default;

Expected<Done, JournalError> Journal::create(FileSystem& files, const std::string& folder,
                                             std::uint64_t epoch) {
    const auto failure = [&folder] {
        return journal_error(JournalError::Kind::io_error, "cannot write into " + folder);
    };
    if (!files.create_directories(folder)) {
        return failure();
    }
    const auto size = files.size(slots_path(folder));
    if (size) {
        return journal_error(JournalError::Kind::already_exists,
                             slots_path(folder) +
                                 " exists; a second, empty safety record would let this "
                                 "validator contradict itself");
    }
    if (size.error() != FileError::not_found) {
        return failure();
    }
    SafetySlot slot;
    slot.journal_file = 1;
    slot.journal_bytes = journal_header_bytes;
    slot.record.epoch = epoch;
    if (!files.write_whole(file_path(folder, 1), encode_journal_header(epoch, 1)) ||
        !files.write_whole(slots_path(folder), two_slots(slot))) {
        return failure();
    }
    return Done{};
}

Expected<std::unique_ptr<Journal>, JournalError> Journal::open(FileSystem& files,
                                                               const std::string& folder,
                                                               JournalOptions options) {
    auto impl = std::make_unique<Impl>(files, folder, std::move(options));
    if (auto opened = impl->open(); !opened) {
        return Unexpected{opened.error()};
    }
    return std::unique_ptr<Journal>{new Journal{std::move(impl)}};
}

Expected<std::unique_ptr<Journal>, JournalError> Journal::open_without_record(
    FileSystem& files, const std::string& folder, JournalOptions options) {
    auto impl = std::make_unique<Impl>(files, folder, std::move(options));
    if (auto opened = impl->open_without_record(); !opened) {
        return Unexpected{opened.error()};
    }
    return std::unique_ptr<Journal>{new Journal{std::move(impl)}};
}

JournalState Journal::take_recovered() { return std::exchange(m_impl->recovered, {}); }
const SafetyRecord& Journal::safety() const { return m_impl->safety; }

std::uint64_t Journal::epoch() const { return m_impl->safety.epoch; }
bool Journal::has_record() const { return m_impl->has_record; }
void Journal::begin_epoch(std::uint64_t epoch, bool with_record) {
    m_impl->begin_epoch(epoch, with_record);
}
void Journal::forget_record() { m_impl->forget_record(); }

void Journal::append_block(const JournalBlock& block) {
    m_impl->append(RecordType::block, encode_block_payload(block));
}
void Journal::append_certificate(const QuorumCertificate& certificate) {
    m_impl->append(RecordType::certificate, certificate.encode());
}
void Journal::append_own_proposal(ByteView encoded) {
    m_impl->append(RecordType::own_proposal, encoded);
}
bool Journal::append_evidence(const Evidence& evidence) {
    return m_impl->append_evidence(evidence);
}
const EvidenceList& Journal::evidence() const { return m_impl->evidence; }
void Journal::append_safety(const SafetyRecord& record) { m_impl->append_safety(record); }
void Journal::sync() { m_impl->sync(); }
bool Journal::is_synced() const { return !m_impl->failed && !m_impl->dirty; }
bool Journal::has_failed() const { return m_impl->failed; }
bool Journal::wants_compaction() const { return m_impl->wants_compaction(); }
void Journal::compact(const JournalState& live) { m_impl->compact(live); }
std::uint64_t Journal::file_bytes() const { return m_impl->file_bytes(); }

}  // namespace tally::consensus
