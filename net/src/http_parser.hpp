// HTTP/1.1 messages from bytes, by Beast's parser, straight into our own types.
#pragma once

#include <boost/beast/http/basic_parser.hpp>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "tocsin/net/http.hpp"

namespace tocsin::net {

/// Bytes that were read and not yet parsed.
class ReadBuffer {
 public:
  /// Where the next bytes go; empty when `most` bytes wait to be parsed.
  [[nodiscard]] std::span<char> space(std::size_t most);
  void filled(std::size_t size) { end_ += size; }
  [[nodiscard]] std::string_view ready() const { return std::string_view(bytes_).substr(begin_, end_ - begin_); }
  void consume(std::size_t size) { begin_ += size; }

 private:
  std::string bytes_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
};

/// Beast asks for every hook; those that do not matter here are empty.
template <bool is_request>
class MessageParser : public boost::beast::http::basic_parser<is_request> {
 protected:
  using Error = boost::beast::error_code;
  using View = boost::beast::string_view;
  MessageParser(Headers& headers, std::string& body, std::size_t header_bytes, std::size_t body_bytes)
      : headers_(headers), body_(body) {
    this->eager(true);
    this->header_limit(static_cast<std::uint32_t>(header_bytes));
    this->body_limit(body_bytes);
  }

 private:
  void on_request_impl(boost::beast::http::verb, View, View, int, Error&) override {}
  void on_response_impl(int, View, int, Error&) override {}
  void on_field_impl(boost::beast::http::field, View name, View value, Error&) override {
    if (headers_.capacity() == 0) headers_.reserve(usual_headers);
    headers_.emplace_back(name, value);
  }
  void on_header_impl(Error&) override {}
  void on_body_init_impl(const boost::optional<std::uint64_t>& length, Error&) override {
    constexpr std::uint64_t at_most = 256 * 1024;  // what a peer merely announces gets no more memory than this
    if (length) body_.reserve(static_cast<std::size_t>(std::min(*length, at_most)));
  }
  std::size_t on_body_impl(View part, Error&) override {
    body_.append(part.data(), part.size());
    return part.size();
  }
  void on_chunk_header_impl(std::uint64_t, View, Error&) override {}
  std::size_t on_chunk_body_impl(std::uint64_t, View part, Error&) override {
    body_.append(part.data(), part.size());
    return part.size();
  }
  void on_finish_impl(Error&) override {}

  static constexpr std::size_t usual_headers = 8;
  Headers& headers_;
  std::string& body_;
};

class ResponseParser final : public MessageParser<false> {
 public:
  /// `response` must outlive the parser. `no_body`: it answers HEAD.
  ResponseParser(HttpResponse& response, HttpLimits limits, bool no_body);

 private:
  void on_response_impl(int status, View, int version, Error&) override;
  void on_header_impl(Error&) override;
  HttpResponse& response_;
};

class RequestParser final : public MessageParser<true> {
 public:
  RequestParser(ServerRequest& request, std::string& target, const ServerLimits& limits);
  /// The client waits to be told before it sends the body.
  [[nodiscard]] bool expects_continue() const;

 private:
  void on_request_impl(boost::beast::http::verb, View method, View target, int version, Error&) override;
  ServerRequest& request_;
  std::string& target_;
};

enum class Fed {
  done,    // the message is complete
  more,    // the parser wants more bytes
  failed,  // it is no HTTP, or over a bound: `error` says which
};

/// Gives what is in the buffer to the parser.
template <class Parser>
[[nodiscard]] Fed feed(Parser& parser, ReadBuffer& buffer, boost::beast::error_code& error) {
  while (!parser.is_done()) {
    const std::string_view ready = buffer.ready();
    if (ready.empty()) return Fed::more;
    const std::size_t used = parser.put(boost::asio::const_buffer(ready.data(), ready.size()), error);
    buffer.consume(used);
    if (error == boost::beast::http::error::need_more) {
      error = {};
      return Fed::more;
    }
    if (error) return Fed::failed;
    if (used == 0 && !parser.is_done()) return Fed::more;
  }
  return Fed::done;
}

}  // namespace tocsin::net
