#include "charger_bridge/session/station_marks.h"

#include <utility>

namespace tally::bridge {

namespace {

Bytes mark_key(const std::string& station) {
    return std::move(Encoder{}.u8(StationMarks::key_prefix).raw(as_bytes(station))).take();
}

}  // namespace

bool StationMarks::load(ByteView key, ByteView value) {
    Decoder decoder{value};
    StationMark mark;
    mark.reason = decoder.text(reason_bytes_max);
    mark.transaction = decoder.i32();
    mark.since = decoder.i64();
    if (!decoder.finished() || key.size() < 2) {
        return false;
    }
    m_marks[std::string{as_text(key.subspan(1))}] = std::move(mark);
    return true;
}

bool StationMarks::set(const std::string& station, const StationMark& mark, WriteBatch& batch) {
    if (!m_marks.emplace(station, mark).second) {
        return false;
    }
    batch.put(mark_key(station),
              std::move(Encoder{}.text(mark.reason).i32(mark.transaction).i64(mark.since)).take());
    return true;
}

bool StationMarks::clear(const std::string& station, WriteBatch& batch) {
    if (m_marks.erase(station) == 0) {
        return false;
    }
    batch.erase(mark_key(station));
    return true;
}

const StationMark* StationMarks::find(const std::string& station) const {
    const auto found = m_marks.find(station);
    return found != m_marks.end() ? &found->second : nullptr;
}

}  // namespace tally::bridge
