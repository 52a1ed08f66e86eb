#include "receivers.hpp"

#include <algorithm>

#include "load.hpp"
#include "tables.hpp"

namespace tocsin::daemon {
namespace {

using core::Duration;
using core::field;
using core::maybe;
using core::section;
using core::Section;

/// The member of a section's base, as the section's own.
template <class S, class T>
T S::*of(T model::ReceiverKeys::*member) {
  return member;
}

/// A URL whose path and query may be what lets in whoever knows them: no message shows it.
core::Type<std::string> concealed_url() {
  auto type = core::text();
  type.read = [read = type.read](core::FieldReader& reader, const core::YamlNode& node, std::string& into) {
    reader.conceal(node.at);
    return read(reader, node, into);
  };
  return type;
}

template <class S>
std::vector<core::Field<S>> with_receiver(const char* url_key, const char* url_doc, std::vector<core::Field<S>> own) {
  using Keys = model::ReceiverKeys;
  std::vector<core::Field<S>> rows;
  rows.push_back(field(url_key, of<S>(&Keys::url), concealed_url()).doc(url_doc).required());
  for (core::Field<S>& row : own) rows.push_back(std::move(row));
  rows.push_back(field("tls", of<S>(&Keys::tls), maybe(section(tls_table()))).doc("How to speak TLS with it."));
  rows.push_back(
      field("basic_auth", of<S>(&Keys::basic_auth), maybe(section(basic_auth_table()))).doc("User and password."));
  rows.push_back(field("authorization", of<S>(&Keys::authorization), maybe(section(authorization_table())))
                     .doc("A token instead."));
  rows.push_back(field("headers", of<S>(&Keys::headers), core::map_of(section(header_table()), "name"))
                     .doc("Further headers that are sent."));
  rows.push_back(field("timeout", of<S>(&Keys::timeout))
                     .doc("How long one request may take.")
                     .least(Duration{100})
                     .most(std::chrono::minutes{5}));
  return rows;
}

std::optional<alerts::Receiver> make_receiver(const model::ReceiverKeys& keys, const char* url_key,
                                              const Loading& loading) {
  const auto wrong = [&](std::string_view key, std::string message) {
    loading.error(keys.place, keys.place.of(key), std::move(message));
    return std::nullopt;
  };
  auto url = net::parse_url(keys.url);
  if (url.has_error()) return wrong(url_key, url.error().detail);
  if (url->scheme != "http" && url->scheme != "https") return wrong(url_key, "the URL begins with http:// or https://");
  if (url->host.empty()) return wrong(url_key, "a URL without a host");
  const bool user_info = !url->user.empty() || !url->password.empty();
  alerts::Receiver to;
  if (keys.basic_auth) {
    if (user_info) return wrong(url_key, "user info in the URL and \"basic_auth\" beside it");
    to.user = keys.basic_auth->user;
    to.password = keys.basic_auth->password;
    loading.check_secret(to.password, keys.basic_auth->place, "password_file");
  }
  if (keys.authorization) {
    if (user_info) return wrong(url_key, "user info in the URL and a token beside it");
    to.bearer = keys.authorization->credentials;
    if (keys.authorization->type != "Bearer") {
      const core::Place& place = keys.authorization->place;
      loading.error(place, place.of("type"), "the \"type\" of the token is Bearer");
    }
    loading.check_secret(to.bearer, keys.authorization->place, "credentials_file");
  }
  if (keys.tls && url->scheme != "https") return wrong("tls", "\"tls\" needs a URL with https://");
  loading.check_tls(keys.tls, keys.place);
  for (const auto& [name, header] : keys.headers) {
    if (!is_http_header(name, header.value))
      return wrong("headers", "the header \"" + name + "\" has a name or a value that HTTP does not allow");
    loading.check_secret(header.value, header.place, "file");
    to.headers.emplace_back(name, header.value);
  }
  if (url->scheme == "https") to.tls = keys.tls.value_or(net::TlsOptions{});
  to.url = std::move(*url);
  to.timeout = keys.timeout;
  return to;
}

void fill(model::ReceiverKeys& keys, const alerts::Receiver& to) {
  // A webhook's path may be its secret, as may its query.
  const bool bare = (to.url.path.empty() || to.url.path == "/") && to.url.query.empty();
  keys.url = to.url.scheme + "://" + to.url.authority() + (bare ? to.url.path : "/%3Csecret%3E");
  keys.tls = to.tls;
  if (!to.user.empty()) keys.basic_auth = model::BasicAuth{to.user, to.password, {}};
  if (!to.bearer.empty()) keys.authorization = model::Authorization{"Bearer", to.bearer, {}};
  for (const auto& [name, value] : to.headers) keys.headers.emplace_back(name, model::Header{value, {}});
  keys.timeout = to.timeout;
}

}  // namespace

Section<model::Fallback> fallback_table() {
  return Section<model::Fallback>(
             "fallback",
             "Who is told when no Alertmanager takes alerts, so that somebody hears. It gets what Alertmanager sends "
             "to "
             "a webhook (version 4), one message for each name of an alert, and each state once; what the "
             "Alertmanagers "
             "are owed stays owed to them.",
             with_receiver<model::Fallback>(
                 "webhook", "The URL that takes Alertmanager's webhook messages.",
                 {field("after", &model::Fallback::after)
                      .doc("So long has no Alertmanager taken anything, while something is owed to them.")
                      .least(Duration{1000})
                      .most(std::chrono::hours{24})}))
      .exclusive({"basic_auth", "authorization"})
      .shorthand("webhook");
}

Section<model::Heartbeat> heartbeat_table() {
  return Section<model::Heartbeat>(
             "heartbeat",
             "A dead man's switch elsewhere, that raises the alarm when it hears nothing any more. It is asked as long "
             "as rules are evaluated.",
             with_receiver<model::Heartbeat>("url", "The URL that is asked. Any 2xx is good.",
                                             {field("every", &model::Heartbeat::every)
                                                  .doc("How often it is asked.")
                                                  .least(Duration{1000})
                                                  .most(std::chrono::hours{24}),
                                              field("method", &model::Heartbeat::method,
                                                    core::choice<std::string>({{"GET", "GET"}, {"POST", "POST"}}))
                                                  .doc("The method; a POST has an empty body.")}))
      .exclusive({"basic_auth", "authorization"})
      .shorthand("url");
}

std::optional<alerts::FallbackOptions> make_fallback(const model::Fallback& section_of, const Loading& loading) {
  auto to = make_receiver(section_of, "webhook", loading);
  if (!to) return std::nullopt;
  return alerts::FallbackOptions{std::move(*to), section_of.after};
}

std::optional<alerts::HeartbeatOptions> make_heartbeat(const model::Heartbeat& section_of, const Loading& loading) {
  auto to = make_receiver(section_of, "url", loading);
  if (!to) return std::nullopt;
  return alerts::HeartbeatOptions{std::move(*to), section_of.method, section_of.every};
}

model::Fallback section_for(const alerts::FallbackOptions& options) {
  model::Fallback keys;
  fill(keys, options.webhook);
  keys.after = options.after;
  return keys;
}

model::Heartbeat section_for(const alerts::HeartbeatOptions& options) {
  model::Heartbeat keys;
  fill(keys, options.to);
  keys.every = options.every;
  keys.method = options.method;
  return keys;
}

}  // namespace tocsin::daemon
