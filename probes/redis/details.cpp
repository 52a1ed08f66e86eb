#include "redis/details.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>

#include "tocsin/core/duration.hpp"

namespace tocsin::probes::redis {
namespace {

constexpr std::chrono::seconds config_every{60};
constexpr std::size_t most_events = 256;
constexpr std::size_t most_commands = 1'000;
constexpr std::size_t most_buckets = 128;
constexpr std::size_t longest_name = 256;
constexpr std::size_t longest_cluster_info = 64 * 1024;

constexpr Shape spike_last{"redis_latency_spike_last", {"event_name"}};
constexpr Shape spike_duration{"redis_latency_spike_duration_seconds", {"event_name"}};
constexpr Shape bucket{"redis_commands_latencies_usec_bucket", {"cmd", "le"}};
constexpr Shape count{"redis_commands_latencies_usec_count", {"cmd"}};
constexpr Shape slowlog_length{"redis_slowlog_length"};
constexpr Shape slowlog_last_id{"redis_slowlog_last_id"};
constexpr Shape slowest_duration{"redis_last_slow_execution_duration_seconds"};
constexpr Shape commandlog_length[] = {{"redis_commandlog_slow_length"},
                                       {"redis_commandlog_large_request_length"},
                                       {"redis_commandlog_large_reply_length"}};

constexpr Shape memory_max{"redis_memory_max_bytes"};
constexpr Shape config_maxclients{"redis_config_maxclients"};
constexpr Shape limit_memory{"tocsin_limit_memory_bytes"};
constexpr Shape limit_clients{"tocsin_limit_clients"};
constexpr Shape limit_network{"tocsin_limit_network_bytes_per_second"};

constexpr Question every_probe[] = {
    Question::config,           Question::cluster,         Question::latency_latest,  Question::latency_histogram,
    Question::slowlog_len,      Question::slowlog_get,     Question::commandlog_slow, Question::commandlog_request,
    Question::commandlog_reply, Question::sentinel_masters};
constexpr Question of_each_primary[] = {Question::sentinel_sentinels, Question::sentinel_replicas,
                                        Question::sentinel_quorum};

/// As Go writes a bucket's bound: 541065, but 1.08213e+06.
std::string bound_text(double bound) {
  std::array<char, 32> text{};
  if (const auto whole = static_cast<std::uint32_t>(bound >= 0 && bound < 1e6 ? bound : 0); bound == whole) {
    return {text.data(), std::to_chars(text.data(), text.data() + text.size(), whole).ptr};
  }
  if (bound < 1e6) return core::format_value(bound);
  const auto end = std::to_chars(text.data(), text.data() + text.size(), bound, std::chars_format::scientific).ptr;
  return {text.data(), end};
}

}  // namespace

Details::Details(const core::Labels& base, const CommandNames& names, const RedisLimits& limits, bool histograms,
                 const std::shared_ptr<core::TextPool>& texts)
    : names_(names),
      limits_(limits),
      wants_histograms_(histograms),
      capabilities_(base),
      config_(base),
      latest_(base, texts),
      histogram_(base, texts, most_commands * 32),
      numbers_(base, texts),
      sentinel_(base) {}

bool Details::due(Question question, bool connected) const {
  if (question == Question::latency_histogram && !wants_histograms_) return false;
  if (question != Question::config || !config_asked_) return true;
  // What INFO does not have changes seldom. A new connection may lead to another server.
  return connected || at_ - *config_asked_ >= config_every;
}

std::vector<Question> Details::wanted(const Server& server, bool connected) const {
  std::vector<Question> found;
  for (const Question question : every_probe) {
    if (suits(question, server) && due(question, connected) && is_asked(question, names_) &&
        capabilities_.may_ask(question, at_, fresh_)) {
      found.push_back(question);
    }
  }
  return found;
}

void Details::ask_about_primaries(Questions& questions) {
  asked_primaries_ = sentinel_.names();
  for (std::size_t i = 0; i < asked_primaries_.size(); ++i) {
    for (const Question question : of_each_primary) {
      if (capabilities_.may_ask(question, at_, fresh_)) {
        questions.ask(question, asked_primaries_[i], static_cast<std::uint16_t>(i));
      }
    }
  }
}

void Details::forget() {
  capabilities_.forget();
  config_.forget();
  config_asked_.reset();
  cluster_.clear();
  latest_.clear();
  histogram_.clear();
  histograms_changed_ = histograms_changed_ || !histogram_names_.empty();
  histogram_names_.clear();
  slowlog_length_.reset(), slowlog_id_.reset(), slowest_seconds_.reset();
  for (auto& length : commandlog_) length.reset();
  sentinel_.forget();
  asked_primaries_.clear();
}

void Details::answered(Questions::Asked asked, const Reply& reply) {
  capabilities_.answered(asked.what);
  switch (asked.what) {
    case Question::config:
      config_asked_ = at_;
      return config_.learn(reply);
    case Question::cluster:
      cluster_ = reply.is_text() && reply.text().size() <= longest_cluster_info ? reply.text() : std::string_view();
      return;
    case Question::latency_latest:
      return latest(reply);
    case Question::latency_histogram:
      return histogram(reply);
    case Question::slowlog_len:
      slowlog_length_ = reply.number();
      return;
    case Question::slowlog_get:
      return slowest(reply);
    case Question::commandlog_slow:
      commandlog_[0] = reply.number();
      return;
    case Question::commandlog_request:
      commandlog_[1] = reply.number();
      return;
    case Question::commandlog_reply:
      commandlog_[2] = reply.number();
      return;
    case Question::sentinel_masters:
      return sentinel_.primaries(reply);
    case Question::sentinel_sentinels:
      if (!sentinel_moved()) sentinel_.sentinels(asked.number, reply);
      return;
    case Question::sentinel_replicas:
      if (!sentinel_moved()) sentinel_.replicas(asked.number, reply);
      return;
    case Question::sentinel_quorum:
      if (!sentinel_moved()) sentinel_.quorum(asked.number, true, reply.text());
      return;
    default:
      return;
  }
}

void Details::refused(Questions::Asked asked, std::string_view error) {
  if (asked.what == Question::sentinel_quorum && error.starts_with("NOQUORUM")) {
    capabilities_.answered(asked.what);
    if (!sentinel_moved()) sentinel_.quorum(asked.number, false, error);
    return;
  }
  // A primary that is no longer watched since its name was told: not a refusal.
  const bool about_primary = std::ranges::find(of_each_primary, asked.what) != std::end(of_each_primary);
  if (about_primary && error.find("No such master") != std::string_view::npos) return;
  capabilities_.refused(asked.what, at_);
  if (asked.what == Question::config) config_.forget(), config_asked_ = at_;
  if (asked.what == Question::cluster) cluster_.clear();
  if (asked.what == Question::latency_latest) latest_.clear();
  if (asked.what == Question::latency_histogram) histogram({});
  if (asked.what == Question::slowlog_len) slowlog_length_.reset();
  if (asked.what == Question::slowlog_get) slowlog_id_.reset(), slowest_seconds_.reset();
  if (asked.what == Question::commandlog_slow) commandlog_[0].reset();
  if (asked.what == Question::commandlog_request) commandlog_[1].reset();
  if (asked.what == Question::commandlog_reply) commandlog_[2].reset();
  if (asked.what == Question::sentinel_masters) sentinel_.forget();
}

void Details::latest(const Reply& reply) {
  // Each: an event, when it last happened, how long it took then and at the most, in milliseconds.
  latest_.begin();
  std::size_t events = 0;
  for (const Reply event : reply) {
    const auto name = event[0];
    const auto when = event[1].number();
    const auto took = event[2].number();
    if (!name.is_text() || !when || !took || ++events > most_events) continue;
    latest_.add(spike_last, {name.text()}, *when);
    latest_.add(spike_duration, {name.text()}, *took / 1e3);
  }
  latest_.end();
}

void Details::histogram(const Reply& reply) {
  // Commands and, for each: calls, N, histogram_usec, pairs of an upper bound and how many took no longer.
  histogram_.begin();
  std::vector<std::string_view> names;
  std::string_view command;
  for (const Reply item : reply) {
    if (item.is_text()) {
      command = item.text();
      continue;
    }
    const auto calls = item.get("calls").number();
    if (command.empty() || command.size() > longest_name || !calls || names.size() >= most_commands) continue;
    double bound = 0;
    std::size_t place = 0;
    for (const Reply number : item.get("histogram_usec")) {
      const auto value = number.number();
      if (!value || place >= 2 * most_buckets) break;
      if (place++ % 2 == 0) {
        bound = *value;
      } else {
        histogram_.add(bucket, {command, bound_text(bound)}, *value);
      }
    }
    histogram_.add(bucket, {command, "+Inf"}, *calls);
    histogram_.add(count, {command}, *calls);
    names.push_back(command);
    command = {};
  }
  histogram_.end();
  if (std::ranges::equal(names, histogram_names_)) return;
  histogram_names_.assign(names.begin(), names.end());
  histograms_changed_ = true;
}

void Details::slowest(const Reply& reply) {
  // As redis_exporter has it: 0 where nothing was slow yet.
  slowlog_id_ = reply[0][0].number().value_or(0);
  slowest_seconds_ = reply[0][2].number().value_or(0) / 1e6;
}

void Details::numbers(const InfoReader::Facts& given) {
  numbers_.begin();
  const auto add = [this](const Shape& shape, const std::optional<double>& value) {
    if (value) numbers_.add(shape, {}, *value);
  };
  add(slowlog_length, slowlog_length_);
  add(slowlog_last_id, slowlog_id_);
  add(slowest_duration, slowest_seconds_);
  for (std::size_t i = 0; i < std::size(commandlog_); ++i) add(commandlog_length[i], commandlog_[i]);
  // What INFO does not say: what CONFIG does, else what was configured here.
  if (!given.maxmemory) add(memory_max, config_.maxmemory() > 0 ? std::optional(config_.maxmemory()) : limits_.memory);
  if (!given.maxclients && config_.maxclients() == 0) add(config_maxclients, limits_.clients);
  add(limit_memory, limits_.memory);
  add(limit_clients, limits_.clients);
  add(limit_network, limits_.network);
  numbers_.end();
}

void Details::append(core::SeriesTable& table, const InfoReader::Facts& given) {
  config_.append(table, given);
  numbers(given);
  numbers_.append(table);
  latest_.append(table);
  histogram_.append(table);
  sentinel_.append(table);
  capabilities_.append(table);
}

}  // namespace tocsin::probes::redis
