#include "tocsin/alerts/notifier.hpp"

#include <algorithm>
#include <deque>
#include <mutex>
#include <utility>

#include "destination.hpp"
#include "fallback.hpp"
#include "message.hpp"
#include "receiver.hpp"
#include "suppression.hpp"
#include "tocsin/net/loop.hpp"

namespace tocsin::alerts {
namespace {

constexpr std::chrono::minutes recalled_for{4};  // as long as an alert stands that is told again each minute

bool is_told(core::AlertChange::Kind kind) {
  using Kind = core::AlertChange::Kind;
  return kind == Kind::firing || kind == Kind::repeated || kind == Kind::resolved;
}

/// Two URLs may differ in what is not said of them.
std::string unique_name(const std::string& wanted, const std::vector<std::string>& taken) {
  std::string name = wanted;
  for (int number = 2; std::find(taken.begin(), taken.end(), name) != taken.end(); ++number)
    name = wanted + "#" + std::to_string(number);
  return name;
}

/// The answers of all Alertmanagers that are asked at the same time.
struct Survey {
  Survey(net::Executor executor, std::size_t count) : answers(count), open(count), done(std::move(executor)) {}
  std::vector<core::Suppression> answers;  // unknown until they come
  std::size_t open;
  net::Event done;
};

net::Task<void> ask_one(std::shared_ptr<Survey> survey, std::size_t at, std::shared_ptr<Destination> destination,
                        core::Labels labels, core::Deadline deadline) {
  auto answer = co_await destination->ask(std::move(labels), deadline);
  survey->answers[at] = std::move(answer);
  if (--survey->open == 0) survey->done.set();
}

}  // namespace

bool AlertmanagerOptions::operator==(const AlertmanagerOptions& other) const {
  return same_url(url, other.url) && url.user == other.url.user && url.password == other.url.password &&
         tls == other.tls && user == other.user && password == other.password && bearer == other.bearer &&
         timeout == other.timeout;
}

struct Notifier::Impl : std::enable_shared_from_this<Impl> {
  Impl(net::Loop& the_loop, net::Connector& connector, NotifierOptions the_options, Clock clock, Log log,
       state::Ledger* ledger)
      : loop(the_loop), options(std::move(the_options)) {
    around.loop = &the_loop;
    around.connector = &connector;
    around.ledger = ledger;
    around.clock = std::move(clock);
    around.log = std::move(log);
    around.progress = std::make_shared<net::Event>(the_loop.executor());
  }

  /// What needs a pointer to us.
  void begin(std::vector<state::Owed> owed) {
    around.accepted = [weak = weak_from_this()](std::span<const Outbox::Left> taken) {
      const auto self = weak.lock();
      if (self && self->fallback) self->fallback->accepted(taken);
    };
    arrange();
    for (const state::Owed& one : owed) take_over(one);
    for (const auto& destination : destinations) destination->wake();
  }

  void take_over(const state::Owed& owed) {
    const auto known = std::find_if(destinations.begin(), destinations.end(),
                                    [&owed](const auto& destination) { return destination->name() == owed.receiver; });
    if (known == destinations.end()) return;
    core::AlertChange change = owed.change;
    // After a long stop it would arrive as one that has ended by itself. What it is now is told soon enough.
    if (change.kind != core::AlertChange::Kind::resolved)
      change.alert.valid_until = std::max(change.alert.valid_until, around.clock() + recalled_for);
    if (fallback) fallback->notice(change);
    (*known)->enqueue(make_message(change, options.external_labels, options.external_url));
  }

  [[nodiscard]] std::shared_ptr<Destination> make_destination(const AlertmanagerOptions& wanted,
                                                              std::string name) const {
    Outbox::Limits limits;
    limits.capacity = options.queue_capacity;
    limits.batch = options.batch;
    auto made = std::make_shared<Destination>(around, std::move(name), wanted, limits);
    made->start();
    return made;
  }

  /// The destinations of these options: those that stay keep their queues.
  void arrange() {
    std::vector<std::shared_ptr<Destination>> arranged;
    std::vector<std::string> names;
    for (const AlertmanagerOptions& wanted : options.alertmanagers) {
      const auto known = std::find_if(destinations.begin(), destinations.end(), [&](const auto& destination) {
        return destination && same_url(destination->options().url, wanted.url);
      });
      if (known == destinations.end()) {
        arranged.push_back(make_destination(wanted, unique_name(wanted.url.display(), names)));
      } else {
        if (!((*known)->options() == wanted)) (*known)->change(wanted);
        (*known)->set_limits(options.queue_capacity, options.batch);
        arranged.push_back(std::exchange(*known, nullptr));
      }
      names.push_back(arranged.back()->name());
    }
    for (const auto& left : destinations) {
      if (left) left->stop();
    }
    arrange_fallback();
    {
      const std::lock_guard lock(mutex);
      destinations = std::move(arranged);
    }
    if (around.ledger != nullptr) around.ledger->keep_receivers(std::move(names));
  }

  void arrange_fallback() {
    auto arranged = fallback;
    // Where there is no Alertmanager at all, nobody is waited for.
    if (options.fallback && options.alertmanagers.empty()) options.fallback->after = core::Duration{0};
    if (!options.fallback) {
      if (arranged) arranged->stop();
      arranged.reset();
    } else if (arranged) {
      arranged->change(*options.fallback, webhook_text());
    } else {
      Fallback::Around its{around.loop, around.connector, around.ledger, around.clock, around.log};
      arranged = std::make_shared<Fallback>(std::move(its), *options.fallback, webhook_text());
      arranged->start();
    }
    const std::lock_guard lock(mutex);
    fallback = std::move(arranged);
  }

  [[nodiscard]] WebhookText webhook_text() const { return {options.external_labels, options.external_url, {}}; }

  /// From any thread. What waits for the loop is bounded too.
  void accept(std::vector<core::AlertChange> changes) {
    std::erase_if(changes, [](const core::AlertChange& change) { return !is_told(change.kind); });
    if (changes.empty()) return;
    bool first = false;
    {
      const std::lock_guard lock(mutex);
      first = incoming.empty();
      for (auto& change : changes) incoming.push_back(std::move(change));
      while (incoming.size() > capacity) {
        incoming.pop_front();
        ++overrun;
      }
    }
    if (first) loop.post([self = shared_from_this()] { self->distribute(); });
  }

  void distribute() {
    std::deque<core::AlertChange> changes;
    {
      const std::lock_guard lock(mutex);
      changes.swap(incoming);
    }
    for (const core::AlertChange& change : changes) {
      const auto message = make_message(change, options.external_labels, options.external_url);
      if (fallback) fallback->notice(change);
      for (const auto& destination : destinations) destination->enqueue(message);
    }
    for (const auto& destination : destinations) destination->wake();
  }

  void stop() {
    for (const auto& destination : destinations) destination->stop();
    if (fallback) fallback->stop();
  }

  net::Loop& loop;
  Surroundings around;
  NotifierOptions options;

  // Guards what follows; only the loop changes `destinations` and `fallback`, so it reads them without.
  mutable std::mutex mutex;
  std::vector<std::shared_ptr<Destination>> destinations;
  std::shared_ptr<Fallback> fallback;
  std::deque<core::AlertChange> incoming;
  std::uint64_t overrun = 0;
  const std::size_t capacity = 400'000;
};

Notifier::Notifier(net::Loop& loop, net::Connector& connector, NotifierOptions options, Clock clock, Log log,
                   state::Ledger* ledger, std::vector<state::Owed> owed)
    : impl_(std::make_shared<Impl>(loop, connector, std::move(options), std::move(clock), std::move(log), ledger)) {
  impl_->begin(std::move(owed));
}

Notifier::~Notifier() {
  impl_->loop.post([impl = impl_] { impl->stop(); });
}

void Notifier::send(std::vector<core::AlertChange> changes) { impl_->accept(std::move(changes)); }

net::Task<core::Suppression> Notifier::suppression(core::Labels labels, core::Deadline deadline) {
  const auto impl = impl_;
  const auto destinations = impl->destinations;
  labels = with_external(std::move(labels), impl->options.external_labels);
  const auto survey = std::make_shared<Survey>(impl->loop.executor(), destinations.size());
  for (std::size_t at = 0; at < destinations.size(); ++at) {
    impl->loop.spawn("suppression", ask_one(survey, at, destinations[at], labels, deadline));
  }
  if (survey->open > 0) co_await survey->done.wait(deadline);
  for (auto& answer : survey->answers) {
    const bool silent = answer.state == core::Suppression::State::unknown && answer.detail.empty();
    if (silent) answer.detail = "an Alertmanager did not answer in time";
  }
  co_return combine(survey->answers);
}

void Notifier::reconfigure(NotifierOptions options) {
  impl_->options = std::move(options);
  impl_->arrange();
}

net::Task<void> Notifier::drain(core::Deadline deadline) {
  const auto impl = impl_;
  impl->distribute();
  for (const auto& destination : impl->destinations) destination->hurry();
  const auto idle = [&impl] {
    return std::all_of(impl->destinations.begin(), impl->destinations.end(), [](const auto& d) { return d->idle(); });
  };
  while (!idle()) {
    impl->around.progress->reset();
    const bool progress = co_await impl->around.progress->wait(deadline);
    if (!progress) break;
  }
}

std::vector<std::string> Notifier::receivers() const {
  const std::lock_guard lock(impl_->mutex);
  std::vector<std::string> names;
  for (const auto& destination : impl_->destinations) names.push_back(destination->name());
  return names;
}

std::optional<FallbackStatus> Notifier::fallback_status() const {
  const std::lock_guard lock(impl_->mutex);
  if (!impl_->fallback) return std::nullopt;
  return impl_->fallback->status();
}

std::vector<DestinationStatus> Notifier::status() const {
  std::vector<std::shared_ptr<Destination>> destinations;
  std::uint64_t overrun = 0;
  {
    const std::lock_guard lock(impl_->mutex);
    destinations = impl_->destinations;
    overrun = impl_->overrun;
  }
  std::vector<DestinationStatus> all;
  for (const auto& destination : destinations) {
    all.push_back(destination->status());
    all.back().dropped += overrun;
  }
  return all;
}

}  // namespace tocsin::alerts
