#include "endpoint.hpp"

#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>

#include <algorithm>
#include <charconv>
#include <cstring>

namespace tocsin::net {

std::string Address::to_string() const {
  if (unix_socket) return host;
  const bool v6 = host.find(':') != std::string::npos;
  return (v6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

std::string Endpoint::to_string() const {
  char text[INET6_ADDRSTRLEN] = {};
  ::inet_ntop(v6 ? AF_INET6 : AF_INET, bytes.data(), text, sizeof text);
  const std::string zone = scope == 0 ? "" : "%" + std::to_string(scope);
  return (v6 ? "[" + std::string(text) + zone + "]" : std::string(text)) + ":" + std::to_string(port);
}

std::optional<Endpoint> numeric_endpoint(const std::string& host, std::uint16_t port) {
  Endpoint endpoint;
  endpoint.port = port;
  if (::inet_pton(AF_INET, host.c_str(), endpoint.bytes.data()) == 1) return endpoint;
  const std::size_t percent = host.find('%');
  if (::inet_pton(AF_INET6, host.substr(0, percent).c_str(), endpoint.bytes.data()) != 1) return std::nullopt;
  endpoint.v6 = true;
  if (percent != std::string::npos) {
    const std::string zone = host.substr(percent + 1);
    const auto [end, error] = std::from_chars(zone.data(), zone.data() + zone.size(), endpoint.scope);
    if (error != std::errc() || end != zone.data() + zone.size()) endpoint.scope = ::if_nametoindex(zone.c_str());
  }
  return endpoint;
}

SocketAddress to_socket_address(const Endpoint& endpoint) {
  SocketAddress address;
  if (endpoint.v6) {
    sockaddr_in6 v6{};
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(endpoint.port);
    v6.sin6_scope_id = endpoint.scope;
    std::copy_n(endpoint.bytes.begin(), 16, static_cast<unsigned char*>(v6.sin6_addr.s6_addr));
    std::memcpy(&address.storage, &v6, sizeof v6);
    address.size = sizeof v6;
  } else {
    sockaddr_in v4{};
    v4.sin_family = AF_INET;
    v4.sin_port = htons(endpoint.port);
    std::memcpy(&v4.sin_addr, endpoint.bytes.data(), 4);
    std::memcpy(&address.storage, &v4, sizeof v4);
    address.size = sizeof v4;
  }
  return address;
}

std::optional<Endpoint> from_socket_address(const sockaddr* address) {
  Endpoint endpoint;
  if (address->sa_family == AF_INET) {
    sockaddr_in v4{};
    std::memcpy(&v4, address, sizeof v4);
    std::memcpy(endpoint.bytes.data(), &v4.sin_addr, 4);
    endpoint.port = ntohs(v4.sin_port);
    return endpoint;
  }
  if (address->sa_family != AF_INET6) return std::nullopt;
  sockaddr_in6 v6{};
  std::memcpy(&v6, address, sizeof v6);
  std::memcpy(endpoint.bytes.data(), &v6.sin6_addr, 16);
  endpoint.v6 = true;
  endpoint.port = ntohs(v6.sin6_port);
  endpoint.scope = v6.sin6_scope_id;
  return endpoint;
}

}  // namespace tocsin::net
