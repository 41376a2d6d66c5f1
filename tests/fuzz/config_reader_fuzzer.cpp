// Configuration files: any text gives values or problems with a place, and nothing else.

#include "ledger/base/bytes.h"
#include "ledger/base/check.h"
#include "node/runtime/config_reader.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto reader =
        tally::node::ConfigReader::parse(tally::as_text({data, size}), "/etc/node.toml");
    if (!reader) {
        ENSURE(!reader.error().text().empty());
        return 0;
    }
    const tally::node::ConfigTable root = reader->root();
    static_cast<void>(root.text("a", "x"));
    static_cast<void>(root.path("b"));
    static_cast<void>(root.host_port("c", tally::node::HostPort{"h", 1}));
    static_cast<void>(root.texts("d", 3));
    for (const tally::node::ConfigTable& item : root.tables("e", 3)) {
        ENSURE(item.integer("f", {1, 9}) >= 1);
        static_cast<void>(item.table("g").boolean("h", true));
    }
    ENSURE(reader->finish().size() <= tally::node::config_problems_max);
    return 0;
}
