// When no Alertmanager takes alerts: who is told, of what, how often; and what it looks like beside the real thing.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "alerts/notifier_fixture.hpp"
#include "src/fallback_queue.hpp"
#include "src/webhook.hpp"

namespace tocsin::alerts {
namespace {

namespace json = boost::json;
using core::AlertChange;
using Kind = core::AlertChange::Kind;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using namespace std::chrono_literals;

const core::Deadline start = core::Deadline{} + 1h;

std::vector<std::string> waiting(const FallbackQueue& queue) {
  std::vector<std::string> all;
  for (const auto& name : queue.names()) {
    for (const auto& one : queue.of_name(name)) all.push_back(name + " " + std::string(to_string(one.kind)));
  }
  return all;
}

TEST(FallbackQueue, WaitsForTheAlertmanagersFirst) {
  FallbackQueue queue;
  EXPECT_FALSE(queue.due(1min));
  queue.notice(change("A", Kind::firing, 1), start);
  EXPECT_EQ(queue.due(1min), start + 1min);
  queue.accepted(change("Other").alert.labels, 9, wall(), start + 30s);
  EXPECT_EQ(queue.due(1min), start + 90s);  // one of them takes alerts
  queue.accepted(change("A").alert.labels, 1, wall(), start + 40s);
  EXPECT_FALSE(queue.due(1min));
}

TEST(FallbackQueue, IsToldEachStateOnce) {
  FallbackQueue queue;
  queue.notice(change("A", Kind::firing, 1), start);
  queue.notice(change("B", Kind::repeated), start);
  EXPECT_THAT(waiting(queue), ElementsAre("A firing"));
  queue.told(queue.of_name("A"));
  EXPECT_THAT(waiting(queue), IsEmpty());
  queue.notice(change("A", Kind::repeated), start);
  queue.notice(change("A", Kind::firing, 1), start);
  EXPECT_THAT(waiting(queue), IsEmpty());
  queue.notice(change("A", Kind::resolved, 2), start + 5s);
  EXPECT_EQ(queue.due(1min), start + 5s) << "who was told of the beginning is told of the end, at once";
  queue.accepted(change("A").alert.labels, 2, wall(), start + 6s);
  EXPECT_THAT(waiting(queue), ElementsAre("A resolved"));
  queue.told(queue.of_name("A"));
  queue.notice(change("A", Kind::firing, 3), start);
  EXPECT_THAT(waiting(queue), ElementsAre("A firing"));
}

TEST(FallbackQueue, ANewerStateStandsAndAnOlderReceiptDoesNotCountForIt) {
  FallbackQueue queue;
  queue.notice(change("A", Kind::firing, 1), start);
  queue.notice(change("A", Kind::resolved, 2), start + 1s);
  queue.accepted(change("A").alert.labels, 1, wall(), start + 2s);
  EXPECT_THAT(waiting(queue), ElementsAre("A resolved"));
  const auto old = queue.of_name("A");
  queue.notice(change("A", Kind::firing, 3), start + 3s);
  queue.told(old);
  EXPECT_THAT(waiting(queue), ElementsAre("A firing"));
}

TEST(Webhook, NamesLabelSetsAsAlertmanagerDoes) { EXPECT_EQ(fingerprint(core::Labels{}), "cbf29ce484222325"); }

TEST(Webhook, CutsLongListsAndSaysSo) {
  std::vector<AlertChange> many;
  for (int i = 0; i < 130; ++i) {
    many.push_back(change("Same", Kind::resolved));
    many.back().alert.labels.set("i", std::to_string(i));
  }
  const auto body = json::parse(webhook_body(many, {}));
  EXPECT_EQ(body.at("alerts").as_array().size(), 100U);
  EXPECT_EQ(body.at("truncatedAlerts").as_int64(), 30);
  EXPECT_EQ(body.at("status").as_string(), "resolved");
}

/// Every key, and what kind of value it has, of the first alert alone.
std::set<std::string> shape(const json::value& value, const std::string& path = "") {
  std::set<std::string> all;
  if (value.is_object()) {
    for (const auto& [key, inner] : value.as_object()) {
      const std::string at = path + "." + std::string(key);
      all.insert(at);
      // Labels have names of their own.
      if (key == "labels" || key == "annotations" || key.starts_with("common") || key == "groupLabels") continue;
      all.merge(shape(inner, at));
    }
  } else if (value.is_array()) {
    if (!value.as_array().empty()) all.merge(shape(value.as_array().front(), path + "[]"));
  } else {
    all.insert(path + (value.is_string() ? " text" : value.is_number() ? " number" : " other"));
  }
  return all;
}

class FallbackTest : public NotifierTest {
 protected:
  void fall_back_to(const std::string& url, core::Duration after = 300ms) {
    FallbackOptions fallback;
    fallback.webhook.url = net::parse_url(url).value();
    fallback.after = after;
    options_.fallback = fallback;
  }
  FallbackStatus fallback() { return notifier_->fallback_status().value(); }
};

TEST_F(FallbackTest, ItsMessagesAreShapedAsAlertmanagers) {
  ScriptedReceiver hook([](const std::string&) { return reply(200); });
  const Alertmanager am(
      "route: {receiver: hook, group_by: [alertname], group_wait: 10ms, group_interval: 1s}\n"
      "receivers: [{name: hook, webhook_configs: [{url: \"" +
      hook.url() + "/\"}]}]\n");
  auto& notifier = notify({am.url()});
  std::vector<AlertChange> two{change("Down"), change("Down")};
  two[1].alert.labels.set("job", "other");
  notifier.send(two);
  // It may tell of the first before it has taken the second: then both come an interval later.
  json::value real;
  ASSERT_TRUE(run_until([&] {
    const auto bodies = hook.bodies();
    if (!bodies.empty()) real = json::parse(bodies.back());
    return !bodies.empty() && real.at("alerts").as_array().size() == two.size();
  }));
  WebhookText text;
  text.external_url = "http://tocsin:9477";
  text.note = "because";
  const auto ours = json::parse(webhook_body(two, text));
  EXPECT_EQ(shape(ours), shape(real)) << json::serialize(real);
  EXPECT_EQ(ours.at("version"), real.at("version"));
  EXPECT_EQ(ours.at("status"), real.at("status"));
  EXPECT_EQ(ours.at("groupLabels"), real.at("groupLabels"));
  EXPECT_EQ(ours.at("commonLabels"), real.at("commonLabels"));
  std::map<std::string, std::string> prints;
  for (const auto& alert : real.at("alerts").as_array())
    prints[json::serialize(alert.at("labels").at("job"))] = alert.at("fingerprint").as_string().c_str();
  for (const auto& alert : ours.at("alerts").as_array())
    EXPECT_EQ(prints[json::serialize(alert.at("labels").at("job"))], alert.at("fingerprint").as_string().c_str());
  EXPECT_EQ(ours.at("alerts").at(0).at("endsAt"), "0001-01-01T00:00:00Z");
  EXPECT_EQ(real.at("alerts").at(0).at("endsAt"), "0001-01-01T00:00:00Z");
  EXPECT_EQ(ours.at("commonAnnotations").at("tocsin_fallback"), "because");
}

TEST_F(FallbackTest, IsToldWhenNoAlertmanagerAnswersEachStateOnce) {
  ScriptedReceiver hook([](const std::string&) { return reply(200); });
  fall_back_to(hook.url() + "/secret-path?token=hunter2");
  auto& notifier = notify({"http://127.0.0.1:" + std::to_string(test::free_port())});
  notifier.send({change("A", Kind::firing, 1), change("B", Kind::firing, 2)});
  ASSERT_TRUE(run_until([&] { return fallback().sent == 2; }));
  EXPECT_TRUE(fallback().active);
  notifier.send({change("A", Kind::repeated), change("B", Kind::resolved, 3)});
  ASSERT_TRUE(run_until([&] { return fallback().sent == 3; }));
  ASSERT_TRUE(run_until([&] { return !fallback().active; }));
  const auto bodies = hook.bodies();
  ASSERT_EQ(bodies.size(), 3U);
  EXPECT_THAT(bodies[0], HasSubstr("\"groupKey\":\"tocsin-fallback:{}:{alertname=\\\"A\\\"}\""));
  EXPECT_THAT(bodies[2], HasSubstr("\"status\":\"resolved\""));
  EXPECT_THAT(hook.heads()[0], HasSubstr("POST /secret-path?token=hunter2 HTTP/1.1"));
  EXPECT_EQ(first().queued, 2U) << "the Alertmanagers are owed what they were";
  EXPECT_EQ(fallback().url, hook.url() + "/...");
  EXPECT_THAT(log_, HasSubstr("no Alertmanager takes alerts"));
  EXPECT_THAT(log_, Not(HasSubstr("secret-path")));
  EXPECT_THAT(log_, Not(HasSubstr("hunter")));
}

TEST_F(FallbackTest, IsLeftAloneWhileOneTakesAlerts) {
  ScriptedReceiver hook([](const std::string&) { return reply(200); });
  ScriptedReceiver takes([](const std::string&) { return reply(200); });
  fall_back_to(hook.url());
  auto& notifier = notify({takes.url(), "http://127.0.0.1:" + std::to_string(test::free_port())});
  notifier.send({change("A", Kind::firing, 1)});
  ASSERT_TRUE(run_until([&] { return first().sent == 1; }));
  const auto until = std::chrono::steady_clock::now() + 700ms;
  run_until([&] { return std::chrono::steady_clock::now() > until; });
  EXPECT_TRUE(hook.bodies().empty());
  EXPECT_EQ(fallback().waiting, 0U);
}

TEST_F(FallbackTest, IsTriedAgainAndRefusalsAreCounted) {
  std::atomic<int> status = 500;
  ScriptedReceiver hook([&](const std::string&) { return reply(status, "no"); });
  fall_back_to(hook.url(), 50ms);
  auto& notifier = notify({"http://127.0.0.1:" + std::to_string(test::free_port())});
  notifier.send({change("A", Kind::firing, 1)});
  ASSERT_TRUE(run_until([&] { return fallback().errors == 2; }));
  EXPECT_EQ(fallback().last_error, "status 500: no");
  status = 200;
  ASSERT_TRUE(run_until([&] { return fallback().sent == 1; }));
  EXPECT_EQ(fallback().last_error, "");
  status = 400;
  notifier.send({change("B", Kind::firing, 2)});
  ASSERT_TRUE(run_until([&] { return fallback().dropped == 1; }));
  EXPECT_THAT(log_, HasSubstr("the fallback refuses 1 alert: status 400: no"));
}

TEST_F(FallbackTest, ComesAndGoesWithTheConfiguration) {
  ScriptedReceiver hook([](const std::string&) { return reply(200); });
  auto& notifier = notify(std::vector<std::string>{});
  EXPECT_FALSE(notifier.fallback_status());
  fall_back_to(hook.url(), 1h);
  notifier.reconfigure(options_);
  notifier.send({change("A", Kind::firing, 1)});
  ASSERT_TRUE(run_until([&] { return fallback().sent == 1; }))
      << "where there is no Alertmanager, nobody is waited for";
  options_.fallback.reset();
  notifier.reconfigure(options_);
  EXPECT_FALSE(notifier.fallback_status());
}

}  // namespace
}  // namespace tocsin::alerts
