#include "node/roaming/token_registrar.h"

#include <algorithm>

namespace tally::node {
namespace {

std::vector<TokenKeyId> ids_of(const std::vector<SharedTokenKey>& keys) {
    std::vector<TokenKeyId> ids;
    for (const SharedTokenKey& key : keys) {
        ids.push_back(key.id);
    }
    return ids;
}

}  // namespace

TokenRegistrar::TokenRegistrar(RoamingContext& context, MemberPort& members,
                               const TokenParts& parts)
    : m_context{context},
      m_members{members},
      m_work{parts.work},
      m_keys{parts.keys},
      m_mirror{std::make_shared<TokenMirror>(*parts.store, parts.keys.front())},
      m_state{m_mirror->state()} {}

std::string TokenRegistrar::card_of(const std::string& token) const {
    return token.substr(PartyId::size + 1);
}

/// One job with the mirror; afterwards things go on.
bool TokenRegistrar::run(Work work, std::function<void()> done) {
    const auto state = std::make_shared<TokenMirror::State>();
    const bool accepted = m_work(
        [mirror = m_mirror, state, work = std::move(work)] {
            work(*mirror);
            *state = mirror->state();
        },
        [this, state, done = std::move(done)] {
            --m_jobs;
            m_state = *state;
            done();
            advance();
        });
    m_jobs += accepted ? 1 : 0;
    return accepted;
}

bool TokenRegistrar::add(std::vector<std::string> cards, std::function<void()> done) {
    const auto refused = std::make_shared<std::size_t>(0);
    return run(
        [cards = std::move(cards), refused](TokenMirror& mirror) { *refused = mirror.add(cards); },
        [this, refused, done = std::move(done)] {
            m_nothing_waits = false;
            if (*refused > 0) {
                m_context.count("tokens_too_many");
            }
            done();
        });
}

void TokenRegistrar::advance() {
    if (m_jobs > 0 || gather() || clear()) {
        return;
    }
    follow_hub();
}

// ---- cards

void TokenRegistrar::on_new_customer(const std::string& token) {
    if (m_fresh.size() >= token_fresh_max) {
        m_gathered_to = std::string{};
        return;
    }
    m_fresh.insert(card_of(token));
}

/// Whether a job for it runs now.
bool TokenRegistrar::gather() {
    if (!m_fresh.empty()) {
        const bool runs = add({m_fresh.begin(), m_fresh.end()}, [] {});
        if (runs) {
            m_fresh.clear();
        }
        return runs;
    }
    if (m_gathered_to) {
        return gather_customers();
    }
    return m_kept_to && gather_kept();
}

bool TokenRegistrar::gather_customers() {
    const auto customers = m_context.accounts.list(*m_gathered_to, token_gather_step);
    if (customers.empty()) {
        m_gathered_to.reset();
        return m_kept_to && gather_kept();
    }
    std::vector<std::string> cards;
    for (const Customer& customer : customers) {
        cards.push_back(card_of(customer.token));
    }
    return add(std::move(cards), [this, from = *m_gathered_to, last = customers.back().token] {
        if (m_gathered_to == from) {
            m_gathered_to = last;
        }
    });
}

bool TokenRegistrar::gather_kept() {
    const auto last = std::make_shared<std::optional<std::string>>();
    return run(
        [last, from = *m_kept_to](TokenMirror& mirror) {
            const auto cards = mirror.kept(from, token_gather_step);
            mirror.add(cards);
            if (!cards.empty()) {
                *last = cards.back();
            }
        },
        [this, last] {
            m_nothing_waits = false;
            m_kept_to = *last;
        });
}

bool TokenRegistrar::clear() {
    if (!m_clearing) {
        return false;
    }
    const auto more = std::make_shared<bool>(false);
    return run([more](TokenMirror& mirror) { *more = mirror.clear_other_keys(token_clear_step); },
               [this, more] { m_clearing = *more; });
}

void TokenRegistrar::keep(std::vector<std::string> cards, std::function<void(bool)> done) {
    const bool accepted = m_work(
        [mirror = m_mirror, cards = std::move(cards)] {
            mirror->keep(cards);
            mirror->add(cards);
        },
        [this, done] {
            m_nothing_waits = false;
            done(true);
            advance();
        });
    if (!accepted) {
        done(false);
    }
}

void TokenRegistrar::forget(std::vector<std::string> cards, std::function<void(bool)> done) {
    std::vector<std::string> gone;
    for (const std::string& card : cards) {
        // A customer of that card keeps it registered.
        if (!m_context.accounts.find(to_text(m_context.options.self) + "-" + card)) {
            gone.push_back(card);
        }
    }
    const bool accepted = m_work(
        [mirror = m_mirror, cards = std::move(cards), gone = std::move(gone)] {
            mirror->forget(cards);
            mirror->remove(gone);
        },
        [this, done] {
            m_nothing_waits = false;
            done(true);
            advance();
        });
    if (!accepted) {
        done(false);
    }
}

// ---- the hub

void TokenRegistrar::send(TokenMessage message) {
    m_awaiting = true;
    m_asked = now();
    m_context.courier.send(m_context.hub, std::move(message), Delivery::once, 0);
}

void TokenRegistrar::follow_hub() {
    const UnixMillis time = now();
    if (!m_members.is_connected(m_context.hub)) {
        m_hub.reset();
        m_awaiting = false;
        return;
    }
    if (m_awaiting && m_asked + token_reply_wait_ms > time) {
        return;
    }
    if (m_awaiting) {
        m_context.count("tokens_hub_silent");
        m_awaiting = false;
        m_hub.reset();
    }
    if (m_paused_until > time) {
        return;
    }
    if (!m_hub || m_compared + token_compare_ms <= time) {
        m_compared = time;
        send(TokenStatusRequest{});
        return;
    }
    switch (m_state.phase) {
        case TokenMirror::Phase::gathering:
            if (!m_gathered_to && !m_kept_to) {
                begin_sending();
            }
            return;
        case TokenMirror::Phase::sending:
            send_set();
            return;
        case TokenMirror::Phase::in_force:
            if (m_hub->version != m_state.version || m_hub->sequence < m_state.sequence) {
                m_context.count("tokens_set_sent_again");
                begin_sending();
            } else if (!m_nothing_waits) {
                send_changes();
            } else if (m_hub->count != m_state.count) {
                m_context.count("tokens_set_sent_again");
                begin_sending();
            }
            return;
    }
}

void TokenRegistrar::begin_sending() {
    const std::uint64_t version =
        std::max({m_hub->version, m_hub->next_version, m_state.version}) + 1;
    run([version](TokenMirror& mirror) { mirror.begin_sending(version); }, [] {});
}

void TokenRegistrar::send_set() {
    if (m_hub->version == m_state.version) {
        const std::uint64_t sequence = m_hub->sequence;
        run([sequence](TokenMirror& mirror) { mirror.set_in_force(sequence); },
            [this] {
                m_nothing_waits = false;
                m_context.count("tokens_set_in_force");
            });
    } else if (m_hub->next_version == m_state.version) {
        send_chunk(false);
    } else if (std::max(m_hub->version, m_hub->next_version) < m_state.version) {
        send_chunk(true);
    } else {
        begin_sending();
    }
}

void TokenRegistrar::send_chunk(bool is_first) {
    const std::optional<TokenHash> after =
        is_first || m_hub->next_count == 0 ? std::nullopt : std::optional{m_hub->next_last};
    TokenChunk chunk;
    chunk.key = m_keys.front().id;
    chunk.version = m_state.version;
    chunk.is_first = is_first;
    chunk.after = after.value_or(TokenHash{});
    chunk.older = ids_of(m_keys);
    chunk.older.erase(chunk.older.begin());
    const auto made = std::make_shared<TokenChunk>(std::move(chunk));
    run(
        [made, after](TokenMirror& mirror) {
            made->hashes = mirror.hashes(after, token_chunk_max);
            made->is_last = made->hashes.size() < token_chunk_max;
        },
        [this, made] { send(std::move(*made)); });
}

void TokenRegistrar::send_changes() {
    const auto made = std::make_shared<TokenChange>();
    // Never used twice, not even over a restart: a receipt must mean this very change.
    m_sequence = std::max({m_hub->sequence + 1, m_state.sequence + 1, m_sequence + 1,
                           static_cast<std::uint64_t>(m_context.clock.now())});
    const std::uint64_t sequence = m_sequence;
    run(
        [made, sequence](TokenMirror& mirror) {
            *made = mirror.waiting(token_chunk_max);
            made->sequence = sequence;
        },
        [this, made] {
            if (made->added.empty() && made->removed.empty()) {
                m_nothing_waits = true;
            } else {
                m_sent = *made;
                send(std::move(*made));
            }
        });
}

void TokenRegistrar::on_status(const TokenStatus& status) {
    m_awaiting = false;
    m_status = status;
    TokenSetState own;
    own.key = m_keys.front().id;
    for (const TokenSetState& state : status.own) {
        if (state.key == own.key) {
            own = state;
        }
    }
    m_hub = own;
    advance();
}

void TokenRegistrar::on_receipt(const TokenReceipt& receipt) {
    if (receipt.state.key != m_keys.front().id || !m_awaiting) {
        return;
    }
    m_awaiting = false;
    switch (receipt.result) {
        case TokenResult::taken:
            m_hub = receipt.state;
            if (m_sent && m_sent->version == receipt.state.version &&
                m_sent->sequence == receipt.state.sequence) {
                const TokenChange sent = *m_sent;
                m_sent.reset();
                run([sent](TokenMirror& mirror) { mirror.taken(sent); }, [] {});
                return;
            }
            break;
        case TokenResult::out_of_step:
            m_hub = receipt.state;
            break;
        case TokenResult::too_many:
            m_context.count("tokens_too_many");
            m_paused_until = now() + token_compare_ms;
            break;
        case TokenResult::busy:
            m_paused_until = now() + token_pause_ms;
            break;
    }
    advance();
}

TokenView TokenRegistrar::view() const {
    TokenView view;
    view.keys = ids_of(m_keys);
    switch (m_state.phase) {
        case TokenMirror::Phase::gathering:
            view.phase = "gathering";
            break;
        case TokenMirror::Phase::sending:
            view.phase = "sending";
            break;
        case TokenMirror::Phase::in_force:
            view.phase = m_nothing_waits ? "registered" : "changing";
            break;
    }
    view.cards = m_state.count;
    view.version = m_state.version;
    view.gathered = !m_gathered_to && !m_kept_to && m_fresh.empty();
    view.hub = m_status;
    return view;
}

}  // namespace tally::node
