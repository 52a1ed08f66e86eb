#include "src/api_orders.hpp"

#include <fmt/format.h>
#include <pwd.h>

#include <algorithm>
#include <array>
#include <boost/json.hpp>

#include "src/api.hpp"
#include "src/json.hpp"
#include "tocsin/core/duration.hpp"
#include "tocsin/net/url.hpp"

namespace tocsin::daemon {
namespace {

using Kind = actions::Order::Kind;

constexpr std::array<std::pair<Kind, std::string_view>, 5> words{{{Kind::approve, "approve"},
                                                                  {Kind::reject, "reject"},
                                                                  {Kind::pause, "pause"},
                                                                  {Kind::resume, "resume"},
                                                                  {Kind::rearm, "rearm"}}};
constexpr std::string_view prefix = "/api/v1/tocsin/actions/";
constexpr std::uint32_t nobody = 65534;  // how the kernel shows users that this process's namespace has not
constexpr std::size_t longest_text = 500;
constexpr core::Duration longest_pause = std::chrono::hours{24 * 365};

net::ServerResponse refuse(unsigned status, std::string_view why) {
  net::ServerResponse response = api_error("forbidden", why);
  response.status = status;
  return response;
}

/// host[:port] of an origin such as https://host:port.
std::string_view authority_of(std::string_view origin) {
  const auto scheme = origin.find("://");
  if (scheme == std::string_view::npos) return {};
  origin.remove_prefix(scheme + 3);
  return origin.substr(0, origin.find('/'));
}

/// A browser names the site whose page makes the request.
bool own_origin(const net::ServerRequest& request, const OrderContext& context) {
  const std::string_view origin = net::header(request.headers, "Origin");
  if (origin.empty()) return true;
  const std::string_view authority = authority_of(origin);
  if (authority.empty()) return false;
  return authority == net::header(request.headers, "Host") || authority == authority_of(context.external_url);
}

bool is_json(const net::ServerRequest& request) {
  std::string_view type = net::header(request.headers, "Content-Type");
  type = type.substr(0, type.find(';'));
  while (type.ends_with(' ')) type.remove_suffix(1);
  return type == "application/json";
}

constexpr std::string_view hidden_caller =
    "the kernel does not say who asks: the daemon runs in a user namespace of its own (PrivateUsers= of the unit), in "
    "which there is root and nobody else. Give the order as root, or over the port (web.config_file)";

/// A text of the body, within bounds; false if it is none.
bool take_text(const boost::json::value& value, std::string& into) {
  if (!value.is_string()) return false;
  into = std::string(value.get_string());
  return into.size() <= longest_text && std::none_of(into.begin(), into.end(), [](char c) {
           return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
         });
}

/// Reads one key of the body; what is wrong with it, or nothing.
std::string read_key(std::string_view key, const boost::json::value& value, actions::Order& order) {
  const bool decides = order.kind == Kind::approve || order.kind == Kind::reject;
  const bool switches = order.kind == Kind::pause || order.kind == Kind::resume;
  const auto text_wanted = [key] {
    return fmt::format("\"{}\" is a text of at most {} letters on one line", key, longest_text);
  };
  if (key == "note") return take_text(value, order.note) ? "" : text_wanted();
  if (key == "action" || (key == "id" && decides)) {
    if (!order.what.empty()) return "give \"id\" or \"action\", not both";
    return take_text(value, order.what) ? "" : text_wanted();
  }
  if (key == "direction" && switches) {
    std::string word;
    if (!take_text(value, word) || (word != "up" && word != "down")) return "\"direction\" is up or down";
    order.direction = core::direction(word);
    return {};
  }
  if (key == "for" && order.kind == Kind::pause) {
    std::string word;
    const auto lasts = take_text(value, word) ? core::parse_duration(word) : std::nullopt;
    if (!lasts || lasts->count() <= 0 || *lasts > longest_pause)
      return "\"for\" is a duration such as 2h, a year at most";
    order.lasts = lasts;
    return {};
  }
  return fmt::format("unknown key \"{}\" (an order to {} has {})", key, to_string(order.kind),
                     decides    ? "\"id\" or \"action\", and \"note\""
                     : switches ? "\"action\", \"direction\", \"for\" and \"note\""
                                : "\"action\" and \"note\"");
}

}  // namespace

std::string_view to_string(Kind kind) {
  return std::find_if(words.begin(), words.end(), [kind](const auto& word) { return word.first == kind; })->second;
}

std::optional<Kind> order_of_path(std::string_view path) {
  if (!path.starts_with(prefix)) return std::nullopt;
  path.remove_prefix(prefix.size());
  for (const auto& [kind, word] : words) {
    if (path == word) return kind;
  }
  return std::nullopt;
}

std::optional<net::ServerResponse> order_refusal(const net::ServerRequest& request, const OrderContext& context) {
  if (request.method != "POST") return refuse(405, "orders are given by POST");
  if (!is_json(request)) return refuse(415, "an order is JSON: send Content-Type: application/json");
  if (!own_origin(request, context)) return refuse(403, "a page of another site may give no orders (Origin)");
  if (request.peer == "local") {
    if (!request.uid) return refuse(403, "the kernel does not say who asks");
    const bool hidden = *request.uid == nobody && context.own_uid != nobody;
    if (hidden) return refuse(403, hidden_caller);
    return std::nullopt;
  }
  if (!context.port_has_users) {
    return refuse(403,
                  "orders are taken on this port only from users that log in, and there are none: name them in "
                  "web.config_file, or give the order on the host, over the local socket (tocsin actions ... --socket "
                  "/run/tocsin/tocsin.sock, as root or a member of the group tocsin)");
  }
  if (context.port_user.empty()) return refuse(403, "orders are taken from users that log in");
  return std::nullopt;
}

std::string order_giver(const net::ServerRequest& request, const OrderContext& context,
                        const std::optional<std::string>& name) {
  if (request.peer != "local") return context.port_user;
  return name ? *name : fmt::format("uid {}", request.uid.value_or(nobody));
}

std::variant<actions::Order, std::string> read_order(Kind kind, std::string_view body) {
  actions::Order order;
  order.kind = kind;
  boost::system::error_code code;
  boost::json::parse_options options;
  options.max_depth = 4;
  const auto root = boost::json::parse(boost::json::string_view(body.data(), body.size()), code, {}, options);
  if (code || !root.is_object()) return "an order is a JSON object";
  for (const auto& entry : root.get_object()) {
    const std::string_view key(entry.key().data(), entry.key().size());
    if (std::string wrong = read_key(key, entry.value(), order); !wrong.empty()) return wrong;
  }
  const bool names_one = kind == Kind::approve || kind == Kind::reject || kind == Kind::rearm;
  if (names_one && order.what.empty())
    return kind == Kind::rearm ? "\"action\" is missing" : "\"id\" or \"action\" is missing";
  return order;
}

net::ServerResponse order_answer(const actions::OrderResult& result) {
  if (!result.done) {
    net::ServerResponse response = api_error("conflict", result.message);
    response.status = 409;
    return response;
  }
  JsonWriter json;
  json.begin_object().key("message").string(result.message).end_object();
  return api_success(json.take());
}

std::optional<std::string> user_name(std::uint32_t uid) {
  std::array<char, 16 * 1024> buffer{};
  ::passwd entry{};
  ::passwd* found = nullptr;
  if (::getpwuid_r(uid, &entry, buffer.data(), buffer.size(), &found) != 0 || found == nullptr) return std::nullopt;
  return std::string(found->pw_name);
}

}  // namespace tocsin::daemon
