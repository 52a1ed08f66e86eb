#include <array>
#include <utility>

#include "tocsin/core/number.hpp"
#include "tocsin/probes/push.hpp"

namespace tocsin::probes {

using core::Failure;
using core::Outcome;
using core::Phase;
using core::TextReader;

namespace {

constexpr std::string_view version = "1";

/// The next word of a line; its end is a space or the line's.
std::string_view take_word(std::string_view& line) {
  const std::string_view word = line.substr(0, line.find(' '));
  line.remove_prefix(std::min(line.size(), word.size() + 1));
  return word;
}

Failure at_line(std::size_t line, std::string_view what) {
  return {Outcome::protocol, Phase::parse, "line " + std::to_string(line) + ": " + std::string(what)};
}

}  // namespace

// A line `1 SINCE` or `1 SINCE AT STATUS DURATION FORMAT`, and the body.
std::string encode(const PushRecord& record) {
  std::string text = std::string(version) + " " + std::to_string(core::to_millis(record.since));
  if (!record.last) return text + "\n";
  const Push& push = *record.last;
  text += " " + std::to_string(core::to_millis(push.at)) + " " + std::to_string(push.status) + " ";
  text += push.duration ? std::to_string(*push.duration) : "-";
  text += push.format == core::TextFormat::openmetrics ? " openmetrics\n" : " prometheus\n";
  return text + push.body;
}

std::optional<PushRecord> decode_push_record(std::string_view text) {
  const std::size_t end = text.find('\n');
  if (end == std::string_view::npos) return std::nullopt;
  std::string_view line = text.substr(0, end);
  if (take_word(line) != version) return std::nullopt;
  const auto since = core::parse_number<std::int64_t>(take_word(line));
  if (!since) return std::nullopt;
  PushRecord record;
  record.since = core::from_millis(*since);
  if (line.empty()) return record;
  Push push;
  const auto at = core::parse_number<std::int64_t>(take_word(line));
  const auto status = core::parse_number<int>(take_word(line));
  const std::string_view duration = take_word(line);
  if (duration != "-") push.duration = core::parse_number<double>(duration);
  const std::string_view format = take_word(line);
  const bool good = at && status && (push.duration || duration == "-") && line.empty() &&
                    (format == "openmetrics" || format == "prometheus");
  if (!good) return std::nullopt;
  push.at = core::from_millis(*at);
  push.status = *status;
  push.format = format == "openmetrics" ? core::TextFormat::openmetrics : core::TextFormat::prometheus;
  push.body = text.substr(end + 1);
  record.last = std::make_shared<const Push>(std::move(push));
  return record;
}

core::Result<void> check_push_body(std::string_view body, core::TextFormat format) {
  if (body.empty()) return {};
  TextReader reader(body, format);
  while (true) {
    const auto item = reader.next();
    if (item == TextReader::Item::end) return {};
    if (item == TextReader::Item::wrong) return at_line(reader.line(), reader.error());
    if (item != TextReader::Item::sample) continue;
    if (auto labels = core::parse_series(reader.series()); !labels)
      return at_line(reader.line(), labels.error().detail);
  }
}

void PushBox::restore(const std::string& name, PushRecord record) {
  const std::lock_guard lock(mutex_);
  records_.insert_or_assign(name, std::move(record));
}

bool PushBox::expect(const std::string& name, core::TimePoint now) {
  const std::lock_guard lock(mutex_);
  PushRecord record;
  record.since = now;
  return records_.emplace(name, std::move(record)).second;
}

std::optional<PushRecord> PushBox::record(const std::string& name) const {
  const std::lock_guard lock(mutex_);
  const auto it = records_.find(name);
  return it == records_.end() ? std::nullopt : std::optional(it->second);
}

bool PushBox::put(const std::string& name, Push push) {
  const std::lock_guard lock(mutex_);
  const auto it = records_.find(name);
  if (it == records_.end()) return false;
  it->second.last = std::make_shared<const Push>(std::move(push));
  const auto [first, last] = subscriptions_.equal_range(name);
  for (auto at = first; at != last;) {
    const auto subscription = at->second.lock();
    if (subscription) subscription->wake();
    at = subscription ? std::next(at) : subscriptions_.erase(at);
  }
  return true;
}

std::shared_ptr<void> PushBox::subscribe(const std::string& name, std::function<void()> wake) {
  auto subscription = std::make_shared<Subscription>();
  subscription->wake = std::move(wake);
  const std::lock_guard lock(mutex_);
  subscriptions_.emplace(name, subscription);
  return subscription;
}

}  // namespace tocsin::probes
