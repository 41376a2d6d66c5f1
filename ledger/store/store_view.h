#pragma once

#include "ledger/base/key_value_store.h"
#include "ledger/state/state_view.h"

namespace tally {

/// The flat state of the last final block, straight from its store. A store error stops the
/// process. `store` must outlive it.
class StoreView final : public StateView {
public:
    explicit StoreView(const KeyValueStore& store) : m_store{store} {}
    [[nodiscard]] std::optional<Bytes> get(ByteView key) const override;
    [[nodiscard]] std::optional<KeyValueStore::Entry> next(ByteView from,
                                                           ByteView prefix) const override;

private:
    const KeyValueStore& m_store;
};

}  // namespace tally
