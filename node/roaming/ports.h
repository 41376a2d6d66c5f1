#pragma once

// What the roaming service asks of the process around it. The node wires these to its replica,
// links and bridge connections (node/main); tests wire them to their own.
// Everything is called on the node's one loop thread, in both directions.

#include "ledger/base/clock.h"
#include "ledger/chain/block.h"
#include "ledger/state/state_view.h"
#include "node/link/bridge_messages.h"
#include "node/link/evidence_messages.h"

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace tally::node {

/// The replicated ledger as roaming sees it.
class LedgerPort {
public:
    virtual ~LedgerPort() = default;
    [[nodiscard]] virtual const Hash& chain_id() const = 0;
    /// State after the last final block; valid until control returns to the loop.
    [[nodiscard]] virtual const StateView& final_state() const = 0;
    [[nodiscard]] virtual UnixMillis final_time() const = 0;
    /// Height of the last final block.
    [[nodiscard]] virtual std::uint64_t final_height() const = 0;
    /// A final block, for what was missed while this service was down. Nothing above the final
    /// height or below the first block that this node has.
    [[nodiscard]] virtual std::optional<FinalizedBlock> read_block(std::uint64_t height) const = 0;
    /// Verifies an encoded envelope, puts it into the mempool and gossips it. False when the pool
    /// is full (try again later) or the envelope is not acceptable now.
    virtual bool submit(Bytes envelope) = 0;
    /// Result of a transaction if it is final and still indexed.
    [[nodiscard]] virtual std::optional<ResultCode> find_result(
        const TransactionRef& ref) const = 0;
    /// Height of its block, on the same condition.
    [[nodiscard]] virtual std::optional<std::uint64_t> find_height(
        const TransactionRef& ref) const = 0;
};

/// Frames of kind `roaming` to other members.
class MemberPort {
public:
    virtual ~MemberPort() = default;
    [[nodiscard]] virtual bool is_connected(const PartyId& member) const = 0;
    /// False when not connected, when the member's program has not announced all of `needs` (bits
    /// of node/link/link.h), or the queue is full; the outbox tries again.
    virtual bool send(const PartyId& member, Bytes frame, std::uint64_t needs) = 0;
};

/// The bridges of this operator.
class BridgePort {
public:
    virtual ~BridgePort() = default;
    /// False when that bridge is not connected or its queue is full.
    virtual bool send(const std::string& bridge_id, const BridgeMessage& message) = 0;
    virtual bool send_evidence(const std::string& bridge_id, const EvidenceMessage& message) = 0;
};

/// One-shot timers of the loop.
class TimerPort {
public:
    virtual ~TimerPort() = default;
    /// Calls `action` once, not before `delay` has passed.
    virtual void after(std::chrono::milliseconds delay, std::function<void()> action) = 0;
};

}  // namespace tally::node
