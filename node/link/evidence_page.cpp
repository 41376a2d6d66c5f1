#include "node/link/evidence_page.h"

#include <boost/json/serialize.hpp>
#include <boost/json/string.hpp>

namespace tally::node {

std::string evidence_page(const EvidenceFile& file) {
    std::string page = to_hex(file.session) + "\n";
    for (const std::string& text : file.texts) {
        page += boost::json::serialize(boost::json::string{text}) + "\n";
    }
    return page;
}

}  // namespace tally::node
