#pragma once

// Inside of the journal; only its .cpp files include this.

#include "consensus/journal/journal.h"
#include "consensus/journal/records.h"

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace tally::consensus {

[[nodiscard]] std::string slots_path(const std::string& folder);
[[nodiscard]] std::string file_path(const std::string& folder, std::uint64_t number);
[[nodiscard]] Unexpected<JournalError> journal_error(JournalError::Kind kind, std::string message);
[[nodiscard]] SafetyRecord empty_record(std::uint64_t epoch);
/// Both slots of the safety record file with the same content.
[[nodiscard]] Bytes two_slots(const SafetySlot& slot);

class Journal::Impl {
public:
    Impl(FileSystem& files, std::string folder, JournalOptions options)
        : m_files{files}, m_folder{std::move(folder)}, m_options{std::move(options)} {}

    Expected<Done, JournalError> open();
    Expected<Done, JournalError> open_without_record();
    void begin_epoch(std::uint64_t epoch, bool with_record);
    void forget_record();
    void append(RecordType type, ByteView payload);
    void append_safety(const SafetyRecord& record);
    bool append_evidence(const Evidence& added);
    void sync();
    void compact(const JournalState& live);

    JournalState recovered;
    SafetyRecord safety;
    EvidenceList evidence;
    bool has_record{true};
    bool failed{false};
    bool dirty{false};
    [[nodiscard]] std::uint64_t file_bytes() const { return m_file ? m_file->size() : 0; }
    [[nodiscard]] bool wants_compaction() const {
        return !failed && file_bytes() > m_compact_above;
    }

private:
    Expected<Done, JournalError> read_slots();
    Expected<std::vector<std::uint64_t>, JournalError> list_files() const;
    Expected<std::vector<std::uint64_t>, JournalError> find_files() const;
    Expected<Done, JournalError> drop_other_epochs(std::vector<std::uint64_t>& numbers) const;
    Expected<Done, JournalError> read_file(std::uint64_t number, bool is_last);
    Expected<Done, JournalError> keep(std::uint64_t number, const RecordView& record);
    [[nodiscard]] bool start_file(std::uint64_t number);
    void append_all_evidence();
    void remove_older();
    [[nodiscard]] bool write_slot();
    void fail(const std::string& what);

    FileSystem& m_files;
    std::string m_folder;
    JournalOptions m_options;
    std::unique_ptr<AppendFile> m_file;
    std::uint64_t m_number{0};
    std::vector<std::uint64_t> m_older;  ///< files before the current one
    SafetySlot m_slot;                   ///< newest on disk
    std::size_t m_slot_index{0};         ///< where it is
    bool m_slot_is_old{false};
    std::uint64_t m_compact_above{0};
};

}  // namespace tally::consensus
