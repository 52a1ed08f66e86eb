#include <algorithm>
#include <array>
#include <atomic>
#include <map>
#include <memory>
#include <utility>

#include "file/find.hpp"
#include "src/blackbox_series.hpp"
#include "src/reach.hpp"
#include "tocsin/core/duration.hpp"
#include "tocsin/net/offload.hpp"
#include "tocsin/probes/file.hpp"

namespace tocsin::probes {
namespace {

using core::Failure;
using core::Outcome;
using core::Phase;
using core::Result;
using file::Found;

constexpr auto gauge = core::MetricType::gauge;
constexpr std::size_t own_series = 32;

enum Row : std::size_t { success, exists, count, newest_mtime, newest_size, oldest_mtime, row_count };
constexpr std::array metadata = {
    core::MetricMeta{"tocsin_file_success", gauge, "Whether the files that match are as they should be."},
    core::MetricMeta{"tocsin_file_exists", gauge, "Whether at least one file matches."},
    core::MetricMeta{"tocsin_file_count", gauge, "Files that match."},
    core::MetricMeta{"tocsin_file_newest_mtime_seconds", gauge, "When the newest file was changed, as Unix time."},
    core::MetricMeta{"tocsin_file_newest_size_bytes", gauge, "Size of the newest file."},
    core::MetricMeta{"tocsin_file_oldest_mtime_seconds", gauge, "When the oldest file was changed, as Unix time."},
    core::MetricMeta{"tocsin_file_mtime_seconds", gauge, "When the file was changed, as Unix time."},
    core::MetricMeta{"tocsin_file_size_bytes", gauge, "Size of the file."},
};

Failure unexpected(std::string detail) { return {Outcome::unexpected, Phase::expect, std::move(detail)}; }

std::string bytes(std::uint64_t size) { return std::to_string(size) + " bytes"; }

/// What does not hold, in words; nothing if all does.
std::optional<Failure> judge(const FileExpectations& expect, const std::vector<Found>& found, core::TimePoint now) {
  if (found.size() < expect.min_count) {
    if (found.empty()) return unexpected("no such file");
    return unexpected(std::to_string(found.size()) + " files, expected at least " + std::to_string(expect.min_count));
  }
  if (expect.max_count && found.size() > *expect.max_count) {
    return unexpected(std::to_string(found.size()) + " files, expected at most " + std::to_string(*expect.max_count));
  }
  if (found.empty()) return std::nullopt;
  const Found& newest = found.front();
  const double age = core::to_seconds(now) - newest.mtime;
  if (expect.max_age && age > core::to_seconds(*expect.max_age)) {
    const core::Duration rounded = std::chrono::seconds(static_cast<std::int64_t>(age));
    return unexpected(newest.path + " is " + core::format_duration(rounded) + " old, expected at most " +
                      core::format_duration(*expect.max_age));
  }
  if (expect.min_size && newest.size < *expect.min_size) {
    return unexpected(newest.path + " has " + bytes(newest.size) + ", expected at least " + bytes(*expect.min_size));
  }
  if (expect.max_size && newest.size > *expect.max_size) {
    return unexpected(newest.path + " has " + bytes(newest.size) + ", expected at most " + bytes(*expect.max_size));
  }
  return std::nullopt;
}

class FileProber final : public Prober {
 public:
  FileProber(net::BlockingPool& pool, Identity identity, FileOptions options)
      : pool_(pool),
        identity_(std::move(identity)),
        options_(std::move(options)),
        common_(identity_.base),
        table_(options_.max_files * 4 + own_series) {
    for (std::size_t i = 0; i < own_.size(); ++i) own_[i] = KnownSeries(identity_.base, metadata[i].name);
  }

  net::Task<core::Observation> probe(ProbeStart start) override {
    const auto began = steady_now();
    auto found = co_await look(start.deadline);
    core::Observation observation;
    observation.target = identity_.target;
    observation.at = start.at;
    observation.took = steady_now() - began;
    table_.begin();
    std::optional<Failure> failure;
    if (found) {
      append(*found);
      failure = judge(options_.expect, *found, start.at);
    } else {
      failure = std::move(found).error();
    }
    if (failure) {
      observation.outcome = failure->outcome;
      observation.phase = failure->phase;
      observation.detail = std::move(failure->detail);
    }
    own_[success].put(table_, observation.good() ? 1 : 0);
    common_.append(table_, observation.outcome, observation.took);
    observation.batch = table_.take();
    co_return observation;
  }

 private:
  using Answer = Result<std::vector<Found>>;
  struct OfFile {
    KnownSeries mtime, size;
  };

  net::Task<Answer> look(core::Deadline deadline) {
    if (under_way_ && !under_way_->load()) {
      co_return Failure{Outcome::timeout, Phase::query, "the file system has not answered since an earlier probe"};
    }
    const auto done = std::make_shared<std::atomic<bool>>(false);
    std::function<Answer()> work = [done, pattern = options_.pattern, most = options_.max_found] {
      Answer answer = file::find_files(pattern, most);
      done->store(true);
      return answer;
    };
    under_way_ = done;
    std::optional<Answer> answer = co_await net::value_from(pool_, std::move(work), deadline);
    if (answer) co_return std::move(*answer);
    co_return Failure{Outcome::timeout, Phase::query, "the file system did not answer in time"};
  }

  void append(const std::vector<Found>& found) {
    own_[exists].put(table_, found.empty() ? 0 : 1);
    own_[count].put(table_, static_cast<double>(found.size()));
    if (!found.empty()) {
      own_[newest_mtime].put(table_, found.front().mtime);
      own_[newest_size].put(table_, static_cast<double>(found.front().size));
      own_[oldest_mtime].put(table_, found.back().mtime);
    }
    std::map<std::string, OfFile> now;
    for (const Found& one : std::span(found).first(std::min(found.size(), options_.max_files))) {
      auto before = series_.extract(one.path);
      OfFile& series = before.empty() ? now.emplace(one.path, of_file(one)).first->second
                                      : now.insert(std::move(before)).position->second;
      series.mtime.put(table_, one.mtime);
      series.size.put(table_, static_cast<double>(one.size));
    }
    series_ = std::move(now);
  }

  OfFile of_file(const Found& one) const {
    core::Labels base = identity_.base;
    base.set("path", one.path);
    return {KnownSeries(base, metadata[row_count].name), KnownSeries(base, metadata[row_count + 1].name)};
  }

  net::BlockingPool& pool_;
  Identity identity_;
  FileOptions options_;
  std::shared_ptr<std::atomic<bool>> under_way_;  // whether the last look has ended; it may outlive its probe
  std::array<KnownSeries, row_count> own_;
  std::map<std::string, OfFile> series_;  // by path
  CommonMetrics common_;
  core::SeriesTable table_;
};

}  // namespace

std::unique_ptr<Prober> make_file_prober(net::BlockingPool& pool, Identity identity, FileOptions options) {
  return std::make_unique<FileProber>(pool, std::move(identity), std::move(options));
}

std::span<const core::MetricMeta> file_metadata() { return metadata; }

}  // namespace tocsin::probes
