// The packs for the kinds metrics, file, exec and push fire on what they are for, in Prometheus too.
#include <gtest/gtest.h>

#include <string>

#include "scenario.hpp"

namespace tocsin::rules {
namespace {

std::string file(const std::string& pack) { return TOCSIN_SOURCE_DIR "/rules/packs/" + pack + ".yml"; }
std::string of(const std::string& name) { return name + R"({instance="i",job="j"})"; }

TEST(ScrapePacks, TheirAlertsFire) {
  test::expect_agreement(file("metrics"),
                         {{"MetricsTargetDown", {{of("up"), 0}}},
                          {"MetricsSeriesRefused", {{of("tocsin_scrape_series_refused_total"), 0, 5}}}});
  test::expect_agreement(file("file"), {{"FileNotAsExpected", {{of("tocsin_file_success"), 0}}}});
  test::expect_agreement(file("exec"),
                         {{"CheckWarning", {{of("tocsin_exec_success"), 0}, {of("tocsin_exec_status"), 1}}},
                          {"CheckFailed", {{of("tocsin_exec_success"), 0}, {of("tocsin_exec_status"), 2}}},
                          {"CheckFailed", {{of("tocsin_exec_success"), 0}}}});
  test::expect_agreement(file("push"),
                         {{"JobReportMissing", {{of("tocsin_push_success"), 0}, {of("tocsin_push_status"), 0}}},
                          {"JobReportMissing", {{of("tocsin_push_success"), 0}}},
                          {"JobFailed", {{of("tocsin_push_success"), 0}, {of("tocsin_push_status"), 3}}}});
}

}  // namespace
}  // namespace tocsin::rules
