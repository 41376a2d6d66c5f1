#include "tools/audit/meter_evidence.h"

#include "charger_bridge/ocmf/billed.h"
#include "charger_bridge/ocmf/find_records.h"
#include "charger_bridge/ocmf/verify.h"
#include "ledger/crypto/sha256.h"
#include "tools/audit/evidence_folder.h"

#include <cstdlib>
#include <utility>
#include <vector>

namespace tally::tools {
namespace {

MeterAnswer answer(MeterVerdict verdict, std::string message) {
    return {verdict, std::move(message), {}};
}

/// The different records of a charge, in the order in which the station sent them.
struct SignedRecords {
    std::vector<bridge::OcmfRecord> records;
    std::string problem;  ///< why they cannot be relied on; empty: nothing
};

SignedRecords find_records(const std::vector<std::string>& texts) {
    SignedRecords found;
    std::set<Hash> known;
    for (const std::string& text : texts) {
        for (const std::string& record_text : bridge::find_ocmf(text)) {
            auto record = bridge::parse_ocmf(record_text);
            if (!record) {
                found.problem = "a signed record is unreadable: " + record.error();
                return found;
            }
            // A station repeats what it said; the copy may differ in its signature, and both count.
            const Bytes name = [&record] {
                Bytes bytes;
                append(bytes, record->payload_hash().view());
                append(bytes, as_bytes(record->signature.data));
                return bytes;
            }();
            if (known.insert(sha256(name)).second) {
                found.records.push_back(std::move(record).value());
            }
            if (found.records.size() > signed_records_max) {
                found.problem = "more than " + std::to_string(signed_records_max) +
                                " signed records of one charge";
                return found;
            }
        }
    }
    return found;
}

bool is_same_register(std::int64_t mwh, std::int64_t wh) {
    return std::abs(mwh - wh * bridge::mwh_of_wh) < bridge::mwh_of_wh;
}

/// How the signed readings differ from those of the record; empty when they do not.
std::string difference(const MeteredCharge& metered, const bridge::BilledRecords& billed) {
    for (const bridge::OcmfRecord* record : {billed.first, billed.second}) {
        if (record != nullptr && record->meter_serial != metered.meter_serial &&
            record->gateway_serial != metered.meter_serial) {
            return "signed by meter " + record->serial() + ", the record names " +
                   metered.meter_serial;
        }
    }
    const bridge::OcmfReading& begin = *billed.billing.begin;
    const bridge::OcmfReading& end = *billed.billing.end;
    if (!begin.energy_mwh || !end.energy_mwh) {
        return "the meter signed no readable register";
    }
    const std::int64_t from = metered.readings.front().register_wh;
    const std::int64_t to = metered.readings.back().register_wh;
    const bool same =
        bridge::is_total_register(begin.obis)
            ? is_same_register(*begin.energy_mwh, from) && is_same_register(*end.energy_mwh, to)
            : is_same_register(*end.energy_mwh - *begin.energy_mwh, to - from);
    return same ? ""
                : "the meter signed " + begin.value + " to " + end.value + " " + end.unit +
                      ", the record states " + std::to_string(from) + " to " + std::to_string(to) +
                      " Wh";
}

std::string wrong_signature(const std::vector<bridge::OcmfRecord>& records,
                            const bridge::MeterKey& key, const std::set<std::string>& lenient) {
    for (const bridge::OcmfRecord& record : records) {
        const bool is_lenient = lenient.count(record.serial()) > 0;
        const bridge::SignatureVerdict verdict = bridge::verify_ocmf(
            record, key, is_lenient ? bridge::DerRule::lenient : bridge::DerRule::strict);
        if (verdict != bridge::SignatureVerdict::valid) {
            return "a record of meter " + record.serial() + ": " + bridge::explain(verdict);
        }
    }
    return {};
}

MeterAnswer judge(const MeterQuestion& question, const bridge::BilledRecords& billed) {
    if (!billed.is_whole()) {
        return answer(MeterVerdict::not_signed, "no signed readings of both begin and end");
    }
    if (std::string differs = difference(question.metered, billed); !differs.empty()) {
        return answer(MeterVerdict::readings_differ, std::move(differs));
    }
    MeterAnswer agreed = answer(MeterVerdict::agrees, "signed by the meter");
    for (const bridge::OcmfRecord* record : {billed.first, billed.second}) {
        if (record != nullptr) {
            agreed.records.push_back(record->payload_hash());
        }
    }
    if (!billed.billing.is_billable()) {
        agreed.verdict = MeterVerdict::not_billable;
        agreed.message = "signed, but not billable:";
        for (const bridge::BillingReason reason : billed.billing.reasons) {
            agreed.message += std::string{" "} + bridge::to_text(reason);
        }
    }
    return agreed;
}

}  // namespace

MeterAnswer verify_meter_texts(const MeterQuestion& question, const std::vector<std::string>& texts,
                               const std::set<std::string>& lenient) {
    if (question.metered.readings.empty()) {
        return answer(MeterVerdict::not_signed, "the record has no readings");
    }
    const SignedRecords found = find_records(texts);
    if (!found.problem.empty()) {
        return answer(MeterVerdict::signature_wrong, found.problem);
    }
    if (found.records.empty()) {
        return answer(MeterVerdict::not_signed, "samples of the charger, not signed by a meter");
    }
    if (question.meter_key.empty()) {
        return answer(MeterVerdict::no_key,
                      "no public key of a meter is registered for " + question.metered.evse_id);
    }
    const auto key = bridge::meter_key_from_file(question.meter_key);
    if (!key) {
        return answer(MeterVerdict::no_key, "what is registered as the meter's key of " +
                                                question.metered.evse_id + " " +
                                                bridge::to_text(key.error()));
    }
    if (std::string wrong = wrong_signature(found.records, *key, lenient); !wrong.empty()) {
        return answer(MeterVerdict::signature_wrong, std::move(wrong));
    }
    return judge(question, bridge::choose_billed(found.records));
}

MeterAnswer MeterEvidence::operator()(const MeterQuestion& question) const {
    const auto path = m_paths.find(question.charge);
    if (path == m_paths.end()) {
        return answer(MeterVerdict::unreadable, "its meter data are not there any more");
    }
    const auto evidence = read_evidence_texts(path->second);
    if (!evidence) {
        return answer(MeterVerdict::unreadable, evidence.error());
    }
    if (evidence->hash != question.metered.evidence) {
        return answer(MeterVerdict::unreadable, "its meter data were changed during the audit");
    }
    return verify_meter_texts(question, evidence->texts, m_lenient);
}

}  // namespace tally::tools
