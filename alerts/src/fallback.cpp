#include "fallback.hpp"

#include <algorithm>
#include <utility>

#include "receiver.hpp"

namespace tocsin::alerts {
namespace {

constexpr std::chrono::milliseconds breath{100};  // between two looks at all that waits
constexpr std::chrono::milliseconds first_pause{500};
constexpr std::chrono::milliseconds longest_pause{5'000};

}  // namespace

Fallback::Fallback(Around around, FallbackOptions options, WebhookText text)
    : around_(std::move(around)),
      options_(std::move(options)),
      text_(std::move(text)),
      wake_(around_.loop->executor()) {
  status_.url = origin(options_.webhook.url);
}

void Fallback::start() { around_.loop->spawn("fallback " + status_.url, run(shared_from_this())); }

void Fallback::stop() {
  stopped_ = true;
  wake_.set();
}

void Fallback::change(FallbackOptions options, WebhookText text) {
  options_ = std::move(options);
  text_ = std::move(text);
  wake_.set();
  const std::lock_guard lock(mutex_);
  status_.url = origin(options_.webhook.url);
}

void Fallback::notice(const core::AlertChange& change) {
  queue_.notice(change, now());
  wake_.set();
}

void Fallback::accepted(std::span<const Outbox::Left> taken) {
  for (const Outbox::Left& one : taken)
    queue_.accepted(one.entry.message->own, one.entry.number, one.entry.message->at, now());
}

FallbackStatus Fallback::status() const {
  const std::lock_guard lock(mutex_);
  return status_;
}

void Fallback::publish(bool active) {
  bool begun = false;
  {
    const std::lock_guard lock(mutex_);
    begun = active && !status_.active;
    status_.active = active;
    status_.waiting = queue_.waiting();
  }
  if (begun) around_.log(true, status_.url, "no Alertmanager takes alerts: the fallback is told of them");
}

net::Task<void> Fallback::run(std::shared_ptr<Fallback> self) {
  std::chrono::milliseconds pause{0};
  while (!self->stopped_) {
    self->wake_.reset();
    const auto due = self->queue_.due(self->options_.after);
    const core::Deadline here = now();
    const bool active = due && *due <= here;
    self->publish(active);
    if (!active) {
      const core::Deadline until = due ? *due : here + long_time;
      co_await self->wake_.wait(until);
      if (!self->stopped_) co_await net::sleep_for(breath);
      continue;
    }
    const bool good = co_await self->tell_all();
    pause = good ? std::chrono::milliseconds{0} : std::clamp(pause * 2, first_pause, longest_pause);
    self->publish(true);
    co_await net::sleep_for(pause + breath);
  }
}

/// What waits, one message for each name; false at the first that did not arrive.
net::Task<bool> Fallback::tell_all() {
  const std::vector<std::string> names = queue_.names();
  for (const std::string& name : names) {
    if (stopped_) co_return true;
    const bool good = co_await tell(name);
    if (!good) co_return false;
  }
  co_return true;
}

WebhookText Fallback::text() const {
  WebhookText text = text_;
  text.note = "sent by tocsin itself: no Alertmanager has taken alerts for " +
              std::to_string(std::chrono::duration_cast<std::chrono::seconds>(options_.after).count()) + " s";
  return text;
}

net::Task<bool> Fallback::tell(std::string name) {
  const std::vector<core::AlertChange> changes = queue_.of_name(name);
  if (changes.empty()) co_return true;
  auto post = make_request(options_.webhook, "POST");
  core::Result<net::HttpResponse> response = core::Failure{};
  if (post) {
    post->headers.emplace_back("Content-Type", "application/json");
    post->body = webhook_body(changes, text());
    Receiver to = options_.webhook;
    response = co_await call(*around_.connector, std::move(to), std::move(*post));
  } else {
    response = post.error();
  }
  bool good = false;
  take_in(response, changes, good);
  co_return good;
}

void Fallback::take_in(const core::Result<net::HttpResponse>& response, const std::vector<core::AlertChange>& changes,
                       bool& good) {
  const Fate fate = response ? fate_of(response->status) : Fate::retry;
  good = fate != Fate::retry;
  const std::string text = fate == Fate::delivered ? "" : words_of(response, options_.webhook);
  bool news = false;
  {
    const std::lock_guard lock(mutex_);
    news = status_.last_error != text;
    status_.last_error = text;
    if (fate == Fate::delivered) {
      status_.sent += changes.size();
      status_.last_success = around_.clock();
    } else {
      ++status_.errors;
    }
    if (good && fate != Fate::delivered) status_.dropped += changes.size();
  }
  if (good) {
    queue_.told(changes);
    note(changes, fate == Fate::delivered ? "delivered" : "refused");
  }
  if (fate == Fate::delivered) {
    around_.log(false, status_.url, "the fallback was told of " + alerts_in_words(changes.size()));
  } else if (news || good) {
    around_.log(true, status_.url,
                (good ? "the fallback refuses " : "the fallback could not be told of ") +
                    alerts_in_words(changes.size()) + ": " + text);
  }
}

void Fallback::note(const std::vector<core::AlertChange>& changes, const std::string& event) const {
  if (around_.ledger == nullptr) return;
  for (const core::AlertChange& change : changes) {
    core::HistoryRecord record;
    record.at = around_.clock();
    record.kind = core::HistoryKind::delivery;
    record.event = event;
    record.subject = change.alert.labels.get("alertname");
    record.labels = change.alert.labels;
    record.detail = std::string(core::to_string(change.kind)).append(" to the fallback ").append(status_.url);
    around_.ledger->note(std::move(record));
  }
}

}  // namespace tocsin::alerts
