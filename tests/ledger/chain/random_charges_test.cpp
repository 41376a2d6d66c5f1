// Random sequences of actions of three operators, block by block, against the naive ledger: every
// result code, every account, every expiry. Then the whole chain is replayed, with blocks made
// final late, and must give the same digests.

#include "ledger/audit/business_check.h"
#include "ledger/model/transaction.h"
#include "ledger/state/invariants.h"
#include "ledger/state/keys.h"
#include "tests/ledger/audit/forged_ledger.h"
#include "tests/ledger/chain/naive_ledger.h"
#include "tests/ledger/chain/random_genesis.h"
#include "tests/support/ledger_fixture.h"

#include <catch2/catch.hpp>

#include <deque>
#include <memory>
#include <optional>
#include <random>

namespace tally::test {
namespace {

const Currency cny = currency("CNY");

class RandomCharges {
public:
    explicit RandomCharges(std::uint64_t seed)
        : m_random{seed},
          m_chain{random_genesis(seed), {party("AAA"), party("BBB"), party("CCC")}},
          m_naive{rules_of(m_chain.genesis()), m_chain.now()} {}

    void run(int blocks) {
        for (int i = 0; i < blocks; ++i) {
            INFO("block " << i);
            step();
        }
    }
    [[nodiscard]] TestChain& chain() { return m_chain; }
    [[nodiscard]] const std::vector<Block>& blocks() const { return m_blocks; }
    [[nodiscard]] const std::map<ResultCode, int>& seen() const { return m_seen; }

private:
    std::int64_t below(std::int64_t bound) {
        return static_cast<std::int64_t>(m_random() % static_cast<std::uint64_t>(bound));
    }
    std::string any_member() {
        return std::vector<std::string>{"AAA", "BBB", "CCC"}.at(static_cast<std::size_t>(below(3)));
    }
    /// Mostly a charge that is still open.
    int any_charge() {
        const int last = m_next_id - 1;
        return last < 0 ? 0 : static_cast<int>(std::max<std::int64_t>(0, last - below(12)));
    }
    const NaiveLedger::Charge* find(int id) const {
        const auto found = m_naive.charges().find(id);
        return found == m_naive.charges().end() ? nullptr : &found->second;
    }
    /// The member that may, most of the time.
    std::string signer_of(int id, bool home) {
        const NaiveLedger::Charge* charge = find(id);
        if (charge == nullptr || below(12) == 0) {
            return any_member();
        }
        return home ? charge->home : charge->visited;
    }
    AuthorizationRef ref_of(int id) const {
        const auto found = m_refs.find(id);
        return found == m_refs.end() ? AuthorizationRef{party("AAA"), {}} : found->second;
    }

    struct Planned {
        Bytes envelope;
        ResultCode expected;
    };
    Planned plan(const std::string& signer, Action action, ResultCode expected) {
        Transaction made = m_chain.transaction(party(signer), std::move(action));
        made.not_after = m_time + 1000 + below(119'000);
        return {make_envelope(m_chain.chain_id(), party(signer), {made}), expected};
    }

    Planned plan_decide() {
        const std::string home = any_member();
        const std::string visited = any_member();
        DecideAuthorization decision =
            m_chain.approval(party(visited), below(units(below(4) == 0 ? 90 : 25)));
        decision.start_by = m_time + below(310'000);
        const int id = m_next_id++;
        const ResultCode expected =
            m_naive.decide(id, home, visited, decision.amount, decision.start_by);
        Planned planned = plan(home, decision, expected);
        m_refs[id] = m_chain.last_ref();
        return planned;
    }
    Planned plan_release() {
        const int id = any_charge();
        const std::string by = below(3) == 0 ? any_member() : signer_of(id, below(2) == 0);
        const ResultCode expected = m_naive.release(id, by);
        return plan(by, ReleaseAuthorization{ref_of(id)}, expected);
    }
    Planned plan_start() {
        const int id = any_charge();
        const std::string by = signer_of(id, false);
        const NaiveLedger::Charge* charge = find(id);
        const int connector = below(4) == 0 ? 2 : 1;
        const std::string owner = charge == nullptr ? by : charge->visited;
        const ResultCode expected = m_naive.start(id, by, connector);
        return plan(by,
                    StartCharge{ref_of(id), TestChain::evse(party(owner), connector), {"std", 1}},
                    expected);
    }
    Planned plan_record() {
        const int id = any_charge();
        const std::string by = signer_of(id, false);
        const NaiveLedger::Charge* charge = find(id);
        const std::string owner = charge == nullptr ? by : charge->visited;
        const int connector = charge == nullptr || charge->connector == 0 ? 1 : charge->connector;
        const NaiveLedger::Evse evse = m_naive.evse(owner, connector);
        const UnixMillis begin =
            std::max(evse.last_end, charge == nullptr ? m_time : charge->decided);
        const std::int64_t energy = below(20) == 0 ? 64'040 + below(20) : below(9'000);
        RecordCharge action;
        action.metered.authorization = ref_of(id);
        action.metered.evse_id = TestChain::evse(party(owner), connector);
        action.metered.bridge_id = "bridge-1";
        action.metered.meter_serial = "M" + std::to_string(connector);
        action.metered.readings = {{begin, 480, evse.meter, false},
                                   {begin + hour_ms, 480, evse.meter + energy, false}};
        sign_metered(m_chain.chain_id(), party(owner), action.metered);
        action.rated_amount = energy * 15;
        action.amount = std::min(action.rated_amount, charge == nullptr ? 0 : charge->amount);
        return plan(by, action, m_naive.record(id, by, begin, energy));
    }
    Planned plan_settle() {
        const int id = any_charge();
        const std::string by = signer_of(id, true);
        const NaiveLedger::Charge* charge = find(id);
        const Money due = charge == nullptr ? 0 : charge->due;
        const Money amount = due + (below(4) == 0 ? 1 : 0);
        return plan(by, SettleCharge{ref_of(id), amount}, m_naive.settle(id, by, amount));
    }
    Planned plan_claim() {
        const int id = any_charge();
        const std::string by = signer_of(id, false);
        return plan(by, ClaimCharge{ref_of(id)}, m_naive.claim(id, by));
    }
    Planned plan_dispute() {
        const int id = any_charge();
        const std::string by = signer_of(id, true);
        const NaiveLedger::Charge* charge = find(id);
        const Money due = charge == nullptr ? 0 : charge->due;
        const Money amount = below(8) == 0 ? due + 1 : 1 + below(std::max<Money>(1, due));
        return plan(by, OpenDispute{ref_of(id), amount, DisputeReason::energy, {}},
                    m_naive.dispute(id, by, amount));
    }
    Planned plan_accept() {
        const int id = any_charge();
        const std::string by = signer_of(id, false);
        return plan(by, AcceptDispute{ref_of(id)}, m_naive.accept(id, by));
    }
    Planned plan_arbitrate() {
        const int id = any_charge();
        const std::string by = below(6) == 0 ? any_member() : "HUB";
        const NaiveLedger::Charge* charge = find(id);
        const Money disputed = charge == nullptr ? 0 : charge->disputed;
        const Money amount = below(8) == 0 ? disputed + 1 : below(disputed + 1);
        return plan(by, Arbitrate{ref_of(id), amount, {}}, m_naive.arbitrate(id, by, amount));
    }

    /// A charge of `energy` Wh that its authorization knows nothing of any more.
    RatedCharge rated(int id, const std::string& visited, std::int64_t energy) {
        RatedCharge charge;
        charge.metered.authorization = ref_of(id);
        charge.metered.evse_id = TestChain::evse(party(visited), 1);
        charge.metered.bridge_id = "bridge-1";
        charge.metered.meter_serial = "M1";
        charge.metered.readings = {{genesis_time, 480, 0, false},
                                   {genesis_time + hour_ms, 480, energy, false}};
        sign_metered(m_chain.chain_id(), party(visited), charge.metered);
        charge.tariff = {"std", 1};
        charge.currency = cny;
        charge.rated_amount = energy * 15;
        charge.amount = charge.rated_amount;
        return charge;
    }
    /// The first signature, which is taken, and the second one with `expected`.
    void add_signed_by_both(const NaiveLedger::Paper& paper, const Action& action,
                            ResultCode expected) {
        Planned first = plan(paper.visited, action, ResultCode::ok);
        const TransactionRef ref = m_chain.last_ref();
        const Expected<Envelope, EnvelopeError> envelope = decode_envelope(first.envelope);
        const Countersign second{ref, transaction_hash(envelope->transactions.front())};
        m_papers[paper.number] = ref;
        add(std::move(first));
        add(plan(paper.home, second, expected));
    }
    TransactionRef paper_ref(int number) const {
        const auto found = m_papers.find(number);
        return found == m_papers.end() ? TransactionRef{} : found->second;
    }
    /// A charge whose authorization exists, if any, as both its members name it.
    std::optional<NaiveLedger::Paper> any_paper() {
        const int id = any_charge();
        const NaiveLedger::Charge* charge = find(id);
        if (charge == nullptr) {
            return std::nullopt;
        }
        return NaiveLedger::Paper{m_next_paper++, id, charge->home, charge->visited, 0};
    }
    void add_late() {
        std::optional<NaiveLedger::Paper> paper = any_paper();
        if (!paper) {
            return;
        }
        const LateCharge action{rated(paper->id, paper->visited, below(3'000))};
        paper->amount = action.charge.amount;
        add_signed_by_both(*paper, action, m_naive.late(*paper));
        m_charged[paper->id].push_back({paper->number, paper->amount});
    }
    void add_credit() {
        std::optional<NaiveLedger::Paper> paper = any_paper();
        if (!paper) {
            return;
        }
        auto& charged = m_charged[paper->id];
        if (charged.empty()) {
            m_papers[paper->number] = {party(paper->visited), m_chain.fresh_id()};
            charged.push_back({paper->number, 1 + below(units(5))});
            paper->number = m_next_paper++;
        }
        const auto [record, stated] =
            charged.at(static_cast<std::size_t>(below(static_cast<std::int64_t>(charged.size()))));
        const Money all = stated + (below(10) == 0 ? 1 : 0);
        paper->amount = below(6) == 0 ? all + 1 : 1 + below(std::max<Money>(1, all));
        const CreditCharge action{
            ref_of(paper->id), paper_ref(record), cny, all, paper->amount, {}};
        add_signed_by_both(*paper, action, m_naive.credit(*paper, record, all));
        m_credits[paper->id].push_back(paper->number);
    }
    void add_rebill() {
        std::optional<NaiveLedger::Paper> paper = any_paper();
        if (!paper || m_credits[paper->id].empty()) {
            return;
        }
        const int credit = m_credits[paper->id].back();
        const RebillCharge action{paper_ref(credit),
                                  rated(paper->id, paper->visited, below(3'000))};
        paper->amount = action.charge.amount;
        add_signed_by_both(*paper, action, m_naive.rebill(*paper, credit));
        m_charged[paper->id].push_back({paper->number, paper->amount});
    }
    void add_confirmation() {
        const auto& legs = m_naive.legs();
        if (legs.empty()) {
            return;
        }
        // Mostly one of the last.
        const auto back = below(std::min<std::int64_t>(4, static_cast<std::int64_t>(legs.size())));
        const NaiveLedger::Leg& leg = legs[legs.size() - 1 - static_cast<std::size_t>(back)];
        const std::string by = below(10) == 0 ? any_member() : leg.creditor;
        const std::string debtor = leg.debtor;
        const std::int64_t cycle = leg.cycle + (below(12) == 0 ? 1 : 0);
        if (by != debtor && below(4) == 0) {
            return add_vote_on_leg(
                {static_cast<std::uint64_t>(cycle), cny, party(debtor), party(by)});
        }
        const ConfirmPayment action{static_cast<std::uint64_t>(cycle), cny, party(debtor), "paid"};
        add(plan(by, action, m_naive.confirm(cycle, debtor, by)));
    }
    /// In the creditor's place, as a reinstatement.
    void add_vote_on_leg(const LegKey& leg) {
        ProposeChange change;
        change.kind = ChangeKind::confirm_leg;
        change.leg = leg;
        const ResultCode result = m_naive.confirm(static_cast<std::int64_t>(leg.cycle),
                                                  to_text(leg.debtor), to_text(leg.creditor));
        add(plan("HUB", change, result));
        if (result == ResultCode::ok) {
            const VoteOnChange vote{m_chain.last_ref(), true};
            add(plan("AAA", vote, ResultCode::ok));
            add(plan("BBB", vote, ResultCode::ok));
        }
    }
    /// By the hub's proposal and two votes of the four.
    void add_reinstatement() {
        if (m_naive.suspended().empty()) {
            return;
        }
        const std::string member = *m_naive.suspended().begin();
        ProposeChange change;
        change.kind = ChangeKind::reinstate;
        change.member = party(member);
        add(plan("HUB", change, ResultCode::ok));
        const VoteOnChange vote{m_chain.last_ref(), true};
        add(plan("AAA", vote, ResultCode::ok));
        add(plan("BBB", vote, ResultCode::ok));
        m_naive.reinstate(member);
    }
    void add(Planned planned) {
        m_envelopes.push_back(std::move(planned.envelope));
        m_expected.push_back(planned.expected);
    }
    void add_any() {
        switch (below(16)) {
            case 0:
                return add_late();
            case 1:
                return add_credit();
            case 2:
                return add_rebill();
            case 3:
                return add_confirmation();
            case 4:
                return add_confirmation();
            default:
                return add(plan_any());
        }
    }

    Planned plan_any() {
        switch (below(16)) {
            case 0:
            case 1:
            case 2:
                return plan_decide();
            case 3:
                return plan_release();
            case 4:
            case 5:
            case 6:
                return plan_start();
            case 7:
            case 8:
                return plan_record();
            case 9:
            case 10:
                return plan_settle();
            case 11:
            case 12:
                return plan_dispute();
            case 13:
                return plan_accept();
            case 14:
                return plan_arbitrate();
            default:
                return plan_claim();
        }
    }

    UnixMillis any_step() {
        switch (below(20)) {
            case 0:
                return below(40 * hour_ms) + 1;
            case 1:
                return below(200 * hour_ms) + 1;
            case 2:
            case 3:
            case 4:
                return below(hour_ms) + 1;
            default:
                return below(60'000) + 1;
        }
    }

    void step() {
        m_time = m_chain.now() + any_step();
        const std::size_t expired = m_naive.begin_block(m_time);
        m_envelopes.clear();
        m_expected.clear();
        if (below(3) == 0) {
            add_reinstatement();  // Else little would happen after the first default.
        }
        for (std::int64_t count = below(8); count > 0; --count) {
            add_any();
        }
        const ExecutedBlock& block = m_chain.add_block(m_time, m_envelopes);
        REQUIRE(block.results == m_expected);
        REQUIRE(block.events.size() == expired);
        for (const ResultCode result : m_expected) {
            ++m_seen[result];
        }
        m_blocks.push_back(block.block);
        compare_accounts();
    }

    void compare_accounts() {
        for (const char* member : {"AAA", "BBB", "CCC"}) {
            const NaiveLedger::Balance naive = m_naive.balance(member);
            const Account account = *find_account(m_chain.state(), party(member), cny);
            REQUIRE(account == Account{naive.owes_pending, naive.owes, naive.gets_pending,
                                       naive.gets, units(150), naive.legs_owed, naive.legs_due,
                                       naive.may_go_back});
        }
        REQUIRE(find_totals(m_chain.state(), cny)->balanced());
        for (const char* member : {"AAA", "BBB", "CCC"}) {
            REQUIRE(find_member(m_chain.state(), party(member))->suspended ==
                    m_naive.suspended().contains(member));
        }
    }

    std::mt19937_64 m_random;
    TestChain m_chain;
    NaiveLedger m_naive;
    UnixMillis m_time{0};
    int m_next_id{0};
    std::map<int, AuthorizationRef> m_refs;
    int m_next_paper{0};
    std::map<int, TransactionRef> m_papers;
    std::map<int, std::vector<std::pair<int, Money>>> m_charged;  ///< by charge: paper, amount
    std::map<int, std::vector<int>> m_credits;                    ///< by charge
    std::vector<Bytes> m_envelopes;
    std::vector<ResultCode> m_expected;
    std::vector<Block> m_blocks;
    std::map<ResultCode, int> m_seen;
};

/// Executes `blocks` on a copy of the state before them, each made final only when `lag` more
/// stand on it: so that reads go through several unfinalized layers.
void replay(TestChain& start, const std::vector<Block>& blocks, std::size_t lag) {
    std::deque<std::shared_ptr<ExecutedBlock>> open;
    std::shared_ptr<const ExecutedBlock> tip = start.tip_pointer();
    IdWindow window = start.window();
    for (const Block& block : blocks) {
        auto result = start.executor().execute(tip, window, block);
        REQUIRE(result);
        auto executed = std::make_shared<ExecutedBlock>(std::move(result).value());
        REQUIRE(executed->digest == block.header.digest());
        open.push_back(executed);
        tip = executed;
        if (open.size() > lag) {
            REQUIRE(start.base().write(to_batch(open.front()->changes), true));
            window.add(open.front()->ids);
            open.front()->parent = nullptr;
            open.pop_front();
        }
    }
}

}  // namespace

TEST_CASE("random charges give what the naive ledger says", "[chain][property]") {
    std::map<ResultCode, int> seen;
    // Many short ones: after a while everybody owes up to the limit and little happens.
    for (std::uint64_t seed = 1; seed <= 24; ++seed) {
        INFO("seed " << seed);
        RandomCharges charges{seed};
        charges.run(120);
        for (const auto& [result, count] : charges.seen()) {
            seen[result] += count;
        }
    }
    // The sequences went everywhere they should.
    for (const ResultCode result : {ResultCode::ok,
                                    ResultCode::self_roaming,
                                    ResultCode::invalid_deadline,
                                    ResultCode::below_minimum,
                                    ResultCode::exposure_exceeded,
                                    ResultCode::limit_exceeded,
                                    ResultCode::unknown_authorization,
                                    ResultCode::not_permitted,
                                    ResultCode::wrong_status,
                                    ResultCode::too_early,
                                    ResultCode::too_late,
                                    ResultCode::not_visited,
                                    ResultCode::not_home,
                                    ResultCode::evse_busy,
                                    ResultCode::amount_differs,
                                    ResultCode::energy_implausible,
                                    ResultCode::not_hub,
                                    ResultCode::dispute_amount,
                                    ResultCode::authorization_live,
                                    ResultCode::already_corrected,
                                    ResultCode::credit_exceeds_charge,
                                    ResultCode::unknown_correction,
                                    ResultCode::member_suspended,
                                    ResultCode::unknown_leg,
                                    ResultCode::leg_confirmed}) {
        INFO(to_text(result));
        CHECK(seen[result] > 0);
    }
}

TEST_CASE("a replay gives the same digests, whenever blocks become final", "[chain][property]") {
    RandomCharges charges{99};
    charges.run(80);
    for (const std::size_t lag : {std::size_t{0}, std::size_t{1}, std::size_t{5}}) {
        TestChain start{random_genesis(99), {party("AAA"), party("BBB"), party("CCC")}};
        replay(start, charges.blocks(), lag);
    }
}

namespace {

/// What an auditor has who looked at the ledger up to here.
std::shared_ptr<const AuditCheckpoint> checkpoint_at(TestChain& chain) {
    auto checkpoint = std::make_shared<AuditCheckpoint>();
    checkpoint->header = chain.tip().block.header;
    checkpoint->log_subtrees = chain.tip().log.subtrees();
    for (const auto& [key, value] : chain.base().entries()) {
        if (!is_derived(key.front())) {
            checkpoint->state.push_back({key, value});
        }
    }
    checkpoint->has_business = true;
    checkpoint->books = BusinessCheck{chain.chain_id(), chain.state(), chain.now(), 1}.save_books();
    return checkpoint;
}

/// What the ledger lets two operators sign together though it makes no sense, and these random ones
/// do sign: credits that name a record of no such charge, late charges of what was paid, and late
/// charges that all begin at register 0.
bool is_of_random_corrections(const Finding& finding) {
    const auto says = [&finding](const char* words) {
        return finding.message.find(words) != std::string::npos;
    };
    return (finding.kind == FindingKind::unmatched && says("the credit names")) ||
           (finding.kind == FindingKind::duplicate && says("is charged late, though")) ||
           (finding.kind == FindingKind::meter_register && says("begins at 0 Wh"));
}

}  // namespace

TEST_CASE("the books of an audit agree with a ledger of random charges", "[chain][property]") {
    std::uint64_t cycles{0};
    for (std::uint64_t seed = 1; seed <= 4; ++seed) {
        INFO("seed " << seed);
        RandomCharges charges{seed};
        charges.run(120);
        TestChain chain{random_genesis(seed), {party("AAA"), party("BBB"), party("CCC")}};
        AuditOptions options{AuditLevel::business};
        options.from = checkpoint_at(chain);
        options.findings_max = 100'000;
        std::vector<FinalizedBlock> blocks;
        for (const Block& block : charges.blocks()) {
            const ExecutedBlock& made = chain.add_block(block.header.time, block.envelopes);
            REQUIRE(made.block.header.digest() == block.header.digest());
            blocks.push_back({made.block, made.results, made.events,
                              certify_by(chain.genesis(), made.block.header, 0b0111)});
        }
        for (const char* const member : {"AAA", "BBB", "CCC", "HUB"}) {
            options.member = party(member);
            ForgedLedger ledger{blocks, chain.genesis()};
            ledger.write(options.from->header.height + 1);
            const AuditReport report = ledger.audit_as_is(options);
            for (const Finding& finding : report.findings) {
                INFO(to_text(finding.kind) << " at " << finding.height << ": " << finding.message);
                CHECK(is_of_random_corrections(finding));
            }
            CHECK(report.findings_count == report.findings.size());
            CHECK(report.replayed_to == chain.tip().block.header.height);
            cycles += report.business.cycles_netted;
        }
    }
    CHECK(cycles > 32);
}

}  // namespace tally::test
