// Tests of rules that say which actions are expected.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "src/rule_test.hpp"
#include "support/temp_dir.hpp"

namespace tocsin::daemon {
namespace {

using ::testing::HasSubstr;

constexpr std::string_view rules = R"(groups:
- name: queues
  rules:
  - {alert: QueueLong, expr: 'queue > 300', for: 1m}
  - {alert: QueueShort, expr: 'queue < 100'}
)";

constexpr std::string_view calls = R"(read: {exec: [platform, count, "{target}"]}
    set: {exec: [platform, scale, "{target}", "{to}"]}
)";

class ActionTests : public ::testing::Test {
 protected:
  ActionTests() { dir_.write("rules.yml", rules); }

  /// What is wrong with the file, or with what it tests; empty if all is good.
  std::string run(std::string_view text) {
    core::Diagnostics diagnostics;
    const core::YamlDocument document = core::load_yaml(dir_.write("test.yml", text), diagnostics);
    const auto file = load_rule_test(document, {}, diagnostics);
    std::string out;
    for (const core::Diagnostic& each : diagnostics.all())
      out += fmt::format("{}:{}: {}\n", each.at.line, each.at.column, each.message);
    if (!file) return out;
    for (const RuleTest& test : file->tests) {
      for (const TestFailure& failure : run_rule_test(*file, test).failures)
        out += fmt::format("{}:{}: {}\n", failure.at.line, failure.at.column, failure.words);
    }
    return out;
  }
  /// One action `grow` on `worker`, which has 2 at the start, and one test; the queue is long from minute 4 on, so its
  /// alert fires at minute 5.
  std::string one(std::string_view action, std::string_view test, std::string_view file = "",
                  std::string_view queue = "0x3 500x60") {
    return run(fmt::format(R"({}rule_files: [rules.yml]
evaluation_interval: 15s
actions:
  - name: grow
    when: QueueLong
    target: worker
    {}{}tests:
- platform: {{worker: "2"}}
  interval: 1m
  input_series: [{{series: queue, values: '{}'}}]
{})",
                           file, calls, action, queue, test));
  }

  tocsin::test::TempDir dir_;
};

constexpr std::string_view automatic = R"(    mode: auto
    count: {min: 1, max: 4}
    cooldown: {up: 10m}
    provisioning: 1m
    verify: {clears_within: 10m}
)";

TEST_F(ActionTests, SayWhatIsDoneAndWhen) {
  EXPECT_EQ(one(automatic, R"(  action_test:
  - {eval_time: 4m59s, exp_actions: []}
  - {eval_time: 5m, exp_actions: [{action: grow, from: "2", to: "3"}]}
  - {eval_time: 16m, exp_no_actions: [{action: grow, because: is under way}]}
  - {eval_time: 18m, exp_actions: [{action: grow, from: "3", to: "4", target: worker, direction: up}]}
  - {eval_time: 40m, exp_no_actions: [{action: grow, because: "breaker is open"}]}
)"),
            "");
}

TEST_F(ActionTests, KnowEveryStepThatIsAskedFor) {
  EXPECT_EQ(one(automatic, R"(  action_test:
  - eval_time: 20m
    exp_actions:
    - {action: grow}
    - {action: grow, step: succeeded, because: read back 3}
    - {action: grow, step: effective}
)",
                "", "0x3 500x4 0x60"),
            "");
}

TEST_F(ActionTests, ClimbALadderAndComeDownAgain) {
  EXPECT_EQ(one(R"(    mode: auto
    ladder: ["1", "2", "4"]
    down: {when: QueueShort}
    stabilization: {down: 2m}
    cooldown: {up: 5m, down: 10m}
    verify: {clears_within: 3m}
)",
                R"(  action_test:
  - {eval_time: 6m, exp_actions: [{action: grow, from: "2", to: "4", direction: up}]}
  - {eval_time: 11m, exp_no_actions: [{action: grow, because: cooldown for going down}]}
  - {eval_time: 16m, exp_no_actions: [{action: grow, because: stabilization}]}
  - {eval_time: 50m, exp_actions: [{action: grow, from: "4", to: "2", direction: down}, {action: grow, from: "2", to: "1"}]}
)",
                "", "200x3 500x2 0x60"),
            "");
}

TEST_F(ActionTests, HoldWhatIsSilenced) {
  EXPECT_EQ(one(automatic, R"(  silences: [{match: '{alertname=~"Queue.*"}', to: 9m}, {match: '{alertname="Other"}'}]
  action_test:
  - {eval_time: 8m59s, exp_no_actions: [{action: grow, because: silenced by silence 1}]}
  - {eval_time: 11m, exp_actions: [{action: grow}]}
)"),
            "");
}

TEST_F(ActionTests, LetPeopleDecide) {
  const std::string approve = R"(    mode: approve
    count: {min: 1, max: 4}
    cooldown: {up: 30m}
    approve: {within: 15m, by: [alice]}
)";
  EXPECT_EQ(one(approve, R"(  orders:
  - {at: 8m, by: alice, approve: grow}
  - {at: 6m, by: mallory, approve: grow, refused: may not approve}
  action_test:
  - {eval_time: 7m, exp_actions: [{action: grow, step: awaiting_approval, from: "2", to: "3"}]}
  - {eval_time: 9m, exp_actions: [{action: grow, from: "2", to: "3"}]}
)"),
            "");
  EXPECT_EQ(one(approve, R"(  action_test:
  - {eval_time: 25m, exp_no_actions: [{action: grow, because: nobody approved it in time}]}
)"),
            "");
  EXPECT_EQ(one(approve, R"(  orders: [{at: 6m, by: bob, reject: grow}]
  action_test: [{eval_time: 25m, exp_no_actions: [{action: grow, because: rejected}]}]
)")
                .find("there was one"),
            std::string::npos);
  EXPECT_EQ(one(automatic, R"(  orders:
  - {at: 1m, by: alice, pause: all, direction: up, for: 10m, note: we move}
  - {at: 2m, by: alice, pause: grow}
  - {at: 12m, by: alice, resume: grow}
  action_test:
  - {eval_time: 10m, exp_no_actions: [{action: grow, because: paused}]}
  - {eval_time: 11m59s, exp_no_actions: [{action: grow, because: the action is paused until somebody resumes it}]}
  - {eval_time: 13m, exp_actions: [{action: grow}]}
)"),
            "");
  EXPECT_EQ(one(automatic, R"(  orders: [{at: 1m, by: alice, approve: grow}]
  action_test: [{eval_time: 1m}]
)"),
            "18:12: order at 1m: was expected to be taken\n"
            "  answer   refused: nothing waits for approval by the name or id grow\n");
}

TEST_F(ActionTests, LetThePlatformFail) {
  struct Case {
    std::string_view fault;
    std::string_view expected;
  };
  const std::vector<Case> table{
      {"{target: worker, fault: fail}", "{action: grow, step: failed, because: refused}"},
      {"{target: worker, fault: hang}",
       "{action: grow, step: unknown, because: no answer}, {action: grow, step: failed, because: nothing has changed}"},
      {"{target: worker, fault: lose}",
       "{action: grow, step: unknown, because: no answer}, {action: grow, step: succeeded, because: read back 3}"},
      {"{target: worker, fault: lie}", "{action: grow, step: failed, because: the call ended well}"},
  };
  for (const Case& each : table) {
    EXPECT_EQ(one(automatic, fmt::format(R"(  platform_faults: [{}]
  action_test: [{{eval_time: 9m, exp_actions: [{{action: grow}}, {}]}}]
)",
                                         each.fault, each.expected)),
              "")
        << each.fault;
  }
  EXPECT_EQ(
      one(automatic,
          R"(  platform_faults: [{target: worker, fault: unreadable, from: 4m, to: 7m}, {target: worker, fault: not_ready, from: 7m, to: 10m}]
  action_test:
  - {eval_time: 6m, exp_no_actions: [{action: grow, because: could not be read}]}
  - {eval_time: 9m, exp_no_actions: [{action: grow, because: not ready}]}
  - {eval_time: 12m, exp_actions: [{action: grow}]}
)"),
      "");
  EXPECT_EQ(one(automatic, R"(  platform_faults: [{target: worker, fault: fail}]
  orders: [{at: 40m, by: alice, rearm: grow}]
  action_test:
  - {eval_time: 39m, exp_actions: [{action: grow}, {action: grow}], exp_no_actions: []}
  - {eval_time: 42m, exp_actions: [{action: grow}]}
)"),
            "");
}

TEST_F(ActionTests, SeeWhatOthersChange) {
  EXPECT_EQ(one(automatic, R"(  changed_by_others: [{target: worker, at: 12m, to: "1"}]
  action_test:
  - {eval_time: 10m, exp_actions: [{action: grow, from: "2", to: "3"}]}
  - {eval_time: 20m, exp_actions: [{action: grow, step: adopted, from: "3", to: "1"}, {action: grow, from: "1", to: "2"}]}
)"),
            "");
}

TEST_F(ActionTests, TellShadowFromAuto) {
  const std::string shadow = "    count: {min: 1, max: 4}\n";
  const std::string would =
      R"(  action_test: [{eval_time: 6m, exp_actions: [{action: grow, step: shadow, from: "2", to: "3"}]}]
)";
  EXPECT_EQ(one(shadow, would), "");
  EXPECT_THAT(one(shadow, would, "as_auto: true\n"), HasSubstr("  got      5m started grow 2 -> 3"));
  EXPECT_EQ(one(shadow, "  action_test: [{eval_time: 6m, exp_actions: [{action: grow}]}]\n", "as_auto: true\n"), "");
  EXPECT_THAT(one(shadow,
                  "  action_test: [{eval_time: 6m, exp_no_actions: [{action: grow}], exp_actions: [{action: "
                  "grow, step: shadow}]}]\n"),
              HasSubstr("no grow by 6m: there was one\n  got      5m shadow grow 2 -> 3"));
}

TEST_F(ActionTests, KnowWindowsOfMaintenanceAndTheGuard) {
  EXPECT_EQ(one(automatic, R"(  start_timestamp: 2026-01-02T01:50:00Z
  action_test:
  - {eval_time: 9m, exp_actions: [{action: grow}]}
  - {eval_time: 30m, exp_no_actions: [{action: grow, because: maintenance}]}
)",
                "maintenance: [{from: '02:00', to: '03:00'}]\n"),
            "");
  EXPECT_EQ(one(automatic, R"(  action_test:
  - {eval_time: 9m, exp_actions: [{action: grow}]}
  - {eval_time: 30m, exp_no_actions: [{action: grow, because: "limit: 1 changes of all targets"}]}
)",
                "guard: {changes: 1/1h}\n"),
            "");
}

TEST_F(ActionTests, DivideByAnExpression) {
  EXPECT_EQ(one(R"(    mode: auto
    count: {min: 1, max: 20, target_value: 50, of: sum(queue)}
)",
                "  action_test: [{eval_time: 6m, exp_actions: [{action: grow, from: '2', to: '10'}]}]\n"),
            "");
}

TEST_F(ActionTests, ShowWhatWasDecidedInstead) {
  EXPECT_EQ(one(automatic, R"(  name: too soon
  action_test:
  - eval_time: 6m
    exp_actions: [{action: grow, to: "9", by: alice}]
    exp_no_actions: [{action: grow}]
  - eval_time: 7m
    exp_no_actions: [{action: grow, because: the moon}]
)"),
            R"(20:5: test "too soon": actions by 6m: others than expected
  expected grow ? -> 9, by alice
  got      5m started grow 2 -> 3: worker from 2 to 3
  in this time:
    5m proposed grow: the alert fires
    5m claimed grow 2 -> 3: worker from 2 to 3
    5m preflight grow 2 -> 3: the target and Alertmanager are asked again
    5m started grow 2 -> 3: worker from 2 to 3
22:22: test "too soon": no grow by 6m: there was one
  got      5m started grow 2 -> 3: worker from 2 to 3
24:22: test "too soon": no grow by 7m: for other reasons than expected
  expected the moon
  got      read back 3
  got      waits for the alert to clear within 600 s
  got      a run of grow on worker is under way
  got      cooldown until 1970-01-01T00:16:10Z
)");
}

TEST_F(ActionTests, TakeActionsPacksAndLabelsFromAConfiguration) {
  dir_.write("tocsin.yml",
             fmt::format(R"(global: {{evaluation_interval: 15s, external_labels: {{dc: "${{DATACENTER}}"}}}}
rule_files: [rules.yml, more.yml]
packs: [redis]
actions:
  - name: grow
    when: QueueLong
    target: worker
    {}{})",
                         calls, automatic));
  dir_.write(
      "more.yml",
      "groups: [{name: m, rules: [{alert: More, expr: 'vector(1)', annotations: {s: '{{ $externalLabels.dc }}'}}]}]\n");
  EXPECT_EQ(run(R"(config: tocsin.yml
environment: {DATACENTER: x}
rule_files: [more.yml]
tests:
- platform: {worker: "2"}
  interval: 1m
  input_series: [{series: queue, values: '0x3 500x60'}]
  alert_rule_test: [{alertname: More, exp_alerts: [{exp_annotations: {s: x}}]}]
  action_test:
  - {eval_time: 4m59s}
  - {eval_time: 5m, exp_actions: [{action: grow}]}
)"),
            "");
  const std::string without = run("config: nope.yml\ntests: []\n");
  EXPECT_THAT(without, HasSubstr("1:9: this configuration cannot be used"));
}

TEST_F(ActionTests, SayEverythingThatIsWrong) {
  const std::string said =
      one(automatic, R"(  platform_faults: [{target: wroker, fault: fail}, {target: worker, fault: explode}]
  changed_by_others: [{target: nobody, at: 1m, to: "3"}]
  silences: [{match: 'a='}, {}]
  orders: [{at: 1m, by: alice}, {at: 1m, approve: grow, reject: grow}, {at: 1m, by: alice, pause: gorw}]
  action_test:
  - {eval_time: 5m, exp_actions: [{action: grwo, step: begun}]}
)");
  for (const std::string_view wanted :
       {"fault\" is fail, hang, lose, lie, unreadable or not_ready, not \"explode\"", "20:24: match: unexpected",
        "silence needs \"match\"", "an order says what is wanted", "order needs \"by\"",
        "\"reject\" and \"approve\" exclude each other", "\"step\" is started, shadow,"}) {
    EXPECT_THAT(said, HasSubstr(wanted));
  }
  const std::string names = one(automatic, R"(  platform_faults: [{target: wroker, fault: fail}]
  changed_by_others: [{target: nobody, at: 1m, to: "3"}]
  orders: [{at: 1m, by: alice, pause: gorw}]
  action_test:
  - {eval_time: 5m, exp_actions: [{action: grwo}], exp_no_actions: [{action: growth}]}
)");
  for (const std::string_view wanted :
       {"there is no target of an action \"wroker\" (did you mean \"worker\"?)",
        "there is no target of an action \"nobody\"", "there is no action \"gorw\" (did you mean \"grow\"?)",
        "there is no action \"grwo\" (did you mean \"grow\"?)", "there is no action \"growth\""}) {
    EXPECT_THAT(names, HasSubstr(wanted));
  }
  EXPECT_THAT(run("tests:\n- action_test: [{eval_time: 1m}]\n"), HasSubstr("there are no actions (name a \"config\""));
  EXPECT_THAT(run("config: a.yml\nactions: []\ntests: []\n"), HasSubstr("exclude each other"));
  EXPECT_THAT(run("actions: [{name: a, when: B, target: c, mode: auto}]\ntests: []\n"), HasSubstr("1:11: "));
}

/// The blocks of the page that begin with the name of a file.
TEST_F(ActionTests, RunTheExampleOfTheDocumentation) {
  const std::string page = tocsin::test::read_text(TOCSIN_SOURCE_DIR "/docs/testing-rules.md");
  std::string tests;
  for (std::size_t at = page.find("```yaml\n# "); at != std::string::npos; at = page.find("```yaml\n# ", at + 1)) {
    const std::size_t name = at + 10, text = page.find('\n', name);
    const std::string file = page.substr(name, text - name);
    const std::string block = page.substr(at + 8, page.find("```", text) - at - 8);
    dir_.write(file, block);
    if (file == "tests.yml") tests = block;
  }
  ASSERT_NE(tests, "");
  EXPECT_EQ(run(tests), "");
  // What it shows of a failure is what is said.
  const auto place = tests.find("to: \"5\"");
  ASSERT_NE(place, std::string::npos);
  const std::string said = run(tests.replace(place, 7, "to: \"6\""));
  const std::size_t shown = page.find("tests.yml:33:9: ");
  ASSERT_NE(shown, std::string::npos);
  const std::string block = page.substr(shown + 10, page.find("\ntests.yml: FAILED", shown) - shown - 9);
  EXPECT_EQ(said, block);
}

}  // namespace
}  // namespace tocsin::daemon
