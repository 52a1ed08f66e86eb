#include <gtest/gtest.h>
#include <sys/stat.h>

#include <csignal>
#include <cstdlib>

#include "exec/verdict.hpp"
#include "support/hostile.hpp"
#include "support/one_prober.hpp"
#include "support/temp_dir.hpp"
#include "support/wait_until.hpp"
#include "tocsin/probes/exec.hpp"

namespace tocsin::probes {
namespace {

using namespace std::chrono_literals;
using core::Outcome;
using test::OneProber;

class ExecTest : public testing::Test {
 protected:
  ExecOptions script(const std::string& text) {
    const std::string path = dir_.write("check-" + std::to_string(++count_), "#!/bin/sh\n" + text);
    ::chmod(path.c_str(), 0700);
    ExecOptions options;
    options.argv = {path};
    return options;
  }
  static OneProber::Make make(ExecOptions options) {
    return [options = std::move(options)](net::Connector&, net::Executor executor, Identity identity) {
      return make_exec_prober(std::move(executor), std::move(identity), options);
    };
  }
  test::TempDir dir_;
  int count_ = 0;
};

TEST_F(ExecTest, TheExitStatusIsTheAnswer) {
  struct Case {
    const char* text;
    Outcome outcome;
    double status;
    const char* detail;
  };
  for (const Case& c : {Case{"echo all well", Outcome::ok, 0, ""},
                        Case{"echo 'DISK WARNING - free space: / 9%|/=91'; exit 1", Outcome::unexpected, 1,
                             "exit status 1 (WARNING): DISK WARNING - free space: / 9%|/=91"},
                        Case{"exit 2", Outcome::unexpected, 2, "exit status 2 (CRITICAL)"},
                        Case{"echo bad >&2; exit 3", Outcome::unexpected, 3, "exit status 3 (UNKNOWN): bad"},
                        Case{"exit 77", Outcome::unexpected, 77, "exit status 77"},
                        Case{"kill -9 $$", Outcome::closed, 137, "it was ended by signal 9"}}) {
    OneProber probe(make(script(c.text)));
    const auto seen = probe();
    EXPECT_EQ(seen.outcome, c.outcome) << c.text;
    EXPECT_EQ(seen.detail, c.detail);
    EXPECT_EQ(probe.value("tocsin_exec_status"), c.status) << c.text;
    EXPECT_EQ(probe.value("tocsin_exec_success"), c.outcome == Outcome::ok ? 1 : 0);
    EXPECT_EQ(probe.value("tocsin_probe_success"), c.outcome == Outcome::ok ? 1 : 0);
  }
}

TEST_F(ExecTest, OtherStatusesMayBeGood) {
  auto options = script("exit 1");
  options.good_status = {0, 1};
  OneProber probe(make(options));
  EXPECT_EQ(probe().outcome, Outcome::ok);
  EXPECT_EQ(probe.value("tocsin_exec_status"), 1);
}

TEST_F(ExecTest, WhatItPrintsMayBeMetrics) {
  auto options = script("echo '# TYPE queue gauge'; echo 'queue{name=\"a\"} 5'; exit ${STATUS:-0}");
  options.metrics = true;
  OneProber probe(make(options), core::Labels{{"job", "j"}});
  auto seen = probe();
  EXPECT_EQ(seen.outcome, Outcome::ok) << seen.detail;
  EXPECT_EQ(probe.value("queue{job=\"j\",name=\"a\"}"), 5);
  EXPECT_EQ(probe.value("tocsin_exec_samples{job=\"j\"}"), 1);
  ASSERT_EQ(seen.described.size(), 1U);
  options.environment = {{"STATUS", {core::Secret("2"), {}}}};
  OneProber failing(make(options));
  seen = failing();
  EXPECT_EQ(seen.outcome, Outcome::unexpected);
  EXPECT_EQ(failing.value("queue{name=\"a\"}"), 5) << "also a check that fails may say numbers";

  auto prose = script("echo all is well");
  prose.metrics = true;
  OneProber wrong(make(prose));
  seen = wrong();
  EXPECT_EQ(seen.outcome, Outcome::protocol);
  EXPECT_EQ(seen.detail.substr(0, 7), "line 1:");
}

TEST_F(ExecTest, WhatItPrintsLeavesRoomForWhatWeSayOfIt) {
  auto options = script("for i in 1 2 3 4 5 6 7 8 9; do echo a$i 1; done; echo tocsin_exec_success 1; exit 2");
  options.metrics = true;
  options.max_series = 4;
  OneProber probe(make(options));
  EXPECT_EQ(probe().outcome, Outcome::unexpected);
  EXPECT_EQ(probe.value("tocsin_exec_success"), 0);
  EXPECT_EQ(probe.value("tocsin_exec_samples"), 10);
  EXPECT_EQ(probe.value("tocsin_exec_series_refused_total"), 5);
  EXPECT_TRUE(probe.has("a4"));
  EXPECT_FALSE(probe.has("a5"));
  EXPECT_TRUE(probe.twice.empty());
}

TEST_F(ExecTest, TheEnvironmentIsDeclaredAndNothingElse) {
  ::setenv("TOCSIN_TEST_LEAK", "leaked", 1);
  const test::TempDir secrets;
  auto options = script("echo \"$A $TOCSIN_TEST_LEAK $(pwd) $TOKEN\"; exit 2");
  options.environment = {{"A", {core::Secret("declared"), {}}},
                         {"TOKEN", {{}, secrets.write("token", "s3cret-token\n")}}};
  OneProber probe(make(options));
  const auto seen = probe();
  // Whatever stands in the environment may be a secret: none of it is repeated.
  EXPECT_EQ(seen.detail, "exit status 2 (CRITICAL): <secret>  / <secret>");
  ::unsetenv("TOCSIN_TEST_LEAK");
}

TEST_F(ExecTest, WhatCannotBeStartedIsSaid) {
  ExecOptions options;
  options.argv = {dir_ / "nothing"};
  OneProber probe(make(options));
  const auto seen = probe();
  EXPECT_EQ(seen.outcome, Outcome::refused_command);
  EXPECT_NE(seen.detail.find("nothing"), std::string::npos);
  EXPECT_FALSE(probe.has("tocsin_exec_status"));
  auto secret = script("exit 0");
  secret.environment = {{"TOKEN", {{}, dir_ / "no-such-file"}}};
  OneProber unread(make(secret));
  EXPECT_EQ(unread().outcome, Outcome::auth);
}

struct Sick {
  const char* name;
  const char* text;
  bool metrics;
  Outcome outcome;
};
class ExecSick : public ExecTest {};

TEST_F(ExecSick, EveryMisbehaviourEndsInTime) {
  for (const Sick& c : {Sick{"hangs", "sleep 60", false, Outcome::timeout},
                        Sick{"ignores TERM", "trap '' TERM; while :; do sleep 0.1; done", false, Outcome::timeout},
                        Sick{"leaves a child", "sleep 60 & wait", false, Outcome::timeout},
                        Sick{"drips", "while :; do echo a; sleep 0.02; done", true, Outcome::timeout},
                        Sick{"prints without end", "exec yes", true, Outcome::timeout},
                        Sick{"prints too much", "head -c 3000000 /dev/zero", true, Outcome::limit},
                        Sick{"garbage", "head -c 1000 /dev/urandom | tr '\\n' x", true, Outcome::protocol}}) {
    auto options = script(c.text);
    options.metrics = c.metrics;
    OneProber probe(make(options));
    SCOPED_TRACE(c.name);
    const auto seen = test::probe_hostile(probe, 600ms);
    EXPECT_EQ(seen.outcome, c.outcome) << c.name << ": " << seen.detail;
  }
}

TEST_F(ExecTest, NothingIsLeftBehind) {
  const std::string mark = dir_ / "child.pid";
  OneProber probe(make(script("sleep 60 & echo $! > " + mark + "; wait")));
  EXPECT_EQ(probe(500ms).outcome, Outcome::timeout);
  const pid_t child = std::stoi(test::read_text(mark));
  EXPECT_TRUE(test::wait_until([child] { return ::kill(child, 0) != 0; }));
}

TEST(ExecVerdict, LinesAreMadePrintable) {
  EXPECT_EQ(exec::first_line("\n \t\n a\x01\xff"
                             "b\xc2\x85 é\r\nmore",
                             {}),
            " a ?b  é");
  EXPECT_EQ(exec::first_line(std::string(1000, 'x'), {}).size(), 203U);
  EXPECT_EQ(exec::first_line("", {}), "");
  EXPECT_EQ(
      exec::first_line("token=abcdef and abcd", {core::Secret("abcd"), core::Secret("abcdef"), core::Secret("to")}),
      "token=<secret> and <secret>");
}

}  // namespace
}  // namespace tocsin::probes
