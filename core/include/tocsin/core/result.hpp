// What can go wrong with something outside of us, as a value. A failure has a class from a fixed set (it becomes a
// label), the phase it happened in (it names timeouts), and a sentence for the log (redacted, never a label).
#pragma once

#include <boost/system/result.hpp>
#include <stdexcept>
#include <string>
#include <string_view>

namespace tocsin::core {

enum class Outcome {
  ok,
  resolve,          // the name has no address, or the name service did not answer
  connect,          // refused, unreachable, closed while connecting
  tls,              // handshake or certificate
  auth,             // "not you": NOAUTH, WRONGPASS, 401, 403
  throttled,        // "not now": 429, max number of clients reached, LOADING
  timeout,          // the deadline passed; the phase says where
  protocol,         // the peer does not speak what it should
  refused_command,  // the peer knows us but refuses the question (NOPERM, unknown command)
  limit,            // a bound of ours: body, reply or series too large, too many redirects
  unexpected,       // it answered, but not what was expected (status, body, JSON, latency)
  closed,           // the connection ended in the middle
  cancelled,        // we stopped asking
  internal,         // a promise of ours was broken
};
inline constexpr std::size_t outcome_count = 14;

enum class Phase { none, resolve, connect, tls, auth, send, receive, query, parse, expect };

/// The words used in labels and logs: `ok`, `resolve`, ..., `refused_command`.
[[nodiscard]] std::string_view to_string(Outcome outcome);
[[nodiscard]] std::string_view to_string(Phase phase);

struct Failure {
  Outcome outcome = Outcome::internal;
  Phase phase = Phase::none;
  std::string detail;  // a sentence for a person; never holds a secret
};

/// Found by argument lookup when a result without a value is asked for one: a broken promise in our code.
[[noreturn]] inline void throw_exception_from_error(const Failure& failure, const boost::source_location& where) {
  throw std::logic_error("unchecked failure: " + failure.detail + " at " + where.to_string());
}

template <class T>
using Result = boost::system::result<T, Failure>;

}  // namespace tocsin::core
