#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/beast/http/status.hpp>
#include <cerrno>
#include <ctime>
#include <exception>
#include <list>
#include <stdexcept>
#include <utility>

#include "http_gzip.hpp"
#include "http_parser.hpp"
#include "listener.hpp"
#include "socket_stream.hpp"
#include "tocsin/net/http.hpp"

namespace tocsin::net {

using core::Outcome;
using core::Result;
using std::chrono::steady_clock;
namespace beast_http = boost::beast::http;

namespace {

constexpr std::size_t gzip_from = 1024;
constexpr std::chrono::seconds linger{1};  // how long a refused client is heard out, so that it reads why

std::string_view reason(unsigned status) {
  const beast_http::status known = beast_http::int_to_status(status);
  const boost::beast::string_view text = beast_http::obsolete_reason(known);
  return {text.data(), text.size()};
}

std::string http_date() {
  const std::time_t now = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
  std::tm parts{};
  ::gmtime_r(&now, &parts);
  constexpr std::array<const char*, 7> days{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  constexpr std::array<const char*, 12> months{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                               "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  std::array<char, 32> rest{};
  std::string text = days[static_cast<std::size_t>(parts.tm_wday)];
  std::strftime(rest.data(), rest.size(), ", %d ", &parts);
  text.append(rest.data()).append(months[static_cast<std::size_t>(parts.tm_mon)]);
  std::strftime(rest.data(), rest.size(), " %Y %H:%M:%S GMT", &parts);
  return text.append(rest.data());
}

/// How a request came in.
enum class Arrival { complete, closed, idle_too_long, too_slow, bad, header_too_large, body_too_large };

ServerResponse refusal(Arrival arrival) {
  ServerResponse response;
  switch (arrival) {
    case Arrival::too_slow:
      response.status = 408;
      response.body = "The request took too long to arrive.\n";
      break;
    case Arrival::header_too_large:
      response.status = 431;
      response.body = "The request's headers are too large.\n";
      break;
    case Arrival::body_too_large:
      response.status = 413;
      response.body = "The request's body is too large.\n";
      break;
    default:
      response.status = 400;
      response.body = "This is not an HTTP request that can be answered.\n";
  }
  return response;
}

/// What a response depends on besides itself.
struct Manner {
  bool head_only = false;
  bool keep_alive = false;
  bool gzip = false;
};

void require_one_line(std::string_view text) {
  if (text.find_first_of(std::string_view("\r\n\0", 3)) != std::string_view::npos) {
    throw std::logic_error("a response header has a line break in it");
  }
}

std::string serialize(ServerResponse& response, Manner manner) {
  const bool may_compress = response.body.size() > gzip_from && header(response.headers, "Content-Encoding").empty();
  if (may_compress) response.headers.emplace_back("Vary", "Accept-Encoding");
  if (may_compress && manner.gzip) {
    if (std::optional<std::string> smaller = gzip(response.body)) {
      response.body = std::move(*smaller);
      response.headers.emplace_back("Content-Encoding", "gzip");
    }
  }
  const bool without_body = response.status < 200 || response.status == 204 || response.status == 304;
  std::string text;
  text.reserve(512 + (manner.head_only ? 0 : response.body.size()));
  text.append("HTTP/1.1 ")
      .append(std::to_string(response.status))
      .append(" ")
      .append(reason(response.status))
      .append("\r\n");
  text.append("Date: ").append(http_date()).append("\r\n");
  if (!without_body) {
    require_one_line(response.content_type);
    if (!response.content_type.empty()) text.append("Content-Type: ").append(response.content_type).append("\r\n");
    text.append("Content-Length: ").append(std::to_string(response.body.size())).append("\r\n");
  }
  for (const auto& [name, value] : response.headers) {
    require_one_line(name);
    require_one_line(value);
    text.append(name).append(": ").append(value).append("\r\n");
  }
  text.append(manner.keep_alive ? "Connection: keep-alive\r\n\r\n" : "Connection: close\r\n\r\n");
  if (!without_body && !manner.head_only) text.append(response.body);
  return text;
}

/// Splits the request target; false if it is none that a server answers.
bool take_target(std::string_view target, ServerRequest& request) {
  if (const std::size_t scheme = target.find("://"); !target.starts_with('/') && scheme != std::string_view::npos) {
    target.remove_prefix(std::min(target.find('/', scheme + 3), target.size()));
    if (target.empty()) target = "/";
  }
  if (!target.starts_with('/')) return false;
  const std::size_t question = std::min(target.find('?'), target.size());
  request.path = percent_decode(target.substr(0, question));
  request.query = target.substr(std::min(question + 1, target.size()));
  return request.path.find('\0') == std::string::npos;
}

Task<void> rethrow(std::exception_ptr error) {
  std::rethrow_exception(error);
  co_return;
}

/// Who is at the other end of a connection.
struct Caller {
  std::string peer;
  std::optional<std::uint32_t> uid;
};

std::optional<std::uint32_t> uid_of_peer(int socket) {
  ::ucred credentials{};
  ::socklen_t size = sizeof credentials;
  if (::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0) return std::nullopt;
  return credentials.uid;
}

}  // namespace

struct HttpServer::Impl : std::enable_shared_from_this<Impl> {
  struct Connection {
    Stream* stream;
    bool idle = true;
    bool refused = false;
  };
  struct Place {
    std::shared_ptr<Socket> socket;
    std::string unix_path;
  };

  Impl(Loop& on, Handler by, ServerLimits bounds)
      : loop(on), handler(std::move(by)), limits(bounds), emptied(on.executor()) {}

  Loop& loop;
  Handler handler;
  ServerLimits limits;
  std::list<Place> places;
  std::list<Connection> connections;
  std::size_t served = 0;  // connections that are not being refused
  bool stopping = false;
  Event emptied;

  static Task<void> accept_all(std::shared_ptr<Impl> impl, std::shared_ptr<Socket> listener);
  static Task<void> serve(std::shared_ptr<Impl> impl, std::shared_ptr<SocketStream> stream, Caller caller);
  static Task<void> refuse(std::shared_ptr<Impl> impl, std::shared_ptr<SocketStream> stream);
  void take(Accepted accepted);
  Task<Arrival> read_request(Stream& stream, Connection& state, ReadBuffer& buffer, RequestParser& parser);
  Task<ServerResponse> answer(ServerRequest request);
  static Task<void> hear_out(Stream& stream);
  void stop_accepting();
  void close_all(bool idle_only);
};

namespace {

/// A connection's entry in the server's list, for as long as it is served.
template <class Impl>
struct Registered {
  Impl& impl;
  typename std::list<typename Impl::Connection>::iterator entry;
  Registered(Impl& owner, Stream* stream, bool refused) : impl(owner) {
    entry = impl.connections.insert(impl.connections.end(), typename Impl::Connection{stream, !refused, refused});
    if (!refused) ++impl.served;
  }
  Registered(const Registered&) = delete;
  Registered& operator=(const Registered&) = delete;
  ~Registered() {
    if (!entry->refused) --impl.served;
    impl.connections.erase(entry);
    if (impl.connections.empty()) impl.emptied.set();
  }
};

}  // namespace

void HttpServer::Impl::take(Accepted accepted) {
  Caller caller;
  caller.peer = accepted.local ? "local" : accepted.from.to_string();
  if (accepted.local) caller.uid = uid_of_peer(accepted.fd.get());
  const int on = 1;
  if (!accepted.local) ::setsockopt(accepted.fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (connections.size() >= limits.connections * 2) return;  // refusing has a bound, too
  Peer name;
  name.endpoint = accepted.from;
  if (accepted.local) name.path = "local client";
  auto socket = std::make_shared<Socket>(std::move(accepted.fd));
  auto stream = std::make_shared<SocketStream>(std::move(socket), std::move(name), nullptr);
  if (served >= limits.connections) {
    loop.spawn("http refusal", refuse(shared_from_this(), std::move(stream)));
  } else {
    loop.spawn("http connection", serve(shared_from_this(), std::move(stream), std::move(caller)));
  }
}

Task<void> HttpServer::Impl::accept_all(std::shared_ptr<Impl> impl, std::shared_ptr<Socket> listener) {
  while (listener->is_open()) {
    Accepted accepted = accept_one(listener->fd());
    if (accepted.fd) {
      impl->take(std::move(accepted));
    } else if (accepted.error == EAGAIN) {
      const Ready ready = co_await listener->wait(Socket::Wait::wait_read);
      if (ready != Ready::yes) co_return;
    } else if (accepted.error != ECONNABORTED && accepted.error != EINTR) {
      // Out of descriptors or memory: the connection waits in the queue until there is room again.
      const bool slept = co_await sleep_for(std::chrono::milliseconds(100));
      if (!slept) co_return;
    }
    // One connection a turn would starve nobody, but a spawned one starts only when the loop comes round.
    if (impl->stopping) co_return;
  }
}

Task<void> HttpServer::Impl::hear_out(Stream& stream) {
  stream.expires_at(steady_clock::now() + linger);
  std::array<char, 4096> ignored;
  for (int i = 0; i < 1024; ++i) {
    const Result<std::size_t> size = co_await stream.read_some(ignored);
    if (!size) co_return;
  }
}

Task<void> HttpServer::Impl::refuse(std::shared_ptr<Impl> impl, std::shared_ptr<SocketStream> stream) {
  const Registered<Impl> registered(*impl, stream.get(), true);
  stream->expires_at(steady_clock::now() + linger);
  ServerResponse response;
  response.status = 503;
  response.body = "Too many connections.\n";
  response.headers.emplace_back("Retry-After", "1");
  const std::string text = serialize(response, Manner());
  const Result<void> written = co_await stream->write(text);
  if (!written) co_return;
  stream->end_writing();
  co_await hear_out(*stream);
}

Task<Arrival> HttpServer::Impl::read_request(Stream& stream, Connection& state, ReadBuffer& buffer,
                                             RequestParser& parser) {
  const auto wait_for = [&](std::chrono::seconds time) { stream.expires_at(steady_clock::now() + time); };
  state.idle = buffer.ready().empty();
  wait_for(state.idle ? limits.idle : limits.read);
  bool continued = false;
  while (true) {
    boost::beast::error_code error;
    const Fed fed = feed(parser, buffer, error);
    if (fed == Fed::done) co_return Arrival::complete;
    if (fed == Fed::failed) {
      if (error == beast_http::error::body_limit) co_return Arrival::body_too_large;
      co_return error == beast_http::error::header_limit ? Arrival::header_too_large : Arrival::bad;
    }
    if (parser.is_header_done() && !continued) {
      continued = true;
      if (parser.expects_continue()) {
        const Result<void> written = co_await stream.write("HTTP/1.1 100 Continue\r\n\r\n");
        if (!written) co_return Arrival::closed;
      }
    }
    const std::span<char> space = buffer.space(limits.header_bytes + 1024);
    if (space.empty()) co_return Arrival::header_too_large;
    const Result<std::size_t> size = co_await stream.read_some(space);
    if (!size) {
      if (size.error().outcome != Outcome::timeout) co_return Arrival::closed;
      co_return state.idle ? Arrival::idle_too_long : Arrival::too_slow;
    }
    buffer.filled(*size);
    if (std::exchange(state.idle, false)) wait_for(limits.read);
  }
}

Task<ServerResponse> HttpServer::Impl::answer(ServerRequest request) {
  const std::string name = "http handler of " + request.method + " " + request.path;
  std::exception_ptr error;
  try {
    ServerResponse response = co_await handler(std::move(request));
    for (const auto& [key, value] : response.headers) {
      require_one_line(key);
      require_one_line(value);
    }
    require_one_line(response.content_type);
    co_return response;
  } catch (...) {
    error = std::current_exception();
  }
  loop.spawn(name, rethrow(error));  // so that it reaches the crash handler
  ServerResponse response;
  response.status = 500;
  response.body = "Internal error.\n";
  co_return response;
}

Task<void> HttpServer::Impl::serve(std::shared_ptr<Impl> impl, std::shared_ptr<SocketStream> stream, Caller caller) {
  const Registered<Impl> registered(*impl, stream.get(), false);
  Connection& state = *registered.entry;
  ReadBuffer buffer;
  bool keep = true;
  while (keep && !impl->stopping) {
    ServerRequest request;
    std::string target;
    RequestParser parser(request, target, impl->limits);
    Arrival arrival = co_await impl->read_request(*stream, state, buffer, parser);
    if (arrival == Arrival::closed || arrival == Arrival::idle_too_long) co_return;
    if (arrival == Arrival::complete && !take_target(target, request)) arrival = Arrival::bad;
    const bool good = arrival == Arrival::complete;

    Manner manner;
    manner.head_only = request.method == "HEAD";
    manner.gzip = accepts_gzip(header(request.headers, "Accept-Encoding"));
    ServerResponse response = refusal(arrival);
    if (good) {
      if (manner.head_only) request.method = "GET";
      request.peer = caller.peer;
      request.uid = caller.uid;
      response = co_await impl->answer(std::move(request));
    }
    keep = good && parser.keep_alive() && !impl->stopping;
    manner.keep_alive = keep;
    const std::string text = serialize(response, manner);
    stream->expires_at(steady_clock::now() + impl->limits.write);
    const Result<void> written = co_await stream->write(text);
    if (!written) co_return;
    if (good) continue;
    stream->end_writing();
    co_await hear_out(*stream);
  }
}

void HttpServer::Impl::stop_accepting() {
  stopping = true;
  for (Place& place : places) {
    place.socket->close();
    if (!place.unix_path.empty()) ::unlink(place.unix_path.c_str());
  }
  places.clear();
}

void HttpServer::Impl::close_all(bool idle_only) {
  for (const Connection& connection : connections) {
    if (!idle_only || connection.idle || connection.refused) connection.stream->close();
  }
}

HttpServer::HttpServer(Loop& loop, Handler handler, ServerLimits limits)
    : impl_(std::make_shared<Impl>(loop, std::move(handler), limits)) {}

HttpServer::~HttpServer() {
  impl_->stop_accepting();
  impl_->close_all(false);
}

Result<std::uint16_t> HttpServer::listen(const Address& address) {
  Result<Listening> listening = listen_on(address);
  if (!listening) return listening.error();
  auto socket = std::make_shared<Socket>(std::move(listening->fd));
  impl_->places.push_back(Impl::Place{socket, address.unix_socket ? address.host : std::string()});
  impl_->loop.spawn("http listener", Impl::accept_all(impl_, std::move(socket)));
  return listening->port;
}

Task<void> HttpServer::shutdown(core::Deadline deadline) {
  const std::shared_ptr<Impl> impl = impl_;
  impl->stop_accepting();
  impl->close_all(true);
  impl->emptied.reset();
  if (!impl->connections.empty()) co_await impl->emptied.wait(deadline);
  impl->close_all(false);
}

}  // namespace tocsin::net
