#include "http_parser.hpp"

#include <algorithm>

namespace tocsin::net {

std::span<char> ReadBuffer::space(std::size_t most) {
  constexpr std::size_t first = 1000;  // enough for most answers, and small enough for malloc's per-thread cache
  constexpr std::size_t step = 64 * 1024;
  if (begin_ == end_) begin_ = end_ = 0;
  if (end_ - begin_ >= most) return {};
  if (end_ == bytes_.size()) {
    bytes_.erase(0, begin_);
    end_ -= begin_;
    begin_ = 0;
    bytes_.resize(std::min(std::max(first, end_ * 4), end_ + step));
  }
  return std::span<char>(bytes_).subspan(end_);
}

ResponseParser::ResponseParser(HttpResponse& response, HttpLimits limits, bool no_body)
    : MessageParser(response.headers, response.body, limits.header_bytes, limits.body_bytes), response_(response) {
  skip(no_body);
}

void ResponseParser::on_response_impl(int status, View, int version, Error&) {
  response_.status = static_cast<unsigned>(status);
  response_.version = static_cast<unsigned>(version);
}

void ResponseParser::on_header_impl(Error&) {
  if (const auto length = content_length()) response_.content_length = *length;
}

RequestParser::RequestParser(ServerRequest& request, std::string& target, const ServerLimits& limits)
    : MessageParser(request.headers, request.body, limits.header_bytes, limits.body_bytes),
      request_(request),
      target_(target) {}

bool RequestParser::expects_continue() const {
  const std::string_view expect = header(request_.headers, "Expect");
  return expect == "100-continue" || expect == "100-Continue";
}

void RequestParser::on_request_impl(boost::beast::http::verb, View method, View target, int, Error&) {
  request_.method.assign(method.data(), method.size());
  target_.assign(target.data(), target.size());
}

}  // namespace tocsin::net
