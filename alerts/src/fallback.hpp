// Who is told when no Alertmanager takes alerts: the coroutine that waits for that, and POSTs. On one loop, but for
// `status`.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include "fallback_queue.hpp"
#include "outbox.hpp"
#include "tocsin/alerts/notifier.hpp"
#include "tocsin/net/loop.hpp"
#include "tocsin/state/ledger.hpp"
#include "webhook.hpp"

namespace tocsin::alerts {

class Fallback : public std::enable_shared_from_this<Fallback> {
 public:
  struct Around {
    net::Loop* loop = nullptr;
    net::Connector* connector = nullptr;
    state::Ledger* ledger = nullptr;  // may be null
    Notifier::Clock clock;
    Notifier::Log log;
  };
  Fallback(Around around, FallbackOptions options, WebhookText text);

  /// Starts the coroutine; it ends by `stop`.
  void start();
  void stop();
  void change(FallbackOptions options, WebhookText text);
  [[nodiscard]] const FallbackOptions& options() const { return options_; }
  void notice(const core::AlertChange& change);
  void accepted(std::span<const Outbox::Left> taken);
  /// From any thread.
  [[nodiscard]] FallbackStatus status() const;

 private:
  [[nodiscard]] static net::Task<void> run(std::shared_ptr<Fallback> self);
  [[nodiscard]] net::Task<bool> tell_all();
  [[nodiscard]] net::Task<bool> tell(std::string name);
  void take_in(const core::Result<net::HttpResponse>& response, const std::vector<core::AlertChange>& changes,
               bool& good);
  void note(const std::vector<core::AlertChange>& changes, const std::string& event) const;
  [[nodiscard]] WebhookText text() const;
  void publish(bool active);

  Around around_;
  FallbackOptions options_;
  WebhookText text_;
  FallbackQueue queue_;
  net::Event wake_;
  bool stopped_ = false;

  mutable std::mutex mutex_;  // guards status_
  FallbackStatus status_;
};

}  // namespace tocsin::alerts
