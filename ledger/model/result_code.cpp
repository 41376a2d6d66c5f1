#include "ledger/model/result_code.h"

#include <algorithm>
#include <array>

namespace tally {

namespace {

struct Name {
    ResultCode code;
    const char* text;
};

/// Its completeness is tested; that of `is_known` the compiler checks.
constexpr std::array<Name, 70> names{{
    {ResultCode::ok, "ok"},
    {ResultCode::exists, "exists"},
    {ResultCode::exists_different, "exists_different"},
    {ResultCode::id_in_use, "id_in_use"},
    {ResultCode::not_permitted, "not_permitted"},
    {ResultCode::unknown_member, "unknown_member"},
    {ResultCode::member_suspended, "member_suspended"},
    {ResultCode::unknown_bridge, "unknown_bridge"},
    {ResultCode::unknown_charger, "unknown_charger"},
    {ResultCode::unknown_tariff, "unknown_tariff"},
    {ResultCode::tariff_version_gap, "tariff_version_gap"},
    {ResultCode::currency_mismatch, "currency_mismatch"},
    {ResultCode::tariff_not_offered, "tariff_not_offered"},
    {ResultCode::station_taken, "station_taken"},
    {ResultCode::no_agreement, "no_agreement"},
    {ResultCode::exposure_exceeded, "exposure_exceeded"},
    {ResultCode::limit_exceeded, "limit_exceeded"},
    {ResultCode::overflow, "overflow"},
    {ResultCode::below_minimum, "below_minimum"},
    {ResultCode::unknown_authorization, "unknown_authorization"},
    {ResultCode::wrong_status, "wrong_status"},
    {ResultCode::not_visited, "not_visited"},
    {ResultCode::not_home, "not_home"},
    {ResultCode::too_early, "too_early"},
    {ResultCode::too_late, "too_late"},
    {ResultCode::invalid_deadline, "invalid_deadline"},
    {ResultCode::wrong_station, "wrong_station"},
    {ResultCode::evse_busy, "evse_busy"},
    {ResultCode::self_roaming, "self_roaming"},
    {ResultCode::bad_bridge_signature, "bad_bridge_signature"},
    {ResultCode::wrong_evse, "wrong_evse"},
    {ResultCode::wrong_meter, "wrong_meter"},
    {ResultCode::register_went_back, "register_went_back"},
    {ResultCode::overlaps_previous, "overlaps_previous"},
    {ResultCode::time_out_of_bounds, "time_out_of_bounds"},
    {ResultCode::energy_implausible, "energy_implausible"},
    {ResultCode::unratable, "unratable"},
    {ResultCode::rated_amount_differs, "rated_amount_differs"},
    {ResultCode::amount_differs, "amount_differs"},
    {ResultCode::unknown_countersign, "unknown_countersign"},
    {ResultCode::hash_differs, "hash_differs"},
    {ResultCode::already_signed, "already_signed"},
    {ResultCode::not_validator, "not_validator"},
    {ResultCode::unknown_proposal, "unknown_proposal"},
    {ResultCode::already_voted, "already_voted"},
    {ResultCode::already_member, "already_member"},
    {ResultCode::key_in_use, "key_in_use"},
    {ResultCode::too_many_proposals, "too_many_proposals"},
    {ResultCode::admissions_full, "admissions_full"},
    {ResultCode::nothing_to_change, "nothing_to_change"},
    {ResultCode::last_validator, "last_validator"},
    {ResultCode::too_many_validators, "too_many_validators"},
    {ResultCode::not_ready_for, "not_ready_for"},
    {ResultCode::bad_evidence, "bad_evidence"},
    {ResultCode::evidence_known, "evidence_known"},
    {ResultCode::rotation_pending, "rotation_pending"},
    {ResultCode::bad_possession, "bad_possession"},
    {ResultCode::too_many_features, "too_many_features"},
    {ResultCode::bridge_revoked, "bridge_revoked"},
    {ResultCode::not_hub, "not_hub"},
    {ResultCode::dispute_amount, "dispute_amount"},
    {ResultCode::already_corrected, "already_corrected"},
    {ResultCode::unknown_correction, "unknown_correction"},
    {ResultCode::unknown_leg, "unknown_leg"},
    {ResultCode::leg_confirmed, "leg_confirmed"},
    {ResultCode::authorization_live, "authorization_live"},
    {ResultCode::credit_exceeds_charge, "credit_exceeds_charge"},
    {ResultCode::too_many_corrections, "too_many_corrections"},
    {ResultCode::too_many_countersigns, "too_many_countersigns"},
    {ResultCode::own_dispute, "own_dispute"},
}};

// clang-format off
/// All enumerators: the compiler checks that none is missing.
bool is_known(ResultCode code) {
    switch (code) {
        case ResultCode::ok: case ResultCode::exists: case ResultCode::exists_different:
        case ResultCode::id_in_use: case ResultCode::not_permitted:
        case ResultCode::unknown_member: case ResultCode::member_suspended:
        case ResultCode::unknown_bridge: case ResultCode::unknown_charger:
        case ResultCode::unknown_tariff: case ResultCode::tariff_version_gap:
        case ResultCode::currency_mismatch: case ResultCode::tariff_not_offered:
        case ResultCode::station_taken: case ResultCode::no_agreement:
        case ResultCode::exposure_exceeded: case ResultCode::limit_exceeded:
        case ResultCode::overflow: case ResultCode::below_minimum:
        case ResultCode::unknown_authorization: case ResultCode::wrong_status:
        case ResultCode::not_visited: case ResultCode::not_home: case ResultCode::too_early:
        case ResultCode::too_late: case ResultCode::invalid_deadline:
        case ResultCode::wrong_station: case ResultCode::evse_busy: case ResultCode::self_roaming:
        case ResultCode::bad_bridge_signature: case ResultCode::wrong_evse:
        case ResultCode::wrong_meter: case ResultCode::register_went_back:
        case ResultCode::overlaps_previous: case ResultCode::time_out_of_bounds:
        case ResultCode::energy_implausible: case ResultCode::unratable:
        case ResultCode::rated_amount_differs: case ResultCode::amount_differs:
        case ResultCode::unknown_countersign: case ResultCode::hash_differs:
        case ResultCode::already_signed: case ResultCode::not_validator:
        case ResultCode::unknown_proposal: case ResultCode::already_voted:
        case ResultCode::already_member: case ResultCode::key_in_use:
        case ResultCode::too_many_proposals: case ResultCode::admissions_full:
        case ResultCode::nothing_to_change: case ResultCode::last_validator:
        case ResultCode::too_many_validators: case ResultCode::not_ready_for:
        case ResultCode::bad_evidence: case ResultCode::evidence_known:
        case ResultCode::rotation_pending: case ResultCode::bad_possession:
        case ResultCode::too_many_features: case ResultCode::bridge_revoked:
        case ResultCode::not_hub: case ResultCode::dispute_amount:
        case ResultCode::already_corrected: case ResultCode::unknown_correction:
        case ResultCode::authorization_live: case ResultCode::credit_exceeds_charge:
        case ResultCode::too_many_corrections: case ResultCode::unknown_leg:
        case ResultCode::leg_confirmed: case ResultCode::too_many_countersigns:
        case ResultCode::own_dispute:
            return true;
    }
    return false;
}
// clang-format on

}  // namespace

const char* to_text(ResultCode code) {
    const auto* found = std::find_if(names.begin(), names.end(),
                                     [code](const Name& name) { return name.code == code; });
    return found == names.end() ? "unknown" : found->text;
}

std::optional<ResultCode> result_code_from_number(std::uint16_t number) {
    const auto code = static_cast<ResultCode>(number);
    return is_known(code) ? std::optional{code} : std::nullopt;
}

}  // namespace tally
