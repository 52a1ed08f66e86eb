// Writing YAML and JSON.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>

#include "printable.hpp"
#include "tocsin/core/utf8.hpp"
#include "tocsin/core/yaml.hpp"

namespace tocsin::core {
namespace {

/// Words that YAML 1.1 takes for a boolean or null (its types `bool` and `null`), in lower case.
constexpr std::array<std::string_view, 9> special_words{"y", "n", "yes", "no", "on", "off", "true", "false", "null"};

bool is_plain(std::string_view text) {
  if (text.empty() || text.size() > 200) return false;
  const auto first = static_cast<unsigned char>(text.front());
  if (std::isalpha(first) == 0 && first != '/' && first != '_') return false;
  const bool calm = std::all_of(text.begin(), text.end(), [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 ||
           std::string_view("_./@+-:=").find(c) != std::string_view::npos;
  });
  if (!calm || text.ends_with(':') || text == "_") return false;
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](char c) { return static_cast<char>(std::tolower(static_cast<unsigned char>(c))); });
  return std::find(special_words.begin(), special_words.end(), lower) == special_words.end();
}

std::string quoted(std::string_view text, bool json) {
  std::string out = "\"";
  while (!text.empty()) {
    const CodePoint c = decode_utf8(text);
    if (c.length == 0) {
      out += "\\ufffd";
    } else if (c.value == '"' || c.value == '\\') {
      out += fmt::format("\\{}", text[0]);
    } else if (c.value == '\n') {
      out += "\\n";
    } else if (c.value == '\t') {
      out += "\\t";
    } else if (!is_yaml_printable(c.value) || c.value == 0x85 || c.value == 0x2028 || c.value == 0x2029) {
      out += json || c.value > 0xff ? fmt::format("\\u{:04x}", c.value) : fmt::format("\\x{:02x}", c.value);
    } else {
      out += text.substr(0, c.length);
    }
    text.remove_prefix(std::max<std::size_t>(c.length, 1));
  }
  return out + "\"";
}

/// A word that stands for itself, such as -1.5, 15s or true. Plain text of a file that is more than that gets quotes.
bool is_word(std::string_view text) {
  if (text.empty() || text.size() > 200 || text.ends_with(':') || text.starts_with("--") || text.starts_with(".."))
    return false;
  if (std::string_view("@%:=").find(text.front()) != std::string_view::npos || text == "-" || text == "~") return false;
  return std::all_of(text.begin(), text.end(), [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 ||
           std::string_view("_./@+-:=%~").find(c) != std::string_view::npos;
  });
}

std::string scalar(const YamlNode& node) {
  if (node.kind == YamlNode::Kind::null) return "null";
  if (node.quoted ? is_plain(node.scalar) : is_word(node.scalar)) return node.scalar;
  return quoted(node.scalar, false);
}

bool is_leaf(const YamlNode& node) {
  return node.kind == YamlNode::Kind::null || node.kind == YamlNode::Kind::scalar ||
         (node.items.empty() && node.entries.empty());
}

/// A list of scalars that fits into a line stays on one.
bool is_short(const YamlNode& node) {
  if (node.kind != YamlNode::Kind::list) return is_leaf(node);
  std::size_t length = 0;
  for (const YamlNode& item : node.items) {
    if (!is_leaf(item)) return false;
    length += item.scalar.size() + 2;
  }
  return length < 100;
}

void write(const YamlNode& node, std::size_t indent, std::string& out);

void write_value(const YamlNode& node, std::size_t indent, std::string& out) {
  if (is_short(node)) {
    out += " " + write_yaml_inline(node) + "\n";
  } else {
    out += "\n";
    write(node, indent, out);
  }
}

void write(const YamlNode& node, std::size_t indent, std::string& out) {
  const std::string pad(indent, ' ');
  if (node.kind == YamlNode::Kind::map && !node.entries.empty()) {
    for (const auto& [key, value] : node.entries) {
      out += pad + scalar(key) + ":";
      write_value(value, indent + 2, out);
    }
  } else if (node.kind == YamlNode::Kind::list && !node.items.empty()) {
    for (const YamlNode& item : node.items) {
      std::string text;
      if (is_short(item)) {
        text = write_yaml_inline(item) + "\n";
      } else {
        write(item, indent + 2, text);
        text.erase(0, indent + 2);
      }
      out += pad + "- " + text;
    }
  } else {
    out += pad + write_yaml_inline(node) + "\n";
  }
}

void json(const YamlNode& node, std::size_t indent, std::string& out) {
  const std::string pad(indent + 2, ' ');
  const bool map = node.kind == YamlNode::Kind::map;
  if (node.kind == YamlNode::Kind::null) {
    out += "null";
  } else if (node.kind == YamlNode::Kind::scalar) {
    out += node.quoted ? quoted(node.scalar, true) : node.scalar;
  } else if (is_leaf(node)) {
    out += map ? "{}" : "[]";
  } else {
    bool first = true;
    const auto next = [&] {
      out += (first ? "\n" : ",\n") + pad;
      first = false;
    };
    out += map ? "{" : "[";
    for (const auto& [key, value] : node.entries) {
      next();
      out += quoted(key.scalar, true) + ": ";
      json(value, indent + 2, out);
    }
    for (const YamlNode& item : node.items) {
      next();
      json(item, indent + 2, out);
    }
    out += "\n" + std::string(indent, ' ') + (map ? "}" : "]");
  }
}

}  // namespace

YamlNode yaml_word(std::string word) {
  YamlNode node;
  node.kind = YamlNode::Kind::scalar;
  node.scalar = std::move(word);
  return node;
}

YamlNode yaml_text(std::string text) {
  YamlNode node = yaml_word(std::move(text));
  node.quoted = true;
  return node;
}

YamlNode yaml_list(std::vector<YamlNode> items) {
  YamlNode node;
  node.kind = YamlNode::Kind::list;
  node.items = std::move(items);
  return node;
}

YamlNode yaml_map(std::vector<std::pair<std::string, YamlNode>> entries) {
  YamlNode node;
  node.kind = YamlNode::Kind::map;
  for (auto& [key, value] : entries) node.entries.emplace_back(yaml_text(std::move(key)), std::move(value));
  return node;
}

std::string write_yaml(const YamlNode& node) {
  std::string out;
  write(node, 0, out);
  return out;
}

std::string write_yaml_inline(const YamlNode& node) {
  if (node.kind == YamlNode::Kind::null || node.kind == YamlNode::Kind::scalar) return scalar(node);
  const bool map = node.kind == YamlNode::Kind::map;
  std::string out = map ? "{" : "[";
  for (const auto& [key, value] : node.entries) {
    out += (out.size() > 1 ? ", " : "") + scalar(key) + ": " + write_yaml_inline(value);
  }
  for (const YamlNode& item : node.items) out += (out.size() > 1 ? ", " : "") + write_yaml_inline(item);
  return out + (map ? "}" : "]");
}

std::string write_json(const YamlNode& node) {
  std::string out;
  json(node, 0, out);
  return out + "\n";
}

}  // namespace tocsin::core
