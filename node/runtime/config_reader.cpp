#include "node/runtime/config_reader.h"

#define TOML_EXCEPTIONS 0
#include <toml++/toml.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <fstream>
#include <set>
#include <tuple>
#include <utility>

namespace tally::node {

struct ConfigReader::Document {
    std::string path;
    toml::table root;
    std::vector<ConfigProblem> problems;
    /// Every value that was asked for, tables and lists included.
    std::set<const toml::node*> asked;

    void add(const toml::source_region& place, std::string key, std::string rule) {
        if (problems.size() < config_problems_max) {
            problems.push_back(
                {path, place.begin.line, place.begin.column, std::move(key), std::move(rule)});
        }
    }
};

struct ConfigTable::Impl {
    std::shared_ptr<ConfigReader::Document> document;
    const toml::table* table{nullptr};  ///< null: the table is missing in the file
    std::string prefix;                 ///< of dotted keys, ends in '.' unless empty
    toml::source_region place;

    [[nodiscard]] std::string dotted(std::string_view key) const {
        return prefix + std::string{key};
    }

    const toml::node* find(std::string_view key) const {
        const toml::node* node = table == nullptr ? nullptr : table->get(key);
        if (node != nullptr) {
            document->asked.insert(node);
        }
        return node;
    }

    void missing(std::string_view key) const { document->add(place, dotted(key), "is missing"); }
    void wrong(const toml::node& node, std::string_view key, const std::string& rule) const {
        document->add(node.source(), dotted(key), rule);
    }

    /// The value of a key of the wanted type; a problem is noted when it is required and missing,
    /// or there with another type.
    template <typename T>
    const toml::value<T>* value(std::string_view key, bool required, const char* type) const {
        const toml::node* node = find(key);
        if (node == nullptr) {
            if (required) {
                missing(key);
            }
            return nullptr;
        }
        const toml::value<T>* value = node->as<T>();
        if (value == nullptr) {
            wrong(*node, key, std::string{"must be "} + type);
        }
        return value;
    }

    const toml::value<std::string>* text_value(std::string_view key, bool required) const {
        const toml::value<std::string>* value =
            this->value<std::string>(key, required, "a text in quotes");
        if (value == nullptr) {
            return nullptr;
        }
        if (value->get().empty() || value->get().size() > config_text_bytes_max ||
            value->get().find('\0') != std::string::npos) {
            wrong(*value, key,
                  "must have 1 to " + std::to_string(config_text_bytes_max) + " characters");
            return nullptr;
        }
        return value;
    }

    const toml::array* list(std::string_view key, std::size_t count_max, const char* type) const {
        const toml::node* node = find(key);
        if (node == nullptr) {
            return nullptr;
        }
        const toml::array* array = node->as_array();
        if (array == nullptr) {
            wrong(*node, key, std::string{"must be "} + type);
            return nullptr;
        }
        if (array->size() > count_max) {
            wrong(*node, key,
                  "must have at most " + std::to_string(count_max) + " entries, but has " +
                      std::to_string(array->size()));
            return nullptr;
        }
        return array;
    }
};

namespace {

std::string folder_of(const std::string& path) {
    const std::size_t slash = path.rfind('/');
    return slash == std::string::npos ? std::string{} : path.substr(0, slash + 1);
}

std::string item_key(std::string_view key, std::size_t index) {
    return std::string{key} + '[' + std::to_string(index) + ']';
}

/// Follows quotes and comments along one line, to know where characters beyond ASCII may stand.
class LineScanner {
public:
    /// Whether this character is allowed where it stands; `rest` begins with it.
    bool take(std::string_view rest) {
        const char c = rest.front();
        const bool ascii = static_cast<unsigned char>(c) < 0x80;
        if (std::exchange(m_escaped, false)) {
            return ascii;
        }
        switch (m_state) {
            case State::outside:
                open(rest);
                return ascii;
            case State::basic:
                m_escaped = c == '\\';
                m_state = c == '"' ? State::outside : State::basic;
                return true;
            case State::literal:
                m_state = c == '\'' ? State::outside : State::literal;
                return true;
            case State::comment:
                return true;
            case State::many_lines:
                return ascii;
        }
        return false;
    }

private:
    enum class State : std::uint8_t { outside, basic, literal, comment, many_lines };

    void open(std::string_view rest) {
        const std::string_view three = rest.substr(0, 3);
        if (three == "\"\"\"" || three == "'''") {
            m_state = State::many_lines;
        } else if (rest.front() == '"') {
            m_state = State::basic;
        } else if (rest.front() == '\'') {
            m_state = State::literal;
        } else if (rest.front() == '#') {
            m_state = State::comment;
        }
    }

    State m_state{State::outside};
    bool m_escaped{false};
};

/// toml++ 3.3 is undefined for some characters beyond ASCII between tokens and after a backslash
/// (it takes part of its table of white space for unreachable), so those never get to it. They are
/// fine in comments and in texts of one line.
std::optional<ConfigProblem> find_misplaced_character(std::string_view text,
                                                      const std::string& path) {
    ConfigProblem problem{path, 1, 0, "",
                          "only comments and texts of one line may hold characters beyond ASCII"};
    LineScanner line;
    for (std::size_t i = 0; i < text.size(); ++i) {
        ++problem.column;
        if (text[i] == '\n') {
            ++problem.line;
            problem.column = 0;
            line = LineScanner{};
        } else if (!line.take(text.substr(i))) {
            return problem;
        }
    }
    return std::nullopt;
}

/// Where a line that begins with a bracket should hold the name of a table and does not.
std::optional<std::size_t> find_missing_name(std::string_view line) {
    constexpr std::string_view white{" \t"};
    std::size_t i = std::min(line.find_first_not_of(white), line.size());
    if (!line.substr(i).starts_with('[')) {
        return std::nullopt;
    }
    i += line.substr(i).starts_with("[[") ? 2U : 1U;
    i = std::min(line.find_first_not_of(white, i), line.size());
    const char c = i < line.size() ? line[i] : '\0';
    const bool is_bare = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                         (c >= '0' && c <= '9') || c == '_' || c == '-';
    const bool is_name = is_bare || c == '"' || c == '\'';
    return is_name ? std::nullopt : std::optional{i};
}

/// toml++ 3.3 takes the name behind the bracket of a table for granted and stops the process
/// without one, so that never gets to it. Nor does what a line alone does not tell from it, a list
/// of lists or a text of many lines that goes on like this; no key of ours has either.
std::optional<ConfigProblem> find_nameless_table(std::string_view text, const std::string& path) {
    ConfigProblem problem{path, 0, 0, "", "a bracket at the begin of a line needs a table's name"};
    while (!text.empty()) {
        const std::string_view line = text.substr(0, text.find('\n'));
        ++problem.line;
        if (const auto place = find_missing_name(line)) {
            problem.column = static_cast<std::uint32_t>(*place + 1);
            return problem;
        }
        text.remove_prefix(std::min(line.size() + 1, text.size()));
    }
    return std::nullopt;
}

/// A table or list whose entries are still to be checked for keys nobody asked for.
struct Unchecked {
    const toml::node* node;
    std::string key;
};

}  // namespace

std::string ConfigProblem::text() const {
    std::string result = file;
    if (line != 0) {
        result += ':' + std::to_string(line) + ':' + std::to_string(column);
    }
    return result + ": " + (key.empty() ? "" : key + ": ") + rule;
}

std::optional<HostPort> host_port_from_text(std::string_view text) {
    const std::size_t colon = text.rfind(':');
    if (colon == std::string_view::npos) {
        return std::nullopt;
    }
    std::string_view host = text.substr(0, colon);
    const std::string_view digits = text.substr(colon + 1);
    const bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
    if (bracketed) {
        host = host.substr(1, host.size() - 2);
    }
    const bool bad_character = std::any_of(host.begin(), host.end(), [](char c) {
        return c <= ' ' || c > '~' || c == '[' || c == ']' || c == '/';
    });
    const bool bare_v6 = !bracketed && host.find(':') != std::string_view::npos;
    if (host.empty() || host.size() > 253 || bad_character || bare_v6) {
        return std::nullopt;
    }
    std::uint16_t port{0};
    const char* const end = digits.data() + digits.size();
    const auto [rest, error] = std::from_chars(digits.data(), end, port);
    if (digits.empty() || error != std::errc{} || rest != end) {
        return std::nullopt;
    }
    return HostPort{std::string{host}, port};
}

bool ConfigTable::has(std::string_view key) const { return m_impl->find(key) != nullptr; }

std::string ConfigTable::text(std::string_view key,
                              const std::optional<std::string>& fallback) const {
    const auto* value = m_impl->text_value(key, !fallback);
    return value != nullptr ? value->get() : fallback.value_or("");
}

std::string ConfigTable::choice(std::string_view key, const std::vector<std::string>& allowed,
                                const std::optional<std::string>& fallback) const {
    const auto* value = m_impl->text_value(key, !fallback);
    if (value == nullptr) {
        return fallback.value_or("");
    }
    if (std::find(allowed.begin(), allowed.end(), value->get()) == allowed.end()) {
        std::string rule{"must be one of"};
        for (const std::string& word : allowed) {
            rule += " \"" + word + '"';
        }
        m_impl->wrong(*value, key, rule + ", but is \"" + value->get() + '"');
        return fallback.value_or("");
    }
    return value->get();
}

std::int64_t ConfigTable::integer(std::string_view key, IntRange range,
                                  std::optional<std::int64_t> fallback) const {
    const auto* value = m_impl->value<std::int64_t>(key, !fallback, "a whole number");
    if (value == nullptr) {
        return fallback.value_or(range.min);
    }
    const std::int64_t number = value->get();
    if (number < range.min || number > range.max) {
        m_impl->wrong(*value, key,
                      "must be between " + std::to_string(range.min) + " and " +
                          std::to_string(range.max) + ", but is " + std::to_string(number));
        return fallback.value_or(range.min);
    }
    return number;
}

bool ConfigTable::boolean(std::string_view key, std::optional<bool> fallback) const {
    const auto* value = m_impl->value<bool>(key, !fallback, "true or false");
    return value != nullptr ? value->get() : fallback.value_or(false);
}

std::chrono::milliseconds ConfigTable::duration_ms(
    std::string_view key, IntRange range, std::optional<std::chrono::milliseconds> fallback) const {
    std::optional<std::int64_t> count;
    if (fallback) {
        count = fallback->count();
    }
    return std::chrono::milliseconds{integer(key, range, count)};
}

std::string ConfigTable::path(std::string_view key,
                              const std::optional<std::string>& fallback) const {
    const std::string value = text(key, fallback);
    if (value.empty() || value.front() == '/') {
        return value;
    }
    return folder_of(m_impl->document->path) + value;
}

HostPort ConfigTable::host_port(std::string_view key,
                                const std::optional<HostPort>& fallback) const {
    const auto* value = m_impl->text_value(key, !fallback);
    if (value == nullptr) {
        return fallback.value_or(HostPort{});
    }
    const std::optional<HostPort> parsed = host_port_from_text(value->get());
    if (!parsed) {
        m_impl->wrong(
            *value, key,
            "must be \"host:port\" with a port from 0 to 65535, but is \"" + value->get() + '"');
        return fallback.value_or(HostPort{});
    }
    return *parsed;
}

std::vector<std::string> ConfigTable::texts(std::string_view key, std::size_t count_max) const {
    std::vector<std::string> result;
    const toml::array* array = m_impl->list(key, count_max, "a list of texts");
    for (std::size_t i = 0; array != nullptr && i < array->size(); ++i) {
        const toml::value<std::string>* item = (*array)[i].as_string();
        if (item == nullptr || item->get().empty() || item->get().size() > config_text_bytes_max) {
            m_impl->wrong(
                (*array)[i], item_key(key, i),
                "must be a text of 1 to " + std::to_string(config_text_bytes_max) + " characters");
            continue;
        }
        result.push_back(item->get());
    }
    return result;
}

ConfigTable ConfigTable::table(std::string_view key) const {
    const auto below = std::make_shared<Impl>();
    below->document = m_impl->document;
    below->prefix = m_impl->dotted(key) + '.';
    below->place = m_impl->place;
    const toml::node* node = m_impl->find(key);
    if (node != nullptr) {
        below->place = node->source();
        below->table = node->as_table();
        if (below->table == nullptr) {
            m_impl->wrong(*node, key, "must be a table");
        }
    }
    return ConfigTable{below};
}

std::vector<ConfigTable> ConfigTable::tables(std::string_view key, std::size_t count_max) const {
    std::vector<ConfigTable> result;
    const toml::array* array = m_impl->list(key, count_max, "a list of tables");
    for (std::size_t i = 0; array != nullptr && i < array->size(); ++i) {
        const toml::node& node = (*array)[i];
        m_impl->document->asked.insert(&node);
        if (!node.is_table()) {
            m_impl->wrong(node, item_key(key, i), "must be a table");
            continue;
        }
        const auto item = std::make_shared<Impl>();
        item->document = m_impl->document;
        item->table = node.as_table();
        item->prefix = m_impl->dotted(item_key(key, i)) + '.';
        item->place = node.source();
        result.push_back(ConfigTable{item});
    }
    return result;
}

void ConfigTable::problem(std::string_view key, const std::string& rule) const {
    const toml::node* node = m_impl->find(key);
    m_impl->document->add(node != nullptr ? node->source() : m_impl->place, m_impl->dotted(key),
                          rule);
}

Expected<ConfigReader, ConfigProblem> ConfigReader::open(const std::string& path) {
    std::ifstream file{path, std::ios::binary};
    if (!file) {
        return Unexpected{ConfigProblem{path, 0, 0, "", "cannot be opened"}};
    }
    std::string text(config_file_bytes_max + 1, '\0');
    file.read(text.data(), static_cast<std::streamsize>(text.size()));
    text.resize(static_cast<std::size_t>(file.gcount()));
    if (file.bad() || (text.empty() && !file.eof())) {
        return Unexpected{ConfigProblem{path, 0, 0, "", "cannot be read"}};
    }
    return parse(text, path);
}

Expected<ConfigReader, ConfigProblem> ConfigReader::parse(std::string_view text,
                                                          const std::string& path) {
    if (text.size() > config_file_bytes_max) {
        return Unexpected{ConfigProblem{
            path, 0, 0, "",
            "must be at most " + std::to_string(config_file_bytes_max) + " bytes long"}};
    }
    if (const std::optional<ConfigProblem> misplaced = find_misplaced_character(text, path)) {
        return Unexpected{*misplaced};
    }
    if (const std::optional<ConfigProblem> nameless = find_nameless_table(text, path)) {
        return Unexpected{*nameless};
    }
    toml::parse_result result = toml::parse(text, path);
    if (!result) {
        const toml::parse_error& error = result.error();
        const toml::source_position place = error.source().begin;
        return Unexpected{
            ConfigProblem{path, place.line, place.column, "", std::string{error.description()}}};
    }
    const auto document = std::make_shared<Document>();
    document->path = path;
    document->root = std::move(result).table();
    return ConfigReader{document};
}

ConfigTable ConfigReader::root() const {
    const auto impl = std::make_shared<ConfigTable::Impl>();
    impl->document = m_document;
    impl->table = &m_document->root;
    return ConfigTable{impl};
}

std::vector<ConfigProblem> ConfigReader::finish() const {
    Document checked = {m_document->path, {}, m_document->problems, {}};
    std::vector<Unchecked> open{{&m_document->root, ""}};
    while (!open.empty()) {
        const Unchecked current = open.back();
        open.pop_back();
        if (const toml::array* array = current.node->as_array()) {
            for (std::size_t i = 0; i < array->size(); ++i) {
                if ((*array)[i].is_table() && m_document->asked.contains(array->get(i))) {
                    open.push_back({array->get(i), item_key(current.key, i)});
                }
            }
            continue;
        }
        const toml::table* table = current.node->as_table();
        if (table == nullptr) {
            continue;
        }
        for (const auto& [name, node] : *table) {
            const std::string key =
                (current.key.empty() ? "" : current.key + '.') + std::string{name.str()};
            if (!m_document->asked.contains(&node)) {
                checked.add(name.source(), key, "is not a known key");
            } else {
                open.push_back({&node, key});
            }
        }
    }
    std::stable_sort(checked.problems.begin(), checked.problems.end(),
                     [](const ConfigProblem& left, const ConfigProblem& right) {
                         return std::tie(left.line, left.column) <
                                std::tie(right.line, right.column);
                     });
    return checked.problems;
}

}  // namespace tally::node
