#pragma once

#include "ledger/base/random.h"
#include "ledger/crypto/signer.h"
#include "node/accounts/staged_store.h"
#include "node/roaming/messages.h"
#include "node/roaming/ports.h"
#include "node/roaming/roaming_options.h"

#include <functional>
#include <map>
#include <optional>
#include <vector>

namespace tally::node {

/// How much a message matters.
enum class Delivery : std::uint8_t {
    once,          ///< sent once by the best path; the next one replaces it (figures, receipts)
    acknowledged,  ///< sent again until acknowledged or expired; forgotten by a restart
    durable,       ///< the same, kept in the store
};

/// Signs messages to other members and sees that they arrive: through the hub, and directly when
/// the hub is not connected, does not know the addressee, or gives no receipt in time.
///
/// Durability: messages leave in `send_ready`, which the owner calls after its commit.
/// Bounds: `outbox_messages_max` unacknowledged messages; more are dropped and counted.
/// Threads: one owner.
class Courier {
public:
    /// All must outlive the courier.
    struct Parts {
        LedgerPort& ledger;
        MemberPort& members;
        Signer& key;
        Random& random;
        StagedStore& store;
        RoamingMetrics metrics;
    };
    Courier(const RoamingOptions& options, const PartyId& hub, Parts parts);

    /// Reads durable messages from the store; they are sent again.
    void load(UnixMillis now);

    /// Makes and queues a message. `expires` ends the repetition.
    MessageId send(const PartyId& to, const RoamingBody& body, Delivery delivery,
                   UnixMillis expires);
    /// The same with a body and id that were made before.
    void send_again(const PartyId& to, const MessageId& id, Bytes body, UnixMillis expires);
    /// Signs everything that waits with the key as it is now.
    void sign_again();
    /// A frame that another member signed, for the hub to pass on. Not kept.
    bool forward(const SignedMessage& message, Bytes frame) {
        return m_parts.members.send(message.to, std::move(frame), features_needed(message.body));
    }

    void on_receipt(const HubReceipt& receipt, UnixMillis now);
    void on_acknowledgement(const PartyId& from, const MessageId& id);
    void on_connected(const PartyId& member);
    /// Ends the repetition of a message that is no longer needed.
    void cancel(const MessageId& id);

    /// Sends what was queued. Gives the ids that now wait for a hub's receipt: the owner calls
    /// `on_relay_timeout` for them after `relay_wait`.
    [[nodiscard]] std::vector<MessageId> send_ready(UnixMillis now);
    void on_relay_timeout(const MessageId& id, UnixMillis now);
    /// Repeats and expires.
    void tick(UnixMillis now);

    [[nodiscard]] std::size_t size() const noexcept { return m_outbox.size(); }

private:
    struct Outgoing {
        SignedMessage message;
        bool durable{false};
        bool has_receipt{false};
        bool awaits_receipt{false};
        UnixMillis expires{0};
        UnixMillis last{0};
        std::uint32_t attempts{0};
    };

    [[nodiscard]] SignedMessage sign(const PartyId& to, const MessageId& id, Bytes body);
    void store(const Outgoing& outgoing);
    void keep(SignedMessage message, Delivery delivery, UnixMillis expires);
    [[nodiscard]] bool is_hub_usable(const PartyId& to, UnixMillis now) const;
    bool send_directly(SignedMessage message);
    bool send_by_hub(const SignedMessage& message);
    void transmit(Outgoing& outgoing, UnixMillis now, std::vector<MessageId>* awaiting);
    void erase(std::map<MessageId, Outgoing>::iterator found);
    void count(std::string_view name) const;

    const RoamingOptions& m_options;
    PartyId m_hub;
    Parts m_parts;
    std::map<MessageId, Outgoing> m_outbox;
    std::vector<SignedMessage> m_once;  ///< queued, sent by the next `send_ready`
    std::vector<MessageId> m_ready;     ///< in the outbox, not sent yet
    UnixMillis m_hub_distrusted_until{0};
};

}  // namespace tally::node
