#include "tocsin/rules/series_notation.hpp"

#include <gtest/gtest.h>

#include <string>

#include "tocsin/core/duration.hpp"
#include "tocsin/core/sample.hpp"

namespace tocsin::rules {
namespace {

/// `1 _ stale`, or what is wrong.
std::string written(std::string_view text) {
  const auto parsed = parse_series_values(text);
  if (const auto* wrong = std::get_if<NotationError>(&parsed))
    return "at " + std::to_string(wrong->offset) + ": " + wrong->message;
  std::string out;
  for (const auto& value : std::get<SeriesValues>(parsed)) {
    if (!out.empty()) out += ' ';
    out += !value ? "_" : core::is_stale(*value) ? "stale" : core::format_value(*value);
  }
  return out;
}

TEST(SeriesNotation, ReadsValues) {
  const std::vector<std::pair<std::string_view, std::string_view>> table{
      {"", ""},
      {"  1   2\n3\t4 ", "1 2 3 4"},
      {"-2+4x3", "-2 2 6 10"},
      {"1-2x4", "1 -1 -3 -5 -7"},
      {"1x3", "1 1 1 1"},
      {"1x0", "1"},
      {"0x2", "0 0 0"},  // no hexadecimal
      {"+1.5e1 .5 5. 1e-2", "15 0.5 5 0.01"},
      {"Inf -inf +INF NaN", "+Inf -Inf +Inf NaN"},
      {"Infx1", "+Inf +Inf"},
      {"1+Infx1", "1 +Inf"},
      {"_ _x3 1", "_ _ _ _ 1"},
      {"_x0 1", "1"},
      {"1 stale 2", "1 stale 2"},
      {"0.1+0.1x2", "0.1 0.2 0.30000000000000004"},
  };
  for (const auto& [text, wanted] : table) EXPECT_EQ(written(text), wanted) << text;
}

TEST(SeriesNotation, SaysWhatIsWrongAndWhere) {
  const std::vector<std::pair<std::string_view, std::string_view>> table{
      {"1 y", "at 2: a number, _ or stale is needed where \"y\" stands"},
      {"1 2x2.5", "at 5: white space is needed where \".5\" stands"},
      {"1+2", "at 3: x and a number of times is needed after \"1+2\""},
      {"1x", "at 2: a whole number of times is needed after \"1x\""},
      {"1x-2", "at 2: a whole number of times is needed where \"-2\" stands"},
      {"1y3", "at 1: x and a number of times is needed where \"y3\" stands"},
      {"__", "at 1: x and a number of times is needed where \"_\" stands"},
      {"stalex3", "at 0: a number, _ or stale is needed where \"stalex3\" stands"},
      {"1 - 2x3", "at 2: a number, _ or stale is needed where \"-\" stands"},
      {"1e999", "at 0: this number does not fit a double"},
      {"1x99999999999999999999", "at 0: a series has at most 1000000 values"},
      {"_x1000000 1", "at 10: a series has at most 1000000 values"},
      {"1 {{schema:0 sum:1 count:1}}", "at 2: native histograms are not supported: in tocsin every sample is a number"},
  };
  for (const auto& [text, wanted] : table) EXPECT_EQ(written(text), wanted) << text;
}

TEST(SeriesNotation, ReadsLabels) {
  const auto read = [](std::string_view text) {
    const auto parsed = parse_series_labels(text);
    if (const auto* wrong = std::get_if<NotationError>(&parsed))
      return "at " + std::to_string(wrong->offset) + ": " + wrong->message;
    return std::get<core::Labels>(parsed).to_string();
  };
  const std::vector<std::pair<std::string_view, std::string_view>> table{
      {"", "{}"},
      {" {} ", "{}"},
      {"up", "up"},
      {"up{}", "up"},
      {" up {b='2', a=\"x y\",} ", "up{a=\"x y\", b=\"2\"}"},
      {"{__name__=\"up\", a=\"1\"}", "up{a=\"1\"}"},
      {"sum{a=\"1\"}", "sum{a=\"1\"}"},
      {"job:up:sum", "job:up:sum"},
      {"up{a!=\"1\"}", "at 0: a series has one value a label: a!=\"1\" is a condition"},
      {"up[5m]", "at 0: this is no series (write name{label=\"value\"})"},
      {"up offset 5m", "at 0: this is no series (write name{label=\"value\"})"},
      {"1", "at 0: this is no series (write name{label=\"value\"})"},
  };
  for (const auto& [text, wanted] : table) EXPECT_EQ(read(text), wanted) << text;
  EXPECT_TRUE(read("up{a=1}").starts_with("at 5: this is no series: ")) << read("up{a=1}");
  EXPECT_TRUE(read("up{").starts_with("at 3: this is no series: ")) << read("up{");
}

}  // namespace
}  // namespace tocsin::rules
