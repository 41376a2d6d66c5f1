#include "tools/meter/meter_check.h"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include <optional>

namespace tally::tools {
namespace {

std::string energy_text(std::int64_t mwh) {
    constexpr std::int64_t mwh_a_wh{1000};
    std::string fraction = std::to_string(mwh_a_wh + mwh % mwh_a_wh).substr(1);
    return std::to_string(mwh / mwh_a_wh) + "." + fraction + " Wh";
}

std::string reading_text(const char* name, const std::optional<bridge::OcmfReading>& reading) {
    if (!reading) {
        return std::string{name} + "none\n";
    }
    return name + reading->value + " " + reading->unit + " (" + reading->obis + ")\n";
}

}  // namespace

MeterCheck check_meter(const bridge::OcmfRecord& first, const bridge::OcmfRecord* second,
                       const bridge::MeterKey& key, bridge::DerRule rule) {
    MeterCheck check;
    check.signature = bridge::verify_ocmf(first, key, rule);
    if (check.is_valid() && second != nullptr) {
        check.signature = bridge::verify_ocmf(*second, key, rule);
    }
    if (check.is_valid()) {
        check.billing = bridge::check_billing(first, second);
    }
    return check;
}

std::string meter_check_json(const MeterCheck& check) {
    boost::json::array reasons;
    if (!check.is_valid()) {
        reasons.emplace_back(bridge::to_text(check.signature));
    }
    for (const bridge::BillingReason reason : check.billing.reasons) {
        reasons.emplace_back(bridge::to_text(reason));
    }
    boost::json::object object;
    object["signature"] = check.is_valid() ? "valid" : "invalid";
    object["billable"] = check.is_billable();
    object["reasons"] = std::move(reasons);
    return boost::json::serialize(object) + "\n";
}

std::string meter_check_text(const MeterCheck& check) {
    if (!check.is_valid()) {
        return std::string{"signature  INVALID: "} + bridge::explain(check.signature) +
               "\nbillable   no: nothing in the record may be believed\n";
    }
    const bridge::Billing& billing = check.billing;
    std::string text{"signature  valid\n"};
    text += reading_text("begin      ", billing.begin);
    text += reading_text("end        ", billing.end);
    if (billing.is_billable()) {
        return text + "energy     " +
               energy_text(*billing.end->energy_mwh - *billing.begin->energy_mwh) +
               "\nbillable   yes\n";
    }
    text += "billable   NO\n";
    for (const bridge::BillingReason reason : billing.reasons) {
        text += std::string{"  "} + bridge::to_text(reason) + ": " + bridge::explain(reason) + "\n";
    }
    return text;
}

}  // namespace tally::tools
