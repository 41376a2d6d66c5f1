// The configuration file: what is read, and that every mistake is named with line and key.

#include "charger_bridge/config.h"

#include "ledger/base/system_random.h"
#include "node/runtime/key_file.h"
#include "tests/charger_bridge/certificates.h"

#include <catch2/catch.hpp>

#include <cstdlib>
#include <filesystem>

namespace tally::bridge {

namespace {

/// A folder with a key and a token file, removed at the end.
class Folder {
public:
    Folder() {
        std::string name = (std::filesystem::temp_directory_path() / "bridge-XXXXXX").string();
        REQUIRE(::mkdtemp(name.data()) != nullptr);
        m_path = name;
        SystemRandom random;
        REQUIRE(node::write_new_secret_key(m_path + "/bridge.key", generate_secret(random)));
        REQUIRE(node::write_new_secret_text(m_path + "/api.token", "a-token"));
        REQUIRE(node::write_new_secret_text(m_path + "/evidence.token", "auditors-token"));
    }
    ~Folder() { std::filesystem::remove_all(m_path); }
    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;
    [[nodiscard]] std::string file() const { return m_path + "/bridge.toml"; }

private:
    std::string m_path;
};

std::string good() {
    SecretKey secret;
    secret.data.fill(3);
    return R"(data_dir = "data"
bridge_id = "bridge-AAA"
chain_id = ")" +
           std::string(64, 'a') + R"("
key_file = "bridge.key"
utc_offset_minutes = 480

[ocpp]
listen = "127.0.0.1:9000"
clock_ahead_max_s = 2592000

[api]
listen = "127.0.0.1:9001"
token_file = "api.token"
evidence_token_file = "evidence.token"

[node]
address = "127.0.0.1:7000"
link_key = ")" +
           to_hex(public_key_of(secret)) + R"("

[[charger]]
id = "CP1"
password = "sixteen-of-cp1.."
connectors = 2

[[charger]]
id = "CP2"
password_hex = "000102030405060708090a0b0c0dfeff"
connectors = 1
)";
}

std::string problems_of(const Folder& folder, const std::string& from, const std::string& to) {
    std::string text = good();
    const std::size_t place = text.find(from);
    REQUIRE(place != std::string::npos);
    text.replace(place, from.size(), to);
    const auto config = parse_config(text, folder.file());
    if (config) {
        return {};
    }
    std::string all;
    for (const node::ConfigProblem& problem : config.error()) {
        all += problem.text() + "\n";
    }
    return all;
}

}  // namespace

TEST_CASE("a right configuration is read") {
    const Folder folder;
    const auto config = parse_config(good(), folder.file());
    REQUIRE(config);
    CHECK(config->bridge_id == "bridge-AAA");
    CHECK(config->utc_offset_minutes == 480);
    CHECK(config->clock_ahead_max == std::chrono::hours{720});
    CHECK(config->api_token == "a-token");
    CHECK(config->evidence_token == "auditors-token");
    REQUIRE(config->chargers.size() == 2);
    CHECK(config->chargers[0].station.connectors == 2);
    CHECK(std::get<Bytes>(config->chargers[1].password) ==
          Bytes{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 0xfe, 0xff});
    CHECK(config->node_address.port == 7000);
}

TEST_CASE("meters that sign are read with their keys, and the time that held charges are kept") {
    const Folder folder;
    const MeterKey key = *meter_key_from_text("04" + to_hex(Bytes(64, 0x11)));
    const std::string hex = "04" + to_hex(Bytes(64, 0x11));
    const std::string meters = good() + "meters = [{connector = 1, serial = \"M-1\", key = \"" +
                               hex + "\", lenient = true}]\n[review]\nkeep_s = 60\n";
    const auto config = parse_config(meters, folder.file());
    REQUIRE(config);
    CHECK(config->review_keep == std::chrono::seconds{60});
    CHECK(config->chargers[0].meters.empty());
    REQUIRE(config->chargers[1].meters.size() == 1);
    const MeterConfig& meter = config->chargers[1].meters[0];
    CHECK(meter.serial == "M-1");
    CHECK(meter.key == key);
    CHECK(meter.lenient);
    CHECK_FALSE(meter.allows_unsigned);
    const auto problem = [&](const std::string& entry) {
        const auto bad = parse_config(good() + "meters = [" + entry + "]\n", folder.file());
        return bad ? std::string{} : bad.error().front().rule;
    };
    CHECK(problem(R"({connector = 1, serial = "M", unsigned = true})").empty());
    CHECK_FALSE(problem(R"({connector = 1, serial = "M"})").empty());
    CHECK_FALSE(problem(R"({connector = 2, serial = "M", unsigned = true})").empty());
    CHECK_FALSE(problem(R"({connector = 1, serial = "M M", unsigned = true})").empty());
    CHECK_FALSE(problem(R"({connector = 1, serial = "M", key = "04zz"})").empty());
    CHECK_FALSE(problem(R"({connector = 1, serial = "M", key_file = "missing.pem"})").empty());
    CHECK_FALSE(problem(R"({connector = 1, serial = "M", unsigned = true, x = 1})").empty());
}

TEST_CASE("charges while cut off: refused unless limits and a list are named") {
    const Folder folder;
    const auto refused = parse_config(good(), folder.file());
    REQUIRE(refused);
    CHECK_FALSE(refused->cut_off.is_limited);
    CHECK(refused->local_list_file.empty());
    CHECK(refused->begin_back_max == std::chrono::seconds{270});
    SecretKey secret;
    secret.data.fill(4);
    const PublicKey key = public_key_of(secret);
    const std::string limited =
        "[offline]\nmode = \"limited\"\nlimit_per_token = \"20.00\"\n"
        "limit_in_all = \"500.00\"\nlist_file = \"local.list\"\n"
        "list_key = \"" +
        to_hex(key) + "\"\nbegin_back_max_s = 600\n";
    const auto config = parse_config(good() + limited, folder.file());
    REQUIRE(config);
    CHECK(config->cut_off.is_limited);
    CHECK(config->cut_off.per_token == 20 * money_scale);
    CHECK(config->cut_off.in_all == 500 * money_scale);
    CHECK(config->local_list_file.ends_with("/local.list"));
    CHECK(config->local_list_key == key);
    CHECK(config->begin_back_max == std::chrono::seconds{600});
    const auto without = [&](const std::string& from, const std::string& to) {
        std::string text = limited;
        const std::size_t place = text.find(from);
        REQUIRE(place != std::string::npos);
        text.replace(place, from.size(), to);
        const auto bad = parse_config(good() + text, folder.file());
        return bad ? std::string{} : bad.error().front().text();
    };
    CHECK(without("\"limited\"", "\"always\"").find("mode") != std::string::npos);
    CHECK(without("limit_per_token = \"20.00\"\n", "").find("limit_per_token") !=
          std::string::npos);
    CHECK(without("\"500.00\"", "\"-1\"").find("limit_in_all") != std::string::npos);
    CHECK(without("list_file = \"local.list\"\n", "").find("list_file") != std::string::npos);
    CHECK(without(to_hex(key), std::string(66, '0')).find("list_key") != std::string::npos);
    CHECK(without("= 600", "= 86401").find("begin_back_max_s") != std::string::npos);
}

TEST_CASE("what is done to a charger that does not stop, and who may stop others") {
    const Folder folder;
    const auto with = [&](const std::string& lines) {
        std::string text = good();
        text.insert(text.find("[api]"), lines + "\n");
        return parse_config(text, folder.file());
    };
    const auto plain = with("");
    REQUIRE(plain);
    CHECK(plain->ignored_stop == IgnoredStop::none);
    CHECK(plain->ignored_stop_after == std::chrono::seconds{120});
    CHECK(plain->master.tokens.empty());
    CHECK_FALSE(plain->takes_certificate_requests);
    const auto unlock = with("ignored_stop = \"unlock\"\nignored_stop_after_s = 10");
    REQUIRE(unlock);
    CHECK(unlock->ignored_stop == IgnoredStop::unlock);
    CHECK(unlock->ignored_stop_after == std::chrono::seconds{10});
    const auto reset = with(
        "ignored_stop = \"reset\"\nmaster_tokens = [\"staff-1\", \"S2\"]\n"
        "master_group = \"G\"\ncertificate_requests = true");
    REQUIRE(reset);
    CHECK(reset->ignored_stop == IgnoredStop::reset);
    CHECK(reset->master.tokens == std::set<std::string>{"S2", "STAFF-1"});
    CHECK(reset->master.group == "G");
    CHECK(reset->takes_certificate_requests);
    CHECK_FALSE(with("ignored_stop = \"shout\""));
    CHECK_FALSE(with("ignored_stop_after_s = 9"));
    CHECK(plain->stop_missing_after == std::chrono::hours{24});
    CHECK(plain->stop_missing_free == std::chrono::hours{1});
    const auto missing = with("stop_missing_after_s = 3600\nstop_missing_free_s = 60");
    REQUIRE(missing);
    CHECK(missing->stop_missing_after == std::chrono::hours{1});
    CHECK(missing->stop_missing_free == std::chrono::minutes{1});
    CHECK_FALSE(with("stop_missing_after_s = 3599"));
    CHECK_FALSE(with("stop_missing_free_s = 59"));
    CHECK_FALSE(with("master_tokens = [\"has space\"]"));
    CHECK_FALSE(with("master_group = \"\""));
    std::string many;
    for (std::size_t i = 0; i <= master_tokens_max; ++i) {
        many += (i == 0 ? "\"S" : ", \"S") + std::to_string(i) + "\"";
    }
    CHECK_FALSE(with("master_tokens = [" + many + "]"));
    const auto held =
        parse_config(good() +
                         "[[admit]]\nid_pattern = \"N-*\"\nconnectors = 1\n"
                         "count_max = 2\npassword = \"sixteen-of-admit\"\nhold = true\n",
                     folder.file());
    REQUIRE(held);
    CHECK(held->admit.front().is_held);
}

TEST_CASE("each mistake is named with file, line and key") {
    const Folder folder;
    const auto names = [&](const std::string& from, const std::string& to, const std::string& key) {
        const std::string problems = problems_of(folder, from, to);
        INFO(problems);
        CHECK(problems.find("bridge.toml:") != std::string::npos);
        CHECK(problems.find(key) != std::string::npos);
    };
    names(R"(listen = "127.0.0.1:9000")", R"(listen = "0.0.0.0:9000")", "insecure = true");
    names(R"(bridge_id = "bridge-AAA")", R"(bridge_id = "has space")", "bridge_id");
    names(R"(chain_id = "a)", R"(chain_id = "x)", "chain_id");
    names(R"(key_file = "bridge.key")", R"(key_file = "none.key")", "key_file");
    names("utc_offset_minutes = 480", "utc_offset_minutes = 900", "utc_offset_minutes");
    names(R"(id = "CP2")", R"(id = "CP1")", "is there twice");
    names(R"("evidence.token")", R"("none.token")", "evidence_token_file");
    names(R"("evidence.token")", R"("api.token")", "must not hold the token of token_file");
    names(R"(password_hex = "000102030405060708090a0b0c0dfeff")",
          R"(password_hex = "000102030405060708090a0b0c0dfef")", "password_hex");
    names(R"(password_hex = "000102030405060708090a0b0c0dfeff")", "", "password");
    names(R"("000102030405060708090a0b0c0dfeff")", R"("000102030405060708090a0b0c0dfe")",
          "32 to 128");
    names("sixteen-of-cp1..", "fifteen-of-cp1.", "has 15");
    names("sixteen-of-cp1..", std::string(65, 'x'), "has 65");
    names(R"(password = "sixteen-of-cp1..")", R"(password_file = "api.token")",
          "charger[0].password_file");
    names("connectors = 2", "connectors = 0", "connectors");
    names("connectors = 2", "connectors = 2\ncolour = 1", "colour");
    names(R"(link_key = "0)", R"(link_key = "1)", "link_key");
}

TEST_CASE("another central system behind the bridge is read, and its mistakes named") {
    const Folder folder;
    CHECK_FALSE(parse_config(good(), folder.file())->upstream);
    const auto with = [&](const std::string& upstream) {
        return parse_config(good() + "proxy = false\n[upstream]\n" + upstream, folder.file());
    };
    const auto config = with("url = \"wss://csms.example/ocpp/{id}\"\npassword = \"abc\"\n");
    REQUIRE(config);
    REQUIRE(config->upstream);
    CHECK(config->upstream->tls != nullptr);
    CHECK(config->upstream->password == "abc");
    CHECK(config->upstream->unknown_statuses == std::vector<std::string>{"Invalid", "Unknown"});
    CHECK(config->chargers[0].is_proxied);
    CHECK_FALSE(config->chargers[1].is_proxied);
    const auto other = with(
        "url = \"ws://127.0.0.1/{id}\"\npass_password = true\n"
        "unknown_statuses = [\"NotFound\"]\n");
    REQUIRE(other);
    CHECK(other->upstream->passes_password);
    CHECK(other->upstream->unknown_statuses == std::vector<std::string>{"NotFound"});
    const std::string url = "url = \"wss://csms.example/{id}\"\n";
    CHECK(with(url));
    for (const std::string& wrong :
         {std::string{}, std::string{"url = \"wss://csms.example/ocpp\"\n"},
          std::string{"url = \"ws://csms.example/{id}\"\n"},
          url + "password = \"a\"\npass_password = true\n",
          url + "password = \"a\"\npassword_file = \"api.token\"\n",
          url + "ca_file = \"missing.pem\"\n", url + "unknown_statuses = [\"Accepted\"]\n",
          url + "retries = 3\n", url + "password = \"" + std::string(65, 'x') + "\"\n"}) {
        INFO(wrong);
        CHECK_FALSE(with(wrong));
    }
    CHECK_FALSE(parse_config(good() + "proxy = true\n", folder.file()));
    CHECK(with("url = \"ws://csms.example/{id}\"\ninsecure = true\n"));
    CHECK_FALSE(with("url = \"ws://127.0.0.1.example/{id}\"\n"));
    CHECK(with("url = \"ws://127.0.0.2/{id}\"\n"));
}

TEST_CASE("an auditor's token may be left out") {
    const Folder folder;
    CHECK(problems_of(folder, "evidence_token_file = \"evidence.token\"\n", "").empty());
}

TEST_CASE("TLS, profiles and rules are read, and their mistakes named") {
    const Folder folder;
    const test::TempFolder papers;
    test::write_identity(
        papers, "ec",
        test::issue(test::make_authority("AAA"), test::KeyKind::ec, {"AAA", "bridge", {}}));
    const std::string listen{R"(listen = "127.0.0.1:9000")"};
    const std::string tls = "[ocpp.tls]\nec_certificate_file = \"" + papers.file("ec.crt") +
                            "\"\nec_key_file = \"" + papers.file("ec.key") + "\"\n";
    const std::string ca = "client_ca_file = \"" + papers.file("ec.crt") + "\"\n";
    const std::string rule = "[[admit]]\nid_pattern = \"AAA-*\"\nconnectors = 1\ncount_max = 5\n";
    const std::string api{"[api]\n"};
    const auto with = [&](const std::string& more) { return problems_of(folder, api, more + api); };
    CHECK(with(tls).empty());
    CHECK(problems_of(folder, listen, "listen = \"0.0.0.0:9000\"\n" + tls + "[ocpp.x]")
              .find("insecure") == std::string::npos);
    CHECK(with(tls + rule + "password = \"shared-by-sixteen\"\n").empty());
    CHECK(with(tls + ca + "client_organization = \"AAA\"\n" + rule + "profile = 3\n").empty());
    const auto names = [&](const std::string& problems, const std::string& key) {
        INFO(problems);
        CHECK(problems.find(key) != std::string::npos);
    };
    names(with("[ocpp.tls]\n"), "ec_certificate_file");
    names(with("[ocpp.tls]\nec_certificate_file = \"none\"\nec_key_file = \"none\"\n"), "none");
    names(with(tls + ca), "client_organization");
    names(with(rule), "password");
    names(with(rule + "password = \"a\"\npassword_hex = \"00\"\n"), "more than once");
    names(with(rule + "profile = 2\npassword = \"a\"\n"), "needs [ocpp.tls]");
    names(with(tls + rule + "profile = 3\n"), "client_ca_file");
    names(with(rule + "password_hash = \"scrypt1:00\"\n"), "password_hash");
    names(problems_of(folder, listen, listen + "\nplain_listen = \"127.0.0.1:9002\""),
          "plain_listen");
    names(with("[[admit]]\nid_pattern = \"a b\"\nconnectors = 1\ncount_max = 0\n"), "id_pattern");
    names(with("[[admit]]\nid_pattern = \"a\"\nconnectors = 1\ncount_max = 0\n"), "count_max");
}

TEST_CASE("plain ws outside the loopback is allowed when it is asked for") {
    const Folder folder;
    CHECK(problems_of(folder, R"(listen = "127.0.0.1:9000")",
                      "listen = \"0.0.0.0:9000\"\ninsecure = true")
              .empty());
}

}  // namespace tally::bridge
