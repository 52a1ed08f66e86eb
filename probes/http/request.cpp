#include "http/request.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <fstream>
#include <utility>

#include "tocsin/core/authorization.hpp"

namespace tocsin::probes::http {
namespace {

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool has_break(std::string_view text) {
  return text.find_first_of(std::string_view("\r\n\0", 3)) != std::string_view::npos;
}

bool has_header(const net::Headers& headers, std::string_view name) {
  return std::any_of(headers.begin(), headers.end(),
                     [name](const auto& header) { return same_name(header.first, name); });
}

core::Result<std::string> user_of(const HttpOptions& options) {
  if (options.user_file.empty()) return options.user.empty() ? options.url.user : options.user;
  core::SecretSource source;
  source.file = options.user_file;
  const auto read = source.read();
  if (!read) return read.error();
  return read->reveal();
}

/// What is configured stands before what the URL holds.
core::Result<std::string> authorization(const HttpOptions& options) {
  if (!options.bearer.empty()) {
    const auto credentials = options.bearer.read();
    if (!credentials) return credentials.error();
    return options.authorization_type + " " + credentials->reveal();
  }
  const auto user = user_of(options);
  if (!user) return user.error();
  return core::authorization(
      {}, *user, options.password.empty() ? core::SecretSource{options.url.password, {}} : options.password);
}

/// As it is, the last newline too.
core::Result<std::string> read_body(const std::string& path) {
  constexpr std::streamsize most = 1 << 20;
  const auto failed = [&path](const std::string& why) {
    return core::Failure{core::Outcome::internal, core::Phase::send, "the body's file " + path + " " + why};
  };
  std::ifstream file(path, std::ios::binary);
  if (!file) return failed("cannot be read");
  std::string text(most + 1, '\0');
  file.read(text.data(), most + 1);
  if (file.bad()) return failed("cannot be read");
  if (file.gcount() > most) return failed("is larger than 1 MiB");
  text.resize(static_cast<std::size_t>(file.gcount()));
  return text;
}

core::Failure unusable(const std::string& header) {
  return {core::Outcome::auth, core::Phase::auth, "the value of header " + header + " holds a line break"};
}

/// Headers that say nothing about the target's owner.
bool goes_anywhere(std::string_view name) {
  constexpr std::array<std::string_view, 5> harmless{"user-agent", "accept", "accept-language", "accept-encoding",
                                                     "connection"};
  return std::any_of(harmless.begin(), harmless.end(), [name](auto known) { return same_name(known, name); });
}

}  // namespace

bool same_name(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) { return lower(x) == lower(y); });
}

bool reads_files(const HttpOptions& options) {
  return !options.password.file.empty() || !options.user_file.empty() || !options.body_file.empty() ||
         !options.bearer.file.empty() ||
         std::any_of(options.headers.begin(), options.headers.end(),
                     [](const HeaderSource& header) { return !header.value.file.empty(); });
}

core::Result<net::HttpRequest> build_request(const HttpOptions& options) {
  net::HttpRequest request;
  request.method = options.method;
  request.target = options.url.request_target();
  request.body = options.body;
  if (!options.body_file.empty()) {
    auto body = read_body(options.body_file);
    if (!body) return body.error();
    request.body = std::move(*body);
  }
  for (const HeaderSource& header : options.headers) {
    const auto value = header.value.read();
    if (!value) return value.error();
    if (has_break(value->reveal()) || has_break(header.name)) return unusable(header.name);
    request.headers.emplace_back(header.name, value->reveal());
  }
  if (!has_header(request.headers, "Authorization")) {
    auto value = authorization(options);
    if (!value) return value.error();
    if (has_break(*value)) return unusable("Authorization");
    if (!value->empty()) request.headers.emplace_back("Authorization", std::move(*value));
  }
  if (!has_header(request.headers, "Host")) request.headers.emplace_back("Host", options.url.authority());
  if (!has_header(request.headers, "User-Agent")) request.headers.emplace_back("User-Agent", "tocsin/" TOCSIN_VERSION);
  if (options.compression && !has_header(request.headers, "Accept-Encoding")) {
    request.headers.emplace_back("Accept-Encoding", net::to_string(*options.compression));
  }
  if (!has_header(request.headers, "Connection")) request.headers.emplace_back("Connection", "close");
  return request;
}

std::string server_name(const HttpOptions& options) {
  if (!options.tls.server_name.empty()) return options.tls.server_name;
  for (const HeaderSource& header : options.headers) {
    if (!same_name(header.name, "Host") || !header.value.file.empty()) continue;
    const std::string& host = header.value.value.reveal();
    return host.substr(0, host.find(':'));
  }
  return {};
}

std::uint16_t port_of(const net::Url& url) {
  if (url.port != 0) return url.port;
  return url.scheme == "https" ? 443 : 80;
}

std::optional<core::Result<net::Url>> redirect_of(const net::Url& from, const net::HttpResponse& response) {
  constexpr std::array<unsigned, 5> redirects{301, 302, 303, 307, 308};
  if (std::find(redirects.begin(), redirects.end(), response.status) == redirects.end()) return std::nullopt;
  const std::string_view location = net::header(response.headers, "Location");
  if (location.empty()) return std::nullopt;
  auto to = net::resolve_reference(from, location);
  // Its sentence might repeat the header, and query strings of redirects carry tokens.
  if (!to) return core::Failure{core::Outcome::protocol, core::Phase::parse, "the redirect's Location is no URL"};
  if (to->scheme != "http" && to->scheme != "https") {
    return core::Failure{core::Outcome::protocol, core::Phase::parse,
                         "redirected to a URL that is neither http nor https"};
  }
  return to;
}

bool same_trust(const net::Url& home, const net::Url& other) {
  const bool same_host = same_name(home.host, other.host);
  const bool same_port = port_of(home) == port_of(other);
  const bool upgrade = home.scheme == "http" && other.scheme == "https";
  if (home.scheme == other.scheme) return same_host && same_port;
  return same_host && upgrade && (same_port || (port_of(home) == 80 && port_of(other) == 443));
}

net::HttpRequest follow(net::HttpRequest request, unsigned status, const net::Url& to, bool trusted) {
  request.target = to.request_target();
  const bool keeps_method = status == 307 || status == 308;
  if (!keeps_method) {
    if (request.method != "HEAD") request.method = "GET";
    request.body.clear();
  }
  std::erase_if(request.headers, [&](const auto& header) {
    const auto is = [&](std::string_view name) { return same_name(header.first, name); };
    if (is("Host")) return true;
    if (!keeps_method && (is("Content-Type") || is("Content-Encoding") || is("Content-Length"))) return true;
    return !trusted && !goes_anywhere(header.first) && !is("Content-Type");
  });
  request.headers.emplace_back("Host", to.authority());
  return request;
}

}  // namespace tocsin::probes::http
