#pragma once

#include "consensus/simplex/leader.h"
#include "tests/simulator/sim_node.h"

#include <functional>
#include <memory>
#include <optional>

namespace tally::simulator {

/// One process of a corrupted machine: its actor, and what the actor is given of the machine. The
/// production driver beside it is a follower.
class SimNode::Corruption final : public Stage {
public:
    Corruption(SimNode& node, consensus::Application& application, consensus::Driver& driver);
    ~Corruption() override;
    Corruption(const Corruption&) = delete;
    Corruption& operator=(const Corruption&) = delete;

    /// True: the follower sees the frame as well.
    [[nodiscard]] bool hears(NodeIndex from, const FramePtr& frame);
    [[nodiscard]] bool lets_out(NodeIndex to, const consensus::Message& message);
    void turn();
    void silence() { m_actor->silence(); }

    [[nodiscard]] NodeIndex index() const override { return m_node.m_index; }
    [[nodiscard]] std::size_t machines() const override;
    [[nodiscard]] SimRandom& random() override { return m_random; }
    [[nodiscard]] UnixMillis wall_time() const override { return m_node.m_clock.now(); }
    [[nodiscard]] SimApplicationKind& kind() override { return m_node.m_world.kind; }
    [[nodiscard]] consensus::Application& application() override { return m_application; }
    [[nodiscard]] std::optional<SnapshotLie> snapshot_lie() const override {
        return m_node.m_snapshot_lie;
    }
    [[nodiscard]] std::uint64_t epoch() const override { return m_epoch.epoch; }
    [[nodiscard]] consensus::View view() const override { return m_view; }
    [[nodiscard]] std::size_t validators() const override { return m_epoch.validators.size(); }
    [[nodiscard]] std::optional<consensus::ValidatorIndex> self() const override { return m_self; }
    [[nodiscard]] consensus::ValidatorIndex leader(consensus::View view) const override {
        return m_leaders->leader(view);
    }
    [[nodiscard]] Signature sign(const VoteStatement& statement, const Hash& chain_id) override;
    [[nodiscard]] bool holds(const QuorumCertificate& certificate) override;
    void send(NodeIndex to, const consensus::Message& message) override;
    void send_bytes(NodeIndex to, Bytes bytes) override;
    void later(SimTime delay, std::function<void()> action) override;

private:
    void renew();

    SimNode& m_node;
    consensus::Application& m_application;
    consensus::Driver& m_driver;
    SimRandom m_random;
    consensus::View m_view{0};
    consensus::EpochInfo m_epoch;
    std::vector<VerifyKey> m_keys;
    std::optional<consensus::ValidatorIndex> m_self;
    std::optional<consensus::LeaderSchedule> m_leaders;
    std::unique_ptr<Actor> m_actor;
};

}  // namespace tally::simulator
