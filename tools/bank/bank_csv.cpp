#include "tools/bank/bank_statement.h"

#include <algorithm>
#include <array>
#include <utility>

namespace tally::tools {
namespace {

constexpr std::size_t columns_max{256};
constexpr std::array<std::string_view, 4> names{"date", "amount", "currency", "reference"};

/// Reads the rows of RFC 4180, with quotes and either kind of line end.
class CsvReader {
public:
    explicit CsvReader(std::string_view text) : m_text{text} {
        const std::string_view heading = text.substr(0, text.find('\n'));
        m_separator = heading.find(';') == std::string_view::npos ? ',' : ';';
    }
    [[nodiscard]] bool at_end() const noexcept { return m_at == m_text.size(); }
    /// Nothing when a quote is not closed or stands where none may, or there are too many columns.
    [[nodiscard]] std::optional<std::vector<std::string>> row();

private:
    [[nodiscard]] bool quoted(std::string& field);
    void plain(std::string& field);

    std::string_view m_text;
    std::size_t m_at{0};
    char m_separator{','};
};

bool CsvReader::quoted(std::string& field) {
    for (++m_at; !at_end(); ++m_at) {
        if (m_text[m_at] != '"') {
            field.push_back(m_text[m_at]);
            continue;
        }
        if (m_at + 1 < m_text.size() && m_text[m_at + 1] == '"') {
            field.push_back('"');
            ++m_at;
            continue;
        }
        ++m_at;
        return at_end() || m_text[m_at] == m_separator || m_text[m_at] == '\r' ||
               m_text[m_at] == '\n';
    }
    return false;
}

void CsvReader::plain(std::string& field) {
    while (!at_end() && m_text[m_at] != m_separator && m_text[m_at] != '\n') {
        field.push_back(m_text[m_at++]);
    }
    if (field.ends_with('\r')) {
        field.pop_back();
    }
}

std::optional<std::vector<std::string>> CsvReader::row() {
    std::vector<std::string> fields;
    while (fields.size() < columns_max) {
        std::string field;
        if (!at_end() && m_text[m_at] == '"') {
            if (!quoted(field)) {
                return std::nullopt;
            }
            if (!at_end() && m_text[m_at] == '\r') {
                ++m_at;
            }
        } else {
            plain(field);
        }
        fields.push_back(std::move(field));
        if (at_end()) {
            return fields;
        }
        if (m_text[m_at++] == '\n') {
            return fields;
        }
    }
    return std::nullopt;
}

/// Which column has which name; the error names one that is missing or there twice.
Expected<std::array<std::size_t, names.size()>, std::string> columns_of(
    const std::vector<std::string>& heading) {
    std::array<std::size_t, names.size()> columns{};
    for (std::size_t i = 0; i < names.size(); ++i) {
        const auto found = std::find(heading.begin(), heading.end(), names[i]);
        if (found == heading.end() || std::count(found, heading.end(), names[i]) != 1) {
            return Unexpected{"the heading has not exactly one column " + std::string{names[i]}};
        }
        columns[i] = static_cast<std::size_t>(found - heading.begin());
    }
    return columns;
}

std::optional<BankLine> line_of(const std::vector<std::string>& fields,
                                const std::array<std::size_t, names.size()>& columns) {
    if (fields.size() <= *std::max_element(columns.begin(), columns.end())) {
        return std::nullopt;
    }
    std::string_view amount_text = fields[columns[1]];
    BankLine line;
    line.received = !amount_text.starts_with('-');
    if (!line.received) {
        amount_text.remove_prefix(1);
    }
    const auto day = bank_day_from_text(fields[columns[0]]);
    const auto amount = bank_amount_from_text(amount_text);
    const auto currency = currency_from_text(fields[columns[2]]);
    if (!day || !amount || !currency || !add_reference(line, fields[columns[3]])) {
        return std::nullopt;
    }
    line.day = *day;
    line.amount = *amount;
    line.currency = *currency;
    return line;
}

}  // namespace

Expected<BankStatement, std::string> read_bank_csv(std::string_view text) {
    CsvReader reader{text};
    const auto heading = reader.row();
    if (!heading) {
        return Unexpected{std::string{"the heading cannot be read"}};
    }
    const auto columns = columns_of(*heading);
    if (!columns) {
        return Unexpected{columns.error()};
    }
    BankStatement statement;
    for (std::size_t number = 1; !reader.at_end(); ++number) {
        const auto fields = reader.row();
        if (fields && fields->size() == 1 && fields->front().empty()) {
            continue;  // an empty line
        }
        std::optional<BankLine> line = fields ? line_of(*fields, *columns) : std::nullopt;
        if (!line) {
            return Unexpected{"row " + std::to_string(number) +
                              " has not a date, an amount, a currency and a reference"};
        }
        if (statement.lines.size() == bank_lines_max) {
            return Unexpected{"has more than " + std::to_string(bank_lines_max) + " lines"};
        }
        line->number = number;
        const bool is_first = statement.lines.empty();
        statement.first_day = is_first ? line->day : std::min(statement.first_day, line->day);
        statement.last_day = is_first ? line->day : std::max(statement.last_day, line->day);
        statement.lines.push_back(std::move(*line));
    }
    if (statement.lines.empty()) {
        return Unexpected{std::string{"has no payments"}};
    }
    return statement;
}

}  // namespace tally::tools
