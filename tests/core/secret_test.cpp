#include "tocsin/core/secret.hpp"

#include <gtest/gtest.h>

#include "support/temp_dir.hpp"

namespace tocsin::core {
namespace {

TEST(Secret, MovesLeaveNothingBehind) {
  Secret a("a long enough secret that is not stored in place");
  Secret b(std::move(a));
  EXPECT_TRUE(a.empty());  // NOLINT(bugprone-use-after-move): that is the promise
  EXPECT_EQ(b.reveal(), "a long enough secret that is not stored in place");
  Secret c("other");
  c = std::move(b);
  EXPECT_TRUE(b.empty());  // NOLINT(bugprone-use-after-move)
  Secret& same = c;
  c = std::move(same);
  EXPECT_EQ(c.reveal(), "a long enough secret that is not stored in place");
}

TEST(SecretSource, ReadsAFileWithoutItsNewline) {
  const test::TempDir dir;
  const std::pair<const char*, const char*> table[] = {
      {"pw", "pw"}, {"pw\n", "pw"}, {"pw\r\n", "pw"}, {"pw\n\n", "pw\n"}, {" pw ", " pw "}, {"", ""}, {"\n", ""}};
  for (const auto& [content, secret] : table) {
    const SecretSource source{{}, dir.write("s", content)};
    const auto read = source.read();
    ASSERT_TRUE(read.has_value());
    EXPECT_EQ(read->reveal(), secret);
  }
}

TEST(SecretSource, AValueInPlaceNeedsNoFile) {
  EXPECT_EQ((SecretSource{Secret("x"), {}}.read()->reveal()), "x");
  EXPECT_TRUE(SecretSource{}.empty());
  EXPECT_FALSE((SecretSource{{}, "f"}.empty()));
}

TEST(SecretSource, FailuresNameTheFileOnly) {
  const auto missing = SecretSource{{}, "/nonexistent/pw"}.read();
  ASSERT_TRUE(missing.has_error());
  EXPECT_EQ(missing.error().detail, "cannot read the secret file /nonexistent/pw");
  const auto folder = SecretSource{{}, "/"}.read();
  ASSERT_TRUE(folder.has_error()) << "a folder is no empty password";
  const test::TempDir dir;
  const auto large = SecretSource{{}, dir.write("large", std::string(1024 * 1024 + 1, 'x'))}.read();
  ASSERT_TRUE(large.has_error());
  EXPECT_EQ(large.error().outcome, Outcome::limit);
  EXPECT_TRUE((SecretSource{{}, dir.write("full", std::string(1024 * 1024, 'x'))}.read().has_value()));
}

TEST(Redact, ReplacesEveryOccurrence) {
  const std::tuple<const char*, const char*, const char*> table[] = {{"a pw b pw", "pw", "a <secret> b <secret>"},
                                                                     {"pwpw", "pw", "<secret><secret>"},
                                                                     {"nothing", "pw", "nothing"},
                                                                     {"text", "", "text"},
                                                                     {"secret", "secret", "<secret>"},
                                                                     {"a secret", "e", "a s<secret>cr<secret>t"}};
  for (const auto& [text, secret, out] : table) EXPECT_EQ(redact(text, secret), out);
}

TEST(SecretNames, AreKnown) {
  for (const char* name : {"password", "PASSWORD", "api_key", "X-API-Key", "AWS_SECRET_ACCESS_KEY", "token", "bearer",
                           "credentials", "Authorization", "db-passwd"}) {
    EXPECT_TRUE(names_a_secret(name)) << name;
  }
  for (const char* name :
       {"password_file", "AWS_SHARED_CREDENTIALS_FILE", "user", "region", "", "key_file", "interval"})
    EXPECT_FALSE(names_a_secret(name)) << name;
}

}  // namespace
}  // namespace tocsin::core
