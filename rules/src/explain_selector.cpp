// Why a selector gives nothing.
#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <string_view>
#include <tuple>
#include <unordered_map>

#include "explain_parts.hpp"
#include "tocsin/core/duration.hpp"

namespace tocsin::rules {
namespace {

/// So far back is looked for a sample that says how long a series has been silent.
constexpr core::Duration farthest{std::chrono::hours{24}};
constexpr std::size_t series_read = 50;
constexpr std::size_t longest_compared = 120;

/// How many letters have to be changed, added or left out.
std::size_t edits(std::string_view a, std::string_view b) {
  a = a.substr(0, longest_compared);
  b = b.substr(0, longest_compared);
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t diagonal = std::exchange(row[0], i + 1);
    for (std::size_t j = 0; j < b.size(); ++j) {
      const std::size_t changed = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({changed, row[j] + 1, row[j + 1] + 1});
    }
  }
  return row.back();
}

/// The values that the label has among these series, those most like the wanted one first.
void find_near(const core::Matcher& matcher, const std::vector<store::SeriesId>& among, const store::View& view,
               const ExplainLimits& limits, MatcherStep& step) {
  std::unordered_map<std::string_view, std::size_t> values;
  for (std::size_t i = 0; i < std::min(among.size(), limits.scanned); ++i)
    ++values[view.label(among[i], matcher.name())];
  struct Near {
    std::string_view value;
    std::size_t edits = 0;
  };
  std::vector<Near> near;
  for (const auto& [value, count] : values) near.push_back({value, edits(matcher.value(), value)});
  const auto better = [](const Near& a, const Near& b) {
    return std::tie(a.edits, a.value) < std::tie(b.edits, b.value);
  };
  const std::size_t shown = std::min(near.size(), limits.values);
  std::partial_sort(near.begin(), near.begin() + static_cast<std::ptrdiff_t>(shown), near.end(), better);
  for (std::size_t i = 0; i < shown; ++i) step.near.emplace_back(near[i].value);
  step.more = near.size() - shown;
}

/// The name first, then the others as they are written.
std::vector<core::Matcher> ordered(const std::vector<core::Matcher>& matchers) {
  std::vector<core::Matcher> out = matchers;
  std::stable_partition(out.begin(), out.end(),
                        [](const core::Matcher& matcher) { return matcher.name() == core::metric_name_label; });
  return out;
}

std::vector<MatcherStep> follow(const promql::VectorSelector& selector, const store::View& view,
                                const ExplainLimits& limits) {
  std::vector<MatcherStep> steps;
  std::vector<core::Matcher> applied;
  std::vector<store::SeriesId> left;
  for (const core::Matcher& matcher : ordered(selector.matchers)) {
    applied.push_back(matcher);
    std::vector<store::SeriesId> now = view.select(applied);
    MatcherStep step{matcher.to_string(), now.size(), {}, 0};
    if (now.empty()) {
      if (applied.size() == 1) {
        const std::vector<core::Matcher> everything{{core::Matcher::Kind::not_equal, matcher.name(), ""}};
        left = view.select(everything);
      }
      find_near(matcher, left, view, limits, step);
    }
    steps.push_back(std::move(step));
    if (now.empty()) break;
    left = std::move(now);
  }
  return steps;
}

/// The newest sample of some series that have none that counts.
void find_newest(const std::vector<store::SeriesId>& series, const store::View& view, core::TimePoint at,
                 core::Duration look_back, ExplainedSelector& out) {
  std::optional<core::TimePoint> newest;
  std::vector<core::Sample> samples;
  for (std::size_t i = 0; i < std::min(series.size(), series_read); ++i) {
    samples.clear();
    view.read(series[i], at - farthest, at, samples);
    if (!samples.empty()) newest = std::max(newest, std::optional(samples.back().time));
  }
  if (!newest) return;
  out.newest_age = at - *newest;
  // Younger than the look-back, and yet not there: its end was marked.
  out.ended = *out.newest_age < look_back;
}

}  // namespace

core::TimePoint time_of(core::TimePoint at, core::Duration offset, const std::optional<promql::AtModifier>& modifier) {
  if (modifier && modifier->kind == promql::AtModifier::Kind::timestamp) at = core::from_millis(modifier->millis);
  return at - offset;
}

ExplainedSelector explain_selector(const promql::VectorSelector& selector, const store::View& view, core::TimePoint at,
                                   core::Duration look_back, bool range, const ExplainLimits& limits,
                                   std::vector<ExplainedSample>& samples) {
  ExplainedSelector out;
  const core::TimePoint when = time_of(at, selector.offset, selector.at);
  const std::vector<store::SeriesId> series = view.select(selector.matchers);
  out.series = series.size();
  std::vector<core::Sample> window;
  for (const store::SeriesId id : series) {
    auto sample = view.latest(id, when, look_back);
    if (!sample && range) {
      // That a series has ended does not take its samples out of a range.
      window.clear();
      view.read(id, when - look_back, when, window);
      if (!window.empty()) sample = window.back();
    }
    if (!sample) continue;
    ++out.live;
    if (samples.size() >= limits.series) continue;
    samples.push_back({view.labels(id), sample->value, when - sample->time, 0});
  }
  if (series.empty()) {
    out.steps = follow(selector, view, limits);
  } else if (out.live == 0) {
    find_newest(series, view, when, look_back, out);
  }
  return out;
}

std::vector<std::string> notes_of(const ExplainedSelector& selector, core::Duration look_back) {
  std::vector<std::string> out;
  if (selector.series == 0) {
    for (const MatcherStep& step : selector.steps) {
      if (step.left > 0) {
        out.push_back(fmt::format("{} leaves {}", step.matcher, counted(step.left, "series", "series")));
        continue;
      }
      std::string note = step.matcher + " leaves none";
      std::string values;
      for (const std::string& value : step.near) values += (values.empty() ? "" : ", ") + core::quote(value);
      if (values.empty()) {
        note += ": there are no samples at all";
      } else {
        note += "; there are " + values;
        if (step.more > 0) note += fmt::format(" and {} more", step.more);
      }
      out.push_back(std::move(note));
    }
    return out;
  }
  if (selector.live > 0) {
    if (selector.live < selector.series) {
      out.push_back(fmt::format("{} more ended or fell silent", selector.series - selector.live));
    }
    return out;
  }
  const std::string match = counted(selector.series, "series matches", "series match");
  if (!selector.newest_age) {
    out.push_back(match + ", but there is no sample of the day before");
  } else if (selector.ended) {
    out.push_back(fmt::format("{}, but ended: the last sample is {} old, and the target no longer gives it", match,
                              span_text(*selector.newest_age)));
  } else {
    out.push_back(fmt::format("{}, but the newest sample is {} old, and only those of the last {} count", match,
                              span_text(*selector.newest_age), core::format_duration(look_back)));
  }
  return out;
}

}  // namespace tocsin::rules
