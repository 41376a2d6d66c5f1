// Paths and Authorization headers of strangers: ids that come out are printable and short enough,
// passwords too, and nothing but the right credentials opens the door.

#include "charger_bridge/ocpp/credentials.h"
#include "charger_bridge/ocpp/time_text.h"
#include "charger_bridge/ocpp/v16/messages.h"
#include "charger_bridge/server/gate.h"
#include "ledger/base/check.h"
#include "ledger/base/system_random.h"
#include "ledger/model/ids.h"

#include <algorithm>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace tally::bridge;
    const std::string_view text = tally::as_text({data, size});
    if (const auto station = station_from_path(text)) {
        ENSURE(!station->empty() && station->size() <= tally::station_id_bytes_max);
        ENSURE(std::all_of(station->begin(), station->end(),
                           [](char c) { return c >= 0x20 && c <= 0x7e; }));
    }
    const auto credentials = credentials_from_header(text);
    ENSURE(!credentials || credentials->password.size() <= password_bytes_max);
    static tally::SystemRandom random;
    static Gate gate = [] {
        GateConfig config;
        const tally::ByteView password = tally::as_bytes("secret");
        config.stations["CP1"].secret = tally::Bytes{password.begin(), password.end()};
        config.stations_max = 1;
        return Gate{std::move(config), random};
    }();
    static std::chrono::milliseconds now{0};
    now += std::chrono::hours{1};
    const bool right = credentials && credentials->user == "CP1" &&
                       tally::as_text(credentials->password) == "secret";
    const Knock knock{"CP1", std::string{text}, "a", false, {}};
    ENSURE((gate.judge(knock, now).verdict == Verdict::accepted) == right);
    if (const auto time = time_from_text(text)) {
        ENSURE(*time >= 0 && time_from_text(time_to_text(*time)) == time);
    }
    if (const auto energy = v16::energy_from_text(text, "kWh")) {
        ENSURE(*energy >= 0);
    }
    return 0;
}
