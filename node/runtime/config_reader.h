#pragma once

// Strict reading of a TOML configuration file (toml++ in config_reader.cpp only).

#include "ledger/base/expected.h"
#include "node/runtime/exit_codes.h"

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tally::node {

inline constexpr std::size_t config_file_bytes_max{1024UL * 1024};
inline constexpr std::size_t config_text_bytes_max{1024};
/// Most entries of any list in a configuration file.
inline constexpr std::size_t config_list_max{1024};
/// Problems beyond this many are not listed.
inline constexpr std::size_t config_problems_max{100};

/// One thing wrong in a configuration file. Lines and columns count from 1; 0: the file as a whole.
struct ConfigProblem {
    std::string file;
    std::uint32_t line{0};
    std::uint32_t column{0};
    std::string key;   ///< dotted path, "links.targets[2].port"
    std::string rule;  ///< "must be between 1 and 65535, but is 70000"

    /// "node.toml:12:8: links.port: must be ..."
    [[nodiscard]] std::string text() const;
};

struct HostPort {
    std::string host;  ///< a name or an address, IPv6 without brackets
    std::uint16_t port{0};
    friend bool operator==(const HostPort&, const HostPort&) = default;
};
/// "host:port" or "[v6]:port". Nothing when the host is empty or the port is not a number up to
/// 65535; port 0 is accepted and means "any" where one listens.
[[nodiscard]] std::optional<HostPort> host_port_from_text(std::string_view text);

struct IntRange {
    std::int64_t min{0};
    std::int64_t max{INT64_MAX};
};

/// One table of the file. Every getter notes a problem with its place and gives a harmless value
/// (the fallback, or empty/zero) when the key is missing without a fallback, has another type or
/// breaks its rule; so a program reads everything and then asks `ConfigReader::finish` once.
/// Without a fallback a key is required. Keys never asked for are problems too.
/// Refers to its ConfigReader, which must outlive it.
class ConfigTable {
public:
    /// Whether the key is present; also counts as asking for it.
    [[nodiscard]] bool has(std::string_view key) const;

    [[nodiscard]] std::string text(std::string_view key,
                                   const std::optional<std::string>& fallback = {}) const;
    /// One of `allowed`.
    [[nodiscard]] std::string choice(std::string_view key, const std::vector<std::string>& allowed,
                                     const std::optional<std::string>& fallback = {}) const;
    [[nodiscard]] std::int64_t integer(std::string_view key, IntRange range,
                                       std::optional<std::int64_t> fallback = {}) const;
    [[nodiscard]] bool boolean(std::string_view key, std::optional<bool> fallback = {}) const;
    /// A whole number of milliseconds; by convention the key ends in "_ms".
    [[nodiscard]] std::chrono::milliseconds duration_ms(
        std::string_view key, IntRange range,
        std::optional<std::chrono::milliseconds> fallback = {}) const;
    /// A file or folder; relative ones are taken from the folder of the configuration file.
    [[nodiscard]] std::string path(std::string_view key,
                                   const std::optional<std::string>& fallback = {}) const;
    [[nodiscard]] HostPort host_port(std::string_view key,
                                     const std::optional<HostPort>& fallback = {}) const;
    /// A list of texts; empty when the key is missing.
    [[nodiscard]] std::vector<std::string> texts(std::string_view key,
                                                 std::size_t count_max = config_list_max) const;

    /// A table below this one; an empty one when it is missing.
    [[nodiscard]] ConfigTable table(std::string_view key) const;
    /// A list of tables ([[key]]); empty when the key is missing.
    [[nodiscard]] std::vector<ConfigTable> tables(std::string_view key,
                                                  std::size_t count_max = config_list_max) const;

    /// Notes a problem the caller found itself, at the key's place.
    void problem(std::string_view key, const std::string& rule) const;

private:
    friend class ConfigReader;
    struct Impl;
    explicit ConfigTable(std::shared_ptr<Impl> impl) : m_impl{std::move(impl)} {}
    std::shared_ptr<Impl> m_impl;
};

/// A parsed configuration file. Use: `open`, read through `root`, then `finish`; when that gives
/// problems, print each one's text and exit with `exit_config`.
class ConfigReader {
public:
    /// Reads and parses the file. The error says what cannot be read or where the syntax breaks.
    [[nodiscard]] static Expected<ConfigReader, ConfigProblem> open(const std::string& path);
    /// Parses text; `path` only names it in problems and roots relative paths.
    [[nodiscard]] static Expected<ConfigReader, ConfigProblem> parse(std::string_view text,
                                                                     const std::string& path);

    [[nodiscard]] ConfigTable root() const;
    /// All problems in the order of the file, unknown keys included. Empty: the file is right.
    [[nodiscard]] std::vector<ConfigProblem> finish() const;

private:
    struct Document;
    explicit ConfigReader(std::shared_ptr<Document> document) : m_document{std::move(document)} {}
    std::shared_ptr<Document> m_document;
    friend class ConfigTable;
};

}  // namespace tally::node
