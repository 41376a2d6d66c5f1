#include "ledger/model/wire_check.h"

#include "ledger/base/check.h"

#include <google/protobuf/descriptor.h>

#include <algorithm>
#include <limits>
#include <vector>

namespace tally {

namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;

constexpr std::size_t varint_bytes_max{10};
constexpr std::uint32_t wire_varint{0};
constexpr std::uint32_t wire_length_delimited{2};
constexpr int field_number_max{63};

/// A message that is being walked, and which of its fields were seen.
struct Frame {
    const Descriptor* type;
    std::size_t end;
    std::uint64_t seen;
};

/// Walks with a stack of its own: the depth of hostile input is not the depth of ours.
class Walk {
public:
    Walk(const Descriptor& type, ByteView bytes)
        : m_bytes{bytes}, m_frames{Frame{&type, bytes.size(), 0}} {}

    std::optional<WireError> run() {
        while (!m_frames.empty()) {
            if (m_position == m_frames.back().end) {
                m_frames.pop_back();
            } else if (const auto error = field()) {
                return error;
            }
        }
        return std::nullopt;
    }

private:
    std::optional<WireError> field() {
        const std::optional<std::uint64_t> key = varint();
        if (!key || *key > std::numeric_limits<std::uint32_t>::max() || (*key >> 3U) == 0) {
            return WireError::malformed;
        }
        const auto number = static_cast<int>(*key >> 3U);
        const FieldDescriptor* field = m_frames.back().type->FindFieldByNumber(number);
        if (field == nullptr) {
            return WireError::unknown_field;
        }
        if (!mark_seen(*field)) {
            return WireError::malformed;
        }
        const auto wire_type = static_cast<std::uint32_t>(*key & 7U);
        return is_length_delimited(*field) ? contents(*field, wire_type)
                                           : number_value(*field, wire_type);
    }

    static bool is_length_delimited(const FieldDescriptor& field) {
        const FieldDescriptor::CppType type = field.cpp_type();
        return type == FieldDescriptor::CPPTYPE_MESSAGE || type == FieldDescriptor::CPPTYPE_STRING;
    }

    /// False when a singular field, or another member of its oneof, was there before.
    bool mark_seen(const FieldDescriptor& field) {
        ENSURE(field.number() <= field_number_max);
        if (field.is_repeated()) {
            return true;
        }
        std::uint64_t rivals = bit_of(field);
        if (const auto* oneof = field.containing_oneof()) {
            for (int i = 0; i < oneof->field_count(); ++i) {
                rivals |= bit_of(*oneof->field(i));
            }
        }
        std::uint64_t& seen = m_frames.back().seen;
        const bool first = (seen & rivals) == 0;
        seen |= bit_of(field);
        return first;
    }

    static std::uint64_t bit_of(const FieldDescriptor& field) {
        return std::uint64_t{1} << static_cast<unsigned>(field.number());
    }

    std::optional<WireError> number_value(const FieldDescriptor& field, std::uint32_t wire_type) {
        ENSURE(!field.is_repeated());
        const std::optional<std::uint64_t> value =
            wire_type == wire_varint ? varint() : std::nullopt;
        if (!value) {
            return WireError::malformed;
        }
        if (field.cpp_type() == FieldDescriptor::CPPTYPE_ENUM &&
            *value > static_cast<std::uint64_t>(std::numeric_limits<std::int32_t>::max())) {
            return WireError::unknown_enum;
        }
        return *value > largest(field) ? std::optional{WireError::malformed} : std::nullopt;
    }

    static std::uint64_t largest(const FieldDescriptor& field) {
        if (field.type() == FieldDescriptor::TYPE_BOOL) {
            return 1;
        }
        const bool is_wide = field.type() == FieldDescriptor::TYPE_INT64 ||
                             field.type() == FieldDescriptor::TYPE_UINT64 ||
                             field.type() == FieldDescriptor::TYPE_SINT64;
        return is_wide ? std::numeric_limits<std::uint64_t>::max()
                       : std::numeric_limits<std::uint32_t>::max();
    }

    std::optional<WireError> contents(const FieldDescriptor& field, std::uint32_t wire_type) {
        const std::optional<std::uint64_t> length =
            wire_type == wire_length_delimited ? varint() : std::nullopt;
        if (!length || *length > m_frames.back().end - m_position) {
            return WireError::malformed;
        }
        const auto size = static_cast<std::size_t>(*length);
        if (field.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
            m_frames.push_back({field.message_type(), m_position + size, 0});
            return std::nullopt;
        }
        const ByteView value = m_bytes.subspan(m_position, size);
        m_position += size;
        const bool is_text = field.type() == FieldDescriptor::TYPE_STRING;
        const bool is_ascii = std::all_of(value.begin(), value.end(),
                                          [](std::uint8_t octet) { return octet < 0x80; });
        return is_text && !is_ascii ? std::optional{WireError::malformed} : std::nullopt;
    }

    /// Nothing when it is cut off, longer than needed or does not fit 64 bits.
    std::optional<std::uint64_t> varint() {
        std::uint64_t value{0};
        for (std::size_t i = 0; i < varint_bytes_max; ++i) {
            if (m_position == m_frames.back().end) {
                return std::nullopt;
            }
            const std::uint8_t octet = m_bytes[m_position++];
            value |= std::uint64_t{octet & 0x7fU} << (7 * i);
            if (octet < 0x80) {
                const bool is_padded = octet == 0 && i > 0;
                const bool is_too_wide = i == varint_bytes_max - 1 && octet > 1;
                return is_padded || is_too_wide ? std::nullopt : std::optional{value};
            }
        }
        return std::nullopt;
    }

    ByteView m_bytes;
    std::size_t m_position{0};
    std::vector<Frame> m_frames;
};

}  // namespace

std::optional<WireError> check_wire(const Descriptor& type, ByteView bytes) {
    return Walk{type, bytes}.run();
}

}  // namespace tally
