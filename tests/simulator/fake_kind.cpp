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
    FakeProcess(FakeApplication::Options options, SimStore& store, OnFinal on_final)
        : m_application{std::move(options), store, std::move(on_final)} {}

    [[nodiscard]] consensus::Application& application() override { return m_application; }
    [[nodiscard]] std::optional<consensus::VerifiedEnvelope> verify(
        const Bytes& envelope) override {
        consensus::VerifiedEnvelope verified;
        verified.hash = m_application.hash_of_envelope(envelope);
        verified.bytes = envelope;
        verified.signer = m_application.signer_of_envelope(envelope);
        verified.expires_at = SimClock::world_start + 3'600'000;
        return verified;
    }
    [[nodiscard]] std::optional<std::string> find_problem() const override { return std::nullopt; }

private:
    FakeApplication m_application;
};

// Where the fields are in FakeApplication's header.
constexpr std::size_t parent_at{32};
constexpr std::size_t epoch_at{64};
constexpr std::size_t height_at{72};
constexpr std::size_t view_at{80};
constexpr std::size_t time_at{96};
constexpr std::size_t proposer_at{104};
constexpr std::size_t seals_at{108};
constexpr std::size_t body_at{109};
constexpr std::size_t state_at{141};

void add_at(Bytes& header, std::size_t offset, std::size_t width, std::int64_t amount) {
    std::uint64_t value{0};
    for (std::size_t i = 0; i < width; ++i) {
        value = value << 8U | header[offset + i];
    }
    value += static_cast<std::uint64_t>(amount);
    for (std::size_t i = 0; i < width; ++i) {
        header[offset + width - 1 - i] = static_cast<std::uint8_t>(value >> (8 * i));
    }
}

Bytes altered(Bytes header, HeaderChange change) {
    switch (change) {
        case HeaderChange::later:
            add_at(header, time_at, 8, 1);
            break;
        case HeaderChange::early:
            add_at(header, time_at, 8, -3'600'000);
            break;
        case HeaderChange::future:
            add_at(header, time_at, 8, 3'600'000);
            break;
        case HeaderChange::height:
            add_at(header, height_at, 8, 2);
            break;
        case HeaderChange::view:
            add_at(header, view_at, 8, 1);
            break;
        case HeaderChange::epoch:
            add_at(header, epoch_at, 8, 1);
            break;
        case HeaderChange::proposer:
            add_at(header, proposer_at, 4, 1);
            break;
        case HeaderChange::seals:
            header[seals_at] ^= 1U;
            break;
        case HeaderChange::state:
            header[state_at] ^= 1U;
            break;
        case HeaderChange::parent:
            header[parent_at] ^= 1U;
            break;
        case HeaderChange::body:
            header[body_at] ^= 1U;
            break;
        case HeaderChange::chain:
            header[0] ^= 1U;
            break;
        case HeaderChange::short_by_one:
            header.pop_back();
            break;
    }
    return header;
}

struct KeyRing {
    std::vector<SecretKey> secret;
    std::vector<PublicKey> open;
};

KeyPair make_key(const Bytes& name) {
    SecretKey secret;
    secret.data = tagged_hash("tally/simulator/key", name).data;
    return {secret, public_key_of(secret)};
}

KeyRing make_keys(std::size_t count) {
    std::vector<std::pair<PublicKey, SecretKey>> pairs;
    for (std::size_t i = 0; i < count; ++i) {
        const KeyPair key = make_key({static_cast<std::uint8_t>(i)});
        pairs.emplace_back(key.open, key.secret);
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

/// Keys that a machine changes to.
const KeyPair& later_key(NodeIndex machine, std::size_t number) {
    static std::map<std::pair<NodeIndex, std::size_t>, KeyPair> keys;
    const std::pair place{machine, number};
    const auto found = keys.find(place);
    return found != keys.end() ? found->second
                               : keys.emplace(place, make_key({static_cast<std::uint8_t>(machine),
                                                               static_cast<std::uint8_t>(number)}))
                                     .first->second;
}

class FakeKind final : public SimApplicationKind {
public:
    explicit FakeKind(const FakeKindOptions& options)
        : m_keys{simulated_keys(options.machines)},
          m_public_keys{simulated_public_keys(options.machines)} {
        m_options.chain_id = tagged_hash("tally/simulator/chain",
                                         Bytes{static_cast<std::uint8_t>(options.machines),
                                               static_cast<std::uint8_t>(options.validators)});
        m_options.epoch_blocks_max = options.epoch_blocks_max;
        m_options.check = options.check;
        for (NodeIndex i = 0; i < options.validators; ++i) {
            m_options.first_epoch.validators.push_back({simulated_member(i), m_public_keys[i]});
        }
    }

    [[nodiscard]] const Hash& chain_id() const override { return m_options.chain_id; }
    [[nodiscard]] const std::vector<SecretKey>& keys() const override { return m_keys; }
    [[nodiscard]] const std::vector<PublicKey>& public_keys() const override {
        return m_public_keys;
    }
    [[nodiscard]] std::vector<KeyPair> keys_of(NodeIndex machine) const override {
        std::vector<KeyPair> keys{{m_keys[machine], m_public_keys[machine]}};
        for (std::size_t number = 1; number < keys_per_machine; ++number) {
            keys.push_back(later_key(machine, number));
        }
        return keys;
    }
    [[nodiscard]] consensus::EpochInfo first_epoch() const override {
        return m_options.first_epoch;
    }
    [[nodiscard]] Bytes change_envelope(SimRandom& random, const std::vector<Seat>& seats,
                                        bool needs_ready) override {
        std::vector<consensus::EpochValidator> wanted;
        for (const Seat& seat : seats) {
            wanted.push_back(
                {simulated_member(seat.machine), keys_of(seat.machine)[seat.key].open});
        }
        std::sort(wanted.begin(), wanted.end(),
                  [](const auto& one, const auto& other) { return one.key < other.key; });
        return FakeApplication::set_envelope(wanted, needs_ready, random.next());
    }
    [[nodiscard]] Bytes ready_envelope(SimRandom& random) override {
        return FakeApplication::ready_envelope(random.next());
    }
    [[nodiscard]] consensus::BlockMeta genesis() const override {
        return FakeApplication::genesis(m_options.chain_id);
    }
    [[nodiscard]] std::optional<consensus::BlockMeta> decode_header(
        ByteView header) const override {
        return FakeApplication::decode(m_options.chain_id, header);
    }
    [[nodiscard]] Hash hash_of_envelope(ByteView envelope) const override {
        return FakeApplication::hash_of(envelope);
    }
    [[nodiscard]] std::optional<Bytes> alter_header(ByteView header,
                                                    HeaderChange change) const override {
        if (!decode_header(header)) {
            return std::nullopt;
        }
        return altered(Bytes(header.begin(), header.end()), change);
    }
    [[nodiscard]] bool is_bad(const Bytes& envelope) const override {
        return envelope.front() == FakeApplication::bad_envelope_byte;
    }
    void initialize(SimDisk& /*disk*/) override {}
    [[nodiscard]] std::unique_ptr<SimApplication> open(SimDisk& disk, const SimClock& /*clock*/,
                                                       OnFinal on_final,
                                                       std::string& /*problem*/) override {
        return std::make_unique<FakeProcess>(m_options, disk.store, std::move(on_final));
    }
    [[nodiscard]] Bytes next_envelope(SimRandom& random, UnixMillis /*now*/) override {
        Bytes envelope(static_cast<std::size_t>(random.between(16, 200)));
        random.fill(envelope);
        envelope[0] = random.chance(20) ? FakeApplication::bad_envelope_byte : 1;
        envelope[1] = static_cast<std::uint8_t>(random.between(0, m_keys.size() - 1));
        return envelope;
    }

private:
    FakeApplication::Options m_options;
    const std::vector<SecretKey>& m_keys;
    const std::vector<PublicKey>& m_public_keys;
};

}  // namespace

const std::vector<SecretKey>& simulated_keys(std::size_t count) { return key_ring(count).secret; }

const std::vector<PublicKey>& simulated_public_keys(std::size_t count) {
    return key_ring(count).open;
}

consensus::MemberKey simulated_member(std::size_t index) {
    return consensus::MemberKey{{'N', 'O', static_cast<std::uint8_t>('A' + index)}};
}

std::optional<NodeIndex> machine_of(const consensus::MemberKey& member) {
    const bool known = member.data[0] == 'N' && member.data[1] == 'O' && member.data[2] >= 'A';
    return known ? std::optional{static_cast<NodeIndex>(member.data[2] - 'A')} : std::nullopt;
}

std::unique_ptr<SimApplicationKind> make_fake_kind(const FakeKindOptions& options) {
    return std::make_unique<FakeKind>(options);
}

}  // namespace tally::simulator
