#include "node/replica/ledger_sink.h"

#include "ledger/base/check.h"

#include <utility>

namespace tally::node {

namespace {

consensus::SnapshotSink::Verdict verdict_of(SnapshotImport::Verdict verdict) {
    using Sink = consensus::SnapshotSink::Verdict;
    switch (verdict) {
        case SnapshotImport::Verdict::accepted:
            return Sink::accepted;
        case SnapshotImport::Verdict::not_held:
            return Sink::not_held;
        case SnapshotImport::Verdict::wrong_answer:
            return Sink::wrong_answer;
        case SnapshotImport::Verdict::wrong_offer:
            return Sink::wrong_offer;
    }
    ENSURE(false);
    return Sink::wrong_answer;
}

}  // namespace

std::optional<consensus::SnapshotSink::Offer> LedgerSink::read_offer(ByteView answer) const {
    std::optional<SnapshotOffer> offer = m_import.read_offer(answer);
    if (!offer) {
        return std::nullopt;
    }
    return Offer{offer->height, offer->digest, std::move(offer->manifest)};
}

std::optional<Hash> LedgerSink::begun() const {
    return m_import.chosen() ? std::optional{m_import.chosen()->digest} : std::nullopt;
}

consensus::SnapshotSink::Verdict LedgerSink::choose(const Offer& offer) {
    return verdict_of(m_import.choose({offer.height, offer.digest, offer.manifest}));
}

consensus::SnapshotSink::Verdict LedgerSink::accept(ByteView query, ByteView answer) {
    return verdict_of(m_import.accept(query, answer));
}

}  // namespace tally::node
