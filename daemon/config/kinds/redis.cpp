#include "tocsin/core/number.hpp"

#include "config/kinds/kind.hpp"

namespace tocsin::daemon {
namespace {

bool set_database(std::string_view path, probes::RedisOptions& options) {
  if (path.empty() || path == "/") return true;
  const auto number = core::parse_number<unsigned>(path.substr(1));
  if (number) options.database = *number;
  return number.has_value();
}

bool make(const Making& making, const std::string& text, TargetConfig& target) {
  const auto parsed = net::parse_url(text);
  if (parsed.has_error()) return making.wrong(parsed.error().detail);
  const net::Url& url = *parsed;
  const std::string& scheme = url.scheme;
  const bool unix_socket = scheme == "unix" || scheme == "redis+unix";
  probes::RedisOptions options;
  if (url.has_query) return making.wrong("a redis URL has no query (the database is its path: redis://host/1)");
  if (unix_socket) {
    if (!url.host.empty() || url.path.size() < 2)
      return making.wrong("a socket is written with three slashes: " + scheme + ":///run/redis.sock");
    options.address = {net::percent_decode(url.path), 0, true};
    target.display = scheme + "://" + url.path;
  } else {
    if (url.host.empty()) return making.wrong("a URL without a host");
    options.address = {url.host, url.port == 0 ? std::uint16_t{6379} : url.port, false};
    if (!set_database(url.path, options))
      return making.wrong("the path of a redis URL is the number of a database, such as /1");
    target.display = scheme + "://" + options.address.to_string() +
                     (options.database ? "/" + std::to_string(*options.database) : "");
  }
  if (scheme == "rediss") {
    options.tls = making.probe.tls.value_or(net::TlsOptions{});
  } else if (making.probe.tls) {
    return making.wrong("tls", "\"tls\" needs a URL with rediss://");
  }
  if (!take_user_info(making, url, making.probe.user, making.probe.password, options.user, options.password)) {
    return false;
  }
  options.keep_connection = target.reconnect.count() > 0;
  target.sentinel = making.probe.sentinel.value_or(true) && options.keep_connection;
  target.labels.set("instance", options.address.to_string());
  target.options = std::move(options);
  return true;
}

}  // namespace

Kind redis_kind() {
  Kind kind;
  kind.name = "redis";
  kind.schemes = {"redis", "rediss", "redis+unix", "unix"};
  kind.also = {"user", "password", "password_file", "sentinel", "reconnect", "tls"};
  kind.make = make;
  return kind;
}

}  // namespace tocsin::daemon
