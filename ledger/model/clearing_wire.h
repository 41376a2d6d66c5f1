#pragma once

// Between the actions on charges that are contested or corrected and their messages. Only
// transaction.cpp includes it.

#include "ledger/model/actions.h"
#include "ledger/model/wire_reader.h"

namespace tally::wire {
class TariffRef;
class MeteredCharge;
class RevokeBridge;
class OpenDispute;
class AcceptDispute;
class Arbitrate;
class LateCharge;
class CreditCharge;
class RebillCharge;
class ConfirmPayment;
}  // namespace tally::wire

namespace tally::wire_form {

void to_wire(const TariffRef& ref, wire::TariffRef& out);
void to_wire(const MeteredCharge& charge, wire::MeteredCharge& out);
void to_wire(const RevokeBridge& action, wire::RevokeBridge& out);
void to_wire(const OpenDispute& action, wire::OpenDispute& out);
void to_wire(const AcceptDispute& action, wire::AcceptDispute& out);
void to_wire(const Arbitrate& action, wire::Arbitrate& out);
void to_wire(const LateCharge& action, wire::LateCharge& out);
void to_wire(const CreditCharge& action, wire::CreditCharge& out);
void to_wire(const RebillCharge& action, wire::RebillCharge& out);
void to_wire(const ConfirmPayment& action, wire::ConfirmPayment& out);

[[nodiscard]] TariffRef from_wire(const wire::TariffRef& in);
[[nodiscard]] MeteredCharge from_wire(Reader& reader, const wire::MeteredCharge& in);
[[nodiscard]] RevokeBridge from_wire(Reader& reader, const wire::RevokeBridge& in);
[[nodiscard]] OpenDispute from_wire(Reader& reader, const wire::OpenDispute& in);
[[nodiscard]] AcceptDispute from_wire(Reader& reader, const wire::AcceptDispute& in);
[[nodiscard]] Arbitrate from_wire(Reader& reader, const wire::Arbitrate& in);
[[nodiscard]] LateCharge from_wire(Reader& reader, const wire::LateCharge& in);
[[nodiscard]] CreditCharge from_wire(Reader& reader, const wire::CreditCharge& in);
[[nodiscard]] RebillCharge from_wire(Reader& reader, const wire::RebillCharge& in);
[[nodiscard]] ConfirmPayment from_wire(Reader& reader, const wire::ConfirmPayment& in);

}  // namespace tally::wire_form
