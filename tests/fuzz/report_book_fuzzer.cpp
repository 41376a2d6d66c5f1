// Stored records of reported transactions and held reports: damaged ones are refused, what is read
// is written again as it was.

#include "charger_bridge/session/report_book.h"
#include "ledger/base/check.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace tally::bridge;
    const tally::ByteView bytes{data, size};
    ReportBook book;
    tally::WriteBatch batch;
    std::vector<Reported> forgotten;
    // A transaction that held reports of the corpus may belong to.
    static_cast<void>(book.add("CP1", "T1", batch, forgotten));
    if (book.load_held(bytes)) {
        ENSURE(book.holding().size() == 1);
        const HeldReport held = book.unhold(*book.holding()[0], batch);
        ENSURE(held.facts.samples.size() <= samples_max && book.holding().empty());
    }
    static_cast<void>(book.load(bytes));
    return 0;
}
