#pragma once

// The node's parts in the terms that roaming asks for. Each adapter only translates.

#include "node/process/node_links.h"
#include "node/replica/replica.h"
#include "node/roaming/ports.h"
#include "node/runtime/asio_timers.h"

#include <memory>
#include <string>

namespace tally::node {

class ReplicaLedgerPort final : public LedgerPort {
public:
    explicit ReplicaLedgerPort(Replica& replica) : m_replica{replica} {}
    [[nodiscard]] const Hash& chain_id() const override;
    [[nodiscard]] const StateView& final_state() const override;
    [[nodiscard]] UnixMillis final_time() const override;
    [[nodiscard]] std::uint64_t final_height() const override;
    [[nodiscard]] std::optional<FinalizedBlock> read_block(std::uint64_t height) const override;
    bool submit(Bytes envelope) override;
    [[nodiscard]] std::optional<ResultCode> find_result(const TransactionRef& ref) const override;
    [[nodiscard]] std::optional<std::uint64_t> find_height(
        const TransactionRef& ref) const override;

private:
    Replica& m_replica;
};

/// `links` is set once they exist, and is null before.
class LinkMemberPort final : public MemberPort {
public:
    explicit LinkMemberPort(const std::unique_ptr<NodeLinks>& links) : m_links{links} {}
    [[nodiscard]] bool is_connected(const PartyId& member) const override;
    bool send(const PartyId& member, Bytes frame, std::uint64_t needs) override;

private:
    const std::unique_ptr<NodeLinks>& m_links;
};

class LinkBridgePort final : public BridgePort {
public:
    LinkBridgePort(const Replica& replica, const std::unique_ptr<NodeLinks>& links,
                   const PartyId& self)
        : m_replica{replica}, m_links{links}, m_self{self} {}
    bool send(const std::string& bridge_id, const BridgeMessage& message) override;
    bool send_evidence(const std::string& bridge_id, const EvidenceMessage& message) override;

private:
    const Replica& m_replica;
    const std::unique_ptr<NodeLinks>& m_links;
    PartyId m_self;
};

class LoopTimerPort final : public TimerPort {
public:
    explicit LoopTimerPort(boost::asio::io_context& io) : m_timers{io} {}
    void after(std::chrono::milliseconds delay, std::function<void()> action) override {
        m_timers.after(delay, std::move(action));
    }
    void cancel_all() { m_timers.cancel_all(); }

private:
    AsioTimers m_timers;
};

}  // namespace tally::node
