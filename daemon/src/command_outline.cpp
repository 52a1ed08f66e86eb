#include "src/command_outline.hpp"

#include <CLI/CLI.hpp>

namespace tocsin::daemon {
namespace {

/// "TEXT:{debug,info}" of CLI11 is a word and the choices.
void read_value(const std::string& type, OutlinedOption& option) {
  const auto open = type.find(":{");
  option.value = type.substr(0, open);
  if (open == std::string::npos) return;
  const auto close = type.find('}', open);
  std::string choice;
  for (const char c : type.substr(open + 2, close - open - 2)) {
    if (c == ',') {
      option.choices.push_back(std::move(choice));
      choice.clear();
    } else {
      choice += c;
    }
  }
  option.choices.push_back(std::move(choice));
}

OutlinedOption read_option(const CLI::Option& from) {
  OutlinedOption option;
  for (const std::string& name : from.get_snames()) option.names.push_back("-" + name);
  for (const std::string& name : from.get_lnames()) option.names.push_back("--" + name);
  option.doc = from.get_description();
  option.required = from.get_required();
  option.many = from.get_expected_max() > 1;
  option.fallback = from.get_default_str();
  if (from.get_items_expected_max() > 0) read_value(from.get_type_name(), option);
  if (!from.nonpositional()) {
    option.names.push_back(from.get_name(true));
    option.value = option.names.front();  // an argument is called after what it is
  }
  return option;
}

OutlinedCommand read_command(const CLI::App& app, const std::string& parent) {
  OutlinedCommand command;
  command.name = app.get_name();
  command.path = parent.empty() ? command.name : parent + " " + command.name;
  command.doc = app.get_description();
  for (const CLI::Option* const each : app.get_options()) {
    if (each->get_group().empty()) continue;  // hidden
    OutlinedOption option = read_option(*each);
    (each->nonpositional() ? command.options : command.arguments).push_back(std::move(option));
  }
  for (const CLI::App* const each : app.get_subcommands(std::function<bool(const CLI::App*)>())) {
    if (!each->get_group().empty()) command.commands.push_back(read_command(*each, command.path));
  }
  return command;
}

}  // namespace

OutlinedCommand outline(const CLI::App& app) { return read_command(app, ""); }

}  // namespace tocsin::daemon
