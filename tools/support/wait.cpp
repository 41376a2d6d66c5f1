#include "tools/support/wait.h"

#include <algorithm>
#include <thread>

namespace tally::tools {

bool wait_until(const Deadline& deadline, const std::function<bool()>& condition) {
    constexpr std::chrono::milliseconds pause_max{100};
    std::chrono::milliseconds pause{2};
    for (;;) {
        if (condition()) {
            return true;
        }
        if (deadline.passed()) {
            return false;
        }
        std::this_thread::sleep_for(pause);
        pause = std::min(pause * 2, pause_max);
    }
}

}  // namespace tally::tools
