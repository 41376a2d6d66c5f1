// Configurations of bridges: any text gives a configuration or problems, each with its rule.

#include "charger_bridge/config.h"
#include "ledger/base/check.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto config =
        tally::bridge::parse_config(tally::as_text({data, size}), "/nowhere/bridge.toml");
    if (!config) {
        ENSURE(!config.error().empty());
        for (const tally::node::ConfigProblem& problem : config.error()) {
            ENSURE(!problem.rule.empty());
        }
    }
    return 0;
}
