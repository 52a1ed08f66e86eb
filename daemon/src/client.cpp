#include "src/client.hpp"

#include <chrono>
#include <optional>

#include "tocsin/core/authorization.hpp"
#include "tocsin/net/loop.hpp"
#include "tocsin/net/stream.hpp"

namespace tocsin::daemon {
namespace {

constexpr std::chrono::seconds patience{90};

net::Task<core::Result<net::HttpResponse>> over_socket(net::Connector& connector, std::string path,
                                                       net::HttpRequest request, core::Deadline deadline) {
  auto stream = co_await connector.connect_unix(std::move(path), deadline);
  if (!stream) co_return stream.error();
  request.headers.emplace_back("Host", "localhost");
  co_return co_await net::exchange(**stream, request, net::HttpLimits{}, nullptr, nullptr);
}

net::Task<void> ask(net::Connector& connector, const DaemonAddress& address, net::HttpRequest request,
                    std::optional<core::Result<net::HttpResponse>>& answer) {
  const auto deadline = std::chrono::steady_clock::now() + patience;
  if (!address.socket.empty()) {
    answer = co_await over_socket(connector, address.socket, std::move(request), deadline);
    co_return;
  }
  const auto url = net::parse_url(address.url);
  if (!url) {
    answer = url.error();
    co_return;
  }
  if (!address.user.empty()) {
    core::SecretSource password;
    password.file = address.password_file;
    const core::SecretSource none;
    auto login = core::authorization(none, address.user, password);
    if (!login) {
      answer = login.error();
      co_return;
    }
    request.headers.emplace_back("Authorization", std::move(*login));
  }
  std::optional<net::TlsOptions> tls;
  if (url->scheme == "https") tls.emplace();
  answer = co_await net::fetch(connector, *url, std::move(tls), std::move(request), net::HttpLimits{}, deadline);
}

}  // namespace

core::Result<net::HttpResponse> ask_daemon(const DaemonAddress& address, net::HttpRequest request) {
  net::BlockingPool pool(1);
  net::Connector connector(pool);
  std::optional<core::Result<net::HttpResponse>> answer;
  std::string crash;
  net::Loop loop([&crash](const std::string&, const std::string& what) { crash = what; });
  loop.spawn("ask", ask(connector, address, std::move(request), answer));
  loop.run_until_idle();
  if (!answer) return core::Failure{core::Outcome::internal, core::Phase::none, crash};
  return std::move(*answer);
}

}  // namespace tocsin::daemon
