#include <algorithm>

#include "config/kinds/kind.hpp"

namespace tocsin::daemon {
namespace {

bool has(const std::vector<std::string>& list, std::string_view word) {
  return std::find(list.begin(), list.end(), word) != list.end();
}

bool claims(const Kind& kind, std::string_view key) {
  return has(kind.also, key) || std::any_of(kind.fields.begin(), kind.fields.end(),
                                            [key](const auto& field) { return field.doc.name == key; });
}

}  // namespace

const std::vector<Kind>& kinds() {
  static const std::vector<Kind> all{redis_kind(),   http_kind(), postgres_kind(),  kafka_kind(), grpc_kind(),
                                     metrics_kind(), tcp_kind(),  websocket_kind(), dns_kind(),   icmp_kind(),
                                     file_kind(),    exec_kind(), push_kind()};
  return all;
}

const Kind* find_kind(std::string_view name) {
  const auto it = std::find_if(kinds().begin(), kinds().end(), [name](const Kind& kind) { return kind.name == name; });
  return it == kinds().end() ? nullptr : &*it;
}

bool takes(const Kind& kind, std::string_view key) { return claims(kind, key) || kinds_with(key).empty(); }

std::string kinds_with(std::string_view key) {
  std::vector<std::string> names;
  for (const Kind& kind : kinds()) {
    if (claims(kind, key)) names.push_back(kind.name);
  }
  std::string words;
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (i > 0) words += i + 1 == names.size() ? " and " : ", ";
    words += names[i];
  }
  return words;
}

bool Making::wrong(std::string message) const {
  loading.error(probe.place, at, std::move(message));
  return false;
}

bool Making::wrong(std::string_view key, std::string message) const {
  loading.error(probe.place, probe.place.of(key), std::move(message));
  return false;
}

std::optional<net::Url> url_of(const Making& making, const std::string& text) {
  auto parsed = net::parse_url(text);
  if (parsed.has_error()) {
    making.wrong(parsed.error().detail);
    return std::nullopt;
  }
  if (parsed->host.empty()) {
    making.wrong("a URL without a host");
    return std::nullopt;
  }
  return std::move(*parsed);
}

bool take_user_info(const Making& making, const net::Url& url, const std::string& key_user,
                    const core::SecretSource& key_password, std::string& user, core::SecretSource& password) {
  if (!url.user.empty() && !key_user.empty() && url.user != key_user) {
    return making.wrong("a user in the URL and another one beside it");
  }
  if (!url.password.empty() && !key_password.empty()) {
    return making.wrong("a password in the URL and another one beside it");
  }
  user = key_user.empty() ? url.user : key_user;
  password = key_password.empty() ? core::SecretSource{url.password, {}} : key_password;
  return true;
}

}  // namespace tocsin::daemon
