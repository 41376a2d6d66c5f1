#pragma once

#include <cstdint>
#include <string>

namespace tally::bridge {

/// `tally-bridge review`: asks the running bridge through its own API, with address and token of
/// its configuration.
struct ReviewCommand {
    std::string config;
    std::string verb;  ///< list, show, release, reject
    std::uint64_t number{0};
    std::string reason;
    std::string by;
    bool json{false};
};

/// Prints the answer. Exit codes: 0 done; 1 the bridge refused; 2 it could not be asked; 78 the
/// configuration.
int run_review(const ReviewCommand& command);

}  // namespace tally::bridge
