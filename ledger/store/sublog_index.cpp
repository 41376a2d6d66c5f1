#include "ledger/store/sublog_index.h"

#include "ledger/base/check.h"
#include "ledger/base/codec.h"
#include "ledger/store/ledger_index.h"

#include <optional>

namespace tally {
namespace {

/// What one block added, as it stands in the index under the number of its last entry: so that the
/// first key at or behind a number is of the run that holds it.
struct Run {
    std::uint64_t height{0};
    SublogEntries entries;
    [[nodiscard]] std::uint64_t end() const { return entries.first + entries.leaves.size(); }
};

/// height u64, first leaf u64, then u32 distances of the others from the first.
Bytes encode_run(const Run& run) {
    const std::vector<std::uint64_t>& leaves = run.entries.leaves;
    Encoder encoder;
    encoder.u64(run.height).u64(leaves.front());
    for (std::size_t i = 1; i < leaves.size(); ++i) {
        encoder.u32(static_cast<std::uint32_t>(leaves[i] - leaves.front()));
    }
    return std::move(encoder).take();
}

/// Nothing behind the member's last run.
std::optional<Run> run_at(const StateView& view, const PartyId& party, std::uint64_t number) {
    const Bytes prefix = ledger_index::sublog_prefix(party);
    const std::optional<KeyValueStore::Entry> entry =
        view.next(ledger_index::sublog_key(party, number), prefix);
    if (!entry) {
        return std::nullopt;
    }
    Decoder key{ByteView{entry->key}.subspan(prefix.size())};
    const std::uint64_t last = key.u64();
    Decoder decoder{entry->value};
    Run run;
    run.height = decoder.u64();
    run.entries.leaves.push_back(decoder.u64());
    while (decoder.ok() && decoder.remaining() > 0) {
        run.entries.leaves.push_back(run.entries.leaves.front() + decoder.u32());
    }
    ENSURE(key.finished() && decoder.finished() && run.entries.leaves.size() <= last + 1);
    run.entries.first = last + 1 - run.entries.leaves.size();
    return run;
}

}  // namespace

void index_sublogs(const SublogAdditions& additions, std::uint64_t height, WriteBatch& batch) {
    for (const auto& [party, entries] : additions) {
        const Run run{height, entries};
        batch.put(ledger_index::sublog_key(party, run.end() - 1), encode_run(run));
    }
}

std::uint64_t first_sublog_number(const StateView& view, const PartyId& party,
                                  std::uint64_t count) {
    const std::optional<Run> first = run_at(view, party, 0);
    return first ? first->entries.first : count;
}

std::vector<SublogEntry> read_sublog(const StateView& view, const PartyId& party,
                                     std::uint64_t from, std::size_t count_max) {
    std::vector<SublogEntry> entries;
    while (entries.size() < count_max) {
        const std::optional<Run> run = run_at(view, party, from);
        if (!run || run->entries.first > from) {
            break;  // Behind the last, or before what the index has.
        }
        while (from < run->end() && entries.size() < count_max) {
            const std::uint64_t leaf =
                run->entries.leaves[static_cast<std::size_t>(from - run->entries.first)];
            entries.push_back({from, leaf, run->height, {}});
            ++from;
        }
    }
    return entries;
}

}  // namespace tally
