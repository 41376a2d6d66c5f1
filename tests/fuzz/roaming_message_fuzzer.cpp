// Messages between members, and the stored records of roaming and accounts. The encodings are
// canonical: what decodes encodes to the same bytes. The first byte chooses the kind.

#include "node/accounts/customer.h"
#include "node/roaming/flow/home_flow.h"
#include "node/roaming/flow/hub_flow.h"
#include "node/roaming/flow/visited_flow.h"
#include "node/roaming/messages.h"

#include <algorithm>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

using tally::Bytes;
using tally::ByteView;

void same(const Bytes& again, ByteView input) {
    ENSURE(std::equal(again.begin(), again.end(), input.begin(), input.end()));
}

/// As `round_trip`; what an older program stored is written anew in the form of today.
template <typename Decode>
void stored_round_trip(const Decode& decode, ByteView input) {
    const auto decoded = decode(input);
    if (!decoded) {
        return;
    }
    const Bytes again = encode(*decoded);
    if (again.front() == input[0]) {
        same(again, input);
    } else {
        ENSURE(decode(again) == decoded);
    }
}

template <typename Decoded, typename Encode>
void round_trip(const Decoded& decoded, const Encode& encode, ByteView input) {
    if (decoded) {
        same(encode(*decoded), input);
    }
}

void stored(std::uint8_t kind, ByteView input) {
    using namespace tally::node;
    const auto encode_any = [](const auto& value) { return encode(value); };
    switch (kind) {
        case 2:
            stored_round_trip(decode_visited_session, input);
            break;
        case 3:
            stored_round_trip(decode_home_session, input);
            break;
        case 4:
            stored_round_trip(decode_hub_session, input);
            break;
        case 5:
            round_trip(decode_customer(input), encode_any, input);
            break;
        case 6:
            round_trip(decode_hold(input), encode_any, input);
            break;
        default:
            round_trip(decode_statement_entry(input), encode_any, input);
            break;
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace tally::node;
    if (size == 0) {
        return 0;
    }
    const ByteView input{data + 1, size - 1};
    const std::uint8_t kind = data[0] % 8;
    if (kind == 0) {
        round_trip(
            decode_signed_message(input),
            [](const SignedMessage& message) { return encode_signed_message(message); }, input);
    } else if (kind == 1) {
        round_trip(
            decode_roaming_body(input),
            [](const RoamingBody& body) { return encode_roaming_body(body); }, input);
    } else {
        stored(kind, input);
    }
    return 0;
}
