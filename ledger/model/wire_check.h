#pragma once

#include "ledger/base/bytes.h"

#include <cstdint>
#include <optional>

namespace google::protobuf {
class Descriptor;
}

namespace tally {

/// Why bytes are not a message in the strict form.
enum class WireError : std::uint8_t {
    malformed,      ///< not protobuf, a second value for one field, a varint longer than needed
    unknown_field,  ///< a field number that the type does not have, at any depth
    unknown_enum,   ///< an enum value above 2^31 - 1
};

/// Protobuf as a parser takes it is too loose for a ledger: parsers skip what they do not know, let
/// a later value replace an earlier one and cut numbers to their width, and not all in the same
/// way. This walks the bytes by `type` and accepts only what every parser reads alike: known fields
/// of the right wire type, each singular field and each oneof at most once, shortest varints within
/// the width of their type, texts in ASCII. Order of fields and explicit zeros are free.
/// Types with maps, groups, fixed-width or repeated numbers, or numbers above 63 are not supported.
[[nodiscard]] std::optional<WireError> check_wire(const google::protobuf::Descriptor& type,
                                                  ByteView bytes);

}  // namespace tally
