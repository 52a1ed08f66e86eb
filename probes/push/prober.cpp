#include <array>
#include <utility>

#include "src/blackbox_series.hpp"
#include "src/reach.hpp"
#include "src/scraped_series.hpp"
#include "tocsin/core/duration.hpp"
#include "tocsin/net/offload.hpp"
#include "tocsin/probes/push.hpp"

namespace tocsin::probes {
namespace {

using core::Failure;
using core::Outcome;
using core::Phase;

constexpr auto gauge = core::MetricType::gauge;
constexpr std::size_t own_series = 32;

enum Row : std::size_t { success, last_at, status, duration, every, series_refused, row_count };
constexpr std::array metadata = {
    core::MetricMeta{"tocsin_push_success", gauge, "Whether the job has reported in time that it went well."},
    core::MetricMeta{"tocsin_push_last_timestamp_seconds", gauge, "When the job reported last, as Unix time."},
    core::MetricMeta{"tocsin_push_status", gauge, "The status that the job reported last; 0: it went well."},
    core::MetricMeta{"tocsin_push_duration_seconds", gauge, "How long the job took, by its own report."},
    core::MetricMeta{"tocsin_push_expect_every_seconds", gauge, "How often the job should report at least."},
    core::MetricMeta{"tocsin_push_series_refused_total", core::MetricType::counter,
                     "Samples of the job left out because max_series was reached."},
};

Failure silent(core::Duration silence, core::Duration every, const char* how) {
  const core::Duration rounded = std::chrono::floor<std::chrono::seconds>(silence);
  return {Outcome::timeout, Phase::receive,
          std::string(how) + core::format_duration(rounded) + ", expected every " + core::format_duration(every)};
}

class PushProber final : public Prober {
 public:
  PushProber(PushBox& box, net::Executor executor, Identity identity, PushOptions options)
      : box_(box),
        identity_(std::move(identity)),
        options_(std::move(options)),
        arrived_(std::make_shared<net::Event>(executor)),
        scraped_(identity_.base, options_.rules, metadata, options_.max_series),
        common_(identity_.base),
        table_(options_.max_series + own_series) {
    for (std::size_t i = 0; i < own_.size(); ++i) own_[i] = KnownSeries(identity_.base, metadata[i].name);
    subscription_ = box_.subscribe(options_.name, [executor, weak = std::weak_ptr(arrived_)] {
      net::post_to(executor, [weak] {
        if (const auto arrived = weak.lock()) arrived->set();
      });
    });
  }

  net::Task<core::Observation> probe(ProbeStart start) override {
    const auto began = steady_now();
    core::Observation observation;
    observation.target = identity_.target;
    observation.at = start.at;
    arrived_->reset();
    table_.begin();
    if (auto failure = look(start.at)) {
      observation.outcome = failure->outcome;
      observation.phase = failure->phase;
      observation.detail = std::move(failure->detail);
    }
    observation.described = scraped_.take_described();
    observation.took = steady_now() - began;
    own_[success].put(table_, observation.good() ? 1 : 0);
    common_.append(table_, observation.outcome, observation.took);
    observation.batch = table_.take();
    co_return observation;
  }

  /// A push is what the idle connection's end is to others: a reason to look at once.
  [[nodiscard]] bool has_sentinel() const override { return true; }
  net::Task<bool> watch() override {
    watching_ = true;
    co_await arrived_->wait(core::Deadline::max());
    const bool pushed = watching_;
    watching_ = false;
    arrived_->reset();
    co_return pushed;
  }
  void stop_watching() override {
    if (watching_) arrived_->set();
    watching_ = false;
  }

 private:
  std::optional<Failure> look(core::TimePoint now) {
    own_[every].put(table_, core::to_seconds(options_.expect_every));
    const auto record = box_.record(options_.name);
    if (!record)
      return Failure{Outcome::internal, Phase::none, "what this job reported is not known here (the daemon knows it)"};
    if (!record->last) {
      const core::Duration silence = now - record->since;
      if (silence <= options_.expect_every) return std::nullopt;
      return silent(silence, options_.expect_every, "has not reported at all for ");
    }
    const Push& push = *record->last;
    own_[last_at].put(table_, core::to_seconds(push.at));
    own_[status].put(table_, push.status);
    if (push.duration) own_[duration].put(table_, *push.duration);
    auto refused = take_metrics(record->last);
    const core::Duration silence = now - push.at;
    if (silence > options_.expect_every) return silent(silence, options_.expect_every, "has not reported for ");
    if (push.status != 0) {
      return Failure{Outcome::unexpected, Phase::expect, "reported status " + std::to_string(push.status)};
    }
    return refused;
  }

  /// The metrics that the job sent stand until it sends others.
  std::optional<Failure> take_metrics(const std::shared_ptr<const Push>& push) {
    if (push != taken_) {
      taken_ = push;
      refused_.reset();
      if (auto read = scraped_.read(push->body, format_of(*push)); !read) refused_ = read.error();
    }
    if (refused_) return refused_;
    scraped_.append(table_);
    own_[series_refused].put(table_, static_cast<double>(scraped_.refused()));
    return std::nullopt;
  }
  static core::TextFormat format_of(const Push& push) {
    // No body at all is no unfinished OpenMetrics.
    return push.body.empty() ? core::TextFormat::prometheus : push.format;
  }

  PushBox& box_;
  Identity identity_;
  PushOptions options_;
  std::shared_ptr<net::Event> arrived_;
  std::shared_ptr<void> subscription_;
  bool watching_ = false;
  std::shared_ptr<const Push> taken_;
  std::optional<Failure> refused_;
  ScrapedSeries scraped_;
  std::array<KnownSeries, row_count> own_;
  CommonMetrics common_;
  core::SeriesTable table_;
};

}  // namespace

std::unique_ptr<Prober> make_push_prober(PushBox& box, net::Executor executor, Identity identity, PushOptions options) {
  return std::make_unique<PushProber>(box, std::move(executor), std::move(identity), std::move(options));
}

std::span<const core::MetricMeta> push_metadata() { return metadata; }

}  // namespace tocsin::probes
