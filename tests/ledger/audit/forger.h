#pragma once

#include "ledger/chain/header_proof.h"
#include "ledger/model/day_bands.h"
#include "ledger/state/keys.h"
#include "tests/ledger/store/test_ledger.h"
#include "tests/support/ledger_fixture.h"

#include <catch2/catch.hpp>

#include <memory>
#include <optional>
#include <utility>
#include <vector>

namespace tally::test {

/// A quorum of validators that signs what it likes. It executes with the real rules on a state in
/// which it has planted values: the roots that it signs follow from them, so that certificates,
/// leaves and roots of the forged ledger all fit together.
class Forger {
public:
    explicit Forger(Genesis genesis = make_genesis())
        : m_chain_owner{std::make_unique<TestChain>(std::move(genesis))} {}

    [[nodiscard]] TestChain& chain() { return *m_chain_owner; }
    [[nodiscard]] const Genesis& genesis() const { return m_chain_owner->genesis(); }
    [[nodiscard]] const std::vector<FinalizedBlock>& blocks() const { return m_blocks; }
    [[nodiscard]] std::uint64_t height() const { return m_blocks.size(); }

    /// One action in a block of its own, which everybody signs.
    ResultCode apply(const PartyId& signer, Action action, UnixMillis step = second_ms) {
        const ResultCode result = chain().apply(signer, std::move(action), step);
        keep();
        return result;
    }
    void pass(UnixMillis step) {
        static_cast<void>(chain().pass(step));
        keep();
    }
    void add(const std::vector<Bytes>& envelopes) {
        static_cast<void>(chain().add_block(chain().now() + second_ms, envelopes));
        keep();
    }
    /// Bridge, two connectors and a tariff, as `TestChain::set_up_site`.
    void set_up_site(const PartyId& owner, const Bytes& meter_key = {}) {
        RegisterBridge bridge;
        bridge.bridge_id = "bridge-1";
        bridge.public_key = public_key_of(secret_of(to_text(owner) + "/bridge-1"));
        REQUIRE(apply(owner, bridge) == ResultCode::ok);
        for (const int connector : {1, 2}) {
            RegisterCharger charger;
            charger.evse_id = TestChain::evse(owner, connector);
            charger.station = "ST1";
            charger.connector = static_cast<std::uint16_t>(connector);
            charger.bridge_id = "bridge-1";
            charger.rated_power_w = 60'000;
            charger.meter_serial = "M" + std::to_string(connector);
            charger.meter_public_key = connector == 1 ? meter_key : Bytes{};
            REQUIRE(apply(owner, charger) == ResultCode::ok);
        }
        REQUIRE(apply(owner, PublishTariff{{"std", 1}, price(units(1))}) == ResultCode::ok);
    }
    AuthorizationRef start(const PartyId& home, const PartyId& visited, Money amount) {
        REQUIRE(apply(home, chain().approval(visited, amount)) == ResultCode::ok);
        const AuthorizationRef ref = chain().last_ref();
        REQUIRE(apply(visited, StartCharge{ref, TestChain::evse(visited, 1), {"std", 1}}) ==
                ResultCode::ok);
        return ref;
    }
    RecordCharge record(const AuthorizationRef& ref, const PartyId& visited, std::int64_t wh) {
        RecordCharge record = chain().record(ref, wh);
        REQUIRE(apply(visited, record) == ResultCode::ok);
        return record;
    }

    /// One action that two members sign, and its first transaction.
    TransactionRef both(const PartyId& first, Action action, const PartyId& second) {
        REQUIRE(apply(first, std::move(action)) == ResultCode::ok);
        const TransactionRef ref = chain().last_ref();
        REQUIRE(apply(second, Countersign{ref, chain().tip().leaves.back().hash}) ==
                ResultCode::ok);
        return ref;
    }
    /// What was metered of a charge by a bridge of `visited`, from `wh` on the register on, at one
    /// hour after the genesis, as the usual tariff rates it. All of it is asked for.
    [[nodiscard]] RatedCharge rated(const AuthorizationRef& ref, const PartyId& visited,
                                    std::int64_t wh, std::int64_t begin_wh = 0) {
        RatedCharge charge;
        charge.metered.authorization = ref;
        charge.metered.evse_id = TestChain::evse(visited, 2);
        charge.metered.bridge_id = "bridge-1";
        charge.metered.meter_serial = "M2";
        charge.metered.readings = {{genesis_time + hour_ms, 480, begin_wh, false},
                                   {genesis_time + 2 * hour_ms, 480, begin_wh + wh, false}};
        sign_metered(chain().chain_id(), visited, charge.metered);
        charge.tariff = {"std", 1};
        charge.currency = currency("CNY");
        charge.rated_amount = wh * units(3) / 2 / 1000;
        charge.amount = charge.rated_amount;
        return charge;
    }

    /// Changes the state behind everybody's back; its root stays what it was.
    void plant(Bytes key, std::optional<Bytes> value) {
        WriteBatch batch;
        batch.operations.push_back({std::move(key), std::move(value)});
        REQUIRE(chain().base().write(batch, true));
    }
    [[nodiscard]] static Tariff price(Money per_kwh) {
        return day_tariff(currency("CNY"), {{0, per_kwh, units(1) / 2}});
    }
    /// That a block is final, as anybody may ask a member for.
    [[nodiscard]] HeaderProof proof(std::uint64_t height) const {
        const FinalizedBlock& block = m_blocks.at(height - 1);
        return HeaderProof{{block.block.header}, block.finalization, {}};
    }

private:
    void keep() {
        const ExecutedBlock& tip = chain().tip();
        m_blocks.push_back({tip.block, tip.results, tip.events,
                            certify_by(chain().genesis(), tip.block.header, 0b0111)});
    }

    std::unique_ptr<TestChain> m_chain_owner;
    std::vector<FinalizedBlock> m_blocks;
};

}  // namespace tally::test
