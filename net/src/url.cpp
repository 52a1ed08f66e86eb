#include "tocsin/net/url.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>

namespace tocsin::net {
namespace {

constexpr std::size_t max_url = 64 * 1024;

bool is_alpha(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_unreserved(char c) { return is_alpha(c) || is_digit(c) || c == '-' || c == '.' || c == '_' || c == '~'; }
bool is_control_or_space(char c) { return static_cast<unsigned char>(c) <= ' ' || c == '\x7f'; }

int hex_value(char c) {
  if (is_digit(c)) return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

void append_encoded(std::string& out, char c) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  const auto byte = static_cast<unsigned char>(c);
  out += '%';
  out += digits[byte >> 4U];
  out += digits[byte & 15U];
}

core::Failure bad(std::string detail) {
  return {core::Outcome::protocol, core::Phase::parse, "not a URL: " + std::move(detail)};
}

std::optional<std::string> parse_scheme(std::string_view text) {
  if (text.empty() || !is_alpha(text.front())) return std::nullopt;
  std::string scheme(text);
  for (char& c : scheme) {
    if (!is_alpha(c) && !is_digit(c) && c != '+' && c != '-' && c != '.') return std::nullopt;
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return scheme;
}

/// Hints at the usual mistake without repeating what may be a part of a password.
constexpr std::string_view encode_hint = " (if the password has any of / ? # @ : %, write it percent-encoded)";

/// The host without brackets; the port's text goes to `port`.
core::Result<std::string> parse_host(std::string_view text, std::string_view& port) {
  if (text.starts_with('[')) {
    const std::size_t end = text.find(']');
    if (end == std::string_view::npos) return bad("an IPv6 address has no closing bracket");
    std::string host = percent_decode(text.substr(1, end - 1));
    const std::string address = host.substr(0, host.find('%'));
    in6_addr ignored{};
    if (::inet_pton(AF_INET6, address.c_str(), &ignored) != 1)
      return bad("what stands in [brackets] is not an IPv6 address");
    text.remove_prefix(end + 1);
    if (!text.empty() && text.front() != ':') return bad("after ']' only a port may follow");
    port = text.empty() ? text : text.substr(1);
    if (std::any_of(host.begin(), host.end(), is_control_or_space))
      return bad("the host has a space or control character");
    return host;
  }
  const std::size_t colon = text.find(':');
  if (colon != std::string_view::npos) port = text.substr(colon + 1);
  std::string host = percent_decode(text.substr(0, colon));
  const auto odd = [](char c) {
    return is_control_or_space(c) || std::string_view("\"<>\\^`{|}[]@:").find(c) != std::string_view::npos;
  };
  if (std::any_of(host.begin(), host.end(), odd)) return bad("the host has a character that a host cannot have");
  return host;
}

core::Result<std::uint16_t> parse_port(std::string_view text) {
  if (text.empty()) return std::uint16_t{0};
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc() || end != text.data() + text.size() || port == 0) {
    return bad("the port is not a number from 1 to 65535" + std::string(encode_hint));
  }
  return port;
}

core::Result<void> parse_authority(std::string_view text, Url& url) {
  const std::size_t at = text.rfind('@');
  if (at != std::string_view::npos) {
    const std::string_view user = text.substr(0, at);
    const std::size_t colon = user.find(':');
    url.user = percent_decode(user.substr(0, colon));
    if (colon != std::string_view::npos) url.password = core::Secret(percent_decode(user.substr(colon + 1)));
    text.remove_prefix(at + 1);
  }
  std::string_view port_text;
  core::Result<std::string> host = parse_host(text, port_text);
  if (!host) return std::move(host).error();
  url.host = std::move(*host);
  const core::Result<std::uint16_t> port = parse_port(port_text);
  if (!port) return port.error();
  url.port = *port;
  return {};
}

void parse_path_and_query(std::string_view text, Url& url) {
  text = text.substr(0, text.find('#'));
  const std::size_t question = text.find('?');
  url.path = text.substr(0, question);
  url.has_query = question != std::string_view::npos;
  url.query = url.has_query ? text.substr(question + 1) : std::string_view();
}

/// RFC 3986 section 5.2.4.
std::string remove_dot_segments(std::string_view path) {
  std::string out;
  while (!path.empty()) {
    if (path == "/." || path.starts_with("/./")) {
      path.remove_prefix(2);
      if (path.empty()) out += '/';
    } else if (path == "/.." || path.starts_with("/../")) {
      path.remove_prefix(3);
      out.erase(std::min(out.rfind('/'), out.size()));
      if (path.empty()) out += '/';
    } else {
      const std::size_t next = path.find('/', 1);
      out += path.substr(0, next);
      path = next == std::string_view::npos ? std::string_view() : path.substr(next);
    }
  }
  return out;
}

/// The host as it stands in a URL: what would end it there is encoded.
std::string encode_host(std::string_view host) {
  std::string out;
  for (const char c : host) {
    if (std::string_view("%/?#").find(c) != std::string_view::npos) {
      append_encoded(out, c);
    } else {
      out += c;
    }
  }
  return out;
}

std::string host_and_port(const Url& url, bool zone) {
  const bool v6 = url.host.find(':') != std::string::npos;
  const std::string_view host =
      v6 && !zone ? std::string_view(url.host).substr(0, url.host.find('%')) : std::string_view(url.host);
  std::string text = v6 ? "[" + encode_host(host) + "]" : encode_host(host);
  if (url.port != 0) text += ":" + std::to_string(url.port);
  return text;
}

std::string decode(std::string_view text, bool plus_is_space) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    const int high = text[i] == '%' && i + 2 < text.size() ? hex_value(text[i + 1]) : -1;
    const int low = high >= 0 ? hex_value(text[i + 2]) : -1;
    if (low >= 0) {
      out += static_cast<char>(high * 16 + low);
      i += 2;
    } else {
      out += plus_is_space && text[i] == '+' ? ' ' : text[i];
    }
  }
  return out;
}

}  // namespace

std::string Url::display() const { return scheme + "://" + host_and_port(*this, true) + path; }

std::string Url::authority() const { return host_and_port(*this, false); }

std::string Url::request_target() const {
  std::string target;
  target.reserve(path.size() + query.size() + 2);
  if (path.empty()) target += '/';
  const auto append = [&target](std::string_view text) {
    for (const char c : text) {
      if (static_cast<unsigned char>(c) >= 0x80) {
        append_encoded(target, c);
      } else {
        target += c;
      }
    }
  };
  append(path);
  if (has_query) target += '?';
  append(query);
  return target;
}

core::Result<Url> parse_url(std::string_view text) {
  if (text.size() > max_url) return bad("it is longer than 64 KiB");
  if (std::any_of(text.begin(), text.end(), is_control_or_space)) return bad("it has a space or a control character");
  const std::size_t separator = text.find("://");
  if (separator == std::string_view::npos) return bad("it does not begin with a scheme, as in https://host/path");
  std::optional<std::string> scheme = parse_scheme(text.substr(0, separator));
  if (!scheme) return bad("the scheme before :// has characters that a scheme cannot have");

  Url url;
  url.scheme = std::move(*scheme);
  text.remove_prefix(separator + 3);
  const std::size_t end = std::min(text.find_first_of("/?#"), text.size());
  const core::Result<void> authority = parse_authority(text.substr(0, end), url);
  if (!authority) return authority.error();
  if (url.host.empty() && url.scheme.find("unix") == std::string::npos) return bad("it has no host");
  parse_path_and_query(text.substr(end), url);
  return url;
}

core::Result<Url> resolve_reference(const Url& base, std::string_view reference) {
  reference = reference.substr(0, reference.find('#'));
  if (std::any_of(reference.begin(), reference.end(), is_control_or_space)) {
    return bad("it has a space or a control character");
  }
  const std::size_t colon = reference.find_first_of(":/?");
  if (colon != std::string_view::npos && reference[colon] == ':' && parse_scheme(reference.substr(0, colon))) {
    core::Result<Url> url = parse_url(reference);
    if (url) url->path = remove_dot_segments(url->path);
    return url;
  }
  if (reference.starts_with("//")) {
    core::Result<Url> url = parse_url(base.scheme + ":" + std::string(reference));
    if (url) url->path = remove_dot_segments(url->path);
    return url;
  }
  Url url = base;
  if (reference.empty()) return url;
  if (reference.front() == '?') {
    url.query = reference.substr(1);
    url.has_query = true;
    return url;
  }
  const std::string base_path = base.path;
  parse_path_and_query(reference, url);
  if (!url.path.starts_with('/')) url.path = base_path.substr(0, base_path.rfind('/') + 1) + url.path;
  if (!url.path.starts_with('/')) url.path.insert(0, 1, '/');
  url.path = remove_dot_segments(url.path);
  return url;
}

std::string query_parameter(std::string_view query, std::string_view name) {
  while (!query.empty()) {
    const std::size_t end = std::min(query.find('&'), query.size());
    const std::string_view pair = query.substr(0, end);
    query.remove_prefix(std::min(end + 1, query.size()));
    const std::size_t equals = pair.find('=');
    if (decode(pair.substr(0, equals), true) != name) continue;
    return equals == std::string_view::npos ? std::string() : decode(pair.substr(equals + 1), true);
  }
  return {};
}

std::string percent_encode(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    if (is_unreserved(c)) {
      out += c;
    } else {
      append_encoded(out, c);
    }
  }
  return out;
}

std::string percent_decode(std::string_view text) { return decode(text, false); }

}  // namespace tocsin::net
