// The scripts that come with `tally charger`. What should come out is in the story of each; the
// test tests/e2e/test_charger.py demands it of the bridge.

#include "tools/charger/script.h"

namespace tally::tools {

namespace {

constexpr std::string_view plain_charges[]{
    R"(name = "normal"
story = "a card, a charge, the end: one record"
step = [
    { do = "swipe" },
    { do = "start" },
    { do = "charge", wh = 4000 },
    { do = "stop" },
]
)",
    R"(name = "taper"
story = "a battery that fills up draws less and less: one record"
taper_after_wh = 2000
taper_span_wh = 2000
floor_w = 6000
step = [
    { do = "swipe" },
    { do = "start" },
    { do = "charge", wh = 4000 },
    { do = "stop", reason = "car" },
]
)",
    R"(name = "long"
story = "ten minutes at 7 kW, as of many cars at once: one record"
full_w = 7000
step = [
    { do = "swipe" },
    { do = "start" },
    { do = "charge", seconds = 600 },
    { do = "stop" },
]
)",
    R"(name = "stop-swipe"
story = "the card that charges is swiped again to stop: one record, no second approval"
step = [
    { do = "swipe" },
    { do = "start" },
    { do = "charge", wh = 3000 },
    { do = "swipe" },
    { do = "stop" },
]
)",
    R"(name = "two-cards"
story = "another card is swiped in the charge and stops it: one record, of the first card"
step = [
    { do = "swipe" },
    { do = "start" },
    { do = "charge", wh = 3000 },
    { do = "swipe", card = 2, goes_on = true },
    { do = "stop", card = 2 },
]
)",
    R"(name = "prepaid"
story = "stops when the prepaid amount is used up: one record, within the amount"
step = [
    { do = "swipe", prepaid = "6.00" },
    { do = "start" },
    { do = "charge", wh = 60000 },
    { do = "stop", reason = "remote" },
]
)",
    R"(name = "ignored-remote-stop"
story = "says yes to a remote stop and goes on: one record, the excess is the site's loss"
step = [
    { do = "obey", remote_stop = false, reset = false, unlock = false },
    { do = "swipe", prepaid = "6.00" },
    { do = "start" },
    { do = "charge", wh = 9000 },
    { do = "stop" },
]
)",
    R"(name = "slow-answers"
story = "takes its time to answer commands: one record"
step = [
    { do = "obey", delay_ms = 3000 },
    { do = "swipe", prepaid = "6.00" },
    { do = "start" },
    { do = "charge", wh = 60000 },
    { do = "stop", reason = "remote" },
]
)",
};

constexpr std::string_view message_faults[]{
    R"(name = "duplicates"
story = "every message of the charge comes again with a new id: one record"
step = [
    { do = "swipe" },
    { do = "start" },
    { do = "repeat", message = "start", times = 2 },
    { do = "charge", wh = 3000 },
    { do = "repeat", message = "sample", times = 2 },
    { do = "stop" },
    { do = "repeat", message = "stop", times = 3 },
    { do = "repeat", message = "start" },
]
)",
    R"(name = "no-number"
story = "transactionId -1 in samples and stop: one record"
versions = ["1.6"]
step = [
    { do = "number", forgotten = true },
    { do = "swipe" },
    { do = "start" },
    { do = "charge", wh = 3000 },
    { do = "stop" },
]
)",
    R"(name = "missing-start"
story = "the start is lost, only samples and stop arrive: no record, an orphan"
step = [
    { do = "swipe" },
    { do = "lose", message = "start" },
    { do = "start" },
    { do = "charge", wh = 2000 },
    { do = "stop" },
]
)",
    R"(name = "missing-stop"
story = "the stop is lost and a next charge begins: two records, the first up to its last sample"
step = [
    { do = "swipe" },
    { do = "start" },
    { do = "charge", wh = 3000 },
    { do = "lose", message = "stop" },
    { do = "stop" },
    { do = "swipe", card = 2 },
    { do = "start", card = 2 },
    { do = "charge", wh = 2000 },
    { do = "stop", card = 2 },
]
)",
    R"(name = "malformed"
story = "frames that are none, before and in a charge: refused one by one; one record"
step = [
    { do = "say", text = "not json" },
    { do = "say", text = "{\"a\":1}" },
    { do = "say", text = "[2,\"m1\",\"StartTransaction\"]" },
    { do = "say", text = "[2,\"m2\",\"NoSuchAction\",{}]" },
    { do = "say", text = "[3,\"nobody-asked\",{}]" },
    { do = "swipe" },
    { do = "start" },
    { do = "say", text = "[2,\"m3\",\"Heartbeat\",{\"extra\":1}]" },
    { do = "charge", wh = 2000 },
    { do = "stop" },
]
)",
    R"(name = "stranger"
story = "a card that nobody knows: refused, no charge"
step = [
    { do = "swipe", card = 8 },
    { do = "start", card = 8 },
    { do = "charge", wh = 1000 },
    { do = "stop", card = 8 },
]
)",
    R"(name = "faulted"
story = "the charger is faulted: refused, no charge"
step = [
    { do = "status", state = "faulted", whole = true },
    { do = "swipe", goes_on = true },
    { do = "status", state = "available", whole = true },
]
)",
};

constexpr std::string_view line_faults[]{
    R"(name = "permuted"
story = "offline in the charge; what waited comes shuffled and twice: one record"
step = [
    { do = "swipe" },
    { do = "start" },
    { do = "charge", wh = 1500 },
    { do = "offline" },
    { do = "charge", wh = 3000 },
    { do = "stop" },
    { do = "online", order = "shuffled", copies = 2 },
]
)",
    R"(name = "offline-charge"
story = "a whole charge offline after a swipe, replayed later in order: one record"
step = [
    { do = "swipe" },
    { do = "offline" },
    { do = "start" },
    { do = "charge", wh = 3000 },
    { do = "stop" },
    { do = "online" },
]
)",
    R"(name = "offline-unknown"
story = "a whole charge offline without any approval, replayed later: as the site's policy has it"
step = [
    { do = "offline" },
    { do = "swipe" },
    { do = "start" },
    { do = "charge", wh = 3000 },
    { do = "stop" },
    { do = "online" },
]
)",
    R"(name = "reconnect-storm"
story = "all chargers lose the connection at once, again and again: one record each"
step = [
    { do = "swipe" },
    { do = "start" },
    { do = "charge", wh = 1500 },
    { do = "together" },
    { do = "reconnect", times = 3 },
    { do = "charge", wh = 3000 },
    { do = "stop" },
]
)",
    R"(name = "silence"
story = "says nothing for a while in the charge: one record"
step = [
    { do = "swipe" },
    { do = "start" },
    { do = "charge", wh = 1500 },
    { do = "silence", seconds = 3 },
    { do = "charge", wh = 3000 },
    { do = "stop" },
]
)",
    R"(name = "reboot"
story = "loses power in the charge and stops it when it is back: one record"
step = [
    { do = "swipe" },
    { do = "start" },
    { do = "charge", wh = 3000 },
    { do = "reboot", charge = "stops" },
]
)",
    R"(name = "reboot-goes-on"
story = "loses power in the charge, and goes on with it: one record"
step = [
    { do = "swipe" },
    { do = "start" },
    { do = "charge", wh = 1500 },
    { do = "reboot", charge = "goes_on" },
    { do = "charge", wh = 3000 },
    { do = "stop" },
]
)",
    R"(name = "reboot-forgets"
story = "loses power and the charge with it; a next one begins: two records"
step = [
    { do = "swipe" },
    { do = "start" },
    { do = "charge", wh = 3000 },
    { do = "reboot", charge = "forgotten" },
    { do = "swipe", card = 2 },
    { do = "start", card = 2 },
    { do = "charge", wh = 2000 },
    { do = "stop", card = 2 },
]
)",
};

constexpr std::string_view clock_and_meter_faults[]{
    R"(name = "clock-1970"
story = "has no idea of the time: one record, with times of receipt, flagged"
step = [
    { do = "clock", fault = "1970" },
    { do = "swipe" },
    { do = "start" },
    { do = "charge", wh = 100 },
    { do = "stop" },
]
)",
    R"(name = "clock-drift"
story = "the clock gains a fiftieth: one record"
step = [
    { do = "clock", fault = "drift", ppm = 20000 },
    { do = "swipe" },
    { do = "start" },
    { do = "charge", wh = 3000 },
    { do = "stop" },
]
)",
    R"(name = "baseline-zero"
story = "says meterStart 0 though the register is far beyond: one record of what was drawn, flagged"
step = [
    { do = "meter", register_wh = 7783000 },
    { do = "swipe" },
    { do = "start", meter_start = 0 },
    { do = "charge", wh = 3000 },
    { do = "stop" },
]
)",
    R"(name = "register-reset"
story = "the register begins anew in the charge: no record, held for review"
step = [
    { do = "meter", register_wh = 500000 },
    { do = "swipe" },
    { do = "start" },
    { do = "charge", wh = 2000 },
    { do = "meter", register_wh = 0 },
    { do = "stop" },
]
)",
};

}  // namespace

const std::vector<std::string_view>& preset_texts() {
    static const std::vector<std::string_view> texts = [] {
        std::vector<std::string_view> all{std::begin(plain_charges), std::end(plain_charges)};
        all.insert(all.end(), std::begin(message_faults), std::end(message_faults));
        all.insert(all.end(), std::begin(line_faults), std::end(line_faults));
        all.insert(all.end(), std::begin(clock_and_meter_faults), std::end(clock_and_meter_faults));
        return all;
    }();
    return texts;
}

}  // namespace tally::tools
