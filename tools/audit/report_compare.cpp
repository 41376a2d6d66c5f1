#include "tools/audit/report_compare.h"

#include "tools/audit/svg_chart.h"

#include <boost/json/array.hpp>

#include <sstream>
#include <vector>

namespace tally::tools {
namespace {

boost::json::array texts(const std::vector<std::string>& sentences) {
    boost::json::array array;
    for (const std::string& sentence : sentences) {
        array.emplace_back(sentence);
    }
    return array;
}

void add_items(std::ostringstream& out, const char* name,
               const std::vector<std::string>& sentences) {
    for (const std::string& sentence : sentences) {
        out << "<li>" << name << escape_html(sentence) << "</li>\n";
    }
}

}  // namespace

std::string comparison_text(const Comparison& comparison) {
    std::ostringstream out;
    for (const std::string& sentence : comparison.compared) {
        out << "compared      " << sentence << "\n";
    }
    for (const std::string& sentence : comparison.not_compared) {
        out << "NOT compared  " << sentence << "\n";
    }
    for (const std::string& file : comparison.evidence_files) {
        out << "evidence      " << file << "\n";
    }
    return out.str();
}

boost::json::object comparison_json(const Comparison& comparison) {
    boost::json::object object;
    object["compared"] = texts(comparison.compared);
    object["not_compared"] = texts(comparison.not_compared);
    object["forks"] = comparison.findings.size();
    object["evidence_files"] = texts(comparison.evidence_files);
    return object;
}

std::string comparison_html(const Comparison& comparison) {
    std::ostringstream out;
    out << "<h2>Compared with other members</h2>\n<ul>\n";
    add_items(out, "", comparison.compared);
    add_items(out, "<b>Not compared:</b> ", comparison.not_compared);
    add_items(out, "Evidence of a fork: ", comparison.evidence_files);
    out << "</ul>\n";
    return out.str();
}

}  // namespace tally::tools
