#include "tests/ledger/store/test_ledger.h"

#include "ledger/base/check.h"
#include "ledger/model/day_bands.h"
#include "ledger/state/epochs.h"

namespace tally::test {

std::vector<Block> make_history() {
    TestChain chain;
    std::vector<Block> blocks;
    const PartyId aaa = party("AAA");
    const PartyId bbb = party("BBB");
    const auto add = [&chain, &blocks](std::vector<std::pair<PartyId, std::vector<Action>>> work,
                                       UnixMillis step = second_ms) {
        std::vector<Bytes> envelopes;
        for (auto& [signer, actions] : work) {
            std::vector<Transaction> transactions;
            for (Action& action : actions) {
                transactions.push_back(chain.transaction(signer, std::move(action)));
            }
            envelopes.push_back(make_envelope(chain.chain_id(), signer, transactions));
        }
        blocks.push_back(chain.add_block(chain.now() + step, envelopes).block);
    };
    SetLimit limit{bbb, currency("CNY"), units(500)};
    add({{party("HUB"), {limit}}, {bbb, {ReleaseAuthorization{{aaa, {}}}}}});
    RegisterBridge bridge;
    bridge.bridge_id = "bridge-1";
    bridge.public_key = public_key_of(secret_of("AAA/bridge-1"));
    RegisterCharger charger;
    charger.evse_id = TestChain::evse(aaa, 1);
    charger.station = "ST1";
    charger.bridge_id = "bridge-1";
    charger.rated_power_w = 60'000;
    charger.meter_serial = "M1";
    PublishTariff tariff;
    tariff.ref = {"std", 1};
    tariff.tariff = day_tariff(currency("CNY"), {{0, 10'000, 5'000}});
    add({{aaa, {bridge, charger, tariff}}});
    add({{bbb, {chain.approval(aaa, units(50))}},
         {party("CCC"), {chain.approval(aaa, units(20))}}});
    const AuthorizationRef charge = list_live_authorizations(chain.state(), {}, 1).front().ref;
    ENSURE(charge.signer == bbb);
    add({{aaa, {StartCharge{charge, charger.evse_id, {"std", 1}}}}});
    DecideAuthorization denial;
    denial.visited = aaa;
    denial.station = "ST1";
    denial.currency = currency("CNY");
    denial.reason = DenyReason::insufficient_balance;
    add({{bbb, {denial}}});
    const RecordCharge record = chain.record(charge, 12'000);
    add({}, 2 * hour_ms);  // the other approval expires here
    add({{aaa, {record}}});
    add({{bbb, {SettleCharge{charge, record.amount}}}});
    ENSURE(find_authorization(chain.state(), charge)->status == AuthorizationStatus::settled);
    return blocks;
}

std::vector<Block> make_epochs_history() {
    TestChain chain;
    std::vector<Block> blocks;
    const PartyId aaa = party("AAA");
    const PartyId ddd = party("DDD");
    const PartyId hub = party("HUB");
    const auto add = [&chain,
                      &blocks](const std::vector<std::pair<PartyId, std::vector<Action>>>& work) {
        std::vector<Bytes> envelopes;
        for (const auto& [signer, actions] : work) {
            std::vector<Transaction> transactions;
            for (const Action& action : actions) {
                transactions.push_back(chain.transaction(signer, action));
            }
            envelopes.push_back(chain.envelope(signer, transactions));
        }
        blocks.push_back(chain.add_block(chain.now() + second_ms, envelopes).block);
    };
    const auto decide = [&](const ProposeChange& change) {
        add({{aaa, {change}}});
        const VoteOnChange vote{chain.last_ref(), true};
        add({{party("BBB"), {vote}}, {party("CCC"), {vote}}, {hub, {vote}}});
    };
    const auto seal = [&] {
        const NextEpoch wanted = wanted_epoch(chain.state());
        const ReportReady report{find_epoch(chain.state()).epoch, wanted.hash(),
                                 chain.tip().block.header.height};
        std::vector<std::pair<PartyId, std::vector<Action>>> work;
        for (const Validator& validator : wanted.validators) {
            work.push_back({validator.party, {report}});
        }
        add(work);
        add({});
        ENSURE(chain.tip().block.header.seals_epoch);
    };
    add({{hub, {AdmitFollower{make_follower("DDD")}}}});
    add({{ddd, {ReleaseAuthorization{{aaa, {}}}}}});
    ProposeChange promote;
    promote.member = ddd;
    decide(promote);
    seal();
    add({{aaa, {RotateKey{KeyRole::member, public_key_of(secret_of("AAA/member-1"))}}}});
    add({{aaa, {RotateKey{KeyRole::consensus, public_key_of(secret_of("AAA/consensus-1"))}}}});
    ProposeChange replace;
    replace.kind = ChangeKind::replace_keys;
    replace.member = ddd;
    replace.member_key = ProvenKey{public_key_of(secret_of("DDD/member-1"))};
    decide(replace);
    add({{ddd, {ReleaseAuthorization{{aaa, {}}}}}});
    seal();
    add({{aaa, {ReleaseAuthorization{{ddd, {}}}}}, {ddd, {ReleaseAuthorization{{hub, {}}}}}});
    ENSURE(find_epoch(chain.state()).epoch == 2);
    return blocks;
}

std::vector<Block> make_feature_history() {
    TestChain chain;
    std::vector<Block> blocks;
    const auto add = [&](const PartyId& signer, const Action& action) {
        ENSURE(chain.apply(signer, action) == ResultCode::ok);
        blocks.push_back(chain.tip().block);
    };
    ProposeChange change;
    change.kind = ChangeKind::activate_feature;
    change.feature = 7;
    add(party("AAA"), change);
    const VoteOnChange approve{chain.last_ref(), true};
    for (const char* voter : {"BBB", "CCC", "HUB"}) {
        add(party(voter), approve);
    }
    for (const char* ready : {"AAA", "BBB", "CCC"}) {
        add(party(ready),
            ReportReady{0, wanted_epoch(chain.state()).hash(), chain.tip().block.header.height});
    }
    for (int i = 0; i < 2; ++i) {
        blocks.push_back(chain.pass(second_ms).block);
    }
    ENSURE(find_epoch(chain.state()).features == FeatureList{7});
    return blocks;
}

QuorumCertificate certify_by(const Genesis& genesis, const BlockHeader& header,
                             std::uint64_t bitmap) {
    return certify_by(validators_of(genesis.members), header, bitmap);
}

QuorumCertificate certify_by(const std::vector<Validator>& validators, const BlockHeader& header,
                             std::uint64_t bitmap) {
    QuorumCertificate certificate;
    certificate.statement = {header.epoch, VoteKind::finalize, header.view, header.parent_view,
                             header.digest()};
    certificate.bitmap = bitmap;
    const Hash digest = certificate.statement.signing_digest(header.chain_id);
    for (std::size_t i = 0; i < validators.size(); ++i) {
        if ((bitmap >> i & 1) != 0) {
            certificate.signatures.push_back(sign_digest(
                secret_behind(validators[i].consensus_key, validators[i].party, KeyRole::consensus),
                digest));
        }
    }
    return certificate;
}

void TestLedger::initialize() {
    ENSURE(Ledger::initialize(m_files, m_store, m_folder, m_genesis).has_value());
}

std::string TestLedger::open(std::uint64_t segment_bytes, std::size_t speculative_blocks,
                             const FeatureList& known_features) {
    m_ledger.reset();
    LedgerOptions options;
    options.segment_bytes = segment_bytes;
    options.speculative_blocks = speculative_blocks;
    options.known_features = known_features;
    auto opened =
        Ledger::open(m_files, m_store, m_folder, m_genesis, m_signatures, m_clock, options);
    if (!opened) {
        return opened.error().message;
    }
    m_ledger = std::move(opened).value();
    return {};
}

std::shared_ptr<const FinalizedBlock> TestLedger::add(const Block& block) {
    const auto executed = m_ledger->execute(block);
    ENSURE(executed.has_value());
    const QuorumCertificate finalization =
        certify(m_ledger->validators(), VoteKind::finalize, block.header, block.header.view);
    return m_ledger->commit((*executed)->digest, finalization);
}

void TestLedger::add_together(const std::vector<Block>& blocks) {
    for (const Block& block : blocks) {
        ENSURE(m_ledger->execute(block).has_value());
    }
    for (const Block& block : blocks) {
        const bool last = &block == &blocks.back();
        const VoteKind kind = last ? VoteKind::finalize : VoteKind::notarize;
        ENSURE(m_ledger->commit(block.header.digest(), certify(m_genesis, kind, block.header)));
    }
}

FilledLedger::FilledLedger(const std::vector<Block>& blocks) {
    ledger.initialize();
    ENSURE(ledger.open().empty());
    for (const Block& block : blocks) {
        ledger.add(block);
        for (const Bytes& encoded : block.envelopes) {
            const auto envelope = decode_envelope(encoded);
            for (const Bytes& bytes : envelope->transactions) {
                refs.push_back({envelope->signer, decode_transaction(bytes)->id});
            }
        }
    }
}

}  // namespace tally::test
