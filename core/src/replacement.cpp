#include "tocsin/core/replacement.hpp"

#include "tocsin/core/number.hpp"

namespace tocsin::core {
namespace {

constexpr bool is_word(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

}  // namespace

Replacement::Replacement(std::string_view text, const re2::RE2& regex) {
  while (!text.empty()) {
    const std::size_t dollar = text.find('$');
    add_text(text.substr(0, dollar));
    if (dollar == std::string_view::npos) return;
    text.remove_prefix(dollar + 1);
    if (text.starts_with('$')) {
      add_text("$");
      text.remove_prefix(1);
      continue;
    }
    if (!take_reference(text, regex)) add_text("$");
  }
}

void Replacement::expand(std::span<const re2::StringPiece> groups, std::string& out) const {
  for (const Part& part : parts_) {
    if (part.group < 0) {
      out += part.text;
    } else if (const auto i = static_cast<std::size_t>(part.group); i < groups.size() && groups[i].data() != nullptr) {
      out.append(groups[i].data(), groups[i].size());
    }
  }
}

void Replacement::add_text(std::string_view text) {
  if (!text.empty()) parts_.push_back({std::string(text), -1});
}

/// Reads what stands behind a `$`; false, and nothing read, if that names no group.
bool Replacement::take_reference(std::string_view& text, const re2::RE2& regex) {
  const bool braces = text.starts_with('{');
  const std::size_t begin = braces ? 1 : 0;
  std::size_t end = begin;
  while (end < text.size() && is_word(text[end])) ++end;
  if (end == begin || (braces && (end >= text.size() || text[end] != '}'))) return false;
  const std::string name(text.substr(begin, end - begin));
  text.remove_prefix(braces ? end + 1 : end);
  if (const auto group = core::parse_number<int>(name)) {
    parts_.push_back({{}, *group});
    return true;
  }
  const auto& named = regex.NamedCapturingGroups();
  if (const auto it = named.find(name); it != named.end()) parts_.push_back({{}, it->second});
  return true;
}

}  // namespace tocsin::core
