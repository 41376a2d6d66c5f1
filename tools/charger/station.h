#pragma once

#include "node/runtime/asio.h"
#include "tools/charger/charger.h"
#include "tools/charger/dialect.h"
#include "tools/charger/meter_seal.h"
#include "tools/charger/ocpp_line.h"
#include "tools/charger/report.h"
#include "tools/charger/script.h"

#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <vector>

namespace tally::tools {

/// One simulated charger.
struct StationSetup {
    node::WebSocketTarget target;
    std::string id;
    OcppVersion version{OcppVersion::v16};
    std::uint32_t connectors{1};
    std::uint32_t connector{1};      ///< the one that is used
    std::vector<std::string> cards;  ///< a script's card 1 is the first
    std::int64_t register_wh{0};
    std::string meter_serial;
    std::shared_ptr<const MeterSeal> seal;  ///< null: readings are not signed
    UnixMillis begin{0};                    ///< its clock when the fleet starts
    double speed{1};                        ///< seconds of its clock in a second
    std::chrono::seconds sample_interval{10};
    std::chrono::seconds give_up{120};  ///< real time without the answer that is waited for
    std::uint64_t seed{1};
};

/// Where chargers of a fleet wait for each other.
class MeetingPlace {
public:
    void expect(std::size_t stations) { m_expected = stations; }
    void on_meeting(std::function<void()> met) { m_met = std::move(met); }
    /// One arrives; `wake` is called when all are here.
    void arrive(std::function<void()> wake);
    /// One will not come any more.
    void leave();
    /// How often all met.
    [[nodiscard]] std::uint64_t meetings() const { return m_meetings; }

private:
    void look();
    std::size_t m_expected{0};
    std::uint64_t m_meetings{0};
    std::vector<std::function<void()>> m_waiting;
    std::function<void()> m_met;
};

/// Plays scripts on one charger: its line, clock, meter and the charge that runs. Steps are in
/// station_steps.cpp. One thread, the io_context's; report and place must outlive it.
class Station : public std::enable_shared_from_this<Station> {
public:
    using Self = std::shared_ptr<Station>;
    using SharedScript = std::shared_ptr<const Script>;

    Station(boost::asio::io_context& io, StationSetup setup, FleetReport& report,
            MeetingPlace& place);

    /// Switches the charger on, once; then `play` may be awaited, again and again.
    static boost::asio::awaitable<bool> power_up(Self self, SharedScript script);
    static boost::asio::awaitable<void> play(Self self, SharedScript script);
    /// Ends what runs in order: charges stop, waits end.
    void leave();
    void power_down();
    [[nodiscard]] bool is_connected() const { return m_line->is_open(); }
    [[nodiscard]] bool is_charging() const { return m_charge.has_value(); }
    [[nodiscard]] const std::string& id() const { return m_setup.id; }

private:
    struct OpenCharge {
        SharedCharge facts;
        std::shared_ptr<ChargeStory> story;
        std::int64_t begin_register{0};
        std::optional<StopReason> asked;  ///< by the central system
    };
    using Meaning = std::optional<AnswerMeaning>;
    using AnswerHook = std::function<void(const AnswerMeaning&)>;

    // Line and time, station.cpp
    [[nodiscard]] std::chrono::milliseconds since_start() const;
    [[nodiscard]] UnixMillis shown_time() const { return m_clock.shown(since_start()); }
    void wake();
    /// Until the condition holds; false when the time is over before.
    static boost::asio::awaitable<bool> until(Self self, std::function<bool()> condition,
                                              std::chrono::milliseconds patience);
    /// Until the answer; nothing when it was given up, which the report says.
    static boost::asio::awaitable<Meaning> ask(Self self, OutgoingCall call, AnswerHook hook);
    void enqueue(OutgoingCall call, AnswerHook hook, bool first = false);
    void announce(bool after_power_loss, AnswerHook hook);
    void say_state(ConnectorState state);
    void say_whole_state(ConnectorState state);
    void commanded(const IncomingCall& call);
    [[nodiscard]] bool carry_out(const IncomingCall& call, const CentralCommand& command);
    [[nodiscard]] bool ask_to_stop(const CentralCommand& command);
    [[nodiscard]] bool trigger(const CentralCommand& command);
    void reply(const IncomingCall& call, bool accepted);
    void arm_heartbeat();

    // Steps, station_steps.cpp; false ends the script.
    using Play = boost::asio::awaitable<bool>;
    static Play step(Self self, Step step);
    static Play swipe(Self self, Step step);
    static Play start(Self self, Step step);
    static Play charge(Self self, Step step);
    static Play stop(Self self, Step step);
    static Play repeat(Self self, Step step);
    static Play online(Self self, Step step);
    static Play reconnect(Self self, Step step);
    static Play reboot(Self self, Step step);
    static Play rest(Self self, Step step);
    static Play meet(Self self);
    /// Sends, queues or loses a message of the charge.
    static boost::asio::awaitable<Meaning> tell(Self self, ChargeMessage kind, OutgoingCall call,
                                                AnswerHook hook);
    [[nodiscard]] bool change(const Step& step);
    void set_clock(const Step& step);
    void draw(std::int64_t limit_wh);
    [[nodiscard]] MeterReading reading(ReadingContext context, char reason);
    [[nodiscard]] std::string card(std::uint32_t number) const;
    void forget_charge();

    boost::asio::io_context& m_io;
    StationSetup m_setup;
    FleetReport& m_report;
    MeetingPlace& m_place;
    SharedScript m_script;
    std::unique_ptr<Dialect> m_dialect;
    ChargerClock m_clock;
    EnergyMeter m_meter;
    UnixMillis m_drawn_until{0};
    std::chrono::steady_clock::time_point m_started;
    boost::asio::steady_timer m_wake;
    boost::asio::steady_timer m_heartbeat;
    std::chrono::seconds m_heartbeat_interval{0};
    std::mt19937_64 m_random;
    std::optional<OpenCharge> m_charge;
    std::map<ChargeMessage, OutgoingCall> m_last;
    std::set<ChargeMessage> m_lost;
    Step m_obey;  ///< how commands are taken
    std::uint64_t m_page{0};
    std::uint64_t m_charges{0};
    bool m_number_forgotten{false};
    bool m_offline{false};
    bool m_silent{false};
    bool m_leaving{false};
    std::unique_ptr<OcppLine> m_line;
};

}  // namespace tally::tools
