#include "ledger/audit/meter_book.h"

namespace tally {
namespace {

std::string name_of(const MeteredCharge& metered) {
    return "meter " + metered.meter_serial + " of " + metered.evse_id;
}

/// What a charger's name and empty fields take at least.
constexpr std::size_t charger_bytes_min{PartyId::size + 4 + 4 + 4 + 4};
constexpr std::size_t meter_bytes_min{4 + 4 + 4 + 4 * 8 + PartyId::size + 4 +
                                      transaction_ref_bytes};
/// A meter without a key is named by its EVSE and serial.
constexpr std::size_t meter_text_bytes_max{evse_id_bytes_max + 1 + meter_serial_bytes_max};

Bytes to_bytes(ByteView view) { return {view.begin(), view.end()}; }

}  // namespace

MeterBook::MeterName MeterBook::meter_name(const MeteredStep& step, const Bytes& public_key) {
    const MeteredCharge& metered = step.metered;
    if (!public_key.empty()) {
        return {public_key, metered.meter_serial};
    }
    return {to_bytes(step.owner.view()), metered.evse_id + " " + metered.meter_serial};
}

void MeterBook::take(const PartyId& owner, const RegisterCharger& action) {
    m_chargers[{owner, action.evse_id}].meter_public_key = action.meter_public_key;
}

void MeterBook::check_register(const MeteredStep& step, const Meter& before) const {
    const MeterReading& begin = step.metered.readings.front();
    const std::string meter = name_of(step.metered);
    if (begin.register_wh < before.end.register_wh) {
        const bool elsewhere = before.owner != step.owner || before.evse_id != step.metered.evse_id;
        const bool overlaps = begin.time < before.end.time;
        if (elsewhere && overlaps) {
            step.scope.find(FindingKind::duplicate, step.number,
                            meter + ": from " + std::to_string(begin.register_wh) +
                                " Wh on it was recorded by " + to_text(before.owner) + " on " +
                                before.evse_id + " already, to " +
                                std::to_string(before.end.register_wh) + " Wh and later");
            return;
        }
        step.scope.find(FindingKind::meter_register, step.number,
                        meter + " begins at " + std::to_string(begin.register_wh) +
                            " Wh, its last charge ended at " +
                            std::to_string(before.end.register_wh) + " Wh");
    } else if (begin.register_wh > before.end.register_wh) {
        const std::int64_t gap = begin.register_wh - before.end.register_wh;
        BusinessReport& report = step.scope.report;
        ++report.meter_gaps;
        report.meter_gap_wh += static_cast<std::uint64_t>(gap);
        report.note(
            NoteKind::meter_gap, step.scope.height(),
            meter + ": " + std::to_string(gap) + " Wh between two records are not on the ledger");
    }
}

bool MeterBook::check_meter(const MeteredStep& step, const Meter& before) const {
    if (step.kind == ChargeStep::rebilled) {
        return before.authorization == step.metered.authorization;
    }
    if (step.metered.readings.back().time <= before.begin.time) {
        step.scope.report.note(NoteKind::late_record, step.scope.height(),
                               name_of(step.metered) + ": " + to_text(step.metered.authorization) +
                                   " was charged before " + to_text(before.authorization) +
                                   " and recorded after it");
        return false;
    }
    if (before.epoch == step.metered.meter_epoch) {
        check_register(step, before);
    }
    return true;
}

void MeterBook::check_evidence(const MeteredStep& step) {
    const MeteredCharge& metered = step.metered;
    if (metered.evidence.is_zero()) {
        return;
    }
    take_signed(step, metered.evidence);
}

const Bytes& MeterBook::key_of(const PartyId& owner, const std::string& evse_id) const {
    static const Bytes none;
    const auto charger = m_chargers.find({owner, evse_id});
    return charger == m_chargers.end() ? none : charger->second.meter_public_key;
}

void MeterBook::take_signed(const MeteredStep& step, const Hash& record) {
    const MeteredCharge& metered = step.metered;
    const auto [known, is_new] = m_evidence.emplace(record, metered.authorization);
    if (!is_new) {
        // A new bill of a charge rests on the same meter data as the old one.
        const bool is_own =
            step.kind == ChargeStep::rebilled && known->second == metered.authorization;
        if (!is_own) {
            step.scope.find(FindingKind::duplicate, step.number,
                            "the signed meter data " + to_hex(record) + " of " + metered.evse_id +
                                " were recorded before, for " + to_text(known->second));
        }
        return;
    }
    m_evidence_order.push_back(record);
    if (m_evidence_order.size() > evidence_max) {
        m_evidence.erase(m_evidence_order.front());
        m_evidence_order.pop_front();
    }
}

/// A record is of the meter that the charger has now; what comes late may be of one before.
void MeterBook::follow_charger(const MeteredStep& step, Charger& charger) {
    const MeteredCharge& metered = step.metered;
    const bool other_meter = !charger.serial.empty() && (charger.serial != metered.meter_serial ||
                                                         charger.epoch != metered.meter_epoch);
    if (other_meter) {
        step.scope.report.note(NoteKind::meter_changed, step.scope.height(),
                               metered.evse_id + ": meter " + charger.serial + " epoch " +
                                   std::to_string(charger.epoch) + " is followed by " +
                                   metered.meter_serial + " epoch " +
                                   std::to_string(metered.meter_epoch));
    }
    charger.serial = metered.meter_serial;
    charger.epoch = metered.meter_epoch;
}

void MeterBook::take(const MeteredStep& step) {
    const MeteredCharge& metered = step.metered;
    if (metered.readings.empty()) {
        return;
    }
    check_evidence(step);
    Charger& charger = m_chargers[{step.owner, metered.evse_id}];
    if (step.kind == ChargeStep::recorded) {
        follow_charger(step, charger);
    }
    const auto [known, is_new] = m_meters.try_emplace(meter_name(step, charger.meter_public_key));
    if (is_new || check_meter(step, known->second)) {
        const MeterReading& begin = metered.readings.front();
        const MeterReading& end = metered.readings.back();
        known->second = {metered.meter_epoch,
                         {begin.register_wh, begin.time},
                         {end.register_wh, end.time},
                         step.owner,
                         metered.evse_id,
                         metered.authorization};
    }
    step.scope.report.meters = m_meters.size();
}

void MeterBook::encode(Encoder& encoder) const {
    encoder.u32(static_cast<std::uint32_t>(m_chargers.size()));
    for (const auto& [name, charger] : m_chargers) {
        encoder.fixed(name.first).text(name.second).var_bytes(charger.meter_public_key);
        encoder.text(charger.serial).u32(charger.epoch);
    }
    encoder.u32(static_cast<std::uint32_t>(m_meters.size()));
    for (const auto& [name, meter] : m_meters) {
        encoder.var_bytes(name.first).text(name.second).u32(meter.epoch);
        encoder.i64(meter.begin.register_wh).i64(meter.end.register_wh);
        encoder.i64(meter.begin.time).i64(meter.end.time);
        encoder.fixed(meter.owner).text(meter.evse_id);
        tally::encode(encoder, meter.authorization);
    }
    encoder.u32(static_cast<std::uint32_t>(m_evidence_order.size()));
    for (const Hash& hash : m_evidence_order) {
        encoder.fixed(hash);
        tally::encode(encoder, m_evidence.at(hash));
    }
}

void MeterBook::decode_meters(Decoder& decoder) {
    const auto in_bounds = [](const Point& point) {
        return point.register_wh >= 0 && point.register_wh <= register_wh_max && point.time >= 0 &&
               point.time <= unix_millis_max;
    };
    for (auto left = decoder.count(entries_max, meter_bytes_min); left > 0 && decoder.ok();
         --left) {
        Bytes key = to_bytes(decoder.var_bytes(meter_key_bytes_max));
        MeterName name{std::move(key), decoder.text(meter_text_bytes_max)};
        Meter meter;
        meter.epoch = decoder.u32();
        meter.begin.register_wh = decoder.i64();
        meter.end.register_wh = decoder.i64();
        meter.begin.time = decoder.i64();
        meter.end.time = decoder.i64();
        meter.owner = decoder.fixed<PartyId>();
        meter.evse_id = decoder.text(evse_id_bytes_max);
        meter.authorization = decode_transaction_ref(decoder);
        const bool is_right =
            in_bounds(meter.begin) && in_bounds(meter.end) && is_valid(meter.owner);
        if (!is_right || !m_meters.emplace(std::move(name), std::move(meter)).second) {
            decoder.fail();
        }
    }
}

void MeterBook::decode_evidence(Decoder& decoder) {
    for (auto left = decoder.count(evidence_max, Hash::size + transaction_ref_bytes);
         left > 0 && decoder.ok(); --left) {
        const auto hash = decoder.fixed<Hash>();
        const AuthorizationRef authorization = decode_transaction_ref(decoder);
        if (!m_evidence.emplace(hash, authorization).second) {
            decoder.fail();
        }
        m_evidence_order.push_back(hash);
    }
}

void MeterBook::decode(Decoder& decoder) {
    *this = MeterBook{};
    for (auto left = decoder.count(entries_max, charger_bytes_min); left > 0 && decoder.ok();
         --left) {
        const auto owner = decoder.fixed<PartyId>();
        ChargerName name{owner, decoder.text(evse_id_bytes_max)};
        Charger charger;
        charger.meter_public_key = to_bytes(decoder.var_bytes(meter_key_bytes_max));
        charger.serial = decoder.text(meter_serial_bytes_max);
        charger.epoch = decoder.u32();
        if (!is_valid(owner) || !m_chargers.emplace(std::move(name), std::move(charger)).second) {
            decoder.fail();
        }
    }
    decode_meters(decoder);
    decode_evidence(decoder);
}

}  // namespace tally
