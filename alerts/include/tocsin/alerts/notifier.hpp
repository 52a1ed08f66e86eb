// Telling Alertmanager: every one that is configured, independently, in batches, with retry. On one loop.
// A batch is tried again, after a pause that doubles up to 15 s, when the receiver could not be reached, or answered
// 5xx, 408, 425, 429, or (credentials rotate) 401, 403, 407. After 400, 413 and 422 it is halved until the alerts that
// are objected to are found; those are dropped and counted. Any other 4xx drops the batch.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tocsin/core/alert.hpp"
#include "tocsin/core/labels.hpp"
#include "tocsin/core/secret.hpp"
#include "tocsin/net/http.hpp"

namespace tocsin::alerts {

struct AlertmanagerOptions {
  net::Url url;  // with path prefix, without /api/v2
  std::optional<net::TlsOptions> tls;
  std::string user;
  core::SecretSource password;
  core::SecretSource bearer;
  core::Duration timeout{std::chrono::seconds{10}};
  bool operator==(const AlertmanagerOptions&) const;
};

struct NotifierOptions {
  std::vector<AlertmanagerOptions> alertmanagers;
  core::Labels external_labels;
  std::string external_url;             // for generatorURL
  std::size_t queue_capacity = 10'000;  // alerts a destination; past it the oldest are dropped and counted
  std::size_t batch = 256;
};

struct DestinationStatus {
  std::string url;  // without user info
  std::size_t queued = 0;
  std::uint64_t sent = 0;
  std::uint64_t errors = 0;
  std::uint64_t dropped = 0;
  std::string last_error;
  std::optional<core::TimePoint> last_success;
  std::vector<double> latency_seconds;  // since the last call, for the histogram; bounded
};

class Notifier {
 public:
  using Clock = std::function<core::TimePoint()>;
  using Log = std::function<void(bool error, const std::string& destination, const std::string& text)>;
  Notifier(net::Loop& loop, net::Connector& connector, NotifierOptions options, Clock clock, Log log);
  ~Notifier();
  Notifier(const Notifier&) = delete;
  Notifier& operator=(const Notifier&) = delete;

  /// From any thread: queues what is to be told (firing, repeated, resolved; the rest is passed over) for every
  /// Alertmanager.
  void send(std::vector<core::AlertChange> changes);
  /// On the loop: asks the Alertmanagers whether this alert is kept from people; what any of them says "silenced" or
  /// "inhibited" to is. If one cannot be asked the answer is `unknown`. An alert that Alertmanager does not know yet is
  /// `unknown` too.
  [[nodiscard]] net::Task<core::Suppression> suppression(core::Labels labels, core::Deadline deadline);
  /// On the loop: replaces the options; queues of destinations that stay are kept.
  void reconfigure(NotifierOptions options);
  /// On the loop: gives queued alerts until the deadline to leave.
  [[nodiscard]] net::Task<void> drain(core::Deadline deadline);
  /// From any thread.
  [[nodiscard]] std::vector<DestinationStatus> status() const;

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace tocsin::alerts
