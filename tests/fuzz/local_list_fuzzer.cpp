// The operator's local list: as it comes, and with a right signature behind it, so that the lines
// are reached. What is read is written again as the same list.

#include "charger_bridge/session/local_list.h"
#include "ledger/base/check.h"
#include "ledger/crypto/sha256.h"

#include <cstddef>
#include <cstdint>
#include <string>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace tally;  // NOLINT(google-build-using-namespace)
    static const SecretKey key = [] {
        SecretKey made;
        made.data.fill(5);
        return made;
    }();
    static const PublicKey known = public_key_of(key);
    const std::string text{reinterpret_cast<const char*>(data), size};
    static_cast<void>(bridge::read_local_list(text, known));
    const Hash digest = tagged_hash("tally/local-list/v1", as_bytes(std::string_view{text}));
    const std::string with_signature =
        text + "signature " + to_hex(sign_digest(key, digest)) + "\n";
    if (const auto list = bridge::read_local_list(with_signature, known)) {
        const auto again = bridge::read_local_list(bridge::make_local_list(*list, key), known);
        ENSURE(again.has_value());
        ENSURE(again->limits == list->limits);
    }
    return 0;
}
