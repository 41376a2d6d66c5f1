// The evidence of charges on its way: messages, files, who still needs what.

#include "ledger/base/codec.h"
#include "node/link/evidence_page.h"
#include "node/link/evidence_receiver.h"
#include "node/link/evidence_sender.h"

#include <catch2/catch.hpp>

#include <algorithm>
#include <deque>

namespace tally::node {
namespace {

using Milliseconds = std::chrono::milliseconds;
using Wanted = EvidenceReceiver::Wanted;

AuthorizationRef some_charge() {
    AuthorizationRef ref;
    ref.signer.data = {'B', 'B', 'B'};
    ref.id.data[0] = 7;
    return ref;
}

EvidenceFile make_file(std::uint8_t number, std::size_t text_bytes = 10, std::size_t texts = 3) {
    EvidenceFile file;
    file.session.data[0] = number;
    for (std::size_t i = 0; i < texts; ++i) {
        file.texts.emplace_back(text_bytes, static_cast<char>('a' + i % 26));
    }
    return file;
}

EvidenceOffer offer_of(const EvidenceFile& file) {
    return {evidence_hash(file), some_charge(),
            static_cast<std::uint32_t>(encode_evidence_file(file).size())};
}

std::vector<EvidenceMessage> every_message() {
    const Hash hash = evidence_hash(make_file(1));
    return {EvidenceOffer{hash, some_charge(), 100},
            EvidenceOffer{hash, some_charge(), evidence_file_bytes_max},
            EvidenceChunk{hash, 0, Bytes{1, 2, 3}},
            EvidenceChunk{hash, 77, Bytes(evidence_chunk_bytes_max, 9)},
            EvidenceAnswer{hash, EvidenceVerdict::more, 5},
            EvidenceAnswer{hash, EvidenceVerdict::kept, 0},
            EvidenceAnswer{hash, EvidenceVerdict::unknown, 0},
            EvidenceAnswer{hash, EvidenceVerdict::busy, 0},
            EvidenceAnswer{hash, EvidenceVerdict::refused, 0}};
}

/// Everything that would wait at one sender, and what it sent.
struct Sending {
    std::map<Hash, EvidenceFile> files;
    std::deque<EvidenceMessage> sent;
    EvidenceSender sender{
        {[this](const std::optional<Hash>& after, std::size_t count_max) {
             std::vector<WaitingEvidence> waiting;
             for (const auto& [hash, file] : files) {
                 if ((!after || *after < hash) && waiting.size() < count_max) {
                     waiting.push_back({hash, some_charge()});
                 }
             }
             return waiting;
         },
         [this](const Hash& hash) -> std::optional<Bytes> {
             return encode_evidence_file(files.at(hash));
         },
         [this](EvidenceMessage message) { sent.push_back(std::move(message)); }}};

    Hash add(const EvidenceFile& file) {
        const Hash hash = evidence_hash(file);
        files[hash] = file;
        return hash;
    }
};

/// A receiver that keeps what is whole.
struct Receiving {
    Wanted wanted{Wanted::wanted};
    std::map<Hash, Bytes> kept;
    EvidenceReceiver receiver{[this](const std::string&, const EvidenceOffer& offer) {
        return kept.contains(offer.hash) ? Wanted::kept : wanted;
    }};

    EvidenceAnswer take(const EvidenceMessage& message, Milliseconds now,
                        const std::string& peer = "AAA") {
        if (const auto* offer = std::get_if<EvidenceOffer>(&message)) {
            return receiver.on_offer(peer, *offer, now);
        }
        auto result = receiver.on_chunk(peer, std::get<EvidenceChunk>(message), now);
        if (result.whole) {
            kept[result.whole->offer.hash] = result.whole->file;
            return {result.whole->offer.hash, EvidenceVerdict::kept, 0};
        }
        return result.answer;
    }
};

/// Runs until nothing waits; the virtual time it took. `loses` drops a message by its number.
Milliseconds run(Sending& from, Receiving& to, const std::function<bool(int)>& loses,
                 Milliseconds now = Milliseconds{1'000'000}) {
    const Milliseconds begin = now;
    int number = 0;
    for (; !from.files.empty() && now < begin + std::chrono::hours{1}; now += Milliseconds{250}) {
        from.sender.tick(now);
        while (!from.sent.empty()) {
            const EvidenceMessage message = std::move(from.sent.front());
            from.sent.pop_front();
            if (loses(number++)) {
                continue;
            }
            const EvidenceAnswer answer = to.take(message, now);
            if (loses(number++)) {
                continue;
            }
            if (from.sender.on_answer(answer, now) == EvidenceSender::Outcome::done) {
                from.files.erase(answer.hash);
            }
        }
    }
    return now - begin;
}

bool nothing_lost(int) { return false; }

}  // namespace

TEST_CASE("evidence messages survive their encoding, and no other bytes are accepted") {
    for (const EvidenceMessage& message : every_message()) {
        const Bytes bytes = encode_evidence_message(message);
        REQUIRE(bytes.size() <= evidence_message_bytes_max);
        const auto decoded = decode_evidence_message(bytes);
        REQUIRE(decoded);
        CHECK(*decoded == message);
        for (std::size_t length = 0; length < std::min<std::size_t>(bytes.size(), 80); ++length) {
            CHECK_FALSE(decode_evidence_message(ByteView{bytes}.first(length)));
        }
        Bytes longer = bytes;
        longer.push_back(0);
        CHECK_FALSE(decode_evidence_message(longer));
    }
}

TEST_CASE("evidence messages out of their bounds are refused") {
    const Hash hash = evidence_hash(make_file(1));
    AuthorizationRef nobody = some_charge();
    nobody.signer.data = {'b', '1', 0};
    for (const EvidenceMessage& message : std::vector<EvidenceMessage>{
             EvidenceOffer{hash, some_charge(), 0},
             EvidenceOffer{hash, some_charge(), evidence_file_bytes_max + 1},
             EvidenceOffer{hash, nobody, 5}, EvidenceChunk{hash, 0, {}},
             EvidenceChunk{hash, evidence_file_bytes_max, Bytes{1}},
             EvidenceChunk{hash, 0, Bytes(evidence_chunk_bytes_max + 1, 1)},
             EvidenceAnswer{hash, EvidenceVerdict::kept, 1},
             EvidenceAnswer{hash, EvidenceVerdict::more, evidence_file_bytes_max},
             EvidenceAnswer{hash, static_cast<EvidenceVerdict>(6), 0},
             EvidenceAnswer{hash, static_cast<EvidenceVerdict>(0), 0}}) {
        CHECK_FALSE(decode_evidence_message(encode_evidence_message(message)));
    }
    CHECK_FALSE(decode_evidence_message(Bytes{9}));
    CHECK_FALSE(decode_evidence_message(Bytes(evidence_message_bytes_max + 1, 1)));
}

TEST_CASE("an evidence file is the same after its encoding, with the hash of the record") {
    const EvidenceFile file = make_file(3, 20, 4);
    const Bytes bytes = encode_evidence_file(file);
    CHECK(decode_evidence_file(bytes) == file);
    Hash chain = tagged_hash("tally/evidence/v1", file.session.view());
    for (const std::string& text : file.texts) {
        chain = sha256(chain.view(), sha256(as_bytes(text)).view());
    }
    CHECK(evidence_hash(file) == chain);
    for (std::size_t length = 0; length < bytes.size(); ++length) {
        CHECK_FALSE(decode_evidence_file(ByteView{bytes}.first(length)));
    }
    Bytes longer = bytes;
    longer.push_back(0);
    CHECK_FALSE(decode_evidence_file(longer));
}

TEST_CASE("an evidence file beyond its bounds is refused") {
    CHECK(decode_evidence_file(encode_evidence_file(make_file(1, evidence_text_bytes_max, 1))));
    CHECK_FALSE(
        decode_evidence_file(encode_evidence_file(make_file(1, evidence_text_bytes_max + 1, 1))));
    CHECK_FALSE(
        decode_evidence_file(encode_evidence_file(make_file(1, evidence_text_bytes_max / 2, 3))));
    CHECK(decode_evidence_file(encode_evidence_file(make_file(1, 0, evidence_texts_max))));
    CHECK_FALSE(
        decode_evidence_file(encode_evidence_file(make_file(1, 0, evidence_texts_max + 1))));
    // A count that the bytes cannot hold allocates nothing.
    Encoder lie;
    lie.fixed(SessionId{}).u32(evidence_texts_max);
    CHECK_FALSE(decode_evidence_file(lie.bytes()));
}

TEST_CASE("an auditor's page has the session and each text as JSON") {
    EvidenceFile file = make_file(1, 1, 1);
    file.texts = {"a\"b", "[2]"};
    CHECK(evidence_page(file) == to_hex(file.session) + "\n\"a\\\"b\"\n\"[2]\"\n");
}

TEST_CASE("all evidence arrives, whatever is lost and repeated") {
    const auto lost = GENERATE(0, 3, 4, 5, 7);
    Sending from;
    Receiving to;
    std::map<Hash, EvidenceFile> all;
    for (std::uint8_t i = 1; i <= 12; ++i) {
        const EvidenceFile file = make_file(i, i == 5 ? 50'000 : 100, i == 5 ? 4 : i);
        all[from.add(file)] = file;
    }
    run(from, to, [&](int number) { return lost != 0 && number % lost == lost - 1; });
    REQUIRE(from.files.empty());
    REQUIRE(to.kept.size() == all.size());
    for (const auto& [hash, file] : all) {
        CHECK(decode_evidence_file(to.kept.at(hash)) == file);
    }
    CHECK(to.receiver.under_way() == 0);
}

TEST_CASE("what leaves in a second is bounded") {
    Sending from;
    Receiving to;
    for (std::uint8_t i = 1; i <= 5; ++i) {
        from.add(make_file(i, 500'000, 2));
    }
    const Milliseconds took = run(from, to, nothing_lost);
    REQUIRE(from.files.empty());
    const auto seconds_min = 5 * 1'000'000 / evidence_bytes_per_second - 2;
    CHECK(took >= std::chrono::seconds{seconds_min});
}

TEST_CASE("evidence that is not wanted yet holds nothing else up and comes later") {
    Sending from;
    Receiving to;
    for (std::uint8_t i = 1; i <= 40; ++i) {
        from.add(make_file(i));
    }
    to.wanted = Wanted::unknown;
    const Milliseconds now{1'000'000};
    from.sender.tick(now);
    REQUIRE(from.sent.size() == evidence_sending_max);
    CHECK(from.sender.on_answer(to.take(from.sent[0], now), now) == EvidenceSender::Outcome::none);
    CHECK(from.sender.under_way() == evidence_sending_max - 1);
    from.sent.clear();
    from.sender.restart();
    to.wanted = Wanted::wanted;
    run(from, to, nothing_lost, now);
    CHECK(to.kept.size() == 40);
}

TEST_CASE("a peer that does not answer is left alone for a while") {
    Sending from;
    from.add(make_file(1));
    Milliseconds now{1'000'000};
    for (int i = 0; i < 4 * 60 * 10; ++i, now += Milliseconds{250}) {
        from.sender.tick(now);
    }
    // Three tries in ten seconds each, then half a minute of silence.
    CHECK(from.sent.size() >= 30);
    CHECK(from.sent.size() <= 36);
}

TEST_CASE("bytes that do not have the hash are refused, and the sender offers them no more") {
    Sending from;
    Receiving to;
    const EvidenceFile file = make_file(1);
    const Hash wrong = evidence_hash(make_file(2));
    from.files[wrong] = file;
    Milliseconds now{1'000'000};
    from.sender.tick(now);
    REQUIRE(from.sent.size() == 1);
    CHECK(from.sender.on_answer(to.take(from.sent[0], now), now) == EvidenceSender::Outcome::none);
    REQUIRE(from.sent.size() == 2);
    const EvidenceAnswer answer = to.take(from.sent[1], now);
    CHECK(answer.verdict == EvidenceVerdict::refused);
    CHECK(from.sender.on_answer(answer, now) == EvidenceSender::Outcome::refused);
    CHECK(from.sender.refused() == 1);
    CHECK(to.kept.empty());
    for (int i = 0; i < 100; ++i) {
        from.sender.tick(now += Milliseconds{250});
    }
    CHECK(from.sent.size() == 2);
}

TEST_CASE("hostile pieces: more than announced, out of place, never offered") {
    Receiving to;
    const EvidenceFile file = make_file(1, 100, 3);
    const EvidenceOffer offer = offer_of(file);
    const Bytes bytes = encode_evidence_file(file);
    const Milliseconds now{1};
    const EvidenceChunk all{offer.hash, 0, bytes};
    CHECK(to.take(all, now).verdict == EvidenceVerdict::unknown);  // never offered
    CHECK(to.take(offer, now) == EvidenceAnswer{offer.hash, EvidenceVerdict::more, 0});
    CHECK(to.take(all, now, "CCC").verdict == EvidenceVerdict::unknown);  // somebody else's
    EvidenceChunk far = all;
    far.offset = 10;
    CHECK(to.take(far, now) == EvidenceAnswer{offer.hash, EvidenceVerdict::more, 0});
    EvidenceChunk part{offer.hash, 0, {bytes.begin(), bytes.begin() + 30}};
    CHECK(to.take(part, now) == EvidenceAnswer{offer.hash, EvidenceVerdict::more, 30});
    CHECK(to.take(part, now) == EvidenceAnswer{offer.hash, EvidenceVerdict::more, 30});
    CHECK(to.take(offer, now) == EvidenceAnswer{offer.hash, EvidenceVerdict::more, 30});
    EvidenceChunk rest{offer.hash, 30, {bytes.begin() + 30, bytes.end()}};
    EvidenceChunk more = rest;
    more.data.push_back(0);
    CHECK(to.take(more, now).verdict == EvidenceVerdict::refused);
    CHECK(to.receiver.under_way() == 0);
    CHECK(to.take(offer, now).next == 0);
    CHECK(to.take(part, now).next == 30);
    CHECK(to.take(rest, now).verdict == EvidenceVerdict::kept);
    CHECK(to.kept.at(offer.hash) == bytes);
    CHECK(to.take(offer, now).verdict == EvidenceVerdict::kept);
}

TEST_CASE("only so many files are received at once, and idle ones make room") {
    Receiving to;
    const Milliseconds now{1};
    std::size_t taken = 0;
    for (std::uint8_t peer = 0; peer < 10; ++peer) {
        for (std::uint8_t i = 0; i < 10; ++i) {
            const EvidenceOffer offer =
                offer_of(make_file(static_cast<std::uint8_t>(peer * 10 + i)));
            const auto answer = to.take(offer, now, "peer" + std::to_string(peer));
            taken += answer.verdict == EvidenceVerdict::more ? 1U : 0U;
            CHECK((answer.verdict == EvidenceVerdict::more ||
                   answer.verdict == EvidenceVerdict::busy));
            if (peer == 0 && i == 9) {
                CHECK(taken == evidence_receiving_per_peer_max);
            }
        }
    }
    CHECK(taken == evidence_receiving_max);
    const EvidenceOffer late = offer_of(make_file(200));
    CHECK(to.take(late, now + Milliseconds{59'000}).verdict == EvidenceVerdict::busy);
    CHECK(to.take(late, now + Milliseconds{61'000}).verdict == EvidenceVerdict::more);
    CHECK(to.receiver.under_way() == 1);
}

TEST_CASE("offers and pieces that add nothing hold no place") {
    Receiving to;
    const EvidenceFile file = make_file(1, 100, 3);
    const EvidenceOffer offer = offer_of(file);
    const Bytes bytes = encode_evidence_file(file);
    const Milliseconds begin{1};
    REQUIRE(to.take(offer, begin).verdict == EvidenceVerdict::more);
    const EvidenceChunk part{offer.hash, 0, {bytes.begin(), bytes.begin() + 30}};
    REQUIRE(to.take(part, begin).next == 30);
    for (Milliseconds now = begin; now < begin + evidence_idle_max; now += Milliseconds{1'000}) {
        CHECK(to.take(offer, now).next == 30);
        CHECK(to.take(part, now).next == 30);
    }
    CHECK(to.take(part, begin + evidence_idle_max).verdict == EvidenceVerdict::unknown);
    CHECK(to.receiver.under_way() == 0);
    CHECK(to.take(offer, begin + evidence_idle_max).next == 0);  // anew
}

TEST_CASE("a transfer that trickles on ends after its time, and without another message") {
    Receiving to;
    const EvidenceFile file = make_file(1, 100, 3);
    const EvidenceOffer offer = offer_of(file);
    const Bytes bytes = encode_evidence_file(file);
    Milliseconds now{1};
    const Milliseconds end = now + evidence_receiving_time_max;
    REQUIRE(to.take(offer, now).verdict == EvidenceVerdict::more);
    for (std::uint32_t offset = 0; now < end; ++offset) {
        const EvidenceChunk piece{offer.hash, offset, {bytes[offset]}};
        REQUIRE(to.take(piece, now).next == offset + 1);
        now += Milliseconds{30'000};
    }
    to.receiver.drop_late(end - Milliseconds{1});
    CHECK(to.receiver.under_way() == 1);
    to.receiver.drop_late(end);
    CHECK(to.receiver.under_way() == 0);
}

TEST_CASE("answers to what was never asked change nothing") {
    Sending from;
    const Hash hash = from.add(make_file(1));
    const Milliseconds now{1'000'000};
    CHECK(from.sender.on_answer({hash, EvidenceVerdict::kept, 0}, now) ==
          EvidenceSender::Outcome::none);
    from.sender.tick(now);
    REQUIRE(from.sent.size() == 1);
    // Beyond the end of the file.
    CHECK(from.sender.on_answer({hash, EvidenceVerdict::more, 1'000'000}, now) ==
          EvidenceSender::Outcome::none);
    CHECK(from.sent.size() == 1);
    CHECK(from.sender.on_answer({hash, EvidenceVerdict::more, 4}, now) ==
          EvidenceSender::Outcome::none);
    CHECK(from.sent.size() == 2);
    CHECK(from.sender.on_answer({hash, EvidenceVerdict::more, 4}, now) ==
          EvidenceSender::Outcome::none);
    CHECK(from.sent.size() == 2);
}

}  // namespace tally::node
