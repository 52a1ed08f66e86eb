// YAML as a tree of values that know where they stand. yaml-cpp stays behind this header.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tocsin/core/source.hpp"

namespace tocsin::core {

struct YamlEntry;

struct YamlNode {
  enum class Kind { null, scalar, list, map };
  Kind kind = Kind::null;
  std::string scalar;              // as written, unquoted
  bool quoted = false;             // a quoted scalar is never a number or a boolean
  std::vector<YamlNode> items;     // of a list
  std::vector<YamlEntry> entries;  // of a map, in order; keys are scalars
  Position at;

  // Not inline: every row of every table of fields holds some, and would carry this code.
  YamlNode();
  YamlNode(const YamlNode& other);
  YamlNode(YamlNode&& other) noexcept;
  YamlNode& operator=(const YamlNode& other);
  YamlNode& operator=(YamlNode&& other) noexcept;
  ~YamlNode();

  /// The value at a key of a map, or null.
  [[nodiscard]] const YamlNode* find(std::string_view key) const;
};

/// A key of a map and its value.
struct YamlEntry {
  YamlNode first;
  YamlNode second;
};

struct YamlDocument {
  std::shared_ptr<const SourceFile> file;
  YamlNode root;  // null for an empty file
};

/// Parses the first document of a text. Syntax errors, duplicate keys, keys that are no scalars, tabs, nesting over 64
/// levels, alias expansion over 100,000 nodes: each goes to `diagnostics` with its place. A second document is a
/// warning.
[[nodiscard]] YamlDocument parse_yaml(std::shared_ptr<const SourceFile> file, Diagnostics& diagnostics);

/// Reads a file of at most 16 MiB and parses it; an unreadable file is a diagnostic.
[[nodiscard]] YamlDocument load_yaml(const std::string& path, Diagnostics& diagnostics);

/// A scalar that is text, whatever it looks like; and one that stands for itself (a number, true, a duration).
[[nodiscard]] YamlNode yaml_text(std::string text);
[[nodiscard]] YamlNode yaml_word(std::string word);
[[nodiscard]] YamlNode yaml_list(std::vector<YamlNode> items);
[[nodiscard]] YamlNode yaml_map(std::vector<std::pair<std::string, YamlNode>> entries);

/// Writes a tree so that readers of YAML 1.1 and 1.2 find the same in it: what another reader might take for a number,
/// a boolean or a date is quoted. Ends with a newline.
[[nodiscard]] std::string write_yaml(const YamlNode& node);
/// The same in one line: `{a: 1, b: [x, y]}`.
[[nodiscard]] std::string write_yaml_inline(const YamlNode& node);
/// The tree as JSON, indented. Scalars that are not quoted must be JSON's own words: numbers, true, false.
[[nodiscard]] std::string write_json(const YamlNode& node);

}  // namespace tocsin::core
