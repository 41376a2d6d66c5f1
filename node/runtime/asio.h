#pragma once

// The one place that includes Boost.Asio's coroutine headers, and the few names built on them.
//
// GCC 12: never build a capturing lambda or an aggregate temporary inside a co_await expression; it
// is destroyed twice. Name it on the line before.

// clang-format off
#include <utility>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
// clang-format on

namespace tally::node {

namespace asio = boost::asio;
using ErrorCode = boost::system::error_code;

/// Completion token: the operation's error goes to `error` instead of being thrown. `error` must
/// outlive the operation, so it is a local of the awaiting coroutine.
[[nodiscard]] inline auto await_into(ErrorCode& error) {
    return asio::redirect_error(asio::use_awaitable, error);
}

}  // namespace tally::node
