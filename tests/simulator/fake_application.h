#pragma once

#include "consensus/driver/application.h"
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
/// invalid, as wrong signatures do on the real ledger.
/// Durability: `commit` writes the block synced before it returns.
class FakeApplication final : public consensus::Application {
public:
    static constexpr std::uint8_t bad_envelope_byte{0xee};
    /// Told about each block that became final here.
    using OnFinal = std::function<void(const consensus::BlockMeta& meta, ByteView header,
                                       const std::vector<Hash>& envelopes,
                                       const QuorumCertificate& finalization)>;

    FakeApplication(const Hash& chain_id, SimStore& store, OnFinal on_final);

    [[nodiscard]] static consensus::BlockMeta genesis(const Hash& chain_id);
    [[nodiscard]] static Hash hash_of(ByteView envelope);
    [[nodiscard]] static std::optional<consensus::BlockMeta> decode(const Hash& chain_id,
                                                                    ByteView header);

    [[nodiscard]] std::optional<consensus::BlockMeta> decode_header(ByteView header) const override;
    [[nodiscard]] Hash hash_of_envelope(ByteView envelope) const override;
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

private:
    struct Header;
    struct Executed {
        consensus::BlockMeta meta;
        Hash state;
        Bytes header;
        std::vector<Bytes> envelopes;
        std::vector<Hash> hashes;
    };

    [[nodiscard]] const Executed* find(const Hash& digest) const;
    [[nodiscard]] bool is_repeated(const Hash& envelope, const Executed& parent) const;
    void load();

    Hash m_chain_id;
    SimStore& m_store;
    OnFinal m_on_final;
    Executed m_final;
    std::map<Hash, Executed> m_executed;
    std::set<Hash> m_final_envelopes;
    std::optional<QuorumCertificate> m_last_finalization;
};

}  // namespace tally::simulator
