// What the command line offers, read off its own description: completions and the manual are made of this, and so
// cannot lag behind it.
#pragma once

#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace tocsin::daemon {

struct OutlinedOption {
  std::vector<std::string> names;    // "-T", "--print"; an argument without a dash: "FILE"
  std::string value;                 // the word for its value: "FILE"; empty for a switch
  std::vector<std::string> choices;  // where only these values are taken
  std::string fallback;              // what holds without it; empty where there is nothing to say
  std::string doc;
  bool required = false;
  bool many = false;  // may be given more than once

  [[nodiscard]] bool takes_file() const { return value == "FILE"; }
  [[nodiscard]] bool takes_folder() const { return value == "FOLDER"; }
};

struct OutlinedCommand {
  std::string path;  // "tocsin check"
  std::string name;  // "check"
  std::string doc;
  std::vector<OutlinedOption> options;    // with dashes
  std::vector<OutlinedOption> arguments;  // without
  std::vector<OutlinedCommand> commands;
};

[[nodiscard]] OutlinedCommand outline(const CLI::App& app);

}  // namespace tocsin::daemon
