#include "node/roaming/roaming_service.h"

#include "ledger/base/overloaded.h"
#include "ledger/state/queries.h"
#include "node/roaming/courier.h"
#include "node/roaming/evidence_desk.h"
#include "node/roaming/home_desk.h"
#include "node/roaming/hub_desk.h"
#include "node/roaming/seen_messages.h"
#include "node/roaming/submitter.h"
#include "node/roaming/token_desk.h"
#include "node/roaming/visited_desk.h"

#include <algorithm>

namespace tally::node {
namespace {

/// Key of the height up to which blocks were taken in: 'R', 'm'.
const Bytes height_key{'R', 'm'};

/// There is one hub, and it stays the same member whatever keys it has.
PartyId hub_of(const StateView& state) {
    for (const MemberRecord& record : list_members(state)) {
        if (record.member.role == MemberRole::hub) {
            return record.member.party;
        }
    }
    ENSURE(false);
    return {};
}

}  // namespace

class RoamingService::Impl : public std::enable_shared_from_this<Impl> {
public:
    Impl(RoamingParts parts, RoamingOptions options)
        : m_options{std::move(options)},
          m_parts{std::move(parts)},
          m_hub{hub_of(m_parts.ledger.final_state())},
          m_submitter{{.self = m_options.self, .pending_max = submissions_max},
                      m_parts.ledger,
                      m_parts.member_key,
                      m_parts.random,
                      m_parts.store},
          m_courier{m_options,
                    m_hub,
                    {m_parts.ledger, m_parts.members, m_parts.member_key, m_parts.random,
                     m_parts.store, m_parts.metrics}},
          m_context{m_options,
                    m_parts.ledger,
                    m_parts.bridges,
                    m_parts.clock,
                    m_parts.random,
                    m_parts.store,
                    m_parts.accounts,
                    m_submitter,
                    m_courier,
                    m_parts.metrics,
                    m_hub,
                    {},
                    {}},
          m_tokens{m_context, m_parts.members,
                   TokenParts{m_parts.tokens.keys, m_parts.tokens.store,
                              [this](std::function<void()> work, std::function<void()> done) {
                                  return off_the_loop(std::move(work), std::move(done));
                              }},
                   m_options.self == m_hub},
          m_visited{m_context, m_tokens.directory()},
          m_home{m_context, {m_parts.link_secret}},
          m_evidence{m_context, m_parts.evidence} {
        if (m_parts.backup != nullptr) {
            m_backup.emplace(m_context, *m_parts.backup);
        }
    }

    void start();
    void on_bridge_connected(const std::string& bridge_id);
    void on_bridge_message(const std::string& bridge_id, const BridgeMessage& message);
    bool on_member_frame(const PartyId& peer, ByteView frame);
    void on_member_connected(const PartyId& peer);
    void on_final_block(const FinalizedBlock& block);
    void on_keys_changed(std::vector<SecretKey> link_secrets);
    bool stop_charge(const SessionId& session);
    [[nodiscard]] std::vector<SessionView> sessions(std::size_t count) const;
    [[nodiscard]] std::optional<SessionView> find_session(const SessionId& session) const;
    [[nodiscard]] Load load() const;
    [[nodiscard]] TokenDesk& tokens() { return m_tokens; }
    [[nodiscard]] EvidenceDesk& evidence() { return m_evidence; }
    [[nodiscard]] UnmatchedCharges& unmatched() { return m_visited.unmatched(); }

private:
    bool off_the_loop(std::function<void()> work, std::function<void()> done);
    void after(std::chrono::milliseconds delay, std::function<void()> action);
    /// Has the end of this turn come soon. Every input calls it.
    void touch();
    void end_turn();
    void tick();

    void take_missed_blocks(std::uint64_t until);
    void take_block(const FinalizedBlock& block);
    void take_transaction(const FinalTransaction& transaction, UnixMillis block_time);
    [[nodiscard]] std::uint64_t stored_height() const;
    void store_height();

    [[nodiscard]] bool is_authentic(const SignedMessage& message);
    bool relay(const PartyId& peer, const SignedMessage& message, ByteView frame);
    void receive(const SignedMessage& message, const RoamingBody& body);
    void acknowledge(const SignedMessage& message);
    [[nodiscard]] SessionView with_figures(SessionView view) const;

    RoamingOptions m_options;
    RoamingParts m_parts;
    PartyId m_hub;
    Submitter m_submitter;
    Courier m_courier;
    RoamingContext m_context;
    TokenDesk m_tokens;
    VisitedDesk m_visited;
    HomeDesk m_home;
    EvidenceDesk m_evidence;
    std::optional<HubDesk> m_backup;

    bool m_turn_open{false};
    std::uint64_t m_height{0};
    UnixMillis m_block_time{0};
    std::map<PartyId, VerifyKey> m_keys;
    std::map<PartyId, std::size_t> m_unauthentic;  ///< frames in a row, by peer
    SeenMessages m_seen;
};

// ---- turns

void RoamingService::Impl::after(std::chrono::milliseconds delay, std::function<void()> action) {
    const std::weak_ptr<Impl> self = weak_from_this();
    m_parts.timers.after(delay, [self, action = std::move(action)] {
        if (const auto alive = self.lock()) {
            action();
            alive->touch();
        }
    });
}

bool RoamingService::Impl::off_the_loop(std::function<void()> work, std::function<void()> done) {
    const std::weak_ptr<Impl> self = weak_from_this();
    return m_parts.tokens.work(std::move(work), [self, done = std::move(done)] {
        if (const auto alive = self.lock()) {
            done();
            alive->touch();
        }
    });
}

void RoamingService::Impl::touch() {
    if (m_turn_open) {
        return;
    }
    m_turn_open = true;
    const std::weak_ptr<Impl> self = weak_from_this();
    m_parts.timers.after(std::chrono::milliseconds{0}, [self] {
        if (const auto alive = self.lock()) {
            alive->end_turn();
        }
    });
}

void RoamingService::Impl::end_turn() {
    m_turn_open = false;
    const UnixMillis now = m_parts.clock.now();
    m_submitter.sign_pending(now);
    m_parts.store.commit();
    if (m_backup) {
        m_backup->commit();
    }
    // Nothing before this line was visible outside.
    auto shown = std::move(m_context.when_durable);
    m_context.when_durable.clear();
    for (const auto& action : shown) {
        action();
    }
    for (const MessageId& id : m_courier.send_ready(now)) {
        after(m_options.relay_wait,
              [this, id] { m_courier.on_relay_timeout(id, m_parts.clock.now()); });
    }
    m_submitter.hand_out(now);
}

void RoamingService::Impl::tick() {
    const UnixMillis now = m_parts.clock.now();
    for (const SubmissionOwner& owner :
         m_submitter.take_given_up(m_block_time, now, m_options.submission_lifetime_ms)) {
        m_home.on_given_up(owner);
    }
    m_visited.on_time(m_block_time);
    m_home.on_time(m_block_time);
    m_courier.tick(now);
    m_tokens.tick();
    m_evidence.tick();
    if (m_backup) {
        m_backup->on_time(now);
    }
    after(m_options.tick, [this] { tick(); });
}

void RoamingService::Impl::start() {
    m_context.after = [this](std::chrono::milliseconds delay, std::function<void()> action) {
        after(delay, std::move(action));
    };
    const UnixMillis now = m_parts.clock.now();
    m_submitter.load();
    m_courier.load(now);
    m_visited.load();
    m_home.load();
    if (m_backup) {
        m_backup->load();
    }
    m_height = stored_height();
    take_missed_blocks(m_parts.ledger.final_height());
    m_block_time = m_parts.ledger.final_time();
    store_height();  // no session is ever stored without the height it was opened at
    m_visited.resume();
    m_parts.accounts.on_new_customer(
        [this](const std::string& token) { m_tokens.on_new_customer(token); });
    touch();
    after(m_options.tick, [this] { tick(); });
}

std::uint64_t RoamingService::Impl::stored_height() const {
    const auto bytes = m_parts.store.get(height_key);
    if (!bytes) {
        return m_parts.ledger.final_height();  // a new store has no sessions to catch up for
    }
    Decoder decoder{*bytes};
    const std::uint64_t height = decoder.u64();
    ENSURE(decoder.finished());
    return height;
}

// ---- inputs

void RoamingService::Impl::on_bridge_connected(const std::string& bridge_id) {
    m_visited.on_bridge_connected(bridge_id);
    touch();
}

void RoamingService::Impl::on_bridge_message(const std::string& bridge_id,
                                             const BridgeMessage& message) {
    m_visited.on_message(bridge_id, message);
    touch();
}

void RoamingService::Impl::on_member_connected(const PartyId& peer) {
    m_courier.on_connected(peer);
    m_tokens.on_connected(peer);
    m_evidence.on_connected(peer);
    m_courier.tick(m_parts.clock.now());
    touch();
}

void RoamingService::Impl::on_keys_changed(std::vector<SecretKey> link_secrets) {
    m_home.set_link_secrets(std::move(link_secrets));
    m_submitter.sign_again();
    m_courier.sign_again();
    touch();
}

bool RoamingService::Impl::stop_charge(const SessionId& session) {
    const bool stopping = m_visited.stop_charge(session);
    touch();
    return stopping;
}

void RoamingService::Impl::on_final_block(const FinalizedBlock& block) {
    const std::uint64_t height = block.block.header.height;
    take_missed_blocks(height - 1);
    if (height == m_height + 1) {
        take_block(block);
        touch();
    }
}

void RoamingService::Impl::take_missed_blocks(std::uint64_t until) {
    while (m_height < until) {
        if (const auto missed = m_parts.ledger.read_block(m_height + 1)) {
            take_block(*missed);
            continue;
        }
        // The state came from others, without the blocks that made it.
        ++m_height;
        m_context.count("roaming_block_unknown");
    }
}

void RoamingService::Impl::take_block(const FinalizedBlock& block) {
    m_block_time = block.block.header.time;
    m_height = block.block.header.height;
    bool changed = !block.events.empty();
    for (const Event& event : block.events) {
        if (event.kind != EventKind::expired) {
            continue;
        }
        m_visited.on_expired(event);
        m_home.on_expired(event);
        if (m_backup) {
            m_backup->on_expired(event);
        }
    }
    for (const FinalTransaction& transaction : final_transactions(block)) {
        take_transaction(transaction, m_block_time);
        changed = true;
    }
    // Empty blocks need not be written down: seeing them again changes nothing.
    if (changed || m_height % 64 == 0) {
        store_height();
    }
}

void RoamingService::Impl::store_height() {
    Encoder encoder;
    encoder.u64(m_height);
    m_parts.store.put(height_key, std::move(encoder).take());
}

void RoamingService::Impl::take_transaction(const FinalTransaction& transaction,
                                            UnixMillis block_time) {
    // A repetition of what is in an earlier leaf says nothing new.
    if (transaction.result == ResultCode::exists ||
        transaction.result == ResultCode::exists_different) {
        return;
    }
    if (transaction.ref.signer == m_options.self) {
        if (const auto owner = m_submitter.take_result(transaction.ref.id)) {
            const bool ours_at_home =
                owner->action == OwnAction::decide || owner->action == OwnAction::settle;
            if (ours_at_home) {
                m_home.on_own_result(*owner, transaction);
            } else {
                m_visited.on_own_result(*owner, transaction, block_time);
            }
        }
    }
    m_visited.on_final(transaction);
    m_home.on_final(transaction);
    if (m_backup) {
        m_backup->on_final(transaction);
    }
}

// ---- messages of members

bool RoamingService::Impl::on_member_frame(const PartyId& peer, ByteView frame) {
    const auto message = decode_signed_message(frame);
    if (!message || message->from == m_options.self) {
        m_context.count("roaming_frame_refused");
        return false;
    }
    if (!is_authentic(*message)) {
        m_context.count("roaming_frame_unauthentic");
        return ++m_unauthentic[peer] <= unauthentic_in_a_row_max;
    }
    m_unauthentic.erase(peer);
    touch();
    if (message->to != m_options.self) {
        return relay(peer, *message, frame);
    }
    const auto body = decode_roaming_body(message->body);
    if (!body || (peer != message->from && peer != m_hub)) {
        m_context.count("roaming_frame_refused");
        return false;
    }
    receive(*message, *body);
    return true;
}

bool RoamingService::Impl::is_authentic(const SignedMessage& message) {
    const auto member = find_member(m_parts.ledger.final_state(), message.from);
    if (!member) {
        return false;
    }
    auto known = m_keys.find(message.from);
    if (known == m_keys.end() || known->second.public_key() != member->member.member_key) {
        const auto key = VerifyKey::parse(member->member.member_key);
        if (!key) {
            return false;
        }
        known = m_keys.insert_or_assign(message.from, *key).first;
    }
    return known->second.verify(message.signing_digest(m_parts.ledger.chain_id()),
                                message.signature);
}

bool RoamingService::Impl::relay(const PartyId& peer, const SignedMessage& message,
                                 ByteView frame) {
    const auto body = decode_roaming_body(message.body);
    if (!m_backup || peer != message.from || message.direct || !body ||
        std::holds_alternative<TokenMessage>(*body)) {
        m_context.count("roaming_frame_refused");
        return false;
    }
    m_backup->on_relayed(message, *body);
    const bool forwarded = m_courier.forward(message, Bytes{frame.begin(), frame.end()});
    m_context.count(forwarded ? "roaming_relayed" : "roaming_not_relayed");
    const bool receipted = !std::holds_alternative<Progress>(*body) &&
                           !std::holds_alternative<HubReceipt>(*body) &&
                           !std::holds_alternative<Acknowledgement>(*body);
    if (receipted) {
        m_courier.send(peer, HubReceipt{.message = message.id, .forwarded = forwarded},
                       Delivery::once, 0);
    }
    return true;
}

void RoamingService::Impl::acknowledge(const SignedMessage& message) {
    m_courier.send(message.from, Acknowledgement{message.id}, Delivery::once, 0);
}

void RoamingService::Impl::receive(const SignedMessage& message, const RoamingBody& body) {
    const bool fresh = m_seen.is_new(message);
    std::visit(Overloaded{
                   [&](const AuthorizationRequest& request) {
                       // Repeated ones too: the answer may have been lost.
                       m_home.on_request(message.from, request, message.body);
                       acknowledge(message);
                   },
                   [&](const Denial& denial) {
                       if (fresh) {
                           m_visited.on_denial(message.from, denial);
                       }
                       acknowledge(message);
                   },
                   [&](const Progress& progress) {
                       if (fresh) {
                           m_home.on_progress(message.from, progress);
                       }
                   },
                   [&](const Notice&) { acknowledge(message); },  // the ledger has told already
                   [&](const HubReceipt& receipt) {
                       if (message.from == m_hub) {
                           m_courier.on_receipt(receipt, m_parts.clock.now());
                       }
                   },
                   [&](const Acknowledgement& acknowledgement) {
                       m_courier.on_acknowledgement(message.from, acknowledgement.message);
                   },
                   [&](const TokenMessage& tokens) {
                       if (fresh) {
                           m_tokens.on_message(message.from, tokens);
                       }
                   },
                   [&](const EvidenceMessage& evidence) {
                       if (fresh) {
                           m_evidence.on_member(message.from, evidence);
                       }
                       acknowledge(message);
                   },
               },
               body);
}

// ---- reading

SessionView RoamingService::Impl::with_figures(SessionView view) const {
    FiguresInput input;
    input.elapsed_s = view.elapsed_s;
    input.amount_so_far = view.amount_so_far;
    input.prepaid = view.prepaid;
    input.energy_wh = view.energy_wh;
    input.reference_power_w = view.reference_power_w;
    input.coefficient_permille = view.coefficient_permille;
    view.figures = driver_figures(input);
    return view;
}

std::vector<SessionView> RoamingService::Impl::sessions(std::size_t count) const {
    std::vector<SessionView> views;
    for (const auto& [id, session] : m_visited.table().all()) {
        if (session.state()) {
            views.push_back(m_visited.view(session));
        }
    }
    for (const auto& [id, session] : m_home.table().all()) {
        if (session.state()) {
            views.push_back(m_home.view(session));
        }
    }
    if (m_backup) {
        for (const auto& [id, session] : m_backup->table().all()) {
            if (session.state) {
                views.push_back(m_backup->view(session));
            }
        }
    }
    const auto newer = [](const SessionView& left, const SessionView& right) {
        return left.opened != right.opened ? left.opened > right.opened : left.id < right.id;
    };
    const auto end = views.begin() + static_cast<std::ptrdiff_t>(std::min(count, views.size()));
    std::partial_sort(views.begin(), end, views.end(), newer);
    views.erase(end, views.end());
    for (SessionView& view : views) {
        view = with_figures(std::move(view));
    }
    return views;
}

std::optional<SessionView> RoamingService::Impl::find_session(const SessionId& session) const {
    const auto& visited = m_visited.table().all();
    const auto here = visited.find(session);
    if (here != visited.end() && here->second.state()) {
        return with_figures(m_visited.view(here->second));
    }
    const HomeSession* ours = m_home.find(session);
    if (ours != nullptr && ours->state()) {
        return with_figures(m_home.view(*ours));
    }
    if (m_backup) {
        const auto& backup = m_backup->table().all();
        const auto kept = backup.find(session);
        if (kept != backup.end() && kept->second.state) {
            return with_figures(m_backup->view(kept->second));
        }
    }
    return std::nullopt;
}

RoamingService::Load RoamingService::Impl::load() const {
    Load load;
    load.visited_open = m_visited.table().open();
    load.home_open = m_home.table().open();
    load.finished = m_visited.table().finished() + m_home.table().finished();
    load.submissions = m_submitter.size();
    load.outbox = m_courier.size();
    load.unmatched = m_visited.unmatched().all().size();
    return load;
}

// ---- the public face

RoamingService::RoamingService(RoamingParts parts, RoamingOptions options)
    : m_impl{std::make_shared<Impl>(std::move(parts), std::move(options))} {}
RoamingService::~RoamingService() = default;

void RoamingService::start() { m_impl->start(); }
void RoamingService::on_bridge_connected(const std::string& bridge_id) {
    m_impl->on_bridge_connected(bridge_id);
}
void RoamingService::on_bridge_disconnected(const std::string&) {}
void RoamingService::on_bridge_message(const std::string& bridge_id, const BridgeMessage& message) {
    m_impl->on_bridge_message(bridge_id, message);
}
void RoamingService::on_bridge_evidence(const std::string& bridge_id,
                                        const EvidenceMessage& message) {
    m_impl->evidence().on_bridge(bridge_id, message);
}
const EvidenceStore* RoamingService::evidence() const { return m_impl->evidence().store(); }
bool RoamingService::on_member_frame(const PartyId& peer, ByteView frame) {
    return m_impl->on_member_frame(peer, frame);
}
void RoamingService::on_member_connected(const PartyId& peer) { m_impl->on_member_connected(peer); }
void RoamingService::on_final_block(const FinalizedBlock& block) { m_impl->on_final_block(block); }
void RoamingService::on_keys_changed(std::vector<SecretKey> link_secrets) {
    m_impl->on_keys_changed(std::move(link_secrets));
}
bool RoamingService::stop_charge(const SessionId& session) { return m_impl->stop_charge(session); }
std::vector<SessionView> RoamingService::sessions(std::size_t count) const {
    return m_impl->sessions(count);
}
std::optional<SessionView> RoamingService::find_session(const SessionId& session) const {
    return m_impl->find_session(session);
}
UnmatchedCharges& RoamingService::unmatched() { return m_impl->unmatched(); }
RoamingService::Load RoamingService::load() const { return m_impl->load(); }

TokenView RoamingService::tokens() const { return m_impl->tokens().view(); }

void RoamingService::keep_cards(std::vector<std::string> cards, bool forget,
                                std::function<void(bool)> done) {
    TokenRegistrar* registrar = m_impl->tokens().registrar();
    if (registrar == nullptr) {
        done(false);
    } else if (forget) {
        registrar->forget(std::move(cards), std::move(done));
    } else {
        registrar->keep(std::move(cards), std::move(done));
    }
}

void RoamingService::drop_tokens(const TokenKeyId& key, const std::optional<PartyId>& member,
                                 std::function<void(std::optional<std::size_t>)> done) {
    TokenOffice* office = m_impl->tokens().office();
    if (office == nullptr) {
        done(std::nullopt);
    } else {
        office->drop(key, member, std::move(done));
    }
}

}  // namespace tally::node
