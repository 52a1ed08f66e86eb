#include "receiver.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "tocsin/core/authorization.hpp"

namespace tocsin::alerts {
namespace {

constexpr std::size_t shown = 200;  // bytes of a peer's words in a sentence
constexpr std::size_t reply_bytes = 64 * 1024;

core::Failure unfit(const std::string& what) {
  return core::Failure{core::Outcome::auth, core::Phase::auth, what + " holds a line break"};
}

bool has_line_break(const std::string& text) { return text.find_first_of("\r\n") != std::string::npos; }

std::string without_secrets(std::string text, const Receiver& to) {
  const auto hide = [&text](const core::SecretSource& source) {
    if (const auto secret = source.read(); secret) text = core::redact(std::move(text), secret->reveal());
  };
  hide(to.password);
  hide(to.bearer);
  for (const auto& [name, value] : to.headers) hide(value);
  text = core::redact(std::move(text), to.url.password.reveal());
  return core::redact(std::move(text), to.url.query);
}

}  // namespace

std::string alerts_in_words(std::size_t count) { return std::to_string(count) + (count == 1 ? " alert" : " alerts"); }

bool same_url(const net::Url& a, const net::Url& b) {
  return a.display() == b.display() && a.query == b.query && a.has_query == b.has_query;
}

bool Receiver::operator==(const Receiver& other) const {
  return same_url(url, other.url) && url.user == other.url.user && url.password == other.url.password &&
         tls == other.tls && user == other.user && password == other.password && bearer == other.bearer &&
         headers == other.headers && timeout == other.timeout;
}

std::string origin(const net::Url& url) {
  const bool bare = url.path.empty() || url.path == "/";
  return url.scheme + "://" + url.authority() + (bare ? "" : "/...");
}

core::Result<net::HttpRequest> make_request(const Receiver& to, std::string method) {
  auto credentials = core::authorization(to.bearer, to.user.empty() ? to.url.user : to.user,
                                         to.password.empty() ? core::SecretSource{to.url.password, {}} : to.password);
  if (!credentials) return credentials.error();
  if (has_line_break(*credentials)) return unfit("what proves who we are");
  net::HttpRequest request;
  request.method = std::move(method);
  request.target = to.url.request_target();
  request.headers.emplace_back("User-Agent", "tocsin/" TOCSIN_VERSION);
  if (!credentials->empty()) request.headers.emplace_back("Authorization", std::move(*credentials));
  for (const auto& [name, source] : to.headers) {
    const auto value = source.read();
    if (!value) return value.error();
    if (has_line_break(value->reveal())) return unfit("the header " + name);
    request.headers.emplace_back(name, value->reveal());
  }
  return request;
}

net::Task<core::Result<net::HttpResponse>> call(net::Connector& connector, Receiver to, net::HttpRequest request) {
  net::HttpLimits limits;
  limits.body_bytes = reply_bytes;
  const core::Deadline deadline = std::chrono::steady_clock::now() + to.timeout;
  auto response =
      co_await net::fetch(connector, std::move(to.url), std::move(to.tls), std::move(request), limits, deadline);
  co_return response;
}

/// Alertmanager keeps the good alerts of a batch that it answers 400 to.
Fate fate_of(unsigned status) {
  constexpr std::array content{400U, 413U, 422U};
  // Credentials rotate, and a busy or slow receiver recovers: the alerts themselves are not at fault.
  constexpr std::array later{401U, 403U, 407U, 408U, 425U, 429U};
  if (status >= 200 && status < 300) return Fate::delivered;
  if (std::find(content.begin(), content.end(), status) != content.end()) return Fate::content_rejected;
  if (std::find(later.begin(), later.end(), status) != later.end()) return Fate::retry;
  return status >= 400 && status < 500 ? Fate::rejected : Fate::retry;
}

std::optional<std::chrono::milliseconds> retry_after(const net::HttpResponse& response) {
  if (response.status != 429 && response.status != 503) return std::nullopt;
  const std::string_view text = net::header(response.headers, "Retry-After");
  std::uint32_t seconds = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return std::chrono::seconds{seconds};
}

std::string words_of(const core::Result<net::HttpResponse>& response, const Receiver& to) {
  std::string text = response ? "status " + std::to_string(response->status) + ": " + response->body.substr(0, shown)
                              : std::string(core::to_string(response.error().outcome)) + ": " + response.error().detail;
  for (char& c : text) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = ' ';
  }
  return without_secrets(std::move(text), to);
}

}  // namespace tocsin::alerts
