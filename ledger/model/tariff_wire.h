#pragma once

// The protobuf form of tariffs and meter readings inside transactions.

#include "ledger/model/tariff.h"
#include "ledger/model/wire_reader.h"

namespace tally::wire {
class MeterReading;
class Tariff;
}  // namespace tally::wire

namespace tally::wire_form {

void to_wire(const Tariff& tariff, wire::Tariff& out);
void to_wire(const MeterReading& reading, wire::MeterReading& out);

/// What is out of the bounds of `Tariff::is_valid` or `is_valid(MeterReading)` is left to them.
[[nodiscard]] Tariff from_wire(Reader& reader, const wire::Tariff& in);
[[nodiscard]] MeterReading from_wire(Reader& reader, const wire::MeterReading& in);

}  // namespace tally::wire_form
