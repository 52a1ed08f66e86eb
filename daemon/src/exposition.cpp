#include "src/exposition.hpp"

#include <algorithm>
#include <vector>

#include "tocsin/core/duration.hpp"
#include "tocsin/core/matcher.hpp"
#include "tocsin/probes/http.hpp"
#include "tocsin/probes/prober.hpp"
#include "tocsin/probes/redis.hpp"

namespace tocsin::daemon {
namespace {

constexpr core::Duration lookback = std::chrono::minutes(5);

/// `redis_db_keys_bucket` belongs to the histogram `redis_db_keys`, and so on.
const core::MetricMeta* family_of(const Metadata& metadata, std::string_view name) {
  if (const auto it = metadata.find(name); it != metadata.end()) return &it->second;
  for (const std::string_view suffix : {"_bucket", "_count", "_sum"}) {
    if (!name.ends_with(suffix)) continue;
    const auto it = metadata.find(name.substr(0, name.size() - suffix.size()));
    if (it != metadata.end() && (it->second.type == core::MetricType::histogram || it->second.type == core::MetricType::summary)) {
      return &it->second;
    }
  }
  return nullptr;
}

/// INFO passes some fields through under names that no table knows.
bool from_probe(const Metadata& metadata, std::string_view name) {
  return family_of(metadata, name) != nullptr || name.starts_with("redis_") || name.starts_with("probe_");
}

struct Line {
  const core::MetricMeta* meta = nullptr;
  core::Labels labels;
  double value = 0;
  [[nodiscard]] std::string_view family() const { return meta != nullptr ? meta->name : labels.metric_name(); }
};

void append_help(std::string& out, std::string_view help) {
  for (const char c : help) {
    if (c == '\\') {
      out += "\\\\";
    } else if (c == '\n') {
      out += "\\n";
    } else {
      out += c;
    }
  }
}

void append_line(std::string& out, const Line& line) {
  out += line.labels.metric_name();
  char separator = '{';
  for (const core::Label& label : line.labels) {
    if (label.name == core::metric_name_label) continue;
    out += separator;
    out += label.name;
    out += '=';
    out += core::quote(label.value);
    separator = ',';
  }
  if (separator == ',') out += '}';
  out += ' ';
  out += core::format_value(line.value);
  out += '\n';
}

}  // namespace

Metadata all_metadata() {
  Metadata all;
  for (const auto& table : {probes::common_metadata(), probes::redis_metadata(), probes::http_metadata()}) {
    for (const core::MetricMeta& meta : table) all.emplace(std::string(meta.name), meta);
  }
  return all;
}

std::string expose_targets(const store::View& view, const Metadata& metadata, core::TimePoint now) {
  const std::vector<core::Matcher> everything{{core::Matcher::Kind::not_equal, "job", ""},
                                              {core::Matcher::Kind::not_equal, "instance", ""}};
  std::vector<Line> lines;
  for (const store::SeriesId id : view.select(everything)) {
    const auto sample = view.latest(id, now, lookback);
    if (!sample) continue;
    core::Labels labels = view.labels(id);
    const std::string_view name = labels.metric_name();
    if (!from_probe(metadata, name)) continue;
    const core::MetricMeta* meta = family_of(metadata, name);
    lines.push_back({meta, std::move(labels), sample->value});
  }
  // A family must stand together, its samples in one order.
  std::sort(lines.begin(), lines.end(), [](const Line& a, const Line& b) {
    if (a.family() != b.family()) return a.family() < b.family();
    return a.labels < b.labels;
  });
  std::string out;
  out.reserve(lines.size() * 128);
  std::string_view family;
  for (const Line& line : lines) {
    if (line.family() != family) {
      family = line.family();
      if (line.meta != nullptr) {
        out += "# HELP ";
        out += family;
        out += ' ';
        append_help(out, line.meta->help);
        out += '\n';
      }
      out += "# TYPE ";
      out += family;
      out += ' ';
      const auto type = line.meta != nullptr ? line.meta->type : core::MetricType::unknown;
      out += type == core::MetricType::unknown ? "untyped" : core::to_string(type);
      out += '\n';
    }
    append_line(out, line);
  }
  return out;
}

}  // namespace tocsin::daemon
