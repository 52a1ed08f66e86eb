// What goes into a command and what is told of its end. Nothing is run here.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "src/words.hpp"
#include "tocsin/actions/spec.hpp"
#include "tocsin/core/result.hpp"
#include "tocsin/net/process.hpp"

namespace tocsin::actions {

struct Environment {
  std::vector<std::pair<std::string, std::string>> variables;
  Secrets secrets;  // what was declared
};

/// PATH, HOME and LANG, and what the action declares; what is declared overrides. Files are read now. Fails, naming the
/// variable and never a value, where one cannot be read.
[[nodiscard]] core::Result<Environment> environment_of(const ActionSpec& spec);

/// How a command ended, in words: "exit 3: no such cluster".
[[nodiscard]] std::string describe(const net::ProcessExit& exit, const Secrets& secrets);

}  // namespace tocsin::actions
