#pragma once

#include "ledger/base/clock.h"

namespace tally {

/// The machine's clocks.
/// Thread safety: all members may be called from any thread.
class SystemClock final : public Clock {
public:
    [[nodiscard]] UnixMillis now() const override;
    [[nodiscard]] std::chrono::microseconds monotonic() const override;
};

}  // namespace tally
