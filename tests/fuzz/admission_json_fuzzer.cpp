// Admission requests: any text gives one that writes and reads back the same, or an error.

#include "ledger/base/check.h"
#include "tools/join/admission.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace tally::tools;  // NOLINT(google-build-using-namespace): one function
    const auto admission = admission_from_json(tally::as_text({data, size}));
    if (!admission) {
        ENSURE(!admission.error().empty());
        return 0;
    }
    const auto again = admission_from_json(admission_to_json(*admission));
    ENSURE(again.has_value() && again->request == admission->request);
    return 0;
}
