#include "charger_bridge/ocmf/billed.h"

#include <array>
#include <cstdint>
#include <optional>
#include <tuple>
#include <utility>

namespace tally::bridge {
namespace {

/// Orders readings by time, then page; the payload decides between what is equal in both.
using Rank = std::tuple<UnixMillis, std::uint64_t, Hash>;

Rank rank_of(const OcmfRecord& record, const OcmfReading& reading) {
    return {reading.time.value_or(0), record.page ? record.page->number : 0, record.payload_hash()};
}

struct Best {
    std::optional<std::size_t> index;
    Rank rank;

    void take(std::size_t candidate, const Rank& candidate_rank, bool latest) {
        const bool is_better = latest ? candidate_rank > rank : candidate_rank < rank;
        if (!index || is_better) {
            index = candidate;
            rank = candidate_rank;
        }
    }
};

struct Choice {
    Best whole;
    Best begin;
    Best end;
};

Choice choice_of(const std::vector<OcmfRecord>& records) {
    Choice choice;
    for (std::size_t i = 0; i < records.size(); ++i) {
        const Billing billing = check_billing(records[i], nullptr);
        if (billing.begin && billing.end) {
            choice.whole.take(i, rank_of(records[i], *billing.end), true);
        } else if (billing.begin) {
            choice.begin.take(i, rank_of(records[i], *billing.begin), false);
        } else if (billing.end) {
            choice.end.take(i, rank_of(records[i], *billing.end), true);
        }
    }
    return choice;
}

}  // namespace

BilledRecords choose_billed(const std::vector<OcmfRecord>& records) {
    const Choice choice = choice_of(records);
    if (choice.whole.index) {
        const OcmfRecord& whole = records[*choice.whole.index];
        return {&whole, nullptr, check_billing(whole, nullptr)};
    }
    if (choice.begin.index && choice.end.index) {
        const OcmfRecord& begin = records[*choice.begin.index];
        const OcmfRecord& end = records[*choice.end.index];
        return {&begin, &end, check_billing(begin, &end)};
    }
    return {};
}

std::vector<std::size_t> needed_for_choice(const std::vector<OcmfRecord>& records) {
    const Choice choice = choice_of(records);
    std::vector<std::size_t> needed;
    for (const Best* best : std::array{&choice.whole, &choice.begin, &choice.end}) {
        if (best->index) {
            needed.push_back(*best->index);
        }
    }
    return needed;
}

}  // namespace tally::bridge
