#include "websocket/upgrade.hpp"

#include <algorithm>
#include <string_view>
#include <utility>

#include "http/request.hpp"
#include "src/dialog.hpp"
#include "tocsin/net/websocket_key.hpp"

namespace tocsin::probes::websocket {

using core::Failure;
using core::Outcome;
using core::Phase;

namespace {

/// Whether a word is in a list with commas, in any header of that name.
bool lists(const net::Headers& headers, std::string_view name, std::string_view word) {
  for (const auto& [key, value] : headers) {
    if (!http::same_name(key, name)) continue;
    std::string_view rest = value;
    while (!rest.empty()) {
      std::string_view part = rest.substr(0, rest.find(','));
      rest.remove_prefix(std::min(part.size() + 1, rest.size()));
      while (part.starts_with(' ') || part.starts_with('\t')) part.remove_prefix(1);
      while (part.ends_with(' ') || part.ends_with('\t')) part.remove_suffix(1);
      if (http::same_name(part, word)) return true;
    }
  }
  return false;
}

Failure no_upgrade(std::string detail) { return {Outcome::protocol, Phase::receive, std::move(detail)}; }

}  // namespace

core::Result<net::HttpRequest> upgrade_request(const WebsocketOptions& options, const std::string& key) {
  HttpOptions plain;
  plain.url = options.url;
  plain.headers = options.headers;
  plain.user = options.user;
  plain.password = options.password;
  plain.bearer = options.bearer;
  const auto fixed = [&plain](std::string name, std::string value) {
    plain.headers.push_back({std::move(name), {core::Secret(std::move(value)), {}}});
  };
  fixed("Connection", "Upgrade");
  fixed("Upgrade", "websocket");
  fixed("Sec-WebSocket-Version", "13");
  fixed("Sec-WebSocket-Key", key);
  std::string offered;
  for (const std::string& protocol : options.subprotocols) offered += (offered.empty() ? "" : ", ") + protocol;
  if (!offered.empty()) fixed("Sec-WebSocket-Protocol", std::move(offered));
  return http::build_request(plain);
}

std::optional<Failure> check_upgrade(const net::HttpResponse& response, const std::string& key,
                                     const std::vector<std::string>& subprotocols) {
  const unsigned status = response.status;
  if (status != 101) {
    const std::string text = "status " + std::to_string(status) + " instead of 101 (Switching Protocols)";
    const bool auth = status == 401 || status == 403;
    return Failure{auth            ? Outcome::auth
                   : status == 429 ? Outcome::throttled
                                   : Outcome::unexpected,
                   Phase::expect, text};
  }
  const net::Headers& headers = response.headers;
  if (!lists(headers, "Upgrade", "websocket") || !lists(headers, "Connection", "Upgrade")) {
    return no_upgrade("the service switched to a protocol that is not WebSocket");
  }
  if (net::header(headers, "Sec-WebSocket-Accept") != net::websocket_accept(key)) {
    return no_upgrade("the service's Sec-WebSocket-Accept does not answer our key (a cache in between?)");
  }
  if (!net::header(headers, "Sec-WebSocket-Extensions").empty()) {
    return no_upgrade("the service uses an extension that was not offered");
  }
  const std::string_view chosen = net::header(headers, "Sec-WebSocket-Protocol");
  const bool offered = std::find(subprotocols.begin(), subprotocols.end(), chosen) != subprotocols.end();
  if (subprotocols.empty() && chosen.empty()) return std::nullopt;
  if (offered) return std::nullopt;
  if (chosen.empty()) {
    return Failure{Outcome::unexpected, Phase::expect, "the service agreed to none of the subprotocols"};
  }
  return no_upgrade("the service chose the subprotocol " + shown(chosen) + ", which was not offered");
}

}  // namespace tocsin::probes::websocket
