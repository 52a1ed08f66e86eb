#include "grpc/health.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <utility>

#include "tocsin/core/number.hpp"
#include "tocsin/net/url.hpp"

namespace tocsin::probes::grpc {

using core::Failure;
using core::Outcome;
using core::Phase;
using core::Result;

namespace {

constexpr std::size_t prefix = 5;  // compressed or not, and the length
constexpr std::size_t shown = 80;  // characters of a peer's message in a sentence
constexpr std::array<std::string_view, code_count> code_words{
    "OK",        "CANCELLED",      "UNKNOWN",           "INVALID_ARGUMENT",   "DEADLINE_EXCEEDED",
    "NOT_FOUND", "ALREADY_EXISTS", "PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION",
    "ABORTED",   "OUT_OF_RANGE",   "UNIMPLEMENTED",     "INTERNAL",           "UNAVAILABLE",
    "DATA_LOSS", "UNAUTHENTICATED"};

Failure broken(std::string detail) { return {Outcome::protocol, Phase::parse, std::move(detail)}; }

/// A protobuf varint; false if it does not end within ten bytes.
bool take_varint(std::string_view& text, std::uint64_t& value) {
  value = 0;
  for (unsigned shift = 0; shift < 64 && !text.empty(); shift += 7) {
    const auto byte = static_cast<unsigned char>(text.front());
    text.remove_prefix(1);
    value |= static_cast<std::uint64_t>(byte & 0x7fU) << shift;
    if ((byte & 0x80U) == 0) return true;
  }
  return false;
}

void put_varint(std::string& out, std::uint64_t value) {
  for (; value >= 0x80; value >>= 7U) out += static_cast<char>((value & 0x7fU) | 0x80U);
  out += static_cast<char>(value);
}

/// Skips the value of a field of that wire type.
bool skip_value(std::string_view& text, std::uint64_t wire) {
  std::uint64_t size = 0;
  switch (wire) {
    case 0:
      return take_varint(text, size);
    case 1:
      size = 8;
      break;
    case 2:
      if (!take_varint(text, size)) return false;
      break;
    case 5:
      size = 4;
      break;
    default:
      return false;
  }
  if (size > text.size()) return false;
  text.remove_prefix(static_cast<std::size_t>(size));
  return true;
}

/// A peer's words, short and without control characters.
std::string quoted(std::string_view text) {
  const std::string plain = net::percent_decode(text);
  std::string out = ": \"";
  for (const char c : std::string_view(plain).substr(0, shown)) {
    out += static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) > 0x7e ? '?' : c;
  }
  return out + (plain.size() > shown ? "...\"" : "\"");
}

Outcome outcome_of(unsigned code) {
  switch (code) {
    case code_deadline_exceeded:
      return Outcome::timeout;
    case code_permission_denied:
    case code_unauthenticated:
      return Outcome::auth;
    case code_resource_exhausted:
      return Outcome::throttled;
    case code_unimplemented:
      return Outcome::refused_command;
    default:
      return Outcome::unexpected;
  }
}

std::string_view status_text(const net::Http2Answer& answer, std::string_view name) {
  const std::string_view behind = net::header(answer.trailers, name);
  // A server that has nothing to say but the status says it in the head.
  return behind.empty() ? net::header(answer.response.headers, name) : behind;
}

Answer failed(unsigned code, Failure failure) {
  Answer answer;
  answer.code = code;
  answer.failure = std::move(failure);
  return answer;
}

}  // namespace

std::string encode_request(std::string_view service) {
  std::string message;
  if (!service.empty()) {
    message += '\x0a';  // field 1, a text
    put_varint(message, service.size());
    message += service;
  }
  std::string framed(1, '\0');
  for (const unsigned shift : {24U, 16U, 8U, 0U}) framed += static_cast<char>((message.size() >> shift) & 0xffU);
  return framed + message;
}

Result<Serving> decode_response(std::string_view message) {
  if (message.size() < prefix) return broken("the answer has no message");
  if (message.front() != 0) return broken("the message is compressed, which was not asked for");
  std::uint64_t size = 0;
  for (std::size_t i = 1; i < prefix; ++i) size = size << 8U | static_cast<unsigned char>(message[i]);
  message.remove_prefix(prefix);
  if (size != message.size()) return broken("the message is not as long as it says");
  std::uint64_t status = 0;
  while (!message.empty()) {
    std::uint64_t key = 0;
    if (!take_varint(message, key)) return broken("the message is not protobuf");
    const bool ours = key == (1U << 3U);  // field 1, a varint
    if (ours ? !take_varint(message, status) : !skip_value(message, key & 7U)) {
      return broken("the message is not protobuf");
    }
  }
  return status < std::size(serving_words) ? static_cast<Serving>(status) : Serving::unknown;
}

std::string timeout_text(std::chrono::nanoseconds left) {
  // At most eight digits are allowed.
  const auto millis = std::chrono::duration_cast<std::chrono::milliseconds>(left).count();
  return std::to_string(std::clamp<std::int64_t>(millis, 1, 99'999'999)) + "m";
}

unsigned code_of_http(unsigned status) {
  switch (status) {
    case 400:
      return code_internal;
    case 401:
      return code_unauthenticated;
    case 403:
      return code_permission_denied;
    case 404:
      return code_unimplemented;
    case 429:
    case 502:
    case 503:
    case 504:
      return code_unavailable;
    default:
      return code_unknown;
  }
}

Answer judge(const net::Http2Answer& answer) {
  const unsigned http = answer.response.status;
  const std::string_view status = status_text(answer, "grpc-status");
  if (http != 200 && status.empty()) {
    const unsigned code = code_of_http(http);
    const Outcome outcome = http == 401 || http == 403 ? Outcome::auth
                            : http == 429              ? Outcome::throttled
                                                       : Outcome::unexpected;
    return failed(code, {outcome, Phase::expect, "HTTP status " + std::to_string(http) + " and no gRPC status"});
  }
  const std::string_view type = net::header(answer.response.headers, "content-type");
  if (!type.starts_with("application/grpc")) return failed(code_unknown, broken("the answer is not gRPC"));
  const auto code = core::parse_number<unsigned>(status);
  if (!code) return failed(code_unknown, broken("the answer has no gRPC status"));
  if (*code != code_ok) {
    const std::string word = *code < code_count ? std::string(code_words.at(*code)) : std::to_string(*code);
    const std::string_view said = status_text(answer, "grpc-message");
    return failed(*code, {outcome_of(*code), Phase::expect,
                          "the server answered " + word + (said.empty() ? std::string() : quoted(said))});
  }
  const auto serving = decode_response(answer.response.body);
  if (!serving) return failed(code_internal, serving.error());
  Answer result;
  result.serving = *serving;
  if (*serving != Serving::serving) {
    const std::string word(serving_words[static_cast<std::size_t>(*serving)]);
    result.failure = Failure{Outcome::unexpected, Phase::expect, "the service is " + word};
  }
  return result;
}

unsigned code_of(const Failure& failure) {
  switch (failure.outcome) {
    case Outcome::timeout:
      return code_deadline_exceeded;
    case Outcome::resolve:
      return code_ok;  // nothing was called: blackbox_exporter leaves it at 0
    case Outcome::limit:
      return code_resource_exhausted;
    case Outcome::internal:
      return code_internal;
    default:
      return code_unavailable;
  }
}

}  // namespace tocsin::probes::grpc
