#include "ledger/audit/meter_book.h"

#include "ledger/state/queries.h"

namespace tally {

MeterBook::MeterName MeterBook::meter_name(const PartyId& owner, const Bytes& public_key,
                                           const std::string& serial) {
    const ByteView own = owner.view();
    return {public_key.empty() ? Bytes{own.begin(), own.end()} : public_key, serial};
}

void MeterBook::restore(const StateView& state) {
    for (const MemberRecord& member : list_members(state)) {
        const PartyId& owner = member.member.party;
        for (const ChargerEntry& entry : list_chargers(state, owner, SIZE_MAX)) {
            const ChargerRecord& record = entry.charger;
            Charger& charger = m_chargers[{owner, entry.evse_id}];
            charger.meter_public_key = record.meter_public_key;
            if (!record.last_reading) {
                continue;
            }
            charger.serial = record.last_reading->meter_serial;
            charger.epoch = record.last_reading->meter_epoch;
            Meter& meter = m_meters[meter_name(owner, record.meter_public_key, charger.serial)];
            if (record.last_end_time >= meter.end) {
                meter = {charger.epoch, record.last_reading->register_wh, record.last_end_time,
                         owner, entry.evse_id};
            }
        }
    }
}

void MeterBook::take(const PartyId& owner, const RegisterCharger& action) {
    m_chargers[{owner, action.evse_id}].meter_public_key = action.meter_public_key;
}

void MeterBook::check_meter(const BusinessScope& scope, const StoredTransaction& stored,
                            const MeteredCharge& metered, const Meter& before) {
    const MeterReading& begin = metered.readings.front();
    const std::string meter = "meter " + metered.meter_serial + " of " + metered.evse_id;
    if (begin.register_wh < before.register_wh) {
        const bool elsewhere = before.owner != stored.signer() || before.evse_id != metered.evse_id;
        const bool overlaps = begin.time < before.end;
        if (elsewhere && overlaps) {
            scope.find(FindingKind::duplicate, stored.number,
                       meter + ": from " + std::to_string(begin.register_wh) +
                           " Wh on it was recorded by " + to_text(before.owner) + " on " +
                           before.evse_id + " already, to " + std::to_string(before.register_wh) +
                           " Wh and later");
            return;
        }
        scope.find(FindingKind::meter_register, stored.number,
                   meter + " begins at " + std::to_string(begin.register_wh) +
                       " Wh, its last charge ended at " + std::to_string(before.register_wh) +
                       " Wh");
    } else if (begin.register_wh > before.register_wh) {
        const std::int64_t gap = begin.register_wh - before.register_wh;
        ++scope.report.meter_gaps;
        scope.report.meter_gap_wh += static_cast<std::uint64_t>(gap);
        scope.report.note(
            NoteKind::meter_gap, scope.height(),
            meter + ": " + std::to_string(gap) + " Wh between two records are not on the ledger");
    }
}

void MeterBook::check_evidence(const BusinessScope& scope, const StoredTransaction& stored,
                               const MeteredCharge& metered) {
    if (metered.evidence.is_zero()) {
        return;
    }
    if (!m_evidence.insert(metered.evidence).second) {
        scope.find(FindingKind::duplicate, stored.number,
                   "the signed meter data " + to_hex(metered.evidence) + " of " + metered.evse_id +
                       " were recorded before");
        return;
    }
    m_evidence_order.push_back(metered.evidence);
    if (m_evidence_order.size() > evidence_max) {
        m_evidence.erase(m_evidence_order.front());
        m_evidence_order.pop_front();
    }
}

void MeterBook::take(const BusinessScope& scope, const StoredTransaction& stored,
                     const MeteredCharge& metered) {
    if (metered.readings.empty()) {
        return;
    }
    check_evidence(scope, stored, metered);
    Charger& charger = m_chargers[{stored.signer(), metered.evse_id}];
    const bool other_meter = !charger.serial.empty() && (charger.serial != metered.meter_serial ||
                                                         charger.epoch != metered.meter_epoch);
    if (other_meter) {
        scope.report.note(NoteKind::meter_changed, scope.height(),
                          metered.evse_id + ": meter " + charger.serial + " epoch " +
                              std::to_string(charger.epoch) + " is followed by " +
                              metered.meter_serial + " epoch " +
                              std::to_string(metered.meter_epoch));
    }
    charger.serial = metered.meter_serial;
    charger.epoch = metered.meter_epoch;
    const MeterName name =
        meter_name(stored.signer(), charger.meter_public_key, metered.meter_serial);
    const auto known = m_meters.find(name);
    if (known != m_meters.end() && known->second.epoch == metered.meter_epoch) {
        check_meter(scope, stored, metered, known->second);
    }
    const MeterReading& end = metered.readings.back();
    m_meters[name] = {metered.meter_epoch, end.register_wh, end.time, stored.signer(),
                      metered.evse_id};
    scope.report.meters = m_meters.size();
}

}  // namespace tally
