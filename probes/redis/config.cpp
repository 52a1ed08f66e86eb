#include "redis/config.hpp"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include "redis/number.hpp"

namespace tocsin::probes::redis {
namespace {

constexpr std::string_view commandlog[] = {
    "commandlog-execution-slower-than", "commandlog-large-reply-max-len", "commandlog-large-request-max-len",
    "commandlog-reply-larger-than",     "commandlog-request-larger-than", "commandlog-slow-execution-max-len",
};
constexpr std::size_t most_classes = 8;

std::string_view next_word(std::string_view& text) {
  const auto begin = std::min(text.find_first_not_of(' '), text.size());
  text.remove_prefix(begin);
  const auto word = text.substr(0, text.find(' '));
  text.remove_prefix(word.size());
  return word;
}

}  // namespace

void ConfigReader::learn(const Reply& reply) {
  const auto before = std::exchange(settings_, std::vector<Setting>());
  databases_ = 0;
  maxmemory_ = maxclients_ = 0;
  std::optional<std::string_view> name;
  for (const Reply element : reply) {
    if (!element.is_text()) break;
    if (name) setting(*name, element.text());
    name = name ? std::nullopt : std::optional(element.text());
  }
  settings_.shrink_to_fit();
  // Series keep the slots that they had.
  for (Setting& setting : settings_) {
    const auto old = std::ranges::find_if(before, [&](const Setting& one) { return one.same_series(setting); });
    if (old != before.end()) setting.known = old->known;
  }
}

void ConfigReader::setting(std::string_view name, std::string_view text) {
  if (name == "client-output-buffer-limit") buffer_limits(text);
  const auto value = whole_number(text);
  if (!value) return;
  if (name == "databases" && *value >= 1 && *value <= 1e6) databases_ = static_cast<unsigned>(*value);
  if (name == "maxclients") maxclients_ = *value;
  if (name == "maxmemory") maxmemory_ = *value;
  if (name == "maxclients" && *value > 0) add({Kind::maxclients, "redis_config_maxclients", "", "", *value, {}});
  if (name == "maxmemory") add({Kind::maxmemory, "redis_config_maxmemory", "", "", *value, {}});
  if (name == "io-threads") add({Kind::other, "redis_config_io_threads", "", "", *value, {}});
  if (name == "repl-backlog-size") add({Kind::repl_backlog_size, "redis_config_repl_backlog_size", "", "", *value, {}});
  if (std::ranges::find(commandlog, name) != std::end(commandlog)) {
    std::string metric = "redis_" + std::string(name);
    std::ranges::replace(metric, '-', '_');
    add({Kind::other, std::move(metric), "", "", *value, {}});
  }
}

void ConfigReader::buffer_limits(std::string_view value) {
  constexpr const char* bytes = "redis_config_client_output_buffer_limit_bytes";
  constexpr const char* seconds = "redis_config_client_output_buffer_limit_overcome_seconds";
  // normal 0 0 0 slave 268435456 67108864 60: a class, its hard and its soft limit, and for how long the soft one.
  for (std::size_t i = 0; i < most_classes; ++i) {
    const auto name = next_word(value);
    const auto hard = whole_number(next_word(value));
    const auto soft = whole_number(next_word(value));
    const auto overcome = whole_number(next_word(value));
    if (name.empty() || !hard || !soft || !overcome) return;
    add({Kind::other, bytes, std::string(name), "hard", *hard, {}});
    add({Kind::other, bytes, std::string(name), "soft", *soft, {}});
    add({Kind::other, seconds, std::string(name), "soft", *overcome, {}});
  }
}

void ConfigReader::add(Setting setting) {
  const auto same = [&](const Setting& one) { return one.same_series(setting); };
  if (std::ranges::none_of(settings_, same)) settings_.push_back(std::move(setting));
}

// Hardly ever asked for: the table knows them.
core::Labels ConfigReader::labels(const Setting& setting) const {
  if (setting.client_class.empty()) return series_labels(base_, setting.metric, {});
  return series_labels(base_, setting.metric, {{"class", setting.client_class}, {"limit", setting.limit}});
}

void ConfigReader::append(core::SeriesTable& table, const InfoReader::Facts& given) {
  for (Setting& setting : settings_) {
    if (setting.kind == Kind::maxclients && given.maxclients) continue;
    if (setting.kind == Kind::maxmemory && given.maxmemory) continue;
    if (setting.kind == Kind::repl_backlog_size && given.repl_backlog_size) continue;
    setting.known.add(table, setting.value, [&] { return labels(setting); });
  }
}

}  // namespace tocsin::probes::redis
