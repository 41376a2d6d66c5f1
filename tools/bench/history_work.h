#pragma once

#include "ledger/base/random.h"
#include "ledger/crypto/secp256k1.h"
#include "ledger/model/actions.h"

#include <cstdint>
#include <map>
#include <vector>

namespace tally::tools {

/// An operator of a made-up history.
struct HistoryMember {
    PartyId party;
    SecretKey key;
    SecretKey bridge_key;  ///< of the bridge that meters all of its connectors
};

/// What a history looks like.
struct HistoryShape {
    std::uint64_t per_block{100};  ///< transactions of an ordinary block, about; 4 or more
    std::uint64_t open{5000};      ///< charges under way at any time, about
    UnixMillis interval{1000};     ///< between two blocks, milliseconds
    std::vector<Currency> currencies;

    /// Authorizations that begin with each block.
    [[nodiscard]] std::uint64_t begun_per_block() const;
    /// Blocks from the start of a charge to its record, on average.
    [[nodiscard]] std::uint64_t charge_blocks() const;
    /// From an approval to the latest start of its charge.
    [[nodiscard]] UnixMillis start_within() const;
    /// The longest from the start of a charge to its record.
    [[nodiscard]] UnixMillis charge_time_max() const;
};

/// How many of what happened.
struct HistoryCounts {
    std::uint64_t transactions{0};
    std::uint64_t settled{0};
    std::uint64_t denied{0};
    std::uint64_t released{0};
    std::uint64_t left_to_expire{0};
    std::uint64_t open{0};  ///< approved, and not settled, released or left to expire
};

/// Which of the currencies two operators, by number, agree on: a pair has one.
[[nodiscard]] std::size_t currency_between(std::size_t one, std::size_t other,
                                           std::size_t currencies);

/// What the operators of a network do, block by block, as signed envelopes: first all register a
/// bridge, a tariff a currency and their connectors, then charge at each other's. Of 100 requests
/// 92 are approved, started, recorded and settled, 4 denied, 3 released before the start and 1
/// never started. Every action follows from blocks before its own, so all of them succeed.
///
/// The same members, shape, times and randomness give the same bytes. One thread.
class HistoryWork {
public:
    /// Two members or more, one currency or more.
    HistoryWork(const Hash& chain_id, std::vector<HistoryMember> members, HistoryShape shape,
                Random& random);

    /// Blocks that the registrations take.
    [[nodiscard]] std::uint64_t registration_blocks() const { return m_registration_blocks; }
    /// The envelopes of the next block. `time` is the block's and rises by the shape's interval.
    [[nodiscard]] std::vector<Bytes> next_block(UnixMillis time);
    [[nodiscard]] const HistoryCounts& counts() const noexcept { return m_counts; }

private:
    enum class Step : std::uint8_t { start, record, settle, release };
    struct Connector {
        std::string evse_id;
        std::string station;
        std::string meter_serial;
        std::int64_t register_wh{0};
    };
    struct Site {
        HistoryMember member;
        std::vector<Connector> connectors;
        std::vector<std::size_t> free;      ///< indexes of `connectors`
        std::vector<Action> registrations;  ///< still to come, last one first
        std::vector<Bytes> transactions;    ///< of the block that is being made
    };
    struct Charge {
        AuthorizationRef ref;
        std::size_t home{0};
        std::size_t visited{0};
        std::size_t connector{0};
        std::size_t currency{0};
        Money approved{0};
        Money recorded{0};
        UnixMillis begun{0};
        Step next{Step::start};
    };

    void plan_registrations();
    bool add_registrations(UnixMillis time);
    void begin_charge(UnixMillis time);
    void take_step(Charge charge, UnixMillis time);
    [[nodiscard]] RecordCharge record(Charge& charge, UnixMillis time);
    TransactionId add(std::size_t signer, Action action, UnixMillis time);
    void later(Charge charge, Step step, std::uint64_t blocks);
    [[nodiscard]] std::uint64_t charging_blocks();
    [[nodiscard]] TariffRef tariff_ref(std::size_t currency) const;
    [[nodiscard]] std::vector<Bytes> sign_block();

    Hash m_chain_id;
    HistoryShape m_shape;
    Random& m_random;
    std::vector<Site> m_sites;
    std::vector<Tariff> m_tariffs;  ///< by currency
    std::uint64_t m_registration_blocks{0};
    std::uint64_t m_block{0};
    std::map<std::uint64_t, std::vector<Charge>> m_due;  ///< by block
    HistoryCounts m_counts;
};

}  // namespace tally::tools
