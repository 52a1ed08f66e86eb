// Telling Alertmanager: every one that is configured, independently, in batches, with retry. On one loop.
// A batch is tried again, after a pause that doubles up to 1 s, or that the receiver asks for (Retry-After, 5 s at
// most), when the receiver could not be reached, or answered
// 5xx, 408, 425, 429, or (credentials rotate) 401, 403, 407. After 400, 413 and 422 it is halved until the alerts that
// are objected to are found; those are dropped and counted. Any other 4xx drops the batch.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tocsin/alerts/receiver.hpp"
#include "tocsin/core/alert.hpp"
#include "tocsin/core/labels.hpp"
#include "tocsin/core/secret.hpp"
#include "tocsin/net/http.hpp"
#include "tocsin/state/ledger.hpp"

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
  std::string external_url;  // for generatorURL
  std::optional<FallbackOptions> fallback;
  // Alerts a destination. Past it go the oldest that were only to be told again, then the oldest that are owed; what is
  // dropped is counted.
  std::size_t queue_capacity = 100'000;
  std::size_t batch = 256;
};

struct DestinationStatus {
  std::string url;  // without user info
  std::size_t queued = 0;
  std::uint64_t sent = 0;
  std::uint64_t errors = 0;
  std::uint64_t dropped = 0;
  std::size_t owed = 0;                        // of those queued: what it has not been told at all
  std::uint64_t settled = 0;                   // owed, and delivered or given up
  std::optional<core::TimePoint> oldest_owed;  // when the oldest of what is owed came to be
  std::string last_error;
  std::optional<core::TimePoint> last_success;
  std::vector<double> latency_seconds;  // since the last call, for the histogram; bounded
};

struct FallbackStatus {
  std::string url;          // without user info and query
  bool active = false;      // it is being told, because no Alertmanager takes alerts
  std::size_t waiting = 0;  // alerts that no Alertmanager has taken, and it has not been told
  std::uint64_t sent = 0;   // alerts that it took
  std::uint64_t errors = 0;
  std::uint64_t dropped = 0;  // alerts that it refused, or for which there was no room
  std::string last_error;
  std::optional<core::TimePoint> last_success;
};

class Notifier {
 public:
  using Clock = std::function<core::TimePoint()>;
  using Log = std::function<void(bool error, const std::string& destination, const std::string& text)>;
  /// What was `owed` at the start goes out first. What is delivered, refused or dropped is settled on the ledger, which
  /// may be null and must outlive the notifier's last coroutine (the loop's end).
  Notifier(net::Loop& loop, net::Connector& connector, NotifierOptions options, Clock clock, Log log,
           state::Ledger* ledger = nullptr, std::vector<state::Owed> owed = {});
  ~Notifier();
  Notifier(const Notifier&) = delete;
  Notifier& operator=(const Notifier&) = delete;

  /// From any thread: queues what is to be told (firing, repeated, resolved; the rest is passed over) for every
  /// Alertmanager. Of two changes of an alert the one with the greater number stands; one without a number (0) is newer
  /// than all before it, and settles them when it is delivered.
  void send(std::vector<core::AlertChange> changes);
  /// On the loop: asks the Alertmanagers whether this alert is kept from people; what any of them says "silenced" or
  /// "inhibited" to is. If one cannot be asked the answer is `unknown`. An alert that Alertmanager does not know yet is
  /// `unknown` too.
  [[nodiscard]] net::Task<core::Suppression> suppression(core::Labels labels, core::Deadline deadline);
  /// The names under which the ledger owes to the Alertmanagers: each URL without user info and query. Any thread.
  [[nodiscard]] std::vector<std::string> receivers() const;
  /// On the loop: replaces the options; queues of destinations that stay are kept, what was owed to the others is
  /// forgotten, on the ledger too.
  void reconfigure(NotifierOptions options);
  /// On the loop: gives queued alerts until the deadline to leave.
  [[nodiscard]] net::Task<void> drain(core::Deadline deadline);
  /// From any thread.
  [[nodiscard]] std::vector<DestinationStatus> status() const;
  /// Nothing where none is configured. From any thread.
  [[nodiscard]] std::optional<FallbackStatus> fallback_status() const;

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace tocsin::alerts
