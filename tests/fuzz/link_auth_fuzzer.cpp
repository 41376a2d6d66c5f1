// AUTH1 and AUTH2: decoding is total, and what decodes encodes to the same bytes.

#include "ledger/base/check.h"
#include "node/link/auth_message.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const tally::ByteView bytes{data, size};
    const auto decoded = tally::node::decode_auth(bytes);
    if (decoded) {
        ENSURE(tally::node::encode_auth(*decoded) == tally::Bytes(bytes.begin(), bytes.end()));
    }
    tally::node::AuthContext context;
    context.own_role = tally::node::AuthRole::listener;
    const auto admit = [](const tally::PublicKey&) {
        return std::optional<tally::node::LinkRefusal>{};
    };
    static_cast<void>(tally::node::check_auth(context, bytes, admit));
    return 0;
}
