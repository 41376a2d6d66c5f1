// Any text as a signed meter record: no trap, what is read is a piece of the text, and no text has
// a right signature by chance.

#include "charger_bridge/ocmf/billing.h"
#include "charger_bridge/ocmf/find_records.h"
#include "charger_bridge/ocmf/verify.h"
#include "ledger/base/check.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace tally::bridge;
    const std::string_view text = tally::as_text({data, size});
    static_cast<void>(find_ocmf(text));
    const auto record = parse_ocmf(text);
    if (!record) {
        ENSURE(!record.error().empty());
        return 0;
    }
    ENSURE(text.find(record->payload) != std::string_view::npos);
    ENSURE(record->readings.size() <= ocmf_readings_max);
    const Billing billing = check_billing(*record, &*record);
    ENSURE(!billing.is_billable());  // a record's page never follows itself
    static_cast<void>(check_billing(*record, nullptr));
    static const MeterKey key =
        *meter_key_from_text("036b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296");
    static_cast<void>(verify_ocmf(*record, key, DerRule::lenient));
    return 0;
}
