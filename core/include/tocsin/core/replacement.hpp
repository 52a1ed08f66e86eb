// What stands in place of a match.
#pragma once

#include <re2/re2.h>

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tocsin::core {

/// A replacement as Go's Regexp.Expand reads it: `$1`, `$name`, `${name}`, `$$`. The longest name counts; one that is
/// not known is empty.
class Replacement {
 public:
  Replacement(std::string_view text, const re2::RE2& regex);
  void expand(std::span<const re2::StringPiece> groups, std::string& out) const;

 private:
  struct Part {
    std::string text;
    int group = -1;
  };
  void add_text(std::string_view text);
  bool take_reference(std::string_view& text, const re2::RE2& regex);

  std::vector<Part> parts_;
};

}  // namespace tocsin::core
