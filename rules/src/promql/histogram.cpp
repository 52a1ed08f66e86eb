// Quantiles and fractions of classic histograms: series of cumulative counts, told apart by `le`.
#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>

#include "src/promql/calls.hpp"
#include "tocsin/core/number.hpp"

namespace tocsin::rules::promql {
namespace {

constexpr double nan = std::numeric_limits<double>::quiet_NaN();
constexpr double infinity = std::numeric_limits<double>::infinity();

struct Bucket {
  double bound = 0;  // upper, inclusive
  double count = 0;  // of all observations up to it
};
using Buckets = std::vector<Bucket>;

/// Sorted, one of each bound, the last one +Inf; false if there is no such last one.
bool prepare(Buckets& buckets) {
  std::sort(buckets.begin(), buckets.end(), [](const Bucket& a, const Bucket& b) { return a.bound < b.bound; });
  if (buckets.empty() || buckets.back().bound != infinity) return false;
  std::size_t last = 0;
  for (std::size_t i = 1; i < buckets.size(); ++i) {
    if (buckets[i].bound == buckets[last].bound) {
      buckets[last].count += buckets[i].count;
    } else {
      buckets[++last] = buckets[i];
    }
  }
  buckets.resize(last + 1);
  return true;
}

bool nearly_equal(double a, double b) {
  if (a == b) return true;
  const double sum = std::fabs(a) + std::fabs(b);
  const double difference = std::fabs(a - b);
  constexpr double tolerance = 1e-12;
  if (a == 0 || b == 0 || sum < std::numeric_limits<double>::min()) {
    return difference < tolerance * std::numeric_limits<double>::min();
  }
  return difference / std::min(sum, std::numeric_limits<double>::max()) < tolerance;
}

/// Counts that were not read at the same moment, or summed in floats, may fall; they must not.
void make_monotonic(Buckets& buckets) {
  double before = buckets.front().count;
  for (Bucket& bucket : buckets) {
    if (bucket.count < before || nearly_equal(bucket.count, before)) {
      bucket.count = before;
    } else {
      before = bucket.count;
    }
  }
}

double quantile_of(double phi, Buckets& buckets) {
  if (std::isnan(phi)) return nan;
  if (phi < 0) return -infinity;
  if (phi > 1) return infinity;
  if (!prepare(buckets)) return nan;
  make_monotonic(buckets);
  if (buckets.size() < 2 || buckets.back().count == 0 || std::isnan(buckets.back().count)) return nan;
  double rank = phi * buckets.back().count;
  const auto found =
      std::find_if(buckets.begin(), buckets.end() - 1, [rank](const Bucket& b) { return b.count >= rank; });
  if (found == buckets.end() - 1) return (found - 1)->bound;
  if (found == buckets.begin() && found->bound <= 0) return found->bound;
  double begin = 0;
  double count = found->count;
  if (found != buckets.begin()) {
    begin = (found - 1)->bound;
    count -= (found - 1)->count;
    rank -= (found - 1)->count;
  }
  return begin + (found->bound - begin) * (rank / count);
}

/// How many observations lie below a value, taking those of one bucket for evenly spread.
double rank_of(double value, const Buckets& buckets) {
  double below = 0;
  double begin = -infinity;
  for (const Bucket& bucket : buckets) {
    if (begin >= value) return below;
    if (bucket.bound > value) {
      const double low = std::isinf(begin) && bucket.bound > 0 ? 0 : begin;
      if (std::isinf(low)) return bucket.count;  // all of the lowest bucket stand at its bound
      if (value <= low) return below;
      if (std::isinf(bucket.bound)) return below;  // and all of the highest at its lower bound
      return below + (bucket.count - below) * (value - low) / (bucket.bound - low);
    }
    below = bucket.count;
    begin = bucket.bound;
  }
  return below;
}

double fraction_of(double lower, double upper, Buckets& buckets) {
  if (!prepare(buckets)) return nan;
  make_monotonic(buckets);
  const double all = buckets.back().count;
  if (all == 0 || std::isnan(lower) || std::isnan(upper)) return nan;
  if (lower >= upper) return 0;
  const double low = lower == -infinity ? 0 : rank_of(lower, buckets);
  const double high = upper == infinity ? all : rank_of(upper, buckets);
  return (std::min(high, all) - std::min(low, all)) / all;
}

std::optional<double> parse_bound(std::string_view text) {
  if (text == "+Inf" || text == "Inf" || text == "inf" || text == "+inf") return infinity;
  if (text == "-Inf" || text == "-inf") return -infinity;
  if (text.starts_with('+')) text.remove_prefix(1);
  return core::parse_number<double>(text);
}

/// Sorts a vector's samples into histograms and computes one number of each.
class Histogram : public Node {
 public:
  Histogram(NodePtr first, NodePtr second, NodePtr vector)
      : first_(std::move(first)), second_(std::move(second)), vector_(std::move(vector)) {
    if (first_->invariant() && second_->invariant() && vector_->invariant()) set_invariant();
  }

 protected:
  [[nodiscard]] virtual double compute(double first, double second, Buckets& buckets) const = 0;

 private:
  struct Place {
    LabelId group = 0;
    std::optional<double> bound;
  };

  bool run(Context& context, Millis at) final {
    if (!first_->eval(context, at) || !second_->eval(context, at) || !vector_->eval(context, at)) return false;
    index_.begin();
    used_ = 0;
    static const std::vector<std::string> le{"le"};
    for (const Point& point : vector_->points()) {
      if (!context.tick()) return false;
      const Place place = places_.get(context.table, point.labels, [&context](LabelId id) {
        const core::Labels labels = context.table.at(id);
        return Place{context.table.intern(drop_labels(labels, le)), parse_bound(labels.get("le"))};
      });
      if (place.bound) group(place.group).push_back({*place.bound, point.value});
    }
    for (std::size_t i = 0; i < used_; ++i) {
      if (!context.tick(groups_[i].second.size())) return false;
      points_.push_back({groups_[i].first, compute(first_->scalar(), second_->scalar(), groups_[i].second)});
    }
    return true;
  }

  Buckets& group(LabelId id) {
    if (const std::uint32_t* slot = index_.find(id)) return groups_[*slot].second;
    index_.insert(id, static_cast<std::uint32_t>(used_));
    if (used_ == groups_.size()) groups_.emplace_back();
    groups_[used_].first = id;
    groups_[used_].second.clear();
    return groups_[used_++].second;
  }

  NodePtr first_;
  NodePtr second_;
  NodePtr vector_;
  IdCache<Place> places_;
  IdIndex index_;
  std::vector<std::pair<LabelId, Buckets>> groups_;
  std::size_t used_ = 0;
};

class HistogramQuantile final : public Histogram {
 public:
  using Histogram::Histogram;

 private:
  double compute(double phi, double, Buckets& buckets) const override { return quantile_of(phi, buckets); }
};

class HistogramFraction final : public Histogram {
 public:
  using Histogram::Histogram;

 private:
  double compute(double lower, double upper, Buckets& buckets) const override {
    return fraction_of(lower, upper, buckets);
  }
};

}  // namespace

NodePtr make_histogram_quantile(NodePtr phi, NodePtr vector) {
  return std::make_shared<HistogramQuantile>(phi, phi, std::move(vector));
}

NodePtr make_histogram_fraction(NodePtr lower, NodePtr upper, NodePtr vector) {
  return std::make_shared<HistogramFraction>(std::move(lower), std::move(upper), std::move(vector));
}

}  // namespace tocsin::rules::promql
