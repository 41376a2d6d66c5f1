#include "charger_bridge/ocpp/schema.h"

#include "ledger/base/check.h"

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <valijson/adapters/boost_json_adapter.hpp>
#include <valijson/schema.hpp>
#include <valijson/schema_parser.hpp>
#include <valijson/validation_results.hpp>
#include <valijson/validator.hpp>

#include <map>
#include <memory>

namespace tally::bridge {

namespace json = boost::json;

namespace {

struct Wording {
    std::string_view part;  ///< of what valijson says
    ErrorCode code;
};
// The innermost error comes first; those of the enclosing levels only repeat that it failed.
constexpr Wording wordings[]{
    {"'type' constraint", ErrorCode::type_constraint_violation},
    {"Missing required property", ErrorCode::occurence_constraint_violation},
    {"Object contains a property", ErrorCode::occurence_constraint_violation},
    {"Array should contain", ErrorCode::occurence_constraint_violation},
};

ErrorCode code_of(std::string_view description) {
    for (const Wording& wording : wordings) {
        if (description.find(wording.part) != std::string_view::npos) {
            return wording.code;
        }
    }
    return ErrorCode::property_constraint_violation;
}

/// A rule that a property is not allowed ends in that property's name, which is the charger's text
/// and must not get into logs.
std::string without_names(const std::string& description) {
    return description.substr(0, description.find(": '"));
}

std::string path_of(const std::vector<std::string>& context) {
    std::string path;
    for (std::size_t i = 1; i < context.size(); ++i) {
        path += context[i];
    }
    return path.empty() ? "payload" : path;
}

}  // namespace

/// Schemas by name, nothing until they are first asked for.
struct SchemaBook::Parsed {
    std::map<std::string_view, std::string_view, std::less<>> texts;
    std::map<std::string_view, std::unique_ptr<valijson::Schema>, std::less<>> schemas;

    const valijson::Schema& schema(std::string_view name) {
        const auto text = texts.find(name);
        ENSURE(text != texts.end());
        std::unique_ptr<valijson::Schema>& schema = schemas[text->first];
        if (!schema) {
            const json::value document =
                json::parse(json::string_view{text->second.data(), text->second.size()});
            schema = std::make_unique<valijson::Schema>();
            valijson::SchemaParser parser{valijson::SchemaParser::kDraft4};
            const valijson::adapters::BoostJsonAdapter adapter{document};
            parser.populateSchema(adapter, *schema);
        }
        return *schema;
    }
};

SchemaBook::SchemaBook(std::span<const SchemaText> texts) : m_parsed{std::make_unique<Parsed>()} {
    for (const SchemaText& text : texts) {
        m_parsed->texts.emplace(text.name, text.text);
    }
}

SchemaBook::~SchemaBook() = default;

bool SchemaBook::is_known_action(std::string_view action) const {
    return !action.ends_with("Response") && m_parsed->texts.contains(action);
}

std::optional<SchemaViolation> SchemaBook::find_violation(std::string_view action,
                                                          Direction direction,
                                                          const json::object& payload) const {
    std::string name{action};
    if (direction == Direction::response) {
        name += "Response";
    }
    const valijson::Schema& schema = m_parsed->schema(name);
    const json::value value(payload);  // Braces would make a list of it.
    const valijson::adapters::BoostJsonAdapter target{value};
    valijson::Validator validator{valijson::Validator::kStrongTypes};
    // The quick look first: results cost allocations and are needed for wrong payloads only.
    if (validator.validate(schema, target, nullptr)) {
        return std::nullopt;
    }
    valijson::ValidationResults results;
    static_cast<void>(validator.validate(schema, target, &results));
    valijson::ValidationResults::Error error;
    if (!results.popError(error)) {
        return SchemaViolation{ErrorCode::formation_violation, "payload"};
    }
    return SchemaViolation{code_of(error.description),
                           path_of(error.context) + ": " + without_names(error.description)};
}

}  // namespace tally::bridge
