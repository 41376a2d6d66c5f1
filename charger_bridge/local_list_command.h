#pragma once

#include <string>

namespace tally::bridge {

/// `tally-bridge sign-list`: makes the operator's signed local list from a text of tokens.
struct SignList {
    std::string tokens;       ///< file: a token, a blank and its limit in every line
    std::string party;        ///< the operator
    std::string currency;     ///< of the limits
    std::string valid_until;  ///< RFC 3339
    std::string key_file;     ///< secret key of the operator
    std::string out;
};

/// Exit codes: 0 written, 1 something in the input is wrong, 74 a file cannot be read or written.
int run_sign_list(const SignList& command);

}  // namespace tally::bridge
