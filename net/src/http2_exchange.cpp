#include <array>
#include <chrono>
#include <utility>

#include "http2_session.hpp"

namespace tocsin::net {

using core::Failure;
using core::Outcome;
using core::Phase;
using core::Result;

namespace {

constexpr std::size_t read_size = 16 * 1024;
// Of frames that bring the answer no further, so that a peer that never ends does not keep the loop busy.
constexpr std::size_t max_beside = 1024 * 1024;
constexpr std::size_t max_overhead = 16;  // bytes for each of the answer's

/// Sends what the session has to say. Who answers early may close before all of it is sent: the answer counts.
Task<Result<void>> flush(Stream& stream, Http2Session& session) {
  while (true) {
    const std::string out = session.output();
    if (out.empty()) co_return Result<void>();
    Result<void> written = co_await stream.write(out);
    if (!written && written.error().outcome != Outcome::closed) co_return written;
    if (!written) co_return Result<void>();
  }
}

Failure ended(const Http2Session& session, Failure closed) {
  closed.detail += session.begun() ? " in the middle of the answer" : " without an answer";
  return closed;
}

}  // namespace

Task<Result<void>> http2_exchange(Stream& stream, const HttpRequest& request, std::string_view scheme,
                                  HttpLimits limits, ExchangeTimes* times, Http2Answer& answer) {
  Http2Session session(request, scheme, limits, answer);
  ExchangeTimes own;
  ExchangeTimes& at = times != nullptr ? *times : own;
  std::array<char, read_size> buffer;
  std::size_t heard = 0;
  while (true) {
    const Result<void> sent = co_await flush(stream, session);
    if (!sent) co_return sent.error();
    if (!at.sent) at.sent = std::chrono::steady_clock::now();
    if (session.done()) break;
    if (std::optional<Failure> failure = session.failure()) co_return std::move(*failure);
    const Result<std::size_t> size = co_await stream.read_some(buffer);
    if (!size && size.error().outcome == Outcome::closed) co_return ended(session, size.error());
    if (!size) co_return size.error();
    session.feed(std::string_view(buffer.data(), *size));
    heard += *size;
    if (heard > max_beside + max_overhead * session.answered() && !session.done() && !session.failure()) {
      co_return Failure{Outcome::limit, Phase::receive, "the peer said more than 1 MiB beside its answer"};
    }
    if (session.begun() && !at.first_byte) at.first_byte = std::chrono::steady_clock::now();
    if (session.done()) break;
  }
  at.done = std::chrono::steady_clock::now();
  co_return Result<void>();
}

}  // namespace tocsin::net
