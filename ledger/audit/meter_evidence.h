#pragma once

#include "ledger/model/actions.h"

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace tally {

/// What the meter's own signatures, in the data supplied for a charge, say of its record.
enum class MeterVerdict : std::uint8_t {
    agrees,           ///< signed with the registered key, and the record has these registers
    not_billable,     ///< the same, but the meter's data are marked as not to be billed
    not_signed,       ///< no signed readings of begin and end: samples alone
    no_key,           ///< signed, but the charger has no key of a meter registered
    signature_wrong,  ///< a signature is not the registered meter's
    readings_differ,  ///< the meter signed other registers, or it is another meter
    unreadable,       ///< the data cannot be read again as they were when they were hashed
};

/// A record whose data have the hash that it names. All references outlive the question.
struct MeterQuestion {
    const std::string& charge;  ///< its name, as in `AuditOptions::evidence`
    const MeteredCharge& metered;
    const Bytes& meter_key;  ///< registered for the charger; empty: none
};

struct MeterAnswer {
    MeterVerdict verdict{MeterVerdict::not_signed};
    std::string message;        ///< what about the charge, for a report
    std::vector<Hash> records;  ///< of the payloads of the signed records that count
};

/// Verifies the signatures of meters: handed in, because formats of meters are no part of the
/// ledger. Called by one thread at a time, not always the same.
using MeterVerifier = std::function<MeterAnswer(const MeterQuestion& question)>;

}  // namespace tally
