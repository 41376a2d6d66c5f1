#pragma once

namespace tally::node {

// Exit codes of every program (sysexits.h), so that scripts and systemd tell them apart.
inline constexpr int exit_usage{64};     ///< wrong command line
inline constexpr int exit_internal{70};  ///< a broken invariant or other fault of the program
inline constexpr int exit_io{74};        ///< storage refused, disk full, port taken
inline constexpr int exit_outdated{76};  ///< the chain needs a newer release of the program
inline constexpr int exit_config{78};    ///< wrong configuration or key file

}  // namespace tally::node
