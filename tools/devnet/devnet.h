#pragma once

#include "ledger/base/expected.h"
#include "tools/devnet/manifest.h"
#include "tools/devnet/options.h"

#include <functional>
#include <string>
#include <vector>

namespace tally::tools {

/// Told what is being waited for, for a progress line.
using DevnetProgress = std::function<void(const std::string& step)>;

/// Makes a network in an empty or new folder, starts all programs, registers bridges, tariffs and
/// chargers, and returns when every program is ready. On an error everything that was started is
/// stopped again; the error names the program and shows the end of its log.
[[nodiscard]] Expected<DevnetManifest, std::string> devnet_up(const DevnetOptions& options,
                                                              const DevnetProgress& progress);

/// Stops every program of the network: SIGTERM, after a while SIGKILL.
[[nodiscard]] Expected<Done, std::string> devnet_down(const std::string& folder);

enum class DevnetAction : std::uint8_t { start, launch, stop, kill };
/// Starts, stops or kills (-9) one program: a member ("AAA") or a bridge ("bridge-AAA"). Starting
/// one that runs and stopping one that does not is no error. `start` returns when it is ready,
/// `launch` at once.
[[nodiscard]] Expected<Done, std::string> devnet_act(const std::string& folder,
                                                     const std::string& name, DevnetAction action);

/// One program of the network and whether it runs and answers.
struct DevnetProgram {
    std::string name;
    std::string role;
    int pid{0};
    bool running{false};
    bool ready{false};
    std::string api;
    std::uint64_t height{0};
};
[[nodiscard]] Expected<std::vector<DevnetProgram>, std::string> devnet_status(
    const std::string& folder);

}  // namespace tally::tools
