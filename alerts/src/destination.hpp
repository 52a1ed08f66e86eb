// One Alertmanager: its outbox, the coroutine that empties it, and its connections. On one loop, but for `status`.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <random>
#include <span>
#include <string>
#include <vector>

#include "outbox.hpp"
#include "tocsin/alerts/notifier.hpp"
#include "tocsin/net/http.hpp"
#include "tocsin/net/loop.hpp"
#include "tocsin/state/ledger.hpp"

namespace tocsin::alerts {

/// What a destination needs of its notifier; it may outlive the notifier for as long as a request is under way.
struct Surroundings {
  net::Loop* loop = nullptr;
  net::Connector* connector = nullptr;
  state::Ledger* ledger = nullptr;  // may be null
  Notifier::Clock clock;
  Notifier::Log log;
  std::shared_ptr<net::Event> progress;                         // set after each batch
  std::function<void(std::span<const Outbox::Left>)> accepted;  // an Alertmanager took these
};

class Destination : public std::enable_shared_from_this<Destination> {
 public:
  /// `name` is what the ledger knows it by.
  Destination(Surroundings around, std::string name, AlertmanagerOptions options, Outbox::Limits limits);

  /// Starts the coroutine; it ends by `stop`.
  void start();
  void stop();
  /// Other credentials, TLS options or timeout for the same URL.
  void change(AlertmanagerOptions options);
  void set_limits(std::size_t capacity, std::size_t batch);
  void enqueue(const MessagePtr& message);
  /// The coroutine looks again at what is due.
  void wake();
  void hurry();
  [[nodiscard]] bool idle() const { return outbox_.queued() == 0; }
  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] const AlertmanagerOptions& options() const { return options_; }
  /// Asks about one alert (labels with external labels).
  [[nodiscard]] net::Task<core::Suppression> ask(core::Labels labels, core::Deadline deadline);
  /// From any thread. Takes the latencies.
  [[nodiscard]] DestinationStatus status();

 private:
  [[nodiscard]] static net::Task<void> run(std::shared_ptr<Destination> self);
  [[nodiscard]] net::Task<void> send_batch();
  /// Outcome::ok where somebody is there.
  [[nodiscard]] net::Task<core::Failure> knock();
  [[nodiscard]] Receiver receiver() const;
  [[nodiscard]] core::Result<net::HttpRequest> request(std::string method, const std::string& target) const;
  [[nodiscard]] std::shared_ptr<net::HttpClient> connect(std::size_t body_bytes) const;
  /// Takes the result of a POST in: what becomes of the batch, and how it is counted and told.
  void take_in(const core::Result<net::HttpResponse>& response, std::size_t count, core::Deadline began);
  void tell_delivered(std::size_t count, core::Deadline began);
  void tell_failed(std::size_t count, const std::string& text, bool dropped);
  void tell_dropped(std::size_t count);
  /// What left the outbox: settled on the ledger, and noted in the history.
  void settle();
  void note(const Outbox::Left& left) const;
  void publish();

  Surroundings around_;
  std::string name_;
  AlertmanagerOptions options_;
  Outbox outbox_;
  net::Event wake_;
  std::shared_ptr<net::HttpClient> poster_;
  std::shared_ptr<net::HttpClient> asker_;
  std::minstd_rand chance_{std::random_device{}()};
  bool stopped_ = false;
  bool lost_ = false;            // the last request found nobody
  core::Deadline drops_told_{};  // when it was last told that there is no room
  std::size_t drops_untold_ = 0;

  std::mutex mutex_;  // guards status_
  DestinationStatus status_;
};

}  // namespace tocsin::alerts
