// The little of URLs that templates and alerts need.
#pragma once

#include <string>
#include <string_view>

namespace tocsin::rules::tmpl {

/// Go's url.QueryEscape: a space becomes `+`.
[[nodiscard]] std::string query_escape(std::string_view text);
/// The path of a URL: `/prom` of `http://host:9090/prom`; empty where there is none.
[[nodiscard]] std::string_view url_path(std::string_view url);

/// `host:port` or `[host]:port` in two; false where Go's net.SplitHostPort gives an error.
struct HostPort {
  std::string_view host;
  std::string_view port;
};
[[nodiscard]] bool split_host_port(std::string_view text, HostPort& out);
[[nodiscard]] bool is_ip_address(std::string_view text);

}  // namespace tocsin::rules::tmpl
