// Files of card numbers: what is given on is canonical, and as many cards as are counted.

#include "ledger/base/bytes.h"
#include "ledger/base/check.h"
#include "node/tokens/token_key.h"
#include "tools/tokens/card_file.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace tally;
    const int file = memfd_create("cards", 0);
    ENSURE(file >= 0 && write(file, data, size) == static_cast<ssize_t>(size));
    std::uint64_t given = 0;
    const auto take = [&given](const std::string& page) {
        for (std::size_t from = 0; from < page.size();) {
            const std::size_t end = page.find('\n', from);
            ENSURE(end != std::string::npos);
            const std::string card = page.substr(from, end - from);
            ENSURE(node::canonical_card(card) == card);
            from = end + 1;
            ++given;
        }
        return std::string{};
    };
    const auto done = tools::for_cards("/proc/self/fd/" + std::to_string(file), take);
    close(file);
    if (!done) {
        ENSURE(given == 0);
        // The file's name and line are told, and never a card.
        ENSURE(done.error().is_file && done.error().text.starts_with("/proc/self/fd/"));
        return 0;
    }
    ENSURE(done->cards == given);
    return 0;
}
