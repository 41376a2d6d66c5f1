// A part of the state from a peer: decoding and checking any bytes, under any name.

#include "ledger/state/state_chunk.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace tally;
    const ByteView input{data, size};
    if (size < 1 + Hash::size) {
        return 0;
    }
    ChunkName name;
    name.depth = input[0];
    std::copy_n(input.begin() + 1, Hash::size, name.prefix.data.begin());
    const std::optional<StateChunk> chunk = StateChunk::decode(input.subspan(1 + Hash::size));
    if (!chunk) {
        return 0;
    }
    const Bytes again = chunk->encode();
    if (!std::equal(again.begin(), again.end(), input.begin() + 1 + Hash::size, input.end())) {
        std::abort();  // Two encodings of one chunk.
    }
    if (verify_chunk(Hash{}, name, *chunk) == ChunkVerdict::split) {
        std::abort();  // The root of nothing has no halves.
    }
    return 0;
}
