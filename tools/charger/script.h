#pragma once

#include "ledger/base/expected.h"
#include "tools/charger/charger.h"
#include "tools/charger/dialect.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace tally::tools {

inline constexpr std::size_t script_steps_max{200};
inline constexpr std::uint32_t script_cards_max{8};
inline constexpr std::uint32_t step_times_max{10'000};
inline constexpr std::int64_t step_seconds_max{7LL * 24 * 3'600};

/// What a step of a script does. Names in script files are these.
enum class StepKind : std::uint8_t {
    swipe,      ///< asks for a card; a refusal ends the script, unless `goes_on`
    start,      ///< begins the charge
    charge,     ///< draws energy and reports samples, until enough or told to stop
    stop,       ///< ends the charge
    repeat,     ///< sends a message of the charge again, with a new message id
    lose,       ///< the next such message is never sent
    offline,    ///< drops the connection; messages wait, cards are accepted without asking
    online,     ///< connects again and sends what waits
    reconnect,  ///< drops the connection and makes the next one at once
    reboot,     ///< loses power and connection, then starts again
    silence,    ///< keeps the connection, but neither says nor answers anything
    clock,      ///< changes what the charger takes for the time
    meter,      ///< sets the register
    number,     ///< 1.6: forgets the number of the transaction, or knows it again
    obey,       ///< how commands of the central system are taken from now on
    say,        ///< sends a text as it is
    status,     ///< reports a state of the connector
    wait,       ///< lets time pass
    together,   ///< waits until every charger of the fleet is here
};

/// The messages that `repeat` and `lose` name.
enum class ChargeMessage : std::uint8_t { start, sample, stop };

/// In which order `online` sends what waits.
enum class QueueOrder : std::uint8_t { kept, reversed, shuffled };

/// What becomes of a charge that `reboot` interrupts.
enum class AfterReboot : std::uint8_t { stops, goes_on, forgets };

enum class ClockFault : std::uint8_t { right, since_1970, ahead, drift };

/// One step; which fields mean something depends on `kind`.
struct Step {
    StepKind kind{StepKind::wait};
    std::uint32_t card{1};         ///< swipe, start, stop: which of the charger's cards
    std::string prepaid;           ///< swipe: states this amount first
    bool goes_on{false};           ///< swipe: also when refused
    std::int64_t wh{0};            ///< charge: at most; 0: no limit. meter: the register
    std::int64_t meter_start{-1};  ///< start: says this instead of the register; -1: the truth
    std::int64_t seconds{0};       ///< charge, wait: charger's time. reboot, silence: real
    std::uint32_t times{1};  ///< repeat, reconnect, say; online: copies of each; swipe: at most
    bool random{false};      ///< wait: up to `seconds`, drawn from the charger's seed
    ChargeMessage message{ChargeMessage::stop};
    QueueOrder order{QueueOrder::kept};
    AfterReboot after{AfterReboot::stops};
    ClockFault fault{ClockFault::right};
    std::int64_t amount{0};  ///< clock: seconds ahead, or drift in millionths
    StopReason reason{StopReason::local};
    ConnectorState state{ConnectorState::available};
    bool whole{false};         ///< status: of the whole charger, not the connector only
    bool forgotten{true};      ///< number
    bool remote_stop{true};    ///< obey: false: accepts the command, and goes on
    bool reset{true};          ///< obey
    bool unlock{true};         ///< obey
    std::int64_t delay_ms{0};  ///< obey: before each answer to a command
    std::string text;          ///< say; {station} is the charger's id
    bool binary{false};        ///< say
};

/// A behaviour of a charger from when it is switched on.
struct Script {
    std::string name;
    std::string story;  ///< one line: what happens, and what should come out
    std::vector<OcppVersion> versions{OcppVersion::v16, OcppVersion::v201};
    PowerCurve curve;
    std::uint32_t cards{1};  ///< how many it uses
    std::vector<Step> steps;

    [[nodiscard]] bool speaks(OcppVersion version) const;
};

/// Reads the TOML of one script. `path` names it in problems. The error has one problem a line,
/// with its place.
[[nodiscard]] Expected<Script, std::string> parse_script(std::string_view toml,
                                                         const std::string& path);
[[nodiscard]] Expected<Script, std::string> read_script(const std::string& path);

/// The scripts that come with the program, as TOML; presets.cpp.
[[nodiscard]] const std::vector<std::string_view>& preset_texts();
/// All of them, parsed.
[[nodiscard]] std::vector<Script> presets();
/// Its TOML, to be copied and changed; empty when there is none of that name.
[[nodiscard]] std::string_view preset_text(const std::string& name);

}  // namespace tally::tools
