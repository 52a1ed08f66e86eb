#include "tocsin/core/source.hpp"

#include <gtest/gtest.h>

namespace tocsin::core {
namespace {

std::shared_ptr<const SourceFile> file(std::string text, std::string name = "a.yml") {
  return std::make_shared<const SourceFile>(SourceFile{std::move(name), std::move(text)});
}

std::string rendered(const std::string& text, Position at, std::string message = "wrong") {
  return Diagnostic{file(text), at, Diagnostic::Severity::error, std::move(message)}.render();
}

TEST(Source, ShowsTheLineAndACaret) {
  EXPECT_EQ(rendered("a: 1\nbc: 2\n", {2, 5}), "a.yml:2:5: wrong\n  bc: 2\n      ^\n");
}

TEST(Source, SaysWarningOfWarningsOnly) {
  Diagnostics diagnostics;
  diagnostics.warning(file("x"), {1, 1}, "odd");
  EXPECT_EQ(diagnostics.render(), "a.yml:1:1: warning: odd\n  x\n  ^\n");
  EXPECT_FALSE(diagnostics.has_errors());
  EXPECT_EQ(diagnostics.warnings(), 1U);
}

TEST(Source, TheFileAsAWholeHasNoLine) { EXPECT_EQ(rendered("a: 1\n", {}), "a.yml: wrong\n"); }

TEST(Source, WithoutAFileOnlyTheMessageIsLeft) {
  EXPECT_EQ((Diagnostic{nullptr, {3, 4}, Diagnostic::Severity::error, "wrong"}.render()), "wrong\n");
}

TEST(Source, PlacesBeyondTheTextHaveNoExcerpt) {
  EXPECT_EQ(rendered("a: 1", {9, 1}), "a.yml:9:1: wrong\n");
  EXPECT_EQ(rendered("a: 1", {1, 99}), "a.yml:1:99: wrong\n  a: 1\n      ^\n");
}

TEST(Source, TheCaretStandsUnderTabsAndLettersOfManyBytes) {
  EXPECT_EQ(rendered("\tkey: v", {1, 7}), "a.yml:1:7: wrong\n  \tkey: v\n  \t     ^\n");
  EXPECT_EQ(rendered("\xc3\xa4\xc3\xb6: x", {1, 7}), "a.yml:1:7: wrong\n  \xc3\xa4\xc3\xb6: x\n      ^\n");
}

TEST(Source, ControlCharactersDoNotReachTheTerminal) {
  EXPECT_EQ(rendered("a: \x1b[31m\r\n", {1, 1}), "a.yml:1:1: wrong\n  a: ?[31m\n  ^\n");
}

TEST(Source, AByteOrderMarkMovesNothing) {
  EXPECT_EQ(rendered("\xef\xbb\xbfkey: v", {1, 6}), "a.yml:1:6: wrong\n  key: v\n       ^\n");
}

TEST(Source, LongLinesAreCutAroundTheCaret) {
  const std::string line = std::string(300, 'a') + "X" + std::string(300, 'b');
  const std::string out = rendered(line, {1, 301});
  const auto lines_end = out.find("\n  ");
  const std::string excerpt = out.substr(lines_end + 1);
  const auto end = excerpt.find('\n');
  EXPECT_LT(end, 120U);
  EXPECT_EQ(excerpt.substr(0, 5), "  ...");
  const auto caret = excerpt.find('^') - end - 1;
  EXPECT_EQ(excerpt[caret], 'X');
}

struct Leak {
  const char* line;
  std::size_t column;
  const char* shown;
};

TEST(Source, SecretsAreNotShown) {
  const Leak table[] = {
      {"password: hunter2", 1, "  password: <secret>\n  ^\n"},
      {"password: hunter2", 14, "  password: <secret>\n            ^\n"},
      {"  - {password: 'hun\'\'ter2', usr: me}", 29,
       "    - {password: <secret>, usr: me}\n                           ^\n"},
      {"{password: \"hun\\\"ter2\", usr: me}", 25, "  {password: <secret>, usr: me}\n                       ^\n"},
      {"{token: hunter2, usr: me}", 18, "  {token: <secret>, usr: me}\n                    ^\n"},
      {"X-API-Key: hunter2", 1, "  X-API-Key: <secret>\n  ^\n"},
      {"password: hunter2, x: hunter3", 1, "  password: <secret>\n  ^\n"},
      {"- redis://me:hunter2@host/", 3, "  - redis://<secret>@host/\n    ^\n"},
      {"[redis://:hunter2@a, http://:hunter3@b]", 37, "  [redis://<secret>@b]\n                   ^\n"},
      {"authorization: {credentials: hunter2}", 1, "  authorization: {credentials: <secret>}\n  ^\n"},
      {"password_file: /run/pw", 1, "  password_file: /run/pw\n  ^\n"},
      {"url: http://host/", 1, "  url: http://host/\n  ^\n"},
  };
  for (const Leak& leak : table) {
    const std::string out = rendered(leak.line, {1, leak.column});
    EXPECT_EQ(out.substr(out.find('\n') + 1), leak.shown) << leak.line;
    EXPECT_EQ(out.find("hunter"), std::string::npos) << out;
  }
}

TEST(Source, LinesThatGoOnWithASecretAreNotShown) {
  EXPECT_EQ(rendered("user: me\npassword: |\n  hunter2\n  more\n", {4, 3}), "a.yml:4:3: wrong\n    <secret>\n    ^\n");
  EXPECT_EQ(rendered("user: |\n  me\n", {2, 3}), "a.yml:2:3: wrong\n    me\n    ^\n");
}

TEST(Source, SecretsThatItWasToldOfAreNotShown) {
  const auto source = file("X-Magic: abc\n{x: hunter2, y: 1}\n");
  Diagnostics diagnostics;
  diagnostics.error(source, {1, 1}, "before");
  diagnostics.conceal(source, {1, 10});
  diagnostics.conceal(source, {2, 5});
  diagnostics.error(source, {2, 14}, "after");
  EXPECT_EQ(diagnostics.render(),
            "a.yml:1:1: before\n  X-Magic: <secret>\n  ^\n"
            "a.yml:2:14: after\n  {x: <secret>, y: 1}\n                ^\n");
}

TEST(Diagnostics, AreSortedByPlaceWithinTheirFile) {
  Diagnostics diagnostics;
  const auto b = file("1\n2\n", "b.yml"), a = file("1\n2\n", "a.yml");
  diagnostics.error(b, {2, 1}, "third");
  diagnostics.error(a, {1, 1}, "fourth");
  diagnostics.error(b, {1, 1}, "second");
  diagnostics.error(b, {}, "first");
  EXPECT_EQ(diagnostics.render(),
            "b.yml: first\nb.yml:1:1: second\n  1\n  ^\nb.yml:2:1: third\n  2\n  ^\na.yml:1:1: fourth\n  1\n  ^\n");
}

TEST(Diagnostics, AfterAHundredTheyAreCounted) {
  Diagnostics diagnostics;
  for (int i = 0; i < 130; ++i) diagnostics.error(nullptr, {}, "e");
  EXPECT_EQ(diagnostics.all().size(), 100U);
  EXPECT_EQ(diagnostics.errors(), 130U);
  EXPECT_TRUE(diagnostics.render().ends_with("\nand 30 more\n"));
}

TEST(Nearest, FindsWhatWasMeant) {
  const std::vector<std::string_view> words{"interval", "threshold", "job", "password_file", "labels"};
  const std::pair<std::string_view, std::string_view> table[] = {{"treshold", "threshold"},
                                                                 {"intervall", "interval"},
                                                                 {"itnerval", "interval"},
                                                                 {"jobb", "job"},
                                                                 {"lables", "labels"},
                                                                 {"password-file", "password_file"},
                                                                 {"PasswordFile", "password_file"},
                                                                 {"Interval", "interval"},
                                                                 {"x", ""},
                                                                 {"", ""},
                                                                 {"completely", ""},
                                                                 {"jib", "job"},
                                                                 {"ob", ""}};
  for (const auto& [word, meant] : table) EXPECT_EQ(nearest(word, words), meant) << word;
  EXPECT_EQ(nearest(std::string(100'000, 'a'), words), "");
  EXPECT_EQ(nearest("job", {}), "");
}

}  // namespace
}  // namespace tocsin::core
