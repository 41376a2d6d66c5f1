#pragma once

#include "ledger/base/key_value_store.h"

#include <map>
#include <optional>

namespace tally {

/// Flat changes of one block, by key; nothing means the key is deleted.
using StateChanges = std::map<Bytes, std::optional<Bytes>>;

/// Tables of the flat state: the first byte of every key. Tables from `first_derived` on are
/// indexes that follow from the others (deadlines, finished charges) and are not in the state tree.
enum class Table : std::uint8_t {
    member = 0x01,
    account = 0x02,
    agreement = 0x03,
    bridge = 0x04,
    charger = 0x05,
    tariff = 0x06,
    authorization = 0x07,
    countersign = 0x08,
    exposure = 0x09,
    totals = 0x0a,
    scheme = 0x0b,    ///< the parameters in force
    epoch = 0x0c,     ///< one record
    proposal = 0x0d,  ///< changes that wait for votes
    evidence = 0x0e,
    cycle = 0x0f,       ///< the open one; and closed ones with legs that are not confirmed
    leg = 0x10,         ///< payments between banks that closed cycles ask for
    sublog = 0x11,      ///< of each member: the leaves that touch it
    correction = 0x12,  ///< charges that came late or were corrected
    first_derived = 0x80,
    deadline = 0x80,
    station = 0x81,
    finished = 0x82,       ///< last known form of authorizations that left the live state
    cycle_history = 0x83,  ///< closed cycles with their bilateral matrix
};

/// Reading access to a state: a base store with changes of unfinalized blocks on top.
class StateView {
public:
    virtual ~StateView() = default;
    [[nodiscard]] virtual std::optional<Bytes> get(ByteView key) const = 0;
    /// First entry at or after `from` with the prefix.
    [[nodiscard]] virtual std::optional<KeyValueStore::Entry> next(ByteView from,
                                                                   ByteView prefix) const = 0;
};

}  // namespace tally
