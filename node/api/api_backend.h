#pragma once

// What the HTTP API asks of the node. Called on the node's loop thread.

#include "ledger/store/ledger.h"
#include "node/roaming/session_view.h"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace tally::node {

/// What became of an envelope that was handed in. Only `accepted` means that it is in the mempool
/// and on its way to the others; finality is asked for by transaction id.
enum class SubmitResult : std::uint8_t {
    accepted,
    already_known,   ///< in the mempool or final: nothing to do
    malformed,       ///< not an envelope, or a transaction in it does not decode
    unknown_signer,  ///< the signer is not a member
    bad_signature,
    expired,    ///< a not_after is not in (now, now + 120 s]
    pool_full,  ///< this member's share of the mempool is used up: try again later
    busy,       ///< too many envelopes are being verified: try again later
};
[[nodiscard]] const char* to_text(SubmitResult result);

struct NodeStatus {
    PartyId member;
    MemberRole role{MemberRole::operator_};
    std::uint64_t height{0};
    Hash digest;
    Hash state_root;
    UnixMillis block_time{0};
    std::uint64_t view{0};
    std::vector<PartyId> peers;  ///< members connected now
    std::vector<PartyId> validators;
    std::vector<std::string> bridges;  ///< bridges connected now
};

class ApiBackend {
public:
    virtual ~ApiBackend() = default;
    [[nodiscard]] virtual NodeStatus status() const = 0;
    /// Why the node should get no traffic now; empty when it is ready.
    [[nodiscard]] virtual std::vector<std::string> not_ready_reasons() const = 0;
    [[nodiscard]] virtual const Ledger& ledger() const = 0;
    /// Folder of the segment files.
    [[nodiscard]] virtual std::string segments_folder() const = 0;
    /// Newest first, at most `count_max`, behind `after` when given.
    [[nodiscard]] virtual std::vector<SessionView> sessions(std::optional<SessionId> after,
                                                            std::size_t count_max) const = 0;
    [[nodiscard]] virtual std::optional<SessionView> session(const SessionId& id) const = 0;
    virtual void submit(Bytes envelope, std::function<void(SubmitResult)> done) = 0;
    [[nodiscard]] virtual std::string metrics_text() = 0;
};

}  // namespace tally::node
