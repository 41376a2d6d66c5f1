// Scripts of simulated chargers: any text gives a script that runs within its bounds, or problems
// with their places.

#include "ledger/base/bytes.h"
#include "ledger/base/check.h"
#include "tools/charger/script.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace tally::tools;
    const auto script = parse_script(tally::as_text({data, size}), "script.toml");
    if (!script) {
        ENSURE(script.error().find("script.toml") != std::string::npos);
        return 0;
    }
    ENSURE(!script->name.empty() && !script->steps.empty() && !script->versions.empty());
    for (const Step& step : script->steps) {
        ENSURE(step.seconds >= 0 && step.delay_ms >= 0);
    }
    return 0;
}
