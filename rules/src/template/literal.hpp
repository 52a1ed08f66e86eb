// Go's literals: quoted strings, runes and numbers.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "value.hpp"

namespace tocsin::rules::tmpl {

/// The text between the quotes, escapes resolved; nothing if an escape is wrong. Quotes are `"`, `'` or a backquote.
[[nodiscard]] std::optional<std::string> unquote_go(std::string_view quoted);
/// `12`, `0x1f`, `1_000`, `'a'`: an integer; `1.5`, `1e6`: a float. Throws std::invalid_argument with Go's words.
[[nodiscard]] Value number_go(std::string_view text);

}  // namespace tocsin::rules::tmpl
