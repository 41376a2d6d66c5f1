// Request targets: what is accepted holds nothing that a handler would have to fear.

#include "ledger/base/bytes.h"
#include "ledger/base/check.h"
#include "node/runtime/config_reader.h"
#include "node/runtime/http_target.h"

#include <algorithm>

namespace {

void check_clean(const std::string& text) {
    ENSURE(std::none_of(text.begin(), text.end(),
                        [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text = tally::as_text({data, size});
    const auto target = tally::node::parse_http_target(text);
    if (target) {
        check_clean(target->path);
        ENSURE(target->path.front() == '/');
        ENSURE((target->path + '/').find("/../") == std::string::npos);
        ENSURE((target->path + '/').find("/./") == std::string::npos);
        ENSURE(target->query.size() <= tally::node::http_query_fields_max);
        for (const auto& [name, value] : target->query) {
            check_clean(name);
            check_clean(value);
        }
    }
    if (const auto url = tally::node::parse_http_url(text)) {
        check_clean(url->host);
        check_clean(url->target);
    }
    static_cast<void>(tally::node::bearer_token_of(text));
    static_cast<void>(tally::node::host_port_from_text(text));
    const std::string encoded = '/' + tally::node::percent_encode(text.substr(0, 100));
    const auto decoded = tally::node::parse_http_target(encoded);
    ENSURE(!decoded || decoded->path == '/' + std::string{text.substr(0, 100)});
    return 0;
}
