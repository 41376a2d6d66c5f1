#include "charger_bridge/ocpp/credentials.h"

#include "ledger/model/ids.h"

#include <algorithm>

namespace tally::bridge {

namespace {

constexpr std::string_view path_prefix{"/ocpp/"};

std::optional<int> hex_digit(char c) {
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    if (c >= 'a' && c <= 'f') {
        return c - 'a' + 10;
    }
    if (c >= 'A' && c <= 'F') {
        return c - 'A' + 10;
    }
    return std::nullopt;
}

std::optional<std::string> percent_decode(std::string_view text) {
    std::string result;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '%') {
            result += text[i];
            continue;
        }
        if (i + 2 >= text.size()) {
            return std::nullopt;
        }
        const std::optional<int> high = hex_digit(text[i + 1]);
        const std::optional<int> low = hex_digit(text[i + 2]);
        if (!high || !low) {
            return std::nullopt;
        }
        result += static_cast<char>(*high * 16 + *low);
        i += 2;
    }
    return result;
}

std::optional<std::uint32_t> base64_value(char c) {
    if (c >= 'A' && c <= 'Z') {
        return static_cast<std::uint32_t>(c - 'A');
    }
    if (c >= 'a' && c <= 'z') {
        return static_cast<std::uint32_t>(c - 'a' + 26);
    }
    if (c >= '0' && c <= '9') {
        return static_cast<std::uint32_t>(c - '0' + 52);
    }
    if (c == '+' || c == '/') {
        return c == '+' ? 62U : 63U;
    }
    return std::nullopt;
}

std::optional<Bytes> base64_decode(std::string_view text) {
    while (!text.empty() && text.back() == '=') {
        text.remove_suffix(1);
    }
    if (text.size() % 4 == 1) {
        return std::nullopt;
    }
    Bytes result;
    std::uint32_t buffer = 0;
    unsigned bits = 0;
    for (const char c : text) {
        const std::optional<std::uint32_t> value = base64_value(c);
        if (!value) {
            return std::nullopt;
        }
        buffer = (buffer << 6U | *value) & 0xffffU;
        bits += 6;
        if (bits >= 8) {
            bits -= 8;
            result.push_back(static_cast<std::uint8_t>(buffer >> bits & 0xffU));
        }
    }
    return result;
}

bool starts_with_basic(std::string_view header) {
    constexpr std::string_view scheme{"basic "};
    if (header.size() < scheme.size()) {
        return false;
    }
    for (std::size_t i = 0; i < scheme.size(); ++i) {
        const char c = header[i];
        const char lower = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
        if (lower != scheme[i]) {
            return false;
        }
    }
    return true;
}

}  // namespace

std::optional<std::string> station_from_path(std::string_view target) {
    const std::string_view path = target.substr(0, target.find('?'));
    if (path.size() > handshake_path_bytes_max || !path.starts_with(path_prefix)) {
        return std::nullopt;
    }
    const std::string_view segment = path.substr(path_prefix.size());
    if (segment.find('/') != std::string_view::npos) {
        return std::nullopt;
    }
    std::optional<std::string> id = percent_decode(segment);
    if (!id || id->empty() || id->size() > station_id_bytes_max) {
        return std::nullopt;
    }
    const bool printable =
        std::all_of(id->begin(), id->end(), [](char c) { return c >= 0x20 && c <= 0x7e; });
    return printable ? id : std::nullopt;
}

std::optional<BasicCredentials> credentials_from_header(std::string_view header) {
    if (header.size() > authorization_bytes_max || !starts_with_basic(header)) {
        return std::nullopt;
    }
    std::string_view encoded = header.substr(6);
    while (!encoded.empty() && encoded.front() == ' ') {
        encoded.remove_prefix(1);
    }
    const std::optional<Bytes> decoded = base64_decode(encoded);
    if (!decoded) {
        return std::nullopt;
    }
    const auto colon = std::find(decoded->begin(), decoded->end(), std::uint8_t{':'});
    if (colon == decoded->end() || decoded->end() - colon - 1 > 64) {
        return std::nullopt;
    }
    return BasicCredentials{std::string{decoded->begin(), colon}, Bytes{colon + 1, decoded->end()}};
}

}  // namespace tally::bridge
