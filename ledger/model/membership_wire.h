#pragma once

// Between the actions on membership and their messages. Only transaction.cpp includes it.

#include "ledger/model/actions.h"
#include "ledger/model/wire_reader.h"

namespace tally::wire {
class TransactionRef;
class AdmitFollower;
class ProposeChange;
class VoteOnChange;
class RotateKey;
class ReportReady;
class SubmitEvidence;
}  // namespace tally::wire

namespace tally::wire_form {

void to_wire(const TransactionRef& ref, wire::TransactionRef& out);
void to_wire(const AdmitFollower& action, wire::AdmitFollower& out);
void to_wire(const ProposeChange& action, wire::ProposeChange& out);
void to_wire(const VoteOnChange& action, wire::VoteOnChange& out);
void to_wire(const RotateKey& action, wire::RotateKey& out);
void to_wire(const ReportReady& action, wire::ReportReady& out);
void to_wire(const SubmitEvidence& action, wire::SubmitEvidence& out);

[[nodiscard]] TransactionRef from_wire(Reader& reader, const wire::TransactionRef& in);
[[nodiscard]] AdmitFollower from_wire(Reader& reader, const wire::AdmitFollower& in);
[[nodiscard]] ProposeChange from_wire(Reader& reader, const wire::ProposeChange& in);
[[nodiscard]] VoteOnChange from_wire(Reader& reader, const wire::VoteOnChange& in);
[[nodiscard]] RotateKey from_wire(Reader& reader, const wire::RotateKey& in);
[[nodiscard]] ReportReady from_wire(Reader& reader, const wire::ReportReady& in);
[[nodiscard]] SubmitEvidence from_wire(Reader& reader, const wire::SubmitEvidence& in);

}  // namespace tally::wire_form
