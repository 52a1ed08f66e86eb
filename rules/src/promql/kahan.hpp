// Sums that do not lose small numbers beside large ones (Kahan's summation as Neumaier improved it), as Prometheus
// sums.
#pragma once

#include <cmath>

namespace tocsin::rules::promql {

struct Kahan {
  double sum = 0;
  double rest = 0;

  void add(double value) {
    const double next = sum + value;
    if (std::isinf(next)) {
      rest = 0;
    } else if (std::fabs(sum) >= std::fabs(value)) {
      rest += (sum - next) + value;
    } else {
      rest += (value - next) + sum;
    }
    sum = next;
  }
  [[nodiscard]] double total() const { return sum + rest; }
};

/// An average: of the sum as long as that fits a double, then by a moving mean.
class Mean {
 public:
  void add(double value) {
    count_ += 1;
    if (!moving_) {
      Kahan next = state_;
      next.add(value);
      if (count_ == 1 || !std::isinf(next.sum)) {
        state_ = next;
        return;
      }
      moving_ = true;
      state_.sum /= count_ - 1;
      state_.rest /= count_ - 1;
    }
    const double share = (count_ - 1) / count_;
    state_.sum *= share;
    state_.rest *= share;
    state_.add(value / count_);
  }
  [[nodiscard]] double value() const { return moving_ ? state_.total() : state_.sum / count_ + state_.rest / count_; }

 private:
  Kahan state_;
  double count_ = 0;
  bool moving_ = false;
};

/// Welford's variance of a population.
class Variance {
 public:
  void add(double value) {
    count_ += 1;
    const double delta = value - mean_.total();
    mean_.add(delta / count_);
    squares_.add(delta * (value - mean_.total()));
  }
  [[nodiscard]] double value() const { return squares_.total() / count_; }

 private:
  double count_ = 0;
  Kahan mean_;
  Kahan squares_;
};

}  // namespace tocsin::rules::promql
