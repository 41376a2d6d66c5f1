#include "node/roaming/evidence_desk.h"

#include "ledger/base/overloaded.h"
#include "ledger/state/queries.h"
#include "node/roaming/ledger_changes.h"

#include <algorithm>
#include <utility>

namespace tally::node {

namespace {

/// A message is given up after so long: its sender makes a new one.
constexpr UnixMillis message_lifetime_ms{8'000};
/// How often it is looked up who lacks something.
constexpr std::chrono::milliseconds look_interval{2'000};

/// What was charged by the action; null when nothing was.
const MeteredCharge* metered_of(const Action& action) {
    if (const auto* const record = std::get_if<RecordCharge>(&action)) {
        return &record->metered;
    }
    if (const auto* const late = std::get_if<LateCharge>(&action)) {
        return &late->charge.metered;
    }
    const auto* const rebilled = std::get_if<RebillCharge>(&action);
    return rebilled != nullptr ? &rebilled->charge.metered : nullptr;
}

}  // namespace

EvidenceDesk::EvidenceDesk(RoamingContext& context, KeyValueStore* store)
    : m_context{context},
      m_from_bridges{[this](const std::string&, const EvidenceOffer& offer) {
          return judge(offer, m_context.options.self);
      }},
      m_from_members{[this](const std::string& peer, const EvidenceOffer& offer) {
          const auto visited = party_from_text(peer);
          const bool is_ours = offer.authorization.signer == m_context.options.self;
          return visited && is_ours ? judge(offer, *visited) : Wanted::unknown;
      }} {
    if (store != nullptr) {
        m_store.emplace(*store);
    }
}

std::chrono::milliseconds EvidenceDesk::now() const {
    return std::chrono::duration_cast<std::chrono::milliseconds>(m_context.clock.monotonic());
}

EvidenceDesk::Wanted EvidenceDesk::judge(const EvidenceOffer& offer, const PartyId& visited) const {
    if (!m_store) {
        return Wanted::unknown;
    }
    if (m_store->has(offer.hash)) {
        return Wanted::kept;
    }
    return is_recorded(offer, visited) ? Wanted::wanted : Wanted::unknown;
}

/// Whether what is charged for the authorization by this visited operator names the hash.
bool EvidenceDesk::is_recorded(const EvidenceOffer& offer, const PartyId& visited) const {
    const StateView& state = m_context.ledger.final_state();
    const auto authorization = find_authorization(state, offer.authorization);
    if (authorization && authorization->record && authorization->visited == visited &&
        is_named({visited, authorization->record->transaction}, offer)) {
        return true;
    }
    const auto correction = find_correction(state, offer.authorization);
    return correction && correction->visited == visited &&
           std::any_of(correction->charges.begin(), correction->charges.end(),
                       [&](const auto& charge) { return is_named(charge.record, offer); });
}

bool EvidenceDesk::is_named(const TransactionRef& ref, const EvidenceOffer& offer) const {
    const auto height = m_context.ledger.find_height(ref);
    const auto block = height ? m_context.ledger.read_block(*height) : std::nullopt;
    if (!block) {
        return false;  // this node has only what came after it
    }
    for (const FinalTransaction& transaction : final_transactions(*block)) {
        const MeteredCharge* const metered = metered_of(transaction.action);
        if (transaction.ref == ref && metered != nullptr) {
            return metered->evidence == offer.hash && metered->authorization == offer.authorization;
        }
    }
    return false;
}

std::optional<EvidenceAnswer> EvidenceDesk::take(EvidenceReceiver& receiver,
                                                 const std::string& peer,
                                                 const EvidenceMessage& message) {
    if (const auto* const offer = std::get_if<EvidenceOffer>(&message)) {
        return receiver.on_offer(peer, *offer, now());
    }
    const auto* const chunk = std::get_if<EvidenceChunk>(&message);
    if (chunk == nullptr) {
        return std::nullopt;
    }
    const auto result = receiver.on_chunk(peer, *chunk, now());
    if (!result.whole) {
        if (result.answer.verdict == EvidenceVerdict::refused) {
            m_context.count("evidence_refused");
        }
        return result.answer;
    }
    const EvidenceOffer& offer = result.whole->offer;
    const PartyId& home = offer.authorization.signer;
    const bool is_ours = home == m_context.options.self;
    m_store->keep({offer.hash, offer.authorization}, result.whole->file,
                  is_ours ? std::nullopt : std::optional{home});
    m_context.count("evidence_kept");
    return EvidenceAnswer{offer.hash, EvidenceVerdict::kept, 0};
}

void EvidenceDesk::on_bridge(const std::string& bridge_id, const EvidenceMessage& message) {
    if (const auto answer = take(m_from_bridges, bridge_id, message)) {
        // What is lost is asked for again.
        static_cast<void>(m_context.bridges.send_evidence(bridge_id, *answer));
    } else {
        m_context.count("roaming_bridge_misuse");
    }
}

void EvidenceDesk::on_member(const PartyId& from, const EvidenceMessage& message) {
    if (const auto* const answer = std::get_if<EvidenceAnswer>(&message)) {
        on_answer(from, *answer);
    } else if (const auto reply = take(m_from_members, to_text(from), message)) {
        send(from, *reply);
    }
}

void EvidenceDesk::on_answer(const PartyId& from, const EvidenceAnswer& answer) {
    const auto sender = m_senders.find(from);
    if (sender == m_senders.end()) {
        return;
    }
    switch (sender->second.on_answer(answer, now())) {
        case EvidenceSender::Outcome::none:
            return;
        case EvidenceSender::Outcome::done:
            m_store->sent(from, answer.hash);
            m_context.count("evidence_delivered");
            return;
        case EvidenceSender::Outcome::refused:
            m_context.count("evidence_refused_by_home");
            return;
    }
}

void EvidenceDesk::on_connected(const PartyId& member) {
    if (const auto sender = m_senders.find(member); sender != m_senders.end()) {
        sender->second.restart();
    }
}

void EvidenceDesk::send(const PartyId& to, EvidenceMessage message) {
    m_context.courier.send(to, RoamingBody{std::move(message)}, Delivery::acknowledged,
                           m_context.clock.now() + message_lifetime_ms);
}

EvidenceSender& EvidenceDesk::sender_to(const PartyId& home) {
    EvidenceSender::Source source;
    source.waiting = [this, home](const std::optional<Hash>& after, std::size_t count_max) {
        std::vector<WaitingEvidence> waiting;
        for (const EvidenceStore::Named& one : m_store->waiting(home, after, count_max)) {
            waiting.push_back({one.hash, one.authorization});
        }
        return waiting;
    };
    source.file = [this](const Hash& hash) { return m_store->find(hash); };
    source.send = [this, home](EvidenceMessage message) { send(home, std::move(message)); };
    return m_senders.try_emplace(home, std::move(source)).first->second;
}

void EvidenceDesk::tick() {
    if (!m_store) {
        return;
    }
    m_from_bridges.drop_late(now());
    m_from_members.drop_late(now());
    if (m_next_look <= now()) {
        m_next_look = now() + look_interval;
        for (const PartyId& home : m_store->lacking(evidence_homes_max)) {
            static_cast<void>(sender_to(home));
        }
    }
    for (auto& [home, sender] : m_senders) {
        sender.tick(now());
    }
}

}  // namespace tally::node
