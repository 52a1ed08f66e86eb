// Jobs that report their end themselves: `POST /push/NAME`. A job that does not report for longer than it should is the
// alarm. What a job said stays until it says something else, across a restart too, where there is a data folder.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tocsin/core/observation.hpp"
#include "tocsin/core/secret.hpp"
#include "tocsin/core/text_format.hpp"
#include "tocsin/net/loop.hpp"
#include "tocsin/probes/prober.hpp"
#include "tocsin/probes/scrape_rules.hpp"

namespace tocsin::probes {

/// What a job said last.
struct Push {
  core::TimePoint at;
  int status = 0;                  // 0: it went well
  std::optional<double> duration;  // seconds
  std::string body;                // metrics, may be empty
  core::TextFormat format = core::TextFormat::prometheus;
  bool operator==(const Push&) const = default;
};

/// What is known of a job.
struct PushRecord {
  core::TimePoint since;  // when it began to be waited for
  std::shared_ptr<const Push> last;
};

/// As text, to be kept on disk.
[[nodiscard]] std::string encode(const PushRecord& record);
/// Nothing where it is not such a text.
[[nodiscard]] std::optional<PushRecord> decode_push_record(std::string_view text);
/// Whether a body can be taken: what is wrong with it, and in which line.
[[nodiscard]] core::Result<void> check_push_body(std::string_view body, core::TextFormat format);

/// The mailbox between the web and the probes. Any thread.
class PushBox {
 public:
  /// What was kept. Before anything else.
  void restore(const std::string& name, PushRecord record);
  /// From now on this job is waited for, if it was not before; true if that is new.
  bool expect(const std::string& name, core::TimePoint now);
  /// Nothing where nobody waits for that job.
  [[nodiscard]] std::optional<PushRecord> record(const std::string& name) const;
  /// False where nobody waits for that job.
  bool put(const std::string& name, Push push);

  /// Calls `wake` at each `put` for this job, on the thread that puts, until what is returned goes.
  [[nodiscard]] std::shared_ptr<void> subscribe(const std::string& name, std::function<void()> wake);

 private:
  struct Subscription {
    std::function<void()> wake;
  };
  mutable std::mutex mutex_;
  std::map<std::string, PushRecord> records_;
  std::multimap<std::string, std::weak_ptr<Subscription>> subscriptions_;
};

struct PushOptions {
  std::string name;                          // of the job: the last part of the path it pushes to
  std::chrono::milliseconds expect_every{};  // silent for longer is Outcome::timeout
  core::SecretSource token;                  // who pushes must show it; none: only from this host
  ScrapeRules rules;
  std::size_t max_series = 10'000;
};

/// A push is taken up at once. `box` must outlive the prober, and must have been told to expect the job.
[[nodiscard]] std::unique_ptr<Prober> make_push_prober(PushBox& box, net::Executor executor, Identity identity,
                                                       PushOptions options);
[[nodiscard]] std::span<const core::MetricMeta> push_metadata();

}  // namespace tocsin::probes
