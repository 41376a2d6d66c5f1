#include "charger_bridge/admission.h"

#include "node/runtime/logging.h"

#include <utility>

namespace tally::bridge {

namespace {

GateConfig gate_config(const BridgeConfig& config) {
    GateConfig gate;
    gate.organization = config.organization;
    for (const ChargerConfig& charger : config.chargers) {
        gate.stations[charger.station.id] = {charger.profile_min, charger.password, charger.serial};
    }
    gate.rules = config.admit;
    gate.stations_max = chargers_max;
    return gate;
}

}  // namespace

Admission::Admission(AdmissionParts parts, const BridgeConfig& config)
    : m_parts{std::move(parts)}, m_gate{gate_config(config), m_parts.random} {
    if (m_gate.has_slow_secrets()) {
        m_pool = std::make_unique<node::VerifyPool>(m_parts.io, 1, slow_hashes_max);
    }
}

Expected<std::vector<StationConfig>, std::string> Admission::load() {
    const auto admitted = m_gate.load(m_parts.store);
    if (!admitted) {
        return Unexpected{admitted.error()};
    }
    if (const auto holds = m_holds.load(m_parts.store); !holds) {
        return Unexpected{holds.error()};
    }
    std::vector<StationConfig> result;
    for (const AdmittedStation& station : *admitted) {
        result.push_back({station.id, station.connectors});
    }
    return result;
}

bool Admission::store(const WriteBatch& changes) {
    if (changes.operations.empty()) {
        return true;
    }
    const bool done = m_parts.store.write(changes, true).has_value();
    if (!done) {
        m_parts.storage_failed();
    }
    return done;
}

void Admission::authenticate(const Knock& knock, const std::function<void(bool)>& decide) {
    Judgement judgement = m_gate.judge(knock, m_parts.now());
    if (judgement.verdict != Verdict::slow) {
        conclude(knock, judgement, decide);
        return;
    }
    const std::function<Hash()> work = [password = judgement.password, salt = judgement.salt] {
        return slow_hash(password, salt);
    };
    const std::function<void(Hash)> done = [this, knock, decide](const Hash& hash) {
        conclude(knock, m_gate.settle(knock, hash, m_parts.now()), decide);
    };
    if (!m_pool->submit_for<Hash>(work, done)) {
        decide(false);
    }
}

void Admission::conclude(const Knock& knock, const Judgement& judgement,
                         const std::function<void(bool)>& decide) {
    const bool is_accepted = judgement.verdict == Verdict::accepted;
    m_parts.metrics
        .counter("tally_bridge_authentications_total", "Knocks of chargers by what came of them",
                 {{"verdict", to_text(judgement.verdict)}})
        .add();
    if (!is_accepted) {
        node::log_warn("ocpp", "not_let_in",
                       {{"station", knock.station}, {"why", to_text(judgement.verdict)}});
    }
    WriteBatch changes = judgement.changes;
    if (judgement.admitted && judgement.admitted->is_held) {
        BootHold hold;
        hold.by = "admit";
        hold.why = judgement.admitted->pattern;
        hold.since = m_parts.time();
        m_holds.set(judgement.admitted->id, std::move(hold), changes);
    }
    if (!store(changes)) {
        decide(false);
        return;
    }
    if (judgement.admitted) {
        node::log_info("ocpp", "admitted_by_rule",
                       {{"station", knock.station}, {"pattern", judgement.admitted->pattern}});
        m_parts.admitted({judgement.admitted->id, judgement.admitted->connectors});
    }
    decide(is_accepted);
}

Expected<NewKey, NoKey> Admission::make_key(const std::string& station) {
    WriteBatch changes;
    auto key = m_gate.make_key(station, changes);
    static_cast<void>(store(changes));
    return key;
}

void Admission::drop_key(const std::string& station, const Hash& key) {
    WriteBatch changes;
    m_gate.drop_key(station, key, changes);
    static_cast<void>(store(changes));
}

void Admission::set_hold(const std::string& station, BootHold hold) {
    WriteBatch changes;
    m_holds.set(station, std::move(hold), changes);
    static_cast<void>(store(changes));
}

void Admission::tell_hold(const std::string& station) {
    WriteBatch changes;
    m_holds.tell(station, changes);
    static_cast<void>(store(changes));
}

bool Admission::lift_hold(const std::string& station) {
    WriteBatch changes;
    const bool was_held = m_holds.lift(station, changes);
    return store(changes) && was_held;
}

bool Admission::forget(const std::string& station) {
    WriteBatch changes;
    m_gate.forget(station, changes);
    static_cast<void>(m_holds.lift(station, changes));
    return store(changes);
}

bool Admission::reset_keys(const std::string& station) {
    WriteBatch changes;
    const bool had_keys = m_gate.reset_keys(station, changes);
    return store(changes) && had_keys;
}

}  // namespace tally::bridge
