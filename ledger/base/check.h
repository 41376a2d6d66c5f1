#pragma once

namespace tally {

/// Reports a broken invariant and aborts. Called by `ENSURE`; never returns.
[[noreturn]] void ensure_failed(const char* condition, const char* file, int line) noexcept;

}  // namespace tally

/// States what must be true here. Checked in every build, because a wrong ledger is worse than a
/// stopped one. Never use it on input from a peer, a charger, a file or an operator: those fail by
/// returning an error.
#define ENSURE(condition) \
    ((condition) ? static_cast<void>(0) : ::tally::ensure_failed(#condition, __FILE__, __LINE__))
