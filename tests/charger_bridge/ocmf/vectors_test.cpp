// Records of real meters (../shared/vectors/ocmf): not part of the tree, passed over when away.

#include "charger_bridge/ocmf/billing.h"
#include "charger_bridge/ocmf/json_tree.h"
#include "charger_bridge/ocmf/verify.h"
#include "ledger/base/posix_file_system.h"
#include "tests/charger_bridge/ocmf/meter_signer.h"

#include <catch2/catch.hpp>

#include <map>

namespace tally::bridge {
namespace {

const std::string folder{std::string{PROJECT_FOLDER} + "/../shared/vectors/ocmf/"};

std::optional<std::string> content(const std::string& name) {
    const PosixFileSystem files;
    const auto bytes = files.read(folder + name, 0, ocmf_record_bytes_max);
    return bytes ? std::optional{std::string{as_text(*bytes)}} : std::nullopt;
}

struct Vector {
    OcmfRecord record;
    MeterKey key;
};

Vector load(const std::string& name) {
    const auto text = content(name + ".ocmf");
    const auto key_text = content(name + ".pubkey");
    REQUIRE((text && key_text));
    const auto key = meter_key_from_text(*key_text);
    REQUIRE(key);
    return {parsed(*text), *key};
}

/// What section 5 of the billing rules says of each vector alone.
const std::map<std::string, std::vector<BillingReason>> billing_alone{
    {"p256_keba_kcp30", {}},
    {"p256_keba_tariff_text", {}},
    {"p256_lem_dcbm", {}},
    {"p192_ebz_valid", {}},
    {"p256_ebee_begin", {BillingReason::no_end}},
    {"p256_ebee_end", {BillingReason::no_begin}},
    {"k256_nano_begin", {BillingReason::no_end}},
    {"k256_nano_end", {BillingReason::no_begin}},
    {"k256_secondkey_begin", {BillingReason::no_end}},
    {"p384_nzr_begin", {BillingReason::no_end}},
    {"p256_bauer_begin",
     {BillingReason::no_end, BillingReason::meter_not_good, BillingReason::energy_error}},
    {"p256_bauer_end",
     {BillingReason::no_begin, BillingReason::meter_not_good, BillingReason::energy_error}},
    {"k192_hasToBe_end", {BillingReason::no_begin, BillingReason::exception_reading}},
};

}  // namespace

TEST_CASE("records of real meters have the signatures that are expected of them", "[ocmf]") {
    const auto text = content("index.json");
    if (!text) {
        WARN("no records in " << folder << ": passed over");
        return;
    }
    const auto index = parse_json_tree(*text);
    REQUIRE(index);
    REQUIRE(!index->items.empty());
    for (const JsonNode& entry : index->items) {
        const std::string name = entry.find("name")->text;
        INFO(name);
        const Vector vector = load(name);
        const bool expected = entry.find("expect")->text == "valid";
        const SignatureVerdict verdict = verify_ocmf(vector.record, vector.key, DerRule::strict);
        CHECK((verdict == SignatureVerdict::valid) == expected);
        CHECK(to_hex(vector.record.payload_hash()) == entry.find("payload_sha256")->text);
        OcmfRecord changed = vector.record;
        changed.payload += ' ';
        CHECK(verify_ocmf(changed, vector.key, DerRule::lenient) ==
              SignatureVerdict::signature_wrong);
        const auto alone = billing_alone.find(name);
        if (alone != billing_alone.end()) {
            CHECK(check_billing(vector.record, nullptr).reasons == alone->second);
        }
    }
}

TEST_CASE("records of real meters pair up to what can be billed", "[ocmf]") {
    if (!content("index.json")) {
        WARN("no records in " << folder << ": passed over");
        return;
    }
    const auto reasons = [](const char* begin, const char* end) {
        const Vector second = load(end);
        return check_billing(load(begin).record, &second.record).reasons;
    };
    using Reasons = std::vector<BillingReason>;
    CHECK(reasons("p256_ebee_begin", "p256_ebee_end").empty());
    CHECK(reasons("k256_nano_begin", "k256_nano_end").empty());
    CHECK(reasons("p256_bauer_begin", "p256_bauer_end") ==
          Reasons{BillingReason::meter_not_good, BillingReason::energy_error});
    CHECK(reasons("p256_ebee_end", "p256_ebee_begin") ==
          Reasons{BillingReason::page_does_not_follow});
    CHECK(reasons("k256_secondkey_begin", "k256_nano_end") ==
          Reasons{BillingReason::end_below_begin, BillingReason::end_before_begin,
                  BillingReason::meter_serial_differs, BillingReason::page_does_not_follow});
    CHECK(verify_ocmf(load("k256_secondkey_begin").record, load("k256_nano_begin").key,
                      DerRule::strict) == SignatureVerdict::signature_wrong);
}

}  // namespace tally::bridge
