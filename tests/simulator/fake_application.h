#pragma once

#include "consensus/driver/application.h"
#include "tests/simulator/sim_application.h"
#include "tests/simulator/sim_disk.h"

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <vector>

namespace tally::simulator {

/// The least that consensus can order: blocks whose state is a hash over everything so far. Takes
/// the ledger's place in worlds that are only about consensus and must run by the thousand.
///
/// An envelope may be final only once, and one that begins with `bad_envelope_byte` makes a block
/// invalid, as wrong signatures do on the real ledger. One made by `set_envelope` asks for another
/// validator set: the next block seals the epoch with it, the newest one asked for.
/// Durability: `commit` writes the block synced before it returns.
class FakeApplication final : public consensus::Application {
public:
    static constexpr std::uint8_t bad_envelope_byte{0xee};
    static constexpr std::uint8_t set_envelope_byte{0x5e};
    static constexpr std::uint8_t ready_envelope_byte{0x5f};

    /// What all nodes of a world agree on from the start.
    struct Options {
        Hash chain_id;
        consensus::EpochInfo first_epoch;
        std::uint64_t epoch_blocks_max{0};  ///< 0: an epoch ends only when its set changes
        consensus::SignatureCheck check{};  ///< of epoch proofs; empty: VerifyKey::verify
    };

    FakeApplication(Options options, SimStore& store, OnFinal on_final);

    /// Asks for a validator set. With `needs_ready`, a final `ready_envelope` must follow. `salt`
    /// makes it unique.
    [[nodiscard]] static Bytes set_envelope(const std::vector<consensus::EpochValidator>& wanted,
                                            bool needs_ready, std::uint64_t salt);
    [[nodiscard]] static Bytes ready_envelope(std::uint64_t salt);

    [[nodiscard]] static consensus::BlockMeta genesis(const Hash& chain_id);
    [[nodiscard]] static Hash hash_of(ByteView envelope);
    [[nodiscard]] static std::optional<consensus::BlockMeta> decode(const Hash& chain_id,
                                                                    ByteView header);

    [[nodiscard]] std::optional<consensus::BlockMeta> decode_header(ByteView header) const override;
    [[nodiscard]] Hash hash_of_envelope(ByteView envelope) const override;
    [[nodiscard]] consensus::MemberKey signer_of_envelope(ByteView envelope) const override;
    [[nodiscard]] bool body_matches(ByteView header,
                                    const std::vector<Hash>& envelopes) const override;
    [[nodiscard]] bool has_executed(const Hash& digest) const override;
    [[nodiscard]] std::optional<consensus::BuiltBlock> build(
        const consensus::BuildRequest& request, const std::vector<Bytes>& envelopes) override;
    [[nodiscard]] bool execute(ByteView header, const std::vector<Bytes>& envelopes) override;
    void commit(const Hash& digest, const QuorumCertificate& finalization) override;
    [[nodiscard]] consensus::BlockMeta last_final() const override { return m_final.meta; }
    [[nodiscard]] std::optional<QuorumCertificate> last_finalization() const override {
        return m_last_finalization;
    }
    [[nodiscard]] std::optional<consensus::FinalizedBytes> read_final(
        consensus::Height height) const override;
    [[nodiscard]] consensus::EpochInfo epoch() const override { return m_final.state.epoch; }
    [[nodiscard]] std::optional<Bytes> read_epoch_proof(std::uint64_t epoch) const override;
    [[nodiscard]] std::optional<consensus::EpochSeal> check_epoch_proof(
        ByteView proof) const override;

private:
    struct Header;
    /// After a block: what the next one builds on.
    struct State {
        Hash history;
        consensus::EpochInfo epoch;
        consensus::Height first_height{1};  ///< of the epoch
        std::vector<consensus::EpochValidator> wanted;
        bool is_ready{false};
    };
    struct Executed {
        consensus::BlockMeta meta;
        State state;
        Bytes header;
        std::vector<Bytes> envelopes;
        std::vector<Hash> hashes;
    };

    [[nodiscard]] const Executed* find(const Hash& digest) const;
    [[nodiscard]] bool seals(const State& parent, consensus::Height height) const;
    [[nodiscard]] State state_after(const Executed& parent, const consensus::BlockMeta& meta,
                                    const std::vector<Bytes>& envelopes, const Hash& body) const;
    [[nodiscard]] bool holds(const QuorumCertificate& certificate) const;
    [[nodiscard]] bool is_repeated(const Hash& envelope, const Executed& parent) const;
    void load();

    Options m_options;
    SimStore& m_store;
    OnFinal m_on_final;
    Executed m_final;
    std::map<Hash, Executed> m_executed;
    std::set<Hash> m_final_envelopes;
    std::optional<QuorumCertificate> m_last_finalization;
    std::map<std::uint64_t, consensus::Height> m_seals;  ///< by epoch
};

}  // namespace tally::simulator
