#include "charger_bridge/metering/meter_trust.h"

namespace tally::bridge {
namespace {

/// The same point; a bare point says no curve, and is the same on the curve that the other names.
bool is_same_key(const MeterKey& left, const MeterKey& right) {
    const bool curves_differ = left.curve && right.curve && *left.curve != *right.curve;
    return left.point == right.point && !curves_differ;
}

}  // namespace

MeterTrust trust_of(const MeterConfig* site, const std::string& ledger_serial,
                    ByteView ledger_key) {
    MeterTrust trust;
    trust.serial = ledger_serial;
    if (site != nullptr) {
        trust.key = site->key;
        trust.rule = site->lenient ? DerRule::lenient : DerRule::strict;
        trust.is_required = site->key && !site->allows_unsigned;
        if (site->serial != ledger_serial) {
            trust.problem = "meter_serial_differs";
        }
    }
    if (ledger_key.empty()) {
        return trust;
    }
    trust.is_required = true;
    const auto registered = meter_key_from_file(ledger_key);
    if (!registered) {
        trust.problem = "meter_key_unreadable";
        trust.key.reset();
        return trust;
    }
    if (trust.key && !is_same_key(*trust.key, *registered)) {
        trust.problem = "meter_key_differs";
    }
    trust.key = *registered;
    return trust;
}

}  // namespace tally::bridge
