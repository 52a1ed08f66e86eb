// Orders that people give about actions: who may, and what a request says. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "tocsin/actions/machine.hpp"
#include "tocsin/net/http.hpp"

namespace tocsin::daemon {

/// The order that a path is for: /api/v1/tocsin/actions/approve, reject, pause, resume, rearm; nothing for others.
[[nodiscard]] std::optional<actions::Order::Kind> order_of_path(std::string_view path);
[[nodiscard]] std::string_view to_string(actions::Order::Kind kind);

/// What is known of who asks, beside the request.
struct OrderContext {
  bool port_has_users = false;  // web.config_file names some
  std::string port_user;        // who logged in on the port
  std::uint32_t own_uid = 0;    // the daemon's
  std::string external_url;     // under which people reach the daemon, where that is configured
};

/// Why this request may give no orders, whoever it is from: 403, 405 or 415, in words that say what to do.
[[nodiscard]] std::optional<net::ServerResponse> order_refusal(const net::ServerRequest& request,
                                                               const OrderContext& context);
/// Who gives the order, for a request that was not refused: a user's number is named by `name`, which may find none.
[[nodiscard]] std::string order_giver(const net::ServerRequest& request, const OrderContext& context,
                                      const std::optional<std::string>& name);

/// The order that the body says, without who gives it; or what is wrong with it.
[[nodiscard]] std::variant<actions::Order, std::string> read_order(actions::Order::Kind kind, std::string_view body);
/// 200 with what was done, or 409 with why not.
[[nodiscard]] net::ServerResponse order_answer(const actions::OrderResult& result);

/// The name that this machine knows a user's number by; may take a while where names come over the network.
[[nodiscard]] std::optional<std::string> user_name(std::uint32_t uid);

}  // namespace tocsin::daemon
