#include "src/api_history.hpp"

#include <gtest/gtest.h>

#include <boost/json.hpp>

#include "src/api_explain.hpp"
#include "tocsin/core/yaml.hpp"

namespace tocsin::daemon {
namespace {

using namespace std::chrono_literals;

const core::TimePoint asked_at = core::from_millis(1'800'000'000'000);

net::ServerRequest request(const std::string& query) {
  net::ServerRequest request;
  request.method = "GET";
  request.query = query;
  return request;
}

core::HistoryRecord fired() {
  core::HistoryRecord record;
  record.at = asked_at - 1min;
  record.event = "firing";
  record.subject = "High";
  record.labels = core::Labels{{"alertname", "High"}, {"instance", "a"}};
  record.detail = "value 9";
  return record;
}

class History : public testing::Test {
 protected:
  HistorySource source = [this](const state::HistoryQuery& query) {
    asked = query;
    return core::Result<std::vector<core::HistoryRecord>>(std::vector<core::HistoryRecord>{fired()});
  };
  std::optional<state::HistoryQuery> asked;
};

TEST_F(History, GivesWhatWasAskedFor) {
  const auto response =
      api_history(request("since=24h&until=1799999990&kind=alert&subject=High&limit=5"), source, asked_at);
  ASSERT_EQ(response.status, 200U) << response.body;
  EXPECT_EQ(asked->since, asked_at - 24h);
  EXPECT_EQ(asked->until, asked_at - 10s);
  EXPECT_EQ(asked->kind, core::HistoryKind::alert);
  EXPECT_EQ(asked->subject, "High");
  EXPECT_EQ(asked->limit, 5U);
  const auto body = boost::json::parse(response.body);
  const auto& record = body.at("data").at("history").as_array().at(0);
  EXPECT_EQ(record.at("event").as_string(), "firing");
  EXPECT_EQ(record.at("labels").at("instance").as_string(), "a");
}

TEST_F(History, PrintsOneLineForEachRecordOldestFirst) {
  auto later = fired();
  later.at = asked_at;
  later.event = "resolved";
  const std::string text = history_text({later, fired()});
  EXPECT_EQ(text,
            "2027-01-15T07:59:00.000Z  alert       firing     {alertname=\"High\", instance=\"a\"}  value 9\n"
            "2027-01-15T08:00:00.000Z  alert       resolved   {alertname=\"High\", instance=\"a\"}  value 9\n");
  EXPECT_EQ(history_text({}), "nothing happened\n");
}

TEST_F(History, SaysWhatIsWrongWithAQuestion) {
  for (const auto& [query, word] : {std::pair("since=soon", "since"), std::pair("kind=weather", "kind"),
                                    std::pair("limit=0", "limit"), std::pair("limit=many", "limit")}) {
    const auto response = api_history(request(query), source, asked_at);
    EXPECT_EQ(response.status, 400U) << query;
    EXPECT_NE(response.body.find(word), std::string::npos) << response.body;
  }
  const HistorySource none = [](const state::HistoryQuery&) -> core::Result<std::vector<core::HistoryRecord>> {
    return core::Failure{core::Outcome::internal, core::Phase::none, "no history is kept"};
  };
  EXPECT_EQ(api_history(request(""), none, asked_at).status, 422U);
}

class Explain : public History {
 protected:
  ExplainSources sources() {
    core::Diagnostics diagnostics;
    const auto document = core::parse_yaml(
        std::make_shared<core::SourceFile>(core::SourceFile{
            "rules.yml", "groups: [{name: g, rules: [{alert: High, expr: 'level{job=\"ap\"} > 5'}]}]\n"}),
        diagnostics);
    auto groups = rules::parse_rule_file(document, diagnostics);
    EXPECT_FALSE(diagnostics.has_errors());
    return {std::make_shared<const std::vector<rules::GroupSpec>>(std::move(groups)), {}, store.live(), source};
  }
  store::Store store{store::Limits{}};
};

TEST_F(Explain, DrawsTheTreeAndTheLastTransitions) {
  const auto block = store.open_block("app a");
  core::Batch batch;
  batch.fresh = {{0, core::Labels{{"__name__", "level"}, {"job", "app"}}}};
  batch.rows = {{0, 9.0}};
  (void)store.append(block, asked_at - 1s, batch);
  const auto text = api_explain(request("alert=High&format=text"), sources(), asked_at);
  ASSERT_EQ(text.status, 200U) << text.body;
  EXPECT_NE(text.body.find("High is silent"), std::string::npos) << text.body;
  EXPECT_NE(text.body.find("\"app\""), std::string::npos) << "the job that there is: " << text.body;
  EXPECT_NE(text.body.find("last transitions\n2027-01-15T07:59:00.000Z"), std::string::npos) << text.body;
  EXPECT_EQ(asked->subject, "High");
  const auto json = boost::json::parse(api_explain(request("alert=High"), sources(), asked_at).body);
  const auto& rule = json.at("data").at("rules").as_array().at(0);
  EXPECT_EQ(rule.at("group").as_string(), "rules.yml;g");
  EXPECT_EQ(rule.at("expression").at("kind").as_string(), "comparison");
  EXPECT_EQ(json.at("data").at("transitions").as_array().size(), 1U);
}

TEST_F(Explain, SaysWhichRuleMayHaveBeenMeant) {
  const auto unknown = api_explain(request("alert=Hihg"), sources(), asked_at);
  EXPECT_EQ(unknown.status, 404U);
  EXPECT_NE(unknown.body.find("did you mean \\\"High\\\"?"), std::string::npos) << unknown.body;
  EXPECT_EQ(api_explain(request(""), sources(), asked_at).status, 400U);
  EXPECT_EQ(api_explain(request("alert=High&at=soon"), sources(), asked_at).status, 400U);
}

}  // namespace
}  // namespace tocsin::daemon
