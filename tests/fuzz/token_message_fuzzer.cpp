// Messages about cards without a prefix. The encoding is canonical: what decodes encodes to the
// same bytes, and a register that takes it is as it says.

#include "ledger/base/memory_store.h"
#include "node/tokens/token_registry.h"

#include <algorithm>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace tally;
    using namespace tally::node;
    const ByteView input{data, size};
    const auto message = decode_token_message(input);
    if (!message) {
        return 0;
    }
    const Bytes again = encode_token_message(*message);
    ENSURE(std::equal(again.begin(), again.end(), input.begin(), input.end()));
    MemoryStore store;
    TokenRegistry registry{store};
    PartyId member;
    member.data = {'B', 'B', 'B'};
    if (const auto* chunk = std::get_if<TokenChunk>(&*message)) {
        const TokenReceipt receipt = registry.take(member, *chunk);
        const bool taken = receipt.result == TokenResult::taken;
        ENSURE(taken == chunk->is_first);
        ENSURE(!taken || receipt.state.count + receipt.state.next_count == chunk->hashes.size());
    } else if (const auto* change = std::get_if<TokenChange>(&*message)) {
        ENSURE(registry.take(member, *change).result == TokenResult::out_of_step);
    } else if (const auto* lookup = std::get_if<TokenLookup>(&*message)) {
        ENSURE(registry.find(*lookup).finding == TokenFinding::unknown);
    }
    return 0;
}
