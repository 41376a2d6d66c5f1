// The steps of a script.

#include "tools/charger/station.h"

#include <algorithm>
#include <utility>

namespace tally::tools {

namespace asio = boost::asio;

namespace {

/// Faster charges than this many samples a second would only load the machine.
constexpr std::chrono::milliseconds sample_pause_min{100};
constexpr std::chrono::milliseconds power_loss_min{200};

std::string with_station(std::string text, const std::string& station) {
    const std::string mark{"{station}"};
    for (std::size_t place = text.find(mark); place != std::string::npos;
         place = text.find(mark, place + station.size())) {
        text.replace(place, mark.size(), station);
    }
    return text;
}

/// Before a driver whose card was refused tries again.
Step retry_pause() {
    Step pause;
    pause.seconds = 10;
    pause.random = true;
    return pause;
}

void remember_times(ChargeStory& story, const MeterReading& end, std::int64_t end_wh) {
    story.end = end.time;
    story.end_wh = end_wh;
}

}  // namespace

std::string Station::card(std::uint32_t number) const {
    if (number <= m_setup.cards.size()) {
        return m_setup.cards[number - 1];
    }
    return "ZZZ-NOBODY" + std::to_string(number);
}

Station::Play Station::step(Self self, Step step) {
    switch (step.kind) {
        case StepKind::swipe:
            co_return co_await swipe(self, step);
        case StepKind::start:
            co_return co_await start(self, step);
        case StepKind::charge:
            co_return co_await charge(self, step);
        case StepKind::stop:
            co_return co_await stop(self, step);
        case StepKind::repeat:
            co_return co_await repeat(self, step);
        case StepKind::online:
            co_return co_await online(self, step);
        case StepKind::reconnect:
            co_return co_await reconnect(self, step);
        case StepKind::reboot:
            co_return co_await reboot(self, step);
        case StepKind::silence:
        case StepKind::wait:
            co_return co_await rest(self, step);
        case StepKind::together:
            co_return co_await meet(self);
        case StepKind::lose:
        case StepKind::offline:
        case StepKind::clock:
        case StepKind::meter:
        case StepKind::number:
        case StepKind::obey:
        case StepKind::say:
        case StepKind::status:
            co_return self->change(step);
    }
    co_return false;
}

/// Steps that take no time.
bool Station::change(const Step& step) {
    switch (step.kind) {
        case StepKind::lose:
            m_lost.insert(step.message);
            break;
        case StepKind::offline:
            m_offline = true;
            m_line->go_offline();
            break;
        case StepKind::clock:
            set_clock(step);
            break;
        case StepKind::meter:
            m_meter.set(step.wh);
            break;
        case StepKind::number:
            m_number_forgotten = step.forgotten;
            if (m_charge) {
                m_charge->facts->number_forgotten = step.forgotten;
            }
            break;
        case StepKind::obey:
            m_obey = step;
            break;
        case StepKind::say:
            for (std::uint32_t time = 0; time < step.times; ++time) {
                m_line->say(with_station(step.text, m_setup.id), step.binary);
            }
            break;
        case StepKind::status:
            step.whole ? say_whole_state(step.state) : say_state(step.state);
            break;
        case StepKind::swipe:
        case StepKind::start:
        case StepKind::charge:
        case StepKind::stop:
        case StepKind::repeat:
        case StepKind::online:
        case StepKind::reconnect:
        case StepKind::reboot:
        case StepKind::silence:
        case StepKind::wait:
        case StepKind::together:
            break;
    }
    return true;
}

void Station::set_clock(const Step& step) {
    switch (step.fault) {
        case ClockFault::right:
            m_clock.set_right();
            break;
        case ClockFault::since_1970:
            m_clock.set_1970(since_start());
            break;
        case ClockFault::ahead:
            m_clock.set_ahead(std::chrono::seconds{step.amount});
            break;
        case ClockFault::drift:
            m_clock.set_drift(step.amount, since_start());
            break;
    }
}

Station::Play Station::swipe(Self self, Step step) {
    if (self->m_offline) {
        co_return true;  // Accepted without asking, as a charger may be told to.
    }
    if (!self->m_charge && !step.goes_on) {
        self->say_state(ConnectorState::preparing);
    }
    Meaning meaning;
    for (std::uint32_t time = 0; time < step.times && !self->m_leaving; ++time) {
        const Step pause = retry_pause();
        if (time > 0) {
            co_await rest(self, pause);
        }
        if (!step.prepaid.empty()) {
            OutgoingCall stated = self->m_dialect->prepaid(step.prepaid);
            const Meaning heard = co_await ask(self, std::move(stated), {});
            if (!heard) {
                co_return false;
            }
        }
        OutgoingCall asked = self->m_dialect->authorize(self->card(step.card));
        meaning = co_await ask(self, std::move(asked), {});
        if (meaning && meaning->accepted) {
            co_return true;
        }
    }
    if (!self->m_charge && !step.goes_on) {
        self->say_state(ConnectorState::available);
    }
    co_return step.goes_on&& meaning.has_value();
}

MeterReading Station::reading(ReadingContext context, char reason) {
    MeterReading made;
    made.time = shown_time();
    made.register_wh = m_meter.register_wh();
    made.context = context;
    if (m_setup.seal != nullptr && context != ReadingContext::periodic) {
        SealedReading sealed;
        sealed.reason = reason;
        sealed.time = made.time;
        sealed.register_wh = made.register_wh;
        sealed.meter_serial = m_setup.meter_serial;
        sealed.token = m_charge->facts->token;
        sealed.page = ++m_page;
        made.sealed = m_setup.seal->record(sealed);
    }
    return made;
}

Station::Play Station::start(Self self, Step step) {
    self->forget_charge();
    auto facts = std::make_shared<ChargeFacts>();
    facts->connector = self->m_setup.connector;
    facts->token = self->card(step.card);
    facts->number_forgotten = self->m_number_forgotten;
    const UnixMillis begin = self->m_clock.true_time(self->since_start());
    facts->id = "T" + std::to_string(begin) + "-" + std::to_string(self->m_setup.seed % 100'000) +
                "-" + std::to_string(++self->m_charges);
    self->m_drawn_until = begin;
    auto story = std::make_shared<ChargeStory>();
    OpenCharge opened;
    opened.facts = facts;
    opened.story = story;
    opened.begin_register = self->m_meter.register_wh();
    self->m_charge = std::move(opened);
    facts->first = self->reading(ReadingContext::begin, 'B');
    if (step.meter_start >= 0) {
        facts->first.register_wh = step.meter_start;
    }
    story->script = self->m_script->name;
    story->station = self->m_setup.id;
    story->connector = facts->connector;
    story->token = facts->token;
    story->begin = facts->first.time;
    story->begin_wh = self->m_meter.register_wh();
    story->began = self->m_offline ? "offline" : "lost";
    story->transaction = self->m_setup.version == OcppVersion::v16 ? std::string{} : facts->id;
    remember_times(*story, facts->first, story->begin_wh);
    const bool numbered = self->m_setup.version == OcppVersion::v16;
    AnswerHook heard = [facts, story, numbered](const AnswerMeaning& meaning) {
        story->began = meaning.word;
        if (numbered && meaning.transaction) {
            facts->number = meaning.transaction;
            story->transaction = std::to_string(*meaning.transaction);
        }
    };
    OutgoingCall call = self->m_dialect->start(facts, self->m_offline);
    const Meaning meaning =
        co_await tell(self, ChargeMessage::start, std::move(call), std::move(heard));
    if (!meaning || meaning->accepted) {
        self->say_state(ConnectorState::charging);
        co_return true;
    }
    // Told that the token is not accepted: what began ends at once.
    Step ends;
    ends.kind = StepKind::stop;
    ends.reason = StopReason::refused;
    co_await stop(self, ends);
    co_return false;
}

asio::awaitable<Station::Meaning> Station::tell(Self self, ChargeMessage kind, OutgoingCall call,
                                                AnswerHook hook) {
    self->m_last[kind] = call;
    if (self->m_lost.erase(kind) > 0) {
        co_return std::nullopt;
    }
    if (self->m_offline) {
        self->enqueue(std::move(call), std::move(hook));
        co_return std::nullopt;
    }
    co_return co_await ask(self, std::move(call), std::move(hook));
}

void Station::draw(std::int64_t limit_wh) {
    const UnixMillis now = m_clock.true_time(since_start());
    const std::int64_t limit = limit_wh > 0 ? limit_wh : INT32_MAX;
    m_meter.draw(std::chrono::milliseconds{now - m_drawn_until}, m_script->curve,
                 m_charge->begin_register, limit);
    m_drawn_until = now;
}

Station::Play Station::charge(Self self, Step step) {
    if (!self->m_charge) {
        co_return false;
    }
    const UnixMillis begin = self->m_clock.true_time(self->since_start());
    const auto pause =
        std::max(sample_pause_min, self->m_clock.real(self->m_setup.sample_interval));
    for (bool enough = false; !enough;) {
        std::function<bool()> told = [self] { return self->m_charge->asked || self->m_leaving; };
        const bool ends = co_await until(self, std::move(told), pause);
        self->draw(step.wh);
        const std::int64_t drawn = self->m_meter.register_wh() - self->m_charge->begin_register;
        const UnixMillis lasted = self->m_clock.true_time(self->since_start()) - begin;
        enough = ends || (step.wh > 0 && drawn >= step.wh) ||
                 (step.seconds > 0 && lasted >= step.seconds * 1'000);
        MeterReading sampled = self->reading(ReadingContext::periodic, 'C');
        sampled.power_w = self->m_script->curve.power_at(drawn);
        remember_times(*self->m_charge->story, sampled, self->m_meter.register_wh());
        OutgoingCall call =
            self->m_dialect->sample(self->m_charge->facts, sampled, self->m_offline);
        co_await tell(self, ChargeMessage::sample, std::move(call), {});
    }
    co_return true;
}

Station::Play Station::stop(Self self, Step step) {
    if (!self->m_charge) {
        co_return true;
    }
    OpenCharge& open = *self->m_charge;
    const StopReason reason = open.asked.value_or(step.reason);
    const MeterReading last = self->reading(ReadingContext::end, 'E');
    const std::shared_ptr<ChargeStory> story = open.story;
    remember_times(*story, last, self->m_meter.register_wh());
    story->stopped_remotely = open.asked.has_value();
    AnswerHook heard = [story](const AnswerMeaning& meaning) { story->ended = meaning.accepted; };
    OutgoingCall call = self->m_dialect->stop(open.facts, last, reason, self->m_offline);
    co_await tell(self, ChargeMessage::stop, std::move(call), std::move(heard));
    self->forget_charge();
    self->say_state(ConnectorState::finishing);
    self->say_state(ConnectorState::available);
    if (reason == StopReason::reset && !self->m_offline) {
        self->m_line->reconnect();
        self->announce(true, {});
    }
    co_return true;
}

void Station::forget_charge() {
    if (m_charge) {
        // The report has it by reference until the fleet ends: late answers still change it.
        m_report.add(m_charge->story);
        m_charge.reset();
    }
}

Station::Play Station::repeat(Self self, Step step) {
    const auto last = self->m_last.find(step.message);
    if (last == self->m_last.end()) {
        co_return true;
    }
    for (std::uint32_t time = 0; time < step.times; ++time) {
        OutgoingCall again = last->second;
        if (self->m_offline) {
            self->enqueue(std::move(again), {});
            continue;
        }
        const Meaning meaning = co_await ask(self, std::move(again), {});
        if (!meaning) {
            co_return false;
        }
    }
    co_return true;
}

Station::Play Station::online(Self self, Step step) {
    std::deque<OutgoingCall>& waiting = self->m_line->waiting();
    std::vector<OutgoingCall> calls;
    for (const OutgoingCall& call : waiting) {
        calls.insert(calls.end(), step.times, call);
    }
    switch (step.order) {
        case QueueOrder::kept:
            break;
        case QueueOrder::reversed:
            std::reverse(calls.begin(), calls.end());
            break;
        case QueueOrder::shuffled:
            std::shuffle(calls.begin(), calls.end(), self->m_random);
            break;
    }
    waiting.assign(std::make_move_iterator(calls.begin()), std::make_move_iterator(calls.end()));
    self->m_offline = false;
    self->m_line->go_online();
    std::function<bool()> said = [self] { return self->m_line->waiting().empty(); };
    if (!co_await until(self, std::move(said), self->m_setup.give_up)) {
        self->m_report.failed(self->m_setup.id, "what waited is not answered");
        co_return false;
    }
    co_return true;
}

Station::Play Station::reconnect(Self self, Step step) {
    for (std::uint32_t time = 0; time < step.times; ++time) {
        self->m_line->reconnect();
        std::function<bool()> back = [self] { return self->m_line->is_open(); };
        if (!co_await until(self, std::move(back), self->m_setup.give_up)) {
            self->m_report.failed(self->m_setup.id, "does not get back in");
            co_return false;
        }
    }
    co_return true;
}

Station::Play Station::reboot(Self self, Step step) {
    self->m_line->go_offline();
    // What belongs to transactions is kept without power, the rest is gone.
    std::deque<OutgoingCall>& waiting = self->m_line->waiting();
    waiting.erase(std::remove_if(waiting.begin(), waiting.end(),
                                 [](const OutgoingCall& call) { return !call.of_transaction; }),
                  waiting.end());
    if (step.after == AfterReboot::forgets) {
        self->forget_charge();
    }
    std::function<bool()> told = [self] { return self->m_leaving; };
    std::chrono::milliseconds dark = std::chrono::seconds{step.seconds};
    dark = std::max(dark, power_loss_min);
    co_await until(self, std::move(told), dark);
    if (self->m_charge) {
        self->m_drawn_until = self->m_clock.true_time(self->since_start());
    }
    self->announce(true, {});
    self->m_line->go_online();
    if (step.after == AfterReboot::stops) {
        Step ends;
        ends.kind = StepKind::stop;
        ends.reason = StopReason::power_loss;
        co_return co_await stop(self, ends);
    }
    co_return true;
}

Station::Play Station::rest(Self self, Step step) {
    const bool silent = step.kind == StepKind::silence;
    std::chrono::milliseconds simulated = std::chrono::seconds{step.seconds};
    if (step.random) {
        simulated = std::chrono::milliseconds{static_cast<std::int64_t>(
            self->m_random() % static_cast<std::uint64_t>(simulated.count() + 1))};
    }
    self->m_silent = silent;
    std::function<bool()> told = [self] { return self->m_leaving; };
    co_await until(self, std::move(told), silent ? simulated : self->m_clock.real(simulated));
    self->m_silent = false;
    co_return true;
}

Station::Play Station::meet(Self self) {
    const std::uint64_t before = self->m_place.meetings();
    self->m_place.arrive([self] { self->wake(); });
    std::function<bool()> met = [self, before] {
        return self->m_place.meetings() > before || self->m_leaving;
    };
    // Charges of others may last as long as a script allows.
    const std::chrono::milliseconds patience = std::chrono::seconds{step_seconds_max};
    co_await until(self, std::move(met), patience);
    co_return true;
}

}  // namespace tally::tools
