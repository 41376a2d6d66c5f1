#include "ledger/base/check.h"

#include <cstdio>
#include <cstdlib>

namespace tally {

void ensure_failed(const char* condition, const char* file, int line) noexcept {
    static_cast<void>(std::fprintf(stderr, "%s:%d: invariant broken: %s\n", file, line, condition));
    std::abort();
}

}  // namespace tally
