#include "executor.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "format.hpp"
#include "src/go_text.hpp"

namespace tocsin::rules::tmpl {
namespace {

constexpr std::size_t max_steps = 50'000;  // a template is a line of text: what takes more has gone wild
constexpr std::size_t query_steps = 500;   // what a query counts for
constexpr std::size_t text_steps = 16;     // so many bytes of text, handed around, are one step
constexpr std::size_t max_calls = 100;     // of `template` inside `template`

struct SiteText {
  std::size_t at = 0;
  std::string text;
  void operator()(std::monostate) {}
  void operator()(const Operand* word) { set(word->at, to_string(*word)); }
  void operator()(const Command* command) { set(command->at, to_string(*command)); }
  void operator()(const Pipeline* pipeline) { set(pipeline->at, to_string(*pipeline)); }
  void operator()(const Node* node) {
    set(node->at, node->kind == Node::Kind::call ? "{{template " + go_quote(node->text) + "}}" : "");
  }
  void set(std::size_t position, std::string shown) {
    at = position;
    text = std::move(shown);
  }
};

/// A label set that lives as long as whoever expands: no copy is made of it.
LabelsPtr borrow(const core::Labels& labels) { return {LabelsPtr{}, &labels}; }

std::string_view word_for(Function::Param param) {
  switch (param) {
    case Function::Param::string:
      return "string";
    case Function::Param::sample:
      return "*template.sample";
    case Function::Param::result:
      return "template.queryResult";
    default:
      return "interface {}";
  }
}

bool fits(const Value& value, Function::Param param) {
  switch (param) {
    case Function::Param::string:
      return value.as<std::string>() != nullptr;
    case Function::Param::sample:
      return value.as<QuerySample>() != nullptr;
    case Function::Param::result:
      return value.as<QueryResult>() != nullptr;
    default:
      return true;
  }
}

}  // namespace

Executor::Executor(const Tree& tree, const TemplateData& data)
    : tree_(tree),
      data_(data),
      root_{borrow(data.labels), borrow(data.context.external_labels), data.context.external_url, data.value},
      running_(tree.name) {}

std::string Executor::run() {
  const Value dot{&root_};
  variables_.push_back({"$", dot});
  walk(dot, tree_.bodies.find(tree_.name)->second);
  return std::move(out_);
}

void Executor::fail(const std::string& message) const {
  SiteText site;
  std::visit(site, at_);
  const std::string_view before = std::string_view(tree_.text).substr(0, site.at);
  const auto line = 1 + std::count(before.begin(), before.end(), '\n');
  const std::size_t newline = before.rfind('\n');
  const std::size_t column = newline == std::string_view::npos ? site.at : site.at - newline - 1;
  throw ExpandError(fmt::format("template: {}:{}:{}: executing {} at <{}>: {}", tree_.name, line, column,
                                go_quote(running_), site.text, message));
}

void Executor::step(std::size_t weight) {
  steps_ += weight;
  if (steps_ > max_steps) fail("the template takes too many steps");
}

Value Executor::weighed(Value value) {
  if (const auto* text = value.as<std::string>()) step(text->size() / text_steps);
  return value;
}

void Executor::write(std::string_view text) {
  if (out_.size() + text.size() > max_output) fail("the text is longer than 64 KiB");
  out_ += text;
}

Executor::Flow Executor::walk(const Value& dot, const Body& body) {
  for (const Node& node : body) {
    if (const Flow flow = walk(dot, node); flow != Flow::next) return flow;
  }
  return Flow::next;
}

Executor::Flow Executor::walk(const Value& dot, const Node& node) {
  at_ = &node;
  step();
  switch (node.kind) {
    case Node::Kind::text:
      write(node.text);
      break;
    case Node::Kind::action:
      action(dot, node);
      break;
    case Node::Kind::if_:
    case Node::Kind::with:
      return branch(dot, node);
    case Node::Kind::range:
      range(dot, node);
      break;
    case Node::Kind::call:
      call(dot, node);
      break;
    case Node::Kind::break_:
      return Flow::break_;
    case Node::Kind::continue_:
      return Flow::continue_;
  }
  return Flow::next;
}

void Executor::action(const Value& dot, const Node& node) {
  // Variables declared here live on to the end of the block.
  const Value value = evaluate(dot, node.pipeline);
  if (node.pipeline.variables.empty()) write(value.is_nil() ? "<no value>" : print_value(value));
}

Executor::Flow Executor::branch(const Value& dot, const Node& node) {
  const std::size_t mark = variables_.size();
  const Value value = evaluate(dot, node.pipeline);
  Flow flow = Flow::next;
  if (is_true(value)) {
    flow = walk(node.kind == Node::Kind::with ? value : dot, node.body);
  } else {
    flow = walk(dot, node.otherwise);
  }
  variables_.resize(mark);
  return flow;
}

bool Executor::iterate(const Node& node, const Value& index, const Value& element) {
  step();
  const std::size_t mark = variables_.size();
  // The pipeline has pushed its variables already: the last one is the element, the one before it the index.
  const std::vector<std::string>& names = node.pipeline.variables;
  if (!names.empty()) {
    const bool both = names.size() > 1;
    if (node.pipeline.assigns) {
      assign(names[0], both ? index : element);
      if (both) assign(names[1], element);
    } else {
      variables_[mark - 1].value = element;
      if (both) variables_[mark - 2].value = index;
    }
  }
  const Flow flow = walk(element, node.body);
  variables_.resize(mark);
  return flow != Flow::break_;
}

void Executor::range(const Value& dot, const Node& node) {
  const std::size_t mark = variables_.size();
  const Value value = evaluate(dot, node.pipeline);
  bool any = false;
  if (const auto* result = value.as<QueryResult>()) {
    std::int64_t i = 0;
    for (const QuerySample& sample : **result) {
      any = true;
      if (!iterate(node, Value{i++}, Value{sample})) break;
    }
  } else if (const auto* labels = value.as<LabelsPtr>()) {
    for (const core::Label& label : **labels) {
      any = true;
      if (!iterate(node, Value{label.name}, Value{label.value})) break;
    }
  } else if (const auto* map = value.as<ValueMap>()) {
    for (const auto& [name, element] : **map) {
      any = true;
      if (!iterate(node, Value{name}, element)) break;
    }
  } else if (const auto* count = value.as<std::int64_t>()) {
    for (std::int64_t i = 0; i < *count; ++i) {
      any = true;
      if (!iterate(node, Value{i}, Value{i})) break;
    }
  } else if (!value.is_nil()) {
    fail("range can't iterate over " + print_value(value));
  }
  if (!any) walk(dot, node.otherwise);
  variables_.resize(mark);
}

void Executor::call(const Value& dot, const Node& node) {
  const auto found = tree_.bodies.find(node.text);
  if (found == tree_.bodies.end()) fail(fmt::format("template {} not defined", go_quote(node.text)));
  if (depth_ == max_calls) fail(fmt::format("exceeded maximum template depth ({})", max_calls));
  ++depth_;
  Value inner = node.pipeline.commands.empty() ? Value{} : evaluate(dot, node.pipeline);
  std::vector<Variable> outer = std::exchange(variables_, {});
  variables_.push_back({"$", inner});
  const std::string_view caller = std::exchange(running_, found->first);
  walk(inner, found->second);
  running_ = caller;
  variables_ = std::move(outer);
  --depth_;
}

Value Executor::evaluate(const Value& dot, const Pipeline& pipeline) {
  at_ = &pipeline;
  Given given;
  for (const Command& command : pipeline.commands) given = evaluate(dot, command, std::move(given));
  for (const std::string& name : pipeline.variables) {
    if (pipeline.assigns) {
      assign(name, *given);
    } else {
      variables_.push_back({name, *given});
    }
  }
  return given ? std::move(*given) : Value{};
}

Value Executor::evaluate(const Value& dot, const Command& command, Given given) {
  step();
  const Operand& first = command.words.front();
  const bool has_arguments = command.words.size() > 1 || given.has_value();
  const auto names = std::span<const std::string>(first.names);
  switch (first.kind) {
    case Operand::Kind::function:
      return function(dot, first, command, std::move(given));
    case Operand::Kind::field:
      at_ = &first;
      return fields(names, dot, has_arguments);
    case Operand::Kind::variable:
      at_ = &first;
      if (names.size() > 1) return fields(names.subspan(1), variable(names[0]), has_arguments);
      break;
    case Operand::Kind::chain:
      at_ = &first;
      return chain(dot, first, has_arguments);
    default:
      break;
  }
  at_ = &first;
  if (has_arguments) fail("can't give argument to non-function " + to_string(first));
  if (first.kind == Operand::Kind::nil) fail("nil is not a command");
  return plain(dot, first);
}

/// The value of a word that takes no arguments.
Value Executor::plain(const Value& dot, const Operand& word) {
  at_ = &word;
  const auto names = std::span<const std::string>(word.names);
  switch (word.kind) {
    case Operand::Kind::dot:
      return dot;
    case Operand::Kind::constant:
      return word.value;
    case Operand::Kind::field:
      return fields(names, dot, false);
    case Operand::Kind::variable:
      return fields(names.subspan(1), variable(names[0]), false);
    case Operand::Kind::pipeline:
      return evaluate(dot, *word.pipeline);
    case Operand::Kind::chain:
      return chain(dot, word, false);
    case Operand::Kind::function:
      return function(dot, word, Command{word.at, {word}}, std::nullopt);
    default:
      return {};
  }
}

Value Executor::argument(const Value& dot, const Operand& word, Function::Param param) {
  at_ = &word;
  if (param != Function::Param::any) {
    if (word.kind == Operand::Kind::nil) fail(fmt::format("cannot assign nil to {}", word_for(param)));
    if (word.kind == Operand::Kind::constant && !fits(word.value, param)) {
      if (param == Function::Param::string) fail("expected string; found " + to_string(word));
      fail(fmt::format("can't handle {} for arg of type {}", to_string(word), word_for(param)));
    }
  }
  return checked(weighed(plain(dot, word)), param);
}

Value Executor::checked(Value value, Function::Param param) const {
  if (fits(value, param)) return value;
  if (value.is_nil()) fail(fmt::format("invalid value; expected {}", word_for(param)));
  fail(fmt::format("wrong type for value; expected {}; got {}", word_for(param), type_name(value)));
}

Value Executor::function(const Value& dot, const Operand& word, const Command& command, Given given) {
  at_ = &word;
  const Function& function = *word.function;
  const std::size_t count = command.words.size() - 1 + (given ? 1 : 0);
  if (function.variadic && count < function.params.size()) {
    fail(fmt::format("wrong number of args for {}: want at least {} got {}", function.name, function.params.size(),
                     count));
  }
  if (!function.variadic && count != function.params.size()) {
    fail(fmt::format("wrong number of args for {}: want {} got {}", function.name, function.params.size(), count));
  }
  if (function.call == nullptr) return logic(dot, word, command, std::move(given));

  const auto param = [&](std::size_t i) {
    return i < function.params.size() ? function.params[i] : Function::Param::any;
  };
  std::vector<Value> arguments;
  arguments.reserve(count);
  for (std::size_t i = 1; i < command.words.size(); ++i) {
    arguments.push_back(argument(dot, command.words[i], param(i - 1)));
  }
  if (given) arguments.push_back(checked(std::move(*given), param(arguments.size())));
  if (function.name == "query") step(query_steps);
  Value result;
  try {
    result = function.call(arguments, data_);
  } catch (const ExpandError& e) {
    // Go names the whole command here, and the name of the function again.
    at_ = &command;
    fail(fmt::format("error calling {}: {}", function.name, e.what()));
  }
  return weighed(std::move(result));
}

/// `and` and `or` evaluate no further than they must.
Value Executor::logic(const Value& dot, const Operand& word, const Command& command, Given given) {
  const bool stops_at = word.function->name == "or";
  Value value;
  for (std::size_t i = 1; i < command.words.size(); ++i) {
    value = argument(dot, command.words[i], Function::Param::any);
    if (is_true(value) == stops_at) return value;
  }
  return given ? std::move(*given) : value;
}

Value Executor::fields(std::span<const std::string> names, Value from, bool has_arguments) const {
  for (std::size_t i = 0; i < names.size(); ++i) {
    from = field(names[i], from, has_arguments && i + 1 == names.size());
  }
  return from;
}

Value Executor::field(const std::string& name, const Value& from, bool has_arguments) const {
  const auto member = [&](Value value) {
    if (has_arguments) fail(name + " has arguments but cannot be invoked as function");
    return value;
  };
  if (from.is_nil()) fail(fmt::format("nil data; no entry for key {}", go_quote(name)));
  if (const auto* labels = from.as<LabelsPtr>()) {
    if (has_arguments) fail(name + " is not a method but has arguments");
    return {std::string((*labels)->get(name))};  // a label that is not there is an empty text
  }
  if (const auto* map = from.as<ValueMap>()) {
    if (has_arguments) fail(name + " is not a method but has arguments");
    const auto found = (*map)->find(name);
    return found == (*map)->end() ? Value{} : found->second;
  }
  if (const auto* sample = from.as<QuerySample>()) {
    if (name == "Labels") return member({sample->labels});
    if (name == "Value") return member({sample->value});
  }
  if (const auto* const* root = from.as<const Root*>()) {
    if (name == "Labels") return member({(*root)->labels});
    if (name == "ExternalLabels") return member({(*root)->external_labels});
    if (name == "ExternalURL") return member({(*root)->external_url});
    if (name == "Value") return member({(*root)->value});
  }
  fail(fmt::format("can't evaluate field {} in type {}", name, type_name(from)));
}

Value Executor::chain(const Value& dot, const Operand& word, bool has_arguments) {
  Value head = evaluate(dot, *word.pipeline);
  at_ = &word;
  return fields(word.names, std::move(head), has_arguments);
}

const Value& Executor::variable(const std::string& name) const {
  const auto found =
      std::find_if(variables_.rbegin(), variables_.rend(), [&](const Variable& v) { return v.name == name; });
  if (found == variables_.rend()) fail("undefined variable: " + name);
  return found->value;
}

void Executor::assign(const std::string& name, Value value) {
  const auto found =
      std::find_if(variables_.rbegin(), variables_.rend(), [&](const Variable& v) { return v.name == name; });
  if (found == variables_.rend()) fail("undefined variable: " + name);
  found->value = std::move(value);
}

}  // namespace tocsin::rules::tmpl
