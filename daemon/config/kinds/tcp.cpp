#include "config/kinds/tcp.hpp"

#include <algorithm>

#include "config/kinds/dialog.hpp"
#include "config/kinds/modules.hpp"
#include "config/tables.hpp"

namespace tocsin::daemon {

using core::field;
using model::TcpKeys;

namespace {

std::vector<core::Field<TcpKeys>> tcp_rows() {
  return {
      field("dialog", &TcpKeys::dialog, core::list_of(core::section(dialog_table())))
          .doc("What must be said, step by step. Without one, connecting (and TLS) is all."),
      field("source_address", &TcpKeys::source_address, core::maybe(address_type()))
          .doc("An address of this machine to ask from.")
          .fallback("the system's choice"),
  };
}

/// tcp+unix:///path, or unix:///path where `kind: tcp` is said.
bool take_address(const Making& making, const net::Url& url, bool is_unix, probes::TcpOptions& options,
                  std::string& display) {
  if (!is_unix) {
    if (url.port == 0) return making.wrong("a tcp URL has a port: tcp://host:port");
    options.address = {url.host, url.port, false};
    display = url.scheme + "://" + options.address.to_string();
    return true;
  }
  if (!url.host.empty() || url.path.size() < 2)
    return making.wrong("a socket is written with three slashes: " + url.scheme + ":///run/app.sock");
  options.address = {net::percent_decode(url.path), 0, true};
  display = url.scheme + "://" + url.path;
  return true;
}

bool make_tcp(const Making& making, const std::string& text, TargetConfig& target) {
  const bool is_unix = text.find("unix://") != std::string::npos;
  std::optional<net::Url> url;
  if (is_unix) {
    auto parsed = net::parse_url(text);
    if (parsed.has_error()) return making.wrong(parsed.error().detail);
    url = std::move(*parsed);
  } else {
    url = plain_url(making, text, false);
  }
  if (!url) return false;
  const TcpKeys& keys = making.probe.tcp;
  probes::TcpOptions options;
  if (!take_address(making, *url, is_unix, options, target.display)) return false;
  options.tls = keys.tls.value_or(url->scheme == "tcps");
  options.dialog = keys.dialog;
  const bool later =
      std::any_of(keys.dialog.begin(), keys.dialog.end(), [](const auto& step) { return step.start_tls; });
  if (making.probe.tls && !options.tls && !later && !making.probe.blackbox.given)
    return making.wrong("tls", "\"tls\" needs a URL with tcps://, or a step with starttls");
  if (options.tls && later) return making.wrong("dialog", "TLS has begun already where the dialog says starttls");
  options.tls_options = making.probe.tls.value_or(net::TlsOptions{});
  options.ip_protocol = ip_protocol_of(making.probe);
  options.source = keys.source_address;
  target.sentinel = false;
  target.labels.set("instance", target.display);
  target.options = std::make_shared<const ProbeOptions>(std::move(options));
  return true;
}

std::vector<core::Field<model::Probe>> tcp_module() {
  auto rows = ip_module_rows();
  rows.push_back(source_module_row());
  rows.push_back(dialog_module_row());
  rows.push_back(module_row<bool>("tls", core::boolean(),
                                  std::function([](model::Probe& probe, bool given) { probe.tcp.tls = given; })));
  rows.push_back(tls_module_row());
  return rows;
}

}  // namespace

Kind tcp_kind() {
  Kind kind;
  kind.name = "tcp";
  kind.schemes = {"tcp", "tcps", "tcp+unix", "unix"};
  kind.fields = core::fields_of(&model::Probe::tcp, tcp_rows());
  kind.also = {"tls", "ip_protocol"};
  kind.module = tcp_module();
  kind.make = make_tcp;
  return kind;
}

}  // namespace tocsin::daemon
