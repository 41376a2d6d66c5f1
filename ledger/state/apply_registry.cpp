#include "ledger/base/codec.h"
#include "ledger/state/apply.h"
#include "ledger/state/keys.h"
#include "ledger/state/queries.h"

#include <limits>

namespace tally {

ResultCode apply(Context& context, const RegisterBridge& action) {
    context.state().put(keys::bridge(context.signer(), action.bridge_id),
                        encode(BridgeRecord{action.public_key, action.kind, false}));
    return ResultCode::ok;
}

ResultCode apply(Context& context, const RevokeBridge& action) {
    std::optional<BridgeRecord> bridge =
        find_bridge(context.state(), context.signer(), action.bridge_id);
    if (!bridge) {
        return ResultCode::unknown_bridge;
    }
    if (bridge->revoked) {
        return ResultCode::bridge_revoked;
    }
    bridge->revoked = true;
    context.state().put(keys::bridge(context.signer(), action.bridge_id), encode(*bridge));
    return ResultCode::ok;
}

ResultCode apply(Context& context, const RegisterCharger& action) {
    StateOverlay& state = context.state();
    const PartyId& owner = context.signer();
    const std::optional<BridgeRecord> bridge = find_bridge(state, owner, action.bridge_id);
    if (!bridge) {
        return ResultCode::unknown_bridge;
    }
    if (bridge->revoked) {
        return ResultCode::bridge_revoked;
    }
    const Bytes place = keys::station(owner, action.station, action.connector);
    const std::optional<Bytes> taken_by = state.get(place);
    if (taken_by && as_text(*taken_by) != action.evse_id) {
        return ResultCode::station_taken;
    }
    ChargerRecord record;
    if (std::optional<ChargerRecord> previous = find_charger(state, owner, action.evse_id)) {
        state.erase(keys::station(owner, previous->station, previous->connector));
        record = std::move(*previous);  // What the next charge is checked against stays.
    }
    record.station = action.station;
    record.connector = action.connector;
    record.bridge_id = action.bridge_id;
    record.rated_power_w = action.rated_power_w;
    record.meter_serial = action.meter_serial;
    record.meter_epoch = action.meter_epoch;
    record.meter_public_key = action.meter_public_key;
    const ByteView evse = as_bytes(action.evse_id);
    state.put(place, Bytes{evse.begin(), evse.end()});
    state.put(keys::charger(owner, action.evse_id), encode(record));
    return ResultCode::ok;
}

ResultCode apply(Context& context, const PublishTariff& action) {
    StateOverlay& state = context.state();
    const PartyId& owner = context.signer();
    const std::uint32_t latest = latest_tariff_version(state, owner, action.ref.tariff_id);
    if (latest == std::numeric_limits<std::uint32_t>::max() || action.ref.version != latest + 1) {
        return ResultCode::tariff_version_gap;
    }
    Encoder head;
    head.u32(action.ref.version);
    state.put(keys::tariff(owner, {action.ref.tariff_id, 0}), std::move(head).take());
    state.put(keys::tariff(owner, action.ref), encode(action.tariff));
    return ResultCode::ok;
}

}  // namespace tally
