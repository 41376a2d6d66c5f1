#include "tests/support/ledger_fixture.h"

#include "ledger/base/check.h"
#include "ledger/crypto/sha256.h"
#include "ledger/model/day_bands.h"
#include "ledger/model/rating.h"
#include "ledger/state/epochs.h"
#include "ledger/state/invariants.h"
#include "ledger/state/keys.h"

#include <algorithm>
#include <utility>

namespace tally::test {
namespace {

PublicKey public_of(const std::string& name) { return public_key_of(secret_of(name)); }

Member make_member(const char* name, MemberRole role) {
    const std::string prefix{name};
    Member member;
    member.party = party(name);
    member.country = "CN";
    member.role = role;
    member.member_key = public_of(prefix + "/member");
    member.consensus_key = public_of(prefix + "/consensus");
    member.link_key = public_of(prefix + "/link");
    return member;
}

}  // namespace

SecretKey secret_of(std::string_view name) {
    const Hash hash = tagged_hash("tally/test-key", as_bytes(name));
    const std::optional<SecretKey> secret = SecretKey::from(hash.view());
    ENSURE(secret && is_valid_secret(*secret));
    return *secret;
}

PartyId party(std::string_view text) {
    const std::optional<PartyId> party = party_from_text(text);
    ENSURE(party.has_value());
    return *party;
}

Currency currency(std::string_view text) {
    const std::optional<Currency> currency = currency_from_text(text);
    ENSURE(currency.has_value());
    return *currency;
}

Genesis make_genesis() {
    Genesis genesis;
    genesis.name = "test";
    genesis.time = genesis_time;
    genesis.parameters.minimum_approval = units(1);
    genesis.parameters.epoch_blocks_min = 1;
    // Tests that are not about cycles may pass weeks: theirs is one long cycle.
    genesis.parameters.cycle_start = genesis_time;
    genesis.parameters.cycle_length = parameter_duration_max;
    const std::vector<const char*> operators{"AAA", "BBB", "CCC"};
    for (const char* name : operators) {
        genesis.members.push_back(make_member(name, MemberRole::operator_));
        genesis.limits.push_back({party(name), currency("CNY"), units(10'000)});
        for (const char* partner : operators) {
            if (partner != name) {
                SetAgreement half;
                half.partner = party(partner);
                half.currency = currency("CNY");
                genesis.agreements.push_back({party(name), half});
            }
        }
    }
    genesis.members.push_back(make_member("HUB", MemberRole::hub));
    ENSURE(!find_problem(genesis));
    return genesis;
}

SecretKey secret_behind(const PublicKey& key, const PartyId& party, KeyRole role) {
    const std::string name = to_text(party) + "/" + to_text(role);
    for (int number = 0; number < 10; ++number) {
        const SecretKey secret =
            secret_of(number == 0 ? name : name + "-" + std::to_string(number));
        if (public_key_of(secret) == key) {
            return secret;
        }
    }
    ENSURE(false);
    return {};
}

Member make_follower(const char* name) {
    Member member = make_member(name, MemberRole::operator_);
    member.validator = false;
    return member;
}

QuorumCertificate certify(const std::vector<Validator>& validators, VoteKind kind,
                          const BlockHeader& header, std::uint64_t view) {
    QuorumCertificate certificate;
    certificate.statement = {header.epoch, kind, view, header.parent_view, header.digest()};
    const Hash digest = certificate.statement.signing_digest(header.chain_id);
    for (std::size_t i = 0; i < quorum(validators.size()); ++i) {
        const Validator& validator = validators[i];
        certificate.bitmap |= std::uint64_t{1} << i;
        certificate.signatures.push_back(sign_digest(
            secret_behind(validator.consensus_key, validator.party, KeyRole::consensus), digest));
    }
    return certificate;
}

QuorumCertificate certify(const Genesis& genesis, VoteKind kind, const BlockHeader& header) {
    return certify(validators_of(genesis.members), kind, header, header.view);
}

Bytes make_envelope(const Hash& chain_id, const PartyId& signer,
                    const std::vector<Transaction>& transactions) {
    std::vector<Bytes> encoded;
    for (const Transaction& transaction : transactions) {
        encoded.push_back(encode_transaction(transaction));
    }
    KeySigner key{secret_of(to_text(signer) + "/member")};
    return sign_envelope(chain_id, signer, std::move(encoded), key);
}

void sign_metered(const Hash& chain_id, const PartyId& owner, MeteredCharge& charge) {
    charge.bridge_signature = sign_digest(secret_of(to_text(owner) + "/" + charge.bridge_id),
                                          metered_signing_digest(chain_id, charge));
}

WriteBatch to_batch(const StateChanges& changes) {
    WriteBatch batch;
    for (const auto& [key, value] : changes) {
        batch.operations.push_back({key, value});
    }
    return batch;
}

TestChain::TestChain(Genesis genesis, const std::vector<PartyId>& sites)
    : m_genesis{std::move(genesis)},
      m_chain_id{m_genesis.chain_id()},
      m_executor{m_genesis, m_base, m_signatures} {
    make_final(m_executor.genesis_block());
    for (const PartyId& site : sites) {
        set_up_site(site);
    }
}

void TestChain::make_final(ExecutedBlock block) {
    ENSURE(m_base.write(to_batch(block.changes), true).has_value());
    block.parent = nullptr;
    m_window.add(block.ids);
    m_tip = std::make_shared<const ExecutedBlock>(std::move(block));
    const std::optional<std::string> problem = check_invariants(state());
    ENSURE(!problem);
}

BlockContext TestChain::next_context(UnixMillis time) const {
    const BlockHeader& before = tip().block.header;
    BlockContext context;
    context.epoch = find_epoch(state()).epoch;
    context.view = before.seals_epoch ? 1 : before.view + 1;
    context.parent_view = before.seals_epoch ? 0 : before.view;
    context.time = time;
    return context;
}

const ExecutedBlock& TestChain::add_block(UnixMillis time, const std::vector<Bytes>& envelopes) {
    std::vector<Hash> left_out;
    Expected<ExecutedBlock, BlockError> built =
        m_executor.build(m_tip, m_window, next_context(time), envelopes, left_out);
    ENSURE(built.has_value() && left_out.empty());
    Expected<ExecutedBlock, BlockError> executed =
        m_executor.execute(m_tip, m_window, built->block);
    ENSURE(executed.has_value());
    ENSURE(executed->digest == built->digest && executed->changes == built->changes);
    make_final(std::move(executed).value());
    return tip();
}

const ExecutedBlock& TestChain::pass(UnixMillis step) { return add_block(now() + step, {}); }

ResultCode TestChain::apply(const PartyId& signer, Action action, UnixMillis step) {
    Transaction one = transaction(signer, std::move(action));
    one.not_after = now() + step + 60 * second_ms;
    return add_block(now() + step, {envelope(signer, {one})}).results.front();
}

Bytes TestChain::envelope(const PartyId& signer,
                          const std::vector<Transaction>& transactions) const {
    const std::optional<MemberRecord> member = find_member(state(), signer);
    ENSURE(member.has_value());
    std::vector<Bytes> encoded;
    for (const Transaction& one : transactions) {
        encoded.push_back(encode_transaction(one));
    }
    KeySigner key{secret_behind(member->member.member_key, signer, KeyRole::member)};
    return sign_envelope(m_chain_id, signer, std::move(encoded), key);
}

void TestChain::change_epoch() {
    const std::uint64_t epoch = find_epoch(state()).epoch;
    const NextEpoch wanted = wanted_epoch(state());
    std::vector<Bytes> envelopes;
    for (const Validator& validator : wanted.validators) {
        const ReportReady report{epoch, wanted.hash(), tip().block.header.height};
        envelopes.push_back(envelope(validator.party, {transaction(validator.party, report)}));
    }
    add_block(now() + second_ms, envelopes);
    pass(second_ms);
    ENSURE(tip().block.header.seals_epoch && find_epoch(state()).validators == wanted.validators);
}

TransactionId TestChain::fresh_id() {
    TransactionId id;
    const std::uint64_t number = ++m_ids_made;
    const auto time = static_cast<std::uint64_t>(now());
    for (std::size_t i = 0; i < 6; ++i) {
        id.data[i] = static_cast<std::uint8_t>(time >> (40 - 8 * i));
    }
    for (std::size_t i = 0; i < 8; ++i) {
        id.data[8 + i] = static_cast<std::uint8_t>(number >> (56 - 8 * i));
    }
    return id;
}

Signature possession_of(const Hash& chain_id, const PartyId& party, KeyRole role,
                        const PublicKey& key) {
    for (const KeyRole named : key_roles) {
        const std::string name = to_text(party) + "/" + to_text(named);
        for (int number = 0; number < 10; ++number) {
            const SecretKey secret =
                secret_of(number == 0 ? name : name + "-" + std::to_string(number));
            if (public_key_of(secret) == key) {
                return sign_digest(secret, key_possession_digest(chain_id, party, role, key));
            }
        }
    }
    return {};
}

void add_possessions(const Hash& chain_id, const PartyId& signer, Action& action) {
    const auto prove = [&chain_id](const PartyId& party, KeyRole role, const PublicKey& key,
                                   Signature& possession) {
        if (possession == Signature{}) {
            possession = possession_of(chain_id, party, role, key);
        }
    };
    if (auto* rotation = std::get_if<RotateKey>(&action)) {
        prove(signer, rotation->role, rotation->new_key, rotation->possession);
    } else if (auto* admission = std::get_if<AdmitFollower>(&action)) {
        const Member& member = admission->member;
        for (std::size_t i = 0; i < key_roles.size(); ++i) {
            prove(member.party, key_roles[i], member.key(key_roles[i]), admission->possessions[i]);
        }
    } else if (auto* change = std::get_if<ProposeChange>(&action)) {
        const std::array<std::optional<ProvenKey>*, key_roles.size()> keys{
            &change->member_key, &change->consensus_key, &change->link_key};
        for (std::size_t i = 0; i < key_roles.size(); ++i) {
            if (*keys[i]) {
                prove(change->member, key_roles[i], (*keys[i])->key, (*keys[i])->possession);
            }
        }
    }
}

Transaction TestChain::transaction(const PartyId& signer, Action action) {
    add_possessions(m_chain_id, signer, action);
    m_last_ref = {signer, fresh_id()};
    return Transaction{m_last_ref.id, now() + 60 * second_ms, std::move(action)};
}

std::string TestChain::evse(const PartyId& operator_, int connector) {
    return to_text(operator_) + "*" + std::to_string(connector);
}

void TestChain::set_up_site(const PartyId& operator_) {
    RegisterBridge bridge;
    bridge.bridge_id = "bridge-1";
    bridge.public_key = public_of(to_text(operator_) + "/bridge-1");
    ENSURE(apply(operator_, bridge) == ResultCode::ok);
    for (const int connector : {1, 2}) {
        RegisterCharger charger;
        charger.evse_id = evse(operator_, connector);
        charger.station = "ST1";
        charger.connector = static_cast<std::uint16_t>(connector);
        charger.bridge_id = "bridge-1";
        charger.rated_power_w = 60'000;
        charger.meter_serial = "M" + std::to_string(connector);
        ENSURE(apply(operator_, charger) == ResultCode::ok);
    }
    PublishTariff tariff;
    tariff.ref = {"std", 1};
    tariff.tariff = day_tariff(currency("CNY"), {{0, units(1), units(1) / 2}});
    ENSURE(apply(operator_, tariff) == ResultCode::ok);
}

DecideAuthorization TestChain::approval(const PartyId& visited, Money amount) const {
    DecideAuthorization decision;
    decision.visited = visited;
    decision.request_hash = sha256(as_bytes("request"));
    decision.token_commitment = sha256(as_bytes("token"));
    decision.station = "ST1";
    decision.currency = currency("CNY");
    decision.approved = true;
    decision.amount = amount;
    decision.tariffs = {{"std", 1}};
    decision.start_by = now() + 60 * second_ms;
    return decision;
}

AuthorizationRef TestChain::approve(const PartyId& home, const PartyId& visited, Money amount) {
    ENSURE(apply(home, approval(visited, amount)) == ResultCode::ok);
    return m_last_ref;
}

AuthorizationRef TestChain::approve_and_start(const PartyId& home, const PartyId& visited,
                                              Money amount, int connector) {
    const AuthorizationRef ref = approve(home, visited, amount);
    ENSURE(apply(visited, StartCharge{ref, evse(visited, connector), {"std", 1}}) ==
           ResultCode::ok);
    return ref;
}

RecordCharge TestChain::record(const AuthorizationRef& authorization,
                               std::int64_t energy_wh) const {
    const std::optional<Authorization> found = find_live_authorization(state(), authorization);
    ENSURE(found && found->start);
    const PartyId& visited = found->visited;
    const std::optional<ChargerRecord> charger =
        find_charger(state(), visited, found->start->evse_id);
    ENSURE(charger.has_value());
    RecordCharge action;
    MeteredCharge& metered = action.metered;
    metered.authorization = authorization;
    metered.evse_id = found->start->evse_id;
    metered.bridge_id = charger->bridge_id;
    metered.meter_serial = charger->meter_serial;
    metered.meter_epoch = charger->meter_epoch;
    const UnixMillis begin = std::max(now(), charger->last_end_time);
    const std::int64_t from = charger->last_reading ? charger->last_reading->register_wh : 0;
    const UnixMillis at_half_power = energy_wh * hour_ms / (charger->rated_power_w / 2);
    metered.readings = {{begin, 480, from, false},
                        {begin + std::max(hour_ms, at_half_power), 480, from + energy_wh, false}};
    sign_metered(m_chain_id, visited, metered);
    const std::optional<Tariff> tariff = find_tariff(state(), visited, found->start->tariff);
    ENSURE(tariff.has_value());
    const Expected<Rating, RatingError> rating = rate(*tariff, metered.readings);
    ENSURE(rating.has_value());
    action.rated_amount = rating->total();
    action.amount = std::min(action.rated_amount, found->amount);
    return action;
}

AuthorizationRef TestChain::charge_until_recorded(const PartyId& home, const PartyId& visited,
                                                  std::int64_t energy_wh) {
    const AuthorizationRef ref = approve_and_start(home, visited, units(100));
    ENSURE(apply(visited, record(ref, energy_wh)) == ResultCode::ok);
    return ref;
}

}  // namespace tally::test
