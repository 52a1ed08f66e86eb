// The notifier against real Alertmanagers, and against peers that do what a real one will not do on demand.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <boost/json.hpp>
#include <set>

#include "alerts/notifier_fixture.hpp"

namespace tocsin::alerts {
namespace {

namespace json = boost::json;
using core::AlertChange;
using State = core::Suppression::State;
using test::FakeConnection;
using test::FakePeer;
using test::TestLoop;
using testing::HasSubstr;
using testing::Not;
using namespace std::chrono_literals;

TEST_F(NotifierTest, AnAlertArrivesAndResolves) {
  const Alertmanager am;
  options_.external_labels = core::Labels{{"site", "iad"}, {"job", "not this"}};
  options_.external_url = "http://tocsin:9477";
  auto& notifier = notify({am.url()});
  notifier.send({change("Down"), change("Waits", AlertChange::Kind::pending), change("Was", AlertChange::Kind::gone)});
  drain();
  auto there = alerts(am);
  ASSERT_EQ(there.size(), 1U);
  const auto& labels = there[0].at("labels").as_object();
  EXPECT_EQ(labels.at("alertname").as_string(), "Down");
  EXPECT_EQ(labels.at("job").as_string(), "cache");
  EXPECT_EQ(labels.at("site").as_string(), "iad");
  EXPECT_EQ(there[0].at("annotations").at("summary").as_string(), "it \"broke\"");
  const auto status = first();
  EXPECT_EQ(status.sent, 1U);
  EXPECT_EQ(status.errors, 0U);
  EXPECT_EQ(status.queued, 0U);
  EXPECT_EQ(status.latency_seconds.size(), 1U);
  EXPECT_TRUE(first().latency_seconds.empty());
  EXPECT_TRUE(status.last_success);
  notifier.send({change("Down", AlertChange::Kind::resolved)});
  drain();
  EXPECT_TRUE(alerts(am).empty());
  EXPECT_EQ(log_, "");
}

TEST_F(NotifierTest, SilencedInhibitedOrNeither) {
  const Alertmanager am;
  auto& notifier = notify({am.url()});
  const auto down = change("Down").alert.labels;
  auto unknown = suppression(down);
  EXPECT_EQ(unknown.state, State::unknown);
  EXPECT_THAT(unknown.detail, HasSubstr("does not know the alert"));
  notifier.send({change("Down"), change("Other")});
  drain();
  EXPECT_EQ(suppression(down).state, State::none);

  const auto silence =
      call("POST", am.url() + "/api/v2/silences",
           R"({"matchers":[{"name":"alertname","value":"Down","isRegex":false}],"createdBy":"test","comment":"c",)"
           R"("startsAt":")" +
               core::format_rfc3339(wall() - 1s) + R"(","endsAt":")" + core::format_rfc3339(wall() + 1h) + "\"}");
  const auto id = std::string(json::parse(silence).at("silenceID").as_string());
  const auto silenced = suppression(down);
  EXPECT_EQ(silenced.state, State::silenced);
  EXPECT_THAT(silenced.by, testing::ElementsAre(id));
  EXPECT_EQ(suppression(change("Other").alert.labels).state, State::none);

  auto source = change("Source");
  source.alert.labels.set("severity", "critical");
  notifier.send({source});
  drain();
  EXPECT_TRUE(run_until([&] { return suppression(change("Other").alert.labels).state == State::inhibited; }));
  EXPECT_EQ(suppression(source.alert.labels).state, State::none);
}

TEST_F(NotifierTest, NobodyToAskSuppressesNothing) {
  notify(std::vector<std::string>{});
  EXPECT_EQ(suppression(change("Down").alert.labels).state, State::none);
}

TEST_F(NotifierTest, DeliversAfterAnOutage) {
  Alertmanager am;
  am.stop();
  auto& notifier = notify({am.url()});
  notifier.send({change("Down")});
  ASSERT_TRUE(run_until([&] { return first().errors > 1; }));
  EXPECT_EQ(first().queued, 1U);
  EXPECT_THAT(first().last_error, HasSubstr("connect"));
  EXPECT_EQ(suppression(change("Down").alert.labels, 1s).state, State::unknown);
  am.start();
  ASSERT_TRUE(run_until([&] { return first().queued == 0; }));
  EXPECT_EQ(alerts(am).size(), 1U);
  EXPECT_EQ(first().last_error, "");
  EXPECT_EQ(first().dropped, 0U);
  // Told once when it began and once when it ended.
  EXPECT_EQ(std::ranges::count(log_, '\n'), 2) << log_;
  EXPECT_THAT(log_, HasSubstr("takes alerts again"));
}

TEST_F(NotifierTest, OneThatHangsHoldsNobodyUp) {
  const Alertmanager am;
  FakePeer hole([](FakeConnection& connection) { connection.hang(); });
  auto& notifier = notify({"http://127.0.0.1:" + std::to_string(hole.port()), am.url()});
  const auto begun = std::chrono::steady_clock::now();
  notifier.send({change("Down")});
  ASSERT_TRUE(run_until([&] { return notifier.status().at(1).sent == 1; }));
  EXPECT_LT(std::chrono::steady_clock::now() - begun, 1s);
  EXPECT_EQ(notifier.status().at(0).queued, 1U);
  EXPECT_EQ(alerts(am).size(), 1U);
  const auto answer = suppression(change("Down").alert.labels, 200ms);
  EXPECT_EQ(answer.state, State::unknown);
}

TEST_F(NotifierTest, TenThousandAlertsInBatches) {
  const Alertmanager am;
  auto& notifier = notify({am.url()});
  std::vector<AlertChange> many;
  for (int i = 0; i < 10'000; ++i) many.push_back(change("A" + std::to_string(i)));
  notifier.send(std::move(many));
  drain(15s);
  EXPECT_EQ(first().sent, 10'000U);
  EXPECT_EQ(first().dropped, 0U);
  EXPECT_EQ(alerts(am).size(), 10'000U);
}

TEST_F(NotifierTest, ARejectedAlertIsIsolated) {
  ScriptedReceiver receiver([](const std::string& body) {
    return body.find("\"Bad\"") != std::string::npos ? reply(400, "bad label \"x\"") : reply(200);
  });
  auto& notifier = notify({receiver.url()});
  notifier.send({change("A"), change("B"), change("Bad"), change("C"), change("D")});
  drain();
  const auto status = first();
  EXPECT_EQ(status.sent, 4U);
  EXPECT_EQ(status.dropped, 1U);
  EXPECT_EQ(status.queued, 0U);
  EXPECT_THAT(log_, HasSubstr("dropped 1 alert: status 400: bad label"));
  EXPECT_EQ(receiver.connections(), 1);  // one connection for all of it
}

TEST_F(NotifierTest, OtherRefusalsAreDroppedAndPausesAreKept) {
  std::atomic<int> status = 404;
  ScriptedReceiver receiver([&](const std::string&) { return reply(status); });
  auto& notifier = notify({receiver.url()});
  notifier.send({change("A"), change("B")});
  drain();
  EXPECT_EQ(first().dropped, 2U);
  EXPECT_EQ(receiver.bodies().size(), 1U);
  for (const int later : {429, 408, 503, 401}) {
    status = later;
    notifier.send({change("A")});
    const auto seen = receiver.bodies().size();
    ASSERT_TRUE(run_until([&] { return receiver.bodies().size() > seen && first().last_error.starts_with("status"); }))
        << later;
    EXPECT_EQ(first().queued, 1U) << later;
    status = 200;
    drain();
    EXPECT_EQ(first().queued, 0U) << later;
  }
  EXPECT_EQ(first().dropped, 2U);
  EXPECT_EQ(first().sent, 4U);
}

TEST_F(NotifierTest, BatchesAndOrder) {
  ScriptedReceiver receiver([](const std::string&) { return reply(200); });
  auto& notifier = notify({receiver.url()});
  std::vector<AlertChange> many;
  for (int i = 0; i < 600; ++i) many.push_back(change("A" + std::to_string(i)));
  notifier.send(std::move(many));
  drain();
  std::vector<std::size_t> sizes;
  for (const auto& body : receiver.bodies()) sizes.push_back(json::parse(body).as_array().size());
  EXPECT_THAT(sizes, testing::ElementsAre(256, 256, 88));
}

TEST_F(NotifierTest, AFiringAlertLeavesWithinMilliseconds) {
  ScriptedReceiver receiver([](const std::string&) { return reply(200); });
  auto& notifier = notify({receiver.url()});
  notifier.send({change("First")});
  drain();
  const auto begun = std::chrono::steady_clock::now();
  notifier.send({change("Second")});
  drain();
  EXPECT_LT(std::chrono::steady_clock::now() - begun, 100ms);
  EXPECT_EQ(receiver.bodies().size(), 2U);
}

TEST_F(NotifierTest, SecretsAreSentAndNeverTold) {
  ScriptedReceiver receiver([](const std::string&) { return reply(401, "you are not hunter2"); });
  options_.alertmanagers.resize(1);
  options_.alertmanagers[0].url = net::parse_url("http://u:x@" + receiver.url().substr(7) + "/prefix/").value();
  options_.alertmanagers[0].user = "me";
  options_.alertmanagers[0].password.value = core::Secret("hunter2");
  auto& notifier = notify();
  notifier.send({change("A")});
  ASSERT_TRUE(run_until([&] { return !first().last_error.empty(); }));
  EXPECT_THAT(receiver.heads().at(0), HasSubstr("POST /prefix/api/v2/alerts HTTP/1.1\r\n"));
  EXPECT_THAT(receiver.heads().at(0), HasSubstr("Authorization: Basic bWU6aHVudGVyMg==\r\n"));
  for (const auto& text : {log_, first().last_error, first().url}) {
    EXPECT_THAT(text, Not(HasSubstr("hunter2")));
    EXPECT_THAT(text, Not(HasSubstr("u:x@")));
  }
}

TEST_F(NotifierTest, ReconfiguringKeepsWhatIsOwed) {
  std::atomic<int> status = 503;
  ScriptedReceiver stays([&](const std::string&) { return reply(status); });
  ScriptedReceiver goes([](const std::string&) { return reply(200); });
  ScriptedReceiver comes([](const std::string&) { return reply(200); });
  auto& notifier = notify({goes.url(), stays.url()});
  notifier.send({change("A")});
  ASSERT_TRUE(run_until([&] { return notifier.status().at(1).errors > 0 && goes.bodies().size() == 1; }));
  auto changed = options_;
  changed.alertmanagers[0].url = net::parse_url(comes.url()).value();
  changed.alertmanagers[1].bearer.value = core::Secret("t0k");
  status = 200;
  notifier.reconfigure(changed);
  drain();
  EXPECT_EQ(notifier.status().at(1).sent, 1U);
  EXPECT_THAT(stays.heads().back(), HasSubstr("Bearer t0k"));
  notifier.send({change("B")});
  drain();
  EXPECT_EQ(goes.bodies().size(), 1U);
  EXPECT_EQ(comes.bodies().size(), 1U);
}

TEST_F(NotifierTest, DrainEndsAtItsDeadline) {
  notify({"http://127.0.0.1:" + std::to_string(test::free_port())});
  notifier_->send({change("A")});
  const auto begun = std::chrono::steady_clock::now();
  drain(300ms);
  EXPECT_LT(std::chrono::steady_clock::now() - begun, 2s);
  EXPECT_EQ(first().queued, 1U);
}

TEST_F(NotifierTest, OversizedAnswersAreNotRead) {
  ScriptedReceiver receiver([](const std::string&) {
    return "HTTP/1.1 200 OK\r\nContent-Length: 1073741824\r\n\r\n[" + std::string(100, ' ');
  });
  notify({receiver.url()});
  const auto answer = suppression(change("A").alert.labels, 2s);
  EXPECT_EQ(answer.state, State::unknown);
  EXPECT_FALSE(answer.detail.empty());
}

}  // namespace
}  // namespace tocsin::alerts
