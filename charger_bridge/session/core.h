#pragma once

// The sessions of a site: from the swipe to the metered charge. A pure state machine; the bridge
// (charger_bridge/bridge.h) feeds it events and carries out what it returns.

#include "charger_bridge/metering/plausibility.h"
#include "charger_bridge/outbox/outbox.h"
#include "charger_bridge/session/billed_readings.h"
#include "charger_bridge/session/events.h"
#include "charger_bridge/session/evidence.h"
#include "charger_bridge/session/health.h"
#include "charger_bridge/session/known_terms.h"
#include "charger_bridge/session/orphanage.h"
#include "charger_bridge/session/report_book.h"
#include "charger_bridge/session/review_log.h"
#include "charger_bridge/session/session_table.h"
#include "charger_bridge/session/station_marks.h"
#include "ledger/base/random.h"
#include "ledger/crypto/signer.h"

#include <chrono>
#include <deque>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace tally::bridge {

/// Prepaid amounts of one station that wait for their swipe.
inline constexpr std::size_t prepaid_stated_max{16};
/// Refusals remembered for the site page and the driver's display, over all stations.
inline constexpr std::size_t refusals_max{1'000};
/// Swipes and starts of a station that wait for the node or have an approval that no charge uses,
/// per connector. Beyond it they are refused (`station_backlog`): so much and no more of what a
/// charger sends without anybody's approval is kept.
inline constexpr std::size_t asks_per_connector_max{16};
/// Refused transactions of a station whose Stop is waited for, per connector; the oldest goes.
inline constexpr std::size_t refused_per_connector_max{2};

/// How often an unlock or reset that did not leave is tried, `stop_repeat` apart.
inline constexpr std::uint32_t presses_max{100};
/// A charge begun while cut off that gets no approval of its own for so long, because another
/// charge has it, is denied: the ledger would not take its record any more.
inline constexpr std::chrono::milliseconds own_approval_wait_max{charge_duration_max};

/// What is done to a charger that goes on charging though it was asked to stop.
enum class IgnoredStop : std::uint8_t { none, unlock, reset };

/// Charges that begin while the node is away.
struct CutOffConfig {
    bool is_limited{false};  ///< else they are refused
    Money per_token{0};      ///< of charges that are not decided yet
    Money in_all{0};
};

/// Cards of the site's staff that stop charges of others.
struct MasterPass {
    std::set<std::string> tokens;  ///< in upper case
    std::string group;             ///< as the chargers are configured (MasterPassGroupId)
};

struct CoreConfig {
    Hash chain_id;
    std::string bridge_id;
    std::int16_t utc_offset_minutes{0};
    std::vector<StationConfig> stations;
    std::int32_t transaction_first{1};                  ///< numbers below are not given
    std::chrono::milliseconds authorize_budget{8'000};  ///< node away so long: refused
    std::chrono::milliseconds answer_grace{1'000};      ///< for an answer of the node at its budget
    std::chrono::milliseconds prepaid_window{60'000};
    std::chrono::milliseconds silence{180'000};
    std::chrono::milliseconds absence{60'000};  ///< station away: its unused approvals are released
    std::chrono::milliseconds stop_repeat{10'000};
    std::chrono::milliseconds cost_repeat{10'000};  ///< between two UpdateCost of a charge
    /// A charge from which no sample came for so long is estimated; a charger that comes back has
    /// as long to send what it kept.
    std::chrono::milliseconds sample_wait{120'000};
    std::chrono::milliseconds estimate_repeat{10'000};
    /// How long a report waits for one before it; and for an end, that can wait longer.
    std::chrono::milliseconds gap_wait{10'000};
    std::chrono::milliseconds gap_wait_of_end{60'000};
    std::chrono::milliseconds stop_delay_first{5'000};  ///< assumed until one was observed
    /// How far a charger's clock may run ahead; beyond it times of receipt are used.
    std::chrono::milliseconds clock_ahead_max{300'000};
    CutOffConfig cut_off;
    MasterPass master;
    /// A start this old when it arrives cannot go on the ledger any more.
    std::chrono::milliseconds start_age_max{270'000};
    /// The driver is told when Mc reaches so much of Mp; 0: never.
    std::int64_t warn_percent{80};
    /// A connected charger that goes on for so long after it was asked to stop has not listened.
    std::chrono::milliseconds ignored_stop_after{120'000};
    IgnoredStop ignored_stop{IgnoredStop::none};
    /// By (station, connector): what the site says about meters that sign.
    std::map<std::pair<std::string, std::uint16_t>, MeterConfig> meters;
    /// Farther apart from the charger's clock the meter's is not believed.
    std::chrono::milliseconds meter_clock_apart{300'000};
    /// A charge of which nothing was heard for so long has ended without a Stop, and is held; where
    /// the station is there and says that a car is at the connector, it is waited for until the
    /// ledger takes no record any more.
    std::chrono::milliseconds stop_missing_after{86'400'000};
    /// The same, when the station is there and said so long ago that the connector is Available.
    std::chrono::milliseconds stop_missing_free{3'600'000};
    /// How long a charge that is held for review keeps its approval, and so its EVSE and the
    /// driver's money; 0: not at all.
    std::chrono::milliseconds review_keep{3'600'000};
};

/// What a charge would be billed by, and why a person should look at it first.
struct Reckoning {
    SignedResult by_meter;
    std::vector<MeterReading> readings;    ///< of the record; none: no record can be made
    std::vector<std::string> implausible;  ///< what the ledger would refuse; among the reasons too
    std::vector<std::string> reasons;      ///< none: billed at once
};

/// A swipe that was refused, for the site page.
struct Refusal {
    UnixMillis time{0};
    std::string station;
    std::string token;
    std::string reason;
};

/// Rules: design sections 1, 5, 7 and 8. In short:
/// - A swipe becomes one AuthorizeRequest, answered when the approval is final; a token that is
///   charging at the station is answered from its charge.
/// - Transactions are known by their facts (station, connector, token, register, time): a repeated
///   message changes nothing and gets the same answer, under whatever message id.
/// - Start, Stop and MeterValues are always answered; what cannot be billed becomes an orphan.
/// - Every step's changes are one atomic batch. Lost effects are made up for: the charger repeats
///   what was not answered, the outbox what was not acknowledged, ticks repeat remote stops.
/// Ownership: keeps references to signer and random, which must outlive it. Threads: one owner.
class SessionCore {
public:
    SessionCore(CoreConfig config, Signer& bridge_key, Random& random);

    /// Restores what an earlier process stored. An error names the record; the process must stop.
    [[nodiscard]] Expected<Done, std::string> load(const KeyValueStore& store);

    /// A station that was let in without being listed; before `load` for those of earlier times.
    void add_station(const StationConfig& station) { m_health.add(station); }

    [[nodiscard]] Step step(const Instant& now, const Event& event);

    // What others may look at between steps.
    [[nodiscard]] const ReportBook& reports() const { return m_reports; }
    [[nodiscard]] const SessionTable& sessions() const { return m_sessions; }
    [[nodiscard]] const Orphanage& orphans() const { return m_orphans; }
    [[nodiscard]] const Health& health() const { return m_health; }
    [[nodiscard]] const Outbox& outbox() const { return m_outbox; }
    [[nodiscard]] const std::deque<Refusal>& refusals() const { return m_refusals; }
    [[nodiscard]] bool is_node_connected() const { return m_node_connected; }
    [[nodiscard]] std::vector<node::ConnectorState> connector_states(const std::string& station,
                                                                     const Instant& now);
    /// Mc of a charge, 0 before it starts.
    [[nodiscard]] static Money amount_of(const Session& session);
    /// The newest session of a transaction, for the driver's display; nullptr when unknown.
    [[nodiscard]] const LiveSession* find_transaction(const std::string& station,
                                                      std::int64_t transaction);

    /// Whether a charge or approval of the station is not finished.
    [[nodiscard]] bool has_open(const std::string& station) {
        return !m_sessions.open_of(station).empty();
    }
    [[nodiscard]] const StationMarks& marks() const { return m_marks; }

    // What of a station's doings is this bridge's, where another central system stands behind it
    // (core_upstream.cpp; proxy/roaming_book.h says what each means)
    [[nodiscard]] bool holds_token(const std::string& station, const std::string& token);
    [[nodiscard]] bool holds_start(const std::string& station, const StartFacts& start);
    [[nodiscard]] bool holds_transaction(const std::string& station, const TransactionName& name);
    [[nodiscard]] bool holds_stop(const std::string& station, const StopFacts& stop);
    [[nodiscard]] bool is_charging(const std::string& station, std::uint16_t connector);
    [[nodiscard]] bool is_any_open(const std::string& station);

    /// Whose signature counts for a charge that was approved.
    [[nodiscard]] MeterTrust trust_for(const Session& record) const;

    // Review (core_review.cpp)
    /// Charges that wait for a decision, by their numbers.
    [[nodiscard]] const std::map<std::uint64_t, SessionId>& in_review() const { return m_review; }
    [[nodiscard]] const LiveSession* find_review(std::uint64_t number);
    [[nodiscard]] const ReviewLog& decisions() const { return m_decisions; }
    /// Empty when the held charge can be released, else why not.
    [[nodiscard]] std::string why_not_releasable(const Session& record) const;
    /// What was signed when a charge was released late; nothing when it was not, or is forgotten.
    [[nodiscard]] std::optional<MeteredCharge> late_charge(std::uint64_t number);

private:
    struct Stated {
        std::uint16_t connector{0};
        Money amount{0};
        std::chrono::milliseconds until{0};
    };
    struct Taken {
        Money amount{0};
        std::uint16_t connector{0};
    };
    struct Ask {
        std::string station;
        std::string token;
        std::uint16_t connector{0};
        std::optional<Money> prepaid;
    };

    void on(const AuthorizeCalled& event);
    void on(const StartCalled& event);
    void on(const MeterValuesCalled& event);
    void on(const StopCalled& event);
    void on(const TransactionReported& event);
    void on(const ReportsPending& event);
    void on(const PrepaidStated& event);
    void on(const StatusReported& event);
    void on(const ConnectorTaken& event);
    void on(const StationBooted& event);
    void on(const StationForgotten& event);
    void on(const StationConnected& event);
    void on(const StationDisconnected& event);
    void on(const StationHeard& event);
    void on(const NodeConnected& event);
    void on(const NodeDisconnected& event);
    void on(const NodeSaid& event);
    void on(const StopWanted& event);
    void on(const PressLost& event);
    void on(const ReviewDecided& event);
    void on(const MarkCleared& event);
    void on(const Quarantined& event);
    void on(const Tick& event);

    void on_node(const node::AuthorizeResult& result);
    void on_node(const node::StopCharge& stop);
    void on_node(const node::SessionNotice& notice);
    void on_node(const node::Acknowledge& acknowledge);
    template <typename Other>
    void on_node(const Other& /*not for us*/) {
        note("unexpected_node_message", "", "", "");
    }

    // Swipes (core_authorize.cpp)
    /// Whether an open session of the token answers its swipe; `wish` is a prepaid amount stated.
    [[nodiscard]] bool answer_from(LiveSession& session, const AuthorizeCalled& event,
                                   const Stated* wish);
    [[nodiscard]] LiveSession& ask(const Ask& ask);
    void send_request(LiveSession& session);
    [[nodiscard]] bool is_master(const std::string& token) const;
    /// Stops what runs at a station by number; those with names the charger stops itself.
    void swipe_master(const AuthorizeCalled& event);
    void wait_for(LiveSession& session, const CallKey& call, bool is_start);
    void approve(LiveSession& session, const node::AuthorizeResult& result);
    void refuse(LiveSession& session, const std::string& reason);
    void answer_waiting(LiveSession& session, TagStatus status, const std::string& reason = {});
    void forget_refused(const std::string& station);
    [[nodiscard]] std::chrono::milliseconds deadline_of_ask() const;
    void release(LiveSession& session, const char* why);
    void refuse_at_once(const AuthorizeCalled& event, const std::string& token,
                        const std::string& reason);
    [[nodiscard]] std::optional<Taken> take_prepaid(const std::string& station,
                                                    std::uint16_t connector);
    void remember_refusal(const std::string& station, const std::string& token,
                          const std::string& reason);

    // Transactions (core_transaction.cpp, core_end.cpp)
    void start_nowhere(const StartCalled& event, const Hash& facts);
    [[nodiscard]] bool is_too_old(const StartFacts& body) const;
    /// The oldest swipe of the token that still waits for its approval and fits the connector.
    [[nodiscard]] LiveSession* find_asked(const StartCalled& event, const std::string& token);
    static void remember_stop(Session& record, const StopCalled& event);
    void close_previous(const std::string& station, std::uint16_t connector);
    /// Another charge begins where this one runs: it has ended without telling us.
    void close_for_next(LiveSession& running);
    /// Whether a transaction that began later runs on the connector already.
    [[nodiscard]] bool is_overtaken(const Session& record);
    void start_without_approval(const StartCalled& event, const std::string& token,
                                const Hash& facts);
    void end_by_stop(LiveSession& session, const StopCalled& event);
    void repeat_start(LiveSession& session, const StartCalled& event);
    [[nodiscard]] LiveSession* find_approved(const std::string& station, const std::string& token,
                                             std::uint16_t connector);
    void note_start(LiveSession& session, const StartCalled& event, const Hash& facts);
    [[nodiscard]] bool begin_charge(LiveSession& session);
    /// `may_bill`: by its last sample, when that says that energy was taken; else it is held.
    void end_without_stop(LiveSession& session, bool may_bill);
    void take_samples(LiveSession& session, const std::vector<MeterSample>& samples);
    void add_evidence(LiveSession& session, std::string_view text, EvidenceKind kind);
    void watch_amount(LiveSession& session);
    void note_sampled(LiveSession& session);
    void request_stop(LiveSession& session, const std::string& reason);
    void end_charge(LiveSession& session, const MeterReading& end, const std::string& reason);
    /// Bills the charge that ended, or holds it.
    void conclude(LiveSession& session);
    [[nodiscard]] Reckoning reckon(const Session& record) const;
    [[nodiscard]] std::optional<UnixMillis> meter_time(const Session& record,
                                                       std::optional<UnixMillis> by_meter,
                                                       UnixMillis by_charger) const;
    [[nodiscard]] static bool is_ocmf(const SignedReading& reading);
    void take_signed(LiveSession& session, const std::vector<MeterSample>& samples);
    /// Puts what is billed into the session and its evidence, and signs it.
    [[nodiscard]] MeteredCharge sign_charge(LiveSession& session, const Reckoning& reckoning);
    /// As the session, whose charge was signed, has it.
    [[nodiscard]] MeteredCharge metered_of(const Session& record) const;
    void complete(LiveSession& session, const Reckoning& reckoning);
    [[nodiscard]] static PreviousEnd end_of(const Session& record);
    void observe_stop_delay(const Session& session, const MeterReading& end);
    void close_refused(LiveSession& session, const StopCalled& event);
    [[nodiscard]] LiveSession* find_named(const std::string& station, const TransactionName& name);
    [[nodiscard]] static std::optional<Money> amount_known(const LiveSession* session);
    [[nodiscard]] LiveSession* session_of_stop(const StopCalled& event);
    [[nodiscard]] LiveSession* session_of_values(const MeterValuesCalled& event);
    [[nodiscard]] UnixMillis billing_time(const Session& session, std::optional<UnixMillis> device,
                                          UnixMillis not_before) const;
    [[nodiscard]] UnixMillis begin_time(const Session& session,
                                        std::optional<UnixMillis> device) const;
    [[nodiscard]] bool is_clock_right(std::optional<UnixMillis> device) const;
    [[nodiscard]] MeterReading reading(UnixMillis time, std::int64_t register_wh) const;

    // Cut off from the node (core_cut_off.cpp)
    void on(const LocalListRead& event);
    void remember_terms(const Session& record);
    /// What the operator may lose by the charge, if the home operator denies it.
    [[nodiscard]] Money exposure_of(const Session& record) const;
    [[nodiscard]] Money limit_of(const Session& record);
    /// Lets a swipe charge by the operator's list. False when it may not.
    [[nodiscard]] bool grant_cut_off(LiveSession& session);
    void ask_afterwards(LiveSession& session);
    void ask_all_afterwards();
    [[nodiscard]] LiveSession* find_at_node(const SessionId& id);
    void decide_afterwards(LiveSession& session, const node::AuthorizeResult& result);
    /// Asks again, for a bounded time, after an answer with an approval that another charge has.
    void wait_for_own_approval(LiveSession& session, const Session& used);
    void deny_afterwards(LiveSession& session, const std::string& reason);
    void lose(LiveSession& session, const std::string& reason);
    /// Whether the charge that ended waits for its decision, or was denied.
    [[nodiscard]] bool conclude_cut_off(LiveSession& session);
    void tick_cut_off(LiveSession& session);
    void queue_started(const Session& record);

    // Stops that do not come (core_silent.cpp)
    [[nodiscard]] bool is_stop_overdue(const Session& record) const;
    /// A sign of the charge, for which more than a Stop may be waited for.
    void heard_of(Session& record) const;
    void watch_connector(const std::string& station, const StatusFacts& status);
    void wait_after_absence(const std::string& station);
    /// Whether a charge that was held because nothing was heard of it goes on after all.
    [[nodiscard]] bool resume(LiveSession& session);
    /// What comes of a charge while it is held.
    void take_late_values(LiveSession& session, const std::vector<MeterSample>& samples);

    // Stopping (core_stop.cpp)
    [[nodiscard]] std::chrono::milliseconds stop_delay_of(const std::string& station) const;
    /// How long ago, by our own clock, the Start or a newer sample came.
    [[nodiscard]] std::chrono::milliseconds unsampled(const LiveSession& session) const;
    void restore_look(LiveSession& session) const;
    /// Once for every silence of the meter.
    void put_off_look(LiveSession& session) const;
    /// Asks for the stop when the charge may have reached its prepaid amount unseen.
    void watch_estimate(LiveSession& session);
    void warn_driver(LiveSession& session, Money amount);
    /// What a charge came to beyond its prepaid amount: the operator's own loss.
    void note_overshoot(const LiveSession& session);
    /// Repeats what the charger was asked, and deals with one that does not listen.
    void press_stop(LiveSession& session);
    void ignored_stop(LiveSession& session);
    void press(LiveSession& session);
    /// Why nobody may charge at the station; empty: it is not marked.
    [[nodiscard]] std::string mark_of(const std::string& station) const;

    /// The sessions must be loaded.
    [[nodiscard]] bool load_decision(ByteView value);

    // Review (core_review.cpp)
    struct Verdict {
        ReviewOutcome outcome{};
        std::string by;
        std::string why;
    };
    void hold(LiveSession& session, const std::vector<std::string>& reasons);
    void give_back(LiveSession& session, const char* why);
    void give_back_for(const std::string& station, const std::string& token);
    /// Writes the decision down, before what follows from it.
    void decide(LiveSession& session, const Verdict& verdict);
    void reject(LiveSession& session, const ReviewDecided& event);
    void release_charge(LiveSession& session, const ReviewDecided& event);
    void tick_review(LiveSession& session);
    /// Why no new charge can begin at the station now; empty: it can.
    [[nodiscard]] std::string backlog(const std::string& station);
    /// False when the session has no use for them.
    bool take_values(LiveSession& session, const std::vector<MeterSample>& samples,
                     std::string_view text);
    /// Gives the session that was meant, if any.
    LiveSession* stop_session(const StopCalled& event);
    void update_cost(LiveSession& session);

    // Transactions that chargers name and number themselves (core_report.cpp)
    [[nodiscard]] bool is_paused(const Reported& reported);
    void take_report(Reported& reported, const HeldReport& report, const CallKey& call);
    void take_held(Reported& reported);
    void pump(Reported& reported);
    void pump_reports();
    void tick_reports();
    void hold_report(Reported& reported, const TransactionReported& event);
    void keep_bounds(const std::string& station);
    static void take_signed_before(Reported& reported, const std::vector<MeterSample>& samples);
    void before_charge(Reported& reported, const HeldReport& report, const CallKey& call);
    void begin_by_report(Reported& reported, const HeldReport& report, const CallKey& call);
    /// Whether no answer told the charger of the refusal, so that it has to be asked to stop.
    [[nodiscard]] bool is_stop_owed(const Session& refused);
    void go_on_by_report(LiveSession& session, const HeldReport& report, const CallKey& call);
    void end_without_charge(const Reported& reported, const HeldReport& report, bool was_begun);
    void answer_again(const TransactionReported& event);
    void answer_report(const CallKey& call, const LiveSession* session, const ReportFacts& facts);
    /// Whether the report is of another transaction, to which the charger gives a name that it gave
    /// before, to one that has ended.
    [[nodiscard]] bool is_named_again(const Reported* reported, const LiveSession* known,
                                      const ReportFacts& facts) const;
    void give_name_again(Reported* reported, LiveSession* known);
    /// Keeps the first held report for the operator.
    void drop_held(Reported& reported);
    void keep_forgotten(const std::vector<Reported>& forgotten);

    /// For a transaction or a review: none that is remembered.
    [[nodiscard]] std::int32_t take_number();
    void add_orphan(Orphan orphan);
    void send_progress(const Session& session);
    void send_station(const std::string& station);
    void send_durable();
    void tick_session(LiveSession& session);
    void note(const char* what, const std::string& station, const std::string& session,
              const std::string& detail);
    void note(const char* what, const LiveSession& session, const std::string& detail = {});
    void save(LiveSession& session);
    template <typename Message>
    void queue(Message message) {
        m_outbox.add(std::move(message), m_step.changes);
        m_step.must_sync = true;
    }
    [[nodiscard]] std::vector<std::uint16_t> busy_connectors(const std::string& station);

    CoreConfig m_config;
    Signer& m_bridge_key;
    Random& m_random;
    SessionTable m_sessions;
    Orphanage m_orphans;
    ReportBook m_reports;
    Health m_health;
    Outbox m_outbox;
    std::map<std::string, std::deque<Stated>> m_prepaid;
    std::map<std::string, std::chrono::milliseconds> m_stop_delay;  ///< observed, by station
    /// When the last charge of a connector ended, as told to the node.
    std::map<std::pair<std::string, std::uint16_t>, PreviousEnd> m_last_end;
    BilledReadings m_billed;
    StationMarks m_marks;
    KnownTerms m_terms;
    std::optional<LocalList> m_local_list;
    ReviewLog m_decisions;
    std::map<std::uint64_t, SessionId> m_review;
    std::deque<Refusal> m_refusals;
    bool m_node_connected{false};
    bool m_restored{false};  ///< sessions loaded from disk got their deadlines

    // Of the step being made.
    Instant m_now;
    Step m_step;
    std::vector<std::string> m_texts_before;  ///< what the charge that begins said before
};

}  // namespace tally::bridge
