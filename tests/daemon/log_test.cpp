#include "src/log.hpp"

#include <gtest/gtest.h>

#include <stdexcept>
#include <vector>

namespace tocsin::daemon {
namespace {

TEST(Logfmt, QuotesWhatNeedsIt) {
  const std::vector<Field> fields{{"target", "127.0.0.1:6379"}, {"detail", "said \"no\"\nand left\x01"}, {"empty", ""}};
  EXPECT_EQ(logfmt("2026-01-02T03:04:05.678Z", Level::warning, "target is sick", fields),
            "time=2026-01-02T03:04:05.678Z level=warning msg=\"target is sick\" target=127.0.0.1:6379 "
            "detail=\"said \\\"no\\\"\\nand left\\x01\" empty=\"\"\n");
}

TEST(Log, LeavesOutWhatIsBelowItsLevel) {
  std::vector<std::string> lines;
  const Log log(Level::warning,
                [&lines](Level, std::string_view message, std::span<const Field>) { lines.emplace_back(message); });
  log.debug("a");
  log.info("b");
  log.warning("c");
  log.error("d");
  EXPECT_EQ(lines, (std::vector<std::string>{"c", "d"}));
}

TEST(Level, HasNames) {
  EXPECT_EQ(parse_level("debug"), Level::debug);
  EXPECT_EQ(to_string(Level::error), "error");
  EXPECT_THROW((void)parse_level("loud"), std::invalid_argument);
}

}  // namespace
}  // namespace tocsin::daemon
