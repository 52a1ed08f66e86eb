#include <algorithm>
#include <chrono>
#include <optional>
#include <utility>

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

bool fits_in_a_line(std::string_view text) {
  return text.find_first_of(std::string_view("\r\n\0", 3)) == std::string_view::npos;
}

/// What may stand in the head without opening a second message in it.
std::optional<Failure> check_head(const HttpRequest& request) {
  const auto bad = [](std::string what) { return Failure{Outcome::internal, Phase::send, std::move(what)}; };
  if (request.method.empty() || !fits_in_a_line(request.method) || request.method.find(' ') != std::string::npos) {
    return bad("the HTTP method is not one");
  }
  if (request.target.empty() || !fits_in_a_line(request.target) || request.target.find(' ') != std::string::npos) {
    return bad("the request target is empty or has a space or line break");
  }
  for (const auto& [name, value] : request.headers) {
    if (name.empty() || name.find_first_of(": \t") != std::string::npos || !fits_in_a_line(name)) {
      return bad("a header name is not one");
    }
    if (!fits_in_a_line(value)) return bad("the header " + name + " has a line break in its value");
  }
  return std::nullopt;
}

std::string serialize(const HttpRequest& request) {
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
  Stream& stream;
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
  /// True if the complete message is only a "please wait" and another one follows.
  bool skip_interim() {
    if (response.status < 100 || response.status > 199 || response.status == 101) return false;
    ++interim;
    start();
    return true;
  }
  Result<void> finish() {
    response.keep_alive = parser->keep_alive() && !parser->need_eof() && buffer.ready().empty();
    if (response.status == 101) response.rest = buffer.ready();
    if (times != nullptr) times->done = std::chrono::steady_clock::now();
    return {};
  }
  /// The connection ended: good if that is how the body was to end.
  Result<void> end(Failure closed) {
    if (!parser->got_some()) {
      closed.detail += " without an answer";
      return closed;
    }
    boost::beast::error_code error;
    if (parser->is_header_done()) parser->put_eof(error);
    if (parser->is_header_done() && !error) return finish();
    closed.detail += parser->is_header_done()
                         ? " in the middle of the body, after " + std::to_string(response.body.size()) + " bytes"
                         : std::string(" in the middle of the headers");
    return closed;
  }
};

Task<Result<void>> read_response(Reading& reading) {
  reading.start();
  while (true) {
    boost::beast::error_code error;
    const Fed fed = feed(*reading.parser, reading.buffer, error);
    if (fed == Fed::failed) co_return parse_failure(error, reading.limits);
    if (fed == Fed::done) {
      if (!reading.skip_interim()) co_return reading.finish();
      if (reading.interim > max_interim) {
        co_return Failure{Outcome::protocol, Phase::receive, "more than 16 interim answers, and no final one"};
      }
      continue;
    }
    const std::span<char> space = reading.buffer.space(reading.limits.header_bytes + 1024);
    if (space.empty()) co_return parse_failure(beast_http::error::header_limit, reading.limits);
    const Result<std::size_t> size = co_await reading.stream.read_some(space);
    if (!size) {
      if (size.error().outcome == Outcome::closed) co_return reading.end(size.error());
      co_return size.error();
    }
    reading.buffer.filled(*size);
    if (reading.times != nullptr && !reading.times->first_byte) {
      reading.times->first_byte = std::chrono::steady_clock::now();
    }
  }
}

}  // namespace

std::string_view header(const Headers& headers, std::string_view name) {
  for (const auto& [key, value] : headers) {
    if (equal_ignoring_case(key, name)) return value;
  }
  return {};
}

Task<Result<HttpResponse>> exchange(Stream& stream, const HttpRequest& request, HttpLimits limits, ExchangeTimes* times,
                                    HttpResponse* partial) {
  if (std::optional<Failure> bad = check_head(request)) co_return std::move(*bad);
  Result<void> written;
  {
    const std::string text = serialize(request);
    written = co_await stream.write(text);
  }
  // Who refuses a large body may answer and close before all of it is sent: the answer counts.
  if (!written && written.error().outcome != Outcome::closed) co_return std::move(written).error();
  if (times != nullptr) times->sent = std::chrono::steady_clock::now();

  HttpResponse own;
  const bool no_body = request.method == "HEAD" || request.method == "CONNECT";
  Reading reading{stream, limits, no_body, times, partial != nullptr ? *partial : own, {}, {}};
  Result<void> read = co_await read_response(reading);
  if (read) co_return std::move(reading.response);
  if (!written && !reading.parser->got_some()) co_return std::move(written).error();
  co_return std::move(read).error();
}

}  // namespace tocsin::net
