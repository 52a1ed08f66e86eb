#include "src/request.hpp"

#include <algorithm>
#include <array>
#include <string_view>

#include "tocsin/core/authorization.hpp"
#include "tocsin/net/url.hpp"

namespace tocsin::actions {
namespace {

constexpr std::size_t max_body = 1024 * 1024;

net::Address address_of(const net::Url& url) {
  net::Address address;
  address.host = url.host;
  address.unix_socket = url.scheme.find("unix") != std::string::npos;
  address.port = url.port != 0 ? url.port : url.scheme == "https" ? 443 : 80;
  return address;
}

bool is_http(const std::string& scheme) {
  constexpr std::array<std::string_view, 4> known{"http", "https", "unix", "http+unix"};
  return std::find(known.begin(), known.end(), scheme) != known.end();
}

/// What goes over the wire. Secrets go into `secrets` on their way.
core::Result<net::HttpRequest> wire_form(Request& request, const net::Url& url, Secrets& secrets) {
  net::HttpRequest wire;
  wire.method = std::move(request.method);
  wire.target = url.request_target();
  wire.headers.emplace_back("Host", url.scheme.find("unix") != std::string::npos ? "localhost" : url.authority());
  wire.headers.emplace_back("Connection", "close");
  wire.headers.emplace_back("User-Agent", "tocsin");
  for (auto& header : request.headers) wire.headers.push_back(std::move(header));
  for (const auto& [name, source] : request.secret_headers) {
    const auto value = source.read();
    if (!value) {
      core::Failure failure = value.error();
      failure.detail = "the header " + name + ": " + failure.detail;
      return failure;
    }
    add_secret(secrets, value->reveal());
    std::erase_if(wire.headers, [&](const auto& header) { return !net::header({header}, name).empty(); });
    wire.headers.emplace_back(name, value->reveal());
  }
  if ((!url.user.empty() || !url.password.empty()) && net::header(wire.headers, "Authorization").empty()) {
    core::SecretSource password;
    password.value = url.password;
    auto basic = core::authorization({}, url.user, password);
    if (!basic) return basic.error();
    add_secret(secrets, *basic);
    wire.headers.emplace_back("Authorization", std::move(*basic));
  }
  wire.body = std::move(request.body);
  return wire;
}

}  // namespace

net::Task<Answer> send(net::Connector& connector, Request request, core::Deadline deadline) {
  Answer answer;
  const auto url = net::parse_url(request.url);
  if (!url || !is_http(url->scheme)) {
    const std::string why = url ? "the scheme must be http or https" : url.error().detail;
    answer.response = core::Failure{core::Outcome::internal, core::Phase::none, "the URL is wrong: " + why};
    co_return answer;
  }
  add_secret(answer.secrets, url->password.reveal());
  add_secret(answer.secrets, url->query);
  const auto wire = wire_form(request, *url, answer.secrets);
  if (!wire) {
    answer.response = wire.error();
    co_return answer;
  }
  const auto message = net::serialize(*wire);
  if (!message) {
    answer.response = message.error();
    co_return answer;
  }
  std::optional<net::TlsOptions> tls;
  if (url->scheme == "https") tls = request.tls.value_or(net::TlsOptions());
  net::Address address = address_of(*url);
  auto stream = co_await connector.open(std::move(address), std::move(tls), deadline);
  if (!stream) {
    answer.response = stream.error();
    co_return answer;
  }
  answer.sent = true;
  net::HttpLimits limits;
  limits.body_bytes = max_body;
  auto response = co_await net::exchange(**stream, *message, limits, nullptr, nullptr);
  answer.response = std::move(response);
  co_return answer;
}

CallEnd::How meaning_of(unsigned status) {
  const bool nothing_done = (status >= 400 && status < 500 && status != 408) || status == 501;
  return nothing_done ? CallEnd::How::refused : CallEnd::How::unclear;
}

std::string told(const net::HttpResponse& response, const Secrets& secrets) {
  const std::string reason = reason_in(response.body, secrets);
  const std::string status = "status " + std::to_string(response.status);
  return reason.empty() ? status : status + ": " + reason;
}

CallEnd without_answer(const Answer& answer) {
  const std::string why = first_line(answer.response.error().detail, answer.secrets);
  CallEnd end;
  end.how = answer.sent ? CallEnd::How::unclear : CallEnd::How::refused;
  end.words = (answer.sent ? "no answer: " : "nothing was sent: ") + why;
  return end;
}

}  // namespace tocsin::actions
