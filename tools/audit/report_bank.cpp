#include "tools/audit/report_bank.h"

#include "tools/audit/report_business.h"
#include "tools/audit/svg_chart.h"

#include <boost/json/array.hpp>

#include <array>
#include <sstream>

namespace tally::tools {
namespace {

constexpr std::size_t text_rows_max{20};
constexpr std::array<const char*, bank_fits> meanings{
    "Confirmed on the ledger and booked by the bank.",
    "Confirmed on the ledger, but the bank has not booked it.",
    "The bank booked another amount than the ledger has.",
    "The bank booked one payment more than once.",
    "Booked by the bank and not confirmed on the ledger under this reference.",
    "Confirmed on the ledger at another time than the statement covers: it need not be there."};

template <typename Visit>
void for_each_fit(const BankMatch& match, const Visit& visit) {
    for (std::size_t i = 0; i < bank_fits; ++i) {
        if (match.counts[i] > 0) {
            visit(static_cast<BankFit>(i), match.counts[i]);
        }
    }
}

std::string period_of(const BankMatch& match) {
    return day_text(match.statement.first_day) + " to " + day_text(match.statement.last_day);
}

}  // namespace

std::string bank_text(const BankMatch& match) {
    std::ostringstream out;
    out << "bank          " << match.file << ": " << match.statement.lines.size()
        << " payments booked from " << period_of(match) << ", " << match.statement.left_out
        << " reversals and entries that are not booked left out\n";
    for_each_fit(match, [&](BankFit fit, std::uint64_t count) {
        out << "    " << to_text(fit) << ": " << count << "\n";
        std::size_t shown{0};
        for (const BankRow& row : match.rows) {
            if (row.fit == fit && fit != BankFit::matched && shown < text_rows_max) {
                out << "        " << row.text << "\n";
                ++shown;
            }
        }
    });
    return out.str();
}

boost::json::object bank_json(const BankMatch& match) {
    boost::json::object object;
    object["file"] = match.file;
    object["first_day"] = day_text(match.statement.first_day);
    object["last_day"] = day_text(match.statement.last_day);
    object["lines"] = match.statement.lines.size();
    object["left_out"] = match.statement.left_out;
    for (std::size_t i = 0; i < bank_fits; ++i) {
        object[to_text(static_cast<BankFit>(i))] = match.counts[i];
    }
    boost::json::array rows;
    for (const BankRow& row : match.rows) {
        rows.emplace_back(boost::json::object{{"fit", to_text(row.fit)}, {"text", row.text}});
    }
    object["rows"] = std::move(rows);
    return object;
}

std::string bank_html(const BankMatch& match) {
    std::ostringstream out;
    out << "<h2>The bank's statement</h2>\n<p>" << escape_html(match.file) << ": "
        << match.statement.lines.size() << " payments booked from " << period_of(match) << "; "
        << match.statement.left_out
        << " reversals and entries that are not booked were left out.</p>\n";
    for_each_fit(match, [&](BankFit fit, std::uint64_t count) {
        out << "<h3>" << to_text(fit) << ": " << count << "</h3>\n<p>"
            << meanings[static_cast<std::size_t>(fit)] << "</p>\n<ul>\n";
        for (const BankRow& row : match.rows) {
            if (row.fit == fit) {
                out << "<li>" << escape_html(row.text) << "</li>\n";
            }
        }
        out << "</ul>\n";
    });
    return out.str();
}

}  // namespace tally::tools
