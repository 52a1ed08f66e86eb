#include "destination.hpp"

#include <algorithm>
#include <utility>

#include "receiver.hpp"
#include "suppression.hpp"

namespace tocsin::alerts {
namespace {

constexpr std::size_t most_latencies = 1000;
constexpr std::size_t post_reply_bytes = 64 * 1024;
constexpr std::size_t ask_reply_bytes = 4 * 1024 * 1024;
constexpr std::chrono::seconds knock_time{2};  // to reach one that could not be reached before
constexpr std::chrono::minutes drop_log_step{1};

}  // namespace

Destination::Destination(Surroundings around, std::string name, AlertmanagerOptions options, Outbox::Limits limits)
    : around_(std::move(around)),
      name_(std::move(name)),
      options_(std::move(options)),
      outbox_(limits),
      wake_(around_.loop->executor()),
      poster_(connect(post_reply_bytes)),
      asker_(connect(ask_reply_bytes)) {
  status_.url = options_.url.display();
}

std::shared_ptr<net::HttpClient> Destination::connect(std::size_t body_bytes) const {
  auto tls = options_.tls;
  if (options_.url.scheme == "https" && !tls) tls.emplace();
  if (options_.url.scheme != "https") tls.reset();
  net::HttpLimits limits;
  limits.body_bytes = body_bytes;
  return std::make_shared<net::HttpClient>(*around_.connector, options_.url, tls, limits, around_.loop->executor());
}

void Destination::start() { around_.loop->spawn("alertmanager " + status_.url, run(shared_from_this())); }

void Destination::stop() {
  stopped_ = true;
  poster_->close();
  asker_->close();
  wake_.set();
}

void Destination::change(AlertmanagerOptions options) {
  options_ = std::move(options);
  // A request that is under way keeps its own client until it is done.
  poster_ = connect(post_reply_bytes);
  asker_ = connect(ask_reply_bytes);
  hurry();
}

void Destination::set_limits(std::size_t capacity, std::size_t batch) {
  outbox_.set_limits(capacity, batch);
  settle();
  publish();
}

void Destination::enqueue(const MessagePtr& message) { outbox_.enqueue(message); }

void Destination::wake() {
  settle();
  wake_.set();
}

void Destination::hurry() {
  outbox_.hurry();
  wake();
}

void Destination::publish() {
  const std::lock_guard lock(mutex_);
  status_.queued = outbox_.queued();
  status_.owed = outbox_.owed();
  status_.oldest_owed = outbox_.oldest_owed();
  status_.dropped = outbox_.dropped();
}

net::Task<void> Destination::run(std::shared_ptr<Destination> self) {
  while (!self->stopped_) {
    self->wake_.reset();
    self->publish();
    const auto due = self->outbox_.due();
    const auto here = now();
    if (due && *due <= here) {
      co_await self->send_batch();
      self->settle();
      self->publish();
      self->around_.progress->set();
      continue;
    }
    const core::Deadline until = due ? *due : here + long_time;
    co_await self->wake_.wait(until);
  }
}

/// One that was lost is knocked at first: a host that swallows packets would hold each attempt for all of its time.
net::Task<core::Failure> Destination::knock() {
  core::Failure failure;
  failure.outcome = core::Outcome::ok;
  net::Address address;
  address.host = options_.url.host;
  address.port = options_.url.port;
  if (address.port == 0) address.port = options_.url.scheme == "https" ? 443 : 80;
  const core::Deadline until = now() + std::min<std::chrono::nanoseconds>(knock_time, options_.timeout);
  std::optional<net::TlsOptions> plain;
  const auto opened = co_await around_.connector->open(std::move(address), std::move(plain), until);
  if (!opened) failure = opened.error();
  co_return failure;
}

net::Task<void> Destination::send_batch() {
  const auto batch = outbox_.begin();
  const std::size_t count = batch.size();
  auto post = request("POST", "/api/v2/alerts");
  const auto began = now();
  if (!post) {
    outbox_.failed(began, std::uniform_real_distribution<>{}(chance_));
    tell_failed(count, post.error().detail, false);
    co_return;
  }
  std::vector<MessagePtr> messages;
  for (const Outbox::Entry& entry : batch) messages.push_back(entry.message);
  post->headers.emplace_back("Content-Type", "application/json");
  post->body = make_body(messages);
  if (lost_) {
    const core::Failure failure = co_await knock();
    if (failure.outcome != core::Outcome::ok) {
      const core::Result<net::HttpResponse> none = failure;
      take_in(none, count, began);
      co_return;
    }
  }
  const auto client = poster_;
  const auto response = co_await client->request(std::move(*post), now() + options_.timeout);
  take_in(response, count, began);
}

void Destination::take_in(const core::Result<net::HttpResponse>& response, std::size_t count, core::Deadline began) {
  const Fate fate = response ? fate_of(response->status) : Fate::retry;
  lost_ = !response;
  if (fate == Fate::delivered) {
    outbox_.delivered();
    tell_delivered(count, began);
    return;
  }
  const std::string text = words_of(response, receiver());
  if (fate == Fate::retry) {
    const auto asked = response ? retry_after(*response) : std::nullopt;
    outbox_.failed(now(), std::uniform_real_distribution<>{}(chance_), asked);
    tell_failed(count, text, false);
  } else {
    tell_failed(count, text, outbox_.rejected(fate == Fate::content_rejected));
  }
}

void Destination::tell_delivered(std::size_t count, core::Deadline began) {
  bool recovered = false;
  {
    const std::lock_guard lock(mutex_);
    status_.sent += count;
    status_.last_success = around_.clock();
    recovered = !status_.last_error.empty();
    status_.last_error.clear();
    if (status_.latency_seconds.size() < most_latencies) {
      status_.latency_seconds.push_back(std::chrono::duration<double>(now() - began).count());
    }
  }
  if (recovered) around_.log(false, status_.url, "takes alerts again");
}

void Destination::tell_failed(std::size_t count, const std::string& text, bool dropped) {
  bool news = false;
  {
    const std::lock_guard lock(mutex_);
    status_.errors += count;
    news = dropped || status_.last_error != text;
    status_.last_error = text;
  }
  // A receiver that stays down is told once, not at each retry.
  if (news)
    around_.log(true, status_.url, (dropped ? "dropped " : "could not send ") + alerts_in_words(count) + ": " + text);
}

void Destination::tell_dropped(std::size_t count) {
  drops_untold_ += count;
  if (drops_untold_ == 0 || (drops_told_ != core::Deadline{} && now() - drops_told_ < drop_log_step)) return;
  drops_told_ = now();
  around_.log(true, status_.url,
              "dropped " + alerts_in_words(std::exchange(drops_untold_, 0)) + ": no more may wait for it");
}

void Destination::settle() {
  const auto left = outbox_.take_left();
  if (left.empty()) return;
  std::vector<std::pair<core::Labels, std::uint64_t>> settled;
  std::vector<Outbox::Left> taken;
  std::size_t owed = 0;
  std::size_t dropped = 0;
  for (const Outbox::Left& one : left) {
    const bool superseded = one.why == Outbox::Left::Why::superseded;
    if (one.entry.number > 0) settled.emplace_back(one.entry.message->own, one.entry.number);
    if (one.why == Outbox::Left::Why::delivered) taken.push_back(one);
    if (one.why == Outbox::Left::Why::dropped) ++dropped;
    if (!one.entry.owed || superseded) continue;
    ++owed;
    note(one);
  }
  if (around_.ledger != nullptr && !settled.empty()) around_.ledger->settled(name_, std::move(settled));
  if (around_.accepted && !taken.empty()) around_.accepted(taken);
  tell_dropped(dropped);
  const std::lock_guard lock(mutex_);
  status_.settled += owed;
}

void Destination::note(const Outbox::Left& left) const {
  if (around_.ledger == nullptr) return;
  const Message& message = *left.entry.message;
  core::HistoryRecord record;
  record.at = around_.clock();
  record.kind = core::HistoryKind::delivery;
  record.event = left.why == Outbox::Left::Why::delivered ? "delivered"
                 : left.why == Outbox::Left::Why::refused ? "refused"
                                                          : "dropped";
  record.subject = message.own.get("alertname");
  record.labels = message.own;
  record.detail = std::string(core::to_string(message.kind)).append(" to ").append(name_);
  around_.ledger->note(std::move(record));
}

Receiver Destination::receiver() const {
  Receiver to;
  to.url = options_.url;
  to.tls = options_.tls;
  to.user = options_.user;
  to.password = options_.password;
  to.bearer = options_.bearer;
  to.timeout = options_.timeout;
  return to;
}

core::Result<net::HttpRequest> Destination::request(std::string method, const std::string& target) const {
  auto made = make_request(receiver(), std::move(method));
  if (!made) return made;
  std::string prefix = options_.url.path;
  while (prefix.ends_with('/')) prefix.pop_back();
  made->target = prefix + target;
  return made;
}

net::Task<core::Suppression> Destination::ask(core::Labels labels, core::Deadline deadline) {
  core::Suppression answer;
  auto get = request("GET", suppression_target(labels));
  if (!get) {
    answer.detail = status_.url + ": " + get.error().detail;
    co_return answer;
  }
  const auto client = asker_;
  const core::Deadline until = std::min<core::Deadline>(deadline, now() + options_.timeout);
  const auto response = co_await client->request(std::move(*get), until);
  if (!response) {
    answer.detail = status_.url + ": " + response.error().detail;
  } else if (response->status != 200) {
    answer.detail = status_.url + ": status " + std::to_string(response->status);
  } else {
    answer = read_suppression(response->body, labels);
    if (!answer.detail.empty()) answer.detail = status_.url + ": " + answer.detail;
  }
  co_return answer;
}

DestinationStatus Destination::status() {
  const std::lock_guard lock(mutex_);
  DestinationStatus out = status_;
  status_.latency_seconds.clear();
  return out;
}

}  // namespace tocsin::alerts
