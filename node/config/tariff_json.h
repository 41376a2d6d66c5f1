#pragma once

// Tariffs in JSON: the Tariff object of OCPI 2.2.1, and a short form for prices by time of day.

#include "ledger/model/tariff.h"
#include "node/config/json_fields.h"

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include <string>

namespace tally::node {

/// Reads a Tariff object of OCPI 2.2.1. Of the object itself only what prices is read; elements,
/// price components and restrictions may have no other keys than those of OCPI, because another
/// one might change the price. Beyond OCPI a component may be of type SERVICE, T/CEC's second price
/// of a kWh. `pointer` is the JSON pointer of the object, empty for a document. The result is valid
/// unless there is a problem.
[[nodiscard]] Tariff tariff_from_ocpi(const boost::json::value& value, const std::string& pointer,
                                      JsonProblems& problems);

/// Reads either form: the short one has "bands".
[[nodiscard]] Tariff tariff_from_json(const boost::json::value& value, const std::string& place,
                                      JsonProblems& problems);

/// The short form when the tariff has one, else OCPI's with decimal texts instead of numbers.
/// `tariff_from_json` reads both back.
[[nodiscard]] boost::json::object tariff_to_json(const Tariff& tariff);

}  // namespace tally::node
