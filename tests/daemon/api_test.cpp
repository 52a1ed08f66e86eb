#include "src/api.hpp"

#include <gtest/gtest.h>

#include "src/json.hpp"

namespace tocsin::daemon {
namespace {

store::Store& filled(store::Store& store) {
  const auto block = store.open_block("t");
  core::Batch batch;
  batch.fresh = {{0, core::Labels{{"__name__", "redis_up"}, {"job", "cache"}, {"instance", "a:6379"}}},
                 {1, core::Labels{{"__name__", "redis_up"}, {"job", "cache"}, {"instance", "b:6379"}}}};
  batch.rows = {{0, 1}, {1, 0}};
  (void)store.append(block, core::from_millis(1'000'500), batch);
  store.publish();
  return store;
}

net::ServerRequest get(std::string query) {
  net::ServerRequest request;
  request.method = "GET";
  request.path = "/api/v1/query";
  request.query = std::move(query);
  return request;
}

struct QueryCase {
  std::string query;
  unsigned status;
  std::string body;
};

class ApiQuery : public testing::TestWithParam<QueryCase> {};

TEST_P(ApiQuery, AnswersInPrometheusShape) {
  store::Store store{store::Limits{}};
  const auto response = api_query(get(GetParam().query), filled(store).snapshot(), core::from_millis(1'001'500));
  EXPECT_EQ(response.status, GetParam().status);
  EXPECT_EQ(response.body, GetParam().body);
  EXPECT_EQ(response.content_type, "application/json");
}

INSTANTIATE_TEST_SUITE_P(
    Table, ApiQuery,
    testing::Values(
        QueryCase{"query=1%2B1&time=4", 200, R"({"status":"success","data":{"resultType":"scalar","result":[4,"2"]}})"},
        QueryCase{"query=%22x%22&time=1.5", 200,
                  R"({"status":"success","data":{"resultType":"string","result":[1.500,"x"]}})"},
        QueryCase{
            "query=redis_up%7Binstance%3D%22a:6379%22%7D", 200,
            R"({"status":"success","data":{"resultType":"vector","result":[{"metric":{"__name__":"redis_up","instance":"a:6379","job":"cache"},"value":[1001.500,"1"]}]}})"},
        QueryCase{
            "query=redis_up%5B1m%5D%20offset%200s&time=1001", 200,
            R"({"status":"success","data":{"resultType":"matrix","result":[{"metric":{"__name__":"redis_up","instance":"a:6379","job":"cache"},"values":[[1000.500,"1"]]},{"metric":{"__name__":"redis_up","instance":"b:6379","job":"cache"},"values":[[1000.500,"0"]]}]}})"},
        QueryCase{"query=nothing", 200, R"({"status":"success","data":{"resultType":"vector","result":[]}})"},
        QueryCase{
            "query=up&time=yesterday", 400,
            R"({"status":"error","errorType":"bad_data","error":"invalid parameter \"time\": cannot parse \"yesterday\" to a valid timestamp"})"}));

TEST(ApiQuery, TellsWhereAQueryIsWrong) {
  store::Store store{store::Limits{}};
  const auto response = api_query(get("query=sum("), store.snapshot(), core::from_millis(0));
  EXPECT_EQ(response.status, 400U);
  EXPECT_NE(response.body.find("parse error"), std::string::npos) << response.body;
}

TEST(ApiQuery, TakesAPostedForm) {
  store::Store store{store::Limits{}};
  net::ServerRequest request;
  request.method = "POST";
  request.headers = {{"content-type", "application/x-www-form-urlencoded"}};
  request.body = "query=vector(3)&time=10";
  const auto response = api_query(request, store.snapshot(), core::from_millis(0));
  EXPECT_EQ(response.body,
            R"({"status":"success","data":{"resultType":"vector","result":[{"metric":{},"value":[10,"3"]}]}})");
}

struct PathCase {
  std::string path;
  std::string query;
  unsigned status;
  std::string body;  // or a part of it
};

net::ServerResponse answer(const PathCase& c) {
  store::Store store{store::Limits{}};
  const auto view = filled(store).snapshot();
  const net::ServerRequest request = get(c.query);
  if (c.path == "range") return api_query_range(request, view);
  if (c.path == "series") return api_series(request, view);
  if (c.path == "labels") return api_labels(request, view);
  return api_label_values(request, c.path, view);
}

class ApiSeries : public testing::TestWithParam<PathCase> {};

TEST_P(ApiSeries, AnswersInPrometheusShape) {
  const auto response = answer(GetParam());
  EXPECT_EQ(response.status, GetParam().status) << response.body;
  EXPECT_NE(response.body.find(GetParam().body), std::string::npos) << response.body;
}

INSTANTIATE_TEST_SUITE_P(
    Table, ApiSeries,
    testing::Values(
        PathCase{
            "range", "query=sum(redis_up)&start=1000&end=1002&step=1", 200,
            R"({"status":"success","data":{"resultType":"matrix","result":[{"metric":{},"values":[[1001,"1"],[1002,"1"]]}]}})"},
        PathCase{"range", "query=7&start=1000&end=1002&step=2s", 200,
                 R"("result":[{"metric":{},"values":[[1000,"7"],[1002,"7"]]}])"},
        PathCase{"range", "query=up&start=1000&end=999&step=1", 400, "end timestamp must not be before start time"},
        PathCase{"range", "query=up&start=1000&end=1001&step=0", 400, "zero or negative query resolution step"},
        PathCase{"range", "query=up&start=1000&end=1001&step=x", 400, "cannot parse \\\"x\\\" to a valid duration"},
        PathCase{"range", "query=up&start=0&end=12000&step=1", 400, "exceeded maximum resolution of 11,000 points"},
        PathCase{"range", "query=up[1m]&start=0&end=1&step=1", 400, "must be Scalar or instant Vector"},
        PathCase{"range", "query=sum(&start=0&end=1&step=1", 400, "parse error"},
        PathCase{"series", "match[]=redis_up%7Binstance=~%22a.*%22%7D", 200,
                 R"("data":[{"__name__":"redis_up","instance":"a:6379","job":"cache"}]})"},
        PathCase{"series", "match[]=redis_up&match[]=redis_up&limit=1", 200,
                 R"("data":[{"__name__":"redis_up","instance":"a:6379","job":"cache"}]})"},
        PathCase{"series", "", 400, "no match[] parameter provided"},
        PathCase{"series", "match[]=rate(x[1m])", 400, "not a vector selector"},
        PathCase{"labels", "", 200, R"("data":["__name__","instance","job"]})"},
        PathCase{"labels", "match[]=nothing", 200, R"("data":[]})"},
        PathCase{"instance", "", 200, R"("data":["a:6379","b:6379"]})"},
        PathCase{"instance", "match[]=redis_up%7Binstance!=%22a:6379%22%7D", 200, R"("data":["b:6379"]})"},
        PathCase{"__name__", "limit=5", 200, R"("data":["redis_up"]})"},
        PathCase{"a-b", "", 400, "invalid label name"}));

TEST(ApiMetadata, SaysTypeAndHelp) {
  const auto response = api_metadata(get("metric=redis_up"), all_metadata());
  EXPECT_NE(response.body.find(R"("redis_up":[{"type":"gauge","help":)"), std::string::npos) << response.body;
}

TEST(ApiAlerts, ListsThemAsPrometheusDoes) {
  rules::GroupStatus group;
  group.name = "g";
  group.file = "f.yml";
  group.interval = std::chrono::seconds(15);
  rules::RuleStatus rule;
  rule.name = "Down";
  rule.query = "redis_up == 0";
  rule.state = core::AlertState::firing;
  rule.health = rules::Health::ok;
  core::Alert alert;
  alert.labels = core::Labels{{"alertname", "Down"}, {"instance", "a"}};
  alert.annotations = core::Labels{{"summary", "a <b> is down"}};
  alert.state = core::AlertState::firing;
  alert.value = 42.5;
  alert.active_at = core::from_millis(1'600'000'000'000);
  rule.alerts.push_back(alert);
  group.rules.push_back(rule);
  const GroupStatuses groups{std::make_shared<const rules::GroupStatus>(group)};
  EXPECT_EQ(
      api_alerts(groups).body,
      R"({"status":"success","data":{"alerts":[{"labels":{"alertname":"Down","instance":"a"},"annotations":{"summary":"a \u003cb\u003e is down"},)"
      R"("state":"firing","activeAt":"2020-09-13T12:26:40.000Z","value":"4.25e+01"}]}})");
  net::ServerRequest request;
  request.query = "type=record";
  EXPECT_EQ(api_rules(request, groups).body.find("redis_up == 0"), std::string::npos);
  request.query = "rule_name[]=Down";
  EXPECT_NE(api_rules(request, groups).body.find(R"("type":"alerting")"), std::string::npos);
  request.query = "type=nonsense";
  EXPECT_EQ(api_rules(request, groups).status, 400U);
}

TEST(Json, EscapesControlCharacters) {
  JsonWriter json;
  json.begin_object()
      .key("a\"b")
      .string("x\n\x01<")
      .key("n")
      .number(0.5)
      .key("l")
      .begin_array()
      .integer(1)
      .integer(2)
      .end_array()
      .end_object();
  EXPECT_EQ(json.take(), R"({"a\"b":"x\n\u0001\u003c","n":0.5,"l":[1,2]})");
}

TEST(ApiTime, ReadsSecondsAndRfc3339) {
  EXPECT_EQ(parse_api_time("1435781451.781"), core::from_millis(1435781451781));
  EXPECT_EQ(parse_api_time("2015-07-01T20:10:51.781Z"), core::from_millis(1435781451781));
  EXPECT_EQ(parse_api_time("1e300"), std::nullopt);
  EXPECT_EQ(parse_api_time("soon"), std::nullopt);
}

}  // namespace
}  // namespace tocsin::daemon
