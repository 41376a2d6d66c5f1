#pragma once

#include "node/roaming/messages.h"

#include <deque>
#include <set>
#include <utility>

namespace tally::node {

/// Which messages came before: the newest `seen_messages_max` of them.
class SeenMessages {
public:
    [[nodiscard]] bool is_new(const SignedMessage& message) {
        const std::pair<PartyId, MessageId> name{message.from, message.id};
        if (!m_seen.insert(name).second) {
            return false;
        }
        m_order.push_back(name);
        if (m_order.size() > seen_messages_max) {
            m_seen.erase(m_order.front());
            m_order.pop_front();
        }
        return true;
    }

private:
    std::set<std::pair<PartyId, MessageId>> m_seen;
    std::deque<std::pair<PartyId, MessageId>> m_order;
};

}  // namespace tally::node
