#pragma once

namespace tally {

/// Builds one visitor for `std::visit` out of several lambdas.
template <typename... Fs>
struct Overloaded : Fs... {
    using Fs::operator()...;
};
template <typename... Fs>
Overloaded(Fs...) -> Overloaded<Fs...>;  // Clang 14 does not deduce aggregates by itself.

}  // namespace tally
