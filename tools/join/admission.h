#pragma once

#include "ledger/base/expected.h"
#include "ledger/model/actions.h"

#include <string>
#include <string_view>

namespace tally::tools {

inline constexpr std::size_t admission_json_bytes_max{64UL * 1024};

/// What a new operator hands to the hub: its name, its public keys with the proof that it has their
/// secrets, and the network it wants to join.
struct Admission {
    AdmitFollower request;
    Hash chain_id;
};

[[nodiscard]] std::string admission_to_json(const Admission& admission);
/// Strict: an unknown or missing key, a key that is none or not proven, or bad names are errors
/// that name the field.
[[nodiscard]] Expected<Admission, std::string> admission_from_json(std::string_view text);
/// Errors name the file.
[[nodiscard]] Expected<Admission, std::string> load_admission(const std::string& path);

}  // namespace tally::tools
