#include "tools/support/text_file.h"

#include "ledger/base/posix_file_system.h"

#include <utility>

namespace tally::tools {

Expected<Done, std::string> write_text(const std::string& path, const std::string& text) {
    PosixFileSystem files;
    if (!files.write_whole(path, as_bytes(text))) {
        return Unexpected{path + ": cannot be written"};
    }
    return Done{};
}

Expected<Bytes, std::string> read_text(const std::string& path, std::size_t bytes_max) {
    const PosixFileSystem files;
    auto content = files.read(path, 0, bytes_max + 1);
    if (!content) {
        return Unexpected{path + ": cannot be read"};
    }
    return std::move(*content);
}

}  // namespace tally::tools
