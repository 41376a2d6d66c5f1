#pragma once

#include "ledger/base/key_value_store.h"
#include "ledger/state/state_view.h"

#include <map>
#include <optional>
#include <utility>
#include <vector>

namespace tally {

/// A state in the making: the flat state of the last final block, the changes of unfinalized blocks
/// on it, and changes of its own, which a transaction may take back.
///
/// Lifetime: the base and the layers must outlive the object and not change meanwhile; what is read
/// from the base is kept, because a block reads the same accounts again and again.
/// Errors: a store error stops the process. Threads: one at a time, const members included.
class StateOverlay final : public StateView {
public:
    /// `layers`: changes of unfinalized blocks, newest first.
    StateOverlay(const KeyValueStore& base, std::vector<const StateChanges*> layers);

    [[nodiscard]] std::optional<Bytes> get(ByteView key) const override;
    [[nodiscard]] std::optional<KeyValueStore::Entry> next(ByteView from,
                                                           ByteView prefix) const override;
    /// First entry at or after `from` and before `end`. Unlike `next`, never walks over deleted
    /// entries behind `end`: what the expiry sweep needs.
    [[nodiscard]] std::optional<KeyValueStore::Entry> next_below(ByteView from, ByteView end) const;
    /// The value before any change of this object's own.
    [[nodiscard]] std::optional<Bytes> get_before(ByteView key) const;

    void put(Bytes key, Bytes value);
    void erase(Bytes key);

    /// From here on changes can be taken back. Savepoints do not nest.
    void set_savepoint();
    /// Makes the changes since the savepoint permanent.
    void keep();
    /// Takes back every change since the savepoint.
    void roll_back();

    [[nodiscard]] const StateChanges& changes() const noexcept { return m_changes; }
    [[nodiscard]] StateChanges take_changes() && { return std::move(m_changes); }

private:
    /// What `m_changes` held under a key before a change; nothing: no entry.
    struct Undo {
        Bytes key;
        std::optional<std::optional<Bytes>> before;
    };
    void set(Bytes key, std::optional<Bytes> value);
    /// The lowest key at or after `from` in any layer, deleted or not.
    [[nodiscard]] std::optional<Bytes> next_key(const Bytes& from) const;

    const KeyValueStore& m_base;
    std::vector<const StateChanges*> m_layers;
    StateChanges m_changes;
    std::vector<Undo> m_undo;
    bool m_has_savepoint{false};
    mutable std::map<Bytes, std::optional<Bytes>> m_read;  ///< from below `m_changes`
};

}  // namespace tally
