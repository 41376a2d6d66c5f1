// Messages between bridge and node: what decodes survives being encoded and decoded again.

#include "ledger/base/check.h"
#include "node/link/bridge_messages.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto decoded = tally::node::decode_bridge_message({data, size});
    if (decoded) {
        const tally::Bytes bytes = tally::node::encode_bridge_message(*decoded);
        const auto again = tally::node::decode_bridge_message(bytes);
        ENSURE(again && again->index() == decoded->index());
        ENSURE(tally::node::encode_bridge_message(*again) == bytes);
    }
    return 0;
}
