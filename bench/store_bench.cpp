// What an append, an instant read, a range read and a series cost; data as a few hundred Redis servers give it.
#include <benchmark/benchmark.h>
#include <malloc.h>

#include <random>
#include <string>

#include "tocsin/store/store.hpp"

namespace {

using namespace tocsin;

constexpr core::Slot series_per_target = 210;
constexpr std::int64_t interval = 15'000;
constexpr std::int64_t start = 1'700'000'000'000;

/// A Redis target as it answers INFO: six in ten values hardly ever change, a quarter are counters, the rest are small
/// numbers and a few ratios.
class Target {
 public:
  explicit Target(std::uint32_t number) : number_(number), random_(number + 1), values_(series_per_target) {
    for (core::Slot slot = 0; slot < series_per_target; ++slot)
      values_[slot] = slot % 3 == 0 ? 0 : static_cast<double>(random_() % 100'000);
  }
  core::Batch first() {
    core::Batch batch;
    const auto instance = "cache-" + std::to_string(number_) + ".example.internal:6379";
    for (core::Slot slot = 0; slot < series_per_target; ++slot) {
      batch.fresh.push_back({slot, core::Labels{{"__name__", "redis_metric_of_some_length_" + std::to_string(slot)},
                                                {"instance", instance},
                                                {"job", "cache"},
                                                {"system", "nexus"}}});
    }
    fill(batch);
    return batch;
  }
  void next(core::Batch& batch) {
    batch.rows.clear();
    fill(batch);
  }

 private:
  void fill(core::Batch& batch) {
    for (core::Slot slot = 0; slot < series_per_target; ++slot) batch.rows.push_back({slot, step(slot)});
  }
  double step(core::Slot slot) {
    auto& value = values_[slot];
    const auto kind = slot % 20;
    if (kind < 12) return value;                                            // constant
    if (kind < 15) return value += static_cast<double>(random_() % 30);     // a slow counter
    if (kind < 17) return value += static_cast<double>(random_() % 5'000);  // a fast one
    if (kind < 18) return value += static_cast<double>(random_() % 9) - 4;  // clients
    if (kind < 19)
      return value += random_() % 4 == 0 ? static_cast<double>(random_() % 100'000) - 50'000 : 0;  // memory
    return slot < 60 ? static_cast<double>(random_() % 1'000) / 1'000.0 : value;                   // a ratio
  }
  std::uint32_t number_;
  std::mt19937 random_;
  std::vector<double> values_;
};

/// `targets` blocks with `rows` rows each.
void fill(store::Store& into, std::uint32_t targets, int rows) {
  std::vector<Target> all;
  std::vector<store::BlockId> blocks;
  for (std::uint32_t i = 0; i < targets; ++i) {
    all.emplace_back(i);
    blocks.push_back(into.open_block("cache"));
  }
  core::Batch batch;
  for (int row = 0; row < rows; ++row) {
    for (std::uint32_t i = 0; i < targets; ++i) {
      const auto at = core::from_millis(start + row * interval + i);
      if (row == 0) {
        into.append(blocks[i], at, all[i].first());
      } else {
        all[i].next(batch);
        into.append(blocks[i], at, batch);
      }
    }
    if (row % 10 == 0) into.maintain(core::from_millis(start + row * interval));
  }
}

store::Limits roomy() {
  return {.retention = std::chrono::hours(24), .max_series = 10'000'000, .max_bytes = 4ULL << 30U};
}

void append_batches(benchmark::State& state) {
  store::Store into(store::Limits{});
  const auto targets = static_cast<std::uint32_t>(state.range(0));
  std::vector<store::BlockId> blocks;
  std::vector<std::vector<core::Batch>> batches(targets);
  for (std::uint32_t i = 0; i < targets; ++i) {
    Target target(i);
    blocks.push_back(into.open_block("cache"));
    into.append(blocks.back(), core::from_millis(start), target.first());
    for (int k = 0; k < 16; ++k) target.next(batches[i].emplace_back());
  }
  std::int64_t row = 1;
  std::uint32_t i = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(into.append(blocks[i], core::from_millis(start + row * interval),
                                         batches[i][static_cast<std::size_t>(row % 16)]));
    if (++i == targets) {
      i = 0;
      if (++row % 8 == 0) into.maintain(core::from_millis(start + row * interval));
    }
  }
  state.counters["per_sample"] = benchmark::Counter(static_cast<double>(state.iterations()) * series_per_target,
                                                    benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}
BENCHMARK(append_batches)->Arg(1)->Arg(100);

void latest(benchmark::State& state, bool judge) {
  store::Store from(roomy());
  fill(from, 100, 70);
  from.publish();
  const auto view = judge ? from.live() : from.snapshot();
  const std::vector<core::Matcher> matchers = {
      {core::Matcher::Kind::regex, "__name__", "redis_metric_of_some_length_1."}};
  const auto series = view.select(matchers);
  const auto at = core::from_millis(start + 70 * interval);
  std::size_t i = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(view.latest(series[i], at, std::chrono::minutes(5)));
    if (++i == series.size()) i = 0;
  }
}
BENCHMARK_CAPTURE(latest, judge, true);
BENCHMARK_CAPTURE(latest, snapshot, false);

void earlier(benchmark::State& state) {
  store::Store from(roomy());
  fill(from, 10, 300);
  const auto view = from.live();
  const auto series = view.select({});
  std::size_t i = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(view.latest(series[i % series.size()],
                                         core::from_millis(start + static_cast<std::int64_t>(i % 250) * interval),
                                         std::chrono::minutes(5)));
    ++i;
  }
}
BENCHMARK(earlier);

void read(benchmark::State& state, bool judge) {
  store::Store from(roomy());
  fill(from, 10, 300);
  from.publish();
  const auto view = judge ? from.live() : from.snapshot();
  const auto series = view.select({});
  std::vector<core::Sample> out;
  std::size_t i = 0;
  std::size_t samples = 0;
  for (auto _ : state) {
    out.clear();
    view.read(series[i], core::from_millis(0), core::from_millis(start * 2), out);
    samples += out.size();
    if (++i == series.size()) i = 0;
  }
  state.counters["samples"] = static_cast<double>(samples) / static_cast<double>(state.iterations());
}
BENCHMARK_CAPTURE(read, judge, true);
BENCHMARK_CAPTURE(read, snapshot, false);

void select(benchmark::State& state, std::vector<core::Matcher> matchers) {
  store::Store from(roomy());
  fill(from, 543, 1);
  const auto view = from.live();
  std::size_t found = 0;
  for (auto _ : state) found = view.select(matchers).size();
  state.counters["found"] = static_cast<double>(found);
}
const core::Matcher one_metric{core::Matcher::Kind::equal, "__name__", "redis_metric_of_some_length_7"};
BENCHMARK_CAPTURE(select, metric, {one_metric});
BENCHMARK_CAPTURE(select, metric_and_job, {one_metric, core::Matcher{core::Matcher::Kind::equal, "job", "cache"}});
BENCHMARK_CAPTURE(select, regex_on_name, {core::Matcher{core::Matcher::Kind::regex, "__name__", "redis_metric.*_1.."}});

void start_up(benchmark::State& state) {
  for (auto _ : state) {
    store::Store into(roomy());
    fill(into, 543, 1);
    benchmark::DoNotOptimize(into.stats().series);
  }
}
BENCHMARK(start_up)->Unit(benchmark::kMillisecond);

/// Every target's block is closed and opened anew; the clean-up that follows is part of it.
void reload(benchmark::State& state) {
  constexpr std::uint32_t targets = 543;
  store::Store into(roomy());
  std::vector<store::BlockId> blocks(targets);
  std::vector<core::Batch> batches;
  for (std::uint32_t i = 0; i < targets; ++i) batches.push_back(Target(i).first());
  std::int64_t now = start;
  for (auto _ : state) {
    for (auto& block : blocks) {
      into.close_block(block, core::from_millis(now));
      block = into.open_block("cache");
    }
    now += interval;
    for (std::uint32_t i = 0; i < targets; ++i) into.append(blocks[i], core::from_millis(now), batches[i]);
    into.maintain(core::from_millis(now));
  }
}
BENCHMARK(reload)->Iterations(4)->Unit(benchmark::kMillisecond);

void memory(benchmark::State& state) {
  const auto rows = static_cast<int>(state.range(0));
  constexpr std::uint32_t targets = 543;
  constexpr double series = targets * series_per_target;
  for (auto _ : state) {
    malloc_trim(0);
    const auto before = mallinfo2();
    store::Store into(roomy());
    fill(into, targets, rows);
    const auto after = mallinfo2();
    const auto used = static_cast<double>(after.uordblks + after.hblkhd - before.uordblks - before.hblkhd);
    state.counters["MB"] = used / 1e6;
    state.counters["accounted_MB"] = static_cast<double>(into.stats().bytes) / 1e6;
    state.counters["bytes_per_series"] = used / series;
    state.counters["bytes_per_sample"] = used / series / rows;
  }
}
BENCHMARK(memory)->Arg(1)->Arg(120)->Arg(300)->Arg(720)->Iterations(1)->Unit(benchmark::kMillisecond);

}  // namespace

BENCHMARK_MAIN();
