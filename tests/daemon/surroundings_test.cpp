#include "src/surroundings.hpp"

#include <gtest/gtest.h>

#include "src/number_query.hpp"

namespace tocsin::daemon {
namespace {

TEST(Surroundings, TakeTheDataFolderFromTheFirstThatNamesOne) {
  RunOptions options;
  Config config;
  EXPECT_EQ(data_folder(options, config), "");
  options.environment["STATE_DIRECTORY"] = "/var/lib/tocsin";
  EXPECT_EQ(data_folder(options, config), "/var/lib/tocsin");
  config.storage.path = "/srv/tocsin";
  EXPECT_EQ(data_folder(options, config), "/srv/tocsin");
  options.data_dir = "/data";
  EXPECT_EQ(data_folder(options, config), "/data");
}

TEST(Surroundings, ReadListenAddresses) {
  EXPECT_EQ(listen_address("127.0.0.1:9000")->port, 9000);
  EXPECT_EQ(listen_address("127.0.0.1")->port, 9477);
  EXPECT_EQ(listen_address("127.0.0.1:0")->port, 0) << "any free port";
  EXPECT_EQ(listen_address("[::1]:80")->host, "::1");
  EXPECT_FALSE(listen_address("nonsense:port"));
}

TEST(NumberQuery, GivesOneNumberOrSaysWhyNot) {
  const store::Store store{store::Limits{}};
  const auto ask = [&](const std::string& expression) {
    return query_one_number(store.snapshot(), expression, core::from_millis(1000));
  };
  EXPECT_EQ(ask("1 + 1").first, 2.0);
  EXPECT_EQ(ask("vector(3)").first, 3.0);
  EXPECT_EQ(ask("nothing").second, "the expression gives nothing");
  EXPECT_EQ(ask("vector(1) or label_replace(vector(2), \"a\", \"b\", \"\", \"\")").second,
            "the expression gives more than one series");
  EXPECT_NE(ask("sum(").second.find("parse error"), std::string::npos);
}

}  // namespace
}  // namespace tocsin::daemon
