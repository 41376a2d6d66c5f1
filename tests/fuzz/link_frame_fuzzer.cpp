// A stream of frames gives the same frames and the same verdict whole and in pieces; the first byte
// of the input is the size of a piece.

#include "ledger/base/check.h"
#include "node/link/frame_codec.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace {

using Frames = std::vector<std::pair<std::uint8_t, tally::Bytes>>;

std::optional<tally::node::LinkRefusal> read(tally::ByteView stream, std::size_t piece,
                                             Frames& frames) {
    tally::node::FrameReader reader;
    const tally::node::FrameReader::Sink sink = [&frames](std::uint8_t kind, tally::Bytes body) {
        ENSURE(body.size() <= tally::node::frame_body_limit(kind).value_or(0));
        frames.emplace_back(kind, std::move(body));
        return true;
    };
    while (!stream.empty()) {
        const std::size_t taken = std::min(piece, stream.size());
        if (const auto refusal = reader.feed(stream.first(taken), sink)) {
            return refusal;
        }
        stream = stream.subspan(taken);
    }
    return std::nullopt;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) {
        return 0;
    }
    const tally::ByteView stream{data + 1, size - 1};
    Frames whole;
    Frames cut;
    ENSURE(read(stream, size, whole) == read(stream, 1U + data[0], cut));
    ENSURE(whole == cut);
    return 0;
}
