// How this room awaits: errors come as values, and a cancelled coroutine starts nothing new.
#pragma once

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/cancellation_state.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <type_traits>

#include "tocsin/net/loop.hpp"

namespace tocsin::net {

inline constexpr auto as_values = boost::asio::as_tuple(boost::asio::use_awaitable);

/// To be awaited: what the loop has to do already goes first.
[[nodiscard]] inline auto next_turn() { return boost::asio::post(boost::asio::deferred); }
static_assert(std::is_trivially_destructible_v<decltype(next_turn())>, "GCC 12.2 may destroy it twice");

/// Whether the coroutine that asks was cancelled.
[[nodiscard]] inline Task<bool> is_cancelled() {
  const auto state = co_await boost::asio::this_coro::cancellation_state;
  co_return state.cancelled() != boost::asio::cancellation_type::none;
}

}  // namespace tocsin::net
