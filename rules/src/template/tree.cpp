#include "tree.hpp"

namespace tocsin::rules::tmpl {
namespace {

template <class T, class Out>
std::string join(const std::vector<T>& items, std::string_view between, Out&& out) {
  std::string text;
  for (const T& item : items) {
    if (&item != &items.front()) text += between;
    text += out(item);
  }
  return text;
}

}  // namespace

std::string to_string(const Operand& operand) {
  const auto same = [](const std::string& s) { return s; };
  switch (operand.kind) {
    case Operand::Kind::dot:
      return ".";
    case Operand::Kind::nil:
      return "nil";
    case Operand::Kind::field:
      return "." + join(operand.names, ".", same);
    case Operand::Kind::variable:
      return join(operand.names, ".", same);
    case Operand::Kind::pipeline:
      return "(" + to_string(*operand.pipeline) + ")";
    case Operand::Kind::chain: {
      const std::string head = to_string(*operand.pipeline);
      return (operand.text.empty() ? "(" + head + ")" : head) + "." + join(operand.names, ".", same);
    }
    default:
      return operand.text;
  }
}

std::string to_string(const Command& command) {
  return join(command.words, " ", [](const Operand& word) { return to_string(word); });
}

std::string to_string(const Pipeline& pipeline) {
  std::string text = join(pipeline.variables, ", ", [](const std::string& name) { return name; });
  if (!text.empty()) text += pipeline.assigns ? " = " : " := ";
  return text + join(pipeline.commands, " | ", [](const Command& command) { return to_string(command); });
}

}  // namespace tocsin::rules::tmpl
