#include "src/unit_text.hpp"

#include <gtest/gtest.h>

#include "support/temp_dir.hpp"
#include "tocsin/daemon/config/stop_timeout.hpp"

namespace tocsin::daemon {
namespace {

using test::TempDir;

TEST(UnitText, DropInsCountInTheOrderOfTheirNames) {
  const TempDir folder;
  const std::string unit = folder.write("lib/t.service", "[Unit]\nDescription=x\n[Service]\nTimeoutStopSec=150");
  folder.write("lib/t.service.d/90-late.conf", "[Service]\nTimeoutStopSec=700\n");
  folder.write("etc/t.service.d/10-early.conf", "[Service]\nTimeoutStopSec=600\n");
  folder.write("etc/t.service.d/99-no.txt", "[Service]\nTimeoutStopSec=1\n");
  const std::vector<std::string> folders{folder / "etc/t.service.d", folder / "lib/t.service.d", folder / "nowhere"};

  const auto read = read_unit({folder / "etc/t.service", unit}, folders);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->path, unit);
  EXPECT_EQ(parse_stop_timeout(read->text), std::chrono::seconds(700));

  // One of the same name in an earlier folder stands for the later one.
  folder.write("etc/t.service.d/90-late.conf", "[Service]\nTimeoutStopSec=900\n");
  EXPECT_EQ(parse_stop_timeout(read_unit({unit}, folders)->text), std::chrono::seconds(900));
  EXPECT_EQ(parse_stop_timeout(read_unit({unit}, {})->text), std::chrono::seconds(150));
  EXPECT_FALSE(read_unit({folder / "none"}, folders));
}

TEST(UnitText, TheDropInForCommandsGivesThemTime) {
  const std::string folder = std::string(TOCSIN_SOURCE_DIR) + "/systemd/tocsin.service";
  const auto alone = read_unit({folder}, {});
  const auto with_commands = read_unit({folder}, {folder + ".d"});
  ASSERT_TRUE(alone && with_commands);
  EXPECT_GT(parse_stop_timeout(with_commands->text), parse_stop_timeout(alone->text));
}

}  // namespace
}  // namespace tocsin::daemon
