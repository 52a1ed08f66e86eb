// A parsed template: actions, and the expressions in them.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "value.hpp"

namespace tocsin::rules::tmpl {

struct Pipeline;
struct Function;

/// One word of a command.
struct Operand {
  enum class Kind { dot, nil, constant, field, variable, function, chain, pipeline } kind = Kind::dot;
  std::size_t at = 0;
  std::string text;                    // of a constant and a function: as written
  Value value;                         // of a constant
  std::vector<std::string> names;      // `.a.b`, `$x.a.b`: the variable's name first; the fields of a chain
  std::shared_ptr<Pipeline> pipeline;  // of `(...)` and of the head of a chain
  const Function* function = nullptr;
};
struct Command {
  std::size_t at = 0;
  std::vector<Operand> words;
};
struct Pipeline {
  std::size_t at = 0;
  bool assigns = false;  // `=` rather than `:=`
  std::vector<std::string> variables;
  std::vector<Command> commands;
};

struct Node;
using Body = std::vector<Node>;
struct Node {
  enum class Kind { text, action, if_, with, range, call, break_, continue_ } kind = Kind::text;
  std::size_t at = 0;
  std::string text;  // of text; of a call: the name of the template
  Pipeline pipeline;
  Body body;
  Body otherwise;
};

struct Tree {
  std::string name;
  std::string text;
  std::map<std::string, Body, std::less<>> bodies;  // the main one under `name`
};

/// Throws std::invalid_argument: `template: NAME:LINE: what is wrong`.
[[nodiscard]] Tree parse(std::string name, std::string text);

/// As Go prints them in error messages.
[[nodiscard]] std::string to_string(const Operand& operand);
[[nodiscard]] std::string to_string(const Command& command);
[[nodiscard]] std::string to_string(const Pipeline& pipeline);

}  // namespace tocsin::rules::tmpl
