// What a write and a restore of the samples cost: 100,000 series, 120 samples each.
#include <benchmark/benchmark.h>
#include <fcntl.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <random>
#include <string>

#include "tocsin/store/snapshot.hpp"

namespace {

using namespace tocsin;

constexpr std::int64_t start = 1'700'000'000'000;
constexpr std::int64_t interval = 15'000;
constexpr core::Slot series_per_target = 200;
constexpr std::uint32_t targets = 500;
constexpr int rows = 120;
constexpr auto end = start + rows * interval;

double next_value(core::Slot slot, double before, std::mt19937& random) {
  if (slot % 20 < 12) return before;
  if (slot % 20 < 15) return before + static_cast<double>(random() % 30);
  if (slot % 20 < 18) return before + static_cast<double>(random() % 5'000);
  return slot % 20 == 18 ? static_cast<double>(random() % 9) : static_cast<double>(random() % 1'000) / 1'000.0;
}

void fill(store::Store& into) {
  std::mt19937 random(1);
  for (std::uint32_t target = 0; target < targets; ++target) {
    const auto instance = "cache-" + std::to_string(target) + ".example.internal:6379";
    const auto block = into.open_block("cache " + instance);
    core::Batch batch;
    for (core::Slot slot = 0; slot < series_per_target; ++slot) {
      batch.fresh.push_back({slot, core::Labels{{"__name__", "redis_metric_of_some_length_" + std::to_string(slot)},
                                                {"instance", instance},
                                                {"job", "cache"},
                                                {"system", "nexus"}}});
      batch.rows.push_back({slot, static_cast<double>(random() % 100'000)});
    }
    for (int row = 0; row < rows; ++row) {
      into.append(block, core::from_millis(start + row * interval + target), batch);
      batch.fresh.clear();
      for (auto& one : batch.rows) one.value = next_value(one.slot, one.value, random);
    }
  }
  into.publish();
}

store::Limits roomy() { return {.retention = std::chrono::hours(24)}; }

/// A folder with such a store in it.
class Folder {
 public:
  Folder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "tocsin-bench-XXXXXX").string();
    if (::mkdtemp(pattern.data()) != nullptr) path_ = pattern;
  }
  ~Folder() {
    std::error_code ignored;
    if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  [[nodiscard]] std::string samples() const { return path_ + "/samples"; }

 private:
  std::string path_;
};

void restore(benchmark::State& state) {
  const Folder folder;
  {
    store::Store from(roomy());
    fill(from);
    store::SnapshotWriter writer(folder.samples());
    if (!writer.write(from, core::from_millis(end))) state.SkipWithError("cannot write");
  }
  for (auto _ : state) {
    auto into = std::make_unique<store::Store>(roomy());
    const auto report = store::restore(folder.samples(), *into, core::from_millis(end));
    state.PauseTiming();
    state.counters["series"] = static_cast<double>(report.series);
    state.counters["samples"] = static_cast<double>(report.samples);
    state.counters["MB"] = static_cast<double>(report.bytes) / 1e6;
    into.reset();
    state.ResumeTiming();
  }
}
BENCHMARK(restore)->Unit(benchmark::kMillisecond)->UseRealTime();

/// From nothing, and again when the open rows alone are new.
void write(benchmark::State& state, bool again) {
  const Folder folder;
  store::Store from(roomy());
  fill(from);
  auto writer = std::make_unique<store::SnapshotWriter>(folder.samples());
  if (again && !writer->write(from, core::from_millis(end))) state.SkipWithError("cannot write");
  for (auto _ : state) {
    if (!again) writer = std::make_unique<store::SnapshotWriter>(folder.samples());
    const auto done = writer->write(from, core::from_millis(end));
    state.counters["MB"] = done ? static_cast<double>(done->bytes) / 1e6 : 0;
  }
}
BENCHMARK_CAPTURE(write, all, false)->Unit(benchmark::kMillisecond)->UseRealTime();
BENCHMARK_CAPTURE(write, again, true)->Unit(benchmark::kMillisecond)->UseRealTime();

}  // namespace

BENCHMARK_MAIN();
