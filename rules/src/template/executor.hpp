// Walks a parsed template. Follows Go's text/template in what it evaluates, in which order, and in what it complains
// about.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "functions.hpp"
#include "tocsin/rules/template.hpp"
#include "tree.hpp"
#include "value.hpp"

namespace tocsin::rules::tmpl {

class Executor {
 public:
  Executor(const Tree& tree, const TemplateData& data);

  /// Throws ExpandError: `template: NAME:LINE:COLUMN: executing "NAME" at <...>: what is wrong`.
  [[nodiscard]] std::string run();

 private:
  using Site = std::variant<std::monostate, const Operand*, const Command*, const Pipeline*, const Node*>;
  enum class Flow { next, break_, continue_ };
  using Given = std::optional<Value>;  // what the command before in the pipeline gave

  [[noreturn]] void fail(const std::string& message) const;
  void step(std::size_t weight = 1);
  [[nodiscard]] Value weighed(Value value);
  void write(std::string_view text);

  Flow walk(const Value& dot, const Body& body);
  Flow walk(const Value& dot, const Node& node);
  void action(const Value& dot, const Node& node);
  Flow branch(const Value& dot, const Node& node);
  void range(const Value& dot, const Node& node);
  void call(const Value& dot, const Node& node);
  bool iterate(const Node& node, const Value& index, const Value& element);

  Value evaluate(const Value& dot, const Pipeline& pipeline);
  Value evaluate(const Value& dot, const Command& command, Given given);
  Value argument(const Value& dot, const Operand& word, Function::Param param);
  Value plain(const Value& dot, const Operand& word);
  [[nodiscard]] Value checked(Value value, Function::Param param) const;
  Value function(const Value& dot, const Operand& word, const Command& command, Given given);
  Value logic(const Value& dot, const Operand& word, const Command& command, Given given);
  [[nodiscard]] Value fields(std::span<const std::string> names, Value from, bool has_arguments) const;
  [[nodiscard]] Value field(const std::string& name, const Value& from, bool has_arguments) const;
  Value chain(const Value& dot, const Operand& word, bool has_arguments);
  [[nodiscard]] const Value& variable(const std::string& name) const;
  void assign(const std::string& name, Value value);

  struct Variable {
    std::string name;
    Value value;
  };

  const Tree& tree_;
  const TemplateData& data_;
  Root root_;
  std::string_view running_;  // the name of the template whose body is walked
  std::vector<Variable> variables_;
  Site at_;
  std::size_t steps_ = 0;
  std::size_t depth_ = 0;
  std::string out_;
};

}  // namespace tocsin::rules::tmpl
