#include "tools/audit/progress_bar.h"

#include <unistd.h>

#include <cstdio>
#include <memory>
#include <string>

namespace tally::tools {

AuditProgressCallback progress_bar() {
    if (::isatty(STDERR_FILENO) == 0) {
        return nullptr;
    }
    auto shown = std::make_shared<int>(-1);
    return [shown](const AuditProgress& progress) {
        constexpr int width{40};
        const std::uint64_t total = progress.bytes_total == 0 ? 1 : progress.bytes_total;
        const int percent = static_cast<int>(100 * progress.bytes_done / total);
        if (percent == *shown) {
            return;
        }
        *shown = percent;
        const std::string bar(static_cast<std::size_t>(percent * width / 100), '#');
        std::fprintf(stderr, "\r[%-*s] %3d %%  height %llu", width, bar.c_str(), percent,
                     static_cast<unsigned long long>(progress.height));
        if (percent == 100) {
            std::fputc('\n', stderr);
        }
    };
}

}  // namespace tally::tools
