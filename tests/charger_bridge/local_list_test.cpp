// The operator's signed list of tokens that may charge while the bridge is cut off.

#include "charger_bridge/session/local_list.h"

#include "charger_bridge/local_list_file.h"
#include "ledger/crypto/sha256.h"

#include <catch2/catch.hpp>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

namespace tally::bridge {

namespace {

SecretKey operator_key(std::uint8_t byte = 5) {
    SecretKey key;
    key.data.fill(byte);
    return key;
}

const PublicKey& public_key() {
    static const PublicKey key = public_key_of(operator_key());
    return key;
}

std::string signed_text(const std::string& body) {
    const Signature signature =
        sign_digest(operator_key(), tagged_hash("tally/local-list/v1", as_bytes(body)));
    return body + "signature " + to_hex(signature) + "\n";
}

const std::string head{
    "tally-local-list/v1\noperator AAA\ncurrency CNY\nvalid_until 2026-12-31T00:00:00.000Z\n"
    "salt 000102030405060708090a0b0c0d0e0f\n"};
const std::string token_line{
    "5555555555555555555555555555555555555555555555555555555555555555 50.0000\n"};

std::string error_of(const std::string& body) {
    const auto list = read_local_list(signed_text(body), public_key());
    return list ? "" : list.error();
}

}  // namespace

TEST_CASE("a local list gives the limit of the tokens that are on it, and of no others") {
    LocalList list;
    list.party = *party_from_text("AAA");
    list.currency = *currency_from_text("CNY");
    list.valid_until = 1'798'675'200'000;
    list.salt.data.fill(7);
    Bytes salted(list.salt.data.begin(), list.salt.data.end());
    list.limits[hmac_sha256(salted, as_bytes("BBB-1"))] = 50 * money_scale;
    const std::string text = make_local_list(list, operator_key());
    CHECK(text.find("BBB-1") == std::string::npos);
    const auto read = read_local_list(text, public_key());
    REQUIRE(read);
    CHECK(read->limit_of("BBB-1") == 50 * money_scale);
    CHECK_FALSE(read->limit_of("BBB-2"));
    CHECK(read->party == list.party);
    CHECK(read->currency == list.currency);
    CHECK(read->valid_until == list.valid_until);
    CHECK(make_local_list(*read, operator_key()) == text);
}

TEST_CASE("a local list that another key signed, or that was changed, is refused whole") {
    const std::string text = signed_text(head + token_line);
    CHECK(read_local_list(text, public_key()));
    CHECK_FALSE(read_local_list(text, public_key_of(operator_key(6))));
    for (std::size_t i = 0; i + 1 < text.size(); ++i) {
        std::string changed = text;
        changed[i] = changed[i] == '0' ? '1' : '0';
        REQUIRE_FALSE(read_local_list(changed, public_key()));
    }
    for (std::size_t size = 0; size < text.size(); ++size) {
        REQUIRE_FALSE(read_local_list(std::string_view{text}.substr(0, size), public_key()));
    }
    CHECK_FALSE(read_local_list(text + "\n", public_key()));
    CHECK_FALSE(read_local_list(text + text, public_key()));
}

TEST_CASE("a signed local list with a wrong line is refused with the number of the line") {
    CHECK(error_of(head + token_line).empty());
    CHECK(error_of(head).empty());
    CHECK(error_of("tally-local-list/v2\n").find("line 1: ") == 0);
    CHECK(error_of("tally-local-list/v1\noperator AAAA\n").find("line 2: ") == 0);
    CHECK(error_of("tally-local-list/v1\noperator AAA\ncurrency Yuan\n").find("line 3: ") == 0);
    CHECK(error_of(head + token_line + token_line) == "line 7: the token is there twice");
    CHECK(error_of(head + "55 50\n").find("line 6: ") == 0);
    std::string negative = token_line;
    negative.replace(65, 7, "-1.0000");
    CHECK(error_of(head + negative).find("line 6: ") == 0);
    CHECK(error_of(head + "\n").find("line 6: ") == 0);
}

TEST_CASE("a local list has a bound in tokens and in bytes") {
    LocalList list;
    list.party = *party_from_text("AAA");
    list.currency = *currency_from_text("CNY");
    for (std::size_t i = 0; i < local_list_tokens_max; ++i) {
        Hash hash;
        hash.data[0] = static_cast<std::uint8_t>(i);
        hash.data[1] = static_cast<std::uint8_t>(i >> 8U);
        hash.data[2] = static_cast<std::uint8_t>(i >> 16U);
        list.limits[hash] = money_scale;
    }
    CHECK(read_local_list(make_local_list(list, operator_key()), public_key()));
    Hash one_more;
    one_more.data.fill(0xff);
    list.limits[one_more] = money_scale;
    const auto refused = read_local_list(make_local_list(list, operator_key()), public_key());
    REQUIRE_FALSE(refused);
    CHECK(refused.error().find("more than 100000 tokens") != std::string::npos);
    const std::string large(local_list_bytes_max + 1, '\n');
    CHECK_FALSE(read_local_list(large, public_key()));
}

namespace {

/// A list's file in a folder of its own, and the time at which it is looked at.
class ListOnDisk {
public:
    ListOnDisk() {
        std::string name = (std::filesystem::temp_directory_path() / "list-XXXXXX").string();
        REQUIRE(::mkdtemp(name.data()) != nullptr);
        m_folder = name;
    }
    ~ListOnDisk() { std::filesystem::remove_all(m_folder); }
    ListOnDisk(const ListOnDisk&) = delete;
    ListOnDisk& operator=(const ListOnDisk&) = delete;

    [[nodiscard]] std::string path() const { return m_folder + "/local.list"; }
    void write(const std::string& text) {
        std::ofstream{path(), std::ios::binary | std::ios::trunc} << text;
        // Clocks of file systems are coarse: each version is a second newer.
        std::filesystem::last_write_time(path(), m_written += std::chrono::seconds{1});
    }

private:
    std::string m_folder;
    std::filesystem::file_time_type m_written{std::filesystem::file_time_type::clock::now()};
};

std::string list_with(const std::string& lines) { return signed_text(head + lines); }

}  // namespace

TEST_CASE(
    "the file of the local list: read when it is new, refused whole, looked at now and then") {
    using namespace std::chrono_literals;
    ListOnDisk disk;
    LocalListFile file{disk.path(), public_key()};
    auto now = 1'000'000ms;
    const auto look = [&] {
        now += local_list_look_interval;
        return file.read_if_changed(now);
    };
    // It is not there yet: said once.
    auto read = look();
    REQUIRE(read);
    CHECK(read->error().find("cannot be read") != std::string::npos);
    CHECK_FALSE(look());
    disk.write(list_with(token_line));
    CHECK_FALSE(file.read_if_changed(now + local_list_look_interval - 1ms));
    read = look();
    REQUIRE(read);
    REQUIRE(*read);
    CHECK((*read)->limits.size() == 1);
    CHECK_FALSE(look());  // It is as it was.
    disk.write(list_with(""));
    read = look();
    REQUIRE(read);
    REQUIRE(*read);
    CHECK((*read)->limits.empty());
    // Another one's signature, a text that is none, and one that is too long.
    std::string forged = list_with(token_line);
    forged[forged.size() - 3] = forged[forged.size() - 3] == '0' ? '1' : '0';
    for (const std::string& text :
         {forged, std::string{"nonsense"}, std::string(local_list_bytes_max + 1, 'x')}) {
        disk.write(text);
        read = look();
        REQUIRE(read);
        CHECK_FALSE(*read);
        CHECK(read->error().starts_with(disk.path()));
        CHECK_FALSE(look());
    }
    std::filesystem::remove(disk.path());
    read = look();
    REQUIRE(read);
    CHECK_FALSE(*read);
    LocalListFile none{"", public_key()};
    CHECK_FALSE(none.read_if_changed(now));
}

TEST_CASE("the end of the local list is told once a day in its last week, and afterwards") {
    constexpr UnixMillis day{24LL * 3'600'000};
    constexpr UnixMillis end{1'798'675'200'000};
    ListExpiry expiry;
    CHECK_FALSE(expiry.is_due(end));
    CHECK_FALSE(expiry.left(end));
    expiry.set(end);
    CHECK(expiry.left(end - day)->count() == day);
    CHECK_FALSE(expiry.is_due(end - 8 * day));
    CHECK(expiry.is_due(end - 7 * day));
    CHECK_FALSE(expiry.is_due(end - 7 * day + 1));
    CHECK_FALSE(expiry.is_due(end - 6 * day - 1));
    CHECK(expiry.is_due(end - 6 * day));
    CHECK(expiry.is_due(end + day));
    CHECK_FALSE(expiry.is_due(end + day + 1));
    // Another list: what was said of the one before does not count.
    expiry.set(end + 2 * day);
    CHECK(expiry.is_due(end + day + 2));
    expiry.set(end + 30 * day);
    CHECK_FALSE(expiry.is_due(end + day + 3));
}

}  // namespace tally::bridge
