// HTTP/1.1: one exchange on a stream, a client on top of it, and a server. Beast is behind this header.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tocsin/core/result.hpp"
#include "tocsin/net/loop.hpp"
#include "tocsin/net/stream.hpp"
#include "tocsin/net/url.hpp"

namespace tocsin::net {

using Headers = std::vector<std::pair<std::string, std::string>>;
/// The first header of that name (case does not count), or empty.
[[nodiscard]] std::string_view header(const Headers& headers, std::string_view name);

struct HttpRequest {
  std::string method = "GET";
  std::string target = "/";  // path and query
  Headers headers;           // fetch and HttpClient add Host if it is not here; Content-Length is always added
  std::string body;
};

struct HttpResponse {
  unsigned status = 0;
  unsigned version = 11;  // 10 or 11
  Headers headers;
  std::string body;
  std::optional<std::uint64_t> content_length;  // as the peer declared it
  bool keep_alive = false;
  bool over = false;  // its end was in sight before the connection's, and nothing came behind it
  std::string rest;   // after 101 (Switching Protocols): what came behind it already
};

struct HttpLimits {
  std::size_t header_bytes = 64 * 1024;
  std::size_t body_bytes = 10 * 1024 * 1024;  // more than this is Outcome::limit
};

/// When things happened in an exchange; unset where it did not come so far.
struct ExchangeTimes {
  std::optional<core::Deadline> sent;        // the request was written
  std::optional<core::Deadline> first_byte;  // of the response
  std::optional<core::Deadline> done;
};

/// A request as it goes over the wire.
struct HttpMessage {
  std::string bytes;
  bool no_body = false;  // its answer has headers only
};
/// Fails where a method, target or header cannot stand in a head without opening a second message in it.
[[nodiscard]] core::Result<HttpMessage> serialize(const HttpRequest& request);

/// Sends one request and reads its response on a stream whose deadline is set. `times` (may be null) and `partial` (may
/// be null: the response as far as it was read, when it fails) must outlive the call. After CONNECT nothing is read but
/// the headers: on 200 the stream leads to the other end.
[[nodiscard]] Task<core::Result<HttpResponse>> exchange(Stream& stream, const HttpRequest& request, HttpLimits limits,
                                                        ExchangeTimes* times, HttpResponse* partial);
/// The same with a request that was made ready before; `message` must outlive the call.
[[nodiscard]] Task<core::Result<HttpResponse>> exchange(Stream& stream, const HttpMessage& message, HttpLimits limits,
                                                        ExchangeTimes* times, HttpResponse* partial);

/// Opens a connection, makes one request, closes. No redirects. The scheme says whether TLS is spoken (`https`, with
/// `tls` or else the default options); a scheme with `unix` in it takes the URL's host, decoded, for the path of a
/// socket. User info of the URL becomes basic authentication unless the request has an Authorization header.
[[nodiscard]] Task<core::Result<HttpResponse>> fetch(Connector& connector, Url url, std::optional<TlsOptions> tls,
                                                     HttpRequest request, HttpLimits limits, core::Deadline deadline);

/// A client that keeps one connection to one origin. Requests made at the same time queue up behind one another.
/// A kept connection that turns out closed before a byte of the response came is opened anew, once.
class HttpClient {
 public:
  HttpClient(Connector& connector, Url origin, std::optional<TlsOptions> tls, HttpLimits limits, Executor executor);
  ~HttpClient();
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;
  [[nodiscard]] Task<core::Result<HttpResponse>> request(HttpRequest request, core::Deadline deadline);
  void close();

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;  // shared with requests under way
};

struct ServerRequest {
  std::string method;  // GET also for HEAD: the server leaves the body out by itself
  std::string path;    // decoded, without query
  std::string query;   // as sent
  Headers headers;
  std::string body;
  std::string peer;                  // address:port, or "local" for the unix socket
  std::optional<std::uint32_t> uid;  // of the process at the other end of the unix socket, as the kernel says
};

struct ServerResponse {
  unsigned status = 200;
  std::string content_type = "text/plain; charset=utf-8";
  Headers headers;
  std::string body;
};

struct ServerLimits {
  std::size_t connections = 256;
  std::size_t header_bytes = 16 * 1024;
  std::size_t body_bytes = 1024 * 1024;
  std::chrono::seconds read{30};   // for a request to arrive, once begun
  std::chrono::seconds idle{120};  // between requests
  std::chrono::seconds write{60};
};

/// Serves on one address (host:port, port 0 takes a free one) or a unix socket. Handlers run on the loop; an exception
/// out of one answers 500 and goes to the crash handler. Responses over 1 KiB are gzipped where the client accepts it.
class HttpServer {
 public:
  using Handler = std::function<Task<ServerResponse>(ServerRequest)>;
  HttpServer(Loop& loop, Handler handler, ServerLimits limits);
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;
  /// Before the loop runs, or on its thread. The bound port (0 for a unix socket), or why it cannot be had, in words
  /// that say what to do.
  [[nodiscard]] core::Result<std::uint16_t> listen(const Address& address);
  /// Stops accepting, and lets requests under way finish until the deadline; on the loop's thread.
  [[nodiscard]] Task<void> shutdown(core::Deadline deadline);

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace tocsin::net
