#include "ledger/store/store_view.h"

#include "ledger/store/block_archive.h"

namespace tally {

std::optional<Bytes> StoreView::get(ByteView key) const {
    Expected<std::optional<Bytes>, StoreError> value = m_store.get(key);
    if (!value) {
        stop_on_storage_error("cannot read the state store");
    }
    return std::move(value).value();
}

std::optional<KeyValueStore::Entry> StoreView::next(ByteView from, ByteView prefix) const {
    Expected<std::vector<KeyValueStore::Entry>, StoreError> entries = m_store.scan(prefix, from, 1);
    if (!entries) {
        stop_on_storage_error("cannot read the state store");
    }
    if (entries->empty()) {
        return std::nullopt;
    }
    return std::move(entries->front());
}

}  // namespace tally
