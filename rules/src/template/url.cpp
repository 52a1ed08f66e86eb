#include "url.hpp"

#include <arpa/inet.h>

#include <cctype>

namespace tocsin::rules::tmpl {

std::string query_escape(std::string_view text) {
  static constexpr std::string_view hex = "0123456789ABCDEF";
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    const auto u = static_cast<unsigned char>(c);
    if (u < 0x80 && (std::isalnum(u) != 0 || c == '-' || c == '_' || c == '.' || c == '~')) {
      out += c;
    } else if (c == ' ') {
      out += '+';
    } else {
      out += '%';
      out += hex[u >> 4U];
      out += hex[u & 15U];
    }
  }
  return out;
}

std::string_view url_path(std::string_view url) {
  url = url.substr(0, url.find_first_of("?#"));
  if (const std::size_t scheme = url.find("://"); scheme != std::string_view::npos) {
    const std::size_t slash = url.find('/', scheme + 3);
    return slash == std::string_view::npos ? std::string_view{} : url.substr(slash);
  }
  return url;
}

bool split_host_port(std::string_view text, HostPort& out) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return false;
  out.port = text.substr(colon + 1);
  out.host = text.substr(0, colon);
  if (out.host.starts_with('[')) {
    if (!out.host.ends_with(']') || out.host.find(']') != out.host.size() - 1) return false;
    out.host = out.host.substr(1, out.host.size() - 2);
    return out.host.find('[') == std::string_view::npos;
  }
  return out.host.find_first_of(":[]") == std::string_view::npos &&
         out.port.find_first_of("[]") == std::string_view::npos;
}

bool is_ip_address(std::string_view text) {
  const std::string address(text.substr(0, text.find('%')));
  in_addr v4{};
  in6_addr v6{};
  return inet_pton(AF_INET, address.c_str(), &v4) == 1 || inet_pton(AF_INET6, address.c_str(), &v6) == 1;
}

}  // namespace tocsin::rules::tmpl
