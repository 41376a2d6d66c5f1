#pragma once

#include "charger_bridge/ocmf/public_key.h"
#include "ledger/base/clock.h"
#include "ledger/base/expected.h"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace tally::tools {

/// What a signed reading says.
struct SealedReading {
    char reason{'B'};  ///< OCMF's TX: B, E, ...
    UnixMillis time{0};
    std::int64_t register_wh{0};
    std::string meter_serial;
    std::string token;
    std::uint64_t page{1};  ///< of the transactions of this meter
};

/// The private key of a simulated meter, which signs readings in the Open Charge Metering Format
/// with OpenSSL. Signatures differ from run to run, what is signed does not.
class MeterSeal {
public:
    /// A PEM private key on one of OCMF's curves. The error names the file.
    [[nodiscard]] static Expected<MeterSeal, std::string> from_file(const std::string& path);
    /// The same key for the same words: for simulated meters only.
    [[nodiscard]] static MeterSeal from_words(bridge::MeterCurve curve, std::string_view words);

    MeterSeal(MeterSeal&&) noexcept;
    MeterSeal& operator=(MeterSeal&&) noexcept;
    ~MeterSeal();

    /// DER SubjectPublicKeyInfo, as the key of a meter is registered.
    [[nodiscard]] Bytes public_key() const;
    [[nodiscard]] std::string algorithm() const;  ///< "ECDSA-secp256r1-SHA256"
    /// "OCMF|{...}|{...}" with one reading.
    [[nodiscard]] std::string record(const SealedReading& reading) const;

private:
    struct Impl;
    explicit MeterSeal(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> m_impl;
};

/// "secp256r1" and the others of OCMF; nothing on anything else.
[[nodiscard]] std::optional<bridge::MeterCurve> meter_curve_from_text(std::string_view name);

[[nodiscard]] std::string base64_text(ByteView bytes);

}  // namespace tally::tools
