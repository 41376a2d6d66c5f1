#include "charger_bridge/session/session_table.h"

#include "charger_bridge/session/evidence.h"
#include "ledger/base/check.h"
#include "ledger/crypto/sha256.h"

#include <algorithm>
#include <limits>
#include <utility>

namespace tally::bridge {

namespace {

Bytes session_key(const SessionId& id) {
    return std::move(Encoder{}.u8(SessionTable::key_prefix).fixed(id)).take();
}

}  // namespace

Bytes SessionTable::counter_key() { return std::move(Encoder{}.text("transaction-next")).take(); }

bool SessionTable::load(ByteView value) {
    std::optional<Session> session = decode_session(value);
    if (!session) {
        return false;
    }
    const bool finished = session->is_finished();
    const LiveSession& live = add(std::move(*session));
    if (finished) {
        m_finished[live.record.station].push_back(live.record.id);
        ++m_finished_count;
        m_is_finished.insert(live.record.id);
        close(live);
    }
    return true;
}

void SessionTable::finish_loading() {
    for (auto& [station, finished] : m_finished) {
        std::stable_sort(finished.begin(), finished.end(),
                         [this](const SessionId& left, const SessionId& right) {
                             return m_sessions.at(left).record.finished_at <
                                    m_sessions.at(right).record.finished_at;
                         });
    }
}

bool SessionTable::load_counter(ByteView value) {
    Decoder decoder{value};
    const std::int32_t stored = decoder.i32();
    m_next_transaction = std::max(m_next_transaction, stored);
    return decoder.finished() && stored > 0;
}

void SessionTable::index(const LiveSession& session) {
    const Session& record = session.record;
    if (record.transaction != 0) {
        m_by_transaction[{record.station, record.transaction}] = record.id;
        m_by_start[record.start_facts] = record.id;
        m_numbers.insert(static_cast<std::uint64_t>(record.transaction));
    }
    if (record.review.number != 0) {
        m_numbers.insert(record.review.number);
    }
    if (!record.stop_facts.is_zero()) {
        m_by_stop[record.stop_facts] = record.id;
    }
    if (record.authorization != AuthorizationRef{}) {
        m_by_authorization[record.authorization] = record.id;
    }
}

void SessionTable::close(const LiveSession& session) {
    auto& open = m_open_by_station[session.record.station];
    open.erase(std::remove(open.begin(), open.end(), &session), open.end());
}

void SessionTable::unindex(const LiveSession& live) {
    const Session& session = live.record;
    m_by_transaction.erase({session.station, session.transaction});
    m_numbers.erase(static_cast<std::uint64_t>(session.transaction));
    m_numbers.erase(session.review.number);
    const auto start = m_by_start.find(session.start_facts);
    if (start != m_by_start.end() && start->second == session.id) {
        m_by_start.erase(start);
    }
    const auto stop = m_by_stop.find(session.stop_facts);
    if (stop != m_by_stop.end() && stop->second == session.id) {
        m_by_stop.erase(stop);
    }
    const auto approval = m_by_authorization.find(session.authorization);
    if (approval != m_by_authorization.end() && approval->second == session.id) {
        m_by_authorization.erase(approval);
    }
    close(live);
}

LiveSession& SessionTable::add(Session session) {
    const SessionId id = session.id;
    LiveSession live;
    live.record = std::move(session);
    live.order = m_next_order++;
    const auto [place, inserted] = m_sessions.emplace(id, std::move(live));
    ENSURE(inserted);
    m_open_by_station[place->second.record.station].push_back(&place->second);
    index(place->second);
    return place->second;
}

LiveSession* SessionTable::find(const SessionId& id) {
    const auto found = m_sessions.find(id);
    return found != m_sessions.end() ? &found->second : nullptr;
}

LiveSession* SessionTable::find_transaction(const std::string& station, std::int64_t transaction) {
    const auto found = m_by_transaction.find({station, transaction});
    return found != m_by_transaction.end() ? find(found->second) : nullptr;
}

LiveSession* SessionTable::find_start(const Hash& facts) {
    const auto found = m_by_start.find(facts);
    return found != m_by_start.end() ? find(found->second) : nullptr;
}

LiveSession* SessionTable::find_authorization(const AuthorizationRef& authorization) {
    const auto found = m_by_authorization.find(authorization);
    return found != m_by_authorization.end() ? find(found->second) : nullptr;
}

LiveSession* SessionTable::find_stop(const Hash& facts) {
    const auto found = m_by_stop.find(facts);
    return found != m_by_stop.end() ? find(found->second) : nullptr;
}

void SessionTable::retire_start(LiveSession& session, WriteBatch& batch) {
    m_by_start.erase(session.record.start_facts);
    session.record.start_facts =
        sha256(session.record.start_facts.view(), session.record.id.view());
    save(session, batch);
}

LiveSession* SessionTable::find_charging(const std::string& station, std::uint16_t connector) {
    for (LiveSession* session : open_of(station)) {
        if (session->record.state == SessionState::charging &&
            session->record.connector == connector) {
            return session;
        }
    }
    return nullptr;
}

std::vector<LiveSession*> SessionTable::open_of(const std::string& station) {
    std::vector<LiveSession*> result;
    const auto found = m_open_by_station.find(station);
    if (found != m_open_by_station.end()) {
        result = found->second;
    }
    // Loaded sessions come in order of their ids; the time of the swipe is what counts.
    std::stable_sort(result.begin(), result.end(), [](const auto* left, const auto* right) {
        return left->record.asked_at < right->record.asked_at;
    });
    return result;
}

std::vector<LiveSession*> SessionTable::open() {
    std::vector<LiveSession*> result;
    for (const auto& [station, open] : m_open_by_station) {
        result.insert(result.end(), open.begin(), open.end());
    }
    return result;
}

std::vector<const LiveSession*> SessionTable::all() const {
    std::vector<const LiveSession*> result;
    for (const auto& [id, session] : m_sessions) {
        result.push_back(&session);
    }
    return result;
}

void SessionTable::save(LiveSession& session, WriteBatch& batch) {
    index(session);
    batch.put(session_key(session.record.id), encode_session(session.record));
    if (!session.record.is_finished() || m_is_finished.contains(session.record.id)) {
        return;
    }
    const SessionId id = session.record.id;
    close(session);
    m_finished[session.record.station].push_back(id);
    ++m_finished_count;
    m_is_finished.insert(id);
    if (m_finished_count > finished_sessions_max) {
        const SessionId oldest = fullest().front();
        remove(oldest, batch);
    }
}

std::deque<SessionId>& SessionTable::fullest() {
    return std::max_element(m_finished.begin(), m_finished.end(),
                            [](const auto& left, const auto& right) {
                                return left.second.size() < right.second.size();
                            })
        ->second;
}

bool SessionTable::take_finished(const LiveSession& session) {
    const auto found = m_finished.find(session.record.station);
    if (found == m_finished.end()) {
        return false;
    }
    std::deque<SessionId>& finished = found->second;
    const auto place = std::find(finished.begin(), finished.end(), session.record.id);
    if (place == finished.end()) {
        return false;
    }
    finished.erase(place);
    --m_finished_count;
    if (finished.empty()) {
        m_finished.erase(found);
    }
    return true;
}

void SessionTable::keep(const SessionId& id) {
    const LiveSession* const session = find(id);
    if (session != nullptr && take_finished(*session)) {
        m_kept.insert(id);
    }
}

void SessionTable::let_go(const SessionId& id) {
    if (m_kept.erase(id) > 0) {
        m_finished[m_sessions.at(id).record.station].push_front(id);
        ++m_finished_count;
    }
}

void SessionTable::remove(const SessionId& id, WriteBatch& batch) {
    const auto found = m_sessions.find(id);
    if (found == m_sessions.end()) {
        return;
    }
    unindex(found->second);
    if (m_is_finished.erase(id) > 0) {
        take_finished(found->second);
        m_kept.erase(id);
    }
    batch.erase(session_key(id));
    if (!is_evidence_named(found->second.record)) {
        erase_evidence(batch, found->second.record);  // Nothing else knows where they are.
    }
    m_sessions.erase(found);
}

std::int32_t SessionTable::take_transaction(WriteBatch& batch) {
    std::int32_t transaction = 0;
    do {
        transaction = m_next_transaction;
        const bool is_last = transaction == std::numeric_limits<std::int32_t>::max();
        m_next_transaction = is_last ? m_first_transaction : transaction + 1;
    } while (m_numbers.contains(static_cast<std::uint64_t>(transaction)));
    batch.put(counter_key(), std::move(Encoder{}.i32(m_next_transaction)).take());
    return transaction;
}

}  // namespace tally::bridge
