#pragma once

// A site in one process and one thread: the session core over a store in memory, a charger that
// repeats what was not answered, and a node that keeps what it got and acknowledges it.

#include "charger_bridge/session/core.h"
#include "ledger/base/memory_store.h"
#include "ledger/crypto/secp256k1.h"

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace tally::bridge::test {

/// 2026-03-01T08:00:00Z
inline constexpr UnixMillis start_time{1'772'352'000'000};

class CountingRandom final : public Random {
public:
    explicit CountingRandom(std::uint8_t seed = 1) : m_next{seed} {}
    void fill(std::span<std::uint8_t> out) override {
        for (std::uint8_t& byte : out) {
            byte = m_next;
            m_next = static_cast<std::uint8_t>(m_next * 5U + 11U);
        }
        // A counter keeps the ids of one run apart although the generator is short.
        if (out.size() >= 8) {
            ++m_count;
            for (std::size_t i = 0; i < 8; ++i) {
                out[i] = static_cast<std::uint8_t>(m_count >> (8 * i));
            }
        }
    }

private:
    std::uint8_t m_next;
    std::uint64_t m_count{0};
};

/// Price 1.2 a kWh all day, no tax: 1 kWh costs 1.2000.
Tariff flat_tariff();
/// 1.00 before 08:30 UTC, 2.00 after.
Tariff two_price_tariff();

/// What the home operator and the ledger would decide.
struct NodePolicy {
    bool accepts{true};
    std::string reason{"insufficient_balance"};
    Money prepaid{50 * money_scale};
    Tariff tariff{flat_tariff()};
    std::uint32_t rated_power_w{60'000};
    std::chrono::milliseconds start_within{300'000};
    Bytes meter_public_key;  ///< of connector 1
    std::int64_t coefficient_permille{node::coefficient_permille_default};
};

/// Everything a site did, driven step by step.
class Site {
public:
    Site();

    // Time.
    Instant now{start_time, std::chrono::milliseconds{1'000'000}};
    void pass(std::chrono::milliseconds time);
    [[nodiscard]] std::string text_now(std::chrono::milliseconds shift = {}) const;

    /// Feeds an event, writes the changes, delivers the effects. Nothing happens after a crash.
    void feed(const Event& event);
    /// Ticks and lets the node answer until nothing more happens.
    void settle();
    [[nodiscard]] MemoryStore& store() { return m_store; }
    /// The process dies and starts again on what is in the store.
    void restart();
    /// The next process dies at the `count`-th write from now on: before it (the write is lost) or
    /// after it (it is on disk, but no effect left). See the kill test.
    void crash_at(int count, bool after_write);
    [[nodiscard]] bool crashed() const { return m_crashed; }

    // The charger. Each gives the answer, or nothing while there is none.
    std::optional<TagStatus> swipe(const std::string& tag = "BBB-1", const std::string& id = "");
    std::optional<AnswerStart> start(std::uint16_t connector, const std::string& tag,
                                     std::int64_t meter, std::string timestamp = {});
    bool values(std::uint16_t connector, std::optional<std::int64_t> transaction,
                std::int64_t meter, std::optional<UnixMillis> time = {});
    bool stop(std::int64_t transaction, std::int64_t meter, std::string timestamp = {},
              const std::string& tag = "");
    /// A charger that names its transactions says something of one; gives the answer.
    struct Report {
        std::string transaction{"T1"};
        std::int64_t sequence{0};
        std::uint16_t connector{0};
        std::optional<std::string> token;
        std::optional<std::int64_t> meter;
        std::optional<UnixMillis> time;  ///< now, when not said
        std::vector<std::string> signed_texts{};
        ReadingContext context{ReadingContext::other};
    };
    struct ReportAnswer {
        std::optional<TagStatus> status;
        std::string reason;
        std::optional<Money> amount;
    };
    std::optional<ReportAnswer> report(ReportKind kind, const Report& report);
    void status(std::uint16_t connector, ConnectorStatus status);
    void connect();
    void disconnect();

    // The node.
    void link_up();
    void link_down();
    NodePolicy policy;
    bool node_answers{true};
    /// What was decided of a session that was asked for, also when it was not answered.
    [[nodiscard]] node::AuthorizeResult decision_of(const SessionId& id) const {
        return m_decided.at(id);
    }
    bool node_acknowledges{true};
    /// Durable messages after removal of repeats, in order of their sequence.
    [[nodiscard]] std::vector<node::BridgeMessage> durable() const;
    template <typename Message>
    [[nodiscard]] std::vector<Message> got() const {
        std::vector<Message> result;
        for (const node::BridgeMessage& message : m_node_got) {
            if (const auto* const found = std::get_if<Message>(&message)) {
                result.push_back(*found);
            }
        }
        return result;
    }
    template <typename Message>
    [[nodiscard]] std::vector<Message> durable_of() const {
        std::vector<Message> result;
        for (const node::BridgeMessage& message : durable()) {
            if (const auto* const found = std::get_if<Message>(&message)) {
                result.push_back(*found);
            }
        }
        return result;
    }

    [[nodiscard]] SessionCore& core() { return *m_core; }
    [[nodiscard]] std::vector<std::string> notes() const { return m_notes; }
    [[nodiscard]] std::size_t count_notes(const std::string& what) const;
    std::vector<RemoteStop> remote_stops;
    std::vector<UnlockConnector> unlocks;
    std::vector<ResetStation> resets;
    IgnoredStop ignored_stop{IgnoredStop::none};  ///< from the next restart on
    CutOffConfig cut_off;                         ///< from the next restart on
    std::int32_t transaction_first{1};            ///< from the next restart on
    /// Of every fact noted under that name.
    [[nodiscard]] std::vector<std::string> details_of(const std::string& what) const;
    std::vector<UpdateCost> costs;
    std::vector<AskPending> asked_pending;
    std::string station{"CP1"};
    KeySigner key;

private:
    void deliver(const Effect& effect);
    void to_node(const node::BridgeMessage& message);
    void answer_request(const node::AuthorizeRequest& request);
    [[nodiscard]] CallKey next_call(const std::string& id = "");
    [[nodiscard]] std::unique_ptr<SessionCore> make_core();

    MemoryStore m_store;
    CountingRandom m_random;
    std::unique_ptr<SessionCore> m_core;
    bool m_linked{false};
    bool m_crashed{false};
    int m_crash_in{0};
    bool m_crash_after_write{false};
    std::uint64_t m_calls{0};
    std::vector<node::BridgeMessage> m_node_got;
    std::map<SessionId, node::AuthorizeResult> m_decided;
    std::vector<node::BridgeMessage> m_inbox;  ///< of the bridge, from the node
    std::map<std::string, Effect> m_answers;   ///< by call id
    std::vector<std::string> m_notes;
    std::vector<std::pair<std::string, std::string>> m_details;
};

}  // namespace tally::bridge::test
