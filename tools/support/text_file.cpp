#include "tools/support/text_file.h"

#include "ledger/base/bytes.h"
#include "ledger/base/posix_file_system.h"

namespace tally::tools {

Expected<Done, std::string> write_text(const std::string& path, const std::string& text) {
    PosixFileSystem files;
    if (!files.write_whole(path, as_bytes(text))) {
        return Unexpected{path + ": cannot be written"};
    }
    return Done{};
}

}  // namespace tally::tools
