#include "tocsin/core/authorization.hpp"

#include <gtest/gtest.h>

#include "support/temp_dir.hpp"

namespace tocsin::core {
namespace {

SecretSource given(const std::string& text) { return {Secret(text), {}}; }

TEST(Authorization, Table) {
  EXPECT_EQ(*authorization({}, "", {}), "");
  EXPECT_EQ(*authorization({}, "Aladdin", given("open sesame")), "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
  EXPECT_EQ(*authorization({}, "ab", {}), "Basic YWI6");
  EXPECT_EQ(*authorization({}, "", given("x")), "Basic Ong=");
  EXPECT_EQ(*authorization({}, "a", given("\xff\xfe")), "Basic YTr//g==");
  EXPECT_EQ(*authorization(given("token"), "a", given("b")), "Bearer token");
}

TEST(Authorization, ReadsFilesEachTime) {
  const test::TempDir dir;
  SecretSource source;
  source.file = dir.write("token", "one\n");
  EXPECT_EQ(*authorization(source, "", {}), "Bearer one");
  dir.write("token", "two\n");
  EXPECT_EQ(*authorization(source, "", {}), "Bearer two");
  source.file = dir / "none";
  EXPECT_FALSE(authorization(source, "", {}));
  EXPECT_FALSE(authorization({}, "user", source));
}

}  // namespace
}  // namespace tocsin::core
