#include "tocsin/alerts/receiver.hpp"

#include "receiver.hpp"

namespace tocsin::alerts {

bool same_url(const net::Url& a, const net::Url& b) {
  return a.display() == b.display() && a.query == b.query && a.has_query == b.has_query;
}

bool Receiver::operator==(const Receiver& other) const {
  return same_url(url, other.url) && url.user == other.url.user && url.password == other.url.password &&
         tls == other.tls && user == other.user && password == other.password && bearer == other.bearer &&
         headers == other.headers && timeout == other.timeout;
}

}  // namespace tocsin::alerts
