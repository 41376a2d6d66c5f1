#pragma once

// Who may come in: passwords, keys, certificates, rules. Pure: time and randomness come from
// outside.

#include "charger_bridge/server/id_pattern.h"
#include "charger_bridge/server/key_ring.h"
#include "charger_bridge/server/knock.h"
#include "charger_bridge/server/lockout.h"
#include "charger_bridge/server/password_hash.h"
#include "ledger/base/expected.h"
#include "ledger/base/key_value_store.h"
#include "ledger/base/random.h"

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace tally::bridge {

/// OCPP security profiles: basic authentication, the same under TLS, certificate of the client.
inline constexpr std::uint8_t profile_basic{1};
inline constexpr std::uint8_t profile_tls{2};
inline constexpr std::uint8_t profile_mutual{3};

/// None (certificates only), the password itself, or its slow hash.
using Secret = std::variant<std::monostate, Bytes, PasswordHash>;

/// How one station gets in.
struct StationAccess {
    std::uint8_t profile_min{profile_basic};
    Secret secret;
    std::string serial;  ///< may stand as CN in its certificate instead of the id; empty: may not
};

/// Chargers that are let in without being listed.
struct AdmitRule {
    IdPattern pattern;
    std::uint16_t connectors{1};
    std::uint32_t count_max{0};  ///< of chargers that this rule admits, over all time
    StationAccess access;        ///< the serial is not used
    bool is_held{false};         ///< it waits until an operator accepts it
};

/// A charger that a rule has let in once; it stays known, also without the rule.
struct AdmittedStation {
    std::string id;
    std::uint16_t connectors{1};
    std::uint8_t profile_min{profile_basic};
    std::string pattern;
    bool is_held{false};  ///< by the rule, when it was let in
};

struct GateConfig {
    std::string organization;  ///< O of the certificates of chargers
    std::map<std::string, StationAccess> stations;
    std::vector<AdmitRule> rules;  ///< the first that fits counts
    std::size_t stations_max{0};   ///< listed and admitted together
};

/// What comes of a knock.
enum class Verdict : std::uint8_t {
    accepted,
    wrong_password,     ///< of a known station or not
    wrong_certificate,  ///< names somebody else
    profile_too_low,    ///< rightly proved, but not in the way this station must
    full,               ///< a rule fits, but has let in as many as it may
    locked,             ///< guessed too often
    slow,               ///< `slow_hash` of `Judgement::password` and `salt` decides, see `settle`
};
[[nodiscard]] const char* to_text(Verdict verdict);

struct Judgement {
    Verdict verdict{Verdict::wrong_password};
    /// To be stored, synced, before the station is let in.
    WriteBatch changes;
    /// Let in by a rule for the first time.
    std::optional<AdmittedStation> admitted;
    Bytes password;
    Salt salt;
};

/// A new key, in the clear once, to be sent and forgotten.
struct NewKey {
    std::string hex;  ///< 40 digits
    Hash hash;        ///< by which `drop_key` knows it
};
enum class NoKey : std::uint8_t {
    unknown_station,
    no_password,  ///< the station comes with a certificate
    unused_keys,  ///< `keys_made_max` have been made and none used: let the charger connect first
};

[[nodiscard]] const char* to_text(NoKey reason);

/// Decides who comes in.
///
/// A knock that is not locked out costs the same hashing whether the id is known or not and
/// whatever is wrong with it: two HMACs, and one slow hash where any password is configured as one
/// and the knock is not proven by something cheaper. A slow password that was right once is kept as
/// HMAC under a key made at start, so that chargers that come back cost no more than the others.
/// `judge`, `settle` and the key calls change what is in memory at once; the caller stores the
/// changes before it acts on them, and stops the process when it cannot.
class Gate {
public:
    Gate(GateConfig config, Random& random);

    /// Restores key rings and admitted stations, the latter in order of their ids.
    [[nodiscard]] Expected<std::vector<AdmittedStation>, std::string> load(
        const KeyValueStore& store);
    static constexpr std::uint8_t key_ring_prefix{'K'};
    static constexpr std::uint8_t admitted_prefix{'A'};

    [[nodiscard]] Judgement judge(const Knock& knock, std::chrono::milliseconds now);
    /// The second half after `slow`: `hash` is what `slow_hash` gave.
    [[nodiscard]] Judgement settle(const Knock& knock, const Hash& hash,
                                   std::chrono::milliseconds now);

    /// Makes a key that is valid as soon as `changes` are stored.
    [[nodiscard]] Expected<NewKey, NoKey> make_key(const std::string& station, WriteBatch& changes);
    /// The charger has said that it did not take the key.
    void drop_key(const std::string& station, const Hash& key, WriteBatch& changes);
    /// Forgets all made keys: the configured password alone is valid again.
    [[nodiscard]] bool reset_keys(const std::string& station, WriteBatch& changes);

    [[nodiscard]] bool knows(const std::string& station) const;
    /// Known by a rule alone.
    [[nodiscard]] bool is_admitted(const std::string& station) const {
        return m_admitted.contains(station);
    }
    /// Forgets an admitted station and its keys; the rule may let it in again.
    void forget(const std::string& station, WriteBatch& changes);
    [[nodiscard]] bool has_slow_secrets() const { return m_has_slow; }
    struct Work {
        std::uint64_t hashes{0};
        std::uint64_t slow{0};
        friend bool operator==(const Work&, const Work&) = default;
    };
    [[nodiscard]] const Work& work() const { return m_work; }

private:
    /// What is known about the station of a knock; a stranger's is made of things that equal
    /// nothing.
    struct Entrance {
        bool is_known{false};
        std::uint8_t profile_min{profile_basic};
        std::string serial;
        const Secret* secret{nullptr};
        const AdmitRule* rule{nullptr};  ///< would let it in, if it is not known
        KeyRing* ring{nullptr};
        Hash quick;  ///< of the configured password, where that is known
    };
    [[nodiscard]] Entrance entrance_of(const std::string& station);
    [[nodiscard]] Entrance entrance_of_stranger(const std::string& station);
    [[nodiscard]] const Secret* secret_of(const std::string& station) const;
    [[nodiscard]] const AdmitRule* rule_named(const std::string& pattern) const;
    [[nodiscard]] std::size_t admitted_by(const std::string& pattern) const;
    [[nodiscard]] Hash quick_hash(ByteView password);
    [[nodiscard]] Hash quick_of(const Secret& secret);
    [[nodiscard]] bool is_named(const Knock& knock, const Entrance& entrance) const;
    [[nodiscard]] Judgement conclude(const Knock& knock, const Entrance& entrance,
                                     std::uint8_t profile, std::chrono::milliseconds now);
    [[nodiscard]] Judgement refuse(const Knock& knock, Verdict verdict,
                                   std::chrono::milliseconds now);
    void refresh(const std::string& station, KeyRing& ring) const;

    GateConfig m_config;
    Random& m_random;
    Hash m_key;     ///< of quick hashes, made at start
    Hash m_nobody;  ///< compared with where there is nothing; equals no hash
    Salt m_nobody_salt;
    bool m_has_slow{false};
    std::map<std::string, Hash> m_quick;        ///< of plain configured passwords, by station
    std::map<std::string, Hash> m_quick_rules;  ///< the same by pattern of a rule
    std::map<std::string, KeyRing> m_rings;
    std::map<std::string, AdmittedStation> m_admitted;
    std::map<std::string, Hash> m_proven;  ///< quick hashes of slow passwords, by station
    Lockout m_lockout;
    Work m_work;
};

}  // namespace tally::bridge
