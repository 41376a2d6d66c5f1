#include "charger_bridge/boot_holds.h"

#include "charger_bridge/ocpp/credentials.h"
#include "charger_bridge/ocpp/fields.h"
#include "ledger/base/codec.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace tally::bridge {

namespace {

constexpr std::size_t scan_step{256};
constexpr std::uint8_t format_version{1};

Bytes key_of(const std::string& station) {
    return std::move(Encoder{}.u8(BootHolds::key_prefix).raw(as_bytes(station))).take();
}

Bytes encode(const BootHold& hold) {
    Encoder encoder;
    encoder.u8(format_version)
        .u8(static_cast<std::uint8_t>(hold.status))
        .text(hold.by)
        .text(hold.why)
        .i64(hold.since)
        .boolean(hold.is_told);
    return std::move(encoder).take();
}

std::optional<BootHold> decode(ByteView bytes) {
    Decoder decoder{bytes};
    const bool is_ours = decoder.u8() == format_version;
    BootHold hold;
    const std::uint8_t status = decoder.u8();
    hold.by = decoder.text(hold_text_bytes_max);
    hold.why = decoder.text(hold_text_bytes_max);
    hold.since = decoder.i64();
    hold.is_told = decoder.boolean();
    const bool is_pending = status == static_cast<std::uint8_t>(BootStatus::pending);
    const bool is_rejected = status == static_cast<std::uint8_t>(BootStatus::rejected);
    hold.status = is_pending ? BootStatus::pending : BootStatus::rejected;
    const bool fits = is_ours && decoder.finished() && (is_pending || is_rejected);
    return fits ? std::optional{std::move(hold)} : std::nullopt;
}

}  // namespace

Expected<Done, std::string> BootHolds::load(const KeyValueStore& store) {
    const Bytes prefix{key_prefix};
    Bytes from = prefix;
    for (;;) {
        const auto entries = store.scan(prefix, from, scan_step);
        if (!entries) {
            return Unexpected{std::string{"the store cannot be read"}};
        }
        for (const KeyValueStore::Entry& entry : *entries) {
            const std::string station{as_text(ByteView{entry.key}.subspan(1))};
            auto hold = decode(entry.value);
            if (!hold) {
                return Unexpected{"the hold of charger " + station + " cannot be read"};
            }
            m_holds[station] = *std::move(hold);
        }
        if (entries->size() < scan_step) {
            return Done{};
        }
        from = entries->back().key;
        from.push_back(0);
    }
}

void BootHolds::set(const std::string& station, BootHold hold, WriteBatch& changes) {
    hold.by.resize(std::min(hold.by.size(), hold_text_bytes_max));
    hold.why.resize(std::min(hold.why.size(), hold_text_bytes_max));
    changes.put(key_of(station), encode(hold));
    m_holds[station] = std::move(hold);
}

void BootHolds::tell(const std::string& station, WriteBatch& changes) {
    const auto found = m_holds.find(station);
    if (found != m_holds.end() && !found->second.is_told) {
        found->second.is_told = true;
        changes.put(key_of(station), encode(found->second));
    }
}

bool BootHolds::lift(const std::string& station, WriteBatch& changes) {
    if (m_holds.erase(station) == 0) {
        return false;
    }
    changes.erase(key_of(station));
    return true;
}

const BootHold* BootHolds::find(const std::string& station) const {
    const auto found = m_holds.find(station);
    return found != m_holds.end() ? &found->second : nullptr;
}

std::string why_not_sent(const BootHold& hold, const Command& command) {
    const bool asks_to_boot = command.action == "TriggerMessage" &&
                              text_of(command.payload, "requestedMessage") == "BootNotification";
    if (hold.status == BootStatus::rejected && !asks_to_boot) {
        return "the charger is rejected: it may only be asked for a BootNotification";
    }
    constexpr std::string_view charging[]{"RemoteStartTransaction", "RemoteStopTransaction",
                                          "RequestStartTransaction", "RequestStopTransaction"};
    const bool charges =
        std::find(std::begin(charging), std::end(charging), command.action) != std::end(charging);
    return charges ? "the charger is on hold: accept it first" : "";
}

}  // namespace tally::bridge
