// Worlds with the production ledger: real transactions, signatures, segments and state.

#include "ledger/base/check.h"
#include "ledger/chain/executor.h"
#include "ledger/crypto/signer.h"
#include "ledger/model/day_bands.h"
#include "ledger/model/envelope.h"
#include "ledger/state/invariants.h"
#include "ledger/state/keys.h"
#include "ledger/state/queries.h"
#include "ledger/store/ledger.h"
#include "ledger/store/snapshot_import.h"
#include "node/replica/ledger_application.h"
#include "node/replica/ledger_sink.h"
#include "tests/simulator/sim_application.h"
#include "tests/simulator/sim_node.h"

#include <algorithm>
#include <utility>

namespace tally::simulator {

namespace {

const Currency currency = *currency_from_text("CNY");
/// Small, so that runs go through many segment files.
constexpr std::uint64_t segment_bytes{48UL * 1024};

PartyId party_of(std::size_t index) {
    return *party_from_text(std::string{"NO"} + static_cast<char>('A' + index));
}

Genesis make_genesis(const std::vector<SecretKey>& keys, std::size_t validators) {
    Genesis genesis;
    genesis.name = "simulated";
    genesis.time = SimClock::world_start - 1;
    for (std::size_t i = 0; i < keys.size(); ++i) {
        Member member;
        member.party = party_of(i);
        member.country = "CN";
        member.role = i == 0 ? MemberRole::hub : MemberRole::operator_;
        member.member_key = member.consensus_key = member.link_key = public_key_of(keys[i]);
        member.validator = i < validators;
        genesis.members.push_back(member);
    }
    for (std::size_t i = 1; i < keys.size(); ++i) {
        for (std::size_t other = 1; other < keys.size(); ++other) {
            if (other != i) {
                SetAgreement half;
                half.partner = party_of(other);
                half.currency = currency;
                genesis.agreements.push_back({party_of(i), half});
            }
        }
        genesis.limits.push_back({party_of(i), currency, 1'000 * money_scale});
    }
    return genesis;
}

/// One process: the ledger and its face towards consensus.
class LedgerProcess final : public SimApplication, public node::LedgerObserver {
public:
    LedgerProcess(std::unique_ptr<Ledger> ledger, std::unique_ptr<SignatureChecker> signatures,
                  OnFinal on_final)
        : m_signatures{std::move(signatures)},
          m_ledger{std::move(ledger)},
          m_application{*m_ledger, *this},
          m_on_final{std::move(on_final)} {}

    [[nodiscard]] consensus::Application& application() override { return m_application; }

    [[nodiscard]] std::optional<consensus::VerifiedEnvelope> verify(
        const Bytes& envelope) override {
        const auto decoded = decode_envelope(envelope);
        if (!decoded) {
            return std::nullopt;
        }
        const auto member = find_member(m_ledger->final_state(), decoded->signer);
        const Hash digest =
            envelope_signing_digest(m_ledger->chain_id(), decoded->signer, envelope_root(*decoded));
        if (!member || !verify_signature(member->member.member_key, digest, decoded->signature)) {
            return std::nullopt;
        }
        consensus::VerifiedEnvelope verified;
        verified.hash = envelope_hash(envelope);
        verified.bytes = envelope;
        verified.signer.data = decoded->signer.data;
        verified.expires_at = unix_millis_max;
        for (const Bytes& bytes : decoded->transactions) {
            const auto transaction = decode_transaction(bytes);
            if (!transaction) {
                return std::nullopt;
            }
            verified.expires_at = std::min(verified.expires_at, transaction->not_after);
        }
        return verified;
    }

    [[nodiscard]] std::optional<std::string> find_problem() const override {
        return check_invariants(m_ledger->final_state());
    }
    [[nodiscard]] std::map<Bytes, Bytes> final_state() const override {
        std::map<Bytes, Bytes> all;
        for (const Table table : tree_tables) {
            const Bytes prefix = keys::table(table);
            Bytes from = prefix;
            while (auto entry = m_ledger->final_state().next(from, prefix)) {
                from = entry->key;
                from.push_back(0);
                all.emplace(std::move(entry->key), std::move(entry->value));
            }
        }
        return all;
    }

    void block_final(const Hash& digest,
                     const std::shared_ptr<const FinalizedBlock>& block) override {
        FinalNotice notice;
        notice.header = block->block.header.encode();
        notice.meta = *m_application.decode_header(notice.header);
        ENSURE(notice.meta.digest == digest);
        for (const Bytes& envelope : block->block.envelopes) {
            notice.envelopes.push_back(envelope_hash(envelope));
        }
        notice.finalization = block->finalization;
        m_on_final(notice);
    }
    void block_refused(const Hash& /*digest*/, const BlockError& error) override {
        m_refusal = error.what;
    }

private:
    std::unique_ptr<SignatureChecker> m_signatures;
    std::unique_ptr<Ledger> m_ledger;
    node::LedgerApplication m_application;
    OnFinal m_on_final;
    std::string m_refusal;
};

class LedgerImport final : public SimImport {
public:
    LedgerImport(SimDisk& disk, const Genesis& genesis)
        : m_import{disk.files, disk.store, SimNode::ledger_folder, genesis, std::nullopt} {}
    [[nodiscard]] consensus::SnapshotSink& sink() override { return m_sink; }
    void finish() override { m_import.finish(); }

private:
    SnapshotImport m_import;
    node::LedgerSink m_sink{m_import};
};

Bytes altered(BlockHeader header, HeaderChange change) {
    switch (change) {
        case HeaderChange::later:
            header.time += 1;
            break;
        case HeaderChange::early:
            header.time -= 3'600'000;
            break;
        case HeaderChange::future:
            header.time += 3'600'000;
            break;
        case HeaderChange::height:
            header.height += 2;
            break;
        case HeaderChange::view:
            header.view += 1;
            break;
        case HeaderChange::epoch:
            header.epoch += 1;
            break;
        case HeaderChange::proposer:
            header.proposer += 1;
            break;
        case HeaderChange::seals:
            header.seals_epoch = !header.seals_epoch;
            break;
        case HeaderChange::state:
            header.state_root.data[0] ^= 1U;
            break;
        case HeaderChange::parent:
            header.parent.data[0] ^= 1U;
            break;
        case HeaderChange::body:
            header.body_root.data[0] ^= 1U;
            break;
        case HeaderChange::chain:
            header.chain_id.data[0] ^= 1U;
            break;
        case HeaderChange::short_by_one:
            break;
    }
    Bytes bytes = header.encode();
    if (change == HeaderChange::short_by_one) {
        bytes.pop_back();
    }
    return bytes;
}

class LedgerKind final : public SimApplicationKind {
public:
    LedgerKind(std::size_t nodes, std::size_t joiners, std::uint64_t snapshots)
        : m_keys{simulated_keys(nodes + joiners)},
          m_public_keys{simulated_public_keys(nodes + joiners)},
          m_validators{nodes},
          m_options{.segment_bytes = segment_bytes},
          m_genesis{make_genesis(m_keys, nodes)},
          m_chain_id{m_genesis.chain_id()} {
        ENSURE(!tally::find_problem(m_genesis));
        if (joiners > 0) {
            m_options.snapshot_interval = snapshots;
        }
        read_genesis_block();
    }

    [[nodiscard]] const Hash& chain_id() const override { return m_chain_id; }
    [[nodiscard]] const std::vector<SecretKey>& keys() const override { return m_keys; }
    [[nodiscard]] const std::vector<PublicKey>& public_keys() const override {
        return m_public_keys;
    }
    [[nodiscard]] consensus::EpochInfo first_epoch() const override {
        consensus::EpochInfo first;
        for (NodeIndex i = 0; i < m_validators; ++i) {
            first.validators.push_back({simulated_member(i), m_public_keys[i]});
        }
        return first;
    }
    [[nodiscard]] std::optional<Bytes> alter_header(ByteView bytes,
                                                    HeaderChange change) const override {
        const auto header = BlockHeader::decode(bytes);
        return header ? std::optional{altered(*header, change)} : std::nullopt;
    }
    [[nodiscard]] consensus::BlockMeta genesis() const override { return m_genesis_block; }
    [[nodiscard]] std::optional<consensus::BlockMeta> decode_header(
        ByteView header) const override {
        const auto decoded = BlockHeader::decode(header);
        if (!decoded || decoded->chain_id != m_chain_id) {
            return std::nullopt;
        }
        consensus::BlockMeta meta;
        meta.digest = decoded->digest();
        meta.parent = decoded->parent;
        meta.epoch = decoded->epoch;
        meta.height = decoded->height;
        meta.view = decoded->view;
        meta.parent_view = decoded->parent_view;
        meta.time = decoded->time;
        meta.proposer = decoded->proposer;
        return meta;
    }
    [[nodiscard]] Hash hash_of_envelope(ByteView envelope) const override {
        return envelope_hash(envelope);
    }
    [[nodiscard]] bool is_bad(const Bytes& /*envelope*/) const override { return false; }

    void initialize(SimDisk& disk) override {
        ENSURE(Ledger::initialize(disk.files, disk.store, SimNode::ledger_folder, m_genesis)
                   .has_value());
    }
    [[nodiscard]] std::unique_ptr<SimApplication> open(SimDisk& disk, const SimClock& clock,
                                                       OnFinal on_final,
                                                       std::string& problem) override {
        auto signatures = std::make_unique<DirectSignatureChecker>();
        auto ledger = Ledger::open(disk.files, disk.store, SimNode::ledger_folder, m_genesis,
                                   *signatures, clock, m_options);
        if (!ledger) {
            problem = ledger.error().message;
            return nullptr;
        }
        return std::make_unique<LedgerProcess>(std::move(ledger).value(), std::move(signatures),
                                               std::move(on_final));
    }

    [[nodiscard]] std::unique_ptr<SimImport> open_import(SimDisk& disk) override {
        using Phase = SnapshotImport::Phase;
        const auto phase = SnapshotImport::phase_of(disk.files, disk.store, SimNode::ledger_folder);
        ENSURE(phase.has_value());
        return *phase == Phase::ready ? nullptr : std::make_unique<LedgerImport>(disk, m_genesis);
    }

    [[nodiscard]] Bytes next_envelope(SimRandom& random, UnixMillis now) override {
        const auto signer = static_cast<std::size_t>(random.between(0, m_keys.size() - 1));
        std::vector<Bytes> transactions;
        const std::uint64_t count = random.between(1, 4);
        for (std::uint64_t i = 0; i < count; ++i) {
            Transaction transaction;
            transaction.id = make_transaction_id(now, random);
            transaction.not_after = now + static_cast<UnixMillis>(random.between(90'000, 110'000));
            transaction.action = next_action(random, signer, now, transaction.id);
            transactions.push_back(encode_transaction(transaction));
        }
        KeySigner key{m_keys[signer]};
        return sign_envelope(m_chain_id, party_of(signer), std::move(transactions), key);
    }

private:
    /// An authorization that was asked for, so that a later action can name it.
    struct Asked {
        AuthorizationRef ref;
        std::size_t visited;
    };

    void read_genesis_block() {
        SimDisk disk{EffectGate{}};
        ENSURE(disk.files.create_directories(SimNode::ledger_folder).has_value());
        initialize(disk);
        const Scheduler scheduler;
        const SimClock clock{scheduler};
        std::string problem;
        const auto process = open(
            disk, clock, [](const FinalNotice&) {}, problem);
        ENSURE(process != nullptr);
        m_genesis_block = process->application().last_final();
    }

    [[nodiscard]] std::size_t partner_of(SimRandom& random, std::size_t signer) const {
        const std::size_t step = static_cast<std::size_t>(random.between(1, m_keys.size() - 1));
        return (signer + step) % m_keys.size();
    }

    [[nodiscard]] Action next_action(SimRandom& random, std::size_t signer, UnixMillis now,
                                     const TransactionId& id) {
        const std::uint64_t choice = random.between(0, 9);
        if (choice == 0 || m_tariffs == 0) {
            ++m_tariffs;
            return next_tariff(random);
        }
        if (choice == 1) {
            SetLimit limit;
            limit.member = party_of(signer);
            limit.currency = currency;
            limit.limit = static_cast<Money>(random.between(1, 2'000)) * money_scale;
            return limit;
        }
        if (choice == 2) {
            SetAgreement half;
            half.partner = party_of(partner_of(random, signer));
            half.active = random.chance(800);
            half.currency = currency;
            return half;
        }
        if (choice <= 4 && !m_asked.empty()) {
            return ReleaseAuthorization{random.pick(m_asked).ref};
        }
        const std::size_t visited = partner_of(random, signer);
        m_asked.push_back({AuthorizationRef{party_of(signer), id}, visited});
        DecideAuthorization decision;
        decision.visited = party_of(visited);
        random.fill(decision.request_hash.data);
        random.fill(decision.token_commitment.data);
        decision.station = "station-1";
        decision.currency = currency;
        decision.approved = random.chance(850);
        if (decision.approved) {
            decision.amount = static_cast<Money>(random.between(1, 60)) * money_scale;
            decision.tariffs = {TariffRef{"day", 1}};
            decision.start_by = now + static_cast<UnixMillis>(random.between(1'000, 60'000));
        } else {
            decision.reason = DenyReason::unknown_token;
        }
        return decision;
    }

    [[nodiscard]] static Action next_tariff(SimRandom& random) {
        PublishTariff publish;
        publish.ref = TariffRef{"day", static_cast<std::uint32_t>(random.between(1, 2))};
        publish.tariff = day_tariff(currency, {{0, 12'000, 3'000}}, 600);
        return publish;
    }

    const std::vector<SecretKey>& m_keys;
    const std::vector<PublicKey>& m_public_keys;
    std::size_t m_validators;
    LedgerOptions m_options;
    Genesis m_genesis;
    Hash m_chain_id;
    consensus::BlockMeta m_genesis_block;
    std::vector<Asked> m_asked;
    std::uint64_t m_tariffs{0};
};

}  // namespace

std::unique_ptr<SimApplicationKind> make_ledger_kind(std::size_t nodes, std::size_t joiners,
                                                     std::uint64_t snapshots) {
    return std::make_unique<LedgerKind>(nodes, joiners, snapshots);
}

}  // namespace tally::simulator
