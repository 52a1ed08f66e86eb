// What a promise costs, and what a start does: real files, real fsyncs.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <filesystem>
#include <future>
#include <memory>
#include <string>
#include <vector>

#include "tocsin/state/state.hpp"

namespace {

using tocsin::core::AlertChange;
using tocsin::core::from_millis;
using tocsin::core::Labels;
using tocsin::state::Ledger;
using tocsin::state::Promise;
using tocsin::state::State;
using Clock = std::chrono::steady_clock;

/// Where the database lies matters: give a folder on the disk in question by TMPDIR.
class Folder {
 public:
  Folder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "tocsin-bench-XXXXXX").string();
    path_ = ::mkdtemp(pattern.data());
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;
};

AlertChange change(std::uint64_t number) {
  AlertChange made;
  made.kind = AlertChange::Kind::firing;
  made.number = number;
  made.at = from_millis(1'700'000'000'000 + static_cast<std::int64_t>(number));
  made.alert.labels = Labels{{"alertname", "RedisMemoryHigh"},
                             {"instance", "cache-" + std::to_string(number % 20'000) + ":6379"},
                             {"job", "cache"},
                             {"severity", "warning"}};
  made.alert.annotations = Labels{{"summary", "Redis uses 91% of its memory"}, {"description", "more words about it"}};
  made.alert.expression = "redis:memory_used:ratio > 0.9";
  made.alert.rule = "RedisMemoryHigh";
  made.alert.group = "redis.yml;redis";
  return made;
}

Promise promise_of(std::uint64_t first, std::size_t count) {
  Promise promise;
  promise.receivers = {"http://am-1:9093", "http://am-2:9093"};
  for (std::uint64_t number = first; number < first + count; ++number) {
    promise.owed.push_back(change(number));
    promise.memories.push_back({"alert/" + std::to_string(number % 20'000), std::string(200, 'm')});
    tocsin::core::HistoryRecord record;
    record.at = promise.owed.back().at;
    record.event = "firing";
    record.subject = "RedisMemoryHigh";
    record.labels = promise.owed.back().alert.labels;
    promise.history.push_back(std::move(record));
  }
  return promise;
}

void wait_for(Ledger& ledger, Promise promise) {
  std::promise<void> done;
  ledger.promise(std::move(promise), [&done](const std::optional<std::string>&) { done.set_value(); });
  done.get_future().wait();
}

/// From the promise to its receipt, one after the other: the wait between a change and its POST.
void promise_to_receipt(benchmark::State& state) {
  const Folder folder;
  const auto opened = State::open(folder.path()).value();
  std::vector<double> micros;
  std::uint64_t number = 1;
  for (auto _ : state) {
    const auto begun = Clock::now();
    wait_for(opened->ledger(), promise_of(number++, static_cast<std::size_t>(state.range(0))));
    micros.push_back(std::chrono::duration<double, std::micro>(Clock::now() - begun).count());
  }
  std::sort(micros.begin(), micros.end());
  state.counters["p50_us"] = micros[micros.size() / 2];
  state.counters["p99_us"] = micros[micros.size() * 99 / 100];
}
BENCHMARK(promise_to_receipt)->Arg(1)->Arg(100)->Unit(benchmark::kMicrosecond)->MinTime(2)->UseRealTime();

/// Many that do not wait for one another: what group commit makes of it.
void promises_a_second(benchmark::State& state) {
  const Folder folder;
  const auto opened = State::open(folder.path()).value();
  std::uint64_t number = 1;
  for (auto _ : state) {
    std::atomic<int> open = 1'000;
    std::promise<void> done;
    for (int i = 0; i < 1'000; ++i) {
      opened->ledger().promise(promise_of(number++, 1), [&](const std::optional<std::string>&) {
        if (--open == 0) done.set_value();
      });
    }
    done.get_future().wait();
  }
  state.SetItemsProcessed(state.iterations() * 1'000);
}
BENCHMARK(promises_a_second)->Unit(benchmark::kMillisecond)->MinTime(2)->UseRealTime();

/// What the judge pays: handing it over.
void hand_over(benchmark::State& state) {
  const Folder folder;
  const auto opened = State::open(folder.path()).value();
  std::uint64_t number = 1;
  for (auto _ : state) {
    state.PauseTiming();
    Promise promise = promise_of(number, 1);
    if (++number % 1'000 == 0) wait_for(opened->ledger(), promise_of(number, 1));
    state.ResumeTiming();
    opened->ledger().promise(std::move(promise), {});
  }
}
BENCHMARK(hand_over)->Iterations(20'000);

/// A start with so many memories, half as much that is owed, and as much history.
void start(benchmark::State& state) {
  const Folder folder;
  const auto rows = static_cast<std::uint64_t>(state.range(0));
  {
    const auto opened = State::open(folder.path()).value();
    for (std::uint64_t at = 1; at <= rows; at += 10'000) {
      Promise promise = promise_of(at, 10'000);
      for (std::size_t i = 0; i < promise.memories.size(); ++i)
        promise.memories[i].key = "alert/" + std::to_string(at + i);
      promise.owed.resize(2'500);
      wait_for(opened->ledger(), std::move(promise));
    }
  }
  std::size_t found = 0;
  for (auto _ : state) {
    auto opened = State::open(folder.path()).value();
    found = opened->ledger().take_recalled().memories.size();
    state.PauseTiming();
    opened.reset();
    state.ResumeTiming();
  }
  state.counters["memories"] = static_cast<double>(found);
}
BENCHMARK(start)->Arg(10'000)->Arg(100'000)->Unit(benchmark::kMillisecond)->UseRealTime();

}  // namespace
