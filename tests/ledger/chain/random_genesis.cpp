#include "tests/ledger/chain/random_genesis.h"

#include "tests/support/ledger_fixture.h"

namespace tally::test {

Genesis random_genesis(std::uint64_t seed) {
    Genesis genesis = make_genesis();
    genesis.parameters.cycle_start = genesis_time - 7 * hour_ms;
    genesis.parameters.cycle_length = 60 * hour_ms;
    genesis.parameters.payment_window = 30 * hour_ms;
    genesis.parameters.default_bearer =
        seed % 4 < 2 ? DefaultBearer::creditor : DefaultBearer::shared;
    genesis.parameters.arbitrate_window = 50 * hour_ms;
    genesis.parameters.correction_window = 100 * hour_ms;
    genesis.parameters.dispute_default =
        seed % 2 == 0 ? DisputeDefault::post : DisputeDefault::release;
    for (SetLimit& limit : genesis.limits) {
        limit.limit = units(150);
    }
    for (GenesisAgreement& half : genesis.agreements) {
        if (half.member == party("AAA") && half.agreement.partner == party("BBB")) {
            half.agreement.exposure_cap = units(100);
        }
    }
    return genesis;
}

NaiveLedger::Rules rules_of(const Genesis& genesis) {
    const Parameters& parameters = genesis.parameters;
    NaiveLedger::Rules rules;
    rules.limit = units(150);
    rules.minimum = parameters.minimum_approval;
    rules.start_window = parameters.start_window;
    rules.record_window = parameters.record_window;
    rules.settle_window = parameters.settle_window;
    rules.claim_window = parameters.claim_window;
    rules.home_release_after = parameters.home_release_after;
    rules.clock_ahead = parameters.charger_clock_ahead;
    rules.countersign_window = parameters.countersign_window;
    rules.arbitrate_window = parameters.arbitrate_window;
    rules.correction_window = parameters.correction_window;
    rules.posts_by_default = parameters.dispute_default == DisputeDefault::post;
    rules.cycle_start = parameters.cycle_start;
    rules.cycle_length = parameters.cycle_length;
    rules.payment_window = parameters.payment_window;
    rules.shares_defaults = parameters.default_bearer == DefaultBearer::shared;
    rules.caps[{"AAA", "BBB"}] = units(100);
    return rules;
}

}  // namespace tally::test
