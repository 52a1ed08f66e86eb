// YAML as a tree of values that know where they stand. yaml-cpp stays behind this header.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tocsin/core/source.hpp"

namespace tocsin::core {

struct YamlNode {
  enum class Kind { null, scalar, list, map };
  Kind kind = Kind::null;
  std::string scalar;   // as written, unquoted
  bool quoted = false;  // a quoted scalar is never a number or a boolean
  std::vector<YamlNode> items;                          // of a list
  std::vector<std::pair<YamlNode, YamlNode>> entries;   // of a map, in order; keys are scalars
  Position at;

  /// The value at a key of a map, or null.
  [[nodiscard]] const YamlNode* find(std::string_view key) const;
};

struct YamlDocument {
  std::shared_ptr<const SourceFile> file;
  YamlNode root;  // null for an empty file
};

/// Parses the first document of a text. Syntax errors, duplicate keys, keys that are no scalars, tabs, nesting over 64 levels,
/// alias expansion over 100,000 nodes: each goes to `diagnostics` with its place. A second document is a warning.
[[nodiscard]] YamlDocument parse_yaml(std::shared_ptr<const SourceFile> file, Diagnostics& diagnostics);

/// Reads a file of at most 16 MiB and parses it; an unreadable file is a diagnostic.
[[nodiscard]] YamlDocument load_yaml(const std::string& path, Diagnostics& diagnostics);

}  // namespace tocsin::core
