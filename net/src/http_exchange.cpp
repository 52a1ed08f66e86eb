#include <algorithm>
#include <chrono>
#include <optional>
#include <utility>

#include "awaiting.hpp"
#include "http_parser.hpp"
#include "tocsin/net/http.hpp"

namespace tocsin::net {

using core::Failure;
using core::Outcome;
using core::Phase;
using core::Result;
namespace beast_http = boost::beast::http;

namespace {

constexpr int max_interim = 16;  // 1xx answers before the real one

bool equal_ignoring_case(std::string_view a, std::string_view b) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; };
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [&](char x, char y) { return lower(x) == lower(y); });
}

bool has(std::string_view text, char c) { return text.find(c) != std::string_view::npos; }

bool fits_in_a_line(std::string_view text) { return !has(text, '\r') && !has(text, '\n') && !has(text, '\0'); }

/// What may stand in the head without opening a second message in it.
std::optional<Failure> check_head(const HttpRequest& request) {
  const auto bad = [](std::string what) { return Failure{Outcome::internal, Phase::send, std::move(what)}; };
  if (request.method.empty() || !fits_in_a_line(request.method) || has(request.method, ' ')) {
    return bad("the HTTP method is not one");
  }
  if (request.target.empty() || !fits_in_a_line(request.target) || has(request.target, ' ')) {
    return bad("the request target is empty or has a space or line break");
  }
  for (const auto& [name, value] : request.headers) {
    if (name.empty() || has(name, ':') || has(name, ' ') || has(name, '\t') || !fits_in_a_line(name)) {
      return bad("a header name is not one");
    }
    if (!fits_in_a_line(value)) return bad("the header " + name + " has a line break in its value");
  }
  return std::nullopt;
}

std::string text_of(const HttpRequest& request) {
  std::size_t size = request.method.size() + request.target.size() + request.body.size() + 64;
  for (const auto& [name, value] : request.headers) size += name.size() + value.size() + 4;
  std::string text;
  text.reserve(size);
  text.append(request.method).append(" ").append(request.target).append(" HTTP/1.1\r\n");
  for (const auto& [name, value] : request.headers) text.append(name).append(": ").append(value).append("\r\n");
  const bool usual = request.method == "POST" || request.method == "PUT" || request.method == "PATCH";
  if ((usual || !request.body.empty()) && header(request.headers, "Content-Length").empty()) {
    text.append("Content-Length: ").append(std::to_string(request.body.size())).append("\r\n");
  }
  text.append("\r\n").append(request.body);
  return text;
}

Failure parse_failure(const boost::beast::error_code& error, HttpLimits limits) {
  if (error == beast_http::error::body_limit) {
    return {Outcome::limit, Phase::receive, "the body is larger than " + std::to_string(limits.body_bytes) + " bytes"};
  }
  if (error == beast_http::error::header_limit || error == beast_http::error::buffer_overflow) {
    return {Outcome::limit, Phase::receive,
            "the headers are larger than " + std::to_string(limits.header_bytes) + " bytes"};
  }
  return {Outcome::protocol, Phase::receive, "the answer is not HTTP/1: " + error.message()};
}

/// The response on its way in.
struct Reading {
  Reading(HttpLimits bounds, bool without_body, ExchangeTimes* noted, HttpResponse& into)
      : limits(bounds), no_body(without_body), times(noted), response(into) {
    start();
  }

  HttpLimits limits;
  bool no_body;
  ExchangeTimes* times;
  HttpResponse& response;
  ReadBuffer buffer;
  std::optional<ResponseParser> parser;
  int interim = 0;

  void start() {
    response = HttpResponse();
    parser.emplace(response, limits, no_body);
  }
  /// Parses what was read: true if the response is complete.
  Result<bool> digest() {
    while (true) {
      boost::beast::error_code error;
      const Fed fed = feed(*parser, buffer, error);
      if (fed == Fed::failed) return parse_failure(error, limits);
      if (fed == Fed::more) return false;
      if (!skip_interim()) return finish();
      if (interim > max_interim) {
        return Failure{Outcome::protocol, Phase::receive, "more than 16 interim answers, and no final one"};
      }
    }
  }
  /// True if the complete message is only a "please wait" and another one follows.
  bool skip_interim() {
    if (response.status < 100 || response.status > 199 || response.status == 101) return false;
    ++interim;
    start();
    return true;
  }
  std::span<char> space() { return buffer.space(limits.header_bytes + 1024); }
  void filled(std::size_t size) {
    buffer.filled(size);
    if (times != nullptr && !times->first_byte) times->first_byte = std::chrono::steady_clock::now();
  }
  bool finish() {
    response.over = !parser->need_eof() && buffer.ready().empty();
    response.keep_alive = parser->keep_alive() && response.over;
    if (response.status == 101) response.rest = buffer.ready();
    if (times != nullptr) times->done = std::chrono::steady_clock::now();
    return true;
  }
  /// The connection ended: good if that is how the body was to end.
  Result<bool> end(Failure ending) {
    if (ending.outcome != Outcome::closed) return ending;
    if (!parser->got_some()) {
      ending.detail += " without an answer";
      return ending;
    }
    boost::beast::error_code error;
    if (parser->is_header_done()) parser->put_eof(error);
    if (parser->is_header_done() && !error) return finish();
    ending.detail += parser->is_header_done()
                         ? " in the middle of the body, after " + std::to_string(response.body.size()) + " bytes"
                         : std::string(" in the middle of the headers");
    return ending;
  }
};

/// What is sent is `own` or, if that has no bytes, `bytes`.
Task<Result<HttpResponse>> run_exchange(Stream& stream, HttpMessage own, std::string_view bytes, HttpLimits limits,
                                        ExchangeTimes* times, HttpResponse* partial) {
  if (!own.bytes.empty()) bytes = own.bytes;
  // Others that are due connect meanwhile: questions that go out together wake a near server once.
  co_await next_turn();
  Result<void> written;
  const std::size_t sent = stream.write_now(bytes);
  if (sent < bytes.size()) written = co_await stream.write(bytes.substr(sent));
  // Who refuses a large body may answer and close before all of it is sent: the answer counts.
  if (!written && written.error().outcome != Outcome::closed) co_return std::move(written).error();
  if (times != nullptr) times->sent = std::chrono::steady_clock::now();

  HttpResponse unwanted;
  Reading reading(limits, own.no_body, times, partial != nullptr ? *partial : unwanted);
  while (true) {
    Result<bool> done = reading.digest();
    if (done && !*done) {
      const std::span<char> space = reading.space();
      if (space.empty()) co_return parse_failure(beast_http::error::header_limit, limits);
      const Result<std::size_t> size = co_await stream.read_some(space);
      if (size) {
        reading.filled(*size);
        continue;
      }
      done = reading.end(size.error());
    }
    if (done) co_return std::move(reading.response);
    if (!written && !reading.parser->got_some()) co_return std::move(written).error();
    co_return std::move(done).error();
  }
}

Task<Result<HttpResponse>> fail_with(Failure failure) { co_return failure; }

}  // namespace

std::string_view header(const Headers& headers, std::string_view name) {
  for (const auto& [key, value] : headers) {
    if (equal_ignoring_case(key, name)) return value;
  }
  return {};
}

Result<HttpMessage> serialize(const HttpRequest& request) {
  if (std::optional<Failure> bad = check_head(request)) return std::move(*bad);
  HttpMessage message;
  message.bytes = text_of(request);
  message.no_body = request.method == "HEAD" || request.method == "CONNECT";
  return message;
}

Task<Result<HttpResponse>> exchange(Stream& stream, const HttpRequest& request, HttpLimits limits, ExchangeTimes* times,
                                    HttpResponse* partial) {
  Result<HttpMessage> message = serialize(request);
  if (!message) return fail_with(std::move(message).error());
  return run_exchange(stream, std::move(*message), {}, limits, times, partial);
}

Task<Result<HttpResponse>> exchange(Stream& stream, const HttpMessage& message, HttpLimits limits, ExchangeTimes* times,
                                    HttpResponse* partial) {
  HttpMessage elsewhere;
  elsewhere.no_body = message.no_body;
  return run_exchange(stream, std::move(elsewhere), message.bytes, limits, times, partial);
}

}  // namespace tocsin::net
