#include "charger_bridge/signed_texts.h"

#include "charger_bridge/metering/signed_track.h"
#include "charger_bridge/ocmf/find_records.h"
#include "charger_bridge/ocmf/record.h"
#include "charger_bridge/ocmf/verify.h"

#include <iterator>
#include <utility>

namespace tally::bridge {

namespace {

SignedText judged(std::string text, const MeterTrust& trust) {
    if (text.size() > signed_text_bytes_max) {
        text.resize(signed_text_bytes_max);
        return {std::move(text), "too_large", "the record is longer than any meter's"};
    }
    const auto record = parse_ocmf(text);
    if (!record) {
        return {std::move(text), "unreadable", record.error()};
    }
    if (!trust.key) {
        return {std::move(text), "no_key",
                "no key is known for this meter, neither on the ledger nor at the site"};
    }
    const SignatureVerdict verdict = verify_ocmf(*record, *trust.key, trust.rule);
    return {std::move(text), to_text(verdict), explain(verdict)};
}

}  // namespace

SignedTexts signed_texts_of(const std::vector<std::string>& texts, const MeterTrust& trust) {
    std::vector<std::string> records;
    for (const std::string& text : texts) {
        std::vector<std::string> found = find_ocmf(text);
        std::move(found.begin(), found.end(), std::back_inserter(records));
    }
    SignedTexts result;
    constexpr std::size_t half{signed_texts_judged_max / 2};
    for (std::size_t i = 0; i < records.size(); ++i) {
        const bool is_in_middle = i >= half && i + half < records.size();
        if (is_in_middle) {
            ++result.left_out;
        } else {
            result.judged.push_back(judged(std::move(records[i]), trust));
        }
    }
    return result;
}

}  // namespace tally::bridge
