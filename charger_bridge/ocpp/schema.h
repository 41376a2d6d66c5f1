#pragma once

// Whether a payload has the shape that its version of OCPP gives it. The schemas are
// ocpp/v*/schemas/*.json, put into the program at build time; valijson is included in schema.cpp
// only.

#include "charger_bridge/ocpp/frame.h"
#include "charger_bridge/ocpp/schema_texts.h"

#include <boost/json/object.hpp>

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace tally::bridge {

enum class Direction : std::uint8_t { request, response };

/// The first rule a payload breaks, in the words of OCPP.
struct SchemaViolation {
    ErrorCode code{ErrorCode::formation_violation};
    std::string what;  ///< names the field and the rule
};

/// The schemas of one version: "Authorize" for the request, "AuthorizeResponse" for its answer.
/// Thread safety: one thread only (a schema is parsed on first use and kept).
class SchemaBook {
public:
    /// `texts` must outlive the book.
    explicit SchemaBook(std::span<const SchemaText> texts);
    ~SchemaBook();
    SchemaBook(const SchemaBook&) = delete;
    SchemaBook& operator=(const SchemaBook&) = delete;

    /// Whether this action is spoken here at all (as a request of either side).
    [[nodiscard]] bool is_known_action(std::string_view action) const;
    /// Checks `payload` against the schema of `action`, which must be known. Nothing when it
    /// conforms.
    [[nodiscard]] std::optional<SchemaViolation> find_violation(
        std::string_view action, Direction direction, const boost::json::object& payload) const;

private:
    struct Parsed;
    std::unique_ptr<Parsed> m_parsed;
};

}  // namespace tally::bridge
