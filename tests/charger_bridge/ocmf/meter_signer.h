#pragma once

#include "charger_bridge/ocmf/public_key.h"
#include "charger_bridge/ocmf/record.h"

#include <memory>
#include <string>
#include <string_view>

namespace tally::bridge {

/// A meter with a fresh key of one curve, made and used with OpenSSL and nothing of the code that
/// is tested.
class MeterSigner {
public:
    explicit MeterSigner(MeterCurve curve);
    ~MeterSigner();
    MeterSigner(const MeterSigner&) = delete;
    MeterSigner& operator=(const MeterSigner&) = delete;

    [[nodiscard]] Bytes key_info() const;                      ///< DER SubjectPublicKeyInfo
    [[nodiscard]] Bytes point() const;                         ///< 04 | X | Y
    [[nodiscard]] std::string pem() const;                     ///< PUBLIC KEY
    [[nodiscard]] MeterKey key() const;                        ///< read from `key_info`
    [[nodiscard]] Bytes sign(std::string_view payload) const;  ///< DER, over SHA-256
    [[nodiscard]] std::string algorithm() const;
    /// A record whose signature section names the algorithm.
    [[nodiscard]] std::string record(std::string_view payload) const;

private:
    struct Impl;
    std::unique_ptr<Impl> m_impl;
    MeterCurve m_curve;
};

[[nodiscard]] std::string base64_of(ByteView bytes);

/// A record of the payload and a signature section of these fields.
[[nodiscard]] std::string record_text(std::string_view payload, std::string_view signature_fields);

/// The parts of a payload with one reading at begin and one at end, for tests to change.
struct PayloadParts {
    std::string general{R"("FV":"1.0","GS":"G1","PG":"T7","MS":"M1","IL":"TRUSTED")"};
    std::string begin{R"("TM":"2026-03-01T08:00:00,000+0000 S","TX":"B","RV":1000.5,)"
                      R"("RI":"1-b:1.8.0","RU":"kWh","EF":"","ST":"G")"};
    std::string end{R"("TM":"2026-03-01T09:00:00,000+0000 S","TX":"E","RV":1011.25,)"
                    R"("RI":"1-b:1.8.0","RU":"kWh","EF":"","ST":"G")"};
    [[nodiscard]] std::string text() const;
};
/// `text` with the first `from` replaced; the test fails when it is not there.
[[nodiscard]] std::string with(std::string text, std::string_view from, std::string_view to);

/// Parsed; the test fails when the text is no record.
[[nodiscard]] OcmfRecord parsed(const std::string& text);

}  // namespace tally::bridge
