#include "config/kinds/websocket.hpp"

#include <algorithm>

#include "config/kinds/dialog.hpp"
#include "config/kinds/modules.hpp"
#include "config/tables.hpp"
#include "tocsin/probes/websocket.hpp"

namespace tocsin::daemon {

using core::field;
using core::list_of;
using core::ListStyle;
using model::WebsocketKeys;

namespace {

std::vector<core::Field<WebsocketKeys>> websocket_rows() {
  return {
      field("subprotocols", &WebsocketKeys::subprotocols, list_of(core::text(), ListStyle::list_or_one))
          .doc("Subprotocols that are offered; the service must choose one of them.")
          .check([](const std::vector<std::string>& names) -> std::optional<std::string> {
            const auto bad = std::find_if_not(names.begin(), names.end(), is_http_token);
            return bad == names.end() ? std::nullopt
                                      : std::optional<std::string>("has \"" + *bad + "\", which is no name of one");
          }),
      field("ping", &WebsocketKeys::ping)
          .doc("Whether, after the dialog, a ping must be answered.")
          .fallback("`false`"),
      field("max_message", &WebsocketKeys::max_message, core::maybe(core::byte_count()))
          .doc("A larger message is a failure.")
          .fallback("`1MiB`")
          .least(1)
          .most(1ULL << 26U),
  };
}

/// Headers that the upgrade itself sets.
bool is_taken(std::string name) {
  std::transform(name.begin(), name.end(), name.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return name == "connection" || name == "upgrade" || (name.starts_with("sec-websocket-"));
}

bool take_headers(const Making& making, probes::WebsocketOptions& options) {
  for (const auto& [name, header] : making.probe.http.headers) {
    if (!is_http_header(name, header.value))
      return making.wrong("headers", "the header \"" + name + "\" has a name or a value that HTTP does not allow");
    if (is_taken(name)) return making.wrong("headers", "the header \"" + name + "\" is set by the upgrade itself");
    options.headers.push_back({name, header.value});
  }
  return true;
}

bool make_websocket(const Making& making, const std::string& text, TargetConfig& target) {
  auto url = url_of(making, text);
  if (!url) return false;
  // blackbox_exporter takes http URLs for the same.
  if (url->scheme == "http" || url->scheme == "https") url->scheme = url->scheme == "http" ? "ws" : "wss";
  const model::HttpKeys& http = making.probe.http;
  probes::WebsocketOptions options;
  const model::BasicAuth beside = http.basic_auth.value_or(model::BasicAuth{});
  if (!take_user_info(making, *url, beside.user, beside.password, options.user, options.password)) return false;
  options.bearer = http.authorization ? http.authorization->credentials : http.bearer;
  if (!options.user.empty() && !options.bearer.empty())
    return making.wrong("user info in the URL and a bearer token beside it");
  if (url->scheme == "ws" && making.probe.tls && !making.probe.blackbox.given)
    return making.wrong("tls", "\"tls\" needs a URL with wss://");
  options.url = std::move(*url);
  options.url.user.clear();
  options.url.password = core::Secret();
  options.tls = making.probe.tls.value_or(net::TlsOptions{});
  if (!take_headers(making, options)) return false;
  const WebsocketKeys& keys = making.probe.websocket;
  options.subprotocols = keys.subprotocols;
  options.ping = keys.ping.value_or(options.ping);
  options.max_message = keys.max_message.value_or(options.max_message);
  options.dialog = making.probe.tcp.dialog;
  for (const probes::DialogStep& step : options.dialog) {
    if (step.start_tls || !step.expect_bytes.empty() || !step.labels.empty())
      return making.wrong("dialog", "a WebSocket dialog is made of \"expect\" and \"send\"");
  }
  options.ip_protocol = ip_protocol_of(making.probe);
  target.sentinel = false;
  target.display = options.url.display();
  target.labels.set("instance", target.display);
  target.options = std::make_shared<const ProbeOptions>(std::move(options));
  return true;
}

/// What it has in common with HTTP's section is read as there.
std::vector<core::Field<model::Probe>> websocket_module() {
  static constexpr std::string_view shared[] = {
      "headers",           "http_headers", "basic_auth", "authorization",         "bearer_token",
      "bearer_token_file", "tls_config",   "oauth2",     "preferred_ip_protocol", "ip_protocol_fallback"};
  std::vector<core::Field<model::Probe>> rows = http_module();
  std::erase_if(rows, [](const auto& row) {
    return std::find(std::begin(shared), std::end(shared), row.doc.name) == std::end(shared);
  });
  rows.push_back(dialog_module_row());
  return rows;
}

}  // namespace

Kind websocket_kind() {
  Kind kind;
  kind.name = "websocket";
  kind.schemes = {"ws", "wss"};
  kind.fields = core::fields_of(&model::Probe::websocket, websocket_rows());
  kind.also = {"tls", "ip_protocol", "dialog", "headers", "basic_auth", "bearer", "bearer_file", "authorization"};
  kind.exclusive = {{"basic_auth", "bearer", "bearer_file", "authorization"}};
  kind.module = websocket_module();
  kind.check = http_kind().check;
  kind.make = make_websocket;
  return kind;
}

}  // namespace tocsin::daemon
