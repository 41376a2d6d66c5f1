#pragma once

#include "consensus/sync/sync_client.h"
#include "ledger/store/snapshot_import.h"

namespace tally::node {

/// An import in the terms of the client that fetches it. `import` must outlive it.
class LedgerSink final : public consensus::SnapshotSink {
public:
    explicit LedgerSink(SnapshotImport& import) : m_import{import} {}

    [[nodiscard]] Bytes offer_query() const override { return m_import.offer_query(); }
    [[nodiscard]] std::optional<Offer> read_offer(ByteView answer) const override;
    [[nodiscard]] std::optional<Hash> begun() const override;
    [[nodiscard]] Verdict choose(const Offer& offer) override;
    [[nodiscard]] bool must_finish() const override { return m_import.has_begun(); }
    [[nodiscard]] Bytes manifest_in_use() const override {
        return m_import.chosen() ? m_import.chosen()->manifest : Bytes{};
    }
    void give_up() override { m_import.give_up(); }
    [[nodiscard]] std::vector<Bytes> wanted(std::size_t count_max) const override {
        return m_import.wanted(count_max);
    }
    [[nodiscard]] Verdict accept(ByteView query, ByteView answer) override;
    [[nodiscard]] bool is_complete() const override { return m_import.is_complete(); }
    [[nodiscard]] std::string problem() const override { return m_import.problem(); }

private:
    SnapshotImport& m_import;
};

}  // namespace tally::node
