// Template text to tokens. Trim markers and comments are gone by then; spaces inside actions stay, because they
// separate arguments.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace tocsin::rules::tmpl {

struct Token {
  enum class Kind {
    error,  // text is the message
    eof,
    text,
    left_delimiter,
    right_delimiter,
    space,
    assign,   // =
    declare,  // :=
    pipe,
    left_paren,
    right_paren,
    character,  // any other single character: a comma
    boolean,
    character_constant,
    number,
    string,
    raw_string,
    identifier,
    variable,  // $ or $name
    field,     // .name
    // From here on: keywords.
    dot,
    nil,
    block,
    break_,
    continue_,
    define,
    else_,
    end,
    if_,
    range,
    template_,
    with,
  };
  Kind kind = Kind::eof;
  std::size_t at = 0;  // offset in the text
  std::string text;

  [[nodiscard]] bool is_keyword() const { return kind >= Kind::dot; }
};

/// All tokens; the last one is `eof` or `error`.
[[nodiscard]] std::vector<Token> lex(std::string_view text);

}  // namespace tocsin::rules::tmpl
