// How long it takes to read and to evaluate PromQL. The store holds 10,000 series of 100 targets, 40 samples each, 15 s
// apart.
#include <benchmark/benchmark.h>

#include <memory>
#include <string>

#include "tocsin/rules/promql/engine.hpp"

namespace {

using namespace tocsin;
using namespace tocsin::rules::promql;

constexpr int targets = 100;
constexpr int series_each = 100;
constexpr int rows = 40;
constexpr core::Duration interval{15'000};
constexpr std::int64_t begin_ms = 1'700'000'000'000;

core::Labels labels_of(int target, int series) {
  return core::Labels{{"__name__", series < 50 ? "requests_total" : "limit"},
                      {"instance", "10.0.0." + std::to_string(target) + ":6379"},
                      {"job", "cache"},
                      {"shard", std::to_string(series % 50)},
                      {"system", target % 2 == 0 ? "sessions" : "queues"}};
}

std::unique_ptr<store::Store> make_store() {
  store::Limits limits;
  limits.retention = std::chrono::hours{1};
  auto made = std::make_unique<store::Store>(limits);
  for (int target = 0; target < targets; ++target) {
    const auto block = made->open_block(std::to_string(target));
    for (int row = 0; row < rows; ++row) {
      core::Batch batch;
      for (int series = 0; series < series_each; ++series) {
        const auto slot = static_cast<core::Slot>(series);
        if (row == 0) batch.fresh.push_back({slot, labels_of(target, series)});
        batch.rows.push_back({slot, series < 50 ? row * 10.0 + series : 1000.0});
      }
      made->append(block, core::from_millis(begin_ms) + row * interval, batch);
    }
  }
  return made;
}

const store::Store& shared_store() {
  static const std::unique_ptr<store::Store> made = make_store();
  return *made;
}

const std::string long_query =
    "sum by (namespace,datname,instance) (rate(xact_rollback{datname!~\"template.*|postgres\",datid!=\"0\"}[3m])) / "
    "(sum by (namespace,datname,instance) (rate(xact_rollback{datname!~\"template.*|postgres\",datid!=\"0\"}[3m])) + "
    "sum by (namespace,datname,instance) (rate(xact_commit{datname!~\"template.*|postgres\",datid!=\"0\"}[3m]))) > "
    "0.02";

void parse_long(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(parse(long_query));
}
BENCHMARK(parse_long);

void evaluate(benchmark::State& state, const std::string& query) {
  auto parsed = parse(query);
  Plan plan(*std::get<ExprPtr>(parsed));
  const store::View view = shared_store().live();
  const core::TimePoint at = core::from_millis(begin_ms) + (rows - 1) * interval;
  const EvalLimits limits;
  std::size_t results = 0;
  for (auto _ : state) {
    const auto value = plan.instant(view, at, limits);
    results = std::get<Vector>(std::get<Value>(value)).size();
  }
  state.counters["results"] = static_cast<double>(results);
}
// Nothing passes the filters: what is measured is the work, not the copying of results.
BENCHMARK_CAPTURE(evaluate, selector_10k, "{job=\"cache\"} < 0");
BENCHMARK_CAPTURE(evaluate, selector_5k, "requests_total < 0");
BENCHMARK_CAPTURE(evaluate, sum_by_instance, "sum by (instance) (requests_total)");
BENCHMARK_CAPTURE(evaluate, rate_5m, "rate(requests_total[5m]) < 0");
BENCHMARK_CAPTURE(evaluate, join_5k, "requests_total / limit > 1e9");
BENCHMARK_CAPTURE(evaluate, group_left, "requests_total * on (instance, shard) group_left (system) limit < 0");
BENCHMARK_CAPTURE(evaluate, and_5k, "requests_total > 1e9 and on (instance) limit > 0");
BENCHMARK_CAPTURE(evaluate, subquery, "max_over_time(sum by (system) (requests_total)[5m:15s])");
BENCHMARK_CAPTURE(evaluate, all_copied, "requests_total");

void first_evaluation(benchmark::State& state) {
  auto parsed = parse("requests_total / limit > 1e9");
  const store::View view = shared_store().live();
  const core::TimePoint at = core::from_millis(begin_ms) + (rows - 1) * interval;
  for (auto _ : state) {
    Plan plan(*std::get<ExprPtr>(parsed));
    benchmark::DoNotOptimize(plan.instant(view, at, EvalLimits{}));
  }
}
BENCHMARK(first_evaluation);

}  // namespace
