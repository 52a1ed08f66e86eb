// What a table of fields says about itself: JSON Schema and Markdown.
#include <algorithm>

#include "tocsin/core/fields.hpp"

namespace tocsin::core {
namespace {

using Parts = std::vector<std::shared_ptr<const SectionDoc>>;

YamlNode word(std::string text) { return yaml_text(std::move(text)); }
YamlNode reference(const std::string& name) { return yaml_map({{"$ref", word("#/definitions/" + name)}}); }

YamlNode section_schema(const SectionDoc& doc) {
  std::vector<std::pair<std::string, YamlNode>> properties;
  std::vector<YamlNode> required;
  for (const FieldDoc& field : doc.fields) {
    // Beside a $ref draft-07 ignores everything, so the description wraps it.
    YamlNode schema =
        field.shape.schema.find("$ref") ? yaml_map({{"allOf", yaml_list({field.shape.schema})}}) : field.shape.schema;
    schema.entries.emplace_back(word("description"), word(field.doc));
    properties.emplace_back(field.name, std::move(schema));
    if (field.required) required.push_back(word(field.name));
  }
  YamlNode schema = yaml_map({{"type", yaml_list({word("object"), word("null")})},
                              {"description", word(doc.doc)},
                              {"additionalProperties", yaml_word("false")},
                              {"properties", yaml_map(std::move(properties))}});
  if (!required.empty()) {
    schema.entries.emplace_back(word("required"), yaml_list(std::move(required)));
    schema.entries.front().second = word("object");
  }
  return schema;
}

/// Every section that `doc` refers to, each once, in order of appearance.
void collect(const SectionDoc& doc, Parts& into) {
  for (const FieldDoc& field : doc.fields) {
    for (const auto& part : field.shape.parts) {
      if (std::any_of(into.begin(), into.end(), [&part](const auto& known) { return known->name == part->name; }))
        continue;
      into.push_back(part);
      collect(*part, into);
    }
  }
}

std::string cell(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '|') out += '\\';
    out += c == '\n' ? ' ' : c;
  }
  return out;
}

std::string anchor(std::string_view name) {
  std::string out;
  for (const char c : name) {
    if (c == ' ') {
      out += '-';
    } else if (c != '`') {
      out += c;
    }
  }
  return out;
}

std::string type_cell(const FieldDoc& field) {
  std::string out = field.shape.word;
  if (!field.shape.parts.empty()) {
    const std::string& name = field.shape.parts.front()->name;
    if (const auto at = out.find(name); at != std::string::npos)
      out.replace(at, name.size(), "[" + name + "](#" + anchor(name) + ")");
  }
  return cell(out) + (field.constraint.empty() ? "" : ", " + cell(field.constraint));
}

std::string default_cell(const FieldDoc& field) {
  if (field.required) return "*required*";
  // A section's defaults stand in its own table; a default in words is no code.
  if (field.fallback.empty() || (!field.shape.parts.empty() && field.fallback.starts_with('{'))) return "";
  const bool words = field.fallback.find_first_of(" `") != std::string::npos &&
                     field.fallback.find_first_of("{[\"") == std::string::npos;
  return words ? cell(field.fallback) : "`" + cell(field.fallback) + "`";
}

std::string table(const SectionDoc& doc) {
  std::string out = doc.doc + "\n\n| key | type | default | meaning |\n|---|---|---|---|\n";
  for (const FieldDoc& field : doc.fields) {
    out +=
        "| `" + field.name + "` | " + type_cell(field) + " | " + default_cell(field) + " | " + cell(field.doc) + " |\n";
  }
  return out;
}

}  // namespace

namespace fields {

YamlNode string_schema(std::string pattern) {
  // YAML turns 123 and true into other things than strings; as text they are welcome.
  if (pattern.empty()) return yaml_map({{"type", yaml_list({word("string"), word("number"), word("boolean")})}});
  return yaml_map({{"type", word("string")}, {"pattern", word("\\$\\{|" + std::move(pattern))}});
}

Shape text_shape(std::string type_word, std::string pattern) {
  return {std::move(type_word), string_schema(std::move(pattern)), {}};
}

Shape choice_shape(const std::vector<std::string>& words) {
  std::vector<YamlNode> values;
  std::string all;
  for (const std::string& each : words) {
    values.push_back(word(each));
    all += (all.empty() ? "`" : ", `") + each + "`";
  }
  return {all,
          yaml_map({{"anyOf", yaml_list({yaml_map({{"enum", yaml_list(std::move(values))}}), reference("variable")})}}),
          {}};
}

Shape list_shape(const Shape& item, bool or_one) {
  YamlNode schema = yaml_map({{"type", yaml_list({word("array"), word("null")})}, {"items", item.schema}});
  if (or_one) schema = yaml_map({{"anyOf", yaml_list({item.schema, std::move(schema)})}});
  return {(or_one ? item.word + " or list of " : "list of ") + item.word, std::move(schema), item.parts};
}

Shape map_shape(const Shape& item, const std::string& key_word) {
  return {"map of " + key_word + " to " + item.word,
          yaml_map({{"type", yaml_list({word("object"), word("null")})}, {"additionalProperties", item.schema}}),
          item.parts};
}

Shape section_shape(const SectionDoc& doc, std::string_view shorthand) {
  Shape shape{doc.name, reference(doc.name), {std::make_shared<const SectionDoc>(doc)}};
  const auto alone = std::find_if(doc.fields.begin(), doc.fields.end(),
                                  [shorthand](const FieldDoc& field) { return field.name == shorthand; });
  if (alone == doc.fields.end()) return shape;
  shape.word = alone->shape.word + " or " + doc.name;
  shape.schema = yaml_map({{"anyOf", yaml_list({alone->shape.schema, std::move(shape.schema)})}});
  return shape;
}

void limit(YamlNode& schema, std::string_view name, const YamlNode& value) {
  if (const auto any =
          std::find_if(schema.entries.begin(), schema.entries.end(), [](auto& e) { return e.first.scalar == "anyOf"; });
      any != schema.entries.end()) {
    return limit(any->second.items.front(), name, value);
  }
  const YamlNode* type = schema.find("type");
  if (!type || (type->scalar != "integer" && type->scalar != "number")) return;  // durations are text to a schema
  std::erase_if(schema.entries, [name](const auto& entry) { return entry.first.scalar == name; });
  schema.entries.emplace_back(word(std::string(name)), value);
}

std::string limit(FieldDoc& doc, Shape& shape, std::string_view words, std::string_view schema_word,
                  const YamlNode& bound) {
  const std::string constraint = std::string(words) + bound.scalar;
  doc.constraint += (doc.constraint.empty() ? "" : ", ") + constraint;
  limit(shape.schema, schema_word, bound);
  return "must be " + constraint;
}

void document_default(FieldDoc& doc, const YamlNode& written) {
  if (!doc.fallback.empty() || doc.required || written.kind == YamlNode::Kind::null) return;
  doc.fallback = write_yaml_inline(written);
}

}  // namespace fields

std::string json_schema(const SectionDoc& root, std::string_view title) {
  Parts parts;
  collect(root, parts);
  std::vector<std::pair<std::string, YamlNode>> definitions{
      {"variable", yaml_map({{"type", word("string")}, {"pattern", word("\\$\\{[A-Za-z_][A-Za-z0-9_]*\\}")}})},
      {"duration",
       yaml_map(
           {{"anyOf",
             yaml_list(
                 {yaml_map({{"type", word("string")},
                            {"pattern",
                             word("^(0|([0-9]+y)?([0-9]+w)?([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+s)?([0-9]+ms)?)$")},
                            {"minLength", yaml_word("1")}}),
                  yaml_map({{"const", yaml_word("0")}}), reference("variable")})}})},
      {"size",
       yaml_map({{"anyOf", yaml_list({yaml_map({{"type", word("string")},
                                                {"pattern", word("^[0-9]+(\\.[0-9]+)? ?([KMGT](iB|B)?|kB|B)?$")}}),
                                      yaml_map({{"type", word("number")}, {"minimum", yaml_word("0")}}),
                                      reference("variable")})}})}};
  for (const auto& part : parts) definitions.emplace_back(part->name, section_schema(*part));
  YamlNode schema =
      yaml_map({{"$schema", word("http://json-schema.org/draft-07/schema#")}, {"title", word(std::string(title))}});
  for (auto& entry : section_schema(root).entries) schema.entries.push_back(std::move(entry));
  schema.entries.emplace_back(word("definitions"), yaml_map(std::move(definitions)));
  return write_json(schema);
}

std::string markdown(const SectionDoc& root) {
  Parts parts;
  collect(root, parts);
  std::string out = table(root);
  for (const auto& part : parts) out += "\n## " + part->name + "\n\n" + table(*part);
  return out;
}

}  // namespace tocsin::core
