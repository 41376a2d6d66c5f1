#include "tools/charger/station.h"

#include <algorithm>
#include <utility>

namespace tally::tools {

namespace asio = boost::asio;
using SteadyClock = std::chrono::steady_clock;

namespace {

constexpr std::chrono::seconds heartbeat_min{10};

SealFacts seal_facts(const StationSetup& setup) {
    if (setup.seal == nullptr) {
        return {};
    }
    return {setup.seal->algorithm(), to_hex(setup.seal->public_key())};
}

}  // namespace

void MeetingPlace::arrive(std::function<void()> wake) {
    m_waiting.push_back(std::move(wake));
    look();
}

void MeetingPlace::leave() {
    --m_expected;
    look();
}

void MeetingPlace::look() {
    if (m_waiting.empty() || m_waiting.size() < m_expected) {
        return;
    }
    ++m_meetings;
    if (m_met) {
        m_met();
    }
    const auto waiting = std::exchange(m_waiting, {});
    for (const auto& wake : waiting) {
        wake();
    }
}

Station::Station(asio::io_context& io, StationSetup setup, FleetReport& report, MeetingPlace& place)
    : m_io{io},
      m_setup{std::move(setup)},
      m_report{report},
      m_place{place},
      m_dialect{make_dialect(m_setup.version, seal_facts(m_setup))},
      m_clock{m_setup.begin, m_setup.speed},
      m_meter{m_setup.register_wh},
      m_started{SteadyClock::now()},
      m_wake{io},
      m_heartbeat{io},
      m_random{m_setup.seed},
      m_page{static_cast<std::uint64_t>(m_setup.begin / 1'000)} {
    LineOptions options;
    options.target = m_setup.target;
    options.target.protocol = m_dialect->protocol();
    options.station = m_setup.id;
    options.jitter_seed = m_setup.seed;
    LineHandlers handlers;
    handlers.connected = [this] {
        m_report.connected();
        wake();
    };
    handlers.disconnected = [this](const std::string& why) { m_report.disconnected(why); };
    handlers.called = [this](const IncomingCall& call) { commanded(call); };
    handlers.sent = [this](const OutgoingCall& call) { m_report.call_sent(call.action); };
    m_line = std::make_unique<OcppLine>(io, std::move(options), std::move(handlers));
}

std::chrono::milliseconds Station::since_start() const {
    return std::chrono::duration_cast<std::chrono::milliseconds>(SteadyClock::now() - m_started);
}

void Station::wake() { m_wake.cancel(); }

asio::awaitable<bool> Station::until(Self self, std::function<bool()> condition,
                                     std::chrono::milliseconds patience) {
    const SteadyClock::time_point end = SteadyClock::now() + patience;
    while (!condition()) {
        if (SteadyClock::now() >= end) {
            co_return false;
        }
        self->m_wake.expires_at(end);
        node::ErrorCode woken;
        co_await self->m_wake.async_wait(node::await_into(woken));
    }
    co_return true;
}

void Station::enqueue(OutgoingCall call, AnswerHook hook, bool first) {
    const std::weak_ptr<Station> weak = weak_from_this();
    // The handler sees the call as it was asked; payloads do not matter to what answers mean.
    OutgoingCall asked;
    asked.action = call.action;
    call.handler = [weak, asked = std::move(asked), hook = std::move(hook),
                    script = m_script->name](const CallAnswer& answer) {
        const auto self = weak.lock();
        if (self == nullptr) {
            return;
        }
        const AnswerMeaning meaning = self->m_dialect->understand(asked, answer);
        self->m_report.answered(script, asked.action, meaning.word, answer.took);
        if (hook) {
            hook(meaning);
        }
        self->wake();
    };
    first ? m_line->call_first(std::move(call)) : m_line->call(std::move(call));
}

asio::awaitable<Station::Meaning> Station::ask(Self self, OutgoingCall call, AnswerHook hook) {
    const auto got = std::make_shared<Meaning>();
    const std::string action = call.action;
    self->enqueue(std::move(call), [got, hook = std::move(hook)](const AnswerMeaning& meaning) {
        if (hook) {
            hook(meaning);
        }
        *got = meaning;
    });
    std::function<bool()> answered = [got] { return got->has_value(); };
    if (!co_await until(self, std::move(answered), self->m_setup.give_up)) {
        self->m_report.failed(self->m_setup.id, "no answer to " + action);
    }
    co_return *got;
}

void Station::announce(bool after_power_loss, AnswerHook hook) {
    const std::uint32_t first = m_setup.version == OcppVersion::v16 ? 0 : 1;
    // Each goes before what waits, so the last one first.
    for (std::uint32_t connector = m_setup.connectors + 1; connector-- > first;) {
        enqueue(m_dialect->status(connector, ConnectorState::available, shown_time()), {}, true);
    }
    AnswerHook booted = [this, hook = std::move(hook)](const AnswerMeaning& meaning) {
        m_heartbeat_interval =
            std::max(heartbeat_min, std::chrono::seconds{meaning.heartbeat_s.value_or(60)});
        arm_heartbeat();
        if (hook) {
            hook(meaning);
        }
    };
    enqueue(m_dialect->boot(after_power_loss), std::move(booted), true);
}

void Station::arm_heartbeat() {
    m_heartbeat.expires_after(m_heartbeat_interval);
    m_heartbeat.async_wait([weak = weak_from_this()](node::ErrorCode error) {
        const auto self = weak.lock();
        if (error || self == nullptr) {
            return;
        }
        if (self->m_line->is_open() && self->m_line->waiting().empty() && !self->m_silent) {
            self->enqueue(self->m_dialect->heartbeat(), {});
        }
        self->arm_heartbeat();
    });
}

void Station::say_state(ConnectorState state) {
    if (!m_offline) {
        enqueue(m_dialect->status(m_setup.connector, state, shown_time()), {});
    }
}

void Station::say_whole_state(ConnectorState state) {
    const std::uint32_t first = m_setup.version == OcppVersion::v16 ? 0 : 1;
    for (std::uint32_t connector = first; connector <= m_setup.connectors; ++connector) {
        enqueue(m_dialect->status(connector, state, shown_time()), {});
    }
}

// ---- what the central system wants

void Station::commanded(const IncomingCall& call) {
    m_report.commanded(call.action);
    if (m_silent) {
        return;
    }
    const bool accepted = carry_out(call, m_dialect->understand(call));
    if (m_obey.delay_ms == 0) {
        reply(call, accepted);
        return;
    }
    auto timer = std::make_shared<asio::steady_timer>(m_io);
    timer->expires_after(std::chrono::milliseconds{m_obey.delay_ms});
    timer->async_wait([timer, call, accepted, weak = weak_from_this()](node::ErrorCode error) {
        const auto self = weak.lock();
        if (!error && self != nullptr) {
            self->reply(call, accepted);
        }
    });
}

void Station::reply(const IncomingCall& call, bool accepted) {
    const auto payload = m_dialect->reply(call, accepted);
    payload ? m_line->answer(call.id, *payload) : m_line->refuse(call.id, "NotImplemented");
}

bool Station::carry_out(const IncomingCall& /*call*/, const CentralCommand& command) {
    switch (command.kind) {
        case CommandKind::remote_stop:
            return ask_to_stop(command);
        case CommandKind::reset:
            if (m_charge && m_obey.reset) {
                m_charge->asked = StopReason::reset;
            }
            wake();
            return true;
        case CommandKind::unlock:
            if (m_charge && m_obey.unlock) {
                m_charge->asked = StopReason::unlock;
            }
            wake();
            return true;
        case CommandKind::trigger:
            return trigger(command);
        case CommandKind::cost:
            return true;
        case CommandKind::remote_start:
        case CommandKind::setting:
        case CommandKind::other:
            return false;
    }
    return false;
}

bool Station::ask_to_stop(const CentralCommand& command) {
    if (!m_charge) {
        return false;
    }
    const ChargeFacts& facts = *m_charge->facts;
    const std::string known = m_setup.version == OcppVersion::v16
                                  ? (facts.number ? std::to_string(*facts.number) : std::string{})
                                  : facts.id;
    if (known != command.transaction) {
        return false;
    }
    if (m_obey.remote_stop) {
        m_charge->asked = StopReason::remote;
        wake();
    }
    return true;
}

bool Station::trigger(const CentralCommand& command) {
    if (command.what == "StatusNotification") {
        say_state(m_charge ? ConnectorState::charging : ConnectorState::available);
        return true;
    }
    if (command.what == "Heartbeat") {
        enqueue(m_dialect->heartbeat(), {});
        return true;
    }
    if (command.what == "BootNotification") {
        enqueue(m_dialect->boot(false), {});
        return true;
    }
    return false;
}

// ---- power

asio::awaitable<bool> Station::power_up(Self self, SharedScript script) {
    self->m_script = std::move(script);
    const auto booted = std::make_shared<Meaning>();
    self->announce(false, [booted](const AnswerMeaning& meaning) { *booted = meaning; });
    self->m_line->go_online();
    std::function<bool()> answered = [booted] { return booted->has_value(); };
    if (!co_await until(self, std::move(answered), self->m_setup.give_up)) {
        self->m_report.failed(self->m_setup.id, "no answer to BootNotification");
        co_return false;
    }
    co_return true;
}

asio::awaitable<void> Station::play(Self self, SharedScript script) {
    self->m_script = script;
    self->m_obey = Step{};
    self->m_number_forgotten = false;
    self->m_last.clear();
    self->m_lost.clear();
    self->m_clock.set_right();
    for (const Step& next : script->steps) {
        const bool goes_on = co_await step(self, next);
        if (!goes_on) {
            break;
        }
    }
    self->forget_charge();
    if (self->m_offline) {
        self->m_offline = false;
        self->m_line->go_online();
    }
    Self station = self;
    std::function<bool()> all_said = [station] { return station->m_line->waiting().empty(); };
    if (!co_await until(self, std::move(all_said), self->m_setup.give_up)) {
        self->m_report.failed(self->m_setup.id, "messages that are not answered");
    }
}

void Station::leave() {
    m_leaving = true;
    wake();
}

void Station::power_down() {
    m_heartbeat.cancel();
    m_line->go_offline();
}

}  // namespace tally::tools
