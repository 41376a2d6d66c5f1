// What a start finds on disk.

#include "consensus/journal/journal_impl.h"
#include "consensus/planted_bug.h"
#include "ledger/base/check.h"

#include <algorithm>
#include <optional>
#include <tuple>
#include <utility>

namespace tally::consensus {
namespace {

constexpr std::string_view file_prefix{"journal-"};
constexpr std::size_t number_digits{16};

std::optional<std::uint64_t> number_of(const std::string& name) {
    if (name.size() != file_prefix.size() + number_digits ||
        name.compare(0, file_prefix.size(), file_prefix) != 0) {
        return std::nullopt;
    }
    const std::optional<Bytes> bytes = from_hex(std::string_view{name}.substr(file_prefix.size()));
    if (!bytes) {
        return std::nullopt;
    }
    std::uint64_t number{0};
    for (const std::uint8_t byte : *bytes) {
        number = number << 8 | byte;
    }
    return number;
}

Unexpected<JournalError> corrupted(const std::string& what) {
    return journal_error(JournalError::Kind::corrupted,
                         what + "; this validator must not vote with it before the next epoch");
}

bool is_newer(const SafetySlot& a, const SafetySlot& b) {
    return std::tuple{a.record.epoch, !a.has_record, a.record.sequence, a.journal_file,
                      a.journal_bytes} > std::tuple{b.record.epoch, !b.has_record,
                                                    b.record.sequence, b.journal_file,
                                                    b.journal_bytes};
}

}  // namespace

std::string slots_path(const std::string& folder) { return folder + "/safety_record"; }

std::string file_path(const std::string& folder, std::uint64_t number) {
    constexpr std::string_view digits{"0123456789abcdef"};
    std::string name(number_digits, '0');
    for (std::size_t i = 0; i < number_digits; ++i) {
        name[number_digits - 1 - i] = digits[number >> (4 * i) & 0xf];
    }
    return folder + "/" + std::string{file_prefix} + name;
}

Unexpected<JournalError> journal_error(JournalError::Kind kind, std::string message) {
    return Unexpected{JournalError{kind, std::move(message)}};
}

Bytes two_slots(const SafetySlot& slot) {
    Bytes bytes(2 * slot_stride);
    const Bytes encoded = encode_slot(slot);
    std::copy(encoded.begin(), encoded.end(), bytes.begin());
    std::copy(encoded.begin(), encoded.end(), bytes.begin() + slot_stride);
    return bytes;
}

SafetyRecord empty_record(std::uint64_t epoch) {
    SafetyRecord record;
    record.epoch = epoch;
    return record;
}

Expected<Done, JournalError> Journal::Impl::read_slots() {
    const auto bytes = m_files.read(slots_path(m_folder), 0, 2 * slot_stride);
    if (!bytes && bytes.error() == FileError::not_found) {
        return journal_error(JournalError::Kind::not_initialized,
                             slots_path(m_folder) +
                                 " does not exist; only `tallyd init` makes a safety record, and a "
                                 "validator that lost its own must not get an empty one");
    }
    if (!bytes) {
        return journal_error(JournalError::Kind::io_error, "cannot read " + slots_path(m_folder));
    }
    std::optional<SafetySlot> newest;
    for (std::size_t index = 0; index < 2; ++index) {
        if (bytes->size() < index * slot_stride + slot_bytes) {
            continue;
        }
        const auto slot = decode_slot(ByteView{*bytes}.subspan(index * slot_stride, slot_bytes));
        const bool is_better =
            slot && (!newest || is_newer(*slot, *newest) != planted(PlantedBug::older_slot_wins));
        if (is_better) {
            newest = slot;
            m_slot_index = index;
        }
    }
    if (!newest) {
        return corrupted("both slots of " + slots_path(m_folder) + " are damaged");
    }
    if (!newest->has_record) {
        return journal_error(JournalError::Kind::record_lost,
                             slots_path(m_folder) + " says that the record of epoch " +
                                 std::to_string(newest->record.epoch) +
                                 " is lost; this validator votes again in a later epoch");
    }
    m_slot = *newest;
    safety = newest->record;
    return Done{};
}

Expected<std::vector<std::uint64_t>, JournalError> Journal::Impl::list_files() const {
    const auto names = m_files.list(m_folder);
    if (!names) {
        return journal_error(JournalError::Kind::io_error, "cannot list " + m_folder);
    }
    std::vector<std::uint64_t> numbers;
    for (const std::string& name : *names) {
        if (const auto number = number_of(name)) {
            numbers.push_back(*number);
        }
    }
    std::sort(numbers.begin(), numbers.end());
    return numbers;
}

/// The files of the record's epoch, oldest first; the newest may have been started only just.
Expected<std::vector<std::uint64_t>, JournalError> Journal::Impl::find_files() const {
    auto numbers = list_files();
    if (!numbers) {
        return numbers;
    }
    if (auto dropped = drop_other_epochs(*numbers); !dropped) {
        return Unexpected{dropped.error()};
    }
    if (numbers->empty() || numbers->back() < m_slot.journal_file) {
        return corrupted(file_path(m_folder, m_slot.journal_file) + " is missing");
    }
    // A newest file without a whole header was being started when the process died.
    const std::string newest = file_path(m_folder, numbers->back());
    const auto head = m_files.read(newest, 0, journal_header_bytes);
    if (head && !decode_journal_header(*head, numbers->back()) &&
        numbers->back() > m_slot.journal_file && numbers->size() > 1) {
        if (!m_files.remove(newest)) {
            return journal_error(JournalError::Kind::io_error, "cannot remove " + newest);
        }
        numbers->pop_back();
    }
    return numbers;
}

/// `begin_epoch` died before its record was written (a file of a later epoch: nothing was signed in
/// that epoch yet) or before it had removed what is older.
Expected<Done, JournalError> Journal::Impl::drop_other_epochs(
    std::vector<std::uint64_t>& numbers) const {
    std::vector<std::uint64_t> kept;
    for (const std::uint64_t number : numbers) {
        const std::string path = file_path(m_folder, number);
        const auto head = m_files.read(path, 0, journal_header_bytes);
        const auto epoch = head ? decode_journal_header(*head, number) : std::nullopt;
        const bool is_later = epoch && *epoch > m_slot.record.epoch && number > m_slot.journal_file;
        const bool is_older = epoch && *epoch < m_slot.record.epoch && number < m_slot.journal_file;
        if (!is_later && !is_older) {
            kept.push_back(number);
        } else if (!m_files.remove(path)) {
            return journal_error(JournalError::Kind::io_error, "cannot remove " + path);
        }
    }
    numbers = std::move(kept);
    return Done{};
}

Expected<Done, JournalError> Journal::Impl::keep(std::uint64_t number, const RecordView& record) {
    const std::string where = "a record in " + file_path(m_folder, number);
    switch (record.type) {
        case RecordType::safety: {
            const auto found = SafetyRecord::decode(record.payload);
            if (!found || found->epoch != m_slot.record.epoch) {
                return corrupted(where + " is not a safety record of this epoch");
            }
            if (found->sequence > recovered.safety.sequence) {
                recovered.safety = *found;
            }
            break;
        }
        case RecordType::block: {
            auto block = decode_block_payload(record.payload);
            if (!block) {
                return corrupted(where + " is not a block");
            }
            recovered.blocks.push_back(std::move(*block));
            break;
        }
        case RecordType::certificate: {
            auto certificate = QuorumCertificate::decode(record.payload);
            if (!certificate) {
                return corrupted(where + " is not a certificate");
            }
            recovered.certificates.push_back(std::move(*certificate));
            break;
        }
        case RecordType::own_proposal:
            recovered.own_proposal.assign(record.payload.begin(), record.payload.end());
            break;
        case RecordType::evidence: {
            const auto found = decode_evidence(record.payload);
            if (!found) {
                return corrupted(where + " is not evidence");
            }
            evidence.add(*found);
            break;
        }
    }
    return Done{};
}

/// What was synced (the slot tells how much, older files wholly) must be right; what comes after
/// may be torn and is cut off.
Expected<Done, JournalError> Journal::Impl::read_file(std::uint64_t number, bool is_last) {
    const std::string path = file_path(m_folder, number);
    const auto size = m_files.size(path);
    const auto bytes = m_files.read(path, 0, size ? *size : 0);
    if (!size || !bytes) {
        return journal_error(JournalError::Kind::io_error, "cannot read " + path);
    }
    const auto epoch = decode_journal_header(*bytes, number);
    if (!epoch || *epoch != m_slot.record.epoch) {
        return corrupted(path + " has a damaged header");
    }
    std::size_t offset{journal_header_bytes};
    while (const auto record = decode_record(*bytes, number, offset)) {
        if (auto kept = keep(number, *record); !kept) {
            return kept;
        }
        offset += record->size;
    }
    const std::uint64_t synced = number == m_slot.journal_file ? m_slot.journal_bytes : 0;
    if ((offset < synced || (!is_last && offset != bytes->size())) &&
        !planted(PlantedBug::damaged_journal_accepted)) {
        return corrupted(path + " is damaged at byte " + std::to_string(offset));
    }
    if (offset < bytes->size() && !m_files.truncate(path, offset)) {
        return journal_error(JournalError::Kind::io_error, "cannot truncate " + path);
    }
    return Done{};
}

Expected<Done, JournalError> Journal::Impl::open() {
    if (auto slots = read_slots(); !slots) {
        return slots;
    }
    auto numbers = find_files();
    if (!numbers) {
        return Unexpected{numbers.error()};
    }
    for (const std::uint64_t number : *numbers) {
        if (auto read = read_file(number, number == numbers->back()); !read) {
            return read;
        }
    }
    if (recovered.safety.sequence < m_slot.record.sequence &&
        !planted(PlantedBug::damaged_journal_accepted)) {
        return corrupted("the journal in " + m_folder + " is older than its safety record");
    }
    // The last record may be newer than the slot when the process died in between.
    recovered.safety.epoch = m_slot.record.epoch;
    safety = planted(PlantedBug::older_slot_wins) ? m_slot.record : recovered.safety;
    m_number = numbers->back();
    m_older.assign(numbers->begin(), numbers->end() - 1);
    // A process that was killed may have left the newest file's name, or its content, only in the
    // page cache; the slot must not point at it before both are durable.
    auto file = m_files.open_append(file_path(m_folder, m_number));
    if (!file || !(*file)->sync() || !m_files.sync_folder(m_folder)) {
        return journal_error(JournalError::Kind::io_error,
                             "cannot open the newest file in " + m_folder);
    }
    m_file = std::move(*file);
    m_compact_above = m_options.rotate_bytes;
    if (!write_slot()) {
        return journal_error(JournalError::Kind::io_error, "cannot write " + slots_path(m_folder));
    }
    return Done{};
}

/// The mark comes first: whatever happens then, the next `open` finds no record.
Expected<Done, JournalError> Journal::Impl::open_without_record() {
    const auto failure = [this] {
        return journal_error(JournalError::Kind::io_error, "cannot write into " + m_folder);
    };
    has_record = false;
    auto numbers = m_files.create_directories(m_folder)
                       ? list_files()
                       : Expected<std::vector<std::uint64_t>, JournalError>{failure()};
    if (!numbers) {
        return Unexpected{numbers.error()};
    }
    const std::uint64_t number = numbers->empty() ? 1 : numbers->back() + 1;
    m_slot = {number, 0, false, safety};
    if (!m_files.write_whole(slots_path(m_folder), two_slots(m_slot))) {
        return failure();
    }
    auto file = m_files.open_append(file_path(m_folder, number));
    if (!file || !(*file)->append(encode_journal_header(safety.epoch, number)) ||
        !(*file)->sync() || !m_files.sync_folder(m_folder)) {
        return failure();
    }
    m_file = std::move(*file);
    m_number = number;
    m_older = std::move(*numbers);
    m_compact_above = m_options.rotate_bytes;
    remove_older();
    return failed ? Expected<Done, JournalError>{failure()} : Done{};
}

}  // namespace tally::consensus
