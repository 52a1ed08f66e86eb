// People in charge: a real tocsin, a real Alertmanager, and a platform of two shell scripts.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>

#include "real/house.hpp"

namespace tocsin::test {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Not;

constexpr const char* base = "/api/v1/tocsin/actions";
// Of "correct horse", at the lowest cost.
constexpr const char* hash = "$2y$04$abcdefghijklmnopqrstuujydOTSfIH/d5oUHpsygqV5X9xJLQc6e";

class Orders : public testing::Test {
 protected:
  void SetUp() override {
    std::filesystem::permissions(folder.path(), std::filesystem::perms(0755));
    folder.write("state", "2\n");
    folder.write("log", "");
    set_platform("");
    let_fire(true);
  }
  /// A platform that keeps its count in a file; `more` comes first.
  void set_platform(const std::string& more) {
    const std::string set = folder.write(
        "set.sh",
        fmt::format("#!/bin/sh\n{1}\necho \"$1\" > {0}/state\necho run >> {0}/log\n", folder.path().string(), more));
    std::filesystem::permissions(set, std::filesystem::perms::owner_all);
  }
  void let_fire(bool fires) {
    folder.write(
        "rules.yml",
        fmt::format("groups: [{{name: g, rules: [{{alert: QueueLong, expr: 'vector({}) > 0'}}]}}]\n", fires ? 1 : 0));
  }
  [[nodiscard]] std::string config(const std::string& mode, const std::string& more = "",
                                   const std::string& top = "") const {
    return fmt::format(R"(global: {{evaluation_interval: 500ms, resend_delay: 1s}}
packs: [tocsin]
rule_files: ['{0}/rules.yml']
alertmanagers: ['http://127.0.0.1:{1}']
actions:
  - name: grow
    when: QueueLong
    target: workers
    mode: {2}
    count: {{min: 1, max: 6, step: 2}}
    read: {{exec: [cat, {0}/state]}}
    set: {{exec: [{0}/set.sh, "{{to}}"]}}
    timeout: 5s
    {3}
{4})",
                       folder.path().string(), alertmanager_port, mode, more.empty() ? "cooldown: {up: 1h}" : more,
                       top);
  }
  /// `tocsin actions ...` over the local socket.
  static std::pair<int, std::string> actions(const Tocsin& tocsin, std::vector<std::string> words) {
    words.insert(words.begin(), "actions");
    words.insert(words.end(), {"--socket", tocsin.folder() / "tocsin.sock"});
    return run_tocsin(std::move(words));
  }
  /// What curl prints, with the status as its last line.
  static std::string curl(std::vector<std::string> words) {
    words.insert(words.begin(), {"curl", "-sS", "-w", "\n%{http_code}"});
    Child child(std::move(words));
    (void)child.wait_exit();
    return child.output();
  }
  static boost::json::object status(const Tocsin& tocsin) {
    const auto answer = http_json(tocsin.port(), base);
    if (!answer.is_object()) return {};
    return answer.at("data").at("actions").as_array().at(0).as_object();
  }
  static std::string text(const boost::json::object& object, const char* key) {
    return object.contains(key) ? object.at(key).as_string().c_str() : "";
  }
  static bool waits(const Tocsin& tocsin) { return status(tocsin).contains("approvalLapses"); }
  static std::string rows(const Tocsin& tocsin) { return http(tocsin.port(), base).body; }
  [[nodiscard]] bool told(const std::string& alert) const { return !alerts_at(alertmanager_port, alert).empty(); }
  /// An annotation of the first alert of that name at Alertmanager.
  [[nodiscard]] std::string annotation(const std::string& alert, const char* key) const {
    for (const auto& one : boost::json::array(http_json(alertmanager_port, "/api/v2/alerts").as_array())) {
      if (one.at("labels").at("alertname").as_string() == alert)
        return one.at("annotations").at(key).as_string().c_str();
    }
    return {};
  }

  TempDir folder;
  std::uint16_t alertmanager_port = free_port();
  std::unique_ptr<Child> alertmanager = start_alertmanager(alertmanager_port, folder);
};

TEST_F(Orders, ApprovalIsAskedForAndCarriedOutOnceByWhoGaveIt) {
  Tocsin tocsin(config("approve"));
  tocsin.wait_ready();
  ASSERT_TRUE(wait_until([&] { return waits(tocsin); }, 20s)) << tocsin.child().output();
  ASSERT_TRUE(wait_until([&] { return told("TocsinActionApprovalAwaited"); }, 20s)) << tocsin.child().output();
  const std::string id = text(status(tocsin), "id");
  EXPECT_EQ(annotation("TocsinActionApprovalAwaited", "command"), "tocsin actions approve " + id);
  EXPECT_THAT(annotation("TocsinActionApprovalAwaited", "description"),
              HasSubstr("lapses at " + text(status(tocsin), "approvalLapses").substr(0, 19) + "Z"));
  EXPECT_EQ(read_text(folder / "log"), "") << "nobody has approved it";
  const auto [listed, list] = actions(tocsin, {"list"});
  EXPECT_EQ(listed, 0);
  EXPECT_THAT(list, HasSubstr("yes:   tocsin actions approve " + id));
  EXPECT_THAT(http(tocsin.port(), "/").body, HasSubstr("tocsin actions approve " + id));

  // What is said of the action meanwhile takes nothing away from what waits.
  EXPECT_EQ(actions(tocsin, {"pause", "grow"}).first, 0);
  ASSERT_TRUE(wait_until([&] { return text(status(tocsin), "reason").find("paused") != std::string::npos; }, 20s))
      << rows(tocsin);
  EXPECT_THAT(actions(tocsin, {"list"}).second, HasSubstr("yes:   tocsin actions approve " + id));
  EXPECT_TRUE(
      tocsin.metric(fmt::format("tocsin_action_awaiting_approval{{action=\"grow\",from=\"2\",id=\"{}\","
                                "lapses=\"{}Z\",target=\"workers\",to=\"4\"}}",
                                id, text(status(tocsin), "approvalLapses").substr(0, 19))));
  EXPECT_THAT(actions(tocsin, {"approve", id}).second, HasSubstr("paused"));
  EXPECT_EQ(actions(tocsin, {"resume", "grow"}).first, 0);

  const auto [approved, said] = actions(tocsin, {"approve", id, "--note", "looks right"});
  EXPECT_EQ(approved, 0) << said;
  EXPECT_EQ(said, "approved: workers from 2 to 4\n");
  ASSERT_TRUE(wait_until([&] { return read_text(folder / "state") == "4\n"; }, 20s)) << tocsin.child().output();
  const auto [again, nothing] = actions(tocsin, {"approve", id});
  EXPECT_EQ(again, 1);
  EXPECT_THAT(nothing, HasSubstr("nothing waits for approval"));
  EXPECT_TRUE(wait_until([&] { return told("TocsinActionTaken"); }, 20s)) << rows(tocsin);
  EXPECT_TRUE(wait_until([&] { return !told("TocsinActionApprovalAwaited"); }, 20s)) << "it is approved";
  EXPECT_EQ(alerts_at(alertmanager_port, "TocsinActionTaken").at(0).at("from").as_string(), "2");
  EXPECT_EQ(alerts_at(alertmanager_port, "TocsinActionTaken").at(0).at("to").as_string(), "4");
  EXPECT_EQ(read_text(folder / "log"), "run\n");
  const auto [shown, show] = actions(tocsin, {"show", "grow"});
  EXPECT_EQ(shown, 0);
  EXPECT_THAT(show, HasSubstr("approved by root: looks right"));
  EXPECT_THAT(run_tocsin({"history", "--subject", "grow", "--socket", tocsin.folder() / "tocsin.sock"}).second,
              HasSubstr("approved"));

  // A restart remembers what was done, and by whom.
  tocsin.restart();
  EXPECT_TRUE(wait_until(
      [&] {
        return tocsin.query("tocsin_action_last_change_timestamp_seconds{action=\"grow\",from=\"2\",to=\"4\"}") > 0.0;
      },
      20s));
  EXPECT_THAT(rows(tocsin), HasSubstr("\"by\":\"root\""));
  EXPECT_EQ(read_text(folder / "log"), "run\n");
}

TEST_F(Orders, AreTakenFromThoseAloneWhoMay) {
  folder.write("web.yml", fmt::format("basic_auth_users: {{alice: '{0}', mallory: '{0}'}}\n", hash));
  Tocsin tocsin(config("approve", "approve: {within: 15m, by: [alice]}",
                       fmt::format("web: {{config_file: '{}/web.yml'}}\n", folder.path().string())));
  tocsin.wait_ready();
  const std::string port = fmt::format("http://127.0.0.1:{}", tocsin.port());
  const std::string approve = port + base + "/approve", socket = tocsin.folder() / "tocsin.sock";
  const std::vector<std::string> json{"-H", "Content-Type: application/json", "-d", R"({"action":"grow"})"};
  const auto post = [&](std::vector<std::string> words) {
    words.insert(words.end(), json.begin(), json.end());
    return curl(std::move(words));
  };
  const auto waits_now = [&] {
    return curl({"-u", "alice:correct horse", port + base}).find("approvalLapses") != std::string::npos;
  };
  ASSERT_TRUE(wait_until(waits_now, 20s)) << tocsin.child().output();

  // Without a login there is nothing but the two that say how it does.
  for (const char* const path : {"/", "/metrics", "/api/v1/alerts", "/nothing", "/-/reload", base})
    EXPECT_EQ(http(tocsin.port(), path).status, 401U) << path;
  EXPECT_EQ(http(tocsin.port(), "/-/healthy").status, 200U);
  EXPECT_EQ(http(tocsin.port(), "/-/ready").status, 200U);
  EXPECT_THAT(post({approve}), HasSubstr("\n401"));
  EXPECT_THAT(post({"-u", "alice:wrong", approve}), HasSubstr("\n401"));
  EXPECT_THAT(post({"-u", "bob:correct horse", approve}), HasSubstr("\n401"));
  // What a page of another site could send with the browser's login.
  EXPECT_THAT(curl({"-u", "alice:correct horse", "-d", R"({"action":"grow"})", approve}), HasSubstr("\n415"));
  EXPECT_THAT(post({"-u", "alice:correct horse", "-H", "Origin: https://evil.example", approve}), HasSubstr("\n403"));
  EXPECT_THAT(curl({"-u", "alice:correct horse", approve}), HasSubstr("\n405"));
  // Somebody who may log in, and root, may not approve: the action names who may.
  EXPECT_THAT(post({"-u", "mallory:correct horse", approve}), HasSubstr("mallory may not approve grow: alice may"));
  const auto [status, said] = actions(tocsin, {"approve", "grow"});
  EXPECT_EQ(status, 1);
  EXPECT_THAT(said, HasSubstr("root may not approve grow: alice may"));
  // A member of the socket's group gives orders under the number the kernel names.
  if (::geteuid() == 0) {
    struct stat s {};
    ASSERT_EQ(::stat(socket.c_str(), &s), 0);
    EXPECT_EQ(s.st_mode & 0777U, 0660U);
    std::filesystem::permissions(tocsin.folder().path(), std::filesystem::perms(0755));
    const auto as = [&](const std::string& group) {
      Child child({"setpriv", "--reuid=54321", "--regid=" + group, "--clear-groups", TOCSIN_BINARY, "actions", "pause",
                   "grow", "--down", "--socket", socket});
      (void)child.wait_exit();
      return child.output();
    };
    EXPECT_THAT(as("54321"), HasSubstr("cannot reach tocsin")) << "the socket is for its group";
    EXPECT_THAT(as("0"), HasSubstr("paused: grow"));
    EXPECT_THAT(curl({"-u", "alice:correct horse", port + base}), HasSubstr("uid 54321"));
  }
  EXPECT_EQ(read_text(folder / "log"), "");
  const std::string password = folder.write("password", "correct horse\n");
  const auto [done, message] =
      run_tocsin({"actions", "approve", "grow", "--url", port, "--user", "alice", "--password-file", password});
  EXPECT_EQ(done, 0) << message;
  EXPECT_TRUE(wait_until([&] { return read_text(folder / "state") == "4\n"; }, 20s)) << tocsin.child().output();
  EXPECT_EQ(read_text(folder / "log"), "run\n");
  EXPECT_THAT(curl({"-u", "alice:correct horse", port + base}), HasSubstr("approved by alice"));
  EXPECT_THAT(tocsin.child().output(), Not(HasSubstr("correct horse")));
}

TEST_F(Orders, ThePortTakesNoneWhereNobodyLogsIn) {
  Tocsin tocsin(config("approve"));
  tocsin.wait_ready();
  const Answer answer = http(tocsin.port(), std::string(base) + "/pause", "POST", "{}");
  EXPECT_EQ(answer.status, 403U);
  EXPECT_THAT(answer.body, HasSubstr("web.config_file"));
  const auto [status, said] =
      run_tocsin({"actions", "pause", "--url", fmt::format("http://127.0.0.1:{}", tocsin.port())});
  EXPECT_EQ(status, 1);
  EXPECT_THAT(said, HasSubstr("web.config_file"));
  EXPECT_EQ(http(tocsin.port(), base).status, 200U) << "reading is another matter";
  EXPECT_EQ(http(tocsin.port(), std::string(base) + "/plan").status, 403U) << "it runs commands";
  EXPECT_EQ(run_tocsin({"actions", "approve"}).first, 2);
  EXPECT_EQ(run_tocsin({"actions", "pause", "--up", "--down"}).first, 2);
}

TEST_F(Orders, APauseHoldsOverARestartUntilSomebodyResumes) {
  let_fire(false);
  Tocsin tocsin(config("auto"));
  tocsin.wait_ready();
  const auto [paused, said] = actions(tocsin, {"pause", "--for", "1h", "--note", "deploying"});
  EXPECT_EQ(paused, 0) << said;
  EXPECT_THAT(said, HasSubstr("paused: all actions until "));
  let_fire(true);
  ASSERT_EQ(run_tocsin({"reload", "--socket", tocsin.folder() / "tocsin.sock"}).first, 0);
  ASSERT_TRUE(wait_until([&] { return text(status(tocsin), "reason").find("paused") != std::string::npos; }, 20s))
      << rows(tocsin);
  EXPECT_THAT(http(tocsin.port(), "/").body, HasSubstr("<span class=\"bad\">All actions are paused until "));
  EXPECT_EQ(tocsin.metric("tocsin_actions_paused{what=\"all\"}"), 1.0);

  tocsin.restart();
  ASSERT_TRUE(wait_until([&] { return tocsin.query("ALERTS{alertname=\"QueueLong\"}") == 1.0; }, 20s));
  EXPECT_THAT(actions(tocsin, {"list"}).second, HasSubstr("All actions are paused until "));
  EXPECT_THAT(actions(tocsin, {"plan"}).second, HasSubstr("paused"));
  EXPECT_EQ(read_text(folder / "log"), "");
  const auto [resumed, lifted] = actions(tocsin, {"resume"});
  EXPECT_EQ(resumed, 0) << lifted;
  EXPECT_TRUE(wait_until([&] { return read_text(folder / "state") == "4\n"; }, 20s)) << rows(tocsin);
  EXPECT_FALSE(tocsin.metric("tocsin_actions_paused{what=\"all\"}"));
  EXPECT_THAT(run_tocsin({"history", "--subject", "grow", "--socket", tocsin.folder() / "tocsin.sock"}).second,
              HasSubstr("succeeded"));
}

TEST_F(Orders, WhatIsPausedInOneDirectionMayGoTheOther) {
  let_fire(false);
  Tocsin tocsin(config("auto"));
  tocsin.wait_ready();
  EXPECT_EQ(actions(tocsin, {"pause", "--down"}).first, 0);
  EXPECT_EQ(actions(tocsin, {"pause", "grow", "--down"}).first, 0);
  const std::string list = actions(tocsin, {"list"}).second;
  EXPECT_THAT(list,
              HasSubstr("Scaling down is paused until somebody resumes it. Lift it: tocsin actions resume --down"));
  EXPECT_THAT(list, HasSubstr("Lift it: tocsin actions resume grow --down"));
  const auto [no, unknown] = actions(tocsin, {"pause", "grou"});
  EXPECT_EQ(no, 1);
  EXPECT_THAT(unknown, HasSubstr("there is no action called grou"));
  let_fire(true);
  ASSERT_EQ(run_tocsin({"reload", "--socket", tocsin.folder() / "tocsin.sock"}).first, 0);
  EXPECT_TRUE(wait_until([&] { return read_text(folder / "state") == "4\n"; }, 20s)) << rows(tocsin);
}

TEST_F(Orders, AnActionThatFailedIsRearmedByAPerson) {
  set_platform("exit 1");
  Tocsin tocsin(config("auto", "cooldown: {up: 1s}\n    breaker: {after: 1}"));
  tocsin.wait_ready();
  ASSERT_TRUE(wait_until([&] { return told("TocsinActionBreakerOpen"); }, 20s)) << rows(tocsin);
  EXPECT_EQ(annotation("TocsinActionBreakerOpen", "command"), "tocsin actions rearm grow");
  EXPECT_TRUE(told("TocsinActionFailed") || told("TocsinActionUnknown")) << rows(tocsin);
  EXPECT_THAT(actions(tocsin, {"plan", "grow"}).second, HasSubstr("not now, because"));
  EXPECT_EQ(read_text(folder / "state"), "2\n");
  set_platform("");
  const auto [status, said] = actions(tocsin, {"rearm", "grow", "--note", "mended"});
  EXPECT_EQ(status, 0) << said;
  EXPECT_TRUE(wait_until([&] { return read_text(folder / "state") == "4\n"; }, 20s)) << rows(tocsin);
}

TEST_F(Orders, ThePlanReadsAndChangesNothing) {
  let_fire(false);
  Tocsin tocsin(config("auto"));
  tocsin.wait_ready();
  const auto [planned, plan] = actions(tocsin, {"plan"});
  EXPECT_EQ(planned, 0);
  EXPECT_THAT(plan, HasSubstr("grow on workers: it has 2\n"));
  EXPECT_THAT(plan, HasSubstr("no alert asks for it"));
  (void)silence(alertmanager_port, "QueueLong");
  let_fire(true);
  ASSERT_EQ(run_tocsin({"reload", "--socket", tocsin.folder() / "tocsin.sock"}).first, 0);
  ASSERT_TRUE(wait_until([&] { return text(status(tocsin), "reason").find("silenced") != std::string::npos; }, 20s))
      << rows(tocsin);
  const auto [again, held] = actions(tocsin, {"plan", "grow", "--output", "json"});
  EXPECT_EQ(again, 0);
  const auto first = boost::json::parse(held).at("data").at("plans").as_array().at(0);
  EXPECT_EQ(first.at("present").as_string(), "2");
  EXPECT_EQ(first.at("wanted").as_string(), "4");
  EXPECT_FALSE(first.at("wouldBeDone").as_bool());
  EXPECT_THAT(boost::json::serialize(first.at("against")), HasSubstr("silenced"));
  EXPECT_EQ(actions(tocsin, {"plan", "grou"}).first, 1);
  EXPECT_EQ(read_text(folder / "log"), "");
}

TEST_F(Orders, AnApprovalLapses) {
  Tocsin tocsin(config("approve", "approve: {within: 10s}"));
  tocsin.wait_ready();
  ASSERT_TRUE(wait_until([&] { return rows(tocsin).find("nobody approved it in time") != std::string::npos; }, 30s))
      << rows(tocsin);
  const auto [status, said] = actions(tocsin, {"approve", "grow"});
  EXPECT_EQ(status, 1);
  EXPECT_THAT(said, HasSubstr("nothing waits for approval"));
  EXPECT_FALSE(waits(tocsin));
  EXPECT_EQ(read_text(folder / "log"), "");
}

}  // namespace
}  // namespace tocsin::test
