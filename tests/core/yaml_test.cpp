#include "tocsin/core/yaml.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

namespace tocsin::core {
namespace {

struct Parsed {
  YamlNode root;
  std::string problems;
  Diagnostics diagnostics;
};

Parsed parse(std::string text) {
  Parsed parsed;
  parsed.root =
      parse_yaml(std::make_shared<const SourceFile>(SourceFile{"f", std::move(text)}), parsed.diagnostics).root;
  for (const Diagnostic& d : parsed.diagnostics.all()) {
    parsed.problems += std::to_string(d.at.line) + ":" + std::to_string(d.at.column) + ": " +
                       (d.severity == Diagnostic::Severity::warning ? "warning: " : "") + d.message + "\n";
  }
  return parsed;
}

/// A tree with its places, on one line.
std::string show(const YamlNode& node) {
  const std::string at = "@" + std::to_string(node.at.line) + ":" + std::to_string(node.at.column);
  std::string out;
  switch (node.kind) {
    case YamlNode::Kind::null:
      return "null" + at;
    case YamlNode::Kind::scalar:
      return (node.quoted ? "\"" + node.scalar + "\"" : node.scalar) + at;
    case YamlNode::Kind::list:
      for (const YamlNode& item : node.items) out += (out.empty() ? "" : " ") + show(item);
      return "[" + out + "]" + at;
    case YamlNode::Kind::map:
      break;
  }
  for (const auto& [key, value] : node.entries) out += (out.empty() ? "" : " ") + show(key) + "=" + show(value);
  return "{" + out + "}" + at;
}

TEST(Yaml, MakesATreeThatKnowsItsPlaces) {
  const std::pair<std::string, std::string> table[] = {
      {"", "null@0:0"},
      {"# only this\n", "null@0:0"},
      {"a: 1\nb: [x, \"y\", 'z']\n", "{a@1:1=1@1:4 b@2:1=[x@2:5 \"y\"@2:8 \"z\"@2:13]@2:4}@1:1"},
      {"a:\n  b: c\n", "{a@1:1={b@2:3=c@2:6}@2:3}@1:1"},
      {"a:\nb: ~\nc: null\nd: \"\"\n", "{a@1:1=null@1:1 b@2:1=null@2:1 c@3:1=null@3:1 d@4:1=\"\"@4:4}@1:1"},
      {"- a\n- - b\n", "[a@1:3 [b@2:5]@2:3]@1:1"},
      {"a: |\n  x\n  y\n", "{a@1:1=\"x\ny\n\"@1:4}@1:1"},
      {"a: !!str 5\n", "{a@1:1=\"5\"@1:4}@1:1"},
      {"\xef\xbb\xbf"
       "a: 1\n",
       "{a@1:1=1@1:4}@1:1"},
      {"a: 1\r\nb: 2\r\n", "{a@1:1=1@1:4 b@2:1=2@2:4}@1:1"},
      {"{a, b: c}", "{a@1:2=null@1:2 b@1:5=c@1:8}@1:1"},
      {"'a': yes", "{\"a\"@1:1=yes@1:6}@1:1"},
      {"---\na: 1\n...\n", "{a@2:1=1@2:4}@2:1"},
  };
  for (const auto& [text, tree] : table) {
    const Parsed parsed = parse(text);
    EXPECT_EQ(show(parsed.root), tree) << text;
    EXPECT_EQ(parsed.problems, "") << text;
  }
}

TEST(Yaml, AliasesAreCopiesWithThePlaceOfTheOriginal) {
  const Parsed parsed = parse("a: &x {k: 1}\nb: *x\nc: [*x]\n");
  EXPECT_EQ(parsed.problems, "");
  EXPECT_EQ(show(*parsed.root.find("b")), "{k@1:8=1@1:11}@1:4");
  EXPECT_EQ(show(parsed.root.find("c")->items.at(0)), "{k@1:8=1@1:11}@1:4");
}

TEST(Yaml, MergesMaps) {
  const Parsed parsed = parse("base: &b {a: 1, b: 2}\nmine:\n  <<: *b\n  b: 3\nmany: {<<: [*b, {c: 4, a: 9}]}\n");
  EXPECT_EQ(parsed.problems, "");
  EXPECT_EQ(write_yaml_inline(*parsed.root.find("mine")), "{b: 3, a: 1}");
  EXPECT_EQ(write_yaml_inline(*parsed.root.find("many")), "{a: 1, b: 2, c: 4}");
  EXPECT_EQ(parse("a: {<<: 3}").problems, "1:5: << merges a map or a list of maps\n");
}

TEST(Yaml, TellsWhatIsWrongAndWhere) {
  const std::pair<std::string, std::string> table[] = {
      {"a: 1\nb: 2\na: 3\n", "3:1: duplicate key \"a\" (the first is on line 1)\n"},
      {"a: {b: 1, b: 2}\nc: {b: 1}", "1:11: duplicate key \"b\" (the first is on line 1)\n"},
      {"[a, b]: c\n", "1:1: a key must be text, not a list (a value that begins with { or [ needs quotes)\n"},
      {"a: {{ x }}\n", "1:5: a key must be text, not a map (a value that begins with { or [ needs quotes)\n"},
      {"~: a\n", "1:1: a key must be text (write it in quotes)\n"},
      {"a:\n\tb: 1\n", "2:1: a tab in the indentation (use spaces)\n"},
      {"a:\n  b: 1\n\tc: 1\n", "3:1: a tab in the indentation (use spaces)\n"},
      {"a:\n \t - x\n", "2:2: a tab in the indentation (use spaces)\n"},
      {"a:\n\tx\n", "2:1: a tab in the indentation (use spaces)\n"},
      {"a: b: c\n",
       "1:5: \":\" cannot stand here (a value with \": \" in it needs quotes; or the indentation is wrong)\n"},
      {"a: 1\n  b: 2\n",
       "2:4: \":\" cannot stand here (a value with \": \" in it needs quotes; or the indentation is wrong)\n"},
      {"a: @x\n", "1:4: a value cannot begin with this character (put it in quotes)\n"},
      {"a: *x\n",
       "1:4: an alias (*name) without an anchor (&name) before it (a value that begins with * needs quotes)\n"},
      {"a: &x [*x]\n", "1:8: an alias within the value that it stands for\n"},
      {"a: !thing x\n", "1:4: YAML tags such as !thing are not understood here (leave it out)\n"},
      {"- a\nb: c\n", "2:1: this does not belong to what stands above (is the indentation wrong?)\n"},
      {"a: 1\n---\nb: 2\n", "2:1: warning: a second document begins here; it is not read\n"},
      {"a: \x04 b\n", "1:4: a control character in the text (in double quotes write it as \\x..)\n"},
      {"a: 1\nb: \xff\n", "2:4: not UTF-8 text\n"},
      {std::string("a: 1\nb: \0c\n", 10),
       "2:4: a control character in the text (in double quotes write it as \\x..)\n"},
      {"a: 1\rb: 2\n", "1:5: a control character in the text (in double quotes write it as \\x..)\n"},
  };
  for (const auto& [text, problems] : table) EXPECT_EQ(parse(text).problems, problems) << text;
}

TEST(Yaml, FindsUnclosedThingsSomewhere) {
  for (const char* text :
       {"a: [1, 2", "a: {b: 1", "a: \"x", "a: 'x", "a: ]", "a: }\n", "a: \"\\q\"", "%YAML 9.9\n---\na: 1"}) {
    EXPECT_TRUE(parse(text).diagnostics.has_errors()) << text;
  }
}

TEST(Yaml, KeepsTheFirstOfDuplicates) {
  EXPECT_EQ(write_yaml_inline(parse("{a: 1, b: 2, a: {x: y}}").root), "{a: 1, b: 2}");
}

TEST(Yaml, DepthIsBounded) {
  EXPECT_EQ(parse(std::string(64, '[') + std::string(64, ']')).problems, "");
  EXPECT_EQ(parse(std::string(65, '[') + std::string(65, ']')).problems, "1:65: nested deeper than 64 levels\n");
  EXPECT_TRUE(parse(std::string(100'000, '[')).diagnostics.has_errors());
  EXPECT_TRUE(parse(std::string(100'000, '{')).diagnostics.has_errors());
}

TEST(Yaml, AliasesCannotExplode) {
  std::string bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 12; ++i) {
    const std::string last = "*a" + std::to_string(i - 1);
    bomb += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [" + last + ", " + last + ", " + last + ", " +
            last + ", " + last + ", " + last + ", " + last + ", " + last + ", " + last + ", " + last + "]\n";
  }
  const Parsed parsed = parse(bomb);
  EXPECT_NE(parsed.problems.find("anchors and aliases make more than 100000 values"), std::string::npos)
      << parsed.problems;
  EXPECT_EQ(parsed.root.kind, YamlNode::Kind::null);
}

TEST(Yaml, SizeIsBounded) {
  EXPECT_EQ(parse(std::string(17U * 1024 * 1024, ' ')).problems, "0:0: larger than 16 MiB\n");
}

TEST(Yaml, UnreadableFilesAreTold) {
  Diagnostics diagnostics;
  const auto missing = load_yaml("/nonexistent/x.yml", diagnostics);
  EXPECT_EQ(missing.root.kind, YamlNode::Kind::null);
  static_cast<void>(load_yaml("/", diagnostics));
  EXPECT_EQ(diagnostics.render(), "/nonexistent/x.yml: cannot be read\n/: cannot be read\n");
}

TEST(Yaml, LoadsFiles) {
  const auto path = std::filesystem::temp_directory_path() / ("yaml_test_" + std::to_string(::getpid()) + ".yml");
  std::ofstream(path) << "a: [1, 2]\n";
  Diagnostics diagnostics;
  const auto document = load_yaml(path.string(), diagnostics);
  std::filesystem::remove(path);
  EXPECT_EQ(write_yaml(document.root), "a: [1, 2]\n");
  EXPECT_EQ(document.file->name, path.string());
}

TEST(YamlWriter, QuotesWhatOthersMightMisread) {
  for (const char* text :
       {"",     "yes",  "No",   "ON",       "off",        "y",        "true",         "null",        "~",
        "12",   "1.5",  "0x1f", "12:30:45", "2001-01-01", "1e3",      ".5",           "-",           "- a",
        "a: b", "a #b", "{a}",  "[a]",      "*a",         "&a",       "!a",           "%a",          "@a",
        "`a",   "a\nb", "\"",   "\\",       " a",         "a ",       "a:",           "?",           "<<",
        "=",    ".inf", "+1",   "\x7f",     "\x01",       "\xc2\x85", "\xe2\x80\xa8", "\xef\xbb\xbf"}) {
    const std::string out = write_yaml_inline(yaml_text(text));
    EXPECT_EQ(out.front(), '"') << text;
    const Parsed back = parse("k: " + out + "\n");
    EXPECT_EQ(back.problems, "") << out;
    EXPECT_EQ(back.root.find("k")->scalar, text) << out;
  }
  for (const char* text : {"abc", "/run/x", "redis://h:1/0", "a.b-c_d", "a@b"})
    EXPECT_EQ(write_yaml_inline(yaml_text(text)), text);
}

TEST(YamlWriter, WritesWhatItReads) {
  const std::string text =
      "a: 1\n"
      "b:\n"
      "  c: [x, \"y z\"]\n"
      "  d: {}\n"
      "e:\n"
      "  - f: 1\n"
      "    g:\n"
      "      - h: 2\n"
      "  - []\n"
      "  - plain\n"
      "i: null\n";
  EXPECT_EQ(write_yaml(parse(text).root), text);
}

TEST(YamlWriter, QuotesPlainTextThatWouldNotStandEverywhere) {
  EXPECT_EQ(write_yaml(parse("[{a: b c},\n x\n y]").root), "- a: \"b c\"\n- \"x y\"\n");
  EXPECT_EQ(write_yaml(parse("a, b: c}").root), "\"a, b\": \"c}\"\n");
  EXPECT_EQ(write_yaml_inline(parse("[-1, 1.5, 15s, true, .5, -x]").root), "[-1, 1.5, 15s, true, .5, -x]");
}

TEST(JsonWriter, WritesJson) {
  const YamlNode node = yaml_map({{"a", yaml_list({yaml_word("1"), yaml_text("x\"\n\x01\xc3\xa4"), yaml_word("true")})},
                                  {"b", yaml_map({})},
                                  {"c", {}}});
  EXPECT_EQ(
      write_json(node),
      "{\n  \"a\": [\n    1,\n    \"x\\\"\\n\\u0001\xc3\xa4\",\n    true\n  ],\n  \"b\": {},\n  \"c\": null\n}\n");
}

}  // namespace
}  // namespace tocsin::core
