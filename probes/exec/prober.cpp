#include <algorithm>
#include <array>
#include <memory>
#include <utility>

#include "exec/verdict.hpp"
#include "src/blackbox_series.hpp"
#include "src/reach.hpp"
#include "src/scraped_series.hpp"
#include "tocsin/net/offload.hpp"
#include "tocsin/net/process.hpp"
#include "tocsin/probes/exec.hpp"

namespace tocsin::probes {
namespace {

using core::Failure;
using core::Outcome;
using core::Phase;
using core::Result;

constexpr auto gauge = core::MetricType::gauge;
constexpr std::size_t own_series = 32;
constexpr std::chrono::milliseconds longest_grace{500};  // between TERM and KILL

constexpr std::array metadata = {
    core::MetricMeta{"tocsin_exec_success", gauge, "Whether the check program ended with a good status, in time."},
    core::MetricMeta{"tocsin_exec_status", gauge,
                     "Exit status of the check program; 128 and the signal's number where one ended it."},
    core::MetricMeta{"tocsin_exec_samples", gauge, "Samples that the check program printed."},
    core::MetricMeta{"tocsin_exec_series_refused_total", core::MetricType::counter,
                     "Samples left out because max_series was reached."},
};

/// A run that may outlive the probe that began it.
struct Run {
  explicit Run(const net::Executor& executor) : done(executor) {}
  net::Event done;
  std::optional<Result<net::ProcessExit>> exit;
};

net::Task<void> run_to_the_end(std::shared_ptr<Run> run, net::ProcessSpec spec, core::Deadline deadline) {
  auto exit = co_await net::run_process(std::move(spec), deadline);
  run->exit.emplace(std::move(exit));
  run->done.set();
}

class ExecProber final : public Prober {
 public:
  ExecProber(net::Executor executor, Identity identity, ExecOptions options)
      : executor_(std::move(executor)),
        identity_(std::move(identity)),
        options_(std::move(options)),
        scraped_(identity_.base, options_.rules, metadata, options_.max_series),
        success_(identity_.base, metadata[0].name),
        status_(identity_.base, metadata[1].name),
        samples_(identity_.base, metadata[2].name),
        refused_(identity_.base, metadata[3].name),
        common_(identity_.base),
        table_(options_.max_series + own_series) {}

  net::Task<core::Observation> probe(ProbeStart start) override {
    const auto began = steady_now();
    auto exit = co_await run(start.deadline);
    core::Observation observation;
    observation.target = identity_.target;
    observation.at = start.at;
    observation.took = steady_now() - began;
    table_.begin();
    if (auto failure = judge(exit)) {
      observation.outcome = failure->outcome;
      observation.phase = failure->phase;
      observation.detail = std::move(failure->detail);
    }
    observation.described = scraped_.take_described();
    success_.put(table_, observation.good() ? 1 : 0);
    common_.append(table_, observation.outcome, observation.took);
    observation.batch = table_.take();
    co_return observation;
  }

 private:
  net::Task<Result<net::ProcessExit>> run(core::Deadline deadline) {
    if (run_ && !run_->exit) {
      co_return Failure{Outcome::timeout, Phase::query,
                        "the program of an earlier probe cannot be ended, and runs still"};
    }
    auto spec = make_spec();
    if (!spec) co_return spec.error();
    const auto left = std::max(std::chrono::duration_cast<std::chrono::milliseconds>(deadline - steady_now()),
                               std::chrono::milliseconds(0));
    spec->kill_after = std::min(longest_grace, left / 10);
    const core::Deadline end_it = deadline - 2 * spec->kill_after;
    run_ = std::make_shared<Run>(executor_);
    const std::shared_ptr<Run> mine = run_;
    net::detach(executor_, run_to_the_end(mine, std::move(*spec), end_it));
    const bool ended = co_await mine->done.wait(deadline);
    if (!ended) co_return Failure{Outcome::timeout, Phase::query, "the program cannot be ended"};
    co_return std::move(*mine->exit);
  }

  Result<net::ProcessSpec> make_spec() {
    net::ProcessSpec spec;
    spec.argv = options_.argv;
    spec.working_directory = options_.working_directory;
    spec.max_output = options_.max_output;
    spec.environment = {
        {"PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}, {"HOME", "/"}, {"LANG", "C.UTF-8"}};
    secrets_.clear();
    for (const auto& [name, source] : options_.environment) {
      auto value = source.read();
      if (!value) return value.error();
      std::erase_if(spec.environment, [&name = name](const auto& usual) { return usual.first == name; });
      spec.environment.emplace_back(name, value->reveal());
      secrets_.push_back(std::move(*value));
    }
    return spec;
  }

  /// Adds the rows, and says what is wrong.
  std::optional<Failure> judge(const Result<net::ProcessExit>& exit) {
    if (!exit) return not_run(exit.error());
    if (!exit->timed_out) status_.put(table_, exec::status_of(*exit));
    auto failure = exec::judge(*exit, options_.good_status, secrets_);
    if (!options_.metrics || exit->timed_out) return failure;
    // Also a check that fails may say numbers.
    auto wrong = take_metrics(*exit);
    return failure ? failure : wrong;
  }

  std::optional<Failure> take_metrics(const net::ProcessExit& exit) {
    if (exit.output_cut) {
      return Failure{Outcome::limit, Phase::receive,
                     "it printed more than " + std::to_string(options_.max_output) + " bytes"};
    }
    auto read = scraped_.read(exit.out, core::TextFormat::prometheus);
    if (!read) return read.error();
    scraped_.append(table_);
    samples_.put(table_, static_cast<double>(scraped_.counts().scraped));
    refused_.put(table_, static_cast<double>(scraped_.refused()));
    return std::nullopt;
  }

  static Failure not_run(Failure failure) {
    // run_process says `unexpected` of what cannot be started.
    failure.outcome = failure.outcome == Outcome::unexpected ? Outcome::refused_command : failure.outcome;
    return in_phase(std::move(failure), Phase::query);
  }

  net::Executor executor_;
  Identity identity_;
  ExecOptions options_;
  std::shared_ptr<Run> run_;
  std::vector<core::Secret> secrets_;  // of the last run
  ScrapedSeries scraped_;
  KnownSeries success_, status_, samples_, refused_;
  CommonMetrics common_;
  core::SeriesTable table_;
};

}  // namespace

std::unique_ptr<Prober> make_exec_prober(net::Executor executor, Identity identity, ExecOptions options) {
  return std::make_unique<ExecProber>(std::move(executor), std::move(identity), std::move(options));
}

std::span<const core::MetricMeta> exec_metadata() { return metadata; }

}  // namespace tocsin::probes
