// The texts of charges on their way from the bridge to its node.

#include "charger_bridge/evidence_feeder.h"

#include "charger_bridge/session/evidence.h"
#include "charger_bridge/session/evidence_to_send.h"
#include "ledger/base/memory_store.h"
#include "node/link/evidence_receiver.h"

#include <catch2/catch.hpp>

#include <deque>

namespace tally::bridge {
namespace {

class HandClock final : public Clock {
public:
    [[nodiscard]] UnixMillis now() const override { return m_now; }
    [[nodiscard]] std::chrono::microseconds monotonic() const override {
        return std::chrono::milliseconds{m_now};
    }
    void pass(UnixMillis ms) { m_now += ms; }

private:
    UnixMillis m_now{1'700'000'000'000};
};

/// A bridge's store and its feeder, which a restart makes anew, and a node that keeps what is
/// whole.
struct Site {
    Site() { restart(); }
    void restart() {
        feeder = std::make_unique<EvidenceFeeder>(EvidenceFeeder::Parts{
            store, clock, metrics,
            [this](const node::EvidenceMessage& message) { sent.push_back(message); },
            [this] { failed = true; }});
        feeder->node_connected();
    }
    /// A charge ends with this many texts, of which the store has lost the first `lost`.
    Hash end_charge(std::uint8_t number, std::size_t texts, std::size_t lost = 0) {
        Session session;
        session.id.data[0] = number;
        session.authorization.signer.data = {'B', 'B', 'B'};
        session.finished_at = clock.now();
        session.evidence = evidence_begin(session.id);
        WriteBatch batch;
        for (std::size_t i = 0; i < texts; ++i) {
            const std::string text(1000, static_cast<char>('a' + i % 26));
            if (i >= lost) {
                const ByteView bytes = as_bytes(text);
                batch.put(evidence_text_key(session), {bytes.begin(), bytes.end()});
            }
            session.evidence = evidence_add(session.evidence, text);
            ++session.evidence_count;
        }
        put_evidence_name(batch, session);
        REQUIRE(store.write(batch, true));
        return session.evidence;
    }
    /// So many seconds; every answer of the node reaches the bridge when `answers`.
    void run(int seconds, bool answers = true) {
        for (int i = 0; i < 4 * seconds; ++i, clock.pass(250)) {
            feeder->tick();
            while (!sent.empty()) {
                const node::EvidenceMessage message = sent.front();
                sent.pop_front();
                const node::EvidenceAnswer answer = take(message);
                if (answers) {
                    feeder->node_said(answer);
                }
            }
        }
    }
    node::EvidenceAnswer take(const node::EvidenceMessage& message) {
        const std::chrono::milliseconds now{clock.now()};
        if (const auto* offer = std::get_if<node::EvidenceOffer>(&message)) {
            ++offers;
            return receiver.on_offer("bridge", *offer, now);
        }
        auto result = receiver.on_chunk("bridge", std::get<node::EvidenceChunk>(message), now);
        if (result.whole) {
            kept[result.whole->offer.hash] = result.whole->file;
            return {result.whole->offer.hash, node::EvidenceVerdict::kept, 0};
        }
        return result.answer;
    }
    [[nodiscard]] std::size_t waiting() const {
        return list_evidence_to_send(store, std::nullopt, 1000).value().size();
    }

    MemoryStore store;
    HandClock clock;
    node::Metrics metrics;
    std::deque<node::EvidenceMessage> sent;
    bool failed{false};
    int offers{0};
    std::map<Hash, Bytes> kept;
    node::EvidenceReceiver::Wanted wanted{node::EvidenceReceiver::Wanted::wanted};
    node::EvidenceReceiver receiver{[this](const std::string&, const node::EvidenceOffer& offer) {
        return kept.contains(offer.hash) ? node::EvidenceReceiver::Wanted::kept : wanted;
    }};
    std::unique_ptr<EvidenceFeeder> feeder;
};

}  // namespace

TEST_CASE("the node gets the texts of every charge that ended", "[evidence]") {
    Site site;
    const Hash small = site.end_charge(1, 3);
    const Hash large = site.end_charge(2, 300);
    CHECK(site.waiting() == 2);
    site.run(30);
    CHECK(site.waiting() == 0);
    REQUIRE(site.kept.size() == 2);
    CHECK(node::decode_evidence_file(site.kept.at(small))->texts.size() == 3);
    CHECK(node::evidence_hash(*node::decode_evidence_file(site.kept.at(large))) == large);
    CHECK_FALSE(site.failed);
}

TEST_CASE("what the node did not acknowledge is sent again after a restart", "[evidence]") {
    Site site;
    const Hash hash = site.end_charge(1, 100);
    site.run(2, false);
    CHECK(site.waiting() == 1);
    site.restart();
    site.run(30);
    CHECK(site.waiting() == 0);
    CHECK(site.kept.contains(hash));
}

TEST_CASE("nothing is sent while the node is away, nor to one that does not want it",
          "[evidence]") {
    Site site;
    site.end_charge(1, 2);
    site.feeder->node_disconnected();
    site.run(60);
    CHECK(site.offers == 0);
    site.feeder->node_connected();
    site.wanted = node::EvidenceReceiver::Wanted::unknown;
    site.run(60);
    CHECK(site.offers > 1);
    CHECK(site.waiting() == 1);
    site.wanted = node::EvidenceReceiver::Wanted::wanted;
    site.run(10);
    CHECK(site.waiting() == 0);
}

TEST_CASE("texts that are not all kept are not sent, and hold nothing up", "[evidence]") {
    Site site;
    site.end_charge(1, 5, 1);
    const Hash whole = site.end_charge(2, 5);
    site.run(20);
    CHECK(site.waiting() == 0);
    CHECK(site.kept.size() == 1);
    CHECK(site.kept.contains(whole));
}

TEST_CASE("a charge that no record names is not offered for ever", "[evidence]") {
    Site site;
    site.end_charge(1, 2);
    site.wanted = node::EvidenceReceiver::Wanted::unknown;
    site.clock.pass(evidence_to_send_ms_max - 60'000);
    site.run(10);
    CHECK(site.waiting() == 1);
    site.clock.pass(120'000);
    site.run(10);
    CHECK(site.waiting() == 0);
}

TEST_CASE("a node that offers or sends evidence itself is not listened to", "[evidence]") {
    Site site;
    const Hash hash = site.end_charge(1, 2);
    site.feeder->node_said(node::EvidenceOffer{hash, {}, 5});
    site.feeder->node_said(node::EvidenceChunk{hash, 0, Bytes{1}});
    site.feeder->node_said(node::EvidenceAnswer{hash, node::EvidenceVerdict::kept, 0});
    CHECK(site.waiting() == 1);
}

}  // namespace tally::bridge
