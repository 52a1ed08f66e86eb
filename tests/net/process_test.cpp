#include "tocsin/net/process.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <csignal>
#include <fstream>

#include "support/run_task.hpp"
#include "support/temp_dir.hpp"
#include "support/wait_until.hpp"

namespace tocsin::net {
namespace {

using namespace std::chrono_literals;
using core::Outcome;
using test::TestLoop;

ProcessSpec shell(const std::string& script) {
  ProcessSpec spec;
  spec.argv = {"/bin/sh", "-c", script};
  spec.environment = {{"PATH", "/usr/bin:/bin"}};
  return spec;
}

class ProcessTest : public testing::Test {
 protected:
  core::Result<ProcessExit> run(ProcessSpec spec, std::chrono::nanoseconds time = 10s) {
    return loop_.run(run_process(std::move(spec), TestLoop::in(time)));
  }
  void TearDown() override {
    // Neither a child nor a zombie of ours is left.
    EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1);
    EXPECT_EQ(errno, ECHILD);
  }
  /// True if the process of that number has ended; whoever inherited it may not have reaped it yet.
  static bool gone(const std::string& pid_file) {
    return test::wait_until([&] {
      const std::string pid = test::read_text(pid_file);
      if (pid.empty()) return false;
      const std::string status = test::read_text("/proc/" + pid.substr(0, pid.find('\n')) + "/stat");
      return status.empty() || status.find(") Z ") != std::string::npos;
    });
  }

  TestLoop loop_;
  test::TempDir dir_;
};

TEST_F(ProcessTest, GivesOutputAndStatus) {
  const auto exit = run(shell("echo out; echo err >&2; exit 3"));
  ASSERT_TRUE(exit) << exit.error().detail;
  EXPECT_EQ(exit->status, 3);
  EXPECT_FALSE(exit->signal);
  EXPECT_EQ(exit->out, "out\n");
  EXPECT_EQ(exit->err, "err\n");
  EXPECT_FALSE(exit->timed_out);
  EXPECT_FALSE(exit->output_cut);
  EXPECT_GT(exit->took, 0ns);
}

TEST_F(ProcessTest, TellsTheSignal) {
  const auto exit = run(shell("kill -9 $$"));
  ASSERT_TRUE(exit);
  EXPECT_EQ(exit->status, -1);
  EXPECT_EQ(exit->signal, SIGKILL);
  EXPECT_FALSE(exit->timed_out);
}

TEST_F(ProcessTest, HasOnlyTheDeclaredEnvironment) {
  ::setenv("TOCSIN_TEST_SECRET", "leak", 1);
  ProcessSpec spec;
  spec.argv = {"env"};
  spec.environment = {{"PATH", "/usr/bin:/bin"}, {"A", "b=c d"}};
  const auto exit = run(spec);
  ASSERT_TRUE(exit) << exit.error().detail;
  EXPECT_EQ(exit->out, "PATH=/usr/bin:/bin\nA=b=c d\n");
}

TEST_F(ProcessTest, HasNoOtherDescriptorsAndDefaultSignals) {
  const std::string file = dir_.write("held", "x");
  const int held = ::open(file.c_str(), O_RDONLY);  // without close-on-exec
  ASSERT_GE(held, 3);
  sigset_t blocked;
  sigset_t before;
  sigemptyset(&blocked);
  sigaddset(&blocked, SIGTERM);
  ::pthread_sigmask(SIG_BLOCK, &blocked, &before);
  const auto exit = run(shell("ls /proc/self/fd; grep -E '^Sig(Blk|Ign)' /proc/self/status"));
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  ::close(held);
  ASSERT_TRUE(exit);
  // 3 is the folder that ls reads. Ignored may be only 32 and 33, which belong to the C library.
  EXPECT_THAT(exit->out,
              testing::MatchesRegex("0\n1\n2\n3\nSigBlk:\t0000000000000000\nSigIgn:\t0000000[01][08]0000000\n"));
}

TEST_F(ProcessTest, RunsInItsFolderAndGroup) {
  ProcessSpec spec = shell("pwd; test \"$(ps -o pgid= -p $$ | tr -d ' ')\" = $$ && echo leads");
  spec.working_directory = dir_.path();
  const auto exit = run(spec);
  ASSERT_TRUE(exit);
  EXPECT_EQ(exit->out, dir_.path().string() + "\nleads\n");
}

TEST_F(ProcessTest, SaysWhyItCannotStart) {
  const std::string not_executable = dir_.write("plain", "#!/bin/sh\n");
  const std::pair<std::vector<std::string>, std::string> cases[] = {
      {{"no-such-command"}, "cannot start no-such-command: not found in PATH (/usr/bin:/bin)"},
      {{"/no/such"},
       "cannot start /no/such: No such file or directory (the file, or the interpreter in its first line)"},
      {{not_executable}, "cannot start " + not_executable + ": Permission denied"},
      {{"/tmp"}, "cannot start /tmp: Permission denied"},
      {{}, "cannot start nothing: the command is empty"},
  };
  for (const auto& [argv, expected] : cases) {
    ProcessSpec spec;
    spec.argv = argv;
    spec.environment = {{"PATH", "/usr/bin:/bin"}};
    const auto exit = run(spec);
    ASSERT_FALSE(exit);
    EXPECT_EQ(exit.error().detail, expected);
    EXPECT_EQ(exit.error().outcome, Outcome::unexpected);
  }
  ProcessSpec spec = shell("true");
  spec.working_directory = "/no/such/folder";
  EXPECT_EQ(run(spec).error().detail,
            "cannot start /bin/sh: its working directory /no/such/folder: No such file or directory");
  spec = shell("true");
  spec.environment = {{"A=B", "c"}};
  EXPECT_FALSE(run(spec));
}

TEST_F(ProcessTest, FeedsInput) {
  ProcessSpec spec;
  spec.argv = {"/usr/bin/wc", "-c"};
  spec.input = std::string(1'000'000, 'x');
  auto exit = run(spec);
  ASSERT_TRUE(exit);
  EXPECT_EQ(exit->out, "1000000\n");

  spec = shell("exit 0");  // does not read it
  spec.input = std::string(1'000'000, 'x');
  exit = run(spec);
  ASSERT_TRUE(exit);
  EXPECT_EQ(exit->status, 0);
}

TEST_F(ProcessTest, CutsGreatOutput) {
  ProcessSpec spec = shell("yes | head -c 1000000000; echo done >&2");
  spec.max_output = 1000;
  const auto exit = run(spec);
  ASSERT_TRUE(exit);
  EXPECT_EQ(exit->status, 0);
  EXPECT_EQ(exit->out.size(), 1000U);
  EXPECT_EQ(exit->err, "done\n");
  EXPECT_TRUE(exit->output_cut);
}

TEST_F(ProcessTest, EndsTheWholeGroupAtTheDeadline) {
  const std::string pid = dir_ / "pid";
  const auto exit = run(shell("sleep 100 & echo $! >" + pid + "; echo started; wait"), 200ms);
  ASSERT_TRUE(exit);
  EXPECT_TRUE(exit->timed_out);
  EXPECT_EQ(exit->signal, SIGTERM);
  EXPECT_EQ(exit->out, "started\n");
  EXPECT_TRUE(gone(pid));
}

TEST_F(ProcessTest, KillsWhoIgnoresTerm) {
  const std::string pid = dir_ / "pid";
  ProcessSpec spec =
      shell("trap '' TERM; (while :; do sleep 1; done) & echo $! >" + pid + "; while :; do sleep 1; done");
  spec.kill_after = 100ms;
  const auto exit = run(spec, 200ms);
  ASSERT_TRUE(exit);
  EXPECT_TRUE(exit->timed_out);
  EXPECT_EQ(exit->signal, SIGKILL);
  EXPECT_LT(exit->took, 5s);
  EXPECT_TRUE(gone(pid));
}

TEST_F(ProcessTest, LeavesNothingOfTheGroupBehind) {
  const std::string pid = dir_ / "pid";
  const auto exit = run(shell("sleep 100 & echo $! >" + pid + "; echo bye"));
  ASSERT_TRUE(exit);
  EXPECT_EQ(exit->status, 0);
  EXPECT_EQ(exit->out, "bye\n");
  EXPECT_LT(exit->took, 5s);
  EXPECT_TRUE(gone(pid));
}

TEST_F(ProcessTest, DoesNotWaitForAGrandchildThatLeftTheGroup) {
  const std::string pid = dir_ / "pid";
  const auto exit = run(
      shell("setsid sh -c 'echo $$ >" + pid + "; exec sleep 100' & while [ ! -s " + pid + " ]; do :; done; echo bye"));
  ASSERT_TRUE(exit);
  EXPECT_EQ(exit->out, "bye\n");
  EXPECT_LT(exit->took, 5s);
  ::kill(std::stoi(test::read_text(pid)), SIGKILL);
}

Task<void> run_into(ProcessSpec spec, Loop* loop, Outcome* outcome, bool* later) {
  const auto exit = co_await run_process(std::move(spec), TestLoop::in(1h));
  *outcome = exit ? Outcome::ok : exit.error().outcome;
  *later = co_await sleep_for(1ms);
  loop->stop();
}

TEST_F(ProcessTest, EndsTheGroupWhenCancelled) {
  const std::string pid = dir_ / "pid";
  Outcome outcome = Outcome::ok;
  bool later = false;
  const auto cancel = loop_.loop().spawn_cancellable(
      "runner", run_into(shell("sleep 100 & echo $! >" + pid + "; wait"), &loop_.loop(), &outcome, &later));
  loop_.loop().post_after(200ms, cancel);
  loop_.loop().run();
  EXPECT_EQ(outcome, Outcome::cancelled);
  EXPECT_TRUE(gone(pid));
}

TEST_F(ProcessTest, EndsTheGroupWhenTheLoopIsDestroyed) {
  const std::string pid = dir_ / "pid";
  Outcome outcome = Outcome::ok;
  bool later = false;
  {
    TestLoop loop;
    loop.loop().spawn("runner",
                      run_into(shell("sleep 100 & echo $! >" + pid + "; wait"), &loop.loop(), &outcome, &later));
    loop.loop().post_after(200ms, [&] { loop.loop().stop(); });
    loop.loop().run();
  }
  EXPECT_TRUE(gone(pid));
}

}  // namespace
}  // namespace tocsin::net
