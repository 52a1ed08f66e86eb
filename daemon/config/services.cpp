// From a section to what the notifier takes of an Alertmanager.
#include "load.hpp"

namespace tocsin::daemon {

std::optional<alerts::AlertmanagerOptions> make_alertmanager(const model::Alertmanager& section,
                                                             const Loading& loading) {
  const auto wrong = [&](std::string message) {
    loading.error(section.place, section.place.of("url"), std::move(message));
    return std::nullopt;
  };
  auto url = net::parse_url(section.url);
  if (url.has_error()) return wrong(url.error().detail);
  if (url->scheme != "http" && url->scheme != "https")
    return wrong("an Alertmanager's URL begins with http:// or https://");
  if (url->host.empty()) return wrong("a URL without a host");
  if (url->has_query) return wrong("an Alertmanager's URL has no query");
  if (url->path.find("/api/v") != std::string::npos) return wrong("leave /api/... out: it is added");
  while (url->path.ends_with('/')) url->path.pop_back();

  alerts::AlertmanagerOptions options;
  if (section.basic_auth) {
    if (!url->password.empty()) return wrong("a password in the URL and another one beside it");
    options.user = section.basic_auth->user;
    options.password = section.basic_auth->password;
    loading.check_secret(options.password, section.basic_auth->place, "password_file");
  } else {
    options.user = url->user;
    options.password.value = url->password;
  }
  if (section.authorization) {
    if (!options.user.empty()) return wrong("user info in the URL and a token beside it");
    options.bearer = section.authorization->credentials;
    if (section.authorization->type != "Bearer") {
      const core::Place& place = section.authorization->place;
      loading.error(place, place.of("type"), "the \"type\" of an Alertmanager's token is Bearer");
    }
    loading.check_secret(options.bearer, section.authorization->place, "credentials_file");
  }
  url->user.clear();
  url->password = core::Secret();
  if (section.tls && url->scheme != "https") {
    loading.error(section.place, section.place.of("tls"), "\"tls\" needs a URL with https://");
    return std::nullopt;
  }
  loading.check_tls(section.tls, section.place);
  if (url->scheme == "https") options.tls = section.tls.value_or(net::TlsOptions{});
  options.url = std::move(*url);
  options.timeout = section.timeout;
  return options;
}

}  // namespace tocsin::daemon
