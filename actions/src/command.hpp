// What goes into a command and what is told of its end. Pure: nothing is run here.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tocsin/actions/action.hpp"
#include "tocsin/core/result.hpp"
#include "tocsin/net/process.hpp"

namespace tocsin::actions {

/// What may stand in an argument: [A-Za-z0-9._:/@+-]{1,128}, not beginning with '-'.
[[nodiscard]] bool may_be_argument(std::string_view value);

/// What {from}, {to} and {target} stand for.
struct Placeholders {
  std::string from;
  std::string to;
  std::string target;
};

/// The argv with the placeholders replaced, each once and from left to right. Fails if a value that is used may not be
/// an argument.
[[nodiscard]] core::Result<std::vector<std::string>> fill(const std::vector<std::string>& argv,
                                                          const Placeholders& values);

/// PATH, HOME and LANG, and what the action declares; what is declared overrides.
[[nodiscard]] std::vector<std::pair<std::string, std::string>> environment_of(const ActionSpec& spec);

/// The first line of a text that is not blank, at most 200 bytes of it: declared environment values (longer than three
/// bytes) hidden, control characters and what is not UTF-8 replaced.
[[nodiscard]] std::string first_line(std::string_view text,
                                     const std::vector<std::pair<std::string, std::string>>& declared);

/// How a command ended, in words: "exit 3: no such cluster".
[[nodiscard]] std::string describe(const net::ProcessExit& exit,
                                   const std::vector<std::pair<std::string, std::string>>& declared);

}  // namespace tocsin::actions
