#include "tools/calibrate/settled_charges.h"

#include "ledger/base/overloaded.h"
#include "ledger/chain/block.h"
#include "ledger/model/envelope.h"
#include "ledger/store/segment_reader.h"

#include <map>
#include <optional>
#include <utility>

namespace tally::tools {
namespace {

/// What the actions so far say about charges that are not settled yet.
class Charges {
public:
    explicit Charges(const std::function<void(const SettledCharge&)>& take) : m_take{take} {}

    void on(const PartyId& signer, const Action& action) {
        std::visit(Overloaded{
                       [&](const RegisterCharger& charger) {
                           m_power[{signer, charger.evse_id}] = charger.rated_power_w;
                       },
                       [&](const PublishTariff& published) {
                           m_tariffs[{signer, published.ref}] = published.tariff;
                       },
                       [&](const StartCharge& start) { on_start(signer, start); },
                       [&](const RecordCharge& record) { on_record(signer, record); },
                       [&](const SettleCharge& settle) { on_end(settle.authorization); },
                       [&](const ClaimCharge& claim) { on_end(claim.authorization); },
                       [](const auto&) {},
                   },
                   action);
    }
    [[nodiscard]] std::uint64_t given() const noexcept { return m_given; }

private:
    struct Open {
        PartyId visited;
        TariffRef tariff;
        std::optional<RecordCharge> record;
    };

    void on_start(const PartyId& signer, const StartCharge& start) {
        m_open[start.authorization] = {signer, start.tariff, std::nullopt};
    }
    void on_record(const PartyId& signer, const RecordCharge& record) {
        const auto found = m_open.find(record.metered.authorization);
        if (found != m_open.end() && found->second.visited == signer) {
            found->second.record = record;
        }
    }
    void on_end(const AuthorizationRef& authorization) {
        const auto found = m_open.extract(authorization);
        if (found.empty() || !found.mapped().record) {
            return;
        }
        const Open& open = found.mapped();
        const auto tariff = m_tariffs.find({open.visited, open.tariff});
        const auto power = m_power.find({open.visited, open.record->metered.evse_id});
        if (tariff == m_tariffs.end() || power == m_power.end()) {
            return;
        }
        ++m_given;
        m_take({.name = to_text(authorization),
                .visited = open.visited,
                .rated_power_w = power->second,
                .tariff = tariff->second,
                .metered = open.record->metered,
                .rated_amount = open.record->rated_amount});
    }

    const std::function<void(const SettledCharge&)>& m_take;
    std::map<std::pair<PartyId, std::string>, std::uint32_t> m_power;
    std::map<std::pair<PartyId, TariffRef>, Tariff> m_tariffs;
    std::map<AuthorizationRef, Open> m_open;
    std::uint64_t m_given{0};
};

void take_block(const FinalizedBlock& block, Charges& charges) {
    std::size_t index{0};
    for (const Bytes& bytes : block.block.envelopes) {
        const auto envelope = decode_envelope(bytes);
        if (!envelope) {
            return;  // an audit says what is wrong with it
        }
        for (const Bytes& encoded : envelope->transactions) {
            const auto transaction = decode_transaction(encoded);
            const bool done =
                index < block.results.size() && block.results[index] == ResultCode::ok;
            ++index;
            if (transaction && done) {
                charges.on(envelope->signer, transaction->action);
            }
        }
    }
}

Expected<Done, std::string> take_segment(SegmentReader& reader, Charges& charges) {
    const auto problem = [](const SegmentFault& fault) {
        return Unexpected{fault.file + ": " + fault.message};
    };
    if (const auto opened = reader.open(); !opened) {
        return problem(opened.error());
    }
    for (;;) {
        const auto record = reader.next();
        if (!record) {
            // The newest file may be written just now.
            if (record.error().kind == SegmentFault::Kind::torn_tail) {
                return Done{};
            }
            return problem(record.error());
        }
        if (!*record) {
            return Done{};
        }
        if ((*record)->kind != RecordKind::block) {
            continue;
        }
        const auto block = FinalizedBlock::decode((*record)->payload);
        if (!block) {
            return Unexpected{reader.info().name + ": a block does not decode"};
        }
        take_block(*block, charges);
    }
}

}  // namespace

Expected<std::uint64_t, std::string> for_settled_charges(
    SegmentSource& source, const Hash& chain_id,
    const std::function<void(const SettledCharge&)>& take) {
    const auto segments = source.list();
    if (!segments) {
        return Unexpected{segments.error().message};
    }
    Charges charges{take};
    for (const SegmentInfo& segment : *segments) {
        SegmentReader reader{source, segment, chain_id};
        if (const auto taken = take_segment(reader, charges); !taken) {
            return Unexpected{taken.error()};
        }
    }
    return charges.given();
}

}  // namespace tally::tools
