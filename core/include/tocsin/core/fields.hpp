// One table of fields describes a section of a YAML file: it reads the section (with defaults, constraints, and an
// error for every mistake at its place), writes it, and makes its JSON Schema and its documentation.
//
//   struct Web { std::string listen = "127.0.0.1:9477"; core::Duration timeout{1000}; core::Place place; };
//   const auto web = core::Section<Web>("web", "The HTTP server.", {
//       core::field("listen", &Web::listen).doc("Where to listen."),
//       core::field("timeout", &Web::timeout).doc("How long a request may take.").least(core::Duration{1}),
//   });
//   core::FieldReader reader(document.file, diagnostics);
//   Web value; web.read(reader, document.root, value);
#pragma once

#include <concepts>
#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "tocsin/core/duration.hpp"
#include "tocsin/core/labels.hpp"
#include "tocsin/core/secret.hpp"
#include "tocsin/core/source.hpp"
#include "tocsin/core/yaml.hpp"

namespace tocsin::core {

/// Where a section stood and which keys it had: for checks after reading. A section type that has a member `Place
/// place` gets it filled.
struct Place {
  std::shared_ptr<const SourceFile> file;
  Position at;
  std::vector<std::pair<std::string, Position>> keys;  // as given, with the places of their values

  [[nodiscard]] bool has(std::string_view key) const;
  /// Of the value at that key; of the section where the key is not given.
  [[nodiscard]] Position of(std::string_view key) const;
};

/// A value that remembers where it stood.
template <class V>
struct Located {
  V value{};
  Position at;
};

/// What types need while they read: where errors go, and what ${VAR} stands for.
class FieldReader {
 public:
  using Environment = std::map<std::string, std::string>;
  /// Without an environment, `$` means nothing in scalars.
  FieldReader(std::shared_ptr<const SourceFile> file, Diagnostics& diagnostics,
              const Environment* environment = nullptr)
      : file_(std::move(file)), diagnostics_(diagnostics), environment_(environment) {}

  void error(Position at, std::string message) { diagnostics_.error(file_, at, std::move(message)); }
  void warning(Position at, std::string message) { diagnostics_.warning(file_, at, std::move(message)); }
  /// The same with the name of the key that is being read in front.
  void key_error(Position at, const std::string& message);
  void conceal(Position at) { diagnostics_.conceal(file_, at); }

  /// The text of a scalar with ${VAR} replaced, `$$` for `$`. Nothing, and an error, if it is no scalar or a variable
  /// is not set. `wanted` completes "needs ...".
  [[nodiscard]] std::optional<std::string> scalar(const YamlNode& node, std::string_view wanted);
  /// `text` beside the file that is read, unless it is absolute.
  [[nodiscard]] std::string resolve(const std::string& path) const;

  [[nodiscard]] const std::shared_ptr<const SourceFile>& file() const { return file_; }
  [[nodiscard]] Diagnostics& diagnostics() { return diagnostics_; }
  [[nodiscard]] const std::string& key() const { return key_; }
  /// Sets the name that errors speak of; returns the one before.
  std::string enter(std::string key) { return std::exchange(key_, std::move(key)); }

 private:
  std::shared_ptr<const SourceFile> file_;
  Diagnostics& diagnostics_;
  const Environment* environment_;
  std::string key_;
};

/// What documentation and schema say of a type.
struct FieldDoc;
struct SectionDoc {
  std::string name;  // also its definition's name in the schema
  std::string doc;
  std::vector<FieldDoc> fields;
};
struct Shape {
  std::string word;                                      // "duration", "list of text"
  YamlNode schema;                                       // JSON Schema
  std::vector<std::shared_ptr<const SectionDoc>> parts;  // sections that it refers to

  // Not inline, as YamlNode's.
  Shape();
  Shape(std::string says, YamlNode schema_of, std::vector<std::shared_ptr<const SectionDoc>> parts_of);
  Shape(const Shape& other);
  Shape(Shape&& other) noexcept;
  Shape& operator=(const Shape& other);
  Shape& operator=(Shape&& other) noexcept;
  ~Shape();
};
struct FieldDoc {
  std::string name;
  std::string doc;
  Shape shape;
  bool required = false;
  std::string fallback;    // the default in words, or as it would be written; empty: none
  std::string constraint;  // "at least 100ms"

  FieldDoc();
  FieldDoc(const FieldDoc& other);
  FieldDoc(FieldDoc&& other) noexcept;
  FieldDoc& operator=(const FieldDoc& other);
  FieldDoc& operator=(FieldDoc&& other) noexcept;
  ~FieldDoc();
};

/// A value's type: how it is read, written and described. Types are values; make your own with `text_as` or by hand.
template <class V>
struct Type {
  /// False after an error was reported; `into` keeps what it had.
  std::function<bool(FieldReader&, const YamlNode&, V& into)> read;
  /// Null where there is nothing to write.
  std::function<YamlNode(const V&)> write;
  Shape shape;
};

[[nodiscard]] Type<std::string> text();
/// A file: relative to the file that names it.
[[nodiscard]] Type<std::string> path();
[[nodiscard]] Type<bool> boolean();
[[nodiscard]] Type<Duration> duration();
/// `512MiB`.
[[nodiscard]] Type<std::uint64_t> byte_count();
[[nodiscard]] Type<double> number();
/// `80%` or `0.8`.
[[nodiscard]] Type<double> ratio();
/// Names and values; names that begin with two underscores are refused.
[[nodiscard]] Type<Labels> labels();
/// A secret in place, and the file that holds one: two fields over one SecretSource.
[[nodiscard]] Type<SecretSource> secret_text();
[[nodiscard]] Type<SecretSource> secret_file();
[[nodiscard]] Type<std::int64_t> whole_number(std::int64_t least, std::int64_t most);

/// What `${VAR}` and quoting leave of the writer's side: text as a scalar that reads back the same.
[[nodiscard]] YamlNode write_text(const std::string& value);

/// The parts of Section that know no types.
namespace fields {
struct Rules {
  std::vector<std::vector<std::string>> exclusive;
  std::vector<std::string> later;
};
/// Reports unknown, missing (in a whole section) and exclusive keys, and hands each known one to its row. False where
/// the node is no map.
bool read_rows(FieldReader& reader, const YamlNode& node, const SectionDoc& doc, const Rules& rules, bool whole,
               const std::function<void(std::size_t row, const YamlNode&)>& read_row);
[[nodiscard]] YamlNode write_rows(const SectionDoc& doc, const std::function<YamlNode(std::size_t row)>& write_row);
/// A scalar in a section's place as the map that it stands for.
[[nodiscard]] YamlNode written_out(const YamlNode& scalar, const std::string& key);
[[nodiscard]] Place place_of(const FieldReader& reader, const YamlNode& node);
[[nodiscard]] Shape section_shape(const SectionDoc& doc, std::string_view shorthand);
[[nodiscard]] YamlNode string_schema(std::string pattern = {});
[[nodiscard]] Shape list_shape(const Shape& item, bool or_one);
[[nodiscard]] Shape map_shape(const Shape& item, const std::string& key_word);
[[nodiscard]] Shape choice_shape(const std::vector<std::string>& words);
[[nodiscard]] Shape text_shape(std::string word, std::string pattern);
bool no_choice(FieldReader& reader, Position at, const std::string& text, const std::vector<std::string>& words);
bool want(FieldReader& reader, const YamlNode& node, YamlNode::Kind kind, std::string_view wanted);
void limit(YamlNode& schema, std::string_view name, const YamlNode& value);
/// A bound on what is read: into the row's documentation and schema. Gives what is wrong with a value that breaks it.
[[nodiscard]] std::string limit(FieldDoc& doc, Shape& shape, std::string_view words, std::string_view schema_word,
                                const YamlNode& bound);
/// What documentation says of the default, where the row does not: the value that a section without keys has.
void document_default(FieldDoc& doc, const YamlNode& written);
/// False, with an error at the node, if something is wrong.
bool accept(FieldReader& reader, const YamlNode& node, const std::optional<std::string>& wrong);

/// A type whose values must hold a condition besides.
template <class V>
void restrict_to(Type<V>& type, std::function<std::optional<std::string>(const V&)> wrong) {
  type.read = [read = std::move(type.read), wrong = std::move(wrong)](FieldReader& reader, const YamlNode& node,
                                                                      V& into) {
    return read(reader, node, into) && accept(reader, node, wrong(into));
  };
}
}  // namespace fields

/// A value made of text: `parse` gives the value, or what is wrong in words that follow the key's name.
template <class V>
[[nodiscard]] Type<V> text_as(std::string word, std::string pattern,
                              std::function<std::variant<V, std::string>(const std::string&)> parse,
                              std::function<std::string(const V&)> print) {
  Type<V> type;
  type.shape = fields::text_shape(word, std::move(pattern));
  type.read = [word = std::move(word), parse = std::move(parse)](FieldReader& reader, const YamlNode& node, V& into) {
    const auto text = reader.scalar(node, word);
    if (!text) return false;
    auto parsed = parse(*text);
    if (const auto* wrong = std::get_if<1>(&parsed)) {
      reader.key_error(node.at, *wrong);
      return false;
    }
    into = std::get<0>(std::move(parsed));
    return true;
  };
  type.write = [print = std::move(print)](const V& value) { return write_text(print(value)); };
  return type;
}

/// One of some words.
template <class E>
[[nodiscard]] Type<E> choice(std::vector<std::pair<std::string, E>> choices) {
  std::vector<std::string> words;
  for (const auto& [word, value] : choices) words.push_back(word);
  Type<E> type;
  type.shape = fields::choice_shape(words);
  type.read = [choices, words](FieldReader& reader, const YamlNode& node, E& into) {
    const auto text = reader.scalar(node, "one of some words");
    if (!text) return false;
    for (const auto& [word, value] : choices) {
      if (word != *text) continue;
      into = value;
      return true;
    }
    return fields::no_choice(reader, node.at, *text, words);
  };
  type.write = [choices](const E& value) {
    for (const auto& [word, candidate] : choices) {
      if (candidate == value) return yaml_text(word);
    }
    return YamlNode{};
  };
  return type;
}

template <std::integral I>
[[nodiscard]] Type<I> integer(I least = std::numeric_limits<I>::min(), I most = std::numeric_limits<I>::max()) {
  constexpr auto top = std::numeric_limits<std::int64_t>::max();
  const auto upper = std::cmp_greater(most, top) ? top : static_cast<std::int64_t>(most);
  const Type<std::int64_t> whole = whole_number(static_cast<std::int64_t>(least), upper);
  Type<I> type;
  type.shape = whole.shape;
  type.read = [whole](FieldReader& reader, const YamlNode& node, I& into) {
    std::int64_t value = 0;
    if (!whole.read(reader, node, value)) return false;
    into = static_cast<I>(value);
    return true;
  };
  type.write = [](const I& value) { return yaml_word(std::to_string(value)); };
  return type;
}

/// A value that may be left out.
template <class V>
[[nodiscard]] Type<std::optional<V>> maybe(Type<V> inner) {
  Type<std::optional<V>> type;
  type.shape = inner.shape;
  type.write = [write = inner.write](const std::optional<V>& value) { return value ? write(*value) : YamlNode{}; };
  type.read = [read = std::move(inner.read)](FieldReader& reader, const YamlNode& node, std::optional<V>& into) {
    V value{};
    if (!read(reader, node, value)) return false;
    into = std::move(value);
    return true;
  };
  return type;
}

template <class V>
[[nodiscard]] Type<Located<V>> located(Type<V> inner) {
  Type<Located<V>> type;
  type.shape = inner.shape;
  type.write = [write = inner.write](const Located<V>& value) { return write(value.value); };
  type.read = [read = std::move(inner.read)](FieldReader& reader, const YamlNode& node, Located<V>& into) {
    into.at = node.at;
    return read(reader, node, into.value);
  };
  return type;
}

enum class ListStyle { list, list_or_one };  // list_or_one: a single value may stand without its brackets

template <class V>
[[nodiscard]] Type<std::vector<V>> list_of(Type<V> inner, ListStyle style = ListStyle::list) {
  Type<std::vector<V>> type;
  type.shape = fields::list_shape(inner.shape, style == ListStyle::list_or_one);
  type.read = [read = inner.read, style](FieldReader& reader, const YamlNode& node, std::vector<V>& into) {
    std::vector<V> values;
    bool good = true;
    const auto add = [&](const YamlNode& item) {
      V value{};
      if (read(reader, item, value)) {
        values.push_back(std::move(value));
      } else {
        good = false;
      }
    };
    if (style == ListStyle::list_or_one && node.kind != YamlNode::Kind::list && node.kind != YamlNode::Kind::null) {
      add(node);
    } else {
      if (!fields::want(reader, node, YamlNode::Kind::list, "a list")) return false;
      for (const YamlNode& item : node.items) add(item);
    }
    into = std::move(values);  // also when an item was bad: the others can be checked still
    return good;
  };
  type.write = [write = std::move(inner.write)](const std::vector<V>& values) {
    std::vector<YamlNode> items;
    for (const V& value : values) items.push_back(write(value));
    return items.empty() ? YamlNode{} : yaml_list(std::move(items));
  };
  return type;
}

/// Names and values, in the order of the file.
template <class V>
[[nodiscard]] Type<std::vector<std::pair<std::string, V>>> map_of(Type<V> inner, std::string key_word) {
  using Pairs = std::vector<std::pair<std::string, V>>;
  Type<Pairs> type;
  type.shape = fields::map_shape(inner.shape, key_word);
  type.read = [read = inner.read](FieldReader& reader, const YamlNode& node, Pairs& into) {
    if (!fields::want(reader, node, YamlNode::Kind::map, "a map")) return false;
    Pairs pairs;
    bool good = true;
    for (const auto& [key, value] : node.entries) {
      V read_value{};
      const std::string outer = reader.enter(key.scalar);
      if (read(reader, value, read_value)) {
        pairs.emplace_back(key.scalar, std::move(read_value));
      } else {
        good = false;
      }
      reader.enter(outer);
    }
    into = std::move(pairs);
    return good;
  };
  type.write = [write = std::move(inner.write)](const Pairs& pairs) {
    std::vector<std::pair<std::string, YamlNode>> entries;
    for (const auto& [key, value] : pairs) entries.emplace_back(key, write(value));
    return entries.empty() ? YamlNode{} : yaml_map(std::move(entries));
  };
  return type;
}

/// The type that a C++ type has unless another is named.
template <class V>
struct DefaultType;
template <>
struct DefaultType<std::string> {
  static Type<std::string> get() { return text(); }
};
template <>
struct DefaultType<bool> {
  static Type<bool> get() { return boolean(); }
};
template <>
struct DefaultType<Duration> {
  static Type<Duration> get() { return duration(); }
};
template <>
struct DefaultType<double> {
  static Type<double> get() { return number(); }
};
template <>
struct DefaultType<Labels> {
  static Type<Labels> get() { return labels(); }
};
template <std::integral I>
struct DefaultType<I> {
  static Type<I> get() { return integer<I>(); }
};
template <class V>
struct DefaultType<std::optional<V>> {
  static Type<std::optional<V>> get() { return maybe(DefaultType<V>::get()); }
};
template <class V>
struct DefaultType<std::vector<V>> {
  static Type<std::vector<V>> get() { return list_of(DefaultType<V>::get()); }
};

/// One row of a section's table.
template <class T>
struct Field {
  FieldDoc doc;
  std::function<bool(FieldReader&, const YamlNode&, T&)> read;
  std::function<YamlNode(const T&)> write;
};

/// Builds a row; see `field`.
template <class T, class V>
class FieldBuilder {
 public:
  FieldBuilder(std::string name, V T::*member, Type<V> type) : member_(member), type_(std::move(type)) {
    doc_.name = std::move(name);
  }
  FieldBuilder&& doc(std::string text) && {
    doc_.doc = std::move(text);
    return std::move(*this);
  }
  /// The key must be given.
  FieldBuilder&& required() && {
    doc_.required = true;
    return std::move(*this);
  }
  /// What documentation says of the default, where it is not a fixed value.
  FieldBuilder&& fallback(std::string words) && {
    doc_.fallback = std::move(words);
    return std::move(*this);
  }
  FieldBuilder&& least(V bound) && {
    auto problem = fields::limit(doc_, type_.shape, "at least ", "minimum", type_.write(bound));
    fields::restrict_to<V>(type_, [bound, problem = std::move(problem)](const V& value) {
      return value >= bound ? std::nullopt : std::optional(problem);
    });
    return std::move(*this);
  }
  FieldBuilder&& most(V bound) && {
    auto problem = fields::limit(doc_, type_.shape, "at most ", "maximum", type_.write(bound));
    fields::restrict_to<V>(type_, [bound, problem = std::move(problem)](const V& value) {
      return value <= bound ? std::nullopt : std::optional(problem);
    });
    return std::move(*this);
  }
  /// Any other condition: what is wrong, in words that follow the key's name, or nothing.
  FieldBuilder&& check(std::function<std::optional<std::string>(const V&)> wrong) && {
    fields::restrict_to<V>(type_, std::move(wrong));
    return std::move(*this);
  }

  operator Field<T>() && {  // NOLINT(google-explicit-constructor): a builder is an unfinished field
    Field<T> field;
    field.doc = std::move(doc_);
    field.doc.shape = std::move(type_.shape);
    field.read = [read = std::move(type_.read), member = member_](FieldReader& reader, const YamlNode& node,
                                                                  T& section) {
      return read(reader, node, section.*member);
    };
    field.write = [write = std::move(type_.write), member = member_](const T& section) {
      return write(section.*member);
    };
    return field;
  }

 private:
  FieldDoc doc_;
  V T::*member_;
  Type<V> type_;
};

template <class T, class V>
[[nodiscard]] FieldBuilder<T, V> field(std::string name, V T::*member, Type<V> type) {
  return FieldBuilder<T, V>(std::move(name), member, std::move(type));
}
template <class T, class V>
[[nodiscard]] FieldBuilder<T, V> field(std::string name, V T::*member) {
  return FieldBuilder<T, V>(std::move(name), member, DefaultType<V>::get());
}

/// The rows of a part as rows of the whole that has it as a member: several parts share one section of the file.
template <class T, class S>
[[nodiscard]] std::vector<Field<T>> fields_of(S T::*member, std::vector<Field<S>> rows) {
  std::vector<Field<T>> lifted;
  const S without_keys{};
  for (Field<S>& row : rows) {
    fields::document_default(row.doc, row.write(without_keys));
    Field<T> field;
    field.doc = std::move(row.doc);
    field.read = [read = std::move(row.read), member](FieldReader& reader, const YamlNode& node, T& whole) {
      return read(reader, node, whole.*member);
    };
    field.write = [write = std::move(row.write), member](const T& whole) { return write(whole.*member); };
    lifted.push_back(std::move(field));
  }
  return lifted;
}

/// A table of fields: a section of a file.
template <class T>
class Section {
 public:
  using Check = std::function<void(FieldReader&, const Place&, const T&)>;

  Section(std::string name, std::string doc, std::vector<Field<T>> rows) : fields_(std::move(rows)) {
    doc_.name = std::move(name);
    doc_.doc = std::move(doc);
    const T without_keys{};
    for (Field<T>& field : fields_) {
      fields::document_default(field.doc, field.write(without_keys));
      doc_.fields.push_back(field.doc);
    }
  }
  /// Of these keys at most one may be given.
  Section&& exclusive(std::vector<std::string> keys) && {
    rules_.exclusive.push_back(std::move(keys));
    return std::move(*this);
  }
  /// Keys that a later version will know.
  Section&& later(std::vector<std::string> keys) && {
    rules_.later = std::move(keys);
    return std::move(*this);
  }
  /// A scalar in the section's place is the value of this key.
  Section&& shorthand(std::string key) && {
    shorthand_ = std::move(key);
    return std::move(*this);
  }
  /// Runs after the fields of a section were read without error.
  Section&& check(Check check) && {
    checks_.push_back(std::move(check));
    return std::move(*this);
  }

  /// False after errors. Null counts as a section without keys.
  bool read(FieldReader& reader, const YamlNode& node, T& into) const {
    if (shorthand_.empty() || node.kind != YamlNode::Kind::scalar) return read_map(reader, node, into);
    return read_map(reader, fields::written_out(node, shorthand_), into);
  }
  /// Reads keys over a section that was read before: what is not given stays, and nothing is required.
  bool read_over(FieldReader& reader, const YamlNode& node, T& into) const {
    return read_map(reader, node, into, /*whole=*/false);
  }

  [[nodiscard]] YamlNode write(const T& value) const {
    return fields::write_rows(doc_, [&](std::size_t row) { return fields_[row].write(value); });
  }

  [[nodiscard]] const SectionDoc& doc() const { return doc_; }
  [[nodiscard]] Shape shape() const { return fields::section_shape(doc_, shorthand_); }

 private:
  bool read_map(FieldReader& reader, const YamlNode& node, T& into, bool whole = true) const {
    const std::size_t errors_before = reader.diagnostics().errors();
    const auto read_row = [&](std::size_t row, const YamlNode& value) { fields_[row].read(reader, value, into); };
    if (!fields::read_rows(reader, node, doc_, rules_, whole, read_row)) return false;
    const Place place = fields::place_of(reader, node);
    if constexpr (requires { into.place = place; }) into.place = place;
    if (reader.diagnostics().errors() != errors_before) return false;
    for (const Check& check : checks_) check(reader, place, into);
    return reader.diagnostics().errors() == errors_before;
  }

  std::vector<Field<T>> fields_;
  SectionDoc doc_;
  fields::Rules rules_;
  std::string shorthand_;
  std::vector<Check> checks_;
};

/// A section as a value of a field.
template <class T>
[[nodiscard]] Type<T> section(Section<T> table) {
  const auto shared = std::make_shared<const Section<T>>(std::move(table));
  Type<T> type;
  type.shape = shared->shape();
  type.read = [shared](FieldReader& reader, const YamlNode& node, T& into) { return shared->read(reader, node, into); };
  type.write = [shared](const T& value) {
    YamlNode node = shared->write(value);
    return node.entries.empty() ? YamlNode{} : node;
  };
  return type;
}

/// The JSON Schema (draft-07) of a file whose root is this section.
[[nodiscard]] std::string json_schema(const SectionDoc& root, std::string_view title);
/// A table for the section and for each section that it refers to, in order of appearance.
[[nodiscard]] std::string markdown(const SectionDoc& root);

}  // namespace tocsin::core
