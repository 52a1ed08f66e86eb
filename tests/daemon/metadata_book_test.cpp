// What targets describe beside what tocsin knows, and how it stands on /metrics.
#include "src/metadata_book.hpp"

#include <gtest/gtest.h>

namespace tocsin::daemon {
namespace {

using core::MetricType;

TEST(MetadataBook, TargetsAddToWhatIsKnown) {
  MetadataBook book;
  const auto before = book.page();
  EXPECT_TRUE(before->table.contains("redis_up"));
  EXPECT_EQ(book.page(), before) << "nothing changed";
  book.add({{"app_requests_total", MetricType::counter, "Requests."}, {"redis_up", MetricType::counter, "No."}});
  const auto after = book.page();
  EXPECT_NE(after->version, before->version);
  EXPECT_EQ(after->table.at("app_requests_total").help, "Requests.");
  EXPECT_EQ(after->table.at("redis_up").type, MetricType::gauge) << "what a table knows stays";
  book.add({{"app_requests_total", MetricType::counter, "Requests."}, {"tocsin_build_info", MetricType::gauge, ""}});
  EXPECT_EQ(book.page(), after) << "another tocsin is not this one";
  book.add({{"app_requests_total", MetricType::counter, "Other."}});
  EXPECT_EQ(book.page()->table.at("app_requests_total").help, "Other.");
  EXPECT_EQ(after->table.at("app_requests_total").help, "Requests.") << "a page that is in use stays as it is";
}

TEST(MetadataBook, IsBounded) {
  MetadataBook book;
  std::vector<core::Described> many;
  for (int i = 0; i < 60'000; ++i) many.push_back({"m" + std::to_string(i), MetricType::gauge, ""});
  book.add(many);
  EXPECT_EQ(book.page()->owned.size(), 50'000U);
}

TEST(MetadataBook, WhatWasScrapedStandsOnThePageAndTheScrapersOwnDoesNot) {
  store::Store store{store::Limits{}};
  const auto target = store.open_block("target");
  core::Batch batch;
  const auto series = [](const char* name) {
    return core::Labels{{"__name__", name}, {"job", "app"}, {"instance", "i"}};
  };
  batch.fresh = {{0, series("up")}, {1, series("scrape_samples_scraped")}, {2, series("app_x")}, {3, series("h_sum")}};
  batch.rows = {{0, 1}, {1, 2}, {2, 3}, {3, 4}};
  (void)store.append(target, core::from_millis(10'000), batch);
  store.publish();
  MetadataBook book;
  Exposition exposition;
  const auto page = [&] {
    const auto metadata = book.page();
    return exposition.expose(store.snapshot(), metadata->table, core::from_millis(10'000), metadata->version);
  };
  EXPECT_EQ(page(), "");
  book.add({{"app_x", MetricType::unknown, ""}, {"h", MetricType::histogram, "Hs."}});
  EXPECT_EQ(page(),
            "# TYPE app_x untyped\napp_x{instance=\"i\",job=\"app\"} 3\n"
            "# HELP h Hs.\n# TYPE h histogram\nh_sum{instance=\"i\",job=\"app\"} 4\n");
}

}  // namespace
}  // namespace tocsin::daemon
