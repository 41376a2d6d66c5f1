#include "node/link/frame_codec.h"

#include "node/link/evidence_messages.h"
#include "node/link/link.h"

#include <catch2/catch.hpp>

#include <utility>
#include <vector>

using namespace tally;
using namespace tally::node;

namespace {

struct Collected {
    std::vector<std::pair<std::uint8_t, Bytes>> frames;
    FrameReader::Sink sink{[this](std::uint8_t kind, Bytes body) {
        frames.emplace_back(kind, std::move(body));
        return true;
    }};
};

Bytes three_frames() {
    Bytes stream;
    append_frame(stream, 1, as_bytes("consensus"));
    append_frame(stream, 2, {});
    append_frame(stream, 3, Bytes(100'000, 7));
    return stream;
}

}  // namespace

SCENARIO("frames come out whole however the stream is cut", "[link][frame]") {
    const Bytes stream = three_frames();
    for (const std::size_t piece : {1UL, 3UL, 5UL, 4096UL, stream.size()}) {
        CAPTURE(piece);
        FrameReader reader;
        Collected collected;
        for (std::size_t at = 0; at < stream.size(); at += piece) {
            const ByteView rest = ByteView{stream}.subspan(at);
            REQUIRE_FALSE(reader.feed(rest.first(std::min(piece, rest.size())), collected.sink));
        }
        REQUIRE(collected.frames.size() == 3);
        CHECK(collected.frames[0].second == Bytes{'c', 'o', 'n', 's', 'e', 'n', 's', 'u', 's'});
        CHECK(collected.frames[1] == std::pair<std::uint8_t, Bytes>{2, {}});
        CHECK(collected.frames[2].second.size() == 100'000);
    }
}

SCENARIO("half a frame gives nothing and no error", "[link][frame]") {
    Bytes stream;
    append_frame(stream, 1, as_bytes("body"));
    stream.pop_back();
    FrameReader reader;
    Collected collected;
    CHECK_FALSE(reader.feed(stream, collected.sink));
    CHECK(collected.frames.empty());
}

SCENARIO("a frame is judged by its header alone", "[link][frame]") {
    FrameReader reader;
    Collected collected;
    SECTION("unknown kind") {
        CHECK(reader.feed(Bytes{0, 0, 0, 0, 5}, collected.sink) == LinkRefusal::unknown_kind);
    }
    SECTION("kind zero") {
        CHECK(reader.feed(Bytes{0, 0, 0, 0, 0}, collected.sink) == LinkRefusal::unknown_kind);
    }
    SECTION("longer than the kind allows") {
        // 1 MiB + 1 for a bridge frame
        CHECK(reader.feed(Bytes{0, 16, 0, 1, 3}, collected.sink) == LinkRefusal::oversized_frame);
    }
    SECTION("exactly what the kind allows") {
        CHECK_FALSE(reader.feed(Bytes{0, 16, 0, 0, 3}, collected.sink));
    }
    SECTION("2^32 - 1 bytes") {
        CHECK(reader.feed(Bytes{255, 255, 255, 255, 1}, collected.sink) ==
              LinkRefusal::oversized_frame);
    }
    SECTION("a ping longer than eight bytes") {
        CHECK(reader.feed(Bytes{0, 0, 0, 9, kind_ping}, collected.sink) ==
              LinkRefusal::oversized_frame);
    }
    CHECK(collected.frames.empty());
}

SCENARIO("a sink that has enough gets no more", "[link][frame]") {
    FrameReader reader;
    int seen{0};
    CHECK_FALSE(reader.feed(three_frames(), [&seen](std::uint8_t, const Bytes&) {
        ++seen;
        return false;
    }));
    CHECK(seen == 1);
}

SCENARIO("bounds by kind are as documented", "[link][frame]") {
    CHECK(frame_bytes_max(FrameKind::consensus) == 6U * 1024 * 1024);
    CHECK(frame_bytes_max(FrameKind::roaming) == 1024U * 1024);
    CHECK(frame_bytes_max(FrameKind::bridge) == 1024U * 1024);
    CHECK(frame_bytes_max(FrameKind::evidence) == evidence_message_bytes_max);
    CHECK(frame_body_limit(kind_ready) == 0U);
    CHECK_FALSE(frame_body_limit(5));
    CHECK_FALSE(frame_body_limit(255));
}
