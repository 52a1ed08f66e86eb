#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <condition_variable>
#include <mutex>

#include "file/find.hpp"
#include "support/one_prober.hpp"
#include "support/temp_dir.hpp"
#include "tocsin/probes/file.hpp"

namespace tocsin::probes {
namespace {

using namespace std::chrono_literals;
using core::Outcome;
using test::OneProber;

constexpr std::int64_t now = 1'700'000'000;  // seconds; what OneProber says it is

class FileTest : public testing::Test {
 protected:
  std::string file(const std::string& name, std::size_t size, std::chrono::seconds age) {
    const std::string path = dir_.write(name, std::string(size, 'x'));
    const timespec times[2] = {{now - age.count(), 0}, {now - age.count(), 500'000'000}};
    EXPECT_EQ(::utimensat(AT_FDCWD, path.c_str(), times, 0), 0);
    return path;
  }
  OneProber prober(const std::string& pattern, FileExpectations expect = {}, std::size_t max_found = 10'000) {
    FileOptions options;
    options.pattern = dir_ / pattern;
    options.expect = expect;
    options.max_files = 2;
    options.max_found = max_found;
    return OneProber([this, options](net::Connector&, const net::Executor&, Identity identity) {
      return make_file_prober(pool_, std::move(identity), options);
    });
  }

  test::TempDir dir_;
  net::BlockingPool pool_{1};
};

TEST_F(FileTest, OneFile) {
  const std::string path = file("backup.tar", 1000, 60s);
  auto probe = prober("backup.tar");
  const auto seen = probe();
  EXPECT_EQ(seen.outcome, Outcome::ok) << seen.detail;
  EXPECT_EQ(probe.value("tocsin_file_exists"), 1);
  EXPECT_EQ(probe.value("tocsin_file_count"), 1);
  EXPECT_EQ(probe.value("tocsin_file_mtime_seconds{path=\"" + path + "\"}"), now - 60 + 0.5);
  EXPECT_EQ(probe.value("tocsin_file_size_bytes{path=\"" + path + "\"}"), 1000);
  EXPECT_EQ(probe.value("tocsin_file_newest_size_bytes"), 1000);
  EXPECT_EQ(probe.value("tocsin_probe_success"), 1);
  ::unlink(path.c_str());
  const auto gone = probe();
  EXPECT_EQ(gone.outcome, Outcome::unexpected);
  EXPECT_EQ(gone.detail, "no such file");
  EXPECT_EQ(probe.value("tocsin_file_exists"), 0);
  EXPECT_EQ(probe.value("tocsin_file_success"), 0);
  EXPECT_FALSE(probe.has("tocsin_file_newest_mtime_seconds"));
  EXPECT_FALSE(probe.has("tocsin_file_size_bytes{path=\"" + path + "\"}"));
}

TEST_F(FileTest, PatternsMatchInEveryPart) {
  file("a1/db-1.dump", 1, 300s);
  file("a1/db-2.dump", 2, 200s);
  file("a2/db-3.dump", 3, 100s);
  file("a2/.db-4.dump", 4, 0s);
  file("b/db-5.dump", 5, 0s);
  auto probe = prober("a?/db-*.dump");
  EXPECT_EQ(probe().outcome, Outcome::ok);
  EXPECT_EQ(probe.value("tocsin_file_count"), 3);
  EXPECT_EQ(probe.value("tocsin_file_newest_size_bytes"), 3);
  EXPECT_EQ(probe.value("tocsin_file_oldest_mtime_seconds"), now - 300 + 0.5);
  // Only the two newest have series of their own.
  EXPECT_TRUE(probe.has("tocsin_file_size_bytes{path=\"" + (dir_ / "a2/db-3.dump") + "\"}"));
  EXPECT_TRUE(probe.has("tocsin_file_size_bytes{path=\"" + (dir_ / "a1/db-2.dump") + "\"}"));
  EXPECT_FALSE(probe.has("tocsin_file_size_bytes{path=\"" + (dir_ / "a1/db-1.dump") + "\"}"));
  auto nothing = prober("nowhere/*/x*");
  EXPECT_EQ(nothing().outcome, Outcome::unexpected);
  auto through_a_file = prober("b/db-5.dump/*");
  EXPECT_EQ(through_a_file().outcome, Outcome::unexpected);
}

TEST_F(FileTest, ExpectationsAreHeld) {
  file("one", 1000, 3600s);
  struct Case {
    const char* what;
    FileExpectations expect;
    const char* detail;  // behind the path; empty: good
  };
  FileExpectations young, old, large, small, many, few;
  young.max_age = 2h;
  old.max_age = 30min;
  large.min_size = 1001;
  small.max_size = 999;
  many.min_count = 2;
  few.max_count = 0;
  few.min_count = 0;
  for (const Case& c :
       {Case{"young", young, ""}, Case{"old", old, " old, expected at most 30m"},
        Case{"large", large, " has 1000 bytes, expected at least 1001 bytes"},
        Case{"small", small, " has 1000 bytes, expected at most 999 bytes"},
        Case{"many", many, "1 files, expected at least 2"}, Case{"few", few, "1 files, expected at most 0"}}) {
    auto probe = prober("one", c.expect);
    const auto seen = probe();
    EXPECT_EQ(seen.outcome, *c.detail == '\0' ? Outcome::ok : Outcome::unexpected) << c.what;
    EXPECT_NE(seen.detail.find(c.detail), std::string::npos) << c.what << ": " << seen.detail;
    EXPECT_EQ(probe.value("tocsin_file_count"), 1) << "the numbers are there all the same";
  }
  auto none = prober("none", few);
  EXPECT_EQ(none().outcome, Outcome::ok) << "that there is none was asked for";
}

TEST_F(FileTest, TooManyMatchesAreALimit) {
  for (int i = 0; i < 5; ++i) file("f" + std::to_string(i), 1, 0s);
  auto probe = prober("f*", {}, 4);
  EXPECT_EQ(probe().outcome, Outcome::limit);
}

TEST_F(FileTest, AFolderThatMayNotBeReadIsSaid) {
  if (::geteuid() == 0) GTEST_SKIP() << "root may read everything";
  file("closed/x", 1, 0s);
  ::chmod((dir_ / "closed").c_str(), 0);
  auto probe = prober("closed/*");
  EXPECT_EQ(probe().outcome, Outcome::auth);
  ::chmod((dir_ / "closed").c_str(), 0700);
}

// A file system that hangs: every thread of the pool is taken until it answers.
TEST_F(FileTest, AFileSystemThatHangsCostsTheDeadlineAndNoSecondThread) {
  file("one", 1, 0s);
  std::mutex mutex;
  std::condition_variable changed;
  bool hanging = true;
  ASSERT_TRUE(pool_.submit([&] {
    std::unique_lock lock(mutex);
    changed.wait(lock, [&] { return !hanging; });
  }));
  auto probe = prober("one");
  const auto began = std::chrono::steady_clock::now();
  const auto seen = probe(200ms);
  EXPECT_LT(std::chrono::steady_clock::now() - began, 250ms);
  EXPECT_EQ(seen.outcome, Outcome::timeout);
  EXPECT_EQ(seen.detail, "the file system did not answer in time");
  const auto again = probe(5s);
  EXPECT_EQ(again.outcome, Outcome::timeout);
  EXPECT_EQ(again.detail, "the file system has not answered since an earlier probe");
  EXPECT_LT(again.took, 50ms);
  {
    const std::lock_guard lock(mutex);
    hanging = false;
  }
  changed.notify_all();
  EXPECT_TRUE(probe.loop().run([](OneProber& p) -> net::Task<bool> {
    for (int i = 0; i < 1000; ++i) {
      ProbeStart start;
      start.deadline = test::TestLoop::in(1s);
      const auto observation = co_await p.prober().probe(start);
      if (observation.good()) co_return true;
      co_await net::sleep_for(2ms);
    }
    co_return false;
  }(probe)));
}

}  // namespace
}  // namespace tocsin::probes
