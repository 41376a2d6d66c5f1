#include "consensus/sync/sync_client.h"

#include <algorithm>
#include <tuple>
#include <utility>

namespace tally::consensus {
namespace {

/// Queries in flight in all, and so the most that `wanted` is asked for.
constexpr std::size_t queries_max{64};
/// Between two requests for a peer's offer.
constexpr std::chrono::seconds offer_interval{2};
/// What a peer does not have is remembered for this many queries; then it is asked again.
constexpr std::size_t not_held_max{4096};
/// Snapshots that nobody had when they were chosen; then they may be offered again.
constexpr std::size_t denied_max{256};
/// Offers of a peer that led nowhere so often do not keep a node from starting without a snapshot.
constexpr std::size_t strikes_max{3};

}  // namespace

SyncClient::SyncClient(SyncOptions options, SnapshotSink& sink, Time now)
    : m_options{options}, m_sink{sink}, m_started{now} {}

SyncEffects SyncClient::on_connected(const Peer& peer, Time now) {
    SyncEffects effects;
    if (peer.member && m_liars.contains(*peer.member)) {
        effects.disconnects.emplace_back(peer.id, "has lied about a snapshot before");
        return effects;
    }
    forget(peer.id);
    m_peers.try_emplace(peer.id).first->second.peer = peer;
    ask_offer(peer.id, now, effects);
    return effects;
}

SyncEffects SyncClient::on_disconnected(PeerId peer, Time now) {
    SyncEffects effects;
    forget(peer);
    advance(now, effects);
    return effects;
}

SyncEffects SyncClient::on_message(PeerId peer, const Message& message, Time now) {
    SyncEffects effects;
    if (const auto* request = std::get_if<SnapshotRequest>(&message)) {
        effects.sends.emplace_back(peer, SnapshotResponse{request->id, {}});
        return effects;
    }
    const auto* response = std::get_if<SnapshotResponse>(&message);
    const auto remote = m_peers.find(peer);
    if (response == nullptr || remote == m_peers.end()) {
        return effects;
    }
    const auto found = m_asked.find(response->id);
    if (found == m_asked.end() || found->second.peer != peer) {
        return effects;  // late, or nobody asked
    }
    const Asked asked = std::move(found->second);
    m_asked.erase(found);
    --remote->second.outstanding;
    if (asked.query.empty()) {
        take_offer(remote->second, response->answer, now, effects);
    } else {
        take_answer(asked, response->answer, now, effects);
    }
    advance(now, effects);
    return effects;
}

SyncEffects SyncClient::on_tick(Time now) {
    SyncEffects effects;
    time_out(now);
    advance(now, effects);
    return effects;
}

std::size_t SyncClient::sources() const {
    return static_cast<std::size_t>(
        std::count_if(m_peers.begin(), m_peers.end(),
                      [this](const auto& entry) { return offers_chosen(entry.second); }));
}

bool SyncClient::offers_chosen(const Remote& remote) const {
    return m_chosen && remote.offer && remote.offer->digest == *m_chosen;
}

void SyncClient::ask_offer(PeerId peer, Time now, SyncEffects& effects) {
    Remote& remote = m_peers.at(peer);
    const std::uint64_t id = m_next_id++;
    m_asked[id] = Asked{peer, {}, now};
    ++remote.outstanding;
    remote.offer_again = now + offer_interval;
    effects.sends.emplace_back(peer, SnapshotRequest{id, m_sink.offer_query()});
}

void SyncClient::take_offer(Remote& remote, ByteView answer, Time now, SyncEffects& effects) {
    remote.answered = true;
    remote.offer.reset();
    if (answer.empty()) {
        return;
    }
    remote.offer = m_sink.read_offer(answer);
    if (!remote.offer) {
        const PeerId id = remote.peer.id;
        blame(id, "an offer that is no manifest of this chain", effects);
        return;
    }
    if (is_worth_it(*remote.offer) && !m_first_offer) {
        m_first_offer = now;
    }
}

void SyncClient::take_answer(const Asked& asked, ByteView answer, Time now, SyncEffects& effects) {
    switch (m_sink.accept(asked.query, answer)) {
        case SnapshotSink::Verdict::accepted:
            m_progress_at = now;
            ++m_period_answers;
            return;
        case SnapshotSink::Verdict::not_held: {
            std::set<Bytes>& not_held = m_peers.at(asked.peer).not_held;
            if (not_held.size() >= not_held_max) {
                not_held.clear();
            }
            not_held.insert(asked.query);
            return;
        }
        case SnapshotSink::Verdict::wrong_answer:
            blame(asked.peer, m_sink.problem(), effects);
            return;
        case SnapshotSink::Verdict::wrong_offer:
            blame_offer(m_sink.problem(), effects);
            return;
    }
}

void SyncClient::blame(PeerId peer, const std::string& why, SyncEffects& effects) {
    const std::optional<MemberKey> member = m_peers.at(peer).peer.member;
    if (member) {
        m_liars.insert(*member);
    }
    ++m_lies;
    effects.disconnects.emplace_back(peer, why);
    forget(peer);
}

/// Only those who sent the very same manifest: others may offer the true one of the same block.
void SyncClient::blame_offer(const std::string& why, SyncEffects& effects) {
    std::vector<PeerId> liars;
    for (const auto& [id, remote] : m_peers) {
        if (remote.offer && remote.offer->manifest == m_manifest) {
            liars.push_back(id);
        }
    }
    for (const PeerId id : liars) {
        blame(id, why, effects);
    }
    m_chosen.reset();
    m_step = SyncStep::asking;
}

void SyncClient::forget(PeerId peer) {
    m_peers.erase(peer);
    for (auto asked = m_asked.begin(); asked != m_asked.end();) {
        asked = asked->second.peer == peer ? m_asked.erase(asked) : std::next(asked);
    }
}

/// Silence is no lie: the peer rests and others are asked.
void SyncClient::time_out(Time now) {
    for (auto asked = m_asked.begin(); asked != m_asked.end();) {
        if (now - asked->second.at < m_options.answer_timeout) {
            ++asked;
            continue;
        }
        Remote& remote = m_peers.at(asked->second.peer);
        --remote.outstanding;
        remote.rest_until = now + m_options.answer_timeout;
        asked = m_asked.erase(asked);
    }
}

void SyncClient::advance(Time now, SyncEffects& effects) {
    if (m_step == SyncStep::asking) {
        choose_offer(now, effects);
    }
    if (m_step == SyncStep::fetching) {
        fetch(now, effects);
    }
    const bool needs_offers =
        m_step == SyncStep::asking || (m_step == SyncStep::fetching && sources() == 0);
    if (!needs_offers) {
        return;
    }
    std::vector<PeerId> idle;
    for (const auto& [id, remote] : m_peers) {
        if (remote.outstanding == 0 && remote.offer_again <= now && remote.rest_until <= now) {
            idle.push_back(id);
        }
    }
    for (const PeerId id : idle) {
        ask_offer(id, now, effects);
    }
}

bool SyncClient::is_worth_it(const SnapshotSink::Offer& offer) const {
    return offer.height > 0 && (offer.height > m_options.min_height || m_sink.must_finish());
}

std::size_t SyncClient::strikes_of(const Remote& remote) const {
    const auto found = m_strikes.find(remote.peer.member);
    return found == m_strikes.end() ? 0 : found->second;
}

/// With the manifest that most of its sources sent.
const SnapshotSink::Offer& SyncClient::Candidate::offer() const {
    const auto most = std::max_element(
        by_manifest.begin(), by_manifest.end(),
        [](const auto& left, const auto& right) { return left.second.first < right.second.first; });
    return *most->second.second;
}

SyncClient::Candidates SyncClient::find_candidates() const {
    Candidates candidates;
    for (const auto& [id, remote] : m_peers) {
        const std::size_t strikes = strikes_of(remote);
        const bool is_candidate = remote.offer && is_worth_it(*remote.offer) &&
                                  !m_denied.contains(remote.offer->digest) &&
                                  (strikes < strikes_max || m_sink.must_finish());
        if (!is_candidate) {
            continue;
        }
        Candidate& candidate = candidates[remote.offer->digest];
        candidate.strikes = candidate.peers == 0 ? strikes : std::min(candidate.strikes, strikes);
        ++candidate.peers;
        auto& [count, offer] = candidate.by_manifest[remote.offer->manifest];
        ++count;
        offer = &*remote.offer;
    }
    return candidates;
}

/// Enough peers have nothing, and what the others offer (if anything) has led nowhere before; or
/// nobody offers anything for long.
bool SyncClient::starts_without(const Candidates& candidates, Time now) {
    const bool has_hope = std::any_of(candidates.begin(), candidates.end(),
                                      [](const auto& entry) { return entry.second.strikes == 0; });
    if (has_hope || m_sink.must_finish()) {
        return false;
    }
    std::size_t answered{0};
    std::size_t without{0};
    for (const auto& [id, remote] : m_peers) {
        answered += remote.answered ? 1 : 0;
        const bool has_candidate = remote.offer && candidates.contains(remote.offer->digest);
        without += remote.answered && !has_candidate ? 1 : 0;
    }
    if (without >= m_options.answers_needed && !m_enough_at) {
        m_enough_at = now;
    }
    const bool heard =
        m_enough_at && (answered == m_peers.size() || now - *m_enough_at >= m_options.offer_wait);
    return heard || (candidates.empty() && now - m_started >= m_options.give_up_after);
}

/// The snapshot that was begun with, if anybody has it; else what most peers have, the newest of
/// those. What is offered by peers whose offers led nowhere comes last.
void SyncClient::choose_offer(Time now, SyncEffects& effects) {
    const Candidates candidates = find_candidates();
    if (starts_without(candidates, now)) {
        m_step = SyncStep::nothing;
        return;
    }
    if (candidates.empty()) {
        return;
    }
    const auto best = std::max_element(candidates.begin(), candidates.end(),
                                       [](const auto& left, const auto& right) {
                                           const Candidate& a = left.second;
                                           const Candidate& b = right.second;
                                           return std::tuple{b.strikes, a.peers, a.offer().height} <
                                                  std::tuple{a.strikes, b.peers, b.offer().height};
                                       });
    const std::optional<Hash> begun = m_sink.begun();
    const auto resumed = begun ? candidates.find(*begun) : candidates.end();
    const bool can_resume =
        resumed != candidates.end() && resumed->second.strikes <= best->second.strikes;
    const bool waited = m_first_offer && now - *m_first_offer >= m_options.offer_wait;
    const auto answered = static_cast<std::size_t>(std::count_if(
        m_peers.begin(), m_peers.end(), [](const auto& entry) { return entry.second.answered; }));
    const bool have_all = answered == m_peers.size() && answered >= m_options.answers_needed;
    if (!can_resume && !waited && !have_all) {
        return;
    }
    const SnapshotSink::Offer offer = (can_resume ? resumed : best)->second.offer();
    m_chosen = offer.digest;
    m_manifest = offer.manifest;
    if (m_sink.choose(offer) != SnapshotSink::Verdict::accepted) {
        blame_offer(m_sink.problem(), effects);
        return;
    }
    m_manifest = m_sink.manifest_in_use();
    m_progress_at = now;
    m_period_at = now;
    m_period_answers = 0;
    for (auto& [id, remote] : m_peers) {
        remote.not_held.clear();
    }
    m_step = SyncStep::fetching;
}

SyncClient::Remote* SyncClient::find_free(const Bytes& query, Time now) {
    Remote* best{nullptr};
    for (auto& [id, remote] : m_peers) {
        const bool may_ask = offers_chosen(remote) && remote.rest_until <= now &&
                             remote.outstanding < m_options.queries_per_peer &&
                             !remote.not_held.contains(query);
        if (may_ask && (best == nullptr || remote.outstanding < best->outstanding)) {
            best = &remote;
        }
    }
    return best;
}

void SyncClient::fetch(Time now, SyncEffects& effects) {
    if (m_sink.is_complete()) {
        m_step = SyncStep::complete;
        return;
    }
    std::set<Bytes> in_flight;
    for (const auto& [id, asked] : m_asked) {
        in_flight.insert(asked.query);
    }
    bool is_gone{false};
    for (const Bytes& query : m_sink.wanted(queries_max)) {
        if (in_flight.contains(query)) {
            continue;
        }
        Remote* const remote = find_free(query, now);
        if (remote == nullptr) {
            is_gone = is_gone || is_lost(query);
            continue;
        }
        const std::uint64_t id = m_next_id++;
        m_asked[id] = Asked{remote->peer.id, query, now};
        ++remote->outstanding;
        effects.sends.emplace_back(remote->peer.id, SnapshotRequest{id, query});
    }
    const bool has_no_source = sources() == 0 && !m_peers.empty() &&
                               std::all_of(m_peers.begin(), m_peers.end(),
                                           [](const auto& entry) { return entry.second.answered; });
    if (is_gone) {
        m_sink.give_up();
        if (m_denied.size() >= denied_max) {
            m_denied.clear();
        }
        m_denied.insert(*m_chosen);
    }
    const bool led_nowhere = is_gone || is_stalled(now);
    if (led_nowhere) {
        strike_sources();
    }
    if (led_nowhere || has_no_source) {
        start_over(now);
    }
}

bool SyncClient::is_lost(const Bytes& query) const {
    return sources() > 0 && std::all_of(m_peers.begin(), m_peers.end(), [&](const auto& entry) {
               return !offers_chosen(entry.second) || entry.second.not_held.contains(query);
           });
}

/// Also when nobody has the snapshot any more and one of the others says nothing at all, and when a
/// source answers just so often that it does not fall silent.
bool SyncClient::is_stalled(Time now) {
    if (m_peers.empty()) {  // nobody is to blame
        m_progress_at = now;
        m_period_at = now;
        m_period_answers = 0;
    }
    bool drips{false};
    if (now - m_period_at >= m_options.stalled_after) {
        drips = m_period_answers < m_options.progress_min;
        m_period_at = now;
        m_period_answers = 0;
    }
    return drips || now - m_progress_at >= m_options.stalled_after;
}

void SyncClient::strike_sources() {
    for (const auto& [id, remote] : m_peers) {
        if (offers_chosen(remote)) {
            ++m_strikes[remote.peer.member];
        }
    }
}

/// Asks everybody again. What is here of the snapshot is kept in case that somebody offers it.
void SyncClient::start_over(Time now) {
    m_started = now;
    m_chosen.reset();
    m_first_offer.reset();
    m_enough_at.reset();
    m_step = SyncStep::asking;
    for (auto& [id, remote] : m_peers) {
        remote.offer.reset();
        remote.answered = false;
        remote.offer_again = now;
    }
}

}  // namespace tally::consensus
