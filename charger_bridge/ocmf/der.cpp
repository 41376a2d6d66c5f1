#include "charger_bridge/ocmf/der.h"

namespace tally::bridge {
namespace {

constexpr std::uint8_t sign_bit{0x80};
constexpr std::size_t long_form_bytes_max{2};
constexpr std::size_t magnitude_bytes_max{64};
constexpr std::size_t short_form_max{127};

Bytes without_leading_zeros(ByteView bytes) {
    std::size_t first{0};
    while (first < bytes.size() && bytes[first] == 0) {
        ++first;
    }
    const ByteView rest = bytes.subspan(first);
    return Bytes{rest.begin(), rest.end()};
}

std::optional<std::size_t> take_length(ByteView& bytes, DerRule rule) {
    if (bytes.empty()) {
        return std::nullopt;
    }
    const std::uint8_t first = bytes.front();
    bytes = bytes.subspan(1);
    if ((first & sign_bit) == 0) {
        return first;
    }
    const std::size_t count = first & short_form_max;
    if (count == 0 || count > long_form_bytes_max || count > bytes.size()) {
        return std::nullopt;
    }
    std::size_t length{0};
    for (const std::uint8_t byte : bytes.first(count)) {
        length = length << 8U | byte;
    }
    const bool shortest = length > short_form_max && bytes.front() != 0;
    bytes = bytes.subspan(count);
    return shortest || rule == DerRule::lenient ? std::optional{length} : std::nullopt;
}

std::optional<Bytes> take_integer(ByteView& bytes, DerRule rule) {
    const std::optional<DerElement> element = take_der(bytes, rule);
    if (!element || element->tag != der_integer || element->content.empty()) {
        return std::nullopt;
    }
    const ByteView content = element->content;
    const bool negative = (content[0] & sign_bit) != 0;
    const bool padded = content.size() > 1 && content[0] == 0 && (content[1] & sign_bit) == 0;
    if (rule == DerRule::strict && (negative || padded)) {
        return std::nullopt;
    }
    Bytes magnitude = without_leading_zeros(content);
    return magnitude.size() <= magnitude_bytes_max ? std::optional{std::move(magnitude)}
                                                   : std::nullopt;
}

void append_integer(Bytes& out, const Bytes& magnitude) {
    const bool pad = magnitude.empty() || (magnitude.front() & sign_bit) != 0;
    out.push_back(der_integer);
    out.push_back(static_cast<std::uint8_t>(magnitude.size() + (pad ? 1U : 0U)));
    if (pad) {
        out.push_back(0);
    }
    append(out, magnitude);
}

}  // namespace

std::optional<DerElement> take_der(ByteView& bytes, DerRule rule) {
    if (bytes.empty()) {
        return std::nullopt;
    }
    DerElement element;
    element.tag = bytes.front();
    bytes = bytes.subspan(1);
    const std::optional<std::size_t> length = take_length(bytes, rule);
    if (!length || *length > bytes.size()) {
        return std::nullopt;
    }
    element.content = bytes.first(*length);
    bytes = bytes.subspan(*length);
    return element;
}

std::optional<EcdsaPair> ecdsa_from_der(ByteView bytes, DerRule rule) {
    const std::optional<DerElement> sequence = take_der(bytes, rule);
    if (!sequence || sequence->tag != der_sequence || !bytes.empty()) {
        return std::nullopt;
    }
    ByteView content = sequence->content;
    std::optional<Bytes> r = take_integer(content, rule);
    std::optional<Bytes> s = r ? take_integer(content, rule) : std::nullopt;
    if (!s || !content.empty()) {
        return std::nullopt;
    }
    return EcdsaPair{std::move(*r), std::move(*s)};
}

std::optional<EcdsaPair> ecdsa_from_raw(ByteView bytes, std::size_t coordinate) {
    if (bytes.size() != 2 * coordinate) {
        return std::nullopt;
    }
    return EcdsaPair{without_leading_zeros(bytes.first(coordinate)),
                     without_leading_zeros(bytes.subspan(coordinate))};
}

Bytes ecdsa_to_der(const EcdsaPair& pair) {
    Bytes content;
    append_integer(content, pair.r);
    append_integer(content, pair.s);
    Bytes out{der_sequence};
    if (content.size() > short_form_max) {
        out.push_back(sign_bit | 1U);
    }
    out.push_back(static_cast<std::uint8_t>(content.size()));
    append(out, content);
    return out;
}

}  // namespace tally::bridge
