// One Alertmanager: its outbox, the coroutine that empties it, and its connections. On one loop, but for `status`.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <random>
#include <string>

#include "outbox.hpp"
#include "tocsin/alerts/notifier.hpp"
#include "tocsin/net/http.hpp"
#include "tocsin/net/loop.hpp"

namespace tocsin::alerts {

/// What a destination needs of its notifier; it may outlive the notifier for as long as a request is under way.
struct Surroundings {
  net::Loop* loop;
  net::Connector* connector;
  Notifier::Clock clock;
  Notifier::Log log;
  std::shared_ptr<net::Event> progress;  // set after each batch
};

class Destination : public std::enable_shared_from_this<Destination> {
 public:
  Destination(Surroundings around, AlertmanagerOptions options, Outbox::Limits limits);

  /// Starts the coroutine; it ends by `stop`.
  void start();
  void stop();
  /// Other credentials, TLS options or timeout for the same URL.
  void change(AlertmanagerOptions options);
  void set_limits(std::size_t capacity, std::size_t batch);
  void enqueue(const MessagePtr& message);
  /// The coroutine looks again at what is due.
  void wake() { wake_.set(); }
  void hurry();
  [[nodiscard]] bool idle() const { return outbox_.queued() == 0; }
  [[nodiscard]] const AlertmanagerOptions& options() const { return options_; }
  /// Asks about one alert (labels with external labels).
  [[nodiscard]] net::Task<core::Suppression> ask(core::Labels labels, core::Deadline deadline);
  /// From any thread. Takes the latencies.
  [[nodiscard]] DestinationStatus status();

 private:
  [[nodiscard]] static net::Task<void> run(std::shared_ptr<Destination> self);
  [[nodiscard]] net::Task<void> send_batch();
  [[nodiscard]] core::Result<net::HttpRequest> request(std::string method, const std::string& target) const;
  [[nodiscard]] std::shared_ptr<net::HttpClient> connect(std::size_t body_bytes) const;
  /// Takes the result of a POST in: what becomes of the batch, and how it is counted and told.
  void settle(const core::Result<net::HttpResponse>& response, std::size_t count, core::Deadline began);
  void tell_delivered(std::size_t count, core::Deadline began);
  void tell_failed(std::size_t count, const std::string& text, bool dropped);
  void publish();

  Surroundings around_;
  AlertmanagerOptions options_;
  Outbox outbox_;
  net::Event wake_;
  std::shared_ptr<net::HttpClient> poster_;
  std::shared_ptr<net::HttpClient> asker_;
  std::minstd_rand chance_{std::random_device{}()};
  bool stopped_ = false;

  std::mutex mutex_;  // guards status_
  DestinationStatus status_;
};

}  // namespace tocsin::alerts
