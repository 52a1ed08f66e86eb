#include "tocsin/core/fields.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <filesystem>

#include "printable.hpp"
#include "tocsin/core/number.hpp"

namespace tocsin::core {
namespace {

constexpr std::array<std::string_view, 4> yaml11_booleans{"yes", "no", "on", "off"};  // y and n hardly any reader knows

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return out;
}

bool is_yaml11_boolean(const YamlNode& node) {
  return !node.quoted &&
         std::find(yaml11_booleans.begin(), yaml11_booleans.end(), lower(node.scalar)) != yaml11_booleans.end();
}

std::string kind_word(YamlNode::Kind kind) {
  switch (kind) {
    case YamlNode::Kind::null:
      return "nothing";
    case YamlNode::Kind::scalar:
      return "a single value";
    case YamlNode::Kind::list:
      return "a list";
    case YamlNode::Kind::map:
      break;
  }
  return "a map";
}

bool is_variable_name(std::string_view name) { return is_label_name(name); }

/// The first of `candidates` that `word` may have been meant for, as the end of a message.
std::string did_you_mean(std::string_view word, const std::vector<std::string_view>& candidates) {
  const auto near = nearest(word, candidates);
  return near.empty() ? "" : " (did you mean \"" + std::string(near) + "\"?)";
}

std::string joined(const std::vector<std::string>& words, std::string_view last) {
  std::string out;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (i > 0) out += i + 1 == words.size() ? " " + std::string(last) + " " : ", ";
    out += words[i];
  }
  return out;
}

}  // namespace

bool Place::has(std::string_view key) const {
  return std::any_of(keys.begin(), keys.end(), [key](const auto& entry) { return entry.first == key; });
}

Position Place::of(std::string_view key) const {
  const auto it = std::find_if(keys.begin(), keys.end(), [key](const auto& entry) { return entry.first == key; });
  return it == keys.end() ? at : it->second;
}

void FieldReader::key_error(Position at, const std::string& message) {
  error(at, key_.empty() ? message : "\"" + key_ + "\" " + message);
}

std::optional<std::string> FieldReader::scalar(const YamlNode& node, std::string_view wanted) {
  if (node.kind != YamlNode::Kind::scalar) {
    key_error(node.at,
              "needs " + std::string(wanted) +
                  (node.kind == YamlNode::Kind::null ? ", and there is nothing" : ", not " + kind_word(node.kind)));
    return std::nullopt;
  }
  if (!environment_) return node.scalar;
  const std::string& text = node.scalar;
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char next = i + 1 < text.size() ? text[i + 1] : '\0';
    if (text[i] != '$' || (next != '$' && next != '{')) {
      out += text[i];
    } else if (next == '$') {
      out += '$';
      ++i;
    } else {
      const auto end = text.find('}', i);
      const std::string name = end == std::string::npos ? "" : text.substr(i + 2, end - i - 2);
      if (!is_variable_name(name)) {
        key_error(node.at, "has a ${ that names no variable (write ${NAME}, or $${ for the characters themselves)");
        return std::nullopt;
      }
      const auto variable = environment_->find(name);
      if (variable == environment_->end()) {
        key_error(node.at, "uses the variable " + name + ", which is not set in the environment (write $${" + name +
                               "} for the characters themselves)");
        return std::nullopt;
      }
      if (find_unprintable(variable->second)) {
        key_error(node.at, "uses the variable " + name + ", whose value is not plain UTF-8 text");
        return std::nullopt;
      }
      out += variable->second;
      i = end;
    }
  }
  return out;
}

std::string FieldReader::resolve(const std::string& path) const {
  if (path.empty() || path.front() == '/') return path;
  std::error_code ignored;
  const auto file = std::filesystem::absolute(file_->name, ignored);
  return (file.parent_path() / path).lexically_normal().string();
}

Shape::Shape() = default;
Shape::Shape(std::string says, YamlNode schema_of, std::vector<std::shared_ptr<const SectionDoc>> parts_of)
    : word(std::move(says)), schema(std::move(schema_of)), parts(std::move(parts_of)) {}
Shape::Shape(const Shape& other) = default;
Shape::Shape(Shape&& other) noexcept = default;
Shape& Shape::operator=(const Shape& other) = default;
Shape& Shape::operator=(Shape&& other) noexcept = default;
Shape::~Shape() = default;

FieldDoc::FieldDoc() = default;
FieldDoc::FieldDoc(const FieldDoc& other) = default;
FieldDoc::FieldDoc(FieldDoc&& other) noexcept = default;
FieldDoc& FieldDoc::operator=(const FieldDoc& other) = default;
FieldDoc& FieldDoc::operator=(FieldDoc&& other) noexcept = default;
FieldDoc::~FieldDoc() = default;

YamlNode write_text(const std::string& value) {
  std::string out;
  for (std::size_t i = 0; i < value.size(); ++i) {
    out += value[i];
    if (value[i] == '$' && i + 1 < value.size() && (value[i + 1] == '$' || value[i + 1] == '{')) out += '$';
  }
  return yaml_text(std::move(out));
}

namespace fields {

bool accept(FieldReader& reader, const YamlNode& node, const std::optional<std::string>& wrong) {
  if (wrong) reader.key_error(node.at, *wrong);
  return !wrong;
}

namespace {

void check_known(FieldReader& reader, const YamlNode& node, const SectionDoc& doc, const Rules& rules) {
  std::vector<std::string_view> names;
  for (const FieldDoc& field : doc.fields) names.push_back(field.name);
  for (const auto& [key, value] : node.entries) {
    if (std::find(names.begin(), names.end(), key.scalar) != names.end()) continue;
    if (std::find(rules.later.begin(), rules.later.end(), key.scalar) != rules.later.end()) {
      reader.error(key.at, "\"" + key.scalar + "\" is not supported in this version");
    } else {
      reader.error(key.at, "unknown key \"" + key.scalar + "\" in " + doc.name + did_you_mean(key.scalar, names));
    }
  }
}

void check_exclusive(FieldReader& reader, const YamlNode& node, const std::vector<std::string>& group) {
  std::string first;
  for (const auto& [key, value] : node.entries) {
    if (std::find(group.begin(), group.end(), key.scalar) == group.end()) continue;
    if (!first.empty()) reader.error(key.at, "\"" + key.scalar + "\" and \"" + first + "\" exclude each other");
    first = key.scalar;
  }
}

}  // namespace

bool read_rows(FieldReader& reader, const YamlNode& node, const SectionDoc& doc, const Rules& rules, bool whole,
               const std::function<void(std::size_t row, const YamlNode&)>& read_row) {
  if (node.kind != YamlNode::Kind::null && node.kind != YamlNode::Kind::map) {
    reader.error(node.at, "\"" + doc.name + "\" needs a map of keys and values, not " + kind_word(node.kind));
    return false;
  }
  check_known(reader, node, doc, rules);
  for (const FieldDoc& field : doc.fields) {
    if (whole && field.required && !node.find(field.name)) {
      reader.error(node.at, doc.name + " needs \"" + field.name + "\"");
    }
  }
  for (const auto& group : rules.exclusive) check_exclusive(reader, node, group);
  for (const auto& [key, value] : node.entries) {
    const auto row = std::find_if(doc.fields.begin(), doc.fields.end(),
                                  [&name = key.scalar](const FieldDoc& field) { return field.name == name; });
    if (row == doc.fields.end()) continue;
    const std::string outer = reader.enter(key.scalar);
    read_row(static_cast<std::size_t>(row - doc.fields.begin()), value);
    reader.enter(outer);
  }
  return true;
}

YamlNode write_rows(const SectionDoc& doc, const std::function<YamlNode(std::size_t row)>& write_row) {
  std::vector<std::pair<std::string, YamlNode>> entries;
  for (std::size_t row = 0; row < doc.fields.size(); ++row) {
    YamlNode written = write_row(row);
    if (written.kind != YamlNode::Kind::null) entries.emplace_back(doc.fields[row].name, std::move(written));
  }
  return yaml_map(std::move(entries));
}

YamlNode written_out(const YamlNode& scalar, const std::string& key) {
  YamlNode name = yaml_word(key);
  name.at = scalar.at;
  YamlNode whole = yaml_map({});
  whole.at = scalar.at;
  whole.entries.emplace_back(std::move(name), scalar);
  return whole;
}

Place place_of(const FieldReader& reader, const YamlNode& node) {
  Place place{reader.file(), node.at, {}};
  for (const auto& [key, value] : node.entries) place.keys.emplace_back(key.scalar, value.at);
  return place;
}

bool want(FieldReader& reader, const YamlNode& node, YamlNode::Kind kind, std::string_view wanted) {
  // `targets:` with nothing behind it is an empty list.
  if (node.kind == kind || node.kind == YamlNode::Kind::null) return true;
  reader.key_error(node.at, "needs " + std::string(wanted) + ", not " + kind_word(node.kind));
  return false;
}

bool no_choice(FieldReader& reader, Position at, const std::string& text, const std::vector<std::string>& words) {
  const auto near = nearest(text, {words.begin(), words.end()});
  reader.key_error(at, "is " + joined(words, "or") + ", not \"" + text + "\"" +
                           (near.empty() ? "" : " (did you mean \"" + std::string(near) + "\"?)"));
  return false;
}

}  // namespace fields

Type<std::string> text() {
  Type<std::string> type;
  type.shape = fields::text_shape("text", "");
  type.read = [](FieldReader& reader, const YamlNode& node, std::string& into) {
    auto value = reader.scalar(node, "text");
    if (!value) return false;
    if (is_yaml11_boolean(node)) {
      reader.warning(node.at, "some readers of YAML take " + node.scalar + " without quotes for a boolean (write \"" +
                                  node.scalar + "\")");
    }
    into = std::move(*value);
    return true;
  };
  type.write = [](const std::string& value) { return value.empty() ? YamlNode{} : write_text(value); };
  return type;
}

Type<std::string> path() {
  Type<std::string> type;
  type.shape = fields::text_shape("file", "");
  type.read = [](FieldReader& reader, const YamlNode& node, std::string& into) {
    const auto value = reader.scalar(node, "the name of a file");
    if (!value) return false;
    into = reader.resolve(*value);
    return true;
  };
  type.write = text().write;
  return type;
}

Type<bool> boolean() {
  Type<bool> type;
  type.shape.word = "true or false";
  type.shape.schema = yaml_map({{"type", yaml_text("boolean")}});
  type.read = [](FieldReader& reader, const YamlNode& node, bool& into) {
    const auto value = reader.scalar(node, "true or false");
    if (!value) return false;
    if (!node.quoted && (*value == "true" || *value == "false")) {
      into = *value == "true";
      return true;
    }
    const std::string word = lower(*value);
    const bool yes = word == "yes" || word == "on" || word == "true" || word == "1" || word == "y";
    const bool no = word == "no" || word == "off" || word == "false" || word == "0" || word == "n";
    reader.key_error(node.at, "is true or false, not \"" + node.scalar + "\"" +
                                  (yes || no ? std::string(" (write ") + (yes ? "true)" : "false)") : ""));
    return false;
  };
  type.write = [](const bool& value) { return yaml_word(value ? "true" : "false"); };
  return type;
}

Type<Duration> duration() {
  Type<Duration> type;
  type.shape.word = "duration";
  type.shape.schema = yaml_map({{"$ref", yaml_text("#/definitions/duration")}});
  type.read = [](FieldReader& reader, const YamlNode& node, Duration& into) {
    const auto value = reader.scalar(node, "a duration such as 15s");
    if (!value) return false;
    const auto parsed = parse_duration(*value);
    if (!parsed) {
      const bool bare =
          !value->empty() && std::all_of(value->begin(), value->end(), [](char c) { return c >= '0' && c <= '9'; });
      reader.key_error(node.at, bare ? "needs a unit (write " + *value + "s, " + *value + "ms, " + *value + "m)"
                                     : "is a duration such as 500ms, 15s or 1h30m, not \"" + node.scalar + "\"");
      return false;
    }
    into = *parsed;
    return true;
  };
  type.write = [](const Duration& value) { return yaml_word(format_duration(value)); };
  return type;
}

Type<std::uint64_t> byte_count() {
  Type<std::uint64_t> type;
  type.shape.word = "size";
  type.shape.schema = yaml_map({{"$ref", yaml_text("#/definitions/size")}});
  type.read = [](FieldReader& reader, const YamlNode& node, std::uint64_t& into) {
    const auto value = reader.scalar(node, "a size such as 512MiB");
    if (!value) return false;
    const auto parsed = parse_bytes(*value);
    if (!parsed) {
      reader.key_error(node.at, "is a size such as 512MiB, 1.5GB or 1024, not \"" + node.scalar + "\"");
      return false;
    }
    into = *parsed;
    return true;
  };
  type.write = [](const std::uint64_t& value) {
    static constexpr std::array<std::pair<std::uint64_t, std::string_view>, 3> units{
        {{1ULL << 30U, "GiB"}, {1ULL << 20U, "MiB"}, {1ULL << 10U, "KiB"}}};
    for (const auto& [size, name] : units) {
      if (value >= size && value % size == 0) return yaml_word(std::to_string(value / size) + std::string(name));
    }
    return yaml_word(std::to_string(value));
  };
  return type;
}

namespace {

/// A decimal number as a whole, or nothing.
std::optional<double> finite_number(std::string_view text) {
  const auto value = parse_number<double>(text);
  return value && std::isfinite(*value) ? value : std::nullopt;
}

YamlNode or_variable(YamlNode schema) {
  return yaml_map(
      {{"anyOf", yaml_list({std::move(schema), yaml_map({{"$ref", yaml_text("#/definitions/variable")}})})}});
}

Type<double> real(std::string word, std::string example, bool percent) {
  Type<double> type;
  type.shape.word = word;
  type.shape.schema = percent ? yaml_map({{"type", yaml_list({yaml_text("number"), yaml_text("string")})}})
                              : or_variable(yaml_map({{"type", yaml_text("number")}}));
  type.read = [word, example, percent](FieldReader& reader, const YamlNode& node, double& into) {
    const auto value = reader.scalar(node, "a number such as " + example);
    if (!value) return false;
    std::string_view digits = *value;
    const bool hundredths = percent && digits.ends_with('%');
    if (hundredths) digits.remove_suffix(1);
    const auto parsed = finite_number(digits);
    if (!parsed) {
      reader.key_error(node.at, "is a number such as " + example + ", not \"" + node.scalar + "\"");
      return false;
    }
    into = hundredths ? *parsed / 100 : *parsed;
    return true;
  };
  type.write = [](const double& value) { return yaml_word(format_value(value)); };
  return type;
}

}  // namespace

Type<double> number() { return real("number", "0.5", false); }
Type<double> ratio() { return real("ratio", "80% or 0.8", true); }

Type<std::int64_t> whole_number(std::int64_t least, std::int64_t most) {
  Type<std::int64_t> type;
  type.shape.word = "number";
  YamlNode schema = yaml_map({{"type", yaml_text("integer")}});
  if (least > std::numeric_limits<std::int64_t>::min())
    fields::limit(schema, "minimum", yaml_word(std::to_string(least)));
  type.shape.schema = or_variable(std::move(schema));
  type.read = [least, most](FieldReader& reader, const YamlNode& node, std::int64_t& into) {
    const auto value = reader.scalar(node, "a whole number");
    if (!value) return false;
    const std::string_view digits =
        value->starts_with('-') ? std::string_view(*value).substr(1) : std::string_view(*value);
    std::int64_t parsed = 0;
    const auto [end, ec] = std::from_chars(value->data(), value->data() + value->size(), parsed);
    if (digits.size() > 1 && digits.front() == '0') {
      reader.key_error(node.at, "begins with 0, which YAML may read as octal (leave the 0 out)");
    } else if (ec == std::errc::result_out_of_range) {
      reader.key_error(node.at, "is too large");
    } else if (ec != std::errc() || end != value->data() + value->size()) {
      reader.key_error(node.at, "is a whole number, not \"" + node.scalar + "\"");
    } else if (parsed < least || parsed > most) {
      reader.key_error(node.at, "must be " + (parsed < least ? "at least " + std::to_string(least)
                                                             : "at most " + std::to_string(most)));
    } else {
      into = parsed;
      return true;
    }
    return false;
  };
  type.write = [](const std::int64_t& value) { return yaml_word(std::to_string(value)); };
  return type;
}

Type<Labels> labels() {
  const auto pairs = map_of(text(), "label");
  Type<Labels> type;
  type.shape = pairs.shape;
  type.read = [pairs](FieldReader& reader, const YamlNode& node, Labels& into) {
    std::vector<std::pair<std::string, std::string>> read;
    bool good = pairs.read(reader, node, read);
    for (const auto& [key, value] : node.entries) {
      if (is_label_name(key.scalar) && !key.scalar.starts_with("__")) continue;
      reader.error(key.at,
                   "\"" + key.scalar + "\" is not a label's name (letters, digits and _, no digit first, no __ first)");
      good = false;
    }
    if (!good) return false;
    into = {};
    for (const auto& [name, value] : read) into.set(name, value);
    return true;
  };
  type.write = [pairs](const Labels& labels) {
    std::vector<std::pair<std::string, std::string>> all;
    for (const Label& label : labels) all.emplace_back(label.name, label.value);
    return pairs.write(all);
  };
  return type;
}

Type<SecretSource> secret_text() {
  Type<SecretSource> type;
  type.shape = fields::text_shape("secret", "");
  type.read = [](FieldReader& reader, const YamlNode& node, SecretSource& into) {
    reader.conceal(node.at);
    auto value = reader.scalar(node, "text");
    if (!value) return false;
    into.value = Secret(std::move(*value));
    return true;
  };
  type.write = [](const SecretSource& source) { return source.value.empty() ? YamlNode{} : yaml_text("<secret>"); };
  return type;
}

Type<SecretSource> secret_file() {
  const auto name = path();
  Type<SecretSource> type;
  type.shape = fields::text_shape("file", "");
  type.read = [name](FieldReader& reader, const YamlNode& node, SecretSource& into) {
    return name.read(reader, node, into.file);
  };
  type.write = [name](const SecretSource& source) { return name.write(source.file); };
  return type;
}

}  // namespace tocsin::core
