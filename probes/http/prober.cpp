// Asks one address of the target, or every one, and makes an observation of what was seen.
#include <algorithm>
#include <utility>
#include <vector>

#include "http/addresses.hpp"
#include "http/journey.hpp"
#include "http/judge.hpp"
#include "http/request.hpp"
#include "http/series.hpp"
#include "src/reach.hpp"
#include "tocsin/core/fetch_ahead.hpp"
#include "tocsin/probes/http.hpp"

namespace tocsin::probes {
namespace {

using http::Sight;
using http::Verdict;

constexpr std::size_t fixed_series = 64;  // of one target; there are half as many
constexpr std::size_t addresses_at_a_time = 8;

class HttpProber final : public Prober {
 public:
  HttpProber(net::Connector& connector, Identity identity, HttpOptions options)
      : connector_(connector),
        identity_(std::move(identity)),
        journey_(connector, std::move(options)),
        table_(fixed_series + 1 + http::series_an_address * http::most_addresses * 2,
               core::SeriesTable::usual_forget_after, identity_.texts),
        common_(identity_.base),
        series_(identity_.base),
        judge_(journey_.options().expect),
        addresses_(identity_.base) {}

  net::Task<core::Observation> probe(ProbeStart start) override {
    const auto began = steady_now();
    const HttpOptions& options = journey_.options();
    if (options.every_address || !options.addresses.empty()) return ask_all(start, began);
    return ask_one(start, began);
  }

 private:
  struct Seen {
    Sight sight;
    Verdict verdict;
  };

  net::Task<core::Observation> ask_one(ProbeStart start, core::Deadline began) {
    Sight sight;
    co_await journey_.travel(start, std::nullopt, sight);
    fetch_ahead();
    table_.begin();
    co_return finish(start, sight, judge_.judge(sight), start.deadline - began);
  }

  /// Of what an answer is written to: others have been at work since the question was asked.
  void fetch_ahead() const {
    core::fetch_ahead(&table_, sizeof table_);
    core::fetch_ahead(&common_, sizeof common_);
    core::fetch_ahead(&series_, http::HttpSeries::always_used);
    core::fetch_ahead(&judge_, sizeof judge_);
  }

  /// The addresses of all names, as many as are asked.
  net::Task<core::Result<std::vector<net::Endpoint>>> find_all(core::Deadline deadline,
                                                               std::chrono::nanoseconds* took) const {
    const HttpOptions& options = journey_.options();
    std::vector<std::string> names = options.addresses;
    if (names.empty()) names.push_back(options.url.host);
    std::vector<net::Endpoint> all;
    for (const std::string& name : names) {
      std::chrono::nanoseconds part{0};
      auto found =
          co_await find_addresses(connector_, name, http::port_of(options.url), options.ip_protocol, deadline, &part);
      *took += part;
      if (!found) co_return found;
      all.insert(all.end(), found->begin(), found->end());
    }
    if (all.size() > http::most_addresses) all.resize(http::most_addresses);
    co_return all;
  }

  net::Task<core::Observation> ask_all(ProbeStart start, core::Deadline began) {
    std::chrono::nanoseconds lookup{0};
    auto found = co_await find_all(start.deadline, &lookup);
    std::vector<Seen> seen(found ? found->size() : 1);
    if (found) {
      std::vector<net::Task<void>> tasks;
      for (std::size_t at = 0; at < seen.size(); ++at) {
        tasks.push_back(journey_.travel(start, (*found)[at], seen[at].sight));
      }
      co_await net::run_all(std::move(tasks), addresses_at_a_time);
    } else {
      seen.front().sight.failure = found.error();
    }
    for (Seen& one : seen) one.verdict = judge_.judge(one.sight);

    table_.begin();
    addresses_.count(table_, found ? seen.size() : 0);
    for (const Seen& one : seen) addresses_.append(table_, one.sight, one.verdict);
    Seen& worst = *worst_of(seen);
    if (seen.size() > 1 && worst.verdict.outcome != core::Outcome::ok) {
      worst.verdict.detail = http::address_text(*worst.sight.address) + ": " + worst.verdict.detail;
    }
    worst.sight.lookup = lookup;
    worst.sight.phases.resolve += lookup;
    worst.sight.took = steady_now() - began;
    co_return finish(start, worst.sight, std::move(worst.verdict), start.deadline - began);
  }

  /// The first that is bad, else the slowest.
  static std::vector<Seen>::iterator worst_of(std::vector<Seen>& seen) {
    const auto bad = std::find_if(seen.begin(), seen.end(),
                                  [](const Seen& one) { return one.verdict.outcome != core::Outcome::ok; });
    if (bad != seen.end()) return bad;
    return std::max_element(seen.begin(), seen.end(),
                            [](const Seen& a, const Seen& b) { return a.sight.took < b.sight.took; });
  }

  core::Observation finish(const ProbeStart& start, const Sight& sight, Verdict verdict,
                           std::chrono::nanoseconds timeout) {
    core::Observation observation;
    observation.target = identity_.target;
    observation.at = start.at;
    observation.took = sight.took;
    observation.outcome = verdict.outcome;
    observation.phase = verdict.phase;
    series_.append(table_, sight, verdict, timeout);
    common_.append(table_, verdict.outcome, sight.took);
    observation.detail = std::move(verdict.detail);
    observation.batch = table_.take();
    return observation;
  }

  // What a probe begins with, what its answer is written to, the rest (docs/decisions/0023).
  net::Connector& connector_;
  Identity identity_;
  http::Journey journey_;
  core::SeriesTable table_;
  CommonMetrics common_;
  http::HttpSeries series_;
  http::Judge judge_;
  http::AddressSeries addresses_;
};

}  // namespace

std::unique_ptr<Prober> make_http_prober(net::Connector& connector, net::Executor /*executor*/, Identity identity,
                                         HttpOptions options) {
  return std::make_unique<HttpProber>(connector, std::move(identity), std::move(options));
}

}  // namespace tocsin::probes
