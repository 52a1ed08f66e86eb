#include "tocsin/alerts/heartbeat.hpp"

#include <algorithm>
#include <mutex>
#include <utility>

#include "receiver.hpp"
#include "tocsin/net/loop.hpp"

namespace tocsin::alerts {
namespace {

constexpr std::chrono::seconds look_again{1};  // whether we are alive

}  // namespace

class Heartbeat::Impl : public std::enable_shared_from_this<Impl> {
 public:
  Impl(net::Loop& loop, net::Connector& connector, std::optional<HeartbeatOptions> options, Clock clock, Alive alive,
       Log log)
      : loop_(loop),
        connector_(connector),
        options_(std::move(options)),
        clock_(std::move(clock)),
        alive_(std::move(alive)),
        log_(std::move(log)),
        wake_(loop.executor()) {
    if (options_) status_.url = origin(options_->to.url);
  }

  void start() { loop_.spawn("heartbeat", run(shared_from_this())); }

  /// From any thread.
  void stop() {
    loop_.post([self = shared_from_this()] {
      self->stopped_ = true;
      self->wake_.set();
    });
  }

  void reconfigure(std::optional<HeartbeatOptions> options) {
    if (options == options_) return;
    options_ = std::move(options);
    {
      const std::lock_guard lock(mutex_);
      status_ = {};
      if (options_) status_.url = origin(options_->to.url);
    }
    next_ = {};
    wake_.set();
  }

  [[nodiscard]] std::optional<HeartbeatStatus> status() const {
    const std::lock_guard lock(mutex_);
    if (status_.url.empty()) return std::nullopt;
    return status_;
  }

 private:
  static net::Task<void> run(std::shared_ptr<Impl> self) {
    while (!self->stopped_) {
      self->wake_.reset();
      const core::Deadline here = now();
      if (!self->options_) {
        co_await self->wake_.wait(here + long_time);
      } else if (self->next_ > here) {
        co_await self->wake_.wait(self->next_);
      } else if (self->alive_ && !self->alive_()) {
        self->withhold(here);
      } else {
        // On its own slots, so that a slow receiver does not stretch the interval.
        const auto every = self->options_->every;
        const core::Deadline slot = self->next_ == core::Deadline{} ? here : self->next_;
        self->next_ = std::max<core::Deadline>(slot + every, here + every / 2);
        co_await self->beat();
      }
    }
  }

  /// Looks again soon; one that is missing is counted once an interval.
  void withhold(core::Deadline here) {
    next_ = here + std::min<std::chrono::milliseconds>(options_->every, look_again);
    if (here < missing_until_) return;
    missing_until_ = here + options_->every;
    const std::lock_guard lock(mutex_);
    ++status_.withheld;
  }

  net::Task<void> beat() {
    const HeartbeatOptions options = *options_;
    auto request = make_request(options.to, options.method);
    core::Result<net::HttpResponse> response = core::Failure{};
    if (request) {
      Receiver to = options.to;
      to.timeout = std::min(to.timeout, options.every);
      response = co_await call(connector_, std::move(to), std::move(*request));
    } else {
      response = request.error();
    }
    if (options_ == options) take_in(response, options.to);
  }

  void take_in(const core::Result<net::HttpResponse>& response, const Receiver& to) {
    const bool good = response && fate_of(response->status) == Fate::delivered;
    const std::string text = good ? "" : words_of(response, to);
    bool news = false;
    {
      const std::lock_guard lock(mutex_);
      news = status_.last_error.empty() == !good;
      status_.last_error = text;
      if (good) status_.last_success = clock_();
      ++(good ? status_.sent : status_.errors);
    }
    // One that stays deaf is told of once.
    if (news)
      log_(!good, origin(to.url), good ? "the heartbeat is heard again" : "the heartbeat is not heard: " + text);
  }

  net::Loop& loop_;
  net::Connector& connector_;
  std::optional<HeartbeatOptions> options_;
  Clock clock_;
  Alive alive_;
  Log log_;
  net::Event wake_;
  core::Deadline next_{};
  core::Deadline missing_until_{};
  bool stopped_ = false;

  mutable std::mutex mutex_;  // guards status_
  HeartbeatStatus status_;
};

Heartbeat::Heartbeat(net::Loop& loop, net::Connector& connector, std::optional<HeartbeatOptions> options, Clock clock,
                     Alive alive, Log log)
    : impl_(std::make_shared<Impl>(loop, connector, std::move(options), std::move(clock), std::move(alive),
                                   std::move(log))) {
  impl_->start();
}

Heartbeat::~Heartbeat() { impl_->stop(); }

void Heartbeat::reconfigure(std::optional<HeartbeatOptions> options) { impl_->reconfigure(std::move(options)); }

std::optional<HeartbeatStatus> Heartbeat::status() const { return impl_->status(); }

}  // namespace tocsin::alerts
