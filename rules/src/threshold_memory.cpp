// What a threshold leaves to those that come after it: another process, or the rule that replaces it.
#include <algorithm>

#include "alerting_rule.hpp"
#include "threshold_rule.hpp"

namespace tocsin::rules {
namespace {

constexpr std::size_t max_lines_shown = 1000;

std::vector<std::string> listed(const std::set<std::string>& names) { return {names.begin(), names.end()}; }

}  // namespace

MemoryKey ThresholdRule::memory_key(MemoryKey::Kind kind) const { return {kind, mark_, wording_, 0, {}}; }

void ThresholdRule::remember(const MemorySink& sink) {
  book_.remember(sink);
  unknown_.remember(sink);
  NamesMemory names{listed(common_), {}};
  bool named = false;
  for (const Line& line : lines_) {
    named = named || !line.series.empty();
    names.lines.push_back(listed(line.names));
  }
  std::string value = named ? encode(names) : names_stored_;
  if (value != names_stored_ || names_changed_) {
    names_stored_ = value;
    names_changed_ = false;
    sink.out.push_back({encode(sink.prefix, memory_key(MemoryKey::Kind::names)), std::move(value)});
  }
  MemoryKey key = memory_key(MemoryKey::Kind::series);
  for (Line& line : lines_) {
    key.line = static_cast<std::uint32_t>(&line - lines_.data());
    for (core::Labels& labels : line.gone) {
      key.labels = std::move(labels);
      sink.out.push_back({encode(sink.prefix, key), std::nullopt});
    }
    line.gone.clear();
    for (auto& [labels, series] : line.series) {
      if (!series.changed) continue;
      key.labels = labels;
      const SeriesMemory memory{series.on, series.missing ? std::optional(series.seen) : std::nullopt, series.value};
      sink.out.push_back({encode(sink.prefix, key), encode(memory)});
      series.changed = false;
      series.stored = true;
    }
  }
}

void ThresholdRule::forget(const std::string& prefix, std::vector<core::Memory>& out) const {
  book_.forget({prefix, mark_, out});
  unknown_.forget({prefix, mark_, out});
  if (!names_stored_.empty()) out.push_back({encode(prefix, memory_key(MemoryKey::Kind::names)), std::nullopt});
  MemoryKey key = memory_key(MemoryKey::Kind::series);
  for (const Line& line : lines_) {
    key.line = static_cast<std::uint32_t>(&line - lines_.data());
    const auto drop = [&](const core::Labels& labels) {
      key.labels = labels;
      out.push_back({encode(prefix, key), std::nullopt});
    };
    for (const core::Labels& labels : line.gone) drop(labels);
    for (const auto& [labels, series] : line.series) {
      if (series.stored) drop(labels);
    }
  }
}

bool ThresholdRule::remembers() const {
  return !book_.empty() || !unknown_.empty() ||
         std::any_of(lines_.begin(), lines_.end(), [](const Line& line) { return !line.series.empty(); });
}

Revived ThresholdRule::restore(const MemoryKey& key, std::string_view value, const Revival& revival) {
  switch (key.kind) {
    case MemoryKey::Kind::alert: {
      const Revived revived = revive(book_, key, value, revival);
      if (revived == Revived::yes) {
        if (const auto memory = decode_alert(value)) alert_labels_[memory->of] = key.labels;
      }
      return revived;
    }
    case MemoryKey::Kind::unknown: {
      const Revived revived = revive(unknown_, key, value, revival);
      const core::Alert* alert = revived == Revived::yes ? unknown_.find(key.labels) : nullptr;
      if (alert == nullptr) return revived;
      if (const auto memory = decode_alert(value)) {
        doubts_[memory->of] = {alert->active_at, alert->value, alert->labels, alert->annotations};
      }
      return revived;
    }
    case MemoryKey::Kind::names:
      return key.wording == wording_ ? restore_names(value) : Revived::unclaimed;
    case MemoryKey::Kind::series:
      break;
    default:
      return Revived::unclaimed;
  }
  if (key.wording != wording_ || key.line >= lines_.size()) return Revived::unclaimed;
  const auto memory = decode_series(value);
  if (!memory) return Revived::broken;
  const core::TimePoint seen = std::min(memory->missing_since.value_or(revival.alive), revival.alive);
  lines_[key.line].series[key.labels] = {memory->on, memory->value, seen, memory->missing_since.has_value(),
                                         true,       false};
  return Revived::yes;
}

void ThresholdRule::finish_restore() {
  forget_labels();
  // Without what is known of its lines, or with others, nothing would ever end a doubt.
  if (names_stored_.empty()) doubts_.clear();
}

Revived ThresholdRule::restore_names(std::string_view value) {
  auto memory = decode_names(value);
  if (!memory || memory->lines.size() != lines_.size()) return Revived::broken;
  names_stored_ = value;
  common_ = {memory->common.begin(), memory->common.end()};
  for (std::size_t i = 0; i < lines_.size(); ++i) lines_[i].names = {memory->lines[i].begin(), memory->lines[i].end()};
  return Revived::yes;
}

void ThresholdRule::take_from(Rule& old) {
  Rule::take_from(old);
  auto& before = dynamic_cast<ThresholdRule&>(old);
  book_.take_from(before.book_);
  unknown_.take_from(before.unknown_);
  // What was known of the lines stays only where the lines are the same.
  if (before.spec_.expression != spec_.expression || before.lines_.size() != lines_.size()) return;
  common_ = std::move(before.common_);
  names_stored_ = std::exchange(before.names_stored_, {});
  names_changed_ = !names_stored_.empty();
  alert_labels_ = std::move(before.alert_labels_);
  doubts_ = std::move(before.doubts_);
  for (std::size_t i = 0; i < lines_.size(); ++i) {
    lines_[i].names = std::move(before.lines_[i].names);
    lines_[i].series = std::exchange(before.lines_[i].series, {});
    lines_[i].gone = std::exchange(before.lines_[i].gone, {});
    for (auto& [labels, series] : lines_[i].series) series.changed = true;
  }
}

void ThresholdRule::shift(core::Duration by) {
  book_.shift(by);
  unknown_.shift(by);
  for (auto& [labels, doubt] : doubts_) doubt.since += by;
  for (Line& line : lines_) {
    for (auto& [labels, series] : line.series) {
      series.seen += by;
      series.changed = series.changed || series.missing;
    }
  }
}

std::vector<LineStatus> ThresholdRule::lines() const {
  std::vector<LineStatus> out;
  for (const Line& line : lines_) {
    const auto number = static_cast<std::size_t>(&line - lines_.data());
    for (const auto& [labels, series] : line.series) {
      if (!series.on && !series.missing) continue;
      if (out.size() == max_lines_shown) return out;
      out.push_back({number, labels, series.on, series.missing, series.value, series.seen});
    }
  }
  return out;
}

}  // namespace tocsin::rules
