#include "postgres/failure.hpp"

#include <algorithm>

#include "src/label_text.hpp"
#include "tocsin/core/secret.hpp"

namespace tocsin::probes::postgres {
namespace {

using core::Failure;
using core::Outcome;
using core::Phase;

bool contains(std::string_view text, std::string_view part) { return text.find(part) != std::string_view::npos; }

/// Of class 08: PgBouncer and other poolers put everything there.
Outcome classify_connection_exception(std::string_view message) {
  if (contains(message, "query_wait_timeout") || contains(message, "no more connections") ||
      contains(message, "too many connections") || contains(message, "max_client_conn")) {
    return Outcome::throttled;
  }
  if (contains(message, "auth") || contains(message, "password") || contains(message, "no such user")) {
    return Outcome::auth;
  }
  if (contains(message, "no such database")) return Outcome::unexpected;
  if (contains(message, "TLS") || contains(message, "SSL required")) return Outcome::tls;
  if (contains(message, "timeout")) return Outcome::timeout;
  if (contains(message, "server conn") || contains(message, "server login") || contains(message, "pooler")) {
    return Outcome::connect;
  }
  return Outcome::protocol;
}

bool is_state(std::string_view text) {
  return text.size() == 5 &&
         std::all_of(text.begin(), text.end(), [](char c) { return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z'); });
}

/// "... FATAL:  28P01: password authentication failed ... LOCATION: auth_failed, auth.c:329", in any language.
SqlError find_error(std::string_view text) {
  for (std::size_t at = text.find(": "); at != std::string_view::npos; at = text.find(": ", at + 1)) {
    const std::size_t begin = text.find_first_not_of(' ', at + 1);
    if (begin == std::string_view::npos || begin + 7 > text.size()) break;
    if (text[begin + 5] != ':' || text[begin + 6] != ' ' || !is_state(text.substr(begin, 5))) continue;
    std::string_view message = text.substr(begin + 7);
    message = message.substr(0, message.find(" LOCATION: "));
    return {std::string(text.substr(begin, 5)), std::string(message)};
  }
  return {};
}

std::string one_line(std::string_view text, std::string_view password) {
  std::string out;
  for (const char c : text.substr(0, 1000)) {
    const bool blank = c == ' ' || (c >= '\0' && c < ' ');
    if (!blank) out += c;
    if (blank && !out.empty() && out.back() != ' ') out += ' ';
  }
  while (!out.empty() && out.back() == ' ') out.pop_back();
  return core::redact(std::move(out), password);
}

/// libpq's introduction to every message is dropped: the target is known from elsewhere.
std::string_view without_introduction(std::string_view text) {
  constexpr std::string_view mark = " failed: ";
  if (!text.starts_with("connection to server ")) return text;
  const std::size_t at = text.find(mark);
  return at == std::string_view::npos ? text : text.substr(at + mark.size());
}

Outcome guess(std::string_view text, Phase phase) {
  if (contains(text, "server closed the connection") || contains(text, "Connection reset") ||
      contains(text, "Broken pipe") || contains(text, "SSL connection has been closed") ||
      contains(text, "unexpected eof")) {
    return Outcome::closed;
  }
  if (contains(text, "no password supplied") || contains(text, "authentication method") || contains(text, "SCRAM") ||
      contains(text, "channel binding")) {
    return Outcome::auth;
  }
  if (contains(text, "timed out") || contains(text, "timeout expired")) return Outcome::timeout;
  switch (phase) {
    case Phase::connect:
      return Outcome::connect;
    case Phase::tls:
      return Outcome::tls;
    default:
      return contains(text, "SSL") && !contains(text, "message") ? Outcome::tls : Outcome::protocol;
  }
}

}  // namespace

Outcome classify(const SqlError& error) {
  const std::string_view state = error.state;
  const std::string_view group = state.substr(0, 2);
  if (group == "08") return classify_connection_exception(error.message);
  if (group == "28") return Outcome::auth;
  if (state == "57P03" || state == "53300" || state == "53200" || state == "53400") return Outcome::throttled;
  if (state == "57014" || state == "55P03" || state == "25P03" || state == "25P04") return Outcome::timeout;
  if (group == "57") return Outcome::closed;
  if (group == "42" || group == "0A" || state == "25006") return Outcome::refused_command;
  return Outcome::unexpected;
}

bool is_missing(std::string_view state) {
  // 42601 is a syntax error: a server that only resembles PostgreSQL. 55000 and 55006: not in its present state.
  return (state.substr(0, 2) == "42" && state != "42601") || state.substr(0, 2) == "0A" || state == "55000" ||
         state == "25006" || state == "58P01" || state == "XX000" || state == "22023";
}

bool ends_session(std::string_view state) { return state.substr(0, 3) == "57P" && state != "57P03"; }

Failure to_failure(const SqlError& error, Phase phase) {
  std::string detail = one_line(error.message, {});
  if (!error.state.empty()) detail += " (SQLSTATE " + label_text(error.state) + ")";
  return {classify(error), phase, std::move(detail)};
}

Failure connect_failure(std::string_view text, Phase phase, std::string_view password) {
  const std::string line = one_line(without_introduction(text), password);
  const SqlError said = find_error(line);
  if (!said.state.empty()) {
    // "permission denied for database": we are known, but not let in.
    Failure failure = to_failure(said, Phase::auth);
    if (said.state == "42501") failure.outcome = Outcome::auth;
    return failure;
  }
  return {guess(line, phase), phase, line.empty() ? "the connection failed without a word" : line};
}

Failure broken_connection(std::string_view text, Phase phase, std::string_view password) {
  const std::string line = one_line(text, password);
  const SqlError said = find_error(line);
  if (!said.state.empty()) return to_failure(said, phase);
  return {guess(line, phase), phase, line.empty() ? "the connection ended" : line};
}

}  // namespace tocsin::probes::postgres
