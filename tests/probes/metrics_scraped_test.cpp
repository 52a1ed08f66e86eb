// Text with metrics as rows, and what a steady text costs.
#include "src/scraped_series.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <map>

#include "support/count_allocations.hpp"

namespace tocsin::probes {
namespace {

using core::Outcome;
using core::TextFormat;
using Action = core::RelabelRule::Action;

const core::Labels base{{"job", "app"}, {"instance", "h:1"}};

/// A ScrapedSeries and a table, and what came of a text.
class Scraper {
 public:
  explicit Scraper(ScrapeRules rules = {}, std::size_t max_series = 1000)
      : series_(base, std::move(rules)), table(max_series) {}

  core::Result<void> read(std::string_view text, TextFormat format = TextFormat::prometheus) {
    auto done = series_.read(text, format);
    table.begin();
    values.clear();
    if (done) series_.append(table);
    core::Batch batch = table.take();
    fresh = batch.fresh.size();
    for (const core::Row& row : batch.rows) {
      EXPECT_TRUE(values.emplace(table.labels(row.slot).to_string(), row.value).second) << "twice";
    }
    return done;
  }
  const ScrapeCounts& counts() const { return series_.counts(); }
  std::vector<core::Described> described() { return series_.take_described(); }

 private:
  ScrapedSeries series_;

 public:
  core::SeriesTable table;
  std::map<std::string, double> values;
  std::size_t fresh = 0;
};

using Values = std::map<std::string, double>;

core::RelabelRule relabel(Action action, std::vector<std::string> source, std::string regex, std::string target = "",
                          std::string replacement = "$1") {
  core::RelabelRule rule;
  rule.action = action;
  rule.source_labels = std::move(source);
  rule.regex = std::move(regex);
  rule.target_label = std::move(target);
  rule.replacement = std::move(replacement);
  return rule;
}

TEST(ScrapedSeries, ATextBecomesRows) {
  Scraper scraper;
  ASSERT_TRUE(scraper.read("a{x=\"1\"} 1\nb 2\n"));
  EXPECT_EQ(scraper.values,
            (Values{{"a{instance=\"h:1\", job=\"app\", x=\"1\"}", 1}, {"b{instance=\"h:1\", job=\"app\"}", 2}}));
  EXPECT_EQ(scraper.counts().scraped, 2U);
  EXPECT_EQ(scraper.counts().added, 2U);
  // In another order, with one gone and one more.
  ASSERT_TRUE(scraper.read("c 5\nb 3\n"));
  EXPECT_EQ(scraper.values, (Values{{"b{instance=\"h:1\", job=\"app\"}", 3}, {"c{instance=\"h:1\", job=\"app\"}", 5}}));
  EXPECT_EQ(scraper.fresh, 1U);
  EXPECT_EQ(scraper.counts().added, 1U);
  ASSERT_TRUE(scraper.read("a{x=\"1\"} 4\nb 3\n"));
  EXPECT_EQ(scraper.fresh, 0U) << "its slot is still known";
  EXPECT_EQ(scraper.values.at("a{instance=\"h:1\", job=\"app\", x=\"1\"}"), 4);
}

TEST(ScrapedSeries, OneSeriesWrittenInTwoWaysIsOne) {
  Scraper scraper;
  ASSERT_TRUE(scraper.read("a{x=\"1\",y=\"2\"} 1\na{y=\"2\", x=\"1\"} 2\na{x=\"1\",y=\"2\"} 3\n"));
  EXPECT_EQ(scraper.values, (Values{{"a{instance=\"h:1\", job=\"app\", x=\"1\", y=\"2\"}", 1}}));
  EXPECT_EQ(scraper.counts().duplicates, 2U);
  ASSERT_TRUE(scraper.read("a{x=\"1\",y=\"2\"} 1 1000\na{x=\"1\",y=\"2\"} 2 2000\n"));
  EXPECT_EQ(scraper.values.begin()->second, 2) << "with times, the last one is the newest";
}

TEST(ScrapedSeries, AWrongTextTakesNothingIn) {
  Scraper scraper;
  ASSERT_TRUE(scraper.read("a 1\n"));
  const auto done = scraper.read("a 2\nb 3\nc{ 4\n");
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().outcome, Outcome::protocol);
  EXPECT_EQ(done.error().detail, "line 3: labels without an end");
  EXPECT_TRUE(scraper.values.empty());
  const auto labels = scraper.read("a 1\nb{x=\"1\",x=\"2\"} 1\n");
  ASSERT_FALSE(labels);
  EXPECT_EQ(labels.error().detail, "line 2: a label stands twice in a series");
  ASSERT_TRUE(scraper.read("a 2\nb 3\n"));
  EXPECT_EQ(scraper.values.size(), 2U);
}

TEST(ScrapedSeries, LabelsThatTheTargetHasToo) {
  Scraper plain;
  ASSERT_TRUE(plain.read("a{job=\"own\",exported_job=\"old\",x=\"y\"} 1\n"));
  EXPECT_EQ(plain.values.begin()->first,
            "a{exported_exported_job=\"own\", exported_job=\"old\", instance=\"h:1\", job=\"app\", x=\"y\"}");
  ScrapeRules rules;
  rules.honor_labels = true;
  Scraper honoring(rules);
  ASSERT_TRUE(honoring.read("a{job=\"own\"} 1\n"));
  EXPECT_EQ(honoring.values.begin()->first, "a{instance=\"h:1\", job=\"own\"}");
}

TEST(ScrapedSeries, RelabellingDropsAndRenames) {
  ScrapeRules rules;
  rules.metric_relabel = {relabel(Action::drop, {"__name__"}, "go_.*"), relabel(Action::label_drop, {}, "id"),
                          relabel(Action::replace, {"__name__"}, "old_(.*)", "__name__", "new_$1")};
  Scraper scraper(rules);
  for (int round = 0; round < 2; ++round) {
    ASSERT_TRUE(scraper.read("go_gc 1\nold_x{id=\"1\"} 2\nold_x{id=\"2\"} 3\nrest 4\n"));
    EXPECT_EQ(scraper.values,
              (Values{{"new_x{instance=\"h:1\", job=\"app\"}", 2}, {"rest{instance=\"h:1\", job=\"app\"}", 4}}));
    EXPECT_EQ(scraper.counts().scraped, 4U);
    EXPECT_EQ(scraper.counts().kept, 3U);
    EXPECT_EQ(scraper.counts().duplicates, 1U);
  }
  rules.metric_relabel = {relabel(Action::replace, {}, "(.*)", "__name__", "")};
  Scraper nameless(rules);
  EXPECT_EQ(nameless.read("a 1\n").error().outcome, Outcome::protocol);
}

TEST(ScrapedSeries, LimitsRefuseTheWholeText) {
  struct Case {
    const char* what;
    std::size_t ScrapeRules::*limit;
    std::size_t value;
    std::string_view good;
    std::string_view bad;
  };
  const Case cases[] = {
      {"samples", &ScrapeRules::sample_limit, 2, "a 1\nb 1\n", "a 1\nb 1\nc 1\n"},
      {"labels", &ScrapeRules::label_limit, 4, "a{x=\"1\"} 1\n", "a{x=\"1\",y=\"1\"} 1\n"},
      {"names", &ScrapeRules::label_name_length_limit, 8, "a{eight888=\"1\"} 1\n", "a{nine99999=\"1\"} 1\n"},
      {"values", &ScrapeRules::label_value_length_limit, 3, "a{x=\"123\"} 1\n", "a{x=\"1234\"} 1\n"},
  };
  for (const Case& c : cases) {
    ScrapeRules rules;
    rules.*c.limit = c.value;
    Scraper scraper(rules);
    EXPECT_TRUE(scraper.read(c.good)) << c.what;
    const auto done = scraper.read(c.bad);
    ASSERT_FALSE(done) << c.what;
    EXPECT_EQ(done.error().outcome, Outcome::limit) << c.what;
    EXPECT_TRUE(scraper.values.empty()) << c.what;
  }
}

TEST(ScrapedSeries, AFullTableCountsWhatDoesNotFit) {
  Scraper scraper({}, 2);
  for (int round = 1; round <= 2; ++round) {
    ASSERT_TRUE(scraper.read("a 1\nb 1\nc 1\n"));
    EXPECT_EQ(scraper.values.size(), 2U);
    EXPECT_EQ(scraper.table.refused(), static_cast<std::uint64_t>(round));
  }
}

TEST(ScrapedSeries, NoSamplePassesForWhatTheProberSays) {
  constexpr core::MetricMeta own[] = {{"up", core::MetricType::gauge, "Whether it is."}};
  ScrapedSeries series(base, {}, own);
  core::SeriesTable table;
  ASSERT_TRUE(
      series.read("up 1\nup{zone=\"a\"} 1\ntocsin_probe_success 1\n"
                  "tocsin_probe_failures_total{class=\"auth\"} 5\ntocsin_probe_other 1\n",
                  TextFormat::prometheus));
  table.begin();
  series.append(table);
  std::string names;
  for (const core::Row& row : table.take().rows) names += table.labels(row.slot).to_string() + "\n";
  EXPECT_EQ(names,
            "up{instance=\"h:1\", job=\"app\", zone=\"a\"}\ntocsin_probe_other{instance=\"h:1\", job=\"app\"}\n");
  EXPECT_EQ(series.counts().scraped, 5U);
  EXPECT_EQ(series.counts().kept, 2U);
}

TEST(ScrapedSeries, SlotsThatWereLostComeBack) {
  Scraper scraper({}, 3);
  ASSERT_TRUE(scraper.read("a 1\nb 1\n"));
  // Texts that are refused keep the entries, while the table forgets the slots and gives them to others.
  for (int i = 0; i < 40; ++i) ASSERT_FALSE(scraper.read("a"));
  scraper.table.begin();
  for (int i = 0; i < 3; ++i) scraper.table.add(core::Labels{{"__name__", "other" + std::to_string(i)}}, 1);
  static_cast<void>(scraper.table.take());
  for (int i = 0; i < 40; ++i) ASSERT_FALSE(scraper.read("a"));
  ASSERT_TRUE(scraper.read("a 5\nb 6\n"));
  EXPECT_EQ(scraper.values, (Values{{"a{instance=\"h:1\", job=\"app\"}", 5}, {"b{instance=\"h:1\", job=\"app\"}", 6}}));
}

TEST(ScrapedSeries, MetricsAreDescribedWhenThatChanges) {
  Scraper scraper;
  const std::string text =
      "# HELP a What a is.\n# TYPE a counter\na 1\n# TYPE h histogram\nh_bucket{le=\"+Inf\"} 1\nh_sum 1\nh_count "
      "1\nplain 1\n"
      "# HELP gone Nobody has it.\n";
  ASSERT_TRUE(scraper.read(text));
  using core::MetricType;
  const std::vector<core::Described> all{
      {"a", MetricType::counter, "What a is."}, {"h", MetricType::histogram, ""}, {"plain", MetricType::unknown, ""}};
  EXPECT_EQ(scraper.described(), all);
  ASSERT_TRUE(scraper.read(text));
  EXPECT_TRUE(scraper.described().empty());
  ASSERT_TRUE(scraper.read(text + "more 1\n"));
  EXPECT_EQ(scraper.described().size(), 4U);
  ASSERT_TRUE(scraper.read("# HELP a Something else.\n" + text.substr(text.find("# TYPE"))));
  EXPECT_EQ(scraper.described().front().help, "Something else.");
}

TEST(ScrapedSeries, OpenMetricsNamesFamiliesWithoutTheirSuffix) {
  Scraper scraper;
  ASSERT_TRUE(scraper.read(
      "# HELP foo Foos.\n# TYPE foo counter\nfoo_total 1\nfoo_created 2\n# TYPE v info\nv_info{x=\"1\"} 1\n# EOF\n",
      TextFormat::openmetrics));
  using core::MetricType;
  const std::vector<core::Described> all{{"foo_created", MetricType::unknown, ""},
                                         {"foo_total", MetricType::counter, "Foos."},
                                         {"v_info", MetricType::gauge, ""}};
  EXPECT_EQ(scraper.described(), all);
}

TEST(ScrapedSeries, LongDescriptionsAreCutBetweenCharacters) {
  Scraper scraper;
  std::string help(999, 'x');
  ASSERT_TRUE(scraper.read("# HELP a " + help + "é\na 1\n"));
  EXPECT_EQ(scraper.described().front().help, help);
}

TEST(ScrapedSeries, ASteadyTextAllocatesNothing) {
  if (!counting) GTEST_SKIP() << "a sanitizer counts its own";
  std::string text = "# HELP http_requests_total Requests.\n# TYPE http_requests_total counter\n";
  for (int i = 0; i < 2000; ++i)
    text += "http_requests_total{path=\"/p" + std::to_string(i) + "\",code=\"200\"} 12345.678\n";
  ScrapedSeries series(base, {});
  core::SeriesTable table;
  for (int round = 0; round < 3; ++round) {
    table.begin();
    const auto before = allocations.load();
    ASSERT_TRUE(series.read(text, TextFormat::prometheus));
    series.append(table);
    const auto used = allocations - before;
    if (round == 0) {
      EXPECT_GT(used, 2000U) << "the counter counts";
    } else {
      EXPECT_EQ(used, 0U);
    }
    EXPECT_EQ(table.take().rows.size(), 2000U);
  }
}

}  // namespace
}  // namespace tocsin::probes
