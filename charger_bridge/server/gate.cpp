#include "charger_bridge/server/gate.h"

#include "charger_bridge/ocpp/credentials.h"
#include "ledger/base/codec.h"
#include "ledger/crypto/sha256.h"
#include "ledger/model/ids.h"

#include <algorithm>
#include <utility>

namespace tally::bridge {

namespace {

constexpr std::size_t scan_step{256};
constexpr std::size_t made_key_bytes{20};  ///< OCPP 1.6: an AuthorizationKey has 16 to 20
struct MadeKeyTag;
using MadeKey = FixedBytes<made_key_bytes, MadeKeyTag>;

Bytes prefixed(std::uint8_t prefix, const std::string& station) {
    return std::move(Encoder{}.u8(prefix).raw(as_bytes(station))).take();
}

Bytes encode_admitted(const AdmittedStation& station) {
    Encoder encoder;
    encoder.u16(station.connectors).u8(station.profile_min).text(station.pattern);
    return std::move(encoder).take();
}

std::optional<AdmittedStation> decode_admitted(const std::string& id, ByteView bytes) {
    Decoder decoder{bytes};
    AdmittedStation station{id, decoder.u16(), decoder.u8(), decoder.text(id_pattern_bytes_max),
                            false};
    const bool fits = !id.empty() && id.size() <= station_id_bytes_max && station.connectors >= 1 &&
                      station.profile_min >= profile_basic && station.profile_min <= profile_mutual;
    return decoder.finished() && fits ? std::optional{std::move(station)} : std::nullopt;
}

/// All entries under a prefix, by the rest of their key.
Expected<std::map<std::string, Bytes>, std::string> read_all(const KeyValueStore& store,
                                                             std::uint8_t prefix_byte) {
    std::map<std::string, Bytes> result;
    const Bytes prefix{prefix_byte};
    Bytes from = prefix;
    for (;;) {
        const auto entries = store.scan(prefix, from, scan_step);
        if (!entries) {
            return Unexpected{std::string{"the store cannot be read"}};
        }
        for (const KeyValueStore::Entry& entry : *entries) {
            result[std::string{as_text(ByteView{entry.key}.subspan(1))}] = entry.value;
        }
        if (entries->size() < scan_step) {
            return result;
        }
        from = entries->back().key;
        from.push_back(0);
    }
}

bool is_none(const Secret& secret) { return std::holds_alternative<std::monostate>(secret); }

/// What a key ring remembers a configured password by.
Bytes bytes_of(const Secret& secret) {
    if (const Bytes* const plain = std::get_if<Bytes>(&secret)) {
        return plain_password(*plain);
    }
    const auto* const slow = std::get_if<PasswordHash>(&secret);
    const std::string text = slow != nullptr ? to_text(*slow) : std::string{};
    return {text.begin(), text.end()};
}

/// The place of a hash among made keys. Looks at `keys_made_max` of them, however many there are.
std::optional<std::size_t> place_of(const Hash& hash, const KeyRing* ring, const Hash& nobody) {
    std::optional<std::size_t> place;
    for (std::size_t i = 0; i < keys_made_max; ++i) {
        const bool there = ring != nullptr && i < ring->made.size();
        if (equal_in_constant_time(hash, there ? ring->made[i] : nobody)) {
            place = i;
        }
    }
    return place;
}

void store_ring(const std::string& station, const KeyRing& ring, WriteBatch& changes) {
    changes.put(prefixed(Gate::key_ring_prefix, station), encode_key_ring(ring));
}

struct Shown {
    bool is_own_name{false};
    Bytes password;
};

/// The name and password of a knock; none at all cost as much as wrong ones.
Shown shown_by(const Knock& knock) {
    const BasicCredentials given =
        credentials_from_header(knock.authorization).value_or(BasicCredentials{});
    return {!knock.station.empty() && given.user == knock.station, plain_password(given.password)};
}

}  // namespace

const char* to_text(Verdict verdict) {
    switch (verdict) {
        case Verdict::accepted:
            return "accepted";
        case Verdict::wrong_password:
            return "wrong_password";
        case Verdict::wrong_certificate:
            return "wrong_certificate";
        case Verdict::profile_too_low:
            return "profile_too_low";
        case Verdict::full:
            return "rule_is_full";
        case Verdict::locked:
            return "locked_out";
        case Verdict::slow:
            break;
    }
    return "undecided";
}

const char* to_text(NoKey reason) {
    switch (reason) {
        case NoKey::unknown_station:
            return "unknown_station";
        case NoKey::no_password:
            return "no_password";
        case NoKey::unused_keys:
            return "unused_keys";
    }
    return "unknown";
}

Gate::Gate(GateConfig config, Random& random)
    : m_config{std::move(config)},
      m_random{random},
      m_key{random.fixed<Hash>()},
      m_nobody{random.fixed<Hash>()},
      m_nobody_salt{random.fixed<Salt>()} {
    for (const auto& [station, access] : m_config.stations) {
        m_quick[station] = quick_of(access.secret);
    }
    for (const AdmitRule& rule : m_config.rules) {
        m_quick_rules[rule.pattern.text()] = quick_of(rule.access.secret);
    }
    m_work = {};
}

Expected<std::vector<AdmittedStation>, std::string> Gate::load(const KeyValueStore& store) {
    const auto admitted = read_all(store, admitted_prefix);
    const auto rings = read_all(store, key_ring_prefix);
    if (!admitted || !rings) {
        return Unexpected{admitted ? rings.error() : admitted.error()};
    }
    std::vector<AdmittedStation> result;
    for (const auto& [id, bytes] : *admitted) {
        const auto station = decode_admitted(id, bytes);
        if (!station) {
            return Unexpected{"the admitted charger " + id + " cannot be read"};
        }
        if (!m_config.stations.contains(id)) {  // Listed by now: the list counts.
            m_admitted[id] = *station;
            result.push_back(*station);
        }
    }
    for (const auto& [id, bytes] : *rings) {
        auto ring = decode_key_ring(bytes);
        if (!ring) {
            return Unexpected{"the keys of charger " + id + " cannot be read"};
        }
        refresh(id, *ring);
        m_rings[id] = std::move(*ring);
    }
    return result;
}

bool Gate::knows(const std::string& station) const {
    return m_config.stations.contains(station) || m_admitted.contains(station);
}

// ---- What is known about a station

const AdmitRule* Gate::rule_named(const std::string& pattern) const {
    const auto found =
        std::find_if(m_config.rules.begin(), m_config.rules.end(),
                     [&](const AdmitRule& rule) { return rule.pattern.text() == pattern; });
    return found != m_config.rules.end() ? &*found : nullptr;
}

std::size_t Gate::admitted_by(const std::string& pattern) const {
    return static_cast<std::size_t>(
        std::count_if(m_admitted.begin(), m_admitted.end(),
                      [&](const auto& entry) { return entry.second.pattern == pattern; }));
}

const Secret* Gate::secret_of(const std::string& station) const {
    if (const auto listed = m_config.stations.find(station); listed != m_config.stations.end()) {
        return &listed->second.secret;
    }
    const auto admitted = m_admitted.find(station);
    const AdmitRule* const rule =
        admitted != m_admitted.end() ? rule_named(admitted->second.pattern) : nullptr;
    return rule != nullptr ? &rule->access.secret : nullptr;
}

Gate::Entrance Gate::entrance_of_stranger(const std::string& station) {
    Entrance entrance;
    entrance.quick = m_nobody;
    const auto rule =
        std::find_if(m_config.rules.begin(), m_config.rules.end(),
                     [&](const AdmitRule& each) { return each.pattern.matches(station); });
    if (rule != m_config.rules.end()) {
        entrance.rule = &*rule;
        entrance.profile_min = rule->access.profile_min;
        entrance.secret = &rule->access.secret;
        entrance.quick = m_quick_rules.at(rule->pattern.text());
    }
    return entrance;
}

Gate::Entrance Gate::entrance_of(const std::string& station) {
    if (!knows(station)) {
        return entrance_of_stranger(station);
    }
    Entrance entrance;
    entrance.is_known = true;
    entrance.quick = m_nobody;
    entrance.secret = secret_of(station);
    if (const auto listed = m_config.stations.find(station); listed != m_config.stations.end()) {
        entrance.profile_min = listed->second.profile_min;
        entrance.serial = listed->second.serial;
        entrance.quick = m_quick.at(station);
    } else {
        const AdmittedStation& admitted = m_admitted.at(station);
        entrance.profile_min = admitted.profile_min;
        if (const auto rule = m_quick_rules.find(admitted.pattern); rule != m_quick_rules.end()) {
            entrance.quick = rule->second;
        }
    }
    if (const auto proven = m_proven.find(station); proven != m_proven.end()) {
        entrance.quick = proven->second;
    }
    if (const auto ring = m_rings.find(station); ring != m_rings.end()) {
        entrance.ring = &ring->second;
        if (!entrance.ring->configured_valid) {
            entrance.quick = m_nobody;
        }
    }
    return entrance;
}

Hash Gate::quick_hash(ByteView password) {
    ++m_work.hashes;
    return hmac_sha256(m_key.view(), password);
}

Hash Gate::quick_of(const Secret& secret) {
    m_has_slow = m_has_slow || std::holds_alternative<PasswordHash>(secret);
    const Bytes* const plain = std::get_if<Bytes>(&secret);
    return plain != nullptr ? quick_hash(plain_password(*plain)) : m_nobody;
}

// ---- Knocks

bool Gate::is_named(const Knock& knock, const Entrance& entrance) const {
    const bool has_place = entrance.is_known || entrance.rule != nullptr;
    const std::string& name = knock.certificate->common_name;
    return has_place && knock.certificate->organization == m_config.organization &&
           !m_config.organization.empty() &&
           (name == knock.station || (!entrance.serial.empty() && name == entrance.serial));
}

Judgement Gate::judge(const Knock& knock, std::chrono::milliseconds now) {
    if (m_lockout.is_locked(knock.station, knock.address, now)) {
        Judgement judgement;
        judgement.verdict = Verdict::locked;
        return judgement;
    }
    const Shown shown = shown_by(knock);
    Entrance entrance = entrance_of(knock.station);
    // Everything is computed and compared before anything is decided.
    const Hash quick = quick_hash(shown.password);
    ++m_work.hashes;
    const Salt& salt = entrance.ring != nullptr ? entrance.ring->salt : m_nobody_salt;
    const Hash salted = hmac_sha256(salt.view(), shown.password);
    const bool is_configured = equal_in_constant_time(quick, entrance.quick);
    const std::optional<std::size_t> made = place_of(salted, entrance.ring, m_nobody);
    if (knock.certificate) {
        return is_named(knock, entrance) ? conclude(knock, entrance, profile_mutual, now)
                                         : refuse(knock, Verdict::wrong_certificate, now);
    }
    if (shown.is_own_name && (is_configured || made)) {
        const std::uint8_t profile = knock.is_encrypted ? profile_tls : profile_basic;
        Judgement judgement = conclude(knock, entrance, profile, now);
        if (judgement.verdict == Verdict::accepted && entrance.ring != nullptr &&
            (made ? entrance.ring->use_made(*made) : entrance.ring->use_configured())) {
            store_ring(knock.station, *entrance.ring, judgement.changes);
        }
        return judgement;
    }
    if (!m_has_slow) {
        return refuse(knock, Verdict::wrong_password, now);
    }
    const auto* const slow =
        entrance.secret != nullptr ? std::get_if<PasswordHash>(entrance.secret) : nullptr;
    Judgement judgement;
    judgement.verdict = Verdict::slow;
    judgement.password = shown.password;
    judgement.salt = slow != nullptr ? slow->salt : m_nobody_salt;
    ++m_work.slow;
    return judgement;
}

Judgement Gate::settle(const Knock& knock, const Hash& hash, std::chrono::milliseconds now) {
    const Shown shown = shown_by(knock);
    const Entrance entrance = entrance_of(knock.station);
    const auto* const slow =
        entrance.secret != nullptr ? std::get_if<PasswordHash>(entrance.secret) : nullptr;
    const bool is_right = equal_in_constant_time(hash, slow != nullptr ? slow->hash : m_nobody);
    const bool is_valid = entrance.ring == nullptr || entrance.ring->configured_valid;
    if (!is_right || !is_valid || !shown.is_own_name) {
        return refuse(knock, Verdict::wrong_password, now);
    }
    const std::uint8_t profile = knock.is_encrypted ? profile_tls : profile_basic;
    Judgement judgement = conclude(knock, entrance, profile, now);
    if (judgement.verdict == Verdict::accepted) {
        m_proven[knock.station] = quick_hash(shown.password);
        if (entrance.ring != nullptr && entrance.ring->use_configured()) {
            store_ring(knock.station, *entrance.ring, judgement.changes);
        }
    }
    return judgement;
}

Judgement Gate::conclude(const Knock& knock, const Entrance& entrance, std::uint8_t profile,
                         std::chrono::milliseconds now) {
    if (profile < entrance.profile_min) {
        return refuse(knock, Verdict::profile_too_low, now);
    }
    Judgement judgement;
    if (!entrance.is_known) {
        const AdmitRule& rule = *entrance.rule;
        if (admitted_by(rule.pattern.text()) >= rule.count_max ||
            m_config.stations.size() + m_admitted.size() >= m_config.stations_max) {
            return refuse(knock, Verdict::full, now);
        }
        judgement.admitted =
            AdmittedStation{knock.station, rule.connectors, rule.access.profile_min,
                            rule.pattern.text(), rule.is_held};
        m_admitted[knock.station] = *judgement.admitted;
        judgement.changes.put(prefixed(admitted_prefix, knock.station),
                              encode_admitted(*judgement.admitted));
    }
    judgement.verdict = Verdict::accepted;
    m_lockout.succeeded(knock.station, knock.address);
    return judgement;
}

Judgement Gate::refuse(const Knock& knock, Verdict verdict, std::chrono::milliseconds now) {
    m_lockout.failed(knock.station, knock.address, now);
    Judgement judgement;
    judgement.verdict = verdict;
    return judgement;
}

// ---- Keys

void Gate::refresh(const std::string& station, KeyRing& ring) const {
    const Secret* const secret = secret_of(station);
    if (secret == nullptr || is_none(*secret)) {
        return;
    }
    const Hash print = ring.hash_of(bytes_of(*secret));
    if (print != ring.configured_print) {
        ring.configured_print = print;
        ring.configured_valid = true;
        ring.configured_newest = true;
    }
}

Expected<NewKey, NoKey> Gate::make_key(const std::string& station, WriteBatch& changes) {
    if (!knows(station)) {
        return Unexpected{NoKey::unknown_station};
    }
    const Secret* const secret = secret_of(station);
    const auto known = m_rings.find(station);
    if (known == m_rings.end() && (secret == nullptr || is_none(*secret))) {
        return Unexpected{NoKey::no_password};
    }
    if (known != m_rings.end() && known->second.made.size() >= keys_made_max) {
        return Unexpected{NoKey::unused_keys};
    }
    KeyRing& ring = m_rings[station];
    if (known == m_rings.end()) {
        ring.salt = m_random.fixed<Salt>();
        ring.configured_print = ring.hash_of(bytes_of(*secret));
    }
    const MadeKey key = m_random.fixed<MadeKey>();
    const NewKey made{to_hex(key), ring.hash_of(key.view())};
    ring.made.push_back(made.hash);
    ring.configured_newest = false;
    store_ring(station, ring, changes);
    return made;
}

void Gate::drop_key(const std::string& station, const Hash& key, WriteBatch& changes) {
    const auto found = m_rings.find(station);
    if (found != m_rings.end()) {
        found->second.drop(key);
        store_ring(station, found->second, changes);
    }
}

void Gate::forget(const std::string& station, WriteBatch& changes) {
    m_admitted.erase(station);
    m_proven.erase(station);
    m_rings.erase(station);
    changes.erase(prefixed(admitted_prefix, station));
    changes.erase(prefixed(key_ring_prefix, station));
}

bool Gate::reset_keys(const std::string& station, WriteBatch& changes) {
    if (m_rings.erase(station) == 0) {
        return false;
    }
    changes.erase(prefixed(key_ring_prefix, station));
    return true;
}

}  // namespace tally::bridge
