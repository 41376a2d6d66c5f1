#include "ledger/base/system_random.h"

#include "ledger/base/check.h"

#include <sys/random.h>

#include <cerrno>

namespace tally {

void SystemRandom::fill(std::span<std::uint8_t> out) {
    while (!out.empty()) {
        const ssize_t given = ::getrandom(out.data(), out.size(), 0);
        if (given < 0) {
            ENSURE(errno == EINTR);
            continue;
        }
        out = out.subspan(static_cast<std::size_t>(given));
    }
}

}  // namespace tally
