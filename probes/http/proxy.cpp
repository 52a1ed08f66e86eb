#include "http/proxy.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "http/request.hpp"
#include "tocsin/core/authorization.hpp"
#include "tocsin/core/number.hpp"

namespace tocsin::probes::http {
namespace {

using core::Failure;
using core::Outcome;
using core::Phase;
using core::Result;

/// An address of either version; IPv4 inside of IPv6 counts as IPv4.
struct Numeric {
  std::array<unsigned char, 16> bytes{};
  bool v6 = false;
};

std::optional<Numeric> numeric(std::string_view text) {
  const std::string host(text);
  Numeric address;
  if (::inet_pton(AF_INET, host.c_str(), address.bytes.data()) == 1) return address;
  if (::inet_pton(AF_INET6, host.c_str(), address.bytes.data()) != 1) return std::nullopt;
  constexpr std::array<unsigned char, 12> mapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  if (std::equal(mapped.begin(), mapped.end(), address.bytes.begin())) {
    std::copy_n(address.bytes.begin() + 12, 4, address.bytes.begin());
  } else {
    address.v6 = true;
  }
  return address;
}

bool same_bits(const Numeric& a, const Numeric& b, unsigned bits) {
  if (a.v6 != b.v6 || bits > (a.v6 ? 128U : 32U)) return false;
  const std::size_t whole = bits / 8;
  if (std::memcmp(a.bytes.data(), b.bytes.data(), whole) != 0) return false;
  if (bits % 8 == 0) return true;
  const auto mask = static_cast<unsigned char>(0xffU << (8 - bits % 8));
  return ((a.bytes[whole] ^ b.bytes[whole]) & mask) == 0;
}

bool is_loopback(std::string_view host) {
  if (host == "localhost") return true;
  const auto address = numeric(host);
  if (!address) return false;
  if (!address->v6) return address->bytes[0] == 127;
  Numeric one;
  one.v6 = true;
  one.bytes[15] = 1;
  return same_bits(*address, one, 128);
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return out;
}

std::string_view trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

/// Takes `:port` off an entry; false if it is for another port.
bool fits_port(std::string_view& entry, std::uint16_t port) {
  const bool bracketed = entry.starts_with('[');
  const std::size_t colon = entry.rfind(':');
  const bool has_port =
      colon != std::string_view::npos && (bracketed ? entry.rfind(']') + 1 == colon : entry.find(':') == colon);
  bool good = true;
  if (has_port) {
    good = core::parse_number<std::uint16_t>(entry.substr(colon + 1)) == port;
    entry = entry.substr(0, colon);
  }
  if (entry.starts_with('[') && entry.ends_with(']')) entry = entry.substr(1, entry.size() - 2);
  return good;
}

bool fits(std::string_view entry, std::string_view host, const std::optional<Numeric>& address, std::uint16_t port) {
  if (entry == "*") return true;
  if (const std::size_t slash = entry.find('/'); slash != std::string_view::npos) {
    const auto network = numeric(entry.substr(0, slash));
    const auto bits = core::parse_number<unsigned>(entry.substr(slash + 1));
    return address && network && bits && same_bits(*address, *network, *bits);
  }
  if (!fits_port(entry, port)) return false;
  if (const auto other = numeric(entry)) return address && same_bits(*address, *other, other->v6 ? 128 : 32);
  if (entry.starts_with("*.")) entry.remove_prefix(1);
  if (entry.empty()) return false;
  // `.example.org` is for what stands below it, `example.org` also for itself.
  if (entry.front() == '.') return host.size() > entry.size() && host.ends_with(entry);
  return host == entry ||
         (host.size() > entry.size() && host.ends_with(entry) && host[host.size() - entry.size() - 1] == '.');
}

std::string host_and_port(const net::Url& url) {
  const bool v6 = url.host.find(':') != std::string::npos;
  return (v6 ? "[" + url.host + "]" : url.host) + ":" + std::to_string(port_of(url));
}

std::optional<Failure> prove(const net::Url& proxy, net::HttpRequest& request) {
  if (proxy.user.empty() && proxy.password.empty()) return std::nullopt;
  const core::SecretSource password{proxy.password, {}};
  auto basic = core::authorization({}, proxy.user, password);
  if (!basic) return basic.error();
  request.headers.emplace_back("Proxy-Authorization", std::move(*basic));
  return std::nullopt;
}

}  // namespace

bool named_in(std::string_view no_proxy, std::string_view host, std::uint16_t port) {
  std::string name = lower(host);
  if (name.ends_with('.')) name.pop_back();
  const auto address = numeric(name);
  const std::string list = lower(no_proxy);
  std::string_view rest = list;
  while (!rest.empty()) {
    const std::size_t comma = std::min(rest.find(','), rest.size());
    const std::string_view entry = trim(rest.substr(0, comma));
    rest.remove_prefix(std::min(comma + 1, rest.size()));
    if (!entry.empty() && fits(entry, name, address, port)) return true;
  }
  return false;
}

const net::Url* proxy_for(const HttpProxies& proxies, const net::Url& url) {
  const auto& proxy = url.scheme == "https" ? proxies.https : proxies.http;
  if (!proxy) return nullptr;
  if (proxies.spare_loopback && is_loopback(lower(url.host))) return nullptr;
  if (named_in(proxies.no_proxy, url.host, port_of(url))) return nullptr;
  return &*proxy;
}

Result<net::HttpRequest> through(const net::Url& proxy, const net::Url& url, net::HttpRequest request) {
  request.target = url.scheme + "://" + url.authority() + request.target;
  if (auto failure = prove(proxy, request)) return std::move(*failure);
  return request;
}

Result<net::HttpRequest> connect_request(const net::Url& proxy, const net::Url& url, const HttpProxies& proxies) {
  net::HttpRequest request;
  request.method = "CONNECT";
  request.target = host_and_port(url);
  request.headers.emplace_back("Host", request.target);
  for (const HeaderSource& header : proxies.connect_headers) {
    const auto value = header.value.read();
    if (!value) return value.error();
    request.headers.emplace_back(header.name, value->reveal());
  }
  if (auto failure = prove(proxy, request)) return std::move(*failure);
  return request;
}

std::optional<Failure> refusal(const net::Url& proxy, unsigned status) {
  if (status == 200) return std::nullopt;
  const Outcome outcome = status == 407 ? Outcome::auth : status == 429 ? Outcome::throttled : Outcome::connect;
  return Failure{outcome, Phase::connect,
                 "the proxy " + proxy.display() + " answered CONNECT with status " + std::to_string(status)};
}

}  // namespace tocsin::probes::http
