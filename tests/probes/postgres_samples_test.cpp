#include "postgres/samples.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <map>

#include "postgres/rows.hpp"

namespace tocsin::probes::postgres {
namespace {

class SamplesTest : public testing::Test {
 protected:
  std::map<std::string, double> take() {
    auto batch = table_.take();
    fresh_ = batch.fresh.size();
    for (const auto& series : batch.fresh) names_[series.slot] = series.labels.to_string();
    std::map<std::string, double> values;
    for (const auto& row : batch.rows) values[names_.at(row.slot)] = row.value;
    return values;
  }
  void begin() {
    table_.begin();
    samples_.begin(table_);
  }
  using Values = std::map<std::string, double>;

  core::SeriesTable table_;
  Samples samples_{core::Labels{{"job", "db"}, {"server", "mine"}}, 5};
  std::size_t fresh_ = 0;
  std::map<core::Slot, std::string> names_;
};

TEST_F(SamplesTest, PutsTheTargetsLabelsToThem) {
  begin();
  samples_.add("a", {{"x", "1"}, {"empty", ""}, {"server", "theirs"}}, 7);
  samples_.add("b", 8);
  EXPECT_EQ(take(), (Values{{"a{exported_server=\"theirs\", job=\"db\", server=\"mine\", x=\"1\"}", 7},
                            {"b{job=\"db\", server=\"mine\"}", 8}}));
}

TEST_F(SamplesTest, FindsTheSameSeriesAgain) {
  for (int i = 0; i < 3; ++i) {
    begin();
    samples_.section("one");
    samples_.add("a", {{"x", "1"}}, i);
    samples_.add("a", {{"x", "2"}}, i + 10);
    const auto values = take();
    EXPECT_EQ(fresh_, i == 0 ? 2U : 0U);
    EXPECT_EQ(values.at("a{job=\"db\", server=\"mine\", x=\"2\"}"), i + 10);
  }
  // In another order, too; only what is new is introduced.
  begin();
  samples_.section("one");
  samples_.add("a", {{"x", "3"}}, 3);
  samples_.add("a", {{"x", "2"}}, 2);
  samples_.add("a", {{"x", "1"}}, 1);
  EXPECT_EQ(take().size(), 3U);
  EXPECT_EQ(fresh_, 1U);
}

TEST_F(SamplesTest, TellsNearlyEqualLabelsApart) {
  begin();
  samples_.section("one");
  samples_.add("a", {{"x", "1"}}, 1);
  EXPECT_EQ(take().size(), 1U);
  for (const Samples::Label& label : std::initializer_list<Samples::Label>{{"x", "12"}, {"x", ""}, {"xx", "1"}}) {
    begin();
    samples_.section("one");
    samples_.add("a", {label}, 1);
    static_cast<void>(take());
    EXPECT_EQ(fresh_, 1U) << label.first << label.second;
  }
}

TEST_F(SamplesTest, RepeatsAndForgetsSections) {
  begin();
  samples_.section("one");
  samples_.add("a", 1);
  samples_.section("two");
  samples_.add("b", 2);
  static_cast<void>(take());
  begin();
  EXPECT_TRUE(samples_.repeat("one"));
  EXPECT_FALSE(samples_.repeat("three"));
  EXPECT_EQ(take(), (Values{{"a{job=\"db\", server=\"mine\"}", 1}}));
  samples_.drop("one");
  begin();
  EXPECT_FALSE(samples_.repeat("one"));
  EXPECT_TRUE(samples_.repeat("two"));
  EXPECT_EQ(take().size(), 1U);
  // Of a section that became shorter only what it has now.
  begin();
  samples_.section("two");
  static_cast<void>(take());
  begin();
  EXPECT_FALSE(samples_.repeat("two"));
}

TEST_F(SamplesTest, KeepsTheLimit) {
  for (int round = 1; round <= 2; ++round) {
    begin();
    samples_.section("one");
    for (int i = 0; i < 8; ++i) samples_.add("a", {{"x", std::to_string(i)}}, i);
    samples_.lift_limit();
    samples_.section("own");
    samples_.add("b", 1);
    EXPECT_EQ(take().size(), 6U);
    EXPECT_EQ(samples_.refused(), 3U * static_cast<unsigned>(round));
    EXPECT_EQ(samples_.size("one"), 5U);
  }
}

TEST_F(SamplesTest, MakesTextOfWhatTheServerSays) {
  begin();
  samples_.add("a", {{"x", "\xff" + std::string(400, 'y')}}, 1);
  EXPECT_EQ(take().begin()->first, "a{job=\"db\", server=\"mine\", x=\"?" + std::string(255, 'y') + "\"}");
}

TEST(PostgresRows, ReadsNumbers) {
  EXPECT_EQ(parse_number("12"), 12);
  EXPECT_EQ(parse_number("-1"), -1);
  EXPECT_EQ(parse_number("1.5e3"), 1500);
  EXPECT_EQ(parse_number("0.1"), 0.1);
  EXPECT_EQ(parse_number("18446744073709551615"), 18446744073709551615.0);
  EXPECT_EQ(parse_number("t"), 1);
  EXPECT_EQ(parse_number("f"), 0);
  EXPECT_EQ(parse_number("-Infinity"), -std::numeric_limits<double>::infinity());
  EXPECT_TRUE(std::isnan(*parse_number("NaN")));
  for (const char* const text : {"", "x", "1x", "nan", "inf", "on", " 1", "0/16B3748"}) {
    EXPECT_EQ(parse_number(text), std::nullopt) << text;
  }
}

TEST(PostgresRows, FindsCells) {
  const auto owned = make_rows({"a", "b"}, {{"1", std::nullopt}, {"2", "x"}});
  const Rows& rows = owned.rows;
  EXPECT_EQ(rows.size(), 2U);
  EXPECT_EQ(rows.column("b"), 1U);
  EXPECT_EQ(rows.column("c"), std::nullopt);
  EXPECT_EQ(rows.at(1, "b"), "x");
  EXPECT_EQ(rows.at(0, "b"), std::nullopt);
  EXPECT_EQ(rows.at(0, "c"), std::nullopt);
  EXPECT_EQ(rows.number(1, "a"), 2);
  EXPECT_EQ(rows.number(1, "b"), std::nullopt);
  EXPECT_EQ(rows.text(0, 1), "");
}

}  // namespace
}  // namespace tocsin::probes::postgres
