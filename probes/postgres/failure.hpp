// What PostgreSQL, a pooler or libpq says when something went wrong, as a class of failure. Pure.
#pragma once

#include <string>
#include <string_view>

#include "tocsin/core/result.hpp"

namespace tocsin::probes::postgres {

/// An error as the server reports it.
struct SqlError {
  std::string state;  // SQLSTATE: five characters; empty where there is none
  std::string message;
};

/// The class of an SQLSTATE. Poolers say everything with 08P01: there the words count.
[[nodiscard]] core::Outcome classify(const SqlError& error);
/// True if the server has no such column, function, table or right, or cannot do it in its present state: another
/// question may do better.
[[nodiscard]] bool is_missing(std::string_view state);
/// True if the server ended this session for reasons of its own; a new connection may do better.
[[nodiscard]] bool ends_session(std::string_view state);

[[nodiscard]] core::Failure to_failure(const SqlError& error, core::Phase phase);

/// libpq's text about a connection that could not be made, said while in `phase`, with verbose errors switched on. All
/// white space becomes single blanks; the password is taken out.
[[nodiscard]] core::Failure connect_failure(std::string_view text, core::Phase phase, std::string_view password);
/// The same about a connection that broke later.
[[nodiscard]] core::Failure broken_connection(std::string_view text, core::Phase phase, std::string_view password);

}  // namespace tocsin::probes::postgres
