#include "node/replica/envelope_gate.h"

#include "ledger/crypto/sha256.h"
#include "node/runtime/asio.h"
#include "tests/support/ledger_fixture.h"

#include <boost/asio/io_context.hpp>
#include <catch2/catch.hpp>

#include <chrono>

using namespace tally;
using namespace tally::node;
using namespace tally::test;

namespace {

constexpr UnixMillis start{genesis_time + 1'000'000};

RegisterBridge some_bridge() {
    RegisterBridge action;
    action.bridge_id = "bridge-9";
    action.public_key = public_key_of(secret_of("AAA/bridge-9"));
    return action;
}

class SetClock final : public Clock {
public:
    [[nodiscard]] UnixMillis now() const override { return time; }
    [[nodiscard]] std::chrono::microseconds monotonic() const override {
        return std::chrono::milliseconds{time};
    }
    UnixMillis time{start};
};

/// A gate before an empty mempool, for the members of `make_genesis`.
struct Gate {
    explicit Gate(consensus::MempoolLimits limits = {}, std::size_t queue_max = 64)
        : mempool{limits}, pool{io, 1, queue_max} {}

    /// Offers and waits for the answer.
    GateResult offer(Bytes envelope) {
        std::optional<GateResult> answer;
        gate.offer(own_clients, std::move(envelope), [&answer](GateResult result) {
            REQUIRE_FALSE(answer);
            answer = result;
        });
        run_until([&answer] { return answer.has_value(); });
        return *answer;
    }
    void run_until(const std::function<bool()>& condition) {
        const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds{10};
        while (!condition()) {
            REQUIRE(std::chrono::steady_clock::now() < deadline);
            io.restart();
            io.run_one_for(std::chrono::milliseconds{10});
        }
    }
    Transaction transaction(UnixMillis not_after = start + 60'000) {
        Transaction made = chain.transaction(party("AAA"), some_bridge());
        made.not_after = not_after;
        return made;
    }
    Bytes envelope(const std::vector<Transaction>& transactions) {
        return make_envelope(chain.chain_id(), party("AAA"), transactions);
    }

    TestChain chain;
    boost::asio::io_context io;
    SetClock clock;
    consensus::Mempool mempool;
    SignatureCache signatures;
    VerifyPool pool;
    EnvelopeGate gate{chain.chain_id(),
                      {pool, mempool, signatures, clock,
                       [this](const PartyId& member) -> std::optional<PublicKey> {
                           const auto record = find_member(chain.state(), member);
                           return record ? std::optional{record->member.member_key} : std::nullopt;
                       }}};
};

}  // namespace

SCENARIO("a right envelope is added once and then known, and its signature is remembered") {
    Gate gate;
    const Bytes envelope = gate.envelope({gate.transaction()});
    CHECK(gate.offer(envelope) == GateResult::added);
    CHECK(gate.mempool.size() == 1);
    CHECK(gate.offer(envelope) == GateResult::already_known);
    CHECK(gate.mempool.size() == 1);
    const PublicKey key = public_key_of(secret_of("AAA/member"));
    // A signature that is wrong shows that the cache answered.
    CHECK(gate.signatures.verify(envelope_hash(envelope), key, {}, {}));
}

SCENARIO("the same envelope twice in flight is added once") {
    Gate gate;
    const Bytes envelope = gate.envelope({gate.transaction()});
    std::vector<GateResult> results;
    const auto note = [&results](GateResult result) { results.push_back(result); };
    gate.gate.offer(own_clients, envelope, note);
    gate.gate.offer(own_clients, envelope, note);
    gate.run_until([&results] { return results.size() == 2; });
    CHECK(results == std::vector{GateResult::added, GateResult::already_known});
}

SCENARIO("what is no envelope is malformed at every length") {
    Gate gate;
    const Bytes envelope = gate.envelope({gate.transaction()});
    for (std::size_t length = 0; length < envelope.size(); ++length) {
        const auto end = envelope.begin() + static_cast<std::ptrdiff_t>(length);
        REQUIRE(gate.offer(Bytes{envelope.begin(), end}) == GateResult::malformed);
    }
    Bytes longer = envelope;
    longer.push_back(0);
    CHECK(gate.offer(longer) == GateResult::malformed);
    // A well-formed envelope around bytes that are no transaction.
    KeySigner key{secret_of("AAA/member")};
    const Bytes garbage =
        sign_envelope(gate.chain.chain_id(), party("AAA"), {Bytes{0xff, 0xff, 0xff, 0xff}}, key);
    CHECK(gate.offer(garbage) == GateResult::malformed);
    CHECK(gate.mempool.size() == 0);
}

SCENARIO("strangers and wrong signatures stay outside") {
    Gate gate;
    const Transaction transaction = gate.transaction();
    const Bytes stranger = make_envelope(gate.chain.chain_id(), party("XYZ"), {transaction});
    CHECK(gate.offer(stranger) == GateResult::unknown_signer);

    Hash other_chain = gate.chain.chain_id();
    other_chain.data[0] ^= 1U;
    CHECK(gate.offer(make_envelope(other_chain, party("AAA"), {transaction})) ==
          GateResult::bad_signature);

    KeySigner not_the_members{secret_of("BBB/member")};
    const Bytes forged = sign_envelope(gate.chain.chain_id(), party("AAA"),
                                       {encode_transaction(transaction)}, not_the_members);
    CHECK(gate.offer(forged) == GateResult::bad_signature);

    const Bytes envelope = gate.envelope({transaction});
    std::size_t refused{0};
    for (std::size_t index = 0; index < envelope.size(); ++index) {
        Bytes changed = envelope;
        changed[index] ^= 1U;
        const GateResult result = gate.offer(changed);
        refused += result == GateResult::added ? 0 : 1;
    }
    CHECK(refused == envelope.size());
    CHECK(gate.mempool.size() == 0);
    CHECK(gate.offer(envelope) == GateResult::added);
}

SCENARIO("every transaction of an envelope must be in time") {
    Gate gate;
    const auto offer = [&gate](const std::vector<UnixMillis>& times) {
        std::vector<Transaction> transactions;
        for (const UnixMillis time : times) {
            transactions.push_back(gate.transaction(time));
        }
        return gate.offer(gate.envelope(transactions));
    };
    const UnixMillis good = start + 60'000;
    CHECK(offer({start}) == GateResult::expired);
    CHECK(offer({start + 1}) == GateResult::added);
    CHECK(offer({start + not_after_window_ms}) == GateResult::added);
    CHECK(offer({start + not_after_window_ms + 1}) == GateResult::expired);
    CHECK(offer({good, start - 1}) == GateResult::expired);
    CHECK(offer({0, good}) == GateResult::expired);
    CHECK(offer({good, 0}) == GateResult::expired);
    CHECK(offer({good, start + not_after_window_ms + 1, good}) == GateResult::expired);
    CHECK(gate.mempool.size() == 2);
    gate.clock.time = start + not_after_window_ms + 5'000;
    CHECK(offer({good}) == GateResult::expired);
}

SCENARIO("a full mempool, a full member and a full queue refuse without forgetting anything") {
    consensus::MempoolLimits limits;
    limits.member_count_max = 2;
    Gate gate{limits};
    CHECK(gate.offer(gate.envelope({gate.transaction()})) == GateResult::added);
    CHECK(gate.offer(gate.envelope({gate.transaction()})) == GateResult::added);
    CHECK(gate.offer(gate.envelope({gate.transaction()})) == GateResult::pool_full);
    CHECK(gate.mempool.size() == 2);

    limits = {};
    limits.count_max = 1;
    Gate small{limits};
    CHECK(small.offer(small.envelope({small.transaction()})) == GateResult::added);
    CHECK(small.offer(small.envelope({small.transaction()})) == GateResult::pool_full);

    limits = {};
    limits.envelope_bytes_max = 10;
    Gate narrow{limits};
    CHECK(narrow.offer(narrow.envelope({narrow.transaction()})) == GateResult::malformed);

    Gate busy{{}, 1};
    std::vector<GateResult> results;
    const auto note = [&results](GateResult result) { results.push_back(result); };
    busy.gate.offer(own_clients, busy.envelope({busy.transaction()}), note);
    busy.gate.offer(own_clients, busy.envelope({busy.transaction()}), note);
    REQUIRE(results == std::vector{GateResult::busy});
    busy.run_until([&results] { return results.size() == 2; });
    CHECK(results.back() == GateResult::added);
    CHECK(busy.offer(busy.envelope({busy.transaction()})) == GateResult::added);
}

SCENARIO("sources take turns at verification, so that a flood waits behind itself") {
    Gate gate{{}, 4096};
    std::string order;
    const auto note = [&order](char source) {
        return [&order, source](GateResult result) {
            CHECK(result == GateResult::added);
            order += source;
        };
    };
    constexpr EnvelopeSource flooder{1};
    constexpr EnvelopeSource other{2};
    for (std::size_t i = 0; i < verifying_max + 40; ++i) {
        gate.gate.offer(flooder, gate.envelope({gate.transaction()}), note('f'));
    }
    for (std::size_t i = 0; i < 5; ++i) {
        gate.gate.offer(other, gate.envelope({gate.transaction()}), note('o'));
    }
    gate.run_until([&order] { return order.size() == verifying_max + 45; });
    // Behind what was in the pool already, one in two until nothing of theirs is left.
    CHECK(order.substr(verifying_max, 10) == "ofofofofof");
}

SCENARIO("what one source may have waiting is bounded by count and by bytes") {
    SECTION("by count") {
        Gate gate{{}, 2 * source_waiting_max};
        std::size_t refused{0};
        const auto note = [&refused](GateResult result) {
            refused += result == GateResult::busy ? 1U : 0U;
        };
        for (std::size_t i = 0; i < verifying_max + source_waiting_max + 3; ++i) {
            gate.gate.offer(1, gate.envelope({gate.transaction()}), note);
        }
        CHECK(refused == 3);
        gate.gate.offer(2, gate.envelope({gate.transaction()}), note);
        CHECK(refused == 3);
    }
    SECTION("by bytes") {
        Gate gate;
        std::vector<Transaction> many;
        for (std::size_t i = 0; i < 512; ++i) {
            many.push_back(gate.transaction());
        }
        const std::size_t size = gate.envelope(many).size();
        std::size_t refused{0};
        const auto note = [&refused](GateResult result) {
            refused += result == GateResult::busy ? 1U : 0U;
        };
        for (std::size_t i = 0; i < verifying_max + source_bytes_max / size + 1; ++i) {
            many.back() = gate.transaction();
            gate.gate.offer(1, gate.envelope(many), note);
        }
        CHECK(refused == 1);
        many.back() = gate.transaction();
        gate.gate.offer(2, gate.envelope(many), note);
        CHECK(refused == 1);
    }
}

SCENARIO("what a member sends beyond its quota is refused before it is verified") {
    consensus::MempoolLimits limits;
    limits.member_count_max = 1;
    Gate gate{limits};
    CHECK(gate.offer(gate.envelope({gate.transaction()})) == GateResult::added);
    std::optional<GateResult> answer;
    gate.gate.offer(1, gate.envelope({gate.transaction()}),
                    [&answer](GateResult result) { answer = result; });
    CHECK(answer == GateResult::pool_full);  // at once: the pool had no time to answer
}

SCENARIO("an envelope of the node's own is admitted at once, under the same rules of time") {
    Gate gate;
    const PublicKey key = public_key_of(secret_of("AAA/member"));
    const Bytes envelope = gate.envelope({gate.transaction()});
    CHECK(gate.gate.admit_own(envelope, key) == GateResult::added);
    CHECK(gate.gate.admit_own(envelope, key) == GateResult::already_known);
    CHECK(gate.offer(envelope) == GateResult::already_known);
    CHECK(gate.gate.admit_own(gate.envelope({gate.transaction(start)}), key) ==
          GateResult::expired);
    CHECK(gate.gate.admit_own(Bytes{1, 2, 3}, key) == GateResult::malformed);
    CHECK(gate.mempool.size() == 1);
}

SCENARIO("every result has a name of its own") {
    std::set<std::string> names;
    for (const GateResult result :
         {GateResult::added, GateResult::already_known, GateResult::malformed,
          GateResult::unknown_signer, GateResult::bad_signature, GateResult::expired,
          GateResult::pool_full, GateResult::busy}) {
        names.insert(to_text(result));
    }
    CHECK(names.size() == 8);
}

SCENARIO("the signature cache answers for what it knows and verifies what it does not") {
    SignatureCache cache;
    const SecretKey secret = secret_of("AAA/member");
    const PublicKey key = public_key_of(secret);
    const PublicKey rotated = public_key_of(secret_of("AAA/next"));
    const Hash digest = sha256(as_bytes("digest"));
    const Hash name = sha256(as_bytes("envelope"));
    const Signature signature = sign_digest(secret, digest);
    Signature wrong = signature;
    wrong.data[5] ^= 1U;

    CHECK_FALSE(cache.verify(name, key, digest, wrong));
    CHECK_FALSE(cache.verify(name, key, digest, wrong));  // a refusal is not remembered as right
    CHECK(cache.verify(name, key, digest, signature));
    CHECK(cache.verify(name, key, digest, signature));
    // A rotated key is another question.
    CHECK_FALSE(cache.verify(name, rotated, digest, signature));
    PublicKey off_curve = key;
    off_curve.data[0] = 9;
    CHECK_FALSE(cache.verify(name, off_curve, digest, signature));
    CHECK(cache.parsed(off_curve) == nullptr);
    CHECK(cache.parsed(key) != nullptr);
}

SCENARIO("the signature cache forgets the oldest, and what it forgot is verified again") {
    SignatureCache cache;
    const SecretKey secret = secret_of("AAA/member");
    const PublicKey key = public_key_of(secret);
    const Hash digest = sha256(as_bytes("digest"));
    const Signature signature = sign_digest(secret, digest);
    const auto name = [](std::uint64_t number) {
        Hash hash;
        for (std::size_t index = 0; index < 8; ++index) {
            hash.data[index] = static_cast<std::uint8_t>(number >> (8 * index));
        }
        return hash;
    };
    for (std::uint64_t number = 0; number < SignatureCache::entries_max; ++number) {
        cache.remember(name(number), key);
    }
    cache.remember(name(5), key);  // known already: nothing is forgotten for it
    CHECK(cache.verify(name(0), key, digest, Signature{}));
    cache.remember(name(SignatureCache::entries_max), key);
    CHECK_FALSE(cache.verify(name(0), key, digest, Signature{}));
    CHECK(cache.verify(name(1), key, digest, Signature{}));
    CHECK(cache.verify(name(0), key, digest, signature));
    // Remembering it again has pushed out the next oldest.
    CHECK_FALSE(cache.verify(name(1), key, digest, Signature{}));
    CHECK(cache.verify(name(1), key, digest, signature));
}
