
#include <deque>
#include <utility>

#include "tocsin/core/authorization.hpp"
#include "tocsin/net/http.hpp"

namespace tocsin::net {

using core::Failure;
using core::Outcome;
using core::Phase;
using core::Result;
using StreamPtr = std::unique_ptr<Stream>;

namespace {

Address address_of(const Url& url) {
  Address address;
  address.host = url.host;
  address.unix_socket = url.scheme.find("unix") != std::string::npos;
  address.port = url.port != 0 ? url.port : url.scheme == "https" ? 443 : 80;
  return address;
}

std::optional<TlsOptions> tls_of(const Url& url, std::optional<TlsOptions> tls) {
  if (url.scheme != "https") return std::nullopt;
  return tls ? std::move(tls) : TlsOptions();
}

/// What every request to a URL carries unless the caller chose otherwise.
void complete(HttpRequest& request, const Url& url) {
  if (header(request.headers, "Host").empty()) {
    request.headers.emplace(request.headers.begin(), "Host",
                            url.scheme.find("unix") != std::string::npos ? "localhost" : url.authority());
  }
  if ((!url.user.empty() || !url.password.empty()) && header(request.headers, "Authorization").empty()) {
    const core::SecretSource password{url.password, ""};
    if (auto basic = core::authorization({}, url.user, password))
      request.headers.emplace_back("Authorization", std::move(*basic));
  }
}

}  // namespace

Task<Result<HttpResponse>> fetch(Connector& connector, Url url, std::optional<TlsOptions> tls, HttpRequest request,
                                 HttpLimits limits, core::Deadline deadline) {
  complete(request, url);
  if (header(request.headers, "Connection").empty()) request.headers.emplace_back("Connection", "close");
  Result<StreamPtr> stream = co_await connector.open(address_of(url), tls_of(url, std::move(tls)), deadline);
  if (!stream) co_return std::move(stream).error();
  co_return co_await exchange(**stream, request, limits, nullptr, nullptr);
}

struct HttpClient::Impl {
  Impl(Connector& used, Url to, std::optional<TlsOptions> tls_options, HttpLimits bounds, Executor executor)
      : connector(used),
        origin(std::move(to)),
        tls(std::move(tls_options)),
        limits(bounds),
        moved(std::move(executor)) {}

  Connector& connector;
  Url origin;
  std::optional<TlsOptions> tls;
  HttpLimits limits;
  StreamPtr stream;                 // idle
  Stream* active = nullptr;         // in use
  std::deque<std::uint64_t> queue;  // who uses the connection, and who waits for it
  std::uint64_t last_ticket = 0;
  Event moved;  // the queue has
  bool closed = false;

  Task<Result<HttpResponse>> send(const HttpRequest& request, core::Deadline deadline);
};

namespace {

/// A place in the queue of a client, left at the end.
struct Place {
  std::deque<std::uint64_t>& queue;
  Event& moved;
  std::uint64_t ticket;
  ~Place() {
    std::erase(queue, ticket);
    moved.set();
  }
};

}  // namespace

Task<Result<HttpResponse>> HttpClient::Impl::send(const HttpRequest& request, core::Deadline deadline) {
  bool kept = stream != nullptr;
  while (true) {
    if (!stream) {
      Result<StreamPtr> opened = co_await connector.open(address_of(origin), tls_of(origin, tls), deadline);
      if (!opened) co_return std::move(opened).error();
      stream = std::move(*opened);
    }
    stream->expires_at(deadline);
    StreamPtr used = std::move(stream);  // not kept unless all goes well
    ExchangeTimes times;
    active = used.get();
    Result<HttpResponse> response = co_await exchange(*used, request, limits, &times, nullptr);
    active = nullptr;
    if (response) {
      if (response->keep_alive && !closed) {
        stream = std::move(used);
        stream->expires_at(core::Deadline::max());
      }
      co_return response;
    }
    if (!kept || times.first_byte || response.error().outcome != Outcome::closed) co_return response;
    kept = false;  // the server had closed it while it idled: once more on a new one
  }
}

HttpClient::HttpClient(Connector& connector, Url origin, std::optional<TlsOptions> tls, HttpLimits limits,
                       Executor executor)
    : impl_(std::make_shared<Impl>(connector, std::move(origin), std::move(tls), limits, std::move(executor))) {}
HttpClient::~HttpClient() { close(); }

void HttpClient::close() {
  impl_->closed = true;
  impl_->stream.reset();
  if (impl_->active != nullptr) impl_->active->close();
}

Task<Result<HttpResponse>> HttpClient::request(HttpRequest request, core::Deadline deadline) {
  const std::shared_ptr<Impl> impl = impl_;
  complete(request, impl->origin);
  const Place place{impl->queue, impl->moved, ++impl->last_ticket};
  impl->queue.push_back(place.ticket);
  while (impl->queue.front() != place.ticket) {
    impl->moved.reset();
    const bool moved = co_await impl->moved.wait(deadline);
    if (!moved) {
      co_return Failure{Outcome::timeout, Phase::send,
                        "other requests to " + impl->origin.display() + " took all of the time"};
    }
  }
  impl->closed = false;
  co_return co_await impl->send(request, deadline);
}

}  // namespace tocsin::net
