// The exporters' web configuration.
#include <gtest/gtest.h>

#include "support/temp_dir.hpp"
#include "tocsin/daemon/config/config.hpp"

namespace tocsin::daemon {
namespace {

constexpr const char* hash = "$2y$10$QOauhQNbBCuQDKes6eFzPeMqBSjb7Mr5DUmpZ/VcEd00UAV/LDeSi";

class WebConfigFile : public testing::Test {
 protected:
  std::optional<Config> load(bool as_service = true) {
    LoadOptions options;
    options.require_secrets = as_service;
    core::Diagnostics diagnostics;
    auto config = load_config(folder_.write("tocsin.yml",
                                            "probes: [{job: a, targets: ['redis://h']}]\n"
                                            "web: {config_file: web.yml}\n"),
                              options, {}, diagnostics);
    said_ = diagnostics.render();
    return config;
  }
  test::TempDir folder_;
  std::string said_;
};

TEST_F(WebConfigFile, GivesUsersAndHashes) {
  folder_.write("web.yml", std::string("basic_auth_users:\n  alice: ") + hash + "\n  'bob b': \"" + hash + "\"\n");
  const auto config = load();
  ASSERT_TRUE(config) << said_;
  ASSERT_EQ(config->web.users.size(), 2U);
  EXPECT_EQ(config->web.users[0].first, "alice");
  EXPECT_EQ(config->web.users[0].second.reveal(), hash) << "`$` means nothing in it";
  EXPECT_EQ(config->web.users[1].first, "bob b");
  const std::string shown = dump_config(*config);
  EXPECT_EQ(shown.find("$2y$"), std::string::npos) << shown;
  EXPECT_NE(shown.find("web.yml"), std::string::npos) << shown;
}

TEST_F(WebConfigFile, WithoutUsersSaysThatThereIsNoLogin) {
  folder_.write("web.yml", "basic_auth_users: {}\n");
  const auto config = load();
  ASSERT_TRUE(config) << said_;
  EXPECT_NE(said_.find("the port wants no login"), std::string::npos) << said_;
}

TEST_F(WebConfigFile, ThatOnlyTheServiceMayReadIsAWarningElsewhere) {
  EXPECT_FALSE(load()) << "it would let everybody in";
  const auto config = load(false);
  ASSERT_TRUE(config) << said_;
  EXPECT_NE(said_.find("cannot be read"), std::string::npos) << said_;
}

}  // namespace
}  // namespace tocsin::daemon
