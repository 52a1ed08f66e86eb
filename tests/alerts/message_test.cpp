// What goes to Alertmanager, and what its answers about suppression mean.
#include "src/message.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json.hpp>

#include "src/suppression.hpp"

namespace tocsin::alerts {
namespace {

using State = core::Suppression::State;
using testing::ElementsAre;

core::AlertChange alert() {
  core::AlertChange change;
  core::Alert& made = change.alert;
  made.labels = core::Labels{{"alertname", "Down"}, {"job", "cache"}};
  made.annotations = core::Labels{{"summary", "say \"no\"\n\x01"}};
  made.active_at = core::from_millis(1'700'000'000'000);
  made.fired_at = core::from_millis(1'700'000'060'500);
  made.valid_until = core::from_millis(1'700'000'300'000);
  made.expression = "up{a=\"b\"} == 0";
  return change;
}

TEST(Message, IsWhatTheApiWants) {
  const auto made = make_message(alert(), core::Labels{{"job", "other"}, {"site", "iad"}}, "http://tocsin:9477/");
  EXPECT_EQ(made->json,
            R"({"labels":{"alertname":"Down","job":"cache","site":"iad"},)"
            R"("annotations":{"summary":"say \"no\"\n\u0001"},)"
            R"("startsAt":"2023-11-14T22:14:20.500Z","endsAt":"2023-11-14T22:18:20.000Z",)"
            R"("generatorURL":"http://tocsin:9477/graph?g0.expr=up%7Ba%3D%22b%22%7D%20%3D%3D%200&g0.tab=1"})");
  EXPECT_EQ(made->labels, (core::Labels{{"alertname", "Down"}, {"job", "cache"}, {"site", "iad"}}));
}

TEST(Message, AResolvedAlertEndsWhenItDid) {
  auto resolved = alert();
  resolved.alert.resolved_at = core::from_millis(1'700'000'100'000);
  const auto made = boost::json::parse(make_message(resolved, {}, "")->json);
  EXPECT_EQ(made.at("endsAt").as_string(), "2023-11-14T22:15:00.000Z");
  EXPECT_EQ(made.at("startsAt").as_string(), "2023-11-14T22:14:20.500Z");
}

TEST(Message, BodiesAreLists) {
  const auto made = make_message(alert(), {}, "");
  EXPECT_EQ(make_body({}), "[]");
  const std::vector<MessagePtr> two{made, made};
  EXPECT_EQ(make_body(two), "[" + made->json + "," + made->json + "]");
}

TEST(Suppression, AsksByLabels) {
  EXPECT_EQ(
      suppression_target(core::Labels{{"a", "x \"y\""}}),
      "/api/v2/alerts?active=true&silenced=true&inhibited=true&unprocessed=true&filter=a%3D%22x%20%5C%22y%5C%22%22");
  core::Labels many;
  for (int i = 0; i < 500; ++i) many.set("label" + std::to_string(i), std::string(100, 'x'));
  EXPECT_LT(suppression_target(many).size(), 5000U);
}

TEST(Suppression, ReadsAnswers) {
  const core::Labels labels{{"a", "1"}, {"b", "2"}};
  const auto read = [&](const std::string& labels_json, const std::string& status) {
    return read_suppression(R"([{"labels":{"a":"1"},"status":{"state":"active"}},{"labels":)" + labels_json +
                                R"(,"status":)" + status + "}]",
                            labels);
  };
  const std::string same = R"({"b":"2","a":"1"})";
  EXPECT_EQ(read(same, R"({"state":"active","silencedBy":[],"inhibitedBy":[]})").state, State::none);
  const auto silenced = read(same, R"({"state":"suppressed","silencedBy":["s1","s2"],"inhibitedBy":["f"]})");
  EXPECT_EQ(silenced.state, State::silenced);
  EXPECT_THAT(silenced.by, ElementsAre("s1", "s2"));
  const auto inhibited = read(same, R"({"state":"suppressed","silencedBy":[],"inhibitedBy":["f"]})");
  EXPECT_EQ(inhibited.state, State::inhibited);
  EXPECT_THAT(inhibited.by, ElementsAre("f"));
  EXPECT_EQ(read(same, R"({"state":"unprocessed","silencedBy":[],"inhibitedBy":[]})").state, State::unknown);
  EXPECT_EQ(read(same, R"({"state":"suppressed"})").state, State::unknown);
  for (const char* other :
       {R"({"a":"1","b":"3"})", R"({"a":"1","b":"2","c":"3"})", R"({"a":"1","b":2})", "[]", "null"}) {
    EXPECT_EQ(read(other, R"({"state":"active"})").state, State::unknown) << other;
  }
  for (const char* body : {"", "{}", "[", "[1,null]", R"([{"labels":{"a":"1","b":"2"}}])", "<html>"}) {
    const auto answer = read_suppression(body, labels);
    EXPECT_EQ(answer.state, State::unknown) << body;
    EXPECT_FALSE(answer.detail.empty());
  }
}

TEST(Suppression, OneWordOfOneIsEnough) {
  const auto says = [](State state) {
    core::Suppression made;
    made.state = state;
    return made;
  };
  const auto all = [&](std::vector<State> states) {
    std::vector<core::Suppression> answers;
    for (const State state : states) answers.push_back(says(state));
    return combine(answers).state;
  };
  EXPECT_EQ(all({}), State::none);
  EXPECT_EQ(all({State::none, State::none}), State::none);
  EXPECT_EQ(all({State::none, State::unknown}), State::unknown);
  EXPECT_EQ(all({State::unknown, State::silenced}), State::silenced);
  EXPECT_EQ(all({State::inhibited, State::unknown}), State::inhibited);
  EXPECT_EQ(all({State::inhibited, State::silenced}), State::silenced);
}

}  // namespace
}  // namespace tocsin::alerts
