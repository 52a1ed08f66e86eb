#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <stdexcept>

#include "format.hpp"
#include "functions.hpp"
#include "lexer.hpp"
#include "literal.hpp"
#include "src/go_text.hpp"
#include "tree.hpp"

namespace tocsin::rules::tmpl {
namespace {

using Kind = Token::Kind;
constexpr std::size_t max_depth = 100;  // of parentheses and of nested blocks

/// What ended a list of nodes.
enum class Terminator { end_of_text, end, else_ };

class Parser {
 public:
  explicit Parser(Tree& tree) : tree_(tree), tokens_(lex(tree.text)) {}

  void run() {
    Body main;
    while (peek().kind != Kind::eof) {
      if (starts_definition()) {
        definition();
        continue;
      }
      std::optional<Terminator> stop = node(main);
      if (stop) fail(*stop == Terminator::end ? "unexpected {{end}}" : "unexpected {{else}}");
    }
    define(tree_.name, std::move(main));
  }

 private:
  // --- tokens ---
  [[nodiscard]] const Token& peek() const { return tokens_[next_]; }
  const Token& take() {
    last_ = next_;
    if (next_ + 1 < tokens_.size()) ++next_;
    return tokens_[last_];
  }
  const Token& peek_word() {
    while (peek().kind == Kind::space) take();
    return peek();
  }
  const Token& take_word() {
    peek_word();
    return take();
  }
  const Token& expect(Kind kind, std::string_view context) {
    const Token& token = take_word();
    if (token.kind != kind) unexpected(token, context);
    return token;
  }

  [[noreturn]] void fail(std::string_view message) const {
    const std::size_t at = std::min(tokens_[last_].at, tree_.text.size());
    const auto line = 1 + std::count(tree_.text.begin(), tree_.text.begin() + static_cast<std::ptrdiff_t>(at), '\n');
    throw std::invalid_argument(fmt::format("template: {}:{}: {}", tree_.name, line, message));
  }
  [[noreturn]] void unexpected(const Token& token, std::string_view context) const {
    if (token.kind == Kind::error) fail(token.text);
    std::string shown = token.kind == Kind::eof  ? "EOF"
                        : token.is_keyword()     ? '<' + token.text + '>'
                        : token.text.size() > 10 ? go_quote(token.text.substr(0, 10)) + "..."
                                                 : go_quote(token.text);
    fail(fmt::format("unexpected {} in {}", shown, context));
  }

  struct Deeper {
    explicit Deeper(Parser& parser) : depth(parser.depth_) {
      if (++depth > max_depth) parser.fail("max expression depth exceeded");
    }
    ~Deeper() { --depth; }
    Deeper(const Deeper&) = delete;
    Deeper& operator=(const Deeper&) = delete;
    std::size_t& depth;
  };

  // --- blocks ---
  [[nodiscard]] bool starts_definition() const {
    if (peek().kind != Kind::left_delimiter) return false;
    std::size_t i = next_ + 1;
    while (tokens_[i].kind == Kind::space) ++i;
    return tokens_[i].kind == Kind::define;
  }

  std::string template_name(std::string_view context) {
    const Token& token = take_word();
    if (token.kind != Kind::string && token.kind != Kind::raw_string) unexpected(token, context);
    auto name = unquote_go(token.text);
    if (!name) fail("invalid syntax");
    return *name;
  }

  void define(const std::string& name, Body body) {
    const bool empty = std::all_of(body.begin(), body.end(), [](const Node& n) {
      return n.kind == Node::Kind::text && n.text.find_first_not_of(" \t\r\n") == std::string::npos;
    });
    const auto found = tree_.bodies.find(name);
    // A definition that is nothing but spaces never replaces one that is more.
    if (found == tree_.bodies.end() || !empty) tree_.bodies[name] = std::move(body);
  }

  void definition() {
    take();
    take_word();
    const std::string name = template_name("define clause");
    expect(Kind::right_delimiter, "define clause");
    const auto outer = std::exchange(variables_, {"$"});
    Body body;
    if (list(body) != Terminator::end) fail("unexpected {{else}} in define clause");
    variables_ = outer;
    define(name, std::move(body));
  }

  Terminator list(Body& out) {
    const Deeper deeper(*this);
    while (peek_word().kind != Kind::eof) {
      if (const auto stop = node(out)) return *stop;
    }
    take();
    fail("unexpected EOF");
  }

  /// Appends the next node, unless it is an `end` or an `else`.
  std::optional<Terminator> node(Body& out) {
    const Token& token = take_word();
    if (token.kind == Kind::text) {
      out.push_back({Node::Kind::text, token.at, token.text, {}, {}, {}});
      return std::nullopt;
    }
    if (token.kind != Kind::left_delimiter) unexpected(token, "input");
    return action(out);
  }

  std::optional<Terminator> action(Body& out) {
    const std::size_t at = peek_word().at;
    switch (peek().kind) {
      case Kind::end:
        take();
        expect(Kind::right_delimiter, "end");
        return Terminator::end;
      case Kind::else_:
        take();
        // `else if` and `else with`: the delimiter is left for whoever reads on.
        if (const Kind next = peek_word().kind; next != Kind::if_ && next != Kind::with)
          expect(Kind::right_delimiter, "else");
        return Terminator::else_;
      case Kind::if_:
        take();
        out.push_back(control(Node::Kind::if_, at, "if"));
        break;
      case Kind::with:
        take();
        out.push_back(control(Node::Kind::with, at, "with"));
        break;
      case Kind::range:
        take();
        out.push_back(control(Node::Kind::range, at, "range"));
        break;
      case Kind::template_:
        take();
        out.push_back(call(at));
        break;
      case Kind::block:
        take();
        out.push_back(block(at));
        break;
      case Kind::break_:
        take();
        out.push_back(jump(Node::Kind::break_, at, "{{break}}"));
        break;
      case Kind::continue_:
        take();
        out.push_back(jump(Node::Kind::continue_, at, "{{continue}}"));
        break;
      default:
        out.push_back({Node::Kind::action, at, "", pipeline("command", Kind::right_delimiter), {}, {}});
    }
    return std::nullopt;
  }

  Node jump(Node::Kind kind, std::size_t at, std::string_view word) {
    const Token& token = take_word();
    if (token.kind != Kind::right_delimiter) unexpected(token, word);
    if (ranges_ == 0) fail(fmt::format("{} outside {{{{range}}}}", word));
    return {kind, at, "", {}, {}, {}};
  }

  Node call(std::size_t at) {
    Node node{Node::Kind::call, at, template_name("template clause"), {}, {}, {}};
    if (take_word().kind != Kind::right_delimiter) {
      next_ = last_;
      node.pipeline = pipeline("template clause", Kind::right_delimiter);
    }
    return node;
  }

  Node block(std::size_t at) {
    const std::string name = template_name("block clause");
    Node node{Node::Kind::call, at, name, pipeline("block clause", Kind::right_delimiter), {}, {}};
    const auto outer = std::exchange(variables_, {"$"});
    Body body;
    if (list(body) != Terminator::end) fail("unexpected {{else}} in block clause");
    variables_ = outer;
    define(name, std::move(body));
    return node;
  }

  Node control(Node::Kind kind, std::size_t at, std::string_view context) {
    const Deeper deeper(*this);
    const std::size_t known = variables_.size();
    Node node{kind, at, "", pipeline(context, Kind::right_delimiter), {}, {}};
    if (kind == Node::Kind::range) ++ranges_;
    Terminator stop = list(node.body);
    if (kind == Node::Kind::range) --ranges_;
    if (stop == Terminator::else_) {
      const std::size_t else_at = peek().at;
      if (kind == Node::Kind::if_ && peek().kind == Kind::if_) {
        take();
        node.otherwise.push_back(control(Node::Kind::if_, else_at, "if"));
      } else if (kind == Node::Kind::with && peek().kind == Kind::with) {
        take();
        node.otherwise.push_back(control(Node::Kind::with, else_at, "with"));
      } else {
        if (peek().kind == Kind::if_ || peek().kind == Kind::with) unexpected(take(), "else");
        if (list(node.otherwise) != Terminator::end) fail("expected end; found {{else}}");
      }
    }
    variables_.resize(known);
    return node;
  }

  // --- expressions ---
  Pipeline pipeline(std::string_view context, Kind end) {
    const Deeper deeper(*this);
    Pipeline out;
    out.at = peek_word().at;
    declarations(out, context);
    while (true) {
      const Token& token = peek_word();
      if (token.kind == end) {
        take();
        check(out, context);
        return out;
      }
      if (!starts_operand(token.kind)) unexpected(take(), context);
      out.commands.push_back(command());
    }
  }

  void declarations(Pipeline& out, std::string_view context) {
    while (peek_word().kind == Kind::variable) {
      const std::size_t mark = next_;
      const std::string name = take().text;
      const Kind next = peek_word().kind;
      if (next == Kind::assign || next == Kind::declare) {
        take();
        out.assigns = next == Kind::assign;
        out.variables.push_back(name);
        variables_.push_back(name);
        return;
      }
      if (next != Kind::character || peek().text != ",") {
        next_ = mark;  // the variable is the pipeline's first operand
        return;
      }
      take();
      out.variables.push_back(name);
      variables_.push_back(name);
      if (context != "range" || out.variables.size() > 1) fail(fmt::format("too many declarations in {}", context));
      const Kind then = peek_word().kind;
      if (then != Kind::variable && then != Kind::right_delimiter && then != Kind::right_paren) {
        fail("range can only initialize variables");
      }
    }
  }

  static bool starts_operand(Kind kind) {
    switch (kind) {
      case Kind::boolean:
      case Kind::character_constant:
      case Kind::dot:
      case Kind::field:
      case Kind::identifier:
      case Kind::number:
      case Kind::nil:
      case Kind::raw_string:
      case Kind::string:
      case Kind::variable:
      case Kind::left_paren:
        return true;
      default:
        return false;
    }
  }

  void check(const Pipeline& pipeline, std::string_view context) const {
    if (pipeline.commands.empty()) fail(fmt::format("missing value for {}", context));
    // Only the first command may be a plain value: the others are given something.
    for (std::size_t i = 1; i < pipeline.commands.size(); ++i) {
      const Operand::Kind first = pipeline.commands[i].words.front().kind;
      if (first == Operand::Kind::constant || first == Operand::Kind::dot || first == Operand::Kind::nil) {
        fail(fmt::format("non executable command in pipeline stage {}", i + 1));
      }
    }
  }

  Command command() {
    Command out;
    out.at = peek_word().at;
    while (true) {
      peek_word();
      if (std::optional<Operand> word = operand()) out.words.push_back(std::move(*word));
      const Token& token = take();
      if (token.kind == Kind::space) continue;
      if (token.kind == Kind::right_delimiter || token.kind == Kind::right_paren) {
        next_ = last_;
      } else if (token.kind != Kind::pipe) {
        unexpected(token, "operand");
      }
      break;
    }
    if (out.words.empty()) fail("empty command");
    return out;
  }

  std::optional<Operand> operand() {
    std::optional<Operand> head = term();
    if (!head || peek().kind != Kind::field) return head;
    std::vector<std::string> names;
    const std::size_t at = peek().at;
    while (peek().kind == Kind::field) names.push_back(take().text.substr(1));
    switch (head->kind) {
      case Operand::Kind::field:
      case Operand::Kind::variable:
        head->names.insert(head->names.end(), names.begin(), names.end());
        head->at = at;
        return head;
      case Operand::Kind::constant:
      case Operand::Kind::nil:
      case Operand::Kind::dot:
        fail("unexpected . after term " + go_quote(to_string(*head)));
      default:
        break;
    }
    Operand chain{Operand::Kind::chain, at, "", {}, std::move(names), {}, nullptr};
    // The head, be it a function or a pipeline in parentheses, is kept as a pipeline of one command.
    auto inner = head->kind == Operand::Kind::pipeline ? head->pipeline : std::make_shared<Pipeline>();
    if (head->kind == Operand::Kind::function) {
      inner->at = head->at;
      inner->commands.push_back({head->at, {std::move(*head)}});
      chain.text = "function";
    }
    chain.pipeline = std::move(inner);
    return chain;
  }

  std::optional<Operand> term() {
    const Token token = take_word();
    Operand out;
    out.at = token.at;
    out.text = token.text;
    switch (token.kind) {
      case Kind::identifier:
        out.kind = Operand::Kind::function;
        out.function = find_function(token.text);
        if (out.function == nullptr) fail(fmt::format("function {} not defined", go_quote(token.text)));
        return out;
      case Kind::dot:
        return out;
      case Kind::nil:
        out.kind = Operand::Kind::nil;
        return out;
      case Kind::variable:
        out.kind = Operand::Kind::variable;
        out.names = {token.text};
        if (std::find(variables_.begin(), variables_.end(), token.text) == variables_.end()) {
          fail("undefined variable " + go_quote(token.text));
        }
        return out;
      case Kind::field:
        out.kind = Operand::Kind::field;
        out.names = {token.text.substr(1)};
        return out;
      case Kind::left_paren:
        out.kind = Operand::Kind::pipeline;
        out.pipeline = std::make_shared<Pipeline>(pipeline("parenthesized pipeline", Kind::right_paren));
        return out;
      case Kind::boolean:
      case Kind::character_constant:
      case Kind::number:
      case Kind::string:
      case Kind::raw_string:
        out.kind = Operand::Kind::constant;
        out.value = constant(token);
        return out;
      default:
        next_ = last_;
        return std::nullopt;
    }
  }

  [[nodiscard]] Value constant(const Token& token) const {
    if (token.kind == Kind::boolean) return {token.text == "true"};
    if (token.kind == Kind::string || token.kind == Kind::raw_string) {
      auto text = unquote_go(token.text);
      if (!text) fail("invalid syntax");
      return {std::move(*text)};
    }
    try {
      return number_go(token.text);
    } catch (const std::invalid_argument& e) {
      fail(e.what());
    }
  }

  Tree& tree_;
  std::vector<Token> tokens_;
  std::size_t next_ = 0;
  std::size_t last_ = 0;
  std::size_t depth_ = 0;
  std::size_t ranges_ = 0;
  std::vector<std::string> variables_{"$"};
};

}  // namespace

Tree parse(std::string name, std::string text) {
  Tree tree{std::move(name), std::move(text), {}};
  Parser(tree).run();
  return tree;
}

}  // namespace tocsin::rules::tmpl
