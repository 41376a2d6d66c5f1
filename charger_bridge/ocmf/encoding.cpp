#include "charger_bridge/ocmf/encoding.h"

namespace tally::bridge {
namespace {

constexpr std::string_view white_space{" \t\r\n"};
constexpr std::string_view alphabet{
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"};
constexpr std::uint32_t bits_a_character{6};
constexpr std::uint32_t bits_a_byte{8};
constexpr std::size_t characters_a_group{4};

bool is_white(char c) { return white_space.find(c) != std::string_view::npos; }

std::optional<std::uint32_t> base64_value(char c) {
    if (c == '-') {
        c = '+';
    } else if (c == '_') {
        c = '/';
    }
    const std::size_t place = alphabet.find(c);
    return place == std::string_view::npos ? std::nullopt
                                           : std::optional{static_cast<std::uint32_t>(place)};
}

}  // namespace

std::string_view trimmed(std::string_view text) {
    const std::size_t first = text.find_first_not_of(white_space);
    if (first == std::string_view::npos) {
        return {};
    }
    return text.substr(first, text.find_last_not_of(white_space) - first + 1);
}

std::optional<Bytes> bytes_from_base64(std::string_view text) {
    Bytes bytes;
    std::uint32_t held{0};
    std::uint32_t bits{0};
    std::size_t characters{0};
    std::size_t padding{0};
    for (const char c : text) {
        if (is_white(c)) {
            continue;
        }
        if (c == '=') {
            ++padding;
            continue;
        }
        const std::optional<std::uint32_t> value = base64_value(c);
        if (!value || padding > 0) {
            return std::nullopt;
        }
        ++characters;
        held = (held << bits_a_character | *value) & 0xFFFFU;
        bits += bits_a_character;
        if (bits >= bits_a_byte) {
            bits -= bits_a_byte;
            bytes.push_back(static_cast<std::uint8_t>(held >> bits & 0xFFU));
        }
    }
    const std::size_t open = characters % characters_a_group;
    const bool padded = padding == 0 || (open != 0 && padding == characters_a_group - open);
    const bool unused_zero = (held & ((1U << bits) - 1U)) == 0;
    if (open == 1 || !padded || !unused_zero) {
        return std::nullopt;
    }
    return bytes;
}

std::optional<Bytes> bytes_from_spaced_hex(std::string_view text) {
    std::string digits;
    for (const char c : text) {
        if (!is_white(c) && c != ':') {
            digits += c;
        }
    }
    return digits.empty() ? std::nullopt : from_hex(digits);
}

}  // namespace tally::bridge
