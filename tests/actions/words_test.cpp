#include "src/words.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tocsin::actions {
namespace {

using testing::HasSubstr;
using testing::Not;

Secrets secrets(const std::vector<std::string>& texts) {
  Secrets all;
  for (const std::string& text : texts) add_secret(all, text);
  return all;
}

TEST(WordsTest, FirstLineIsShortCleanAndWithoutSecrets) {
  const Secrets hidden = secrets({"s3cret", "s3cret-and-more", "abc"});
  EXPECT_EQ(first_line("\n \n denied\nmore", {}), " denied");
  EXPECT_EQ(first_line("token s3cret-and-more, s3cret, abc", hidden), "token <secret>, <secret>, abc");
  EXPECT_EQ(first_line("a\x1b[31mred\x07\tb", {}), "a [31mred  b");
  EXPECT_EQ(first_line("caf\xc3\xa9 \xff \xc3", {}), "caf\xc3\xa9 ? ?");
  EXPECT_EQ(first_line("\xc2\x9b"
                       "31m \xed\xa0\x80 \xc0\xaf",
                       {}),
            " 31m ??? ??");
  EXPECT_EQ(first_line(std::string(199, 'x') + "\xc3\xa9", {}), std::string(199, 'x') + "...");
  EXPECT_EQ(first_line(std::string(1'000'000, 'x'), {}).size(), 203U);
  EXPECT_EQ(first_line("", {}), "");
}

TEST(WordsTest, EachWordAndLineOfASecretIsHiddenByItself) {
  const Secrets hidden = secrets({"Bearer tok-12345", "-----BEGIN KEY-----\nMIIEvQ\nAbcDef\n-----END KEY-----"});
  EXPECT_EQ(first_line("the token tok-12345 is expired", hidden), "the token <secret> is expired");
  EXPECT_THAT(first_line("bad key MIIEvQ AbcDef", hidden), Not(HasSubstr("MIIEvQ")));
  EXPECT_THAT(first_line("bad key MIIEvQ AbcDef", hidden), Not(HasSubstr("AbcDef")));
}

TEST(WordsTest, TheReasonInAJsonAnswer) {
  struct Case {
    const char* body;
    const char* reason;
  };
  for (const Case& one : {
           Case{R"({"kind":"Status","message":"deployments.apps \"web\" not found"})",
                "deployments.apps \"web\" not found"},
           Case{"{\n  \"error\": \"no such app\"\n}", "no such app"},
           Case{R"({"error":{"code":7,"message":"quota"}})", "quota"},
           Case{R"({"title":"Conflict","detail":"busy"})", "busy"},
           Case{R"({"message":"","error":"second"})", "second"},
           Case{R"({"message":"for hunter22"})", "for <secret>"},
           Case{R"({"a":1})", R"({"a":1})"},
           Case{R"({"message":)", R"({"message":)"},
           Case{"<html>", "<html>"},
           Case{"", ""},
       }) {
    EXPECT_EQ(reason_in(one.body, secrets({"hunter22"})), one.reason) << one.body;
  }
}

}  // namespace
}  // namespace tocsin::actions
