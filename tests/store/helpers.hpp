// Short words for what the store's tests say over and over.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "tocsin/store/store.hpp"

namespace tocsin::store::test {

using core::from_millis;
using core::Labels;
using core::Matcher;
using core::Row;
using core::Sample;
using core::TimePoint;
using std::chrono::minutes;
using std::chrono::seconds;

inline TimePoint at(double seconds_since_start) {
  return from_millis(1'700'000'000'000 + static_cast<std::int64_t>(seconds_since_start * 1000));
}
inline Labels named(const std::string& name, const std::string& instance = "a:1") {
  return Labels{{"__name__", name}, {"instance", instance}, {"job", "cache"}};
}
inline Matcher equal(std::string name, std::string value) {
  return {Matcher::Kind::equal, std::move(name), std::move(value)};
}
inline core::Batch batch(std::vector<core::NewSeries> fresh, std::vector<Row> rows) {
  return {std::move(fresh), std::move(rows)};
}
inline std::vector<SeriesId> select(const View& view, const std::vector<Matcher>& matchers) {
  return view.select(matchers);
}
/// The only series of that metric name.
inline SeriesId only(const View& view, const std::string& name) {
  const auto found = select(view, {equal("__name__", name)});
  EXPECT_EQ(found.size(), 1U) << name;
  return found.empty() ? 0xffffffff : found.front();
}
/// All samples of a series in (after, until] as "seconds=value" words.
inline std::string text(const View& view, SeriesId series, double after = -1e6, double until = 1e6) {
  std::vector<Sample> samples;
  view.read(series, at(after), at(until), samples);
  std::string out;
  for (const auto& sample : samples) {
    const auto time = core::to_seconds(sample.time - at(0));
    out += (out.empty() ? "" : " ") + std::to_string(static_cast<std::int64_t>(time)) + "=";
    auto value = std::to_string(sample.value);
    value.erase(value.find_last_not_of('0') + 1);
    if (value.back() == '.') value.pop_back();
    out += value;
  }
  return out;
}
inline std::string latest(const View& view, SeriesId series, double time, seconds lookback = minutes(5)) {
  const auto sample = view.latest(series, at(time), lookback);
  if (!sample) return "none";
  return std::to_string(static_cast<std::int64_t>(core::to_seconds(sample->time - at(0)))) + "=" +
         std::to_string(static_cast<std::int64_t>(sample->value));
}

}  // namespace tocsin::store::test
