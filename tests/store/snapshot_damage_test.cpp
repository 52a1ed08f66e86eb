// Damaged files, full disks, and a writer that runs beside the judge.
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <fstream>
#include <sstream>
#include <thread>

#include "store/snapshot_helpers.hpp"

namespace tocsin::store::test {
namespace {

namespace fs = std::filesystem;
using tocsin::test::read_text;

void overwrite(const fs::path& path, const std::string& text) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << text;
}

std::map<std::string, std::string> files_in(const std::string& folder) {
  std::map<std::string, std::string> out;
  for (const auto& entry : fs::directory_iterator(folder)) {
    out[entry.path().filename().string()] = read_text(entry.path());
  }
  return out;
}

/// Two targets with rows that are sealed and rows that are open.
void fill_two(Store& store) {
  for (int target = 0; target < 2; ++target) {
    const auto block = store.open_block("cache " + std::to_string(target));
    for (int i = 0; i < 18; ++i) {
      core::Batch out;
      const auto instance = "host-" + std::to_string(target);
      if (i == 0) out.fresh = {{0, named("x", instance)}, {1, named("y", instance)}};
      out.rows = {{0, i % 7 * 1.0}, {1, i * 0.1}};
      store.append(block, at(i * 10), out);
    }
  }
}

class Damage : public ::testing::Test {
 protected:
  Damage() {
    fill_two(store_);
    write_once(folder_, store_, 171);
    whole_ = files_in(folder_);
    truth_ = samples(store_);
  }
  static std::map<std::string, std::set<std::string>> samples(const Store& store) {
    std::map<std::string, std::set<std::string>> out;
    for (const auto& [labels, all] : contents(store.live())) {
      std::istringstream words(all);
      for (std::string word; words >> word;) out[labels].insert(word);
    }
    return out;
  }
  /// Restores; what comes back is part of what was, and whatever is missing was named. Life goes on.
  std::size_t survive(const std::string& what) {
    Store next{Limits{}};
    const auto report = restore(folder_, next, at(171));
    next.publish();
    const auto found = samples(next);
    std::size_t missing = 0;
    for (const auto& [labels, all] : found) {
      const auto it = truth_.find(labels);
      EXPECT_NE(it, truth_.end()) << what << ": " << labels;
      if (it == truth_.end()) continue;
      for (const auto& one : all) EXPECT_TRUE(it->second.contains(one)) << what << ": " << labels << " " << one;
    }
    for (const auto& [labels, all] : truth_) {
      const auto it = found.find(labels);
      missing += all.size() - (it == found.end() ? 0 : it->second.size());
    }
    if (missing != 0) {
      EXPECT_FALSE(report.notes.empty()) << what << ": " << missing << " missing";
    }
    const auto block = next.open_block("cache 0");
    EXPECT_EQ(next.append(block, at(172), batch({{0, named("x", "host-0")}}, {{0, 5}})).appended, 1U) << what;
    EXPECT_EQ(latest(next.live(), only_x(next), 172), "172=5") << what;
    next.maintain(at(5'000));
    next.append(block, at(5'001), batch({}, {{0, 6}}));
    EXPECT_EQ(latest(next.live(), only_x(next), 5'001), "5001=6") << what;
    return missing;
  }
  static SeriesId only_x(const Store& store) {
    const auto found = select(store.live(), {equal("__name__", "x"), equal("instance", "host-0")});
    EXPECT_EQ(found.size(), 1U);
    return found.empty() ? 0 : found.front();
  }
  void put_back(const std::string& name) { overwrite(fs::path(folder_) / name, whole_.at(name)); }

  tocsin::test::TempDir temp_;
  std::string folder_ = temp_ / "samples";
  Store store_{Limits{}};
  std::map<std::string, std::string> whole_;
  std::map<std::string, std::set<std::string>> truth_;
};

TEST_F(Damage, NoneLosesNothing) { EXPECT_EQ(survive("whole"), 0U); }

TEST_F(Damage, CutAtEveryByte) {
  for (const auto& [name, text] : whole_) {
    for (std::size_t size = 0; size < text.size(); ++size) {
      overwrite(fs::path(folder_) / name, text.substr(0, size));
      // Of the end of the tail nothing hangs.
      const auto missing = survive(name + " cut to " + std::to_string(size));
      if (name != "tail") {
        EXPECT_GT(missing, 0U) << name << " " << size;
      }
    }
    put_back(name);
  }
}

TEST_F(Damage, EveryByteFlipped) {
  std::mt19937 random(3);
  for (const auto& [name, text] : whole_) {
    for (std::size_t i = 0; i < text.size(); ++i) {
      auto damaged = text;
      damaged[i] = static_cast<char>(damaged[i] ^ (1 << random() % 8));
      overwrite(fs::path(folder_) / name, damaged);
      survive(name + " byte " + std::to_string(i));
    }
    put_back(name);
  }
}

TEST_F(Damage, FilesThatAreGone) {
  for (const auto& [name, text] : whole_) {
    fs::remove(fs::path(folder_) / name);
    if (name != "tail") {
      EXPECT_GT(survive(name + " gone"), 0U);
    }
    put_back(name);
  }
}

TEST_F(Damage, OneTargetsRowsDoNotTakeTheOthersAlong) {
  auto tail = whole_.at("tail");
  const auto name = tail.find("cache 1");
  ASSERT_NE(name, std::string::npos);
  tail[name + 4] = 'X';
  overwrite(fs::path(folder_) / "tail", tail);
  Store next{Limits{}};
  const auto report = restore(folder_, next, at(171));
  EXPECT_EQ(all_notes(report), (fs::path(folder_) / "tail").string() + " is damaged: 1 of 2 blocks are lost\n");
  EXPECT_EQ(report.series, 2U);
  EXPECT_EQ(contents(next.live()).size(), 2U);
}

TEST_F(Damage, StrayFilesGo) {
  overwrite(fs::path(folder_) / "segments-77", "what a killed process left");
  overwrite(fs::path(folder_) / "index-78", "");
  overwrite(fs::path(folder_) / "tail.new", "half");
  overwrite(fs::path(folder_) / "notes.txt", "somebody's own");
  Store next{Limits{}};
  EXPECT_EQ(all_notes(restore(folder_, next, at(171))), "");
  write_once(folder_, next, 172);
  const auto names = files_in(folder_);
  EXPECT_FALSE(names.contains("segments-77"));
  EXPECT_FALSE(names.contains("index-78"));
  EXPECT_FALSE(names.contains("tail.new"));
  EXPECT_TRUE(names.contains("notes.txt"));
  EXPECT_EQ(samples(next), truth_);
}

TEST_F(Damage, AnEmptiedFolderIsFilledAgain) {
  SnapshotWriter writer(folder_);
  write(writer, store_, 172);
  fs::remove_all(folder_);
  write(writer, store_, 173);
  EXPECT_EQ(survive("filled again"), 0U);
  for (const auto& [name, text] : files_in(folder_)) {
    if (name.starts_with("segments")) fs::remove(fs::path(folder_) / name);
  }
  write(writer, store_, 174);
  EXPECT_EQ(survive("segments again"), 0U);
}

/// No file of this process may grow past that many bytes: as on a disk that is full.
class SizeLimit {
 public:
  explicit SizeLimit(rlim_t bytes) {
    std::signal(SIGXFSZ, SIG_IGN);
    ::getrlimit(RLIMIT_FSIZE, &before_);
    rlimit limit = before_;
    limit.rlim_cur = bytes;
    ::setrlimit(RLIMIT_FSIZE, &limit);
  }
  ~SizeLimit() { ::setrlimit(RLIMIT_FSIZE, &before_); }
  SizeLimit(const SizeLimit&) = delete;
  SizeLimit& operator=(const SizeLimit&) = delete;

 private:
  rlimit before_{};
};

TEST_F(Damage, AFullDiskIsAnAnswerAndTheLastStateStands) {
  SnapshotWriter writer(folder_);
  write(writer, store_, 171);
  const auto before = files_in(folder_);
  Store longer{Limits{}};
  fill_two(longer);
  const auto block = longer.open_block("more");
  for (int i = 0; i < 300; ++i) {
    longer.append(block, at(i), i == 0 ? batch({{0, named("x")}}, {{0, 1.0 * i}}) : batch({}, {{0, i / 3.0}}));
  }
  longer.publish();
  for (const rlim_t limit : {0, 1, 7, 8, 30, 100, 500, 1'000}) {
    const SizeLimit full(limit);
    const auto done = writer.write(longer, at(300));
    ASSERT_FALSE(done) << limit;
    EXPECT_NE(done.error().detail.find("File too large"), std::string::npos) << done.error().detail;
    EXPECT_EQ(files_in(folder_), before) << limit;
  }
  write(writer, longer, 301);
  Store next{Limits{}};
  EXPECT_EQ(all_notes(restore(folder_, next, at(301))), "");
  EXPECT_EQ(contents(next.live()), contents(longer.live()));
}

TEST_F(Damage, AFolderThatCannotBeMadeIsAnAnswer) {
  const auto file = temp_.write("file", "");
  SnapshotWriter writer(file + "/samples");
  const auto done = writer.write(store_, at(171));
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().detail, "cannot make the folder " + file + "/samples: Not a directory");
  fs::remove(file);
  write(writer, store_, 172);
}

TEST_F(Damage, AFolderThatCannotBeWrittenIsAnAnswer) {
  if (::geteuid() == 0) GTEST_SKIP() << "root may write everywhere";
  SnapshotWriter writer(folder_);
  write(writer, store_, 171);
  fs::permissions(folder_, fs::perms::owner_read | fs::perms::owner_exec);
  EXPECT_FALSE(writer.write(store_, at(172)));
  fs::permissions(folder_, fs::perms::owner_all);
  write(writer, store_, 173);
}

// For ThreadSanitizer too: the judge appends, seals, closes and compacts while the writer writes.
TEST(SnapshotThreads, TheWriterSeesWholeRows) {
  tocsin::test::TempDir temp;
  const auto folder = temp / "samples";
  Store store{Limits{}};
  std::atomic<bool> done{false};
  std::atomic<int> writes{0};
  std::atomic<double> now{0};
  std::thread thread([&] {
    SnapshotWriter writer(folder);
    for (; !done || writes < 5; ++writes) EXPECT_TRUE(writer.write(store, at(now)));
    EXPECT_TRUE(writer.write(store, at(now)));
  });
  ChanceTargets targets(11);
  targets.open(store);
  for (int i = 0; i < 2'000 || writes < 5; ++i) {
    now = i * 5;
    targets.step(store, now);
    if (i % 4 == 0) store.publish();
  }
  store.publish();
  done = true;
  thread.join();
  Store next{Limits{}};
  EXPECT_EQ(all_notes(restore(folder, next, at(now + 1))), "");
  EXPECT_TRUE(contents(next.live(), now - 1'700) == contents(store.live(), now - 1'700));
}

// A large block is copied piece by piece, between rows.
TEST(SnapshotThreads, PiecesOfALargeBlockFitTogether) {
  tocsin::test::TempDir temp;
  constexpr core::Slot slots = 6'000;
  constexpr Limits endless{.retention = std::chrono::hours(10'000)};
  Store store{Limits{.retention = minutes(2)}};
  const auto block = store.open_block("large");
  core::Batch out;
  for (core::Slot slot = 0; slot < slots; ++slot) out.fresh.push_back({slot, named("m" + std::to_string(slot))});
  std::atomic<bool> done{false};
  std::atomic<int> row{0};
  const auto append = [&](int i) {
    out.rows.clear();
    for (core::Slot slot = 0; slot < slots; ++slot) out.rows.push_back({slot, i * 3.0 + slot % 5});
    store.append(block, at(i), out);
    out.fresh.clear();
    row = i;
  };
  append(0);
  store.publish();
  std::thread judge([&] {
    for (int i = 1; !done; ++i) {
      append(i);
      if (i % 10 == 0) store.maintain(at(i));
    }
  });
  SnapshotWriter writer(temp / "samples");
  for (int i = 0; i < 5; ++i) {
    EXPECT_TRUE(writer.write(store, at(row)));
    Store next{endless};
    EXPECT_EQ(all_notes(restore(temp / "samples", next, at(1e6))), "");
    const auto view = next.live();
    std::set<std::size_t> lengths;
    for (const auto series : view.select({})) {
      std::vector<Sample> samples;
      view.read(series, at(-1), at(1e6), samples);
      const auto slot = std::stoi(std::string(view.label(series, "__name__").substr(1)));
      for (const auto& sample : samples) {
        ASSERT_EQ(sample.value, core::to_seconds(sample.time - at(0)) * 3 + slot % 5);
      }
      lengths.insert(samples.size());
    }
    EXPECT_EQ(lengths.size(), 1U) << "all series have the same rows";
  }
  done = true;
  judge.join();
}

}  // namespace
}  // namespace tocsin::store::test
