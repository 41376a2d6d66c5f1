#include "ledger/state/apply.h"

#include <algorithm>

namespace tally {

UnixMillis deadline_after(UnixMillis time, UnixMillis window) noexcept {
    return time + std::clamp<UnixMillis>(window, 0, duration_max);
}

ResultCode apply_action(Context& context, const Action& action) {
    StateOverlay& state = context.state();
    state.set_savepoint();
    const ResultCode result =
        std::visit([&context](const auto& concrete) { return apply(context, concrete); }, action);
    if (result == ResultCode::ok) {
        state.keep();
    } else {
        state.roll_back();
    }
    return result;
}

}  // namespace tally
