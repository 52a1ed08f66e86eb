// What a change of state costs the judge while many alerts fire: evaluation, templates, series, and the memories that
// outlive the process.
#include <benchmark/benchmark.h>

#include <ctime>
#include <memory>
#include <string>
#include <vector>

#include "tocsin/core/yaml.hpp"
#include "tocsin/rules/group.hpp"

namespace {

using namespace tocsin;

constexpr std::int64_t start = 1'700'000'000'000;
constexpr std::int64_t interval = 15'000;

constexpr const char* alerting = R"(
groups:
- name: bench
  rules:
  - alert: RedisMemoryHigh
    expr: redis_memory_used_bytes / redis_memory_max_bytes > 0.9
    for: 15s
    labels: {severity: warning, team: data}
    annotations:
      summary: 'Redis {{ $labels.instance }} is nearly full'
      description: '{{ $labels.instance }} uses {{ $value | humanizePercentage }} of its memory'
)";
constexpr const char* threshold = R"(
thresholds:
- alert: RedisMemoryHigh
  all: [{metric: redis_memory_used_bytes, above: 900, clear_below: 800}]
  for: 15s
  labels: {severity: warning, team: data}
  annotations:
    summary: 'Redis {{ $labels.instance }} is nearly full'
    description: '{{ $labels.instance }} uses {{ $value | humanize1024 }}B'
)";

rules::GroupSpec read(const char* text) {
  core::Diagnostics diagnostics;
  const auto file = std::make_shared<core::SourceFile>(core::SourceFile{"bench.yml", text});
  return std::move(rules::parse_rule_file(core::parse_yaml(file, diagnostics), diagnostics).at(0));
}

/// What is told again is not a change.
rules::GroupSettings rarely_repeated() {
  rules::GroupSettings settings;
  settings.resend_delay = std::chrono::hours{1000};
  return settings;
}

/// Many targets, each a block of its own, all over their limit but for those that are let off.
class Fleet {
 public:
  Fleet(const char* rules, std::size_t targets)
      : store_(store::Limits{}), group_(read(rules), rarely_repeated(), store_) {
    for (std::size_t i = 0; i < targets; ++i) blocks_.push_back(store_.open_block("target"));
    firing_.assign(targets, true);
    tick();
    tick();
  }
  void flip(std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
      firing_[next_] = !firing_[next_];
      next_ = (next_ + 37) % firing_.size();
    }
  }
  /// The samples of one round; not what is measured.
  void sample() {
    now_ += core::Duration{interval};
    for (std::size_t i = 0; i < blocks_.size(); ++i) {
      core::Batch batch;
      if (!introduced_) {
        const std::string instance = "cache-" + std::to_string(i) + ".example.internal:6379";
        for (const char* name : {"redis_memory_used_bytes", "redis_memory_max_bytes"}) {
          batch.fresh.push_back({static_cast<core::Slot>(batch.fresh.size()), core::Labels{{"__name__", name},
                                                                                           {"instance", instance},
                                                                                           {"job", "cache"},
                                                                                           {"system", "nexus"},
                                                                                           {"zone", "eu-1"}}});
        }
      }
      batch.rows = {{0, firing_[i] ? 950.0 + static_cast<double>(i % 40) : 500.0}, {1, 1000.0}};
      (void)store_.append(blocks_[i], now_ - core::Duration{1}, batch);
    }
    introduced_ = true;
    store_.maintain(now_);
  }
  rules::Evaluation evaluate() { return group_.evaluate(now_, {}); }
  rules::Evaluation tick() {
    sample();
    return evaluate();
  }
  [[nodiscard]] rules::GroupStatus status() const { return group_.status(); }

 private:
  store::Store store_;
  rules::Group group_;
  std::vector<store::BlockId> blocks_;
  std::vector<bool> firing_;
  std::size_t next_ = 0;
  bool introduced_ = false;
  core::TimePoint now_ = core::from_millis(start);
};

/// Time that this thread has worked, in seconds: others may use the machine as well.
double worked() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9;
}

/// One evaluation with so many alerts that fire, of which so many change. `steady_ms` is one in which none does, and
/// `marginal_us` what a change costs beyond that; `each_us` is the whole evaluation divided by its changes.
void change(benchmark::State& state, const char* rules) {
  const auto alerts = static_cast<std::size_t>(state.range(0));
  const auto flips = static_cast<std::size_t>(state.range(1));
  Fleet fleet(rules, alerts);
  double steady = 0;
  double busy = 0;
  std::size_t changes = 0;
  std::size_t memories = 0;
  std::size_t bytes = 0;
  for ([[maybe_unused]] auto _ : state) {
    fleet.sample();
    const double begun = worked();
    benchmark::DoNotOptimize(fleet.evaluate());
    steady += worked() - begun;
    fleet.flip(flips);
    fleet.sample();
    const double from = worked();
    const auto evaluation = fleet.evaluate();
    const double took = worked() - from;
    state.SetIterationTime(took);
    busy += took;
    changes += evaluation.changes.size();
    memories += evaluation.memories.size();
    for (const core::Memory& memory : evaluation.memories)
      bytes += memory.key.size() + memory.value.value_or("").size();
  }
  const auto rounds = static_cast<double>(state.iterations());
  state.counters["changes"] = static_cast<double>(changes) / rounds;
  state.counters["memories"] = static_cast<double>(memories) / rounds;
  state.counters["bytes"] = static_cast<double>(bytes) / rounds;
  state.counters["steady_ms"] = steady / rounds * 1e3;
  state.counters["marginal_us"] = (busy - steady) / static_cast<double>(changes) * 1e6;
  state.counters["each_us"] = busy / static_cast<double>(changes) * 1e6;
}
void alerting_rule(benchmark::State& state) { change(state, alerting); }
void threshold_rule(benchmark::State& state) { change(state, threshold); }
BENCHMARK(alerting_rule)
    ->UseManualTime()
    ->Args({10'000, 100})
    ->Args({10'000, 1'000})
    ->Args({10'000, 10'000})
    ->Unit(benchmark::kMillisecond);
BENCHMARK(threshold_rule)
    ->UseManualTime()
    ->Args({10'000, 100})
    ->Args({10'000, 1'000})
    ->Args({10'000, 10'000})
    ->Unit(benchmark::kMillisecond);

/// What the judge copies out after each evaluation for those who look.
void status(benchmark::State& state) {
  const Fleet fleet(alerting, static_cast<std::size_t>(state.range(0)));
  for ([[maybe_unused]] auto _ : state) benchmark::DoNotOptimize(fleet.status());
}
BENCHMARK(status)->Arg(10'000)->Unit(benchmark::kMillisecond);

}  // namespace
