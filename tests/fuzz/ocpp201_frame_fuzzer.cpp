// Any texts from a charger of OCPP 2.0.1, one a line, through frame, schema and decoding: no trap,
// every answer of ours is a frame again, reports have names and numbers within their bounds.

#include "charger_bridge/ocpp/peer.h"
#include "charger_bridge/ocpp/v201/translation.h"
#include "charger_bridge/session/session.h"
#include "ledger/base/bytes.h"
#include "ledger/base/check.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace tally::bridge;
    std::string_view rest = tally::as_text({data, size});
    Peer peer{true, 1, v201::translation()};
    static_cast<void>(peer.command({"GetTransactionStatus", {}, 1}, {}));
    while (!rest.empty()) {
        const std::string_view line = rest.substr(0, rest.find('\n'));
        rest.remove_prefix(std::min(line.size() + 1, rest.size()));
        const PeerOutput output = peer.receive(line);
        for (const std::string& text : output.send) {
            ENSURE(parse_frame(text).has_value());
        }
        if (output.request) {
            if (const auto* report = std::get_if<ReportFacts>(&output.request->body)) {
                ENSURE(!report->transaction.empty() && report->sequence >= 0 &&
                       report->transaction.size() <= transaction_name_bytes_max &&
                       report->samples.size() <= samples_max);
            }
            const std::string answer =
                peer.refuse(output.request->id, ErrorCode::internal_error, "fuzz");
            ENSURE(parse_frame(answer).has_value());
        }
        if (!output.close.empty()) {
            return 0;
        }
    }
    return 0;
}
