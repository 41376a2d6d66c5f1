#include "ledger/model/result_code.h"

namespace tally {

const char* to_text(ResultCode code) {
    switch (code) {
        case ResultCode::ok:
            return "ok";
        case ResultCode::exists:
            return "exists";
        case ResultCode::exists_different:
            return "exists_different";
        case ResultCode::id_in_use:
            return "id_in_use";
        case ResultCode::not_permitted:
            return "not_permitted";
        case ResultCode::unknown_member:
            return "unknown_member";
        case ResultCode::member_suspended:
            return "member_suspended";
        case ResultCode::unknown_bridge:
            return "unknown_bridge";
        case ResultCode::unknown_charger:
            return "unknown_charger";
        case ResultCode::unknown_tariff:
            return "unknown_tariff";
        case ResultCode::tariff_version_gap:
            return "tariff_version_gap";
        case ResultCode::currency_mismatch:
            return "currency_mismatch";
        case ResultCode::tariff_not_offered:
            return "tariff_not_offered";
        case ResultCode::station_taken:
            return "station_taken";
        case ResultCode::no_agreement:
            return "no_agreement";
        case ResultCode::exposure_exceeded:
            return "exposure_exceeded";
        case ResultCode::limit_exceeded:
            return "limit_exceeded";
        case ResultCode::overflow:
            return "overflow";
        case ResultCode::below_minimum:
            return "below_minimum";
        case ResultCode::unknown_authorization:
            return "unknown_authorization";
        case ResultCode::wrong_status:
            return "wrong_status";
        case ResultCode::not_visited:
            return "not_visited";
        case ResultCode::not_home:
            return "not_home";
        case ResultCode::too_early:
            return "too_early";
        case ResultCode::too_late:
            return "too_late";
        case ResultCode::invalid_deadline:
            return "invalid_deadline";
        case ResultCode::wrong_station:
            return "wrong_station";
        case ResultCode::evse_busy:
            return "evse_busy";
        case ResultCode::self_roaming:
            return "self_roaming";
        case ResultCode::bad_bridge_signature:
            return "bad_bridge_signature";
        case ResultCode::wrong_evse:
            return "wrong_evse";
        case ResultCode::wrong_meter:
            return "wrong_meter";
        case ResultCode::register_went_back:
            return "register_went_back";
        case ResultCode::overlaps_previous:
            return "overlaps_previous";
        case ResultCode::time_out_of_bounds:
            return "time_out_of_bounds";
        case ResultCode::energy_implausible:
            return "energy_implausible";
        case ResultCode::unratable:
            return "unratable";
        case ResultCode::rated_amount_differs:
            return "rated_amount_differs";
        case ResultCode::amount_differs:
            return "amount_differs";
        case ResultCode::unknown_countersign:
            return "unknown_countersign";
        case ResultCode::hash_differs:
            return "hash_differs";
        case ResultCode::already_signed:
            return "already_signed";
    }
    return "unknown";
}

std::optional<ResultCode> result_code_from_number(std::uint16_t number) {
    const auto code = static_cast<ResultCode>(number);
    switch (code) {
        case ResultCode::ok:
        case ResultCode::exists:
        case ResultCode::exists_different:
        case ResultCode::id_in_use:
        case ResultCode::not_permitted:
        case ResultCode::unknown_member:
        case ResultCode::member_suspended:
        case ResultCode::unknown_bridge:
        case ResultCode::unknown_charger:
        case ResultCode::unknown_tariff:
        case ResultCode::tariff_version_gap:
        case ResultCode::currency_mismatch:
        case ResultCode::tariff_not_offered:
        case ResultCode::station_taken:
        case ResultCode::no_agreement:
        case ResultCode::exposure_exceeded:
        case ResultCode::limit_exceeded:
        case ResultCode::overflow:
        case ResultCode::below_minimum:
        case ResultCode::unknown_authorization:
        case ResultCode::wrong_status:
        case ResultCode::not_visited:
        case ResultCode::not_home:
        case ResultCode::too_early:
        case ResultCode::too_late:
        case ResultCode::invalid_deadline:
        case ResultCode::wrong_station:
        case ResultCode::evse_busy:
        case ResultCode::self_roaming:
        case ResultCode::bad_bridge_signature:
        case ResultCode::wrong_evse:
        case ResultCode::wrong_meter:
        case ResultCode::register_went_back:
        case ResultCode::overlaps_previous:
        case ResultCode::time_out_of_bounds:
        case ResultCode::energy_implausible:
        case ResultCode::unratable:
        case ResultCode::rated_amount_differs:
        case ResultCode::amount_differs:
        case ResultCode::unknown_countersign:
        case ResultCode::hash_differs:
        case ResultCode::already_signed:
            return code;
    }
    return std::nullopt;
}

}  // namespace tally
