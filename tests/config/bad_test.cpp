// tests/config/bad: one file a mistake, and beside it what is said of it, word for word.
// To take over what is said now: TOCSIN_UPDATE_EXPECTED=1 test_config --gtest_filter='Bad/*', then read the difference.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "support/temp_dir.hpp"
#include "tocsin/daemon/config/config.hpp"

namespace tocsin::daemon {
namespace {

const std::filesystem::path folder = std::filesystem::path(TOCSIN_SOURCE_DIR) / "tests/config/bad";

std::vector<std::string> bad_files() {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() == ".yml") names.push_back(entry.path().stem().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

class Bad : public testing::TestWithParam<std::string> {};

TEST_P(Bad, IsToldInTheseWords) {
  const auto file = folder / (GetParam() + ".yml");
  core::Diagnostics diagnostics;
  EXPECT_FALSE(load_config(file.string(), LoadOptions{}, {"http", "redis"}, diagnostics));
  std::string said = diagnostics.render();
  const std::string prefix = folder.string() + "/";
  for (auto at = said.find(prefix); at != std::string::npos; at = said.find(prefix)) said.erase(at, prefix.size());
  EXPECT_EQ(said.find("hunter"), std::string::npos) << "a secret in a diagnostic:\n" << said;
  const auto expected = folder / (GetParam() + ".expected");
  if (std::getenv("TOCSIN_UPDATE_EXPECTED")) std::ofstream(expected) << said;
  EXPECT_EQ(said, test::read_text(expected));
}

INSTANTIATE_TEST_SUITE_P(Bad, Bad, testing::ValuesIn(bad_files()), [](const auto& param) { return param.param; });

TEST(BadConfig, AllMistakesAreToldAtOnce) {
  core::Diagnostics diagnostics;
  EXPECT_FALSE(load_config((folder / "ten_mistakes.yml").string(), LoadOptions{}, {"http", "redis"}, diagnostics));
  EXPECT_GE(diagnostics.errors(), 10U);
}

}  // namespace
}  // namespace tocsin::daemon
