#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace tally {

/// What became of a transaction. The numbers are in the log's leaves and never change meaning;
/// docs/protocol/ledger.md lists them. Zero is success.
enum class ResultCode : std::uint16_t {
    ok = 0,
    exists = 1,            ///< same signer, id and bytes were executed before: harmless
    exists_different = 2,  ///< same signer and id, other bytes: refused
    id_in_use = 3,  ///< an open authorization or half-signed limit, older than the window, has it
    // The signer
    not_permitted = 10,  ///< this member may not sign this action
    unknown_member = 11,
    member_suspended = 12,
    // Registry
    unknown_bridge = 20,
    unknown_charger = 21,
    unknown_tariff = 22,
    tariff_version_gap = 23,
    currency_mismatch = 24,
    tariff_not_offered = 25,
    station_taken = 26,  ///< another EVSE of the member has this station and connector
    // Agreements and limits
    no_agreement = 30,
    exposure_exceeded = 31,
    limit_exceeded = 32,
    overflow = 33,
    below_minimum = 34,  ///< an approval of less than the scheme's minimum
    // Authorizations
    unknown_authorization = 40,
    wrong_status = 41,  ///< not in the status that this action needs
    not_visited = 42,   ///< the signer is not the visited operator
    not_home = 43,      ///< the signer is not the home operator
    too_early = 44,
    too_late = 45,
    invalid_deadline = 46,  ///< start_by in the past or too far ahead
    wrong_station = 47,     ///< the EVSE is not at the approved station
    evse_busy = 48,         ///< another charge on the EVSE is started and not yet recorded
    self_roaming = 49,      ///< home and visited are the same member
    // Charge records
    bad_bridge_signature = 60,
    wrong_evse = 61,
    wrong_meter = 62,           ///< serial or epoch differs from the registered ones
    register_went_back = 63,    ///< below the previous end of the same meter and epoch
    overlaps_previous = 64,     ///< begins before the previous charge of the EVSE ended
    time_out_of_bounds = 65,    ///< outside decision time - 5 min .. record_by + clock allowance
    energy_implausible = 66,    ///< > rated power x (time + 60 s) x 1.05
    unratable = 67,             ///< the readings cannot be rated, see RatingError
    rated_amount_differs = 68,  ///< the tariff gives another amount
    amount_differs = 69,        ///< not min(rated_amount, Mp), or not the recorded amount
    // Two signatures
    unknown_countersign = 80,
    hash_differs = 81,
    already_signed = 82,
    // Membership and epochs
    not_validator = 90,  ///< the signer has no vote here
    unknown_proposal = 91,
    already_voted = 92,  ///< or already reported ready
    already_member = 93,
    key_in_use = 94,          ///< another member has one of the keys
    too_many_proposals = 95,  ///< all together, or of this member
    admissions_full = 96,     ///< of this epoch, or of members in all
    nothing_to_change = 97,   ///< it is so already
    last_validator = 98,      ///< nobody would be left to vote
    too_many_validators = 99,
    not_ready_for = 100,     ///< another epoch, next set or height than there is
    bad_evidence = 101,      ///< not two contradicting votes with right signatures
    evidence_known = 102,    ///< there is evidence of this epoch and member
    rotation_pending = 103,  ///< the consensus key asked for before waits for the next epoch
    bad_possession = 104,    ///< not signed by the new key
    too_many_features = 105,
    // Disputes and corrections
    bridge_revoked = 110,
    not_hub = 111,
    dispute_amount = 112,      ///< more than the recorded amount, or than the disputed part
    already_corrected = 113,   ///< a late charge is there already, or the charge was recorded
    unknown_correction = 114,  ///< no such charge to give back, or no such credit to bill again
    unknown_leg = 115,         ///< no such bank leg, or all of its cycle are confirmed
    leg_confirmed = 116,
    authorization_live = 117,     ///< it still holds money: settle, dispute or claim it instead
    credit_exceeds_charge = 118,  ///< more given back than was charged
    too_many_corrections = 119,   ///< of one authorization
    too_many_countersigns = 120,  ///< of this member wait for a second signature
    own_dispute = 121,            ///< the hub is a party to it: its default ends it
};

/// "rated_amount_differs" and so on, as documents and JSON write it.
[[nodiscard]] const char* to_text(ResultCode code);
[[nodiscard]] std::optional<ResultCode> result_code_from_number(std::uint16_t number);

}  // namespace tally
