#pragma once

#include "ledger/base/expected.h"
#include "ledger/base/lock_file.h"
#include "tools/charger/fleet.h"

#include <string>
#include <vector>

namespace tally::tools {

/// Which chargers there are and how they get in, as the command line says it.
struct FleetRequest {
    std::string url;                    ///< "ws://host:port/path"; ids go behind it
    std::string devnet;                 ///< instead: a folder of `tally devnet`
    std::string visited{"AAA"};         ///< devnet: whose chargers
    std::string home{"BBB"};            ///< devnet: whose cards
    std::string id{"CP{n:4}"};          ///< {n}: the number of the charger, {n:4}: with zeros
    std::vector<std::string> stations;  ///< these and no others; else `id` makes them
    std::vector<std::string> cards;     ///< patterns; a script's card 1 is the first
    std::string password;
    std::string password_file;   ///< the first line is everybody's
    std::string passwords_file;  ///< "id password" a line
    std::size_t count{1};
    std::size_t first{1};  ///< number of the first charger
    std::uint32_t connectors{1};
    std::uint32_t connector{1};
    std::string version{"1.6"};  ///< "1.6", "2.0.1" or "both" in turn
    double speed{0};             ///< 0: 1, on a devnet 60
    std::uint32_t sample_s{10};
    std::uint32_t give_up_s{120};
    std::int64_t register_wh{0};
    std::uint64_t seed{1};
    bool sign{false};
    std::string curve{"secp256r1"};
    std::string meter_key_file;
    node::TlsClientOptions tls;
};

/// A number in a pattern: "CP{n:4}" and 7 give "CP0007".
[[nodiscard]] std::string numbered(const std::string& pattern, std::size_t number);

struct FleetPlan {
    std::vector<StationSetup> stations;
    std::vector<LockFile> locks;  ///< a charger of a devnet belongs to one process at a time
};

/// The error says which option does not fit, and why.
[[nodiscard]] Expected<FleetPlan, std::string> plan_fleet(const FleetRequest& request);

}  // namespace tally::tools
