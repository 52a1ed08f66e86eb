#include "destination.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "suppression.hpp"
#include "tocsin/core/authorization.hpp"

namespace tocsin::alerts {
namespace {

constexpr std::size_t most_latencies = 1000;
constexpr std::size_t post_reply_bytes = 64 * 1024;
constexpr std::size_t ask_reply_bytes = 4 * 1024 * 1024;
constexpr std::size_t shown = 200;  // bytes of a peer's words in a sentence
constexpr std::chrono::hours long_time{1};

core::Deadline now() { return std::chrono::steady_clock::now(); }

/// What is configured stands before what the URL holds.
core::Result<std::string> authorization(const AlertmanagerOptions& options) {
  return core::authorization(
      options.bearer, options.user.empty() ? options.url.user : options.user,
      options.password.empty() ? core::SecretSource{options.url.password, {}} : options.password);
}

/// A peer's words, short and on one line, without a secret that it may repeat.
std::string excerpt(std::string_view body, const AlertmanagerOptions& options) {
  std::string text(body.substr(0, shown));
  for (char& c : text) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = ' ';
  }
  for (const core::SecretSource* source : {&options.password, &options.bearer}) {
    if (const auto secret = source->read(); secret) text = core::redact(std::move(text), secret->reveal());
  }
  return core::redact(std::move(text), options.url.password.reveal());
}

enum class Fate { delivered, retry, rejected, content_rejected };

/// What a status means for the batch. Alertmanager keeps the good alerts of a batch that it answers 400 to.
Fate fate_of(unsigned status) {
  constexpr std::array content{400U, 413U, 422U};
  // Credentials rotate, and a busy or slow receiver recovers: the alerts themselves are not at fault.
  constexpr std::array later{401U, 403U, 407U, 408U, 425U, 429U};
  if (status >= 200 && status < 300) return Fate::delivered;
  if (std::find(content.begin(), content.end(), status) != content.end()) return Fate::content_rejected;
  if (std::find(later.begin(), later.end(), status) != later.end()) return Fate::retry;
  return status >= 400 && status < 500 ? Fate::rejected : Fate::retry;
}

}  // namespace

Destination::Destination(Surroundings around, AlertmanagerOptions options, Outbox::Limits limits)
    : around_(std::move(around)),
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
  publish();
}

void Destination::enqueue(const MessagePtr& message) { outbox_.enqueue(message); }

void Destination::hurry() {
  outbox_.hurry();
  wake_.set();
}

void Destination::publish() {
  const std::lock_guard lock(mutex_);
  status_.queued = outbox_.queued();
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
      self->around_.progress->set();
      continue;
    }
    const core::Deadline until = due ? *due : here + long_time;
    co_await self->wake_.wait(until);
  }
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
  post->headers.emplace_back("Content-Type", "application/json");
  post->body = make_body(batch);
  const auto client = poster_;
  const auto response = co_await client->request(std::move(*post), began + options_.timeout);
  settle(response, count, began);
}

void Destination::settle(const core::Result<net::HttpResponse>& response, std::size_t count, core::Deadline began) {
  const Fate fate = response ? fate_of(response->status) : Fate::retry;
  if (fate == Fate::delivered) {
    outbox_.delivered();
    tell_delivered(count, began);
    return;
  }
  const std::string text =
      response ? "status " + std::to_string(response->status) + ": " + excerpt(response->body, options_)
               : std::string(core::to_string(response.error().outcome)) + ": " + response.error().detail;
  if (fate == Fate::retry) {
    outbox_.failed(now(), std::uniform_real_distribution<>{}(chance_));
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
  const std::string what = std::to_string(count) + (count == 1 ? " alert" : " alerts");
  if (news) around_.log(true, status_.url, (dropped ? "dropped " : "could not send ") + what + ": " + text);
}

core::Result<net::HttpRequest> Destination::request(std::string method, const std::string& target) const {
  auto credentials = authorization(options_);
  if (!credentials) return credentials.error();
  if (credentials->find_first_of("\r\n") != std::string::npos) {
    return core::Failure{core::Outcome::auth, core::Phase::auth, "the credentials hold a line break"};
  }
  std::string prefix = options_.url.path;
  while (prefix.ends_with('/')) prefix.pop_back();
  net::HttpRequest request;
  request.method = std::move(method);
  request.target = prefix + target;
  request.headers.emplace_back("User-Agent", "tocsin/" TOCSIN_VERSION);
  if (!credentials->empty()) request.headers.emplace_back("Authorization", std::move(*credentials));
  return request;
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
