#include "ledger/chain/state_receipt.h"

#include "ledger/base/overloaded.h"
#include "ledger/state/keys.h"

#include <utility>

namespace tally {
namespace {

constexpr std::string_view magic{"TALLYSTP"};
constexpr std::uint16_t version{1};
constexpr std::uint8_t kind_key{1};
constexpr std::uint8_t kind_range{2};

Bytes owned(ByteView bytes) { return {bytes.begin(), bytes.end()}; }

StateReceipt::Entry decode_entry(Decoder& decoder) {
    StateReceipt::Entry entry;
    entry.key = owned(decoder.var_bytes(chunk_key_bytes_max));
    if (decoder.boolean()) {
        entry.value = owned(decoder.var_bytes(chunk_value_bytes_max));
    }
    std::optional<StateProof> path = StateProof::decode(decoder.var_bytes(state_path_bytes_max));
    if (!path) {
        decoder.fail();
        return entry;
    }
    entry.path = std::move(*path);
    return entry;
}

StateReceipt::Range decode_range(Decoder& decoder) {
    StateReceipt::Range range;
    range.name.prefix = decoder.fixed<Hash>();
    range.name.depth = decoder.u8();
    std::optional<StateChunk> chunk =
        StateChunk::decode(decoder.var_bytes(chunk_encoded_bytes_max));
    if (!chunk || !range.name.is_valid()) {
        decoder.fail();
        return range;
    }
    range.chunk = std::move(*chunk);
    return range;
}

std::optional<std::string> check_entry(const StateReceipt::Entry& entry, const Hash& state_root) {
    // Of what is not in the tree at all, absence would prove nothing.
    if (entry.key.empty() || is_derived(entry.key.front())) {
        return "the key is of no table of the state tree";
    }
    if (entry.value) {
        return verify_present(state_root, entry.key, *entry.value, entry.path)
                   ? std::nullopt
                   : std::optional<std::string>{
                         "the path does not lead from the value to the "
                         "block's state root"};
    }
    return verify_absent(state_root, entry.key, entry.path)
               ? std::nullopt
               : std::optional<std::string>{"the path does not show that the key is absent"};
}

std::optional<std::string> check_range(const StateReceipt::Range& range, const Hash& state_root) {
    return verify_chunk(state_root, range.name, range.chunk) == ChunkVerdict::wrong
               ? std::optional<std::string>{"the entries are not those of the range"}
               : std::nullopt;
}

}  // namespace

Bytes StateReceipt::encode() const {
    Encoder encoder;
    encoder.raw(as_bytes(magic)).u16(version);
    std::visit(Overloaded{
                   [&encoder](const Entry& entry) {
                       encoder.u8(kind_key).var_bytes(entry.key).boolean(entry.value.has_value());
                       if (entry.value) {
                           encoder.var_bytes(*entry.value);
                       }
                       encoder.var_bytes(entry.path.encode());
                   },
                   [&encoder](const Range& range) {
                       encoder.u8(kind_range).fixed(range.name.prefix).u8(range.name.depth);
                       encoder.var_bytes(range.chunk.encode());
                   },
               },
               content);
    tally::encode(encoder, *this);
    return std::move(encoder).take();
}

std::optional<StateReceipt> StateReceipt::decode(ByteView bytes) {
    Decoder decoder{bytes};
    if (as_text(decoder.raw(magic.size())) != magic || decoder.u16() != version) {
        return std::nullopt;
    }
    StateReceipt receipt;
    const std::uint8_t kind = decoder.u8();
    if (kind == kind_key) {
        receipt.content = decode_entry(decoder);
    } else if (kind == kind_range) {
        receipt.content = decode_range(decoder);
    } else {
        return std::nullopt;
    }
    if (!decoder.ok()) {
        return std::nullopt;
    }
    tally::decode(decoder, receipt);
    return decoder.finished() ? std::optional{std::move(receipt)} : std::nullopt;
}

std::optional<std::string> verify_state_receipt(const StateReceipt& receipt,
                                                const Genesis& genesis) {
    const Hash& state_root = receipt.header.state_root;
    std::optional<std::string> problem =
        std::visit(Overloaded{
                       [&state_root](const StateReceipt::Entry& entry) {
                           return check_entry(entry, state_root);
                       },
                       [&state_root](const StateReceipt::Range& range) {
                           return check_range(range, state_root);
                       },
                   },
                   receipt.content);
    return problem ? problem : find_problem(receipt, genesis);
}

}  // namespace tally
