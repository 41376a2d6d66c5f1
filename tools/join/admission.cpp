#include "tools/join/admission.h"

#include "node/config/json_fields.h"
#include "node/config/json_text.h"
#include "tools/keys/proven_keys.h"
#include "tools/support/text_file.h"

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

namespace tally::tools {

namespace json = boost::json;
using node::JsonFields;
using node::JsonProblems;

std::string admission_to_json(const Admission& admission) {
    const Member& member = admission.request.member;
    json::object out{{"party", to_text(member.party)},
                     {"country", member.country},
                     {"operator_id", member.operator_id},
                     {"chain_id", to_hex(admission.chain_id)}};
    for (std::size_t i = 0; i < key_roles.size(); ++i) {
        put_proven_key(out, key_roles[i],
                       {member.key(key_roles[i]), admission.request.possessions[i]});
    }
    return json::serialize(out) + "\n";
}

Expected<Admission, std::string> admission_from_json(std::string_view text) {
    if (text.size() > admission_json_bytes_max) {
        return Unexpected{std::string{"larger than 64 KiB"}};
    }
    const auto document = node::parse_json(text);
    if (!document) {
        return Unexpected{document.error()};
    }
    JsonProblems problems;
    JsonFields fields{*document, "", problems};
    Admission admission;
    Member& member = admission.request.member;
    const auto party = party_from_text(fields.text("party"));
    if (!party) {
        fields.problem("party", "must be three letters");
    }
    member.party = party.value_or(PartyId{});
    member.country = fields.text("country");
    member.operator_id = fields.text_or("operator_id", "");
    member.role = MemberRole::operator_;
    member.validator = false;
    admission.chain_id = fields.hex<Hash>("chain_id");
    for (std::size_t i = 0; i < key_roles.size(); ++i) {
        const ProvenKey proven =
            read_proven_key(fields, key_roles[i], admission.chain_id, member.party);
        member.set_key(key_roles[i], proven.key);
        admission.request.possessions[i] = proven.possession;
    }
    fields.finish();
    if (problems.any()) {
        return Unexpected{problems.first()};
    }
    if (const auto problem = find_problem(member)) {
        return Unexpected{*problem};
    }
    return admission;
}

Expected<Admission, std::string> load_admission(const std::string& path) {
    const auto content = read_text(path, admission_json_bytes_max);
    if (!content) {
        return Unexpected{content.error()};
    }
    auto admission = admission_from_json(as_text(*content));
    if (!admission) {
        return Unexpected{path + ": " + admission.error()};
    }
    return admission;
}

}  // namespace tally::tools
