// What an action's section becomes, and what is refused.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config_text.hpp"

namespace tocsin::daemon {
namespace {

using actions::ExecCall;
using actions::Extract;
using actions::HttpCall;
using actions::Mode;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::Pair;

/// An action that has what it needs, and these lines.
std::string action(const std::string& lines, const std::string& bounds = "count: {min: 1, max: 3}",
                   const std::string& name = "n") {
  return "  - name: " + name + "\n    when: A\n    target: t\n    " + bounds +
         "\n    read: {exec: [r]}\n    set: {exec: [s, '{to}']}\n" + lines;
}
ConfigText one(const std::string& lines, const std::string& bounds = "count: {min: 1, max: 3}") {
  return ConfigText("actions:\n" + action(lines, bounds));
}
/// With these calls.
ConfigText with_calls(const std::string& lines) {
  return ConfigText("actions:\n  - name: n\n    when: A\n    target: t\n    count: {min: 1, max: 3}\n" + lines);
}

TEST(Actions, HaveEverythingThatIsSaid) {
  const ConfigText text(
      "actions:\n"
      "  - name: more-workers\n"
      "    when: 'QueueLong{system=\"x\"}'\n"
      "    target: worker\n"
      "    mode: approve\n"
      "    count: {min: 2, max: 10, target_value: 100, of: sum(queue), tolerance: 20%, max_step: 4}\n"
      "    down: {when: 'QueueShort{system=\"x\"}'}\n"
      "    stabilization: {up: 30s, down: 10m}\n"
      "    cooldown: {up: 20m, down: 1h}\n"
      "    read: {exec: [r, '{target}'], extract: {format: '{$.a}-{$.b}'}, ready: {regex: 'is (.*)', is: up}}\n"
      "    set: {exec: [s, '{from}', '{to}', '--id={id}', '--key={key}', '--in={label.region}']}\n"
      "    env: {PATH: /opt/bin, TOKEN: {file: f}, API_KEY: hunter2}\n"
      "    allow: {region: [iad, fra]}\n"
      "    timeout: 45s\n"
      "    provisioning: 3m\n"
      "    limits: {per_target: 3/1h, all: 10/1d}\n"
      "    verify: {clears_within: 11m}\n"
      "    breaker: {after: 3}\n"
      "    approve: {within: 20m, by: [alice, root]}\n"
      "    also_scaled_by: the platform\n");
  ASSERT_TRUE(text.config) << text.said;
  const actions::ActionSpec& spec = text.config->actions.at(0);
  EXPECT_EQ(spec.mode, Mode::approve);
  EXPECT_EQ(spec.count->target_value, 100);
  EXPECT_EQ(spec.count->tolerance, 0.2);
  EXPECT_EQ(spec.count->max_step, 4);
  ASSERT_TRUE(spec.down);
  EXPECT_EQ(spec.down->when_alert, "QueueShort");
  EXPECT_EQ(spec.down->when.at(0).to_string(), "system=\"x\"");
  EXPECT_EQ(spec.stabilization_up, seconds{30});
  EXPECT_EQ(spec.stabilization_down, minutes{10});
  EXPECT_EQ(spec.cooldown_down, hours{1});
  EXPECT_EQ(spec.read.value.kind, Extract::Kind::format);
  EXPECT_EQ(spec.read.ready->first.kind, Extract::Kind::regex);
  ASSERT_EQ(spec.environment.size(), 3U);
  EXPECT_EQ(spec.environment[0].second.value.reveal(), "/opt/bin");
  EXPECT_EQ(spec.environment[1].second.file, text.folder + "/f");
  EXPECT_THAT(spec.allowed, ElementsAre(Pair("region", ElementsAre("iad", "fra"))));
  EXPECT_EQ(spec.per_target->count, 3U);
  EXPECT_EQ(spec.approval_lapses, minutes{20});
  EXPECT_THAT(spec.approvers, ElementsAre("alice", "root"));
  EXPECT_EQ(spec.also_scaled_by, "the platform");
  EXPECT_EQ(text.said, "");

  const std::string dump = dump_config(*text.config);
  EXPECT_THAT(dump, Not(HasSubstr("hunter2")));
  EXPECT_THAT(dump, HasSubstr("PATH: /opt/bin"));
  EXPECT_THAT(dump, HasSubstr("TOKEN:\n        file: " + text.folder));
  const ConfigText again(dump);
  ASSERT_TRUE(again.config) << again.said;
  EXPECT_EQ(again.said, "");
  EXPECT_EQ(dump_config(*again.config), dump);
}

TEST(Actions, HaveTheseDefaults) {
  const ConfigText text = one("");
  ASSERT_TRUE(text.config) << text.said;
  const actions::ActionSpec& spec = text.config->actions.at(0);
  EXPECT_EQ(spec.mode, Mode::shadow);
  EXPECT_EQ(spec.timeout, seconds{60});
  EXPECT_EQ(spec.provisioning, seconds{0});
  EXPECT_EQ(spec.stabilization_down, minutes{5});
  EXPECT_EQ(spec.cooldown_up, minutes{30});
  EXPECT_EQ(spec.cooldown_down, hours{2});
  EXPECT_EQ(spec.clears_within, minutes{10});
  EXPECT_EQ(spec.breaker_after, 2U);
  EXPECT_EQ(spec.approval_lapses, minutes{15});
  EXPECT_FALSE(spec.down);
  EXPECT_EQ(text.config->guard.breaching, 0.5);
  EXPECT_EQ(text.config->guard.breaching_at_least, 3U);
  EXPECT_FALSE(text.config->guard.per_month);
}

TEST(Actions, CountInPercentAndLines) {
  const ConfigText text = with_calls("    read: {exec: [r], extract: {lines: true}}\n    set: {exec: [s, '{to}']}\n");
  ASSERT_TRUE(text.config) << text.said;
  EXPECT_EQ(text.config->actions.at(0).read.value.kind, Extract::Kind::lines);
  const ConfigText percent = one("", "count: {min: 1, max: 30, percent: 50%}");
  ASSERT_TRUE(percent.config) << percent.said;
  EXPECT_EQ(percent.config->actions.at(0).count->percent, 50);
  const ConfigText again(dump_config(*percent.config));
  ASSERT_TRUE(again.config) << again.said;
  EXPECT_EQ(again.config->actions.at(0).count->percent, 50);
}

TEST(Actions, MayBeRequests) {
  const ConfigText text = with_calls(
      "    read: {http: {url: 'https://api/v1/{target}?token=hunter3&a=b', tls: {ca_file: f}}, extract: {json: $.n}}\n"
      "    set: {http: {url: 'http://api/v1/{target}/scale?key={key}', method: PUT, status: [200, 202],\n"
      "          headers: {X-Key: {file: f}, X-Run: run, X-Api: hunter4}, authorization: {credentials_file: f},\n"
      "          body: '{\"size\": {to}, \"was\": \"{from}\"}'}}\n");
  ASSERT_TRUE(text.config) << text.said;
  const actions::ActionSpec& spec = text.config->actions.at(0);
  const auto& read = std::get<HttpCall>(spec.read.call);
  EXPECT_EQ(read.method, "GET");
  EXPECT_EQ(read.url, "https://api/v1/{target}?token=hunter3&a=b");
  EXPECT_EQ(read.tls.value().ca_file, text.folder + "/f");
  const auto& set = std::get<HttpCall>(spec.set);
  EXPECT_EQ(set.method, "PUT");
  EXPECT_FALSE(set.tls);
  EXPECT_THAT(set.status, ElementsAre(200U, 202U));
  EXPECT_EQ(set.body, "{\"size\": {to}, \"was\": \"{from}\"}");
  EXPECT_EQ(set.bearer.file, text.folder + "/f");
  ASSERT_EQ(set.headers.size(), 3U);
  EXPECT_EQ(set.headers[0].second.file, text.folder + "/f");
  EXPECT_EQ(set.headers[1].second.value.reveal(), "run");
  const std::string dump = dump_config(*text.config);
  EXPECT_THAT(dump, Not(HasSubstr("hunter"))) << dump;
  EXPECT_THAT(dump, HasSubstr("https://api/v1/{target}?token=%3Csecret%3E&a=b"));
  const ConfigText again(dump);
  ASSERT_TRUE(again.config) << again.said;
  EXPECT_EQ(dump_config(*again.config), dump);
}

TEST(Actions, HaveAGuardOverAll) {
  const ConfigText text(
      "guard: {targets: 5/1h, changes: 20/1h, per_month: 200, breaching: 40%, breaching_at_least: 4}\nactions:\n" +
      action(""));
  ASSERT_TRUE(text.config) << text.said;
  const auto settings = make_settings(*text.config);
  EXPECT_EQ(settings.guard.targets->count, 5U);
  EXPECT_EQ(settings.guard.changes->window, hours{1});
  EXPECT_EQ(settings.guard.per_month, 200U);
  EXPECT_EQ(settings.guard.breaching, 0.4);
  EXPECT_EQ(settings.guard.breaching_at_least, 4U);
  EXPECT_EQ(settings.actions.size(), 1U);
  EXPECT_EQ(settings.maintenance({}, {}), "");
}

TEST(Actions, KnowWhereTheyStand) {
  const ConfigText text("actions:\n" + action("    cooldown: {up: 31m}\n    verify: {clears_within: 9m}\n"));
  ASSERT_TRUE(text.config) << text.said;
  const core::Place& place = text.config->action_places.at(0);
  EXPECT_EQ(place.of("when").line, 4U);
  EXPECT_EQ(place.of("cooldown.up").line, 9U);
  EXPECT_EQ(place.of("verify.clears_within").line, 10U);
  EXPECT_FALSE(place.has("cooldown.down"));
}

struct Refused {
  std::string lines;
  std::string words;
  std::string bounds = "count: {min: 1, max: 3}";
};

TEST(Actions, AreRefused) {
  const Refused table[] = {
      {"", "has no bounds", "mode: shadow"},
      {"", "\"max\" must be more than \"min\"", "count: {min: 4, max: 3}"},
      {"", "\"target_value\" and \"step\" exclude each other", "count: {min: 1, max: 3, step: 2, target_value: 7}"},
      {"", "\"percent\" and \"step\" exclude each other", "count: {min: 1, max: 3, step: 2, percent: 7%}"},
      {"", "is a part in percent such as 50%, not \"7\"", "count: {min: 1, max: 3, percent: 7}"},
      {"", "is a part in percent", "count: {min: 1, max: 3, percent: 0%}"},
      {"", "\"max_step\" is less than \"step\"", "count: {min: 1, max: 9, step: 3, max_step: 2}"},
      {"", "\"max_step\" must be at least 1", "count: {min: 1, max: 9, max_step: 0}"},
      {"", "is a part of 1", "count: {min: 1, max: 9, target_value: 3, tolerance: 2}"},
      {"    down: {when: B, step: 2}\n", "a ladder goes one rung down", "ladder: [a, b]"},
      {"    down: {when: B, step: 2}\n", "exclude each other", "count: {min: 1, max: 9, target_value: 3}"},
      {"    down: {step: 2}\n", "down needs \"when\""},
      {"    down: {when: A}\n", "the same alert cannot ask for more and for less (A)"},
      {"    down: {when: 'A{x=\"y\"}'}\n", "the same alert cannot ask for more and for less"},
      {"    provisioning: 1h\n", "cooldown.up is 30m, shorter than \"provisioning\" (1h)"},
      {"    provisioning: 20m\n", "verify.clears_within is 10m, shorter than"},
      {"    provisioning: 25m\n    verify: {clears_within: 1h}\n    cooldown: {down: 5m}\n", "cooldown.down is 5m"},
      {"    timeout: 2h\n", "\"timeout\" must be at least 100ms, at most 1h"},
      {"    mode: aprove\n", "\"mode\" is shadow, approve or auto, not \"aprove\" (did you mean \"approve\"?)"},
      {"    approve: {within: 1s}\n", "\"within\" must be at least 10s"},
      {"    allow: {region: [-x]}\n", "has \"-x\" for region, which cannot stand in a command"},
      {"    allow: {region: []}\n", "nothing may stand there"},
      {"    env: {TOKEN: {file: nowhere}}\n", "cannot read the secret file"},
      {"    env: {TOKEN: {file: f, value: hunter}}\n", "\"value\" and \"file\" exclude each other"},
      {"    stabilisation: {up: 1m}\n", "did you mean \"stabilization\"?"},
      {"    kubernetes: {deployment: d}\n", "\"kubernetes\" and \"read\" exclude each other"},
      {"    breaker: {after: 0}\n", "\"after\" must be at least 1"},
  };
  for (const Refused& bad : table) {
    const ConfigText text = one(bad.lines, bad.bounds);
    EXPECT_FALSE(text.config) << bad.lines << bad.bounds;
    EXPECT_THAT(text.said, HasSubstr(bad.words)) << bad.lines << bad.bounds;
    EXPECT_THAT(text.said, Not(HasSubstr("hunter")));
  }
}

TEST(Actions, OfBadCallsAreRefused) {
  const std::pair<std::string, std::string> table[] = {
      {"    read: {exec: [r]}\n", "action needs \"set\" (or a \"recipe\", or \"kubernetes\")"},
      {"    set: {exec: [s, '{to}']}\n", "action needs \"read\""},
      {"    read: {}\n    set: {exec: [s, '{to}']}\n", "read needs \"exec\" or \"http\""},
      {"    read: {exec: [r], http: {url: http://x}}\n    set: {exec: [s, '{to}']}\n", "exclude each other"},
      {"    read: {exec: [r, '{id}']}\n    set: {exec: [s, '{to}']}\n", "unknown placeholder {id} in a command"},
      {"    read: {exec: [r, '{label.x}']}\n    set: {exec: [s, '{to}']}\n",
       "{label.x} needs a list of what may stand there (write allow: {x: [...]})"},
      {"    read: {exec: [r]}\n    set: {exec: [s, '{to}', '{lable.x}']}\n", ""},
      {"    read: {exec: [r]}\n    set: {exec: [s, '{to}', '{form}']}\n", "(did you mean {from}?)"},
      {"    read: {exec: [r]}\n    set: {exec: [s, '{label.x}-{to}']}\n    allow: {x: [y]}\n",
       "begins with a placeholder"},
      {"    read: {exec: [r]}\n    set: {exec: ['{to}']}\n", "the command itself cannot be a placeholder: {to}"},
      {"    read: {exec: [r]}\n    set: {exec: [s]}\n", "the command says nowhere what the new value is"},
      {"    read: {exec: [r]}\n    set: {http: {url: http://x/}}\n", "the request says nowhere what the new value is"},
      {"    read: {exec: [r]}\n    set: {http: {url: 'http://{to}/'}}\n",
       "a placeholder may stand in the path and the query of a URL only"},
      {"    read: {exec: [r]}\n    set: {http: {url: 'http://u:hunter@x/{to}'}}\n", "a URL here has no user info"},
      {"    read: {exec: [r]}\n    set: {http: {url: 'ftp://x/{to}'}}\n", "the URL begins with http:// or https://"},
      {"    read: {exec: [r]}\n    set: {http: {url: 'http://x/{to}', tls: {ca_file: f}}}\n",
       "\"tls\" needs a URL with https://"},
      {"    read: {exec: [r]}\n    set: {http: {url: 'http://x/{to}', method: GET}}\n", "not \"GET\""},
      {"    read: {exec: [r]}\n    set: {http: {url: 'http://x/{to}', headers: {'a b': c}}}\n",
       "that HTTP does not allow"},
      {"    read: {exec: [r]}\n    set: {http: {url: 'http://x/{to}', headers: {X-Run: '{id}'}}}\n",
       "the header \"X-Run\" has a placeholder, and headers are sent as they are"},
      {"    read: {exec: [r]}\n    set: {http: {url: 'http://x/', body: '{too}'}}\n",
       "unknown placeholder {too} in a body (did you mean {to}?)"},
      {"    read: {exec: [r]}\n    set: {http: {url: 'http://x/{to}', authorization: {type: Basic, credentials: h}}}\n",
       "the \"type\" of the token is Bearer"},
      {"    read: {exec: [r], extract: {format: 'x'}}\n    set: {exec: [s, '{to}']}\n", "needs a path in braces"},
      {"    read: {exec: [r], extract: {format: '{a}'}}\n    set: {exec: [s, '{to}']}\n", "has a path in braces that"},
      {"    read: {exec: [r], extract: {lines: false}}\n    set: {exec: [s, '{to}']}\n", "is needed here"},
      {"    read: {exec: [r], ready: {format: '{$.a}', is: x}}\n    set: {exec: [s, '{to}']}\n",
       "unknown key \"format\""},
  };
  for (const auto& [calls, words] : table) {
    const ConfigText text = with_calls(calls);
    if (words.empty()) {  // braces that are no placeholder stay as they are
      EXPECT_TRUE(text.config) << text.said;
      continue;
    }
    EXPECT_FALSE(text.config) << calls;
    EXPECT_THAT(text.said, HasSubstr(words)) << calls;
    EXPECT_THAT(text.said, Not(HasSubstr("hunter")));
  }
}

TEST(Actions, OnOneTargetMustNotWorkAgainstEachOther) {
  const std::string up = action("    down: {when: B}\n", "count: {min: 1, max: 3}", "one");
  const auto second = [](const std::string& when, const std::string& lines,
                         const std::string& bounds = "count: {min: 1, max: 3}") {
    return "  - name: two\n    when: " + when + "\n    target: t\n    " + bounds +
           "\n    read: {exec: [r]}\n    set: {exec: [s, '{to}']}\n" + lines;
  };
  const std::tuple<std::string, std::string, std::string> table[] = {
      {up, second("B", ""), "the alert that makes it larger here makes it smaller in the action \"one\""},
      {up, second("'B{x=\"y\"}'", ""), "in opposite directions"},
      {up, second("C", "    down: {when: A}\n"), "the alert that makes it smaller here makes it larger in the action"},
      {action("", "ladder: [a, b, c]", "one"), second("C", "", "ladder: [c, a]"),
       "\"c\" and \"a\" stand the other way round in the ladder of the action \"one\""},
      {action("", "ladder: [a, b]", "one"), second("C", ""), "this one has a count, and not so the action \"one\""},
      {action("", "count: {min: 1, max: 3}", "one"), second("C", "", "count: {min: 4, max: 6}"),
       "its bounds have no number in common"},
  };
  for (const auto& [one_text, two_text, words] : table) {
    const ConfigText text("actions:\n" + one_text + two_text);
    EXPECT_FALSE(text.config) << one_text << two_text;
    EXPECT_THAT(text.said, HasSubstr(words)) << one_text << two_text;
  }
  const std::pair<std::string, std::string> good[] = {
      {up, second("C", "    down: {when: B}\n")},
      {action("    down: {when: 'B{x=\"1\"}'}\n", "count: {min: 1, max: 3}", "one"), second("'B{x=\"2\"}'", "")},
      {action("", "ladder: [a, b, c]", "one"), second("C", "", "ladder: [a, c, d]")},
      {action("", "count: {min: 1, max: 3}", "one"), second("C", "", "count: {min: 2, max: 6}")},
  };
  for (const auto& [one_text, two_text] : good) {
    const ConfigText text("actions:\n" + one_text + two_text);
    EXPECT_TRUE(text.config) << text.said;
  }
}

TEST(Actions, ThatNeedNoListAreToldOfIt) {
  EXPECT_THAT(one("    allow: {region: [iad]}\n").said, HasSubstr("warning: no call of the action has {label.region}"));
}

}  // namespace
}  // namespace tocsin::daemon
