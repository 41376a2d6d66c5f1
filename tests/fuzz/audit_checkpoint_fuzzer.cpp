// A checkpoint of an audit from any bytes: decoding ends, and what it takes is encoded again.

#include "ledger/audit/checkpoint.h"
#include "ledger/base/check.h"

#include <cstddef>
#include <cstdint>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (const auto checkpoint = tally::decode_audit_checkpoint({data, size})) {
        ENSURE(tally::decode_audit_checkpoint(encode(*checkpoint)).has_value());
    }
    return 0;
}
