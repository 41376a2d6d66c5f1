#include "node/runtime/config_reader.h"

#include <catch2/catch.hpp>
#include <unistd.h>

#include <fstream>

using namespace tally::node;

namespace {

ConfigReader parsed(std::string_view text) {
    auto reader = ConfigReader::parse(text, "/etc/tally/node.toml");
    REQUIRE(reader);
    return std::move(reader).value();
}

std::vector<std::string> texts_of(const ConfigReader& reader) {
    std::vector<std::string> texts;
    for (const ConfigProblem& problem : reader.finish()) {
        texts.push_back(problem.text());
    }
    return texts;
}

std::string error_of(std::string_view text) {
    const auto result = ConfigReader::parse(text, "f.toml");
    return result ? std::string{} : result.error().text();
}

}  // namespace

SCENARIO("a right file is read and has no problems", "[config]") {
    const ConfigReader reader = parsed(R"(
name = "AAA"
verify = true
threads = 4
idle_ms = 1500
data = "data"
log = "/var/log/x"
[links]
listen = "0.0.0.0:7000"
names = ["a", "b"]
[[links.targets]]
address = "[::1]:7001"
[[links.targets]]
address = "host:7002"
)");
    const ConfigTable root = reader.root();
    CHECK(root.text("name") == "AAA");
    CHECK(root.boolean("verify"));
    CHECK(root.integer("threads", {1, 64}) == 4);
    CHECK(root.duration_ms("idle_ms", {1, 10'000}) == std::chrono::milliseconds{1500});
    CHECK(root.path("data") == "/etc/tally/data");
    CHECK(root.path("log") == "/var/log/x");
    CHECK(root.text("absent", "fallback") == "fallback");
    CHECK(root.choice("level", {"info", "warn"}, "info") == "info");
    const ConfigTable links = root.table("links");
    CHECK(links.host_port("listen") == HostPort{"0.0.0.0", 7000});
    CHECK(links.texts("names") == std::vector<std::string>{"a", "b"});
    const std::vector<ConfigTable> targets = links.tables("targets");
    REQUIRE(targets.size() == 2);
    CHECK(targets[0].host_port("address") == HostPort{"::1", 7001});
    CHECK(targets[1].host_port("address") == HostPort{"host", 7002});
    CHECK(texts_of(reader).empty());
}

SCENARIO("every problem names file, line, column, key and rule, in the file's order", "[config]") {
    const ConfigReader reader = parsed(
        "threads = 0\n"
        "name = 5\n"
        "extra = 1\n"
        "[links]\n"
        "listen = \"nowhere\"\n"
        "  [links.deep]\n"
        "  unknown = 1\n");
    const ConfigTable root = reader.root();
    CHECK(root.integer("threads", {1, 64}) == 1);
    CHECK(root.text("name").empty());
    CHECK(root.text("missing").empty());
    static_cast<void>(root.table("links").host_port("listen"));
    static_cast<void>(root.table("links").boolean("needed"));
    const std::vector<std::string> expected{
        "/etc/tally/node.toml: missing: is missing",
        "/etc/tally/node.toml:1:11: threads: must be between 1 and 64, but is 0",
        "/etc/tally/node.toml:2:8: name: must be a text in quotes",
        "/etc/tally/node.toml:3:1: extra: is not a known key",
        "/etc/tally/node.toml:4:1: links.needed: is missing",
        "/etc/tally/node.toml:5:10: links.listen: must be \"host:port\" with a port from 0 to "
        "65535, but is \"nowhere\"",
        "/etc/tally/node.toml:6:10: links.deep: is not a known key",
    };
    CHECK(texts_of(reader) == expected);
}

SCENARIO("problems inside lists of tables name the entry", "[config]") {
    const ConfigReader reader = parsed("[[t]]\nx = 1\n[[t]]\nx = \"a\"\ny = 2\n");
    for (const ConfigTable& item : reader.root().tables("t")) {
        static_cast<void>(item.integer("x", {0, 10}));
    }
    const std::vector<ConfigProblem> problems = reader.finish();
    REQUIRE(problems.size() == 2);
    CHECK(problems[0].key == "t[1].x");
    CHECK(problems[0].line == 4);
    CHECK(problems[1].key == "t[1].y");
}

SCENARIO("wrong types, empty texts, wrong choices and too long lists are problems", "[config]") {
    const ConfigReader reader =
        parsed("a = 1\nb = [1]\nc = \"\"\nd = \"x\"\ne = [\"1\", \"2\"]\nf = 1.5\ng = [{}]\n");
    const ConfigTable root = reader.root();
    CHECK_FALSE(root.boolean("a"));
    CHECK(root.texts("b").empty());
    CHECK(root.text("c").empty());
    CHECK(root.choice("d", {"info"}).empty());
    CHECK(root.texts("e", 1).empty());
    CHECK(root.integer("f", {0, 5}) == 0);
    CHECK(root.table("g").text("h", "x") == "x");
    CHECK(reader.finish().size() == 7);
}

SCENARIO("a caller's own rule is reported at the key's place", "[config]") {
    const ConfigReader reader = parsed("\nport = 5\n");
    static_cast<void>(reader.root().integer("port", {0, 10}));
    reader.root().problem("port", "is used twice");
    CHECK(texts_of(reader) ==
          std::vector<std::string>{"/etc/tally/node.toml:2:8: port: is used twice"});
}

SCENARIO("files that cannot be read or parsed say why and where", "[config]") {
    CHECK(ConfigReader::open("/nonexistent/x.toml").error().text() ==
          "/nonexistent/x.toml: cannot be opened");
    CHECK_FALSE(ConfigReader::open("/tmp"));
    const auto broken = ConfigReader::parse("a = 1\nb = = 2\n", "f.toml");
    REQUIRE_FALSE(broken);
    CHECK(broken.error().line == 2);
    CHECK(broken.error().text().rfind("f.toml:2:", 0) == 0);
    CHECK_FALSE(ConfigReader::parse("a = 1\na = 2\n", "f.toml"));
    CHECK_FALSE(ConfigReader::parse(std::string(config_file_bytes_max + 1, '#'), "f.toml"));
    CHECK(ConfigReader::parse(std::string(config_file_bytes_max, '#'), "f.toml"));
    CHECK_FALSE(ConfigReader::parse("a = " + std::string(100'000, '['), "f.toml"));
}

SCENARIO("characters beyond ASCII are read in texts and comments, and refused elsewhere",
         "[config]") {
    const ConfigReader reader =
        parsed("a = \"充电 \\\" é\" # 充é\nb = '电é'\nc = \"\"\"\né电\"\"\"\n");
    CHECK(reader.root().text("a") == "充电 \" é");
    CHECK(reader.root().text("b") == "电é");
    CHECK(reader.root().text("c") == "é电");
    CHECK(error_of("a = 1\n Ț = 2\n").starts_with("f.toml:2:2: "));
    for (const char* bad : {"a = 1 ä\n", "a = 1ä\n", "a = \"x\"ä\n", "a = \"\\ä\"\n", "a = ='é'\n",
                            "a = 5F'&'\"ŕ\"\n", "ä\n", "[ä]\n", "a = [1ä]\n", "a = \xe4\n"}) {
        CAPTURE(bad);
        CHECK(error_of(bad).starts_with("f.toml:1:"));
    }
}

SCENARIO("brackets without what belongs into them are told with their line", "[config]") {
    const ConfigReader reader =
        parsed("[ \"a\" ]\nx = [\n  1,\n]\n\t[['b']]\n[_c]\n[-d]\n[0]\n[[ e.f ]]\n");
    CHECK(reader.root().tables("b", 1).size() == 1);
    CHECK(parsed("x = [\n [1],\n [2] ]\n").root().has("x"));
    CHECK(error_of("a = 1\n[! =&;2").starts_with("f.toml:2"));
    CHECK(error_of("\n\n \t[[ .a]]\n\n").starts_with("f.toml:3"));
    CHECK(error_of("a = 1\nb = [ }{ do\n\nc = 2\n").starts_with("f.toml:2"));
    for (const char* bad :
         {"[",       "[[",      "[ \t",      "[\n",   "[\r\n", "[]",   "[[]]",  "[ [a]]",
          "[[[a]]]", "[#a]",    "[=",        "[{",    "[,",    "[+1]", "[\x01", "[\x0b",
          "[\x7f",   "a = [ }", "a = { ] }", "a = }", "a = ]", "a = ,"}) {
        CAPTURE(bad);
        CHECK(error_of(bad).starts_with("f.toml:1"));
    }
}

SCENARIO("the number of listed problems is bounded", "[config]") {
    std::string text;
    for (int i = 0; i < 500; ++i) {
        text += "k" + std::to_string(i) + " = 1\n";
    }
    CHECK(parsed(text).finish().size() == config_problems_max);
}

SCENARIO("addresses are host and port", "[config]") {
    CHECK(host_port_from_text("h:1") == HostPort{"h", 1});
    CHECK(host_port_from_text("[::]:0") == HostPort{"::", 0});
    for (const char* bad :
         {"", "h", "h:", ":1", "h:65536", "h:-1", "h:1x", "::1:80", "a b:1", "[]:1", "h/x:1"}) {
        CAPTURE(bad);
        CHECK_FALSE(host_port_from_text(bad));
    }
}
