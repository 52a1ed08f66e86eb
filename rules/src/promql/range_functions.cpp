#include "src/promql/range_functions.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "src/promql/kahan.hpp"

namespace tocsin::rules::promql {
namespace {

constexpr double nan = std::numeric_limits<double>::quiet_NaN();
constexpr double infinity = std::numeric_limits<double>::infinity();

Millis time_of(const core::Sample& sample) { return core::to_millis(sample.time); }
double seconds(Millis millis) { return static_cast<double>(millis) / 1000.0; }

/// The change over the range, as if the samples reached its ends: to each end by as much as the samples' distance makes
/// likely, and a counter never to below zero.
std::optional<double> extrapolated(const RangeInput& in, bool counter, bool per_second) {
  const auto samples = in.samples;
  if (samples.size() < 2) return std::nullopt;
  const core::Sample& first = samples.front();
  const core::Sample& last = samples.back();
  double change = last.value - first.value;
  if (counter) {
    double before = first.value;
    for (const core::Sample& sample : samples.subspan(1)) {
      if (sample.value < before) change += before;
      before = sample.value;
    }
  }
  const double sampled = seconds(time_of(last) - time_of(first));
  const double distance = sampled / static_cast<double>(samples.size() - 1);
  double to_start = seconds(time_of(first) - in.start);
  double to_end = seconds(in.end - time_of(last));
  const double threshold = distance * 1.1;
  if (to_start >= threshold) to_start = distance / 2;
  if (counter) {
    double to_zero = to_start;
    if (change > 0 && first.value >= 0) to_zero = sampled * (first.value / change);
    to_start = std::min(to_start, to_zero);
  }
  if (to_end >= threshold) to_end = distance / 2;
  double factor = (sampled + to_start + to_end) / sampled;
  if (per_second) factor /= seconds(in.end - in.start);
  return change * factor;
}

std::optional<double> rate(const RangeInput& in) { return extrapolated(in, true, true); }
std::optional<double> increase(const RangeInput& in) { return extrapolated(in, true, false); }
std::optional<double> delta(const RangeInput& in) { return extrapolated(in, false, false); }

std::optional<double> last_step(const RangeInput& in, bool per_second) {
  if (in.samples.size() < 2) return std::nullopt;
  const core::Sample& before = in.samples[in.samples.size() - 2];
  const core::Sample& last = in.samples.back();
  const bool reset = per_second && last.value < before.value;
  const double change = reset ? last.value : last.value - before.value;
  const Millis distance = time_of(last) - time_of(before);
  if (distance == 0) return std::nullopt;
  return per_second ? change / seconds(distance) : change;
}
std::optional<double> irate(const RangeInput& in) { return last_step(in, true); }
std::optional<double> idelta(const RangeInput& in) { return last_step(in, false); }

std::optional<double> changes(const RangeInput& in) {
  double count = 0;
  double before = in.samples.front().value;
  for (const core::Sample& sample : in.samples.subspan(1)) {
    if (sample.value != before && !(std::isnan(sample.value) && std::isnan(before))) count += 1;
    before = sample.value;
  }
  return count;
}

std::optional<double> resets(const RangeInput& in) {
  double count = 0;
  double before = in.samples.front().value;
  for (const core::Sample& sample : in.samples.subspan(1)) {
    if (sample.value < before) count += 1;
    before = sample.value;
  }
  return count;
}

struct Line {
  double slope;
  double at_origin;
};
/// Least squares; the origin of x is a time in milliseconds.
Line regression(std::span<const core::Sample> samples, Millis origin) {
  Kahan x_sum, y_sum, xy_sum, xx_sum;
  const double first = samples.front().value;
  bool constant = true;
  for (const core::Sample& sample : samples) {
    if (sample.value != first) constant = false;
    const double x = seconds(time_of(sample) - origin);
    x_sum.add(x);
    y_sum.add(sample.value);
    xy_sum.add(x * sample.value);
    xx_sum.add(x * x);
  }
  if (constant) return std::isinf(first) ? Line{nan, nan} : Line{0, first};
  const double n = static_cast<double>(samples.size());
  const double covariance = xy_sum.total() - x_sum.total() * y_sum.total() / n;
  const double variance = xx_sum.total() - x_sum.total() * x_sum.total() / n;
  const double slope = covariance / variance;
  return {slope, y_sum.total() / n - slope * x_sum.total() / n};
}

std::optional<double> deriv(const RangeInput& in) {
  if (in.samples.size() < 2) return std::nullopt;
  return regression(in.samples, time_of(in.samples.front())).slope;
}

std::optional<double> predict_linear(const RangeInput& in) {
  if (in.samples.size() < 2) return std::nullopt;
  const Line line = regression(in.samples, in.at);
  return line.slope * in.parameter + line.at_origin;
}

std::optional<double> sum_over_time(const RangeInput& in) {
  Kahan sum;
  for (const core::Sample& sample : in.samples) sum.add(sample.value);
  return sum.total();
}
std::optional<double> avg_over_time(const RangeInput& in) {
  Mean mean;
  for (const core::Sample& sample : in.samples) mean.add(sample.value);
  return mean.value();
}
double variance(const RangeInput& in) {
  Variance all;
  for (const core::Sample& sample : in.samples) all.add(sample.value);
  return all.value();
}
std::optional<double> stdvar_over_time(const RangeInput& in) { return variance(in); }
std::optional<double> stddev_over_time(const RangeInput& in) { return std::sqrt(variance(in)); }

std::optional<double> max_over_time(const RangeInput& in) {
  double best = in.samples.front().value;
  for (const core::Sample& sample : in.samples) {
    if (sample.value > best || std::isnan(best)) best = sample.value;
  }
  return best;
}
std::optional<double> min_over_time(const RangeInput& in) {
  double best = in.samples.front().value;
  for (const core::Sample& sample : in.samples) {
    if (sample.value < best || std::isnan(best)) best = sample.value;
  }
  return best;
}
std::optional<double> count_over_time(const RangeInput& in) { return static_cast<double>(in.samples.size()); }
std::optional<double> first_over_time(const RangeInput& in) { return in.samples.front().value; }
std::optional<double> last_over_time(const RangeInput& in) { return in.samples.back().value; }
std::optional<double> present_over_time(const RangeInput&) { return 1; }

std::optional<double> quantile_over_time(const RangeInput& in) {
  in.scratch->clear();
  for (const core::Sample& sample : in.samples) in.scratch->push_back(sample.value);
  return quantile(in.parameter, *in.scratch);
}

constexpr std::array<std::pair<std::string_view, RangeFunction>, 20> functions{{
    {"rate", rate},
    {"increase", increase},
    {"delta", delta},
    {"irate", irate},
    {"idelta", idelta},
    {"changes", changes},
    {"resets", resets},
    {"deriv", deriv},
    {"predict_linear", predict_linear},
    {"sum_over_time", sum_over_time},
    {"avg_over_time", avg_over_time},
    {"stdvar_over_time", stdvar_over_time},
    {"stddev_over_time", stddev_over_time},
    {"max_over_time", max_over_time},
    {"min_over_time", min_over_time},
    {"count_over_time", count_over_time},
    {"first_over_time", first_over_time},
    {"last_over_time", last_over_time},
    {"present_over_time", present_over_time},
    {"quantile_over_time", quantile_over_time},
}};

class RangeCall final : public Node {
 public:
  RangeCall(RangeFunction function, bool keep_name, RangePtr source, NodePtr parameter)
      : function_(function), keep_name_(keep_name), source_(std::move(source)), parameter_(std::move(parameter)) {
    if (source_->invariant() && (!parameter_ || parameter_->invariant()) && function_ != predict_linear)
      set_invariant();
  }

 private:
  bool run(Context& context, Millis at) override {
    if (parameter_ && !parameter_->eval(context, at)) return false;
    if (!source_->open(context, at)) return false;
    unique_.begin();
    RangeInput input;
    input.start = source_->start();
    input.end = source_->end();
    input.at = at;
    input.parameter = parameter_ ? parameter_->scalar() : 0;
    input.scratch = &scratch_;
    Window window;
    for (;;) {
      const auto next = source_->next(context, window);
      if (next == RangeSource::Next::failed) return false;
      if (next == RangeSource::Next::done) return true;
      input.samples = window.samples;
      const auto value = function_(input);
      if (!value) continue;
      const LabelId labels = output(context, window.labels);
      if (!unique_.add(context, labels) || !context.has_room(points_.size())) return false;
      points_.push_back({labels, *value});
    }
  }

  LabelId output(Context& context, LabelId labels) {
    if (keep_name_) return labels;
    return nameless_.of(context.table, labels);
  }

  RangeFunction function_;
  bool keep_name_;
  RangePtr source_;
  NodePtr parameter_;
  Nameless nameless_;
  UniqueLabels unique_;
  std::vector<double> scratch_;
};

class AbsentOverTime final : public Node {
 public:
  AbsentOverTime(RangePtr source, core::Labels labels) : source_(std::move(source)), labels_(std::move(labels)) {}

 private:
  bool run(Context& context, Millis at) override {
    if (!source_->open(context, at)) return false;
    Window window;
    const auto next = source_->next(context, window);
    if (next == RangeSource::Next::failed) return false;
    if (next == RangeSource::Next::done) points_.push_back({context.table.intern(labels_), 1});
    return true;
  }

  RangePtr source_;
  core::Labels labels_;
};

}  // namespace

double quantile(double phi, std::vector<double>& values) {
  if (values.empty() || std::isnan(phi)) return nan;
  if (phi < 0) return -infinity;
  if (phi > 1) return infinity;
  // NaN counts as the smallest value.
  std::sort(values.begin(), values.end(), [](double a, double b) { return std::isnan(a) ? !std::isnan(b) : a < b; });
  const double n = static_cast<double>(values.size());
  const double rank = phi * (n - 1);
  const double below = std::max(0.0, std::floor(rank));
  const double above = std::min(n - 1, below + 1);
  const double weight = rank - std::floor(rank);
  return values[static_cast<std::size_t>(below)] * (1 - weight) + values[static_cast<std::size_t>(above)] * weight;
}

RangeFunction find_range_function(std::string_view name) {
  for (const auto& [known, function] : functions) {
    if (known == name) return function;
  }
  return nullptr;
}

NodePtr make_range_call(std::string_view name, RangePtr source, NodePtr parameter) {
  const bool keep_name = name == "last_over_time" || name == "first_over_time";
  return std::make_shared<RangeCall>(find_range_function(name), keep_name, std::move(source), std::move(parameter));
}

NodePtr make_absent_over_time(RangePtr source, core::Labels labels) {
  return std::make_shared<AbsentOverTime>(std::move(source), std::move(labels));
}

}  // namespace tocsin::rules::promql
