#include "tocsin/core/fields.hpp"

#include <gtest/gtest.h>

namespace tocsin::core {
namespace {

enum class Colour { red, green };

struct Inner {
  std::string url;
  std::int64_t port = 80;
  Place place;
};

struct Outer {
  std::string name;
  bool on_duty = true;
  Duration interval{std::chrono::seconds{15}};
  std::optional<Duration> pause;
  std::uint64_t size = 1024;
  double share = 0.5;
  unsigned count = 3;
  Colour colour = Colour::red;
  Labels tags;
  SecretSource password;
  Inner inner;
  std::vector<Inner> list;
  std::vector<Located<std::string>> words;
  std::vector<std::pair<std::string, std::string>> extra;
  std::string file;
  Place place;
};

Section<Inner> inner() {
  return Section<Inner>("inner", "What is within.",
                        {field("url", &Inner::url).doc("Where.").required(),
                         field("port", &Inner::port, integer<std::int64_t>(1, 65535)).doc("Port.")})
      .shorthand("url")
      .check([](FieldReader& reader, const Place& place, const Inner& value) {
        if (value.url == "bad") reader.error(place.of("url"), "a bad url");
      });
}

Section<Outer> outer() {
  return Section<Outer>(
             "outer", "What is around.",
             {field("name", &Outer::name).doc("Its name.").required().check([](const std::string& name) {
                return name == "evil" ? std::optional<std::string>("is evil") : std::nullopt;
              }),
              field("active", &Outer::on_duty).doc("Whether."),
              field("interval", &Outer::interval).doc("How often.").least(Duration{100}).most(std::chrono::hours{1}),
              field("pause", &Outer::pause).doc("How long."),
              field("size", &Outer::size, byte_count()).doc("How much."),
              field("share", &Outer::share, ratio()).doc("Part|s.").least(0).most(1),
              field("count", &Outer::count).doc("How many."),
              field("colour", &Outer::colour, choice<Colour>({{"red", Colour::red}, {"green", Colour::green}}))
                  .doc("Which."),
              field("tags", &Outer::tags).doc("Tags."),
              field("password", &Outer::password, secret_text()).doc("Secret."),
              field("password_file", &Outer::password, secret_file()).doc("File of the secret."),
              field("inner", &Outer::inner, section(inner())).doc("One."),
              field("list", &Outer::list, list_of(section(inner()))).doc("Many."),
              field("words", &Outer::words, list_of(located(text()), ListStyle::list_or_one)).doc("Words."),
              field("extra", &Outer::extra, map_of(text(), "name")).doc("More."),
              field("file", &Outer::file, path()).doc("A file.")})
      .exclusive({"password", "password_file"})
      .later({"budget"});
}

struct Read {
  Outer value;
  bool good = false;
  std::string problems;
  std::string rendered;
};

Read read(std::string text, const FieldReader::Environment* environment = nullptr) {
  Read out;
  Diagnostics diagnostics;
  const auto document =
      parse_yaml(std::make_shared<const SourceFile>(SourceFile{"/etc/x/f.yml", std::move(text)}), diagnostics);
  FieldReader reader(document.file, diagnostics, environment);
  out.good = outer().read(reader, document.root, out.value);
  for (const Diagnostic& d : diagnostics.all()) {
    out.problems += std::to_string(d.at.line) + ":" + std::to_string(d.at.column) + ": " +
                    (d.severity == Diagnostic::Severity::warning ? "warning: " : "") + d.message + "\n";
  }
  out.rendered = diagnostics.render();
  return out;
}

TEST(Fields, ReadsEveryType) {
  const Read r = read(
      "name: n\nactive: false\ninterval: 1m30s\npause: 0\nsize: 2KiB\nshare: 80%\ncount: 7\ncolour: green\ntags: {a: "
      "b, c: 1}\n"
      "password: pw\ninner: {url: u, port: 99}\nlist: [bare, {url: v}]\nwords: one\nextra: {x: y, w: 'no'}\nfile: "
      "sub/../g.pem\n");
  EXPECT_EQ(r.problems, "");
  ASSERT_TRUE(r.good);
  EXPECT_EQ(r.value.name, "n");
  EXPECT_FALSE(r.value.on_duty);
  EXPECT_EQ(r.value.interval, std::chrono::seconds{90});
  EXPECT_EQ(r.value.pause, Duration{0});
  EXPECT_EQ(r.value.size, 2048U);
  EXPECT_DOUBLE_EQ(r.value.share, 0.8);
  EXPECT_EQ(r.value.count, 7U);
  EXPECT_EQ(r.value.colour, Colour::green);
  EXPECT_EQ(r.value.tags.to_string(), "{a=\"b\", c=\"1\"}");
  EXPECT_EQ(r.value.password.value.reveal(), "pw");
  EXPECT_EQ(r.value.inner.url, "u");
  EXPECT_EQ(r.value.inner.port, 99);
  ASSERT_EQ(r.value.list.size(), 2U);
  EXPECT_EQ(r.value.list[0].url, "bare");
  EXPECT_EQ(r.value.list[0].port, 80);
  EXPECT_EQ(r.value.list[1].url, "v");
  ASSERT_EQ(r.value.words.size(), 1U);
  EXPECT_EQ(r.value.words[0].at.line, 13U);
  EXPECT_EQ(r.value.words[0].at.column, 8U);
  EXPECT_EQ(r.value.extra.at(1).second, "no");
  EXPECT_EQ(r.value.file, "/etc/x/g.pem");
  EXPECT_TRUE(r.value.place.has("pause"));
  EXPECT_FALSE(r.value.place.has("budget"));
  EXPECT_EQ(r.value.inner.place.of("port").column, 23U);
}

TEST(Fields, DefaultsStand) {
  const Read r = read("name: n\nlist:\ntags:\n");
  EXPECT_EQ(r.problems, "");
  EXPECT_TRUE(r.good);
  EXPECT_EQ(r.value.interval, std::chrono::seconds{15});
  EXPECT_FALSE(r.value.pause);
}

TEST(Fields, EveryMistakeHasItsWords) {
  const std::pair<std::string, std::string> table[] = {
      {"intervall: 5s", "2:1: unknown key \"intervall\" in outer (did you mean \"interval\"?)"},
      {"zzz: 5s", "2:1: unknown key \"zzz\" in outer"},
      {"budget: 5s", "2:1: \"budget\" is not supported in this version"},
      {"active: yes", "2:9: \"active\" is true or false, not \"yes\" (write true)"},
      {"active: 'false'", "2:9: \"active\" is true or false, not \"false\" (write false)"},
      {"active: maybe", "2:9: \"active\" is true or false, not \"maybe\""},
      {"active: []", "2:9: \"active\" needs true or false, not a list"},
      {"interval: 15", "2:11: \"interval\" needs a unit (write 15s, 15ms, 15m)"},
      {"interval: soon", "2:11: \"interval\" is a duration such as 500ms, 15s or 1h30m, not \"soon\""},
      {"interval:", "2:1: \"interval\" needs a duration such as 15s, and there is nothing"},
      {"interval: 5ms", "2:11: \"interval\" must be at least 100ms"},
      {"interval: 2h", "2:11: \"interval\" must be at most 1h"},
      {"size: big", "2:7: \"size\" is a size such as 512MiB, 1.5GB or 1024, not \"big\""},
      {"share: 180%", "2:8: \"share\" must be at most 1"},
      {"share: some", "2:8: \"share\" is a number such as 80% or 0.8, not \"some\""},
      {"count: -1", "2:8: \"count\" must be at least 0"},
      {"count: 010", "2:8: \"count\" begins with 0, which YAML may read as octal (leave the 0 out)"},
      {"count: 1.5", "2:8: \"count\" is a whole number, not \"1.5\""},
      {"count: 99999999999999999999", "2:8: \"count\" is too large"},
      {"count: 4294967296", "2:8: \"count\" must be at most 4294967295"},
      {"colour: gren", "2:9: \"colour\" is red or green, not \"gren\" (did you mean \"green\"?)"},
      {"tags: {0a: x}", "2:8: \"0a\" is not a label's name (letters, digits and _, no digit first, no __ first)"},
      {"tags: {__a: x}", "2:8: \"__a\" is not a label's name (letters, digits and _, no digit first, no __ first)"},
      {"tags: [a]", "2:7: \"tags\" needs a map, not a list"},
      {"inner: {}", "2:8: inner needs \"url\""},
      {"inner: [a]", "2:8: \"inner\" needs a map of keys and values, not a list"},
      {"inner: {url: bad}", "2:14: a bad url"},
      {"list: {url: a}", "2:7: \"list\" needs a list, not a map"},
      {"list: [bad, {ulr: x}]",
       "2:8: a bad url\n2:14: unknown key \"ulr\" in inner (did you mean \"url\"?)\n2:13: inner needs \"url\""},
      {"file: []", "2:7: \"file\" needs the name of a file, not a list"},
      {"extra: {a: no}", "2:12: warning: some readers of YAML take no without quotes for a boolean (write \"no\")"},
  };
  for (const auto& [line, problem] : table) {
    EXPECT_EQ(read("name: n\n" + line + "\n").problems, problem + "\n") << line;
  }
  EXPECT_EQ(read("active: true").problems, "1:1: outer needs \"name\"\n");
  EXPECT_EQ(read("name: evil").problems, "1:7: \"name\" is evil\n");
  EXPECT_EQ(read("[a]").problems, "1:1: \"outer\" needs a map of keys and values, not a list\n");
  EXPECT_EQ(read("name: n\npassword: x\npassword_file: y\n").problems,
            "3:1: \"password_file\" and \"password\" exclude each other\n");
}

TEST(Fields, VariablesAreReplacedInScalars) {
  const FieldReader::Environment environment{{"HOME", "/root"}, {"N", "8"}, {"BAD", "a\xff"}};
  const Read r = read("name: a${HOME}b$$c$d${N}\ncount: ${N}\nwords: ['$${HOME}', '^x$']\n", &environment);
  EXPECT_EQ(r.problems, "");
  EXPECT_EQ(r.value.name, "a/rootb$c$d8");
  EXPECT_EQ(r.value.count, 8U);
  EXPECT_EQ(r.value.words.at(0).value, "${HOME}");
  EXPECT_EQ(r.value.words.at(1).value, "^x$");
  EXPECT_EQ(read("name: ${NOPE}", &environment).problems,
            "1:7: \"name\" uses the variable NOPE, which is not set in the environment (write $${NOPE} for the "
            "characters themselves)\n");
  EXPECT_EQ(read("name: ${A B}", &environment).problems,
            "1:7: \"name\" has a ${ that names no variable (write ${NAME}, or $${ for the characters themselves)\n");
  EXPECT_EQ(read("name: ${HOME", &environment).problems,
            "1:7: \"name\" has a ${ that names no variable (write ${NAME}, or $${ for the characters themselves)\n");
  EXPECT_EQ(read("name: ${BAD}", &environment).problems,
            "1:7: \"name\" uses the variable BAD, whose value is not plain UTF-8 text\n");
  EXPECT_EQ(read("name: ${HOME}").value.name, "${HOME}") << "without an environment";
}

TEST(Fields, SecretsAreInNoDiagnostic) {
  const Read r = read("{name: n, password: hunter2, zzz: 1}\n");
  EXPECT_EQ(r.rendered.find("hunter"), std::string::npos);
  EXPECT_NE(r.rendered.find("password: <secret>, zzz"), std::string::npos) << r.rendered;
  const Read list = read("name: n\npassword: [hunter2]\n");
  EXPECT_EQ(list.rendered.find("hunter"), std::string::npos) << list.rendered;
}

TEST(Fields, WritesWhatItReads) {
  const FieldReader::Environment environment;
  const Read r = read(
      "name: '$$${'\npause: 5s\nsize: 1536\nshare: 0.25\ntags: {a: 'yes'}\npassword: pw\nlist: [u]\nextra: {'1': "
      "'2'}\n",
      &environment);
  EXPECT_FALSE(r.good);
  const Read good = read(
      "name: '$$$${'\npause: 5s\nsize: 1536\nshare: 0.25\ntags: {a: 'yes'}\npassword: pw\ninner: x\nlist: [u]\nextra: "
      "{'1': '2'}\n",
      &environment);
  EXPECT_EQ(good.problems, "");
  const std::string written = write_yaml(outer().write(good.value));
  EXPECT_EQ(written,
            "name: \"$$$${\"\nactive: true\ninterval: 15s\npause: 5s\nsize: 1536\nshare: 0.25\ncount: 3\ncolour: "
            "red\ntags:\n  a: \"yes\"\n"
            "password: \"<secret>\"\ninner:\n  url: x\n  port: 80\nlist:\n  - url: u\n    port: 80\nextra:\n  \"1\": "
            "\"2\"\n");
  const Read again = read(written, &environment);
  EXPECT_EQ(again.problems, "");
  EXPECT_EQ(write_yaml(outer().write(again.value)), written);
}

TEST(Fields, DocumentThemselves) {
  const std::string text = markdown(outer().doc());
  EXPECT_NE(text.find("| `name` | text | *required* | Its name. |"), std::string::npos) << text;
  EXPECT_NE(text.find("| `interval` | duration, at least 100ms, at most 1h | `15s` | How often. |"), std::string::npos)
      << text;
  EXPECT_NE(text.find("| `list` | list of text or [inner](#inner) |  | Many. |"), std::string::npos) << text;
  EXPECT_NE(text.find("Part\\|s."), std::string::npos) << text;
  EXPECT_NE(text.find("\n## inner\n\nWhat is within.\n"), std::string::npos) << text;
  EXPECT_EQ(text.find("\n## inner\n"), text.rfind("\n## inner\n"));
}

TEST(Fields, TheSchemaIsJsonWithEveryKey) {
  const std::string text = json_schema(outer().doc(), "test");
  Diagnostics diagnostics;
  const auto document = parse_yaml(std::make_shared<const SourceFile>(SourceFile{"schema", text}), diagnostics);
  EXPECT_EQ(diagnostics.render(), "");
  const YamlNode* properties = document.root.find("properties");
  ASSERT_TRUE(properties);
  EXPECT_EQ(properties->entries.size(), 16U);
  EXPECT_EQ(document.root.find("additionalProperties")->scalar, "false");
  EXPECT_TRUE(document.root.find("definitions")->find("inner"));
}

}  // namespace
}  // namespace tocsin::core
