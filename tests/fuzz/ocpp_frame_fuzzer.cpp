// Any texts from a charger, one a line, through frame, schema and decoding: no trap, every answer
// of ours is a frame again, and whatever is handed on can be answered exactly once.

#include "charger_bridge/ocpp/peer.h"
#include "charger_bridge/ocpp/v16/translation.h"
#include "ledger/base/bytes.h"
#include "ledger/base/check.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace tally::bridge;
    std::string_view rest = tally::as_text({data, size});
    Peer peer{true, 1, v16::translation()};
    static_cast<void>(peer.command({"GetConfiguration", {}, 1}, {}));
    while (!rest.empty()) {
        const std::string_view line = rest.substr(0, rest.find('\n'));
        rest.remove_prefix(std::min(line.size() + 1, rest.size()));
        const PeerOutput output = peer.receive(line);
        for (const std::string& text : output.send) {
            ENSURE(parse_frame(text).has_value());
        }
        if (output.request) {
            const std::string answer =
                peer.refuse(output.request->id, ErrorCode::internal_error, "fuzz");
            ENSURE(parse_frame(answer).has_value());
            ENSURE(peer.refuse(output.request->id, ErrorCode::internal_error, "").empty() ||
                   output.request->id.empty());
        }
        if (!output.close.empty()) {
            return 0;
        }
    }
    return 0;
}
