// Who comes in: passwords, certificates, rules, guessing, and that a charger whose key is being
// changed is never locked out.

#include "charger_bridge/server/gate.h"

#include "ledger/base/memory_store.h"
#include "ledger/base/system_random.h"
#include "ledger/model/ids.h"

#include <catch2/catch.hpp>

#include <deque>
#include <memory>
#include <random>

namespace tally::bridge {

using namespace std::chrono_literals;

namespace {

/// OCPP-J 1.6, section 6.2: AL1000 and 20 raw bytes.
constexpr const char* vector_header{"Basic QUwxMDAwOgABAgMEBQYH////////////////"};

Bytes vector_password() {
    Bytes password{0, 1, 2, 3, 4, 5, 6, 7};
    password.resize(20, 0xff);
    return password;
}

Bytes bytes_of(std::string_view text) { return {text.begin(), text.end()}; }

std::string base64(ByteView bytes) {
    constexpr std::string_view digits{
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"};
    std::string text;
    unsigned buffer = 0;
    unsigned bits = 0;
    for (const std::uint8_t byte : bytes) {
        buffer = (buffer << 8U | byte) & 0xffffU;
        for (bits += 8; bits >= 6; bits -= 6) {
            text += digits[buffer >> (bits - 6) & 63U];
        }
    }
    if (bits > 0) {
        text += digits[buffer << (6 - bits) & 63U];
    }
    return text;
}

std::string header_of(const std::string& user, ByteView password) {
    Bytes bytes = bytes_of(user + ":");
    bytes.insert(bytes.end(), password.begin(), password.end());
    return "Basic " + base64(bytes);
}

struct Site {
    Site() {
        config.organization = "AAA";
        config.stations_max = 10;
    }
    StationAccess& station(const std::string& id) { return config.stations[id]; }
    AdmitRule& rule(const std::string& pattern, std::uint32_t count_max) {
        config.rules.push_back({*IdPattern::from_text(pattern), 2, count_max, {}});
        return config.rules.back();
    }
    /// Knocks under TLS, with the slow half where it is asked for; stores the changes.
    Verdict knock(const std::string& id, std::string_view password, std::string address = "a") {
        return show({id, header_of(id, as_bytes(password)), std::move(address), true, {}});
    }
    Verdict show(const Knock& knock) {
        if (!gate) {
            gate = std::make_unique<Gate>(config, random);
            REQUIRE(gate->load(store));
        }
        Judgement judgement = gate->judge(knock, now);
        if (judgement.verdict == Verdict::slow) {
            judgement = gate->settle(knock, slow_hash(judgement.password, judgement.salt), now);
        }
        REQUIRE(store.write(judgement.changes, true));
        return judgement.verdict;
    }
    void restart() { gate.reset(); }

    GateConfig config;
    SystemRandom random;
    MemoryStore store;
    std::unique_ptr<Gate> gate;
    std::chrono::milliseconds now{0};
};

Knock with_certificate(const std::string& id, const CertificateNames& names) {
    return {id, "", "a", true, names};
}

}  // namespace

TEST_CASE("only the station's own name and password open its door") {
    Site site;
    site.station("AL1000").secret = vector_password();
    site.station("AL1001").secret = vector_password();
    const auto show = [&](const std::string& id, const std::string& header) {
        return site.show({id, header, "1.2.3.4", false, {}});
    };
    CHECK(show("AL1000", vector_header) == Verdict::accepted);
    CHECK(show("AL1001", vector_header) == Verdict::wrong_password);
    CHECK(show("AL1002", vector_header) == Verdict::wrong_password);
    CHECK(show("", "") == Verdict::wrong_password);
    CHECK(show("", "Basic Og") == Verdict::wrong_password);
    CHECK(show("AL1000", "") == Verdict::wrong_password);
}

TEST_CASE("forty hexadecimal digits and the bytes they spell are the same password") {
    Site site;
    site.station("CP1").secret = vector_password();
    site.station("CP2").secret = bytes_of(to_hex(vector_password()));
    const Bytes digits = bytes_of(to_hex(vector_password()));
    for (const char* const id : {"CP1", "CP2"}) {
        CHECK(site.knock(id, as_text(digits)) == Verdict::accepted);
        CHECK(site.knock(id, as_text(vector_password())) == Verdict::accepted);
        CHECK(site.knock(id, as_text(digits).substr(1)) == Verdict::wrong_password);
    }
}

TEST_CASE("guessing locks the guesser out for longer and longer, not the charger elsewhere") {
    Site site;
    site.station("CP1").secret = bytes_of("right");
    for (unsigned i = 0; i <= Lockout::guesses_free; ++i) {
        CHECK(site.knock("CP1", "wrong", "6.6.6.6") == Verdict::wrong_password);
    }
    CHECK(site.knock("CP1", "right", "6.6.6.6") == Verdict::locked);
    CHECK(site.knock("CP1", "right", "1.2.3.4") == Verdict::accepted);
    site.now = 1'001ms;
    CHECK(site.knock("CP1", "wrong", "6.6.6.6") == Verdict::wrong_password);
    site.now = 2'500ms;
    CHECK(site.knock("CP1", "right", "6.6.6.6") == Verdict::locked);
    site.now = 3'100ms;
    CHECK(site.knock("CP1", "right", "6.6.6.6") == Verdict::accepted);
    CHECK(site.knock("CP1", "wrong", "6.6.6.6") == Verdict::wrong_password);
    CHECK(site.knock("CP1", "right", "6.6.6.6") == Verdict::accepted);
}

TEST_CASE("guessing at many ids locks the address out, but not who came in from there before") {
    Site site;
    site.station("CP1").secret = bytes_of("right");
    site.station("CP2").secret = bytes_of("right");
    CHECK(site.knock("CP1", "right", "6.6.6.6") == Verdict::accepted);
    for (unsigned i = 0; i < Lockout::address_failures; ++i) {
        CHECK(site.knock("X" + std::to_string(i), "w", "6.6.6.6") == Verdict::wrong_password);
    }
    CHECK(site.knock("CP2", "right", "6.6.6.6") == Verdict::locked);
    CHECK(site.knock("X", "right", "6.6.6.6") == Verdict::locked);
    CHECK(site.knock("CP1", "right", "6.6.6.6") == Verdict::accepted);
    CHECK(site.knock("CP2", "right", "1.2.3.4") == Verdict::accepted);
    site.now += Lockout::address_refill;
    CHECK(site.knock("CP2", "right", "6.6.6.6") == Verdict::accepted);
}

TEST_CASE("limit: remembered guessers make room for newer ones") {
    Lockout lockout;
    for (std::size_t i = 0; i < Lockout::lockouts_max + 10; ++i) {
        lockout.failed("x", std::to_string(i), std::chrono::milliseconds{static_cast<long>(i)});
    }
    CHECK(lockout.size() == Lockout::lockouts_max + Lockout::addresses_max);
}

TEST_CASE("every knock costs the same work, whoever is named and whatever is wrong") {
    for (const bool with_slow : {false, true}) {
        Site site;
        site.station("CP1").secret = bytes_of("right");
        site.station("CP3").profile_min = profile_mutual;
        site.rule("R-*", 3).access.secret = bytes_of("shared");
        if (with_slow) {
            site.station("CP2").secret = make_password_hash(as_bytes("right"), site.random);
        }
        CHECK(site.knock("CP1", "right") == Verdict::accepted);
        WriteBatch changes;
        REQUIRE(site.gate->make_key("CP1", changes));
        const Gate::Work each{2, with_slow ? 1U : 0U};
        const std::string right = header_of("CP1", as_bytes("right"));
        int address = 0;
        for (const char* const id : {"CP1", "CP2", "CP3", "R-1", "nobody", ""}) {
            for (const std::string& header :
                 {header_of(id, as_bytes("wrong")), std::string{}, std::string{"Basic !!"},
                  std::string{"Bearer x"}, header_of("other", as_bytes("right")),
                  header_of(id, as_bytes(std::string(40, 'a')))}) {
                const Gate::Work before = site.gate->work();
                CHECK(site.show({id, header, std::to_string(++address), true, {}}) ==
                      Verdict::wrong_password);
                INFO(id << " " << header << (with_slow ? " slow" : ""));
                const Gate::Work after = site.gate->work();
                CHECK(after.hashes - before.hashes == each.hashes);
                CHECK(after.slow - before.slow == each.slow);
            }
        }
    }
}

TEST_CASE("a slow password is computed once, then a storm of reconnects is cheap") {
    Site site;
    for (int i = 0; i < 4; ++i) {
        site.station("CP" + std::to_string(i)).secret =
            make_password_hash(as_bytes("pass" + std::to_string(i)), site.random);
    }
    for (int round = 0; round < 50; ++round) {
        for (int i = 0; i < 4; ++i) {
            const std::string number = std::to_string(i);
            CHECK(site.knock("CP" + number, "pass" + number) == Verdict::accepted);
        }
    }
    CHECK(site.gate->work().slow == 4);
    CHECK(site.knock("CP1", "pass2") == Verdict::wrong_password);
}

TEST_CASE("a password's hash is one line and comes back") {
    SystemRandom random;
    const PasswordHash hash = make_password_hash(as_bytes("secret"), random);
    CHECK(password_hash_from_text(to_text(hash)) == hash);
    CHECK(make_password_hash(as_bytes("secret"), random) != hash);
    const std::string text = to_text(hash);
    for (const std::string& wrong : {text + "0", text.substr(1), "scrypt2" + text.substr(7),
                                     text.substr(0, 10) + "x" + text.substr(11), std::string{}}) {
        CHECK_FALSE(password_hash_from_text(wrong));
    }
}

TEST_CASE("a station must come in at least as its profile says") {
    Site site;
    site.station("CP1").secret = bytes_of("right");
    site.station("CP2").secret = bytes_of("right");
    site.station("CP2").profile_min = profile_tls;
    site.station("CP3").profile_min = profile_mutual;
    site.station("CP3").secret = bytes_of("right");
    const auto plain = [&](const std::string& id) {
        return site.show({id, header_of(id, as_bytes("right")), "a", false, {}});
    };
    CHECK(plain("CP1") == Verdict::accepted);
    CHECK(plain("CP2") == Verdict::profile_too_low);
    CHECK(plain("CP3") == Verdict::profile_too_low);
    CHECK(site.knock("CP1", "right") == Verdict::accepted);
    CHECK(site.knock("CP2", "right") == Verdict::accepted);
    CHECK(site.knock("CP3", "right") == Verdict::profile_too_low);
    for (const char* const id : {"CP1", "CP2", "CP3"}) {
        CHECK(site.show(with_certificate(id, {"AAA", id})) == Verdict::accepted);
    }
}

TEST_CASE("a certificate must name the operator and the station or its serial") {
    Site site;
    site.station("CP1").profile_min = profile_mutual;
    site.station("CP1").serial = "SN-77";
    site.station("CP2").profile_min = profile_mutual;
    CHECK(site.show(with_certificate("CP1", {"AAA", "CP1"})) == Verdict::accepted);
    CHECK(site.show(with_certificate("CP1", {"AAA", "SN-77"})) == Verdict::accepted);
    CHECK(site.show(with_certificate("CP2", {"AAA", "SN-77"})) == Verdict::wrong_certificate);
    CHECK(site.show(with_certificate("CP2", {"AAA", ""})) == Verdict::wrong_certificate);
    CHECK(site.show(with_certificate("CP2", {"BBB", "CP2"})) == Verdict::wrong_certificate);
    CHECK(site.show(with_certificate("CP9", {"AAA", "CP9"})) == Verdict::wrong_certificate);
    CHECK(site.show(with_certificate("", {"AAA", ""})) == Verdict::wrong_certificate);
    // Somebody else's certificate is not made good by a password.
    site.restart();
    site.station("CP4").secret = bytes_of("right");
    Knock knock = with_certificate("CP4", {"AAA", "CP1"});
    knock.authorization = header_of("CP4", as_bytes("right"));
    CHECK(site.show(knock) == Verdict::wrong_certificate);
}

TEST_CASE("patterns of ids: stars, single characters, and nothing else") {
    const auto fits = [](const char* pattern, const char* id) {
        return IdPattern::from_text(pattern)->matches(id);
    };
    CHECK(fits("AAA-*", "AAA-"));
    CHECK(fits("AAA-*", "AAA-17"));
    CHECK_FALSE(fits("AAA-*", "BAAA-17"));
    CHECK(fits("*-7", "a-7-7"));
    CHECK_FALSE(fits("*-7", "a-7-"));
    CHECK(fits("A?C", "AbC"));
    CHECK_FALSE(fits("A?C", "AC"));
    CHECK_FALSE(fits("A", "a"));
    CHECK(fits("*a*b*", "xxaxxbxx"));
    CHECK_FALSE(fits("*a*b*", "xxbxxa"));
    CHECK(fits("*", ""));
    for (const std::string& wrong :
         {std::string{}, std::string{"a b"}, std::string{"a\n"},
          std::string(id_pattern_bytes_max + 1, 'a'), std::string(id_pattern_stars_max + 1, '*')}) {
        CHECK_FALSE(IdPattern::from_text(wrong));
    }
}

TEST_CASE("a rule admits who proves it, so many and no more, and they stay") {
    Site site;
    site.station("CP1").secret = bytes_of("own");
    site.rule("AAA-*", 2).access.secret = bytes_of("shared");
    AdmitRule& mutual = site.rule("M-*", 2);
    mutual.access.profile_min = profile_mutual;
    CHECK(site.knock("AAA-1", "wrong") == Verdict::wrong_password);
    CHECK(site.knock("BBB-1", "shared") == Verdict::wrong_password);
    CHECK(site.knock("CP1", "shared") == Verdict::wrong_password);
    CHECK_FALSE(site.gate->knows("AAA-1"));
    CHECK(site.knock("AAA-1", "shared") == Verdict::accepted);
    CHECK(site.gate->knows("AAA-1"));
    CHECK(site.knock("M-1", "shared") == Verdict::wrong_password);
    CHECK(site.show(with_certificate("M-1", {"AAA", "M-1"})) == Verdict::accepted);
    CHECK(site.show(with_certificate("M-2", {"AAA", "M-1"})) == Verdict::wrong_certificate);
    CHECK(site.knock("AAA-2", "shared") == Verdict::accepted);
    CHECK(site.knock("AAA-3", "shared") == Verdict::full);
    CHECK(site.knock("AAA-1", "shared", "b") == Verdict::accepted);

    site.restart();
    Gate again{site.config, site.random};
    const auto admitted = again.load(site.store);
    REQUIRE(admitted);
    REQUIRE(admitted->size() == 3);
    CHECK(admitted->at(0).id == "AAA-1");
    CHECK(admitted->at(0).connectors == 2);
    CHECK(site.knock("AAA-2", "shared") == Verdict::accepted);
    CHECK(site.knock("AAA-3", "shared", "c") == Verdict::full);

    // Without its rule a charger stays known, but the shared password is gone.
    site.config.rules.clear();
    site.restart();
    CHECK(site.knock("AAA-1", "shared", "d") == Verdict::wrong_password);
    CHECK(site.gate->knows("AAA-1"));
}

TEST_CASE("limit: a site has a bound on its stations, whatever its rules allow") {
    Site site;
    site.config.stations_max = 3;
    site.station("CP1").secret = bytes_of("own");
    site.rule("*", 100).access.secret = bytes_of("shared");
    CHECK(site.knock("A", "shared") == Verdict::accepted);
    CHECK(site.knock("B", "shared") == Verdict::accepted);
    CHECK(site.knock("C", "shared") == Verdict::full);
}

TEST_CASE("a new key: both are valid until the new one is used, then the old one is not") {
    Site site;
    site.station("CP1").secret = bytes_of("first");
    CHECK(site.knock("CP1", "first") == Verdict::accepted);
    WriteBatch changes;
    const auto key = site.gate->make_key("CP1", changes);
    REQUIRE(key);
    REQUIRE(site.store.write(changes, true));
    CHECK(key->hex.size() == 40);
    for (const auto& operation : changes.operations) {  // Nothing of the key itself is stored.
        REQUIRE(operation.value);
        const std::string stored = to_hex(*operation.value);
        CHECK(stored.find(key->hex) == std::string::npos);
    }
    CHECK(site.knock("CP1", "first") == Verdict::accepted);
    site.restart();
    CHECK(site.knock("CP1", "first") == Verdict::accepted);
    CHECK(site.knock("CP1", as_text(*from_hex(key->hex))) == Verdict::accepted);
    CHECK(site.knock("CP1", "first", "b") == Verdict::wrong_password);
    site.restart();
    CHECK(site.knock("CP1", "first", "c") == Verdict::wrong_password);
    CHECK(site.knock("CP1", key->hex) == Verdict::accepted);

    // The operator sets another password: both go until it is used.
    site.config.stations["CP1"].secret = bytes_of("second");
    site.restart();
    CHECK(site.knock("CP1", key->hex) == Verdict::accepted);
    CHECK(site.knock("CP1", "second") == Verdict::accepted);
    CHECK(site.knock("CP1", key->hex, "d") == Verdict::wrong_password);
}

TEST_CASE("a new key is refused where none can be, and taken back when the charger refused it") {
    Site site;
    site.station("CP1").secret = bytes_of("first");
    site.station("CP2").profile_min = profile_mutual;
    CHECK(site.knock("CP1", "first") == Verdict::accepted);
    WriteBatch changes;
    CHECK(site.gate->make_key("CP9", changes).error() == NoKey::unknown_station);
    CHECK(site.gate->make_key("CP2", changes).error() == NoKey::no_password);
    std::string last;
    for (std::size_t i = 0; i < keys_made_max; ++i) {
        const auto key = site.gate->make_key("CP1", changes);
        REQUIRE(key);
        last = key->hex;
    }
    CHECK(site.gate->make_key("CP1", changes).error() == NoKey::unused_keys);
    CHECK(site.knock("CP1", last) == Verdict::accepted);
    const auto key = site.gate->make_key("CP1", changes);
    REQUIRE(key);
    site.gate->drop_key("CP1", key->hash, changes);
    CHECK(site.knock("CP1", key->hex) == Verdict::wrong_password);
    CHECK(site.gate->reset_keys("CP1", changes));
    CHECK_FALSE(site.gate->reset_keys("CP1", changes));
    CHECK(site.knock("CP1", "first") == Verdict::accepted);
    CHECK(site.knock("CP1", last, "b") == Verdict::wrong_password);
}

TEST_CASE("stored keys and admissions that cannot be read stop the start") {
    for (const std::uint8_t prefix : {Gate::key_ring_prefix, Gate::admitted_prefix}) {
        Site site;
        WriteBatch batch;
        batch.put(Bytes{prefix, 'X'}, Bytes{1, 2, 3});
        REQUIRE(site.store.write(batch, true));
        Gate gate{site.config, site.random};
        const auto loaded = gate.load(site.store);
        REQUIRE_FALSE(loaded);
        CHECK(loaded.error().find('X') != std::string::npos);
    }
}

TEST_CASE("whatever is lost between any two steps of a key change, the charger comes in",
          "[property]") {
    // The charger knows one key. Orders to change it arrive late, never, or twice; the bridge dies
    // before or after any of its writes, which takes the orders on their way along or not.
    for (unsigned seed = 0; seed < 300; ++seed) {
        std::mt19937 dice{seed};
        Site site;
        site.station("CP1").secret = bytes_of("first");
        std::string key{"first"};
        std::deque<std::string> orders;
        REQUIRE(site.knock("CP1", key) == Verdict::accepted);
        for (int step = 0; step < 40; ++step) {
            INFO("seed " << seed << " step " << step);
            const auto what = dice() % 8;
            if (what <= 1) {
                WriteBatch changes;
                const auto made = site.gate->make_key("CP1", changes);
                const auto fate = dice() % 3;
                if (made && fate == 0) {
                    site.restart();  // Died before the write: nothing was sent.
                } else if (made) {
                    REQUIRE(site.store.write(changes, true));
                    orders.push_back(made->hex);
                    if (fate == 1) {
                        site.restart();
                    }
                }
            } else if (what <= 3 && !orders.empty()) {
                if (dice() % 2 == 0) {
                    key = orders.front();  // Taken, whether or not the bridge hears of it.
                }
                orders.pop_front();
            } else if (what == 4) {
                site.restart();
            } else if (what == 5) {  // Judged, and dead before that was stored.
                site.show({"CP1", "", std::to_string(step) + "x", true, {}});
                static_cast<void>(site.gate->judge(
                    {"CP1", header_of("CP1", as_bytes(key)), "y", true, {}}, site.now));
                site.restart();
            }
            REQUIRE(site.knock("CP1", key, "b" + std::to_string(step)) == Verdict::accepted);
            // An order on its way to a charger that has moved on is older than the key it uses.
            while (!orders.empty() && orders.front() == key) {
                orders.pop_front();
            }
        }
    }
}

}  // namespace tally::bridge
