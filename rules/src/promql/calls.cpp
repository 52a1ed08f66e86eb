#include "src/promql/calls.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <limits>
#include <numbers>

namespace tocsin::rules::promql {
namespace {

using Parameters = std::span<const double>;
using MapFunction = double (*)(double value, Parameters parameters);

constexpr double nan = std::numeric_limits<double>::quiet_NaN();

// As Go's math.Max and math.Min: NaN wins over all but the infinity looked for.
double larger(double a, double b) {
  if ((std::isinf(a) && a > 0) || (std::isinf(b) && b > 0)) return std::numeric_limits<double>::infinity();
  if (std::isnan(a) || std::isnan(b)) return nan;
  return std::max(a, b);
}
double smaller(double a, double b) { return -larger(-a, -b); }

double round_to(double value, Parameters p) {
  // Multiplying by the inverse keeps 0.1 from becoming 0.1000000001.
  const double inverse = 1.0 / (p.empty() ? 1.0 : p[0]);
  return std::floor(value * inverse + 0.5) / inverse;
}

double sign(double value, Parameters) {
  if (value < 0) return -1;
  return value > 0 ? 1 : value;
}

template <double (*function)(double)>
double plain(double value, Parameters) {
  return function(value);
}

// Dates: of seconds since the epoch, UTC, fractions cut.
struct Date {
  std::chrono::year_month_day day;
  std::chrono::sys_days days;
  int hour = 0;
  int minute = 0;
};
Date date_of(double value) {
  // The calendar of std::chrono ends with the year 32767.
  constexpr double limit = 32000.0 * 365.25 * 86400;
  const double bounded = std::isnan(value) ? 0 : std::clamp(value, -limit, limit);
  const std::chrono::sys_seconds at{std::chrono::seconds{static_cast<std::int64_t>(bounded)}};
  const auto days = std::chrono::floor<std::chrono::days>(at);
  const auto within = static_cast<int>((at - days).count());
  return {std::chrono::year_month_day(days), days, within / 3600, within % 3600 / 60};
}
double year(double value, Parameters) { return static_cast<int>(date_of(value).day.year()); }
double month(double value, Parameters) { return static_cast<unsigned>(date_of(value).day.month()); }
double day_of_month(double value, Parameters) { return static_cast<unsigned>(date_of(value).day.day()); }
double day_of_week(double value, Parameters) { return std::chrono::weekday(date_of(value).days).c_encoding(); }
double day_of_year(double value, Parameters) {
  const Date date = date_of(value);
  const std::chrono::sys_days first{date.day.year() / std::chrono::January / 1};
  return static_cast<double>((date.days - first).count() + 1);
}
double days_in_month(double value, Parameters) {
  const Date date = date_of(value);
  const std::chrono::year_month_day_last last = date.day.year() / date.day.month() / std::chrono::last;
  return static_cast<unsigned>(last.day());
}
double hour(double value, Parameters) { return date_of(value).hour; }
double minute(double value, Parameters) { return date_of(value).minute; }

struct Entry {
  std::string_view name;
  MapFunction function;
};
constexpr std::array functions{
    Entry{"abs", plain<std::fabs>},
    Entry{"acos", plain<std::acos>},
    Entry{"acosh", plain<std::acosh>},
    Entry{"asin", plain<std::asin>},
    Entry{"asinh", plain<std::asinh>},
    Entry{"atan", plain<std::atan>},
    Entry{"atanh", plain<std::atanh>},
    Entry{"ceil", plain<std::ceil>},
    Entry{"clamp", [](double v, Parameters p) { return larger(p[0], smaller(p[1], v)); }},
    Entry{"clamp_max", [](double v, Parameters p) { return smaller(p[0], v); }},
    Entry{"clamp_min", [](double v, Parameters p) { return larger(p[0], v); }},
    Entry{"cos", plain<std::cos>},
    Entry{"cosh", plain<std::cosh>},
    Entry{"day_of_month", day_of_month},
    Entry{"day_of_week", day_of_week},
    Entry{"day_of_year", day_of_year},
    Entry{"days_in_month", days_in_month},
    Entry{"deg", [](double v, Parameters) { return v * 180 / std::numbers::pi; }},
    Entry{"exp", plain<std::exp>},
    Entry{"floor", plain<std::floor>},
    Entry{"hour", hour},
    Entry{"ln", plain<std::log>},
    Entry{"log10", plain<std::log10>},
    Entry{"log2", plain<std::log2>},
    Entry{"minute", minute},
    Entry{"month", month},
    Entry{"rad", [](double v, Parameters) { return v * std::numbers::pi / 180; }},
    Entry{"round", round_to},
    Entry{"sgn", sign},
    Entry{"sin", plain<std::sin>},
    Entry{"sinh", plain<std::sinh>},
    Entry{"sqrt", plain<std::sqrt>},
    Entry{"tan", plain<std::tan>},
    Entry{"tanh", plain<std::tanh>},
    Entry{"year", year},
};

class Map final : public Node {
 public:
  Map(MapFunction function, bool clamps, NodePtr vector, std::vector<NodePtr> parameters)
      : function_(function), clamps_(clamps), vector_(std::move(vector)), parameters_(std::move(parameters)) {
    const bool fixed =
        std::all_of(parameters_.begin(), parameters_.end(), [](const NodePtr& p) { return p->invariant(); });
    if (vector_->invariant() && fixed) set_invariant();
  }

 private:
  bool run(Context& context, Millis at) override {
    if (!vector_->eval(context, at)) return false;
    values_.clear();
    for (const NodePtr& parameter : parameters_) {
      if (!parameter->eval(context, at)) return false;
      values_.push_back(parameter->scalar());
    }
    if (clamps_ && values_[1] < values_[0]) return true;
    unique_.begin();
    for (const Point& point : vector_->points()) {
      if (!context.tick()) return false;
      const LabelId labels = nameless_.of(context.table, point.labels);
      if (!unique_.add(context, labels)) return false;
      points_.push_back({labels, function_(point.value, values_)});
    }
    return true;
  }

  MapFunction function_;
  bool clamps_;
  NodePtr vector_;
  std::vector<NodePtr> parameters_;
  std::vector<double> values_;
  Nameless nameless_;
  UniqueLabels unique_;
};

class TimestampOf final : public Node {
 public:
  explicit TimestampOf(NodePtr vector) : vector_(std::move(vector)) {}

 private:
  bool run(Context& context, Millis at) override {
    if (!vector_->eval(context, at)) return false;
    unique_.begin();
    for (const Point& point : vector_->points()) {
      if (!context.tick()) return false;
      const LabelId labels = nameless_.of(context.table, point.labels);
      if (!unique_.add(context, labels)) return false;
      points_.push_back({labels, static_cast<double>(at) / 1000.0});
    }
    return true;
  }

  NodePtr vector_;
  Nameless nameless_;
  UniqueLabels unique_;
};

class Sort final : public Node {
 public:
  Sort(NodePtr vector, bool descending) : vector_(std::move(vector)), descending_(descending) {
    if (vector_->invariant()) set_invariant();
  }

 private:
  bool run(Context& context, Millis at) override {
    if (!vector_->eval(context, at)) return false;
    points_.assign(vector_->points().begin(), vector_->points().end());
    // NaN comes last in either order.
    std::stable_sort(points_.begin(), points_.end(), [this](const Point& a, const Point& b) {
      if (std::isnan(a.value) || std::isnan(b.value)) return !std::isnan(a.value) && std::isnan(b.value);
      return descending_ ? a.value > b.value : a.value < b.value;
    });
    return context.tick(points_.size());
  }

  NodePtr vector_;
  bool descending_;
};

class Absent final : public Node {
 public:
  Absent(NodePtr vector, core::Labels labels) : vector_(std::move(vector)), labels_(std::move(labels)) {
    if (vector_->invariant()) set_invariant();
  }

 private:
  bool run(Context& context, Millis at) override {
    if (!vector_->eval(context, at)) return false;
    if (vector_->points().empty()) points_.push_back({context.table.intern(labels_), 1});
    return true;
  }

  NodePtr vector_;
  core::Labels labels_;
};

class Nothing final : public Node {
 public:
  explicit Nothing(NodePtr vector) : vector_(std::move(vector)) {}

 private:
  bool run(Context& context, Millis at) override { return vector_->eval(context, at); }
  NodePtr vector_;
};

}  // namespace

NodePtr make_map_call(std::string_view name, NodePtr vector, std::vector<NodePtr> parameters) {
  for (const Entry& entry : functions) {
    if (entry.name != name) continue;
    return std::make_shared<Map>(entry.function, name == "clamp", std::move(vector), std::move(parameters));
  }
  return nullptr;
}

NodePtr make_vector_negation(NodePtr vector) {
  const MapFunction negate = [](double v, Parameters) { return -v; };
  return std::make_shared<Map>(negate, false, std::move(vector), std::vector<NodePtr>{});
}

NodePtr make_timestamp_of(NodePtr vector) { return std::make_shared<TimestampOf>(std::move(vector)); }
NodePtr make_sort(NodePtr vector, bool descending) { return std::make_shared<Sort>(std::move(vector), descending); }
NodePtr make_absent(NodePtr vector, core::Labels labels) {
  return std::make_shared<Absent>(std::move(vector), std::move(labels));
}
NodePtr make_nothing(NodePtr vector) { return std::make_shared<Nothing>(std::move(vector)); }

}  // namespace tocsin::rules::promql
