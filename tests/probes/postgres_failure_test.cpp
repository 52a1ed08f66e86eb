#include "postgres/failure.hpp"

#include <gtest/gtest.h>

namespace tocsin::probes::postgres {
namespace {

using core::Outcome;
using core::Phase;

TEST(PostgresFailure, HasAClassForEachState) {
  const struct {
    const char* state;
    const char* message;
    Outcome outcome;
  } cases[] = {
      {"28P01", "password authentication failed", Outcome::auth},
      {"28000", "no pg_hba.conf entry", Outcome::auth},
      {"53300", "too many clients already", Outcome::throttled},
      {"57P03", "the database system is starting up", Outcome::throttled},
      {"53200", "out of memory", Outcome::throttled},
      {"57014", "canceling statement due to statement timeout", Outcome::timeout},
      {"55P03", "canceling statement due to lock timeout", Outcome::timeout},
      {"57P01", "terminating connection due to administrator command", Outcome::closed},
      {"57P05", "terminating connection due to idle-session timeout", Outcome::closed},
      {"42501", "permission denied for function pg_ls_waldir", Outcome::refused_command},
      {"42P01", "relation does not exist", Outcome::refused_command},
      {"0A000", "not supported", Outcome::refused_command},
      {"3D000", "database \"x\" does not exist", Outcome::unexpected},
      {"XX000", "cache lookup failed", Outcome::unexpected},
      {"08P01", "query_wait_timeout", Outcome::throttled},
      {"08P01", "no more connections allowed (max_client_conn)", Outcome::throttled},
      {"08P01", "no such user: mon", Outcome::auth},
      {"08P01", "no such database: app", Outcome::unexpected},
      {"08P01", "SSL required", Outcome::tls},
      {"08P01", "server conn crashed?", Outcome::connect},
      {"08P01", "invalid frontend message type 12", Outcome::protocol},
      {"", "", Outcome::unexpected},
  };
  for (const auto& one : cases) {
    EXPECT_EQ(classify({one.state, one.message}), one.outcome) << one.state << " " << one.message;
  }
}

TEST(PostgresFailure, FindsTheStateInLibpqsText) {
  const struct {
    const char* text;
    Phase phase;
    Outcome outcome;
    Phase told;
    const char* detail;
  } cases[] = {
      {"connection to server at \"127.0.0.1\", port 5 failed: FATAL:  28P01: password authentication failed for user "
       "\"mon\"\nLOCATION:  auth_failed, auth.c:329\n",
       Phase::auth, Outcome::auth, Phase::auth, "password authentication failed for user \"mon\" (SQLSTATE 28P01)"},
      {"connection to server on socket \"/run/x\" failed: SCHWERWIEGEND:  53300: zu viele Verbindungen\nORT:  f, "
       "p.c:1\n",
       Phase::auth, Outcome::throttled, Phase::auth, "zu viele Verbindungen ORT: f, p.c:1 (SQLSTATE 53300)"},
      {"connection to server at \"db\" (10.0.0.1), port 5432 failed: FATAL:  42501: permission denied for database "
       "\"app\"\n",
       Phase::auth, Outcome::auth, Phase::auth, "permission denied for database \"app\" (SQLSTATE 42501)"},
      {"connection to server at \"127.0.0.1\", port 1 failed: Connection refused\n\tIs the server running?\n",
       Phase::connect, Outcome::connect, Phase::connect, "Connection refused Is the server running?"},
      {"connection to server at \"::1\", port 1 failed: SSL error: certificate verify failed\n", Phase::tls,
       Outcome::tls, Phase::tls, "SSL error: certificate verify failed"},
      {"connection to server at \"::1\", port 1 failed: server closed the connection unexpectedly\n", Phase::auth,
       Outcome::closed, Phase::auth, "server closed the connection unexpectedly"},
      {"connection to server at \"::1\", port 1 failed: fe_sendauth: no password supplied\n", Phase::auth,
       Outcome::auth, Phase::auth, "fe_sendauth: no password supplied"},
      {"connection to server at \"::1\", port 1 failed: received invalid response to SSL negotiation: H", Phase::tls,
       Outcome::tls, Phase::tls, "received invalid response to SSL negotiation: H"},
      {"", Phase::auth, Outcome::protocol, Phase::auth, "the connection failed without a word"},
      {"x: 28P0", Phase::auth, Outcome::protocol, Phase::auth, "x: 28P0"},
  };
  for (const auto& one : cases) {
    const auto failure = connect_failure(one.text, one.phase, {});
    EXPECT_EQ(failure.outcome, one.outcome) << one.text;
    EXPECT_EQ(failure.phase, one.told) << one.text;
    EXPECT_EQ(failure.detail, one.detail);
  }
}

TEST(PostgresFailure, TakesThePasswordOut) {
  EXPECT_EQ(connect_failure("bad secret: geheim\n", Phase::auth, "geheim").detail, "bad secret: <secret>");
  EXPECT_EQ(broken_connection("lost geheim", Phase::query, "geheim").detail, "lost <secret>");
}

TEST(PostgresFailure, KeepsDetailsShort) {
  EXPECT_LT(connect_failure(std::string(100'000, 'x'), Phase::auth, {}).detail.size(), 1100U);
}

TEST(PostgresFailure, KnowsWhatIsMissing) {
  for (const char* const state : {"42501", "42P01", "42703", "42883", "0A000", "55000", "XX000"}) {
    EXPECT_TRUE(is_missing(state)) << state;
  }
  for (const char* const state : {"42601", "57014", "55P03", "57P01", "53300", ""}) EXPECT_FALSE(is_missing(state));
  EXPECT_TRUE(ends_session("57P01"));
  EXPECT_FALSE(ends_session("57P03"));
  EXPECT_FALSE(ends_session("57014"));
}

}  // namespace
}  // namespace tocsin::probes::postgres
