#include "src/probe_endpoint.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/temp_dir.hpp"
#include "tocsin/net/url.hpp"

namespace tocsin::daemon {
namespace {

using testing::HasSubstr;

Config config() {
  const test::TempDir dir;
  core::Diagnostics diagnostics;
  const std::string path =
      dir.write("t.yml",
                "probes:\n"
                "  - {job: web, kind: http, timeout: 5s, allow_targets: ['https?://127\\.0\\.0\\.1[:/].*']}\n"
                "  - {job: cache, kind: redis, allow_targets: 'cache-\\d+:6379', targets: redis://h}\n"
                "  - {job: closed, targets: http://h}\n");
  auto loaded = load_config(path, {}, {}, diagnostics);
  EXPECT_TRUE(loaded) << diagnostics.render();
  return loaded.value_or(Config{});
}

net::ServerRequest ask(const std::string& query, const std::string& scrape_timeout = "") {
  net::ServerRequest request;
  request.method = "GET";
  request.path = "/probe";
  request.query = query;
  if (!scrape_timeout.empty()) request.headers = {{"X-Prometheus-Scrape-Timeout-Seconds", scrape_timeout}};
  return request;
}

struct Refused {
  const char* query;
  unsigned status;
  const char* says;
};

TEST(ProbeEndpoint, RefusesWhatIsNotAllowed) {
  const Config c = config();
  const Refused table[] = {
      {"module=web", 400, "Target parameter is missing"},
      {"target=http://127.0.0.1/&module=nothing", 400, "Unknown module \"nothing\""},
      {"target=http://10.0.0.1/&module=web", 403, "does not allow this target"},
      {"target=http://127.0.0.1.evil.example/&module=web", 403, "does not allow this target"},
      {"target=http://h&job=closed", 403, "does not allow this target"},
      {"target=elsewhere:6379", 400, "No job allows this target"},
      {"target=redis://127.0.0.1/&job=web", 403, "does not allow"},
  };
  for (const Refused& refused : table) {
    const auto asked = read_asked_probe(ask(refused.query), c);
    const auto* response = std::get_if<net::ServerResponse>(&asked);
    ASSERT_NE(response, nullptr) << refused.query;
    EXPECT_EQ(response->status, refused.status) << refused.query;
    EXPECT_THAT(response->body, HasSubstr(refused.says));
  }
}

TEST(ProbeEndpoint, TakesAJobByTheNamesThatExportersUse) {
  const Config c = config();
  const std::string target = net::percent_encode("http://127.0.0.1:80/health");
  for (const std::string parameter : {"job", "module", "auth_module"}) {
    const auto asked = read_asked_probe(ask("target=" + target + "&" + parameter + "=web", "3"), c);
    const auto* probe = std::get_if<AskedProbe>(&asked);
    ASSERT_NE(probe, nullptr);
    EXPECT_EQ(probe->target.kind, "http");
    EXPECT_EQ(probe->timeout, core::Duration(2500)) << "half a second is kept for the way back";
  }
  const auto asked = read_asked_probe(ask("target=cache-12:6379"), c);
  const auto* probe = std::get_if<AskedProbe>(&asked);
  ASSERT_NE(probe, nullptr);
  EXPECT_EQ(probe->target.kind, "redis");
  EXPECT_EQ(probe->target.labels.get("instance"), "cache-12:6379");
}

TEST(ProbeEndpoint, AsksForAnotherHostAtTheTarget) {
  const Config c = config();
  const std::string target = "module=web&target=" + net::percent_encode("http://127.0.0.1:80/health");
  const auto asked = read_asked_probe(ask(target + "&hostname=shop.example"), c);
  const auto* probe = std::get_if<AskedProbe>(&asked);
  ASSERT_NE(probe, nullptr);
  const auto& options = std::get<probes::HttpOptions>(*probe->target.options);
  ASSERT_EQ(options.headers.size(), 1U);
  EXPECT_EQ(options.headers[0].name, "Host");
  EXPECT_EQ(options.headers[0].value.value.reveal(), "shop.example");
  EXPECT_EQ(options.url.host, "127.0.0.1");
  const auto wrong = read_asked_probe(ask(target + "&hostname=a%0d%0ab"), c);
  ASSERT_TRUE(std::holds_alternative<net::ServerResponse>(wrong));
  EXPECT_EQ(std::get<net::ServerResponse>(wrong).status, 400U);
}

TEST(ProbeEndpoint, LeavesJobAndInstanceToTheScraper) {
  core::Observation observation;
  observation.batch.fresh = {
      {0, core::Labels{{"__name__", "redis_up"}, {"job", "j"}, {"instance", "i"}}},
      {1, core::Labels{{"__name__", "redis_db_keys"}, {"job", "j"}, {"instance", "i"}, {"db", "db0"}}}};
  observation.batch.rows = {{0, 1}, {1, 7}};
  const std::string page = expose_observation(observation, all_metadata());
  EXPECT_THAT(page, HasSubstr("# TYPE redis_up gauge\nredis_up 1\n"));
  EXPECT_THAT(page, HasSubstr("redis_db_keys{db=\"db0\"} 7\n"));
}

}  // namespace
}  // namespace tocsin::daemon
