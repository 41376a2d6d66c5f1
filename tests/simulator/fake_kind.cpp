#include "ledger/base/codec.h"
#include "ledger/crypto/sha256.h"
#include "tests/simulator/fake_application.h"
#include "tests/simulator/sim_application.h"

#include <algorithm>
#include <map>
#include <utility>

namespace tally::simulator {

namespace {

class FakeProcess final : public SimApplication {
public:
    FakeProcess(const Hash& chain_id, SimStore& store, OnFinal on_final)
        : m_application{
              chain_id, store,
              [on_final = std::move(on_final)](const consensus::BlockMeta& meta, ByteView header,
                                               const std::vector<Hash>& envelopes,
                                               const QuorumCertificate& finalization) {
                  on_final({meta, Bytes(header.begin(), header.end()), envelopes, finalization});
              }} {}

    [[nodiscard]] consensus::Application& application() override { return m_application; }
    [[nodiscard]] std::optional<consensus::VerifiedEnvelope> verify(
        const Bytes& envelope) override {
        consensus::VerifiedEnvelope verified;
        verified.hash = m_application.hash_of_envelope(envelope);
        verified.bytes = envelope;
        verified.signer.data[0] = envelope.size() > 1 ? envelope[1] : 0;
        verified.expires_at = SimClock::world_start + 3'600'000;
        return verified;
    }
    [[nodiscard]] std::optional<std::string> find_problem() const override { return std::nullopt; }

private:
    FakeApplication m_application;
};

class FakeKind final : public SimApplicationKind {
public:
    explicit FakeKind(std::size_t nodes)
        : m_chain_id{tagged_hash("tally/simulator/chain", Bytes{static_cast<std::uint8_t>(nodes)})},
          m_keys{simulated_keys(nodes)},
          m_public_keys{simulated_public_keys(nodes)} {}

    [[nodiscard]] const Hash& chain_id() const override { return m_chain_id; }
    [[nodiscard]] const std::vector<SecretKey>& keys() const override { return m_keys; }
    [[nodiscard]] const std::vector<PublicKey>& public_keys() const override {
        return m_public_keys;
    }
    [[nodiscard]] consensus::BlockMeta genesis() const override {
        return FakeApplication::genesis(m_chain_id);
    }
    [[nodiscard]] std::optional<consensus::BlockMeta> decode_header(
        ByteView header) const override {
        return FakeApplication::decode(m_chain_id, header);
    }
    [[nodiscard]] Hash hash_of_envelope(ByteView envelope) const override {
        return FakeApplication::hash_of(envelope);
    }
    [[nodiscard]] bool is_bad(const Bytes& envelope) const override {
        return envelope.front() == FakeApplication::bad_envelope_byte;
    }
    void initialize(SimDisk& /*disk*/) override {}
    [[nodiscard]] std::unique_ptr<SimApplication> open(SimDisk& disk, const SimClock& /*clock*/,
                                                       OnFinal on_final,
                                                       std::string& /*problem*/) override {
        return std::make_unique<FakeProcess>(m_chain_id, disk.store, std::move(on_final));
    }
    [[nodiscard]] Bytes next_envelope(SimRandom& random, UnixMillis /*now*/) override {
        Bytes envelope(static_cast<std::size_t>(random.between(16, 200)));
        random.fill(envelope);
        envelope[0] = random.chance(20) ? FakeApplication::bad_envelope_byte : 1;
        envelope[1] = static_cast<std::uint8_t>(random.between(0, m_keys.size() - 1));
        return envelope;
    }

private:
    Hash m_chain_id;
    const std::vector<SecretKey>& m_keys;
    const std::vector<PublicKey>& m_public_keys;
};

struct KeyRing {
    std::vector<SecretKey> secret;
    std::vector<PublicKey> open;
};

KeyRing make_keys(std::size_t count) {
    std::vector<std::pair<PublicKey, SecretKey>> pairs;
    for (std::size_t i = 0; i < count; ++i) {
        const Bytes name{static_cast<std::uint8_t>(i)};
        SecretKey secret;
        secret.data = tagged_hash("tally/simulator/key", name).data;
        pairs.emplace_back(public_key_of(secret), secret);
    }
    std::sort(pairs.begin(), pairs.end());
    KeyRing ring;
    for (const auto& [key, secret] : pairs) {
        ring.secret.push_back(secret);
        ring.open.push_back(key);
    }
    return ring;
}

/// Made once per process: thousands of worlds have the same keys.
const KeyRing& key_ring(std::size_t count) {
    static std::map<std::size_t, KeyRing> rings;
    const auto found = rings.find(count);
    return found != rings.end() ? found->second
                                : rings.emplace(count, make_keys(count)).first->second;
}

}  // namespace

const std::vector<SecretKey>& simulated_keys(std::size_t count) { return key_ring(count).secret; }

const std::vector<PublicKey>& simulated_public_keys(std::size_t count) {
    return key_ring(count).open;
}

std::unique_ptr<SimApplicationKind> make_fake_kind(std::size_t nodes) {
    return std::make_unique<FakeKind>(nodes);
}

}  // namespace tally::simulator
