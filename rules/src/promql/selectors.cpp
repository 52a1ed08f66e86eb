#include "src/promql/selectors.hpp"

#include <algorithm>

namespace tocsin::rules::promql {

bool SeriesSet::refresh(Context& context) {
  const std::uint64_t generation = context.view.generation();
  const bool same_ids = epoch_ == context.table.epoch();
  if (same_ids && generation == generation_) return true;
  const std::vector<store::SeriesId> found = context.view.select(matchers_);
  std::vector<Entry> fresh;
  fresh.reserve(found.size());
  auto old = entries_.begin();
  for (const store::SeriesId series : found) {
    if (!context.tick()) return false;
    const core::Labels& labels = context.view.labels(series);
    // Both lists are sorted. A number that still stands for the same labels saves hashing them.
    if (same_ids) {
      while (old != entries_.end() && old->series < series) ++old;
      if (old != entries_.end() && old->series == series && context.table.at(old->labels) == labels) {
        fresh.push_back(*old);
        continue;
      }
    }
    fresh.push_back({series, context.table.intern(labels)});
  }
  entries_ = std::move(fresh);
  generation_ = generation;
  epoch_ = context.table.epoch();
  return true;
}

Millis TimeShift::resolve(const Context& context, Millis at) const {
  if (at_) {
    switch (at_->kind) {
      case AtModifier::Kind::timestamp:
        at = at_->millis;
        break;
      case AtModifier::Kind::start:
        at = context.start;
        break;
      case AtModifier::Kind::end:
        at = context.end;
        break;
    }
  }
  return at - offset_;
}

namespace {

class InstantSelector final : public Node {
 public:
  explicit InstantSelector(const VectorSelector& selector)
      : series_(selector.matchers), shift_(selector.offset, selector.at) {}

 private:
  bool run(Context& context, Millis at) override {
    if (!series_.refresh(context)) return false;
    const core::TimePoint when = core::from_millis(shift_.resolve(context, at));
    const std::size_t room = context.limits.max_samples;
    for (const SeriesSet::Entry& entry : series_.entries()) {
      if (!context.tick()) return false;
      const auto sample = context.view.latest(entry.series, when, context.limits.lookback);
      if (sample) points_.push_back({entry.labels, sample->value});
      if (points_.size() > room) return context.take(points_.size());
    }
    return true;
  }

  SeriesSet series_;
  TimeShift shift_;
};

class TimestampSelector final : public Node {
 public:
  explicit TimestampSelector(const VectorSelector& selector)
      : series_(selector.matchers), shift_(selector.offset, selector.at) {}

 private:
  bool run(Context& context, Millis at) override {
    if (!series_.refresh(context)) return false;
    const core::TimePoint when = core::from_millis(shift_.resolve(context, at));
    unique_.begin();
    for (const SeriesSet::Entry& entry : series_.entries()) {
      if (!context.tick()) return false;
      const auto sample = context.view.latest(entry.series, when, context.limits.lookback);
      if (!sample) continue;
      const LabelId labels = nameless_.of(context.table, entry.labels);
      if (!unique_.add(context, labels)) return false;
      points_.push_back({labels, core::to_seconds(sample->time)});
    }
    return true;
  }

  SeriesSet series_;
  TimeShift shift_;
  Nameless nameless_;
  UniqueLabels unique_;
};

class RangeSelector final : public RangeSource {
 public:
  explicit RangeSelector(const MatrixSelector& node)
      : series_(node.selector.matchers), shift_(node.selector.offset, node.selector.at), range_(node.range.count()) {}

  bool open(Context& context, Millis at) override {
    next_ = 0;
    end_ = shift_.resolve(context, at);
    start_ = end_ - range_;
    return series_.refresh(context);
  }

  Next next(Context& context, Window& window) override {
    const auto& entries = series_.entries();
    while (next_ < entries.size()) {
      const SeriesSet::Entry& entry = entries[next_++];
      buffer_.clear();
      context.view.read(entry.series, core::from_millis(start_), core::from_millis(end_), buffer_);
      if (!context.tick(1 + buffer_.size() / 8) || !context.has_room(buffer_.size())) return Next::failed;
      if (buffer_.empty()) continue;
      window = {entry.labels, buffer_};
      return Next::window;
    }
    return Next::done;
  }

  bool invariant() const override { return shift_.fixed(); }

 private:
  SeriesSet series_;
  TimeShift shift_;
  Millis range_;
  std::size_t next_ = 0;
  std::vector<core::Sample> buffer_;
};

class SubqueryRange final : public RangeSource {
 public:
  SubqueryRange(const Subquery& node, NodePtr inner)
      : inner_(std::move(inner)),
        shift_(node.offset, node.at),
        range_(node.range.count()),
        step_(node.step ? node.step->count() : 0) {}

  bool open(Context& context, Millis at) override {
    const Millis step = step_ != 0 ? step_ : std::max<Millis>(1, context.limits.default_subquery_step.count());
    end_ = shift_.resolve(context, at);
    start_ = end_ - range_;
    used_ = 0;
    next_ = 0;
    index_.begin();
    if (range_ / step > 0 && !context.may_step(static_cast<std::size_t>(range_ / step))) return false;
    // Steps stand at whole multiples, whatever the evaluation's time; the range is open on the left.
    Millis when = step * (start_ / step);
    if (when <= start_) when += step;
    for (; when <= end_; when += step) {
      const std::size_t before = context.used();
      if (!inner_->eval(context, when)) return false;
      context.release_to(before);
      if (!collect(context, when)) return false;
    }
    return true;
  }

  Next next(Context& context, Window& window) override {
    if (next_ == used_) return Next::done;
    const Series& series = series_[next_++];
    if (!context.tick(1 + series.samples.size() / 8)) return Next::failed;
    window = {series.labels, series.samples};
    return Next::window;
  }

  bool invariant() const override { return shift_.fixed(); }

 private:
  struct Series {
    LabelId labels = 0;
    std::vector<core::Sample> samples;
  };

  bool collect(Context& context, Millis when) {
    const auto points = inner_->points();
    if (!context.take(points.size())) return false;
    for (const Point& point : points) {
      if (!context.tick()) return false;
      const std::uint32_t* slot = index_.find(point.labels);
      const std::size_t at = slot != nullptr ? *slot : add(point.labels);
      series_[at].samples.push_back({core::from_millis(when), point.value});
    }
    return true;
  }

  std::size_t add(LabelId labels) {
    index_.insert(labels, static_cast<std::uint32_t>(used_));
    if (used_ == series_.size()) series_.emplace_back();
    series_[used_].labels = labels;
    series_[used_].samples.clear();
    return used_++;
  }

  NodePtr inner_;
  TimeShift shift_;
  Millis range_;
  Millis step_;
  IdIndex index_;
  std::vector<Series> series_;  // the first used_ are of this range; the rest keep their memory
  std::size_t used_ = 0;
  std::size_t next_ = 0;
};

}  // namespace

NodePtr make_instant_selector(const VectorSelector& selector) {
  auto node = std::make_shared<InstantSelector>(selector);
  if (selector.at) node->set_invariant();
  return node;
}

NodePtr make_timestamp_selector(const VectorSelector& selector) {
  auto node = std::make_shared<TimestampSelector>(selector);
  if (selector.at) node->set_invariant();
  return node;
}

RangePtr make_range_selector(const MatrixSelector& selector) { return std::make_unique<RangeSelector>(selector); }

RangePtr make_subquery(const Subquery& subquery, NodePtr inner) {
  return std::make_unique<SubqueryRange>(subquery, std::move(inner));
}

}  // namespace tocsin::rules::promql
