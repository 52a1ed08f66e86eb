#include "src/command.hpp"

#include <algorithm>

namespace tocsin::actions {

core::Result<Environment> environment_of(const ActionSpec& spec) {
  Environment environment;
  environment.variables = {
      {"PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}, {"HOME", "/"}, {"LANG", "C.UTF-8"}};
  for (const auto& [name, source] : spec.environment) {
    const auto value = source.read();
    if (!value) {
      core::Failure failure = value.error();
      failure.detail = "the value of " + name + ": " + failure.detail;
      return failure;
    }
    // The system would end it there, and the command would be given half a value.
    if (value->reveal().find('\0') != std::string::npos) {
      return core::Failure{core::Outcome::limit, core::Phase::auth, "the value of " + name + " has a zero byte in it"};
    }
    add_secret(environment.secrets, value->reveal());
    const auto same = std::find_if(environment.variables.begin(), environment.variables.end(),
                                   [&name = name](const auto& pair) { return pair.first == name; });
    if (same != environment.variables.end()) {
      same->second = value->reveal();
    } else {
      environment.variables.emplace_back(name, value->reveal());
    }
  }
  return environment;
}

std::string describe(const net::ProcessExit& exit, const Secrets& secrets) {
  std::string words;
  if (exit.timed_out) {
    words = "it did not end in time and was ended";
  } else if (exit.signal) {
    words = "it was ended by signal " + std::to_string(*exit.signal);
  } else {
    words = "exit " + std::to_string(exit.status);
  }
  const std::string said = first_line(exit.err, secrets);
  const std::string line = said.empty() ? first_line(exit.out, secrets) : said;
  return line.empty() ? words : words + ": " + line;
}

}  // namespace tocsin::actions
