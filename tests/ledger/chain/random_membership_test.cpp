// Random changes of membership over some hundred blocks, against a second, naive idea of who is a
// member, who votes, and with which keys.

#include "ledger/state/epochs.h"
#include "tests/ledger/base/seeded_random.h"
#include "tests/support/ledger_fixture.h"

#include <catch2/catch.hpp>

#include <algorithm>
#include <map>
#include <set>

namespace tally::test {
namespace {

constexpr UnixMillis proposal_window{20 * second_ms};
constexpr std::uint64_t longest_epoch{25};
constexpr std::uint64_t shortest_epoch{7};

/// The rules as docs/protocol/ledger.md tells them, in sets and loops.
struct NaiveMembership {
    struct Open {
        ProposeChange change;
        UnixMillis expires{0};
        std::set<PartyId> yes;
        std::set<PartyId> no;
    };
    std::map<PartyId, Member> members;
    std::set<PartyId> suspended;
    std::map<PublicKey, PartyId> voting;  ///< the current epoch's set
    std::map<TransactionRef, Open> open;
    std::set<PartyId> ready;
    std::map<PublicKey, PartyId> ready_for;
    std::uint64_t epoch{0};
    std::uint64_t first_height{1};
    std::uint32_t admitted{0};
    std::optional<std::map<PublicKey, PartyId>> seal;

    explicit NaiveMembership(const Genesis& genesis) {
        for (const Member& member : genesis.members) {
            members[member.party] = member;
        }
        voting = wanted();
    }
    [[nodiscard]] std::map<PublicKey, PartyId> wanted() const {
        std::map<PublicKey, PartyId> set;
        for (const auto& [party, member] : members) {
            if (member.validator) {
                set[member.consensus_key] = party;
            }
        }
        return set;
    }
    [[nodiscard]] bool votes(const PartyId& party) const {
        return std::any_of(voting.begin(), voting.end(),
                           [&](const auto& entry) { return entry.second == party; });
    }
    [[nodiscard]] bool is_hub(const PartyId& party) const {
        return members.at(party).role == MemberRole::hub;
    }
    [[nodiscard]] bool is_anothers(const PartyId& party, const PublicKey& key) const {
        for (const auto& [other, member] : members) {
            const std::set<PublicKey> keys{member.member_key, member.consensus_key,
                                           member.link_key};
            if (other != party && keys.contains(key)) {
                return true;
            }
        }
        const auto found = voting.find(key);
        return found != voting.end() && found->second != party;
    }

    void begin(std::uint64_t height, UnixMillis time) {
        const std::map<PublicKey, PartyId> next = wanted();
        const std::size_t needed = next.size() - (next.size() - 1) / 3;
        const bool next_ready = next != voting && ready_for == next && ready.size() >= needed;
        seal.reset();
        const std::uint64_t blocks = height - first_height + 1;
        if (blocks == longest_epoch || (next_ready && blocks >= shortest_epoch)) {
            seal = next_ready ? next : voting;
        }
        std::erase_if(open, [time](const auto& entry) { return entry.second.expires < time; });
    }
    void end(std::uint64_t height) {
        if (seal) {
            voting = *seal;
            ++epoch;
            first_height = height + 1;
            admitted = 0;
            if (ready_for == voting) {
                ready.clear();
                ready_for.clear();
            }
        }
    }

    ResultCode admit(const PartyId& signer, const AdmitFollower& action) {
        const Member& member = action.member;
        if (!is_hub(signer)) {
            return ResultCode::not_permitted;
        }
        if (members.contains(member.party)) {
            return ResultCode::already_member;
        }
        if (admitted >= 2) {
            return ResultCode::admissions_full;
        }
        if (is_anothers(member.party, member.member_key) ||
            is_anothers(member.party, member.consensus_key) ||
            is_anothers(member.party, member.link_key)) {
            return ResultCode::key_in_use;  // A follower's first keys may be somebody else's now.
        }
        if (action.possessions[1] == forged()) {
            return ResultCode::bad_possession;
        }
        ++admitted;
        members[member.party] = member;
        return ResultCode::ok;
    }
    ResultCode rotate(const PartyId& signer, const RotateKey& action) {
        if (members.at(signer).key(action.role) == action.new_key) {
            return ResultCode::nothing_to_change;
        }
        if (is_anothers(signer, action.new_key)) {
            return ResultCode::key_in_use;
        }
        if (action.role == KeyRole::consensus && members.at(signer).validator) {
            const auto now = voting.find(members.at(signer).consensus_key);
            if (now == voting.end() || now->second != signer) {
                return ResultCode::rotation_pending;
            }
        }
        if (action.possession == forged()) {
            return ResultCode::bad_possession;
        }
        members.at(signer).set_key(action.role, action.new_key);
        return ResultCode::ok;
    }
    [[nodiscard]] ResultCode check(const ProposeChange& change) const {
        const auto found = members.find(change.member);
        if (found == members.end()) {
            return ResultCode::unknown_member;
        }
        const Member& member = found->second;
        const bool is_suspended = suspended.contains(change.member);
        const std::size_t count = wanted().size();
        switch (change.kind) {
            case ChangeKind::promote:
                return member.validator ? ResultCode::nothing_to_change : ResultCode::ok;
            case ChangeKind::demote:
                if (!member.validator) {
                    return ResultCode::nothing_to_change;
                }
                return count == 1 ? ResultCode::last_validator : ResultCode::ok;
            case ChangeKind::suspend:
                return is_suspended ? ResultCode::nothing_to_change : ResultCode::ok;
            case ChangeKind::reinstate:
                return is_suspended ? ResultCode::ok : ResultCode::nothing_to_change;
            case ChangeKind::replace_keys:
                if (is_anothers(change.member, change.consensus_key->key)) {
                    return ResultCode::key_in_use;
                }
                return member.consensus_key == change.consensus_key->key
                           ? ResultCode::nothing_to_change
                           : ResultCode::ok;
            case ChangeKind::set_parameters:
            case ChangeKind::activate_feature:
            case ChangeKind::withdraw_feature:
            case ChangeKind::confirm_leg:
                break;
        }
        return ResultCode::ok;
    }
    void make(const ProposeChange& change) {
        Member& member = members.at(change.member);
        if (change.kind == ChangeKind::promote || change.kind == ChangeKind::demote) {
            member.validator = change.kind == ChangeKind::promote;
        } else if (change.kind == ChangeKind::suspend) {
            suspended.insert(change.member);
        } else if (change.kind == ChangeKind::reinstate) {
            suspended.erase(change.member);
        } else {
            member.consensus_key = change.consensus_key->key;
        }
    }
    /// What becomes of a proposal with one more vote.
    ResultCode count(const TransactionRef& ref, const Open& item) {
        std::size_t yes{0};
        std::size_t no{0};
        bool hub_yes{false};
        bool hub_no{false};
        for (const PartyId& party : item.yes) {
            yes += votes(party) ? 1U : 0U;
            hub_yes = hub_yes || is_hub(party);
        }
        for (const PartyId& party : item.no) {
            no += votes(party) ? 1U : 0U;
            hub_no = hub_no || is_hub(party);
        }
        const bool about_hub =
            item.change.kind == ChangeKind::replace_keys && is_hub(item.change.member);
        if (3 * yes > 2 * voting.size() && (hub_yes || about_hub)) {
            const ResultCode result = check(item.change);
            if (result == ResultCode::ok) {
                make(item.change);
                open.erase(ref);
            }
            return result;
        }
        const bool hopeless = 3 * (voting.size() - no) <= 2 * voting.size();
        if (hopeless || (hub_no && !about_hub)) {
            open.erase(ref);
        } else {
            open[ref] = item;
        }
        return ResultCode::ok;
    }
    ResultCode propose(const TransactionRef& ref, const ProposeChange& change, UnixMillis time) {
        if (const ResultCode result = check(change); result != ResultCode::ok) {
            return result;
        }
        const auto rescues = [this](const ProposeChange& what) {
            return what.kind == ChangeKind::replace_keys && is_hub(what.member);
        };
        const auto own = std::count_if(open.begin(), open.end(), [&](const auto& entry) {
            return entry.first.signer == ref.signer &&
                   rescues(entry.second.change) == rescues(change);
        });
        if (own >= (rescues(change) ? 1 : 8)) {
            return ResultCode::too_many_proposals;
        }
        if (change.consensus_key && change.consensus_key->possession == forged()) {
            return ResultCode::bad_possession;
        }
        Open item{change, time + proposal_window, {}, {}};
        if (votes(ref.signer) || is_hub(ref.signer)) {
            item.yes.insert(ref.signer);
        }
        return count(ref, item);
    }
    ResultCode vote(const PartyId& signer, const VoteOnChange& action) {
        const auto found = open.find(action.proposal);
        if (found == open.end()) {
            return ResultCode::unknown_proposal;
        }
        if (!votes(signer) && !is_hub(signer)) {
            return ResultCode::not_validator;
        }
        Open item = found->second;
        if (item.yes.contains(signer) || item.no.contains(signer)) {
            return ResultCode::already_voted;
        }
        (action.approve ? item.yes : item.no).insert(signer);
        return count(action.proposal, item);
    }
    ResultCode report(const PartyId& signer, const ReportReady& action) {
        const std::map<PublicKey, PartyId> next = wanted();
        if (!members.at(signer).validator) {
            return ResultCode::not_validator;
        }
        if (next == voting || (action.epoch != epoch && action.epoch + 1 != epoch) ||
            action.next_epoch != hash_of(next)) {
            return ResultCode::not_ready_for;
        }
        if (ready_for != next) {
            ready_for = next;
            ready.clear();
        }
        return ready.insert(signer).second ? ResultCode::ok : ResultCode::already_voted;
    }
    [[nodiscard]] static Signature forged() {
        Signature signature;
        signature.data.fill(1);
        return signature;
    }
    [[nodiscard]] static std::vector<Validator> list(const std::map<PublicKey, PartyId>& set) {
        std::vector<Validator> validators;
        for (const auto& [key, party] : set) {
            validators.push_back({party, key});
        }
        return validators;
    }
    [[nodiscard]] static Hash hash_of(const std::map<PublicKey, PartyId>& set) {
        return NextEpoch{list(set), {}}.hash();
    }
};

/// Random actions for both, and their comparison.
class Schedule {
public:
    explicit Schedule(std::uint64_t seed)
        : m_random{seed}, m_chain{genesis()}, m_naive{m_chain.genesis()} {
        for (const char* name : {"AAA", "BBB", "CCC", "DDD", "EEE", "FFF", "HUB"}) {
            for (const char* role : {"member", "consensus", "link"}) {
                const std::string first = std::string{name} + "/" + role;
                for (const char* suffix : {"", "-1", "-2", "-3"}) {
                    m_keys[{party(name), role}].push_back(public_key_of(secret_of(first + suffix)));
                }
            }
        }
    }
    void block() {
        const std::uint64_t height = m_chain.tip().block.header.height + 1;
        const UnixMillis time = m_chain.now() + second_ms;
        m_naive.begin(height, time);
        std::vector<PartyId> signers;
        for (const auto& [party, member] : m_naive.members) {
            if (m_random.below(3) == 0) {
                signers.push_back(party);
            }
        }
        std::vector<Bytes> envelopes;
        std::vector<ResultCode> expected;
        for (const PartyId& signer : signers) {
            const Action action = any_action(signer);
            const Transaction transaction = m_chain.transaction(signer, action);
            envelopes.push_back(m_chain.envelope(signer, {transaction}));
            expected.push_back(result(signer, action, time));
            ++counts[expected.back()];
        }
        const ExecutedBlock& made = m_chain.add_block(time, envelopes);
        REQUIRE(made.results == expected);
        REQUIRE(made.block.header.seals_epoch == m_naive.seal.has_value());
        m_naive.end(height);
        compare();
    }
    [[nodiscard]] std::uint64_t epochs() const { return m_naive.epoch; }
    [[nodiscard]] std::uint64_t sets_changed() const { return m_sets_changed; }
    std::map<ResultCode, int> counts;

private:
    static Genesis genesis() {
        Genesis genesis = make_genesis();
        genesis.parameters.countersign_window = proposal_window;
        genesis.parameters.epoch_blocks_max = longest_epoch;
        genesis.parameters.epoch_blocks_min = shortest_epoch;
        genesis.parameters.admissions_per_epoch = 2;
        return genesis;
    }
    template <typename Items>
    const auto& any_of(const Items& items) {
        return *std::next(
            items.begin(),
            static_cast<std::ptrdiff_t>(m_random.below(static_cast<std::uint64_t>(items.size()))));
    }
    PublicKey any_key(const PartyId& party, const char* role) {
        // Now and then one that another member has.
        const Member& other = any_of(m_naive.members).second;
        return m_random.below(12) == 0 && other.party != party ? other.link_key
                                                               : any_of(m_keys[{party, role}]);
    }
    Action any_action(const PartyId& signer) {
        const std::uint64_t choice = m_random.below(20);
        if (choice == 0) {
            static constexpr const char* names[]{"DDD", "EEE", "FFF", "AAA"};
            AdmitFollower admission{make_follower(names[m_random.below(4)])};
            if (m_random.below(6) == 0) {
                admission.possessions[1] = NaiveMembership::forged();
            }
            return admission;
        }
        if (choice < 3) {
            const KeyRole role{static_cast<std::uint8_t>(1 + m_random.below(3))};
            RotateKey rotation{role, any_key(signer, to_text(role))};
            if (m_random.below(6) == 0) {
                rotation.possession = NaiveMembership::forged();
            }
            return rotation;
        }
        if (choice < 7 || m_naive.open.empty()) {
            ProposeChange change;
            change.kind = ChangeKind{static_cast<std::uint8_t>(1 + m_random.below(5))};
            change.member = any_of(m_naive.members).first;
            if (change.kind == ChangeKind::replace_keys) {
                change.consensus_key = ProvenKey{any_key(change.member, "consensus")};
                if (m_random.below(6) == 0) {
                    change.consensus_key->possession = NaiveMembership::forged();
                }
            }
            return change;
        }
        if (choice < 15) {
            return VoteOnChange{any_of(m_naive.open).first, m_random.below(8) != 0};
        }
        std::uint64_t epoch = m_naive.epoch;
        if (const std::uint64_t other = m_random.below(15); other == 0) {
            ++epoch;
        } else if (epoch > 0 && other < 3) {
            --epoch;
        }
        return ReportReady{epoch, NaiveMembership::hash_of(m_naive.wanted()),
                           m_chain.tip().block.header.height};
    }
    ResultCode result(const PartyId& signer, const Action& action, UnixMillis time) {
        if (const auto* admit = std::get_if<AdmitFollower>(&action)) {
            return m_naive.admit(signer, *admit);
        }
        if (const auto* rotate = std::get_if<RotateKey>(&action)) {
            return m_naive.rotate(signer, *rotate);
        }
        if (const auto* change = std::get_if<ProposeChange>(&action)) {
            return m_naive.propose(m_chain.last_ref(), *change, time);
        }
        if (const auto* vote = std::get_if<VoteOnChange>(&action)) {
            return m_naive.vote(signer, *vote);
        }
        return m_naive.report(signer, std::get<ReportReady>(action));
    }
    void compare() {
        const StateOverlay state = m_chain.state();
        std::size_t members{0};
        for (const MemberRecord& record : list_members(state)) {
            REQUIRE(record.member == m_naive.members.at(record.member.party));
            REQUIRE(record.suspended == m_naive.suspended.contains(record.member.party));
            ++members;
        }
        REQUIRE(members == m_naive.members.size());
        const EpochRecord epoch = find_epoch(state);
        REQUIRE(epoch.epoch == m_naive.epoch);
        REQUIRE(epoch.first_height == m_naive.first_height);
        const std::vector<Validator> voting = NaiveMembership::list(m_naive.voting);
        REQUIRE(epoch.validators == voting);
        REQUIRE(list_proposals(state).size() == m_naive.open.size());
        m_sets_changed += voting == m_last_voting ? 0U : 1U;
        m_last_voting = voting;
    }

    SeededRandom m_random;
    TestChain m_chain;
    NaiveMembership m_naive;
    std::map<std::pair<PartyId, std::string>, std::vector<PublicKey>> m_keys;
    std::vector<Validator> m_last_voting;
    std::uint64_t m_sets_changed{0};
};

}  // namespace

TEST_CASE("random changes of membership do what a naive reading of the rules says",
          "[chain][membership][property]") {
    std::map<ResultCode, int> counts;
    std::uint64_t sets_changed{0};
    for (std::uint64_t seed = 1; seed <= 6; ++seed) {
        INFO("seed " << seed);
        Schedule schedule{seed};
        for (int block = 0; block < 150; ++block) {
            INFO("block " << block + 1);
            schedule.block();
        }
        CHECK(schedule.epochs() >= 150 / longest_epoch);
        sets_changed += schedule.sets_changed();
        for (const auto& [code, count] : schedule.counts) {
            counts[code] += count;
        }
    }
    CHECK(sets_changed > 6 * 2);
    for (const ResultCode code :
         {ResultCode::ok, ResultCode::already_voted, ResultCode::already_member,
          ResultCode::key_in_use, ResultCode::nothing_to_change, ResultCode::not_ready_for,
          ResultCode::not_validator, ResultCode::not_permitted, ResultCode::rotation_pending,
          ResultCode::bad_possession}) {
        INFO(to_text(code));
        CHECK(counts[code] > 0);
    }
}

}  // namespace tally::test
