// Everything that redis_exporter gives by default is given here: by name, type and labels.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>
#include <sstream>

#include "probes/redis_texts.hpp"
#include "redis/details.hpp"
#include "redis/metrics.hpp"
#include "redis/scrape.hpp"

namespace tocsin::probes::redis {
namespace {

using test::bulk;
using test::integer;
using test::list;
using test::redis_text;
using test::ReplyOf;

constexpr core::TimePoint now = core::from_millis(1'800'000'000'500);

/// The metrics that were given, each with the names of the labels that it came with.
struct Given {
  void take(const core::SeriesTable& table, const core::Batch& batch) {
    for (const auto& row : batch.rows) {
      const auto& labels = table.labels(row.slot);
      auto& names = metrics[std::string(labels.metric_name())];
      for (const auto& label : labels) names.insert(label.name);
    }
  }
  void info(std::string_view text, unsigned databases = 16) {
    core::SeriesTable table;
    InfoReader reader{core::Labels{}};
    const std::vector<std::string> histograms{"get", "set"};
    reader.has_histograms(histograms);
    table.begin();
    ASSERT_TRUE(reader.read(text, now, databases, table));
    take(table, table.take());
  }
  std::map<std::string, std::set<std::string>> metrics;
};

std::string map(const std::vector<std::string>& words) {
  std::vector<std::string> items;
  for (const std::string& word : words) items.push_back(bulk(word));
  return list(items);
}

void details(Given& given) {
  const CommandNames names;
  Details details(core::Labels{}, names, {}, true);
  Questions questions(names);
  const auto answer = [&](Question question, const std::string& bytes) {
    const ReplyOf reply(bytes);
    details.answered({question, 0}, *reply);
  };
  answer(Question::config, map({"maxclients",
                                "1",
                                "maxmemory",
                                "1",
                                "io-threads",
                                "1",
                                "repl-backlog-size",
                                "1",
                                "client-output-buffer-limit",
                                "normal 0 0 0",
                                "commandlog-execution-slower-than",
                                "1",
                                "commandlog-large-reply-max-len",
                                "1",
                                "commandlog-large-request-max-len",
                                "1",
                                "commandlog-reply-larger-than",
                                "1",
                                "commandlog-request-larger-than",
                                "1",
                                "commandlog-slow-execution-max-len",
                                "1"}));
  answer(Question::latency_latest, list({list({bulk("fork"), integer(1), integer(1), integer(1)})}));
  answer(
      Question::latency_histogram,
      list({bulk("get"), list({bulk("calls"), integer(1), bulk("histogram_usec"), list({integer(1), integer(1)})})}));
  answer(Question::slowlog_len, integer(1));
  answer(Question::slowlog_get, list({}));
  for (const auto question : {Question::commandlog_slow, Question::commandlog_request, Question::commandlog_reply}) {
    answer(question, integer(1));
  }
  answer(Question::sentinel_masters,
         list({map({"name", "m", "ip", "h", "port", "1", "quorum", "1", "failover-timeout", "1", "parallel-syncs", "1",
                    "down-after-milliseconds", "1", "config-epoch", "1", "last-ok-ping-reply", "1"})}));
  details.ask_about_primaries(questions);
  answer(Question::sentinel_sentinels, list({}));
  answer(Question::sentinel_replicas, list({}));
  answer(Question::sentinel_quorum, "+OK\r\n");
  core::SeriesTable table;
  table.begin();
  details.append(table, {});
  ScrapeMetrics scrape{core::Labels{}};
  scrape.append(table, core::Outcome::timeout, std::chrono::seconds(1), std::chrono::seconds(1));
  given.take(table, table.take());
}

Given everything() {
  Given given;
  for (const std::string text : {"redis_2.8.txt", "redis_7.0_primary.txt", "redis_7.0_replica.txt", "redis_8.0.txt",
                                 "keydb.txt", "valkey_8.1.txt", "valkey_9.1.txt", "dragonfly.txt", "sentinel.txt"}) {
    given.info(redis_text(text));
  }
  given.info(redis_text("cluster_info.txt"), 0);
  std::istringstream fields(redis_text("fields.tsv"));
  std::string section, field, line;
  std::getline(fields, line);
  while (std::getline(fields, line)) {
    std::istringstream columns(line);
    std::getline(columns, section, '\t');
    std::getline(columns, field, '\t');
    given.info("# " + section + "\r\n" + field + ":7\r\n");
  }
  details(given);
  return given;
}

TEST(RedisContract, NothingThatIsOnByDefaultIsMissing) {
  const Given given = everything();
  std::istringstream contract(
      test::read_text(std::filesystem::path(TOCSIN_SOURCE_DIR) / "tests/probes/data/redis/contract.tsv"));
  std::string line, name, type, labels;
  std::getline(contract, line);
  std::size_t count = 0;
  while (std::getline(contract, line)) {
    std::istringstream columns(line);
    std::getline(columns, name, '\t');
    std::getline(columns, type, '\t');
    labels.clear();
    std::getline(columns, labels, '\t');
    ++count;
    if (name.find('<') != std::string::npos) {  // any numeric field of CLUSTER INFO passes through
      EXPECT_TRUE(given.metrics.contains("redis_cluster_stats_messages_ping_sent"));
      continue;
    }
    const auto meta = std::ranges::find(all_metrics(), name, &core::MetricMeta::name);
    if (!name.starts_with("redis_cluster_")) {
      ASSERT_NE(meta, all_metrics().end()) << name;
      EXPECT_EQ(core::to_string(meta->type), type) << name;
    }
    const bool parts = type == "histogram" || type == "summary";
    for (const std::string& ending :
         parts ? std::vector<std::string>{"_sum", "_count"} : std::vector<std::string>{""}) {
      const auto found = given.metrics.find(name + ending);
      ASSERT_NE(found, given.metrics.end()) << name << ending;
      if (name == "redis_exporter_build_info") continue;  // there is no commit, no Go
      std::erase_if(labels, [](char c) { return c == '[' || c == ']'; });
      std::istringstream wanted(labels);
      for (std::string label; std::getline(wanted, label, ',');)
        EXPECT_TRUE(found->second.contains(label)) << name << " " << label;
    }
  }
  EXPECT_EQ(count, 245U);
}

}  // namespace
}  // namespace tocsin::probes::redis
