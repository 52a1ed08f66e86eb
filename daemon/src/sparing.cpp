#include "src/sparing.hpp"

#include <algorithm>
#include <utility>

namespace tocsin::daemon {
namespace {

/// A service that sleeps is asked every so many times of what it takes to fall asleep.
constexpr int sleep_factor = 4;

class SparingProber final : public probes::Prober {
 public:
  SparingProber(std::unique_ptr<probes::Prober> inner, std::uint32_t target, SparingOptions options)
      : inner_(std::move(inner)), target_(target), options_(options), sparing_(std::move(options), target) {
    if (options_.budget) options_.budget->join(target_);
  }
  ~SparingProber() override {
    if (options_.budget) options_.budget->leave(target_);
  }
  SparingProber(const SparingProber&) = delete;
  SparingProber& operator=(const SparingProber&) = delete;

  net::Task<core::Observation> probe(probes::ProbeStart start) override {
    if (!sparing_.due(start.at, start.confirming)) co_return repeat(start.at);
    if (options_.sleeps_after) {
      start.fresh = true;
      if (sparing_.may_sleep(start.at)) {
        start.deadline = std::max(start.deadline, std::chrono::steady_clock::now() + options_.cold_start);
      }
    }
    core::Observation observation = co_await inner_->probe(start);
    if (options_.sleeps_after) inner_->close();
    sparing_.asked(start.at, std::max(observation.cost, 1U));
    keep(observation);
    co_return observation;
  }
  void stop_watching() override { inner_->stop_watching(); }
  void close() override { inner_->close(); }

 private:
  /// The last state, as of another time.
  core::Observation repeat(core::TimePoint at) {
    if (!kept_) {  // nothing is known, and nothing may be asked
      core::Observation nothing;
      nothing.target = target_;
      nothing.at = at;
      nothing.outcome = core::Outcome::limit;
      nothing.detail = "the budget is spent";
      return nothing;
    }
    core::Observation same = *kept_;
    same.at = at;
    same.took = std::chrono::nanoseconds(0);
    same.cost = 0;
    for (core::Row& row : same.batch.rows) {
      if (age_slot_ && row.slot == *age_slot_) row.value = core::to_seconds(at - *sparing_.last());
    }
    return same;
  }

  void keep(const core::Observation& observation) {
    for (const core::NewSeries& series : observation.batch.fresh) {
      if (series.labels.get(core::metric_name_label) == probes::probe_age_name) age_slot_ = series.slot;
    }
    kept_ = observation;
    kept_->batch.fresh.clear();
  }

  std::unique_ptr<probes::Prober> inner_;
  std::uint32_t target_;
  SparingOptions options_;
  Sparing sparing_;
  std::optional<core::Observation> kept_;
  std::optional<core::Slot> age_slot_;
};

}  // namespace

bool Sparing::due(core::TimePoint now, bool confirming) const {
  if (options_.budget && !options_.budget->affords(member_, now)) return false;
  if (confirming || !last_) return true;
  core::Duration pause{0};
  if (options_.budget) pause = options_.budget->spacing(now);
  if (options_.sleeps_after) pause = std::max(pause, sleep_factor * *options_.sleeps_after);
  return now - *last_ >= pause;
}

bool Sparing::may_sleep(core::TimePoint now) const {
  return options_.sleeps_after && (!last_ || now - *last_ >= *options_.sleeps_after);
}

void Sparing::asked(core::TimePoint at, std::uint32_t cost) {
  last_ = at;
  if (options_.budget) options_.budget->spend(member_, cost, at);
}

std::unique_ptr<probes::Prober> make_sparing_prober(std::unique_ptr<probes::Prober> inner, std::uint32_t target,
                                                    SparingOptions options) {
  return std::make_unique<SparingProber>(std::move(inner), target, std::move(options));
}

}  // namespace tocsin::daemon
