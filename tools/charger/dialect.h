#pragma once

// What a charger says, in the words of one OCPP version. Pure: values to messages and back.

#include "ledger/base/clock.h"
#include "tools/charger/ocpp_line.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

namespace tally::tools {

enum class OcppVersion : std::uint8_t { v16, v201 };

/// OCPP 1.6's states; 2.0.1 says Occupied for those in between.
enum class ConnectorState : std::uint8_t {
    available,
    preparing,
    charging,
    suspended,
    finishing,
    faulted,
    unavailable,
};

enum class ReadingContext : std::uint8_t { begin, periodic, end };

struct MeterReading {
    UnixMillis time{0};
    std::int64_t register_wh{0};
    std::optional<std::int64_t> power_w;
    ReadingContext context{ReadingContext::periodic};
    std::string sealed;  ///< OCMF text; empty: not signed
};

/// How signed readings name their meter.
struct SealFacts {
    std::string algorithm;   ///< "ECDSA-secp256r1-SHA256"
    std::string public_key;  ///< DER, in hexadecimal
};

enum class StopReason : std::uint8_t {
    local,       ///< the driver
    remote,      ///< the central system asked
    car,         ///< unplugged
    power_loss,  ///< the charger was without power
    reset,       ///< asked by the central system
    unlock,      ///< asked by the central system
    refused,     ///< the central system did not accept the token
};

/// One charge as the charger knows it. Its messages refer to it, because in 1.6 the number comes
/// with the answer, while messages that need it may wait already.
struct ChargeFacts {
    std::uint32_t connector{1};
    std::string token;
    MeterReading first;
    std::string id;                      ///< 2.0.1: the charger's own, at most 36 characters
    std::optional<std::int64_t> number;  ///< 1.6: given with the answer; -1 goes out until then
    std::uint32_t next_sequence{0};      ///< 2.0.1
    bool number_forgotten{false};        ///< says -1 whatever it was given
};
using SharedCharge = std::shared_ptr<ChargeFacts>;

/// What an answer means.
struct AnswerMeaning {
    std::string word;  ///< "Accepted", "Invalid", an error code; "ok" where there is no status
    bool accepted{true};
    std::optional<std::int64_t> transaction;
    std::optional<std::int64_t> heartbeat_s;
};

enum class CommandKind : std::uint8_t {
    remote_start,
    remote_stop,
    trigger,
    reset,
    unlock,
    cost,  ///< what the charge costs so far; nothing to do
    setting,
    other,
};

/// What the central system wants.
struct CentralCommand {
    CommandKind kind{CommandKind::other};
    std::string transaction;  ///< the number as text in 1.6
    std::string token;
    std::uint32_t connector{0};  ///< 0: not said
    std::string what;            ///< of a trigger
};

class Dialect {
public:
    virtual ~Dialect() = default;
    Dialect() = default;
    Dialect(const Dialect&) = delete;
    Dialect& operator=(const Dialect&) = delete;

    [[nodiscard]] virtual const char* protocol() const = 0;

    [[nodiscard]] virtual OutgoingCall boot(bool after_power_loss) const = 0;
    [[nodiscard]] OutgoingCall heartbeat() const;
    [[nodiscard]] virtual OutgoingCall status(std::uint32_t connector, ConnectorState state,
                                              UnixMillis time) const = 0;
    [[nodiscard]] virtual OutgoingCall authorize(const std::string& token) const = 0;
    /// The amount that the driver prepays, as docs/protocol/bridge.md has it.
    [[nodiscard]] OutgoingCall prepaid(const std::string& amount) const;

    // Messages of a charge. `offline` is what 2.0.1 calls so; 1.6 has no word for it.
    [[nodiscard]] virtual OutgoingCall start(const SharedCharge& charge, bool offline) const = 0;
    [[nodiscard]] virtual OutgoingCall sample(const SharedCharge& charge,
                                              const MeterReading& reading, bool offline) const = 0;
    [[nodiscard]] virtual OutgoingCall stop(const SharedCharge& charge, const MeterReading& reading,
                                            StopReason reason, bool offline) const = 0;

    [[nodiscard]] AnswerMeaning understand(const OutgoingCall& call,
                                           const CallAnswer& answer) const;
    [[nodiscard]] virtual CentralCommand understand(const IncomingCall& call) const = 0;
    /// The answer to a command; nothing where only an error says it: NotImplemented.
    [[nodiscard]] virtual std::optional<boost::json::object> reply(const IncomingCall& call,
                                                                   bool accepted) const = 0;
};

[[nodiscard]] std::unique_ptr<Dialect> make_dialect(OcppVersion version, SealFacts seal);
[[nodiscard]] std::unique_ptr<Dialect> make_dialect16(SealFacts seal);
[[nodiscard]] std::unique_ptr<Dialect> make_dialect201(SealFacts seal);

/// "1.6" or "2.0.1".
[[nodiscard]] const char* to_text(OcppVersion version);
/// "2026-03-01T08:00:00.123Z".
[[nodiscard]] std::string utc_text(UnixMillis time);
/// The public key as OCPP's application note wants it: base64 of "oca:base16:asn1:" and the DER.
[[nodiscard]] std::string public_key_text(const SealFacts& seal);

}  // namespace tally::tools
