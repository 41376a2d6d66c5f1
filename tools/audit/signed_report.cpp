#include "tools/audit/signed_report.h"

#include "ledger/crypto/sha256.h"

#include <string_view>

namespace tally::tools {
namespace {

constexpr std::string_view opening{"<!-- tally-audit-signature/v1 "};
constexpr std::string_view closing{" -->\n"};
constexpr const char* tag{"tally/audit-report/v1"};
constexpr std::size_t line_bytes{30 + 2 * PublicKey::size + 1 + 2 * Signature::size + 5};

}  // namespace

std::string sign_report(std::string report, const SecretKey& key) {
    const Signature signature = sign_digest(key, tagged_hash(tag, as_bytes(report)));
    report += opening;
    report += to_hex(public_key_of(key)) + " " + to_hex(signature);
    report += closing;
    return report;
}

Expected<PublicKey, std::string> verify_report(const std::string& report) {
    static_assert(opening.size() == 30 && closing.size() == 5);
    const std::string_view all{report};
    const std::string_view line =
        all.size() < line_bytes ? std::string_view{} : all.substr(all.size() - line_bytes);
    if (!line.starts_with(opening) || !line.ends_with(closing)) {
        return Unexpected{std::string{"the report does not end with a signature"}};
    }
    const std::size_t key_end = opening.size() + 2 * PublicKey::size;
    const auto key = fixed_from_hex<PublicKey>(line.substr(opening.size(), 2 * PublicKey::size));
    const auto signature = fixed_from_hex<Signature>(line.substr(key_end + 1, 2 * Signature::size));
    if (!key || !signature || line[key_end] != ' ') {
        return Unexpected{std::string{"the report's signature cannot be read"}};
    }
    const std::string_view signed_part = all.substr(0, all.size() - line_bytes);
    if (!verify_signature(*key, tagged_hash(tag, as_bytes(signed_part)), *signature)) {
        return Unexpected{std::string{"the report is not what was signed"}};
    }
    return *key;
}

}  // namespace tally::tools
