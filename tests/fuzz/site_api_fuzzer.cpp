// Bodies that operators send to the API of a site, in the two versions of OCPP: any text gives a
// call that its schema allows, or what is wrong with it. The first byte chooses version and
// command.

#include "charger_bridge/api_commands.h"
#include "charger_bridge/ocpp/frame.h"
#include "charger_bridge/ocpp/peer.h"
#include "charger_bridge/ocpp/v16/translation.h"
#include "charger_bridge/ocpp/v201/translation.h"
#include "ledger/base/check.h"

#include <boost/json/parse.hpp>

#include <array>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

constexpr std::array<std::string_view, 6> names{"call",          "change-configuration",
                                                "data-transfer", "get-configuration",
                                                "remote-start",  "trigger"};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace tally::bridge;
    if (size == 0) {
        return 0;
    }
    const Translation& translation = data[0] < 128 ? v16::translation() : v201::translation();
    const std::string_view name = names.at(data[0] % names.size());
    ENSURE(is_api_command(name));
    const std::string_view text = tally::as_text({data + 1, size - 1});
    boost::json::parse_options options;
    options.max_depth = api_json_depth_max;
    boost::json::error_code error;
    const boost::json::value body =
        boost::json::parse({text.data(), text.size()}, error, {}, options);
    if (error || !body.is_object()) {
        return 0;
    }
    const auto command = command_of(name, body.get_object(), translation, 1);
    if (!command) {
        ENSURE(!command.error().empty());
        return 0;
    }
    ENSURE(!command->action.empty());
    Peer peer{true, 1, translation};
    ENSURE(peer.command(*command, {}).send.size() == 1);  // Its own schema lets it out.
    return 0;
}
