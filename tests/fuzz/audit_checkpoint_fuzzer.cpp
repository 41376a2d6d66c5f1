// A checkpoint of an audit from any bytes: decoding ends, what it takes is encoded again, its books
// are read, and its state is one that can be gone on from or refused.

#include "ledger/audit/checkpoint.h"
#include "ledger/audit/checkpoint_state.h"
#include "ledger/audit/correction_book.h"
#include "ledger/audit/meter_book.h"
#include "ledger/base/check.h"

#include <cstddef>
#include <cstdint>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (const auto checkpoint = tally::decode_audit_checkpoint({data, size})) {
        ENSURE(tally::decode_audit_checkpoint(encode(*checkpoint)).has_value());
        static_cast<void>(tally::restore_state(checkpoint->state));
        tally::Decoder books{checkpoint->books};
        tally::CorrectionBook{}.decode_ended(books);
        tally::MeterBook{}.decode(books);
    }
    return 0;
}
