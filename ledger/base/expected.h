#pragma once

#include "ledger/base/check.h"

#include <type_traits>
#include <utility>
#include <variant>

namespace tally {

/// Wraps an error so that returning it from a function that gives an `Expected` is explicit.
template <typename E>
struct Unexpected {
    E error;
};
template <typename E>
Unexpected(E) -> Unexpected<E>;

/// A value of type `T`, or the reason of type `E` why there is none.
///
/// `E` is a small enum or struct owned by the module that reports it, so that a caller can switch
/// over it and the compiler names the case that was forgotten. Reading the side that is not there
/// is a programming error and stops the process; nothing here throws.
template <typename T, typename E>
class [[nodiscard]] Expected {
    static_assert(!std::is_same_v<T, E>, "value and error must be different types");

public:
    // NOLINTNEXTLINE(google-explicit-constructor): `return value;` is what this class is for.
    Expected(T value) : m_data{std::in_place_index<0>, std::move(value)} {}

    template <typename F>
    // NOLINTNEXTLINE(google-explicit-constructor): so is `return Unexpected{error};`.
    Expected(Unexpected<F> wrapped) : m_data{std::in_place_index<1>, std::move(wrapped.error)} {}

    [[nodiscard]] bool has_value() const noexcept { return m_data.index() == 0; }
    explicit operator bool() const noexcept { return has_value(); }

    [[nodiscard]] const T& value() const& {
        ENSURE(has_value());
        return *std::get_if<0>(&m_data);
    }
    [[nodiscard]] T& value() & {
        ENSURE(has_value());
        return *std::get_if<0>(&m_data);
    }
    [[nodiscard]] T&& value() && {
        ENSURE(has_value());
        return std::move(*std::get_if<0>(&m_data));
    }
    [[nodiscard]] const E& error() const {
        ENSURE(!has_value());
        return *std::get_if<1>(&m_data);
    }

    const T& operator*() const& { return value(); }
    T& operator*() & { return value(); }
    const T* operator->() const { return &value(); }
    T* operator->() { return &value(); }

private:
    std::variant<T, E> m_data;
};

/// The value of an operation that gives nothing but success.
struct Done {
    friend constexpr bool operator==(Done, Done) noexcept { return true; }
};

}  // namespace tally
