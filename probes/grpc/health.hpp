// grpc.health.v1 on the wire: a few bytes each way. No sockets here.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "tocsin/core/result.hpp"
#include "tocsin/net/http2.hpp"

namespace tocsin::probes::grpc {

/// The codes that matter here (google.golang.org/grpc/codes has them all).
enum Code : unsigned {
  code_ok = 0,
  code_unknown = 2,
  code_deadline_exceeded = 4,
  code_not_found = 5,
  code_permission_denied = 7,
  code_resource_exhausted = 8,
  code_unimplemented = 12,
  code_internal = 13,
  code_unavailable = 14,
  code_unauthenticated = 16,
};
inline constexpr unsigned code_count = 17;

/// HealthCheckResponse.ServingStatus.
enum class Serving : unsigned { unknown, serving, not_serving, service_unknown };
inline constexpr std::string_view serving_words[] = {"UNKNOWN", "SERVING", "NOT_SERVING", "SERVICE_UNKNOWN"};

/// HealthCheckRequest with its five bytes of prefix.
[[nodiscard]] std::string encode_request(std::string_view service);
/// HealthCheckResponse with its prefix.
[[nodiscard]] core::Result<Serving> decode_response(std::string_view message);
/// The value of the header grpc-timeout.
[[nodiscard]] std::string timeout_text(std::chrono::nanoseconds left);
/// What gRPC's clients make of an HTTP status where there is no gRPC status.
[[nodiscard]] unsigned code_of_http(unsigned status);

/// What a call came to.
struct Answer {
  unsigned code = code_ok;
  std::optional<Serving> serving;
  std::optional<core::Failure> failure;  // none: SERVING
};
[[nodiscard]] Answer judge(const net::Http2Answer& answer);
/// What a client of gRPC would say of a call that did not come to an answer.
[[nodiscard]] unsigned code_of(const core::Failure& failure);

}  // namespace tocsin::probes::grpc
