#include "src/exposition.hpp"

#include <algorithm>
#include <array>
#include <span>
#include <unordered_map>
#include <utility>
#include <vector>

#include "tocsin/core/duration.hpp"
#include "tocsin/core/matcher.hpp"

#include "src/make_prober.hpp"

namespace tocsin::daemon {
namespace {

constexpr core::Duration lookback = std::chrono::minutes(5);
constexpr std::size_t most_kept = 16 * 1024 * 1024;  // bytes of a page that are worth keeping

/// `redis_db_keys_bucket` belongs to the histogram `redis_db_keys`, and so on.
const core::MetricMeta* family_of(const Metadata& metadata, std::string_view name) {
  if (const auto it = metadata.find(name); it != metadata.end()) return &it->second;
  for (const std::string_view suffix : {"_bucket", "_count", "_sum"}) {
    if (!name.ends_with(suffix)) continue;
    const auto it = metadata.find(name.substr(0, name.size() - suffix.size()));
    if (it != metadata.end() &&
        (it->second.type == core::MetricType::histogram || it->second.type == core::MetricType::summary)) {
      return &it->second;
    }
  }
  return nullptr;
}

/// What whoever scrapes us says of its own scrape, under these names.
bool is_scrapers_own(std::string_view name) {
  return name == "up" || name == "scrape_duration_seconds" || name == "scrape_samples_scraped" ||
         name == "scrape_samples_post_metric_relabeling" || name == "scrape_series_added";
}

/// INFO passes some fields through under names that no table knows.
bool from_probe(const Metadata& metadata, std::string_view name) {
  if (is_scrapers_own(name)) return false;
  constexpr std::array<std::string_view, 4> prefixes{"redis_", "probe_", "pg_", "kafka_"};
  return family_of(metadata, name) != nullptr ||
         (name.find(':') == std::string_view::npos &&
          std::any_of(prefixes.begin(), prefixes.end(), [name](std::string_view p) { return name.starts_with(p); }));
}

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

void append_series(std::string& out, const core::Labels& labels) {
  out += labels.metric_name();
  char separator = '{';
  for (const core::Label& label : labels) {
    if (label.name == core::metric_name_label) continue;
    out += separator;
    out += label.name;
    out += '=';
    out += core::quote(label.value);
    separator = ',';
  }
  if (separator == ',') out += '}';
  out += ' ';
}

void append_head(std::string& out, const core::MetricMeta* meta, std::string_view family) {
  if (meta != nullptr && !meta->help.empty()) {
    out += "# HELP ";
    out += family;
    out += ' ';
    append_help(out, meta->help);
    out += '\n';
  }
  out += "# TYPE ";
  out += family;
  out += ' ';
  const auto type = meta != nullptr ? meta->type : core::MetricType::unknown;
  out += type == core::MetricType::unknown ? "untyped" : core::to_string(type);
  out += '\n';
}

}  // namespace

Metadata all_metadata() {
  Metadata all;
  for (const core::MetricMeta& meta : metadata_of("")) all.emplace(std::string(meta.name), meta);
  return all;
}

/// The page without its values.
struct Exposition::Layout {
  struct Series {
    std::uint32_t number = 0;  // in `shown`
    std::size_t end = 0;       // of its line's beginning in `text`; that begins where the one before ends
  };
  /// The series of one family stand together on the page, in the order in which the store numbers them, so that what
  /// one probe gave stays as the probe gave it (a histogram's buckets, say).
  struct Family {
    std::string head;
    std::string text;
    std::vector<Series> series;
  };
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
  };

  std::uint64_t numbering = 0;
  std::uint64_t metadata = 0;
  store::SeriesId next = 0;            // those below are known
  std::vector<store::SeriesId> shown;  // what stands on the page, in the store's order
  std::map<std::string, Family, std::less<>> families;
  // Hundreds of thousands of series have some hundred names; null: not from a probe.
  std::unordered_map<std::string, Family*, Hash, std::equal_to<>> by_name;
  std::size_t size = 0;  // of all text

  Family* family(std::string_view name, const Metadata& table);
  void add_new(const store::View& view, const Metadata& table);
  void shrink();
  /// The values of what is shown, a staleness marker where there is none; returns how many series are gone.
  std::size_t read(const store::View& view, core::TimePoint now, std::vector<double>& values) const;
  void write(std::span<const double> values, std::string& out) const;
};

Exposition::Exposition() = default;
Exposition::~Exposition() = default;

Exposition::Layout::Family* Exposition::Layout::family(std::string_view name, const Metadata& table) {
  if (const auto known = by_name.find(name); known != by_name.end()) return known->second;
  Family*& found = by_name.emplace(std::string(name), nullptr).first->second;
  if (!from_probe(table, name)) return nullptr;
  const core::MetricMeta* meta = family_of(table, name);
  const std::string_view title = meta != nullptr ? meta->name : name;
  found = &families[std::string(title)];
  if (found->head.empty()) append_head(found->head, meta, title);
  return found;
}

void Exposition::Layout::add_new(const store::View& view, const Metadata& table) {
  for (const store::SeriesId end = view.end(); next < end; ++next) {
    if (!view.has(next)) continue;
    Family* const home = family(view.label(next, core::metric_name_label), table);
    if (home == nullptr || view.label(next, "job").empty() || view.label(next, "instance").empty()) continue;
    const std::size_t before = home->text.size();
    append_series(home->text, view.labels(next));
    size += home->text.size() - before;
    home->series.push_back({static_cast<std::uint32_t>(shown.size()), home->text.size()});
    shown.push_back(next);
  }
}

void Exposition::Layout::shrink() {
  shown.shrink_to_fit();
  for (auto& [name, family] : families) {
    family.text.shrink_to_fit();
    family.series.shrink_to_fit();
  }
}

// In the store's order: what a target gave stands together there, and on the page it is far apart.
std::size_t Exposition::Layout::read(const store::View& view, core::TimePoint now, std::vector<double>& values) const {
  std::size_t gone = 0;
  values.reserve(shown.size());
  for (const store::SeriesId id : shown) {
    const bool here = view.has(id);
    if (!here) ++gone;
    const auto sample = here ? view.latest(id, now, lookback) : std::nullopt;
    values.push_back(sample ? sample->value : core::stale_marker());
  }
  return gone;
}

void Exposition::Layout::write(std::span<const double> values, std::string& out) const {
  for (const auto& [name, family] : families) {
    bool headed = false;
    std::size_t begin = 0;
    for (const Series& series : family.series) {
      const std::size_t from = std::exchange(begin, series.end);
      const double value = values[series.number];
      if (core::is_stale(value)) continue;
      if (!std::exchange(headed, true)) out += family.head;
      out.append(family.text, from, series.end - from);
      out += core::format_value(value);
      out += '\n';
    }
  }
}

std::string Exposition::expose(const store::View& view, const Metadata& metadata, core::TimePoint now,
                               std::uint64_t version, std::string before) {
  std::unique_ptr<Layout> layout;
  {
    const std::lock_guard lock(mutex_);
    layout = std::move(kept_);
  }
  if (layout == nullptr || layout->numbering != view.numbering() || layout->metadata != version) {
    layout = std::make_unique<Layout>();
    layout->numbering = view.numbering();
    layout->metadata = version;
  }
  const bool anew = layout->next == 0;
  layout->add_new(view, metadata);
  if (anew) layout->shrink();
  std::string out = std::move(before);
  out.reserve(out.size() + layout->size + layout->size / 4);
  std::vector<double> values;
  const std::size_t gone = layout->read(view, now, values);
  layout->write(values, out);
  if (layout->size > most_kept || gone > view.end() / 8) return out;
  const std::lock_guard lock(mutex_);
  kept_ = std::move(layout);
  return out;
}

std::string expose_samples(std::vector<std::pair<core::Labels, double>> samples, const Metadata& metadata) {
  std::sort(samples.begin(), samples.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  std::stable_sort(samples.begin(), samples.end(), [&metadata](const auto& a, const auto& b) {
    const auto family = [&metadata](const core::Labels& labels) {
      const auto* meta = family_of(metadata, labels.metric_name());
      return meta != nullptr ? meta->name : labels.metric_name();
    };
    return family(a.first) < family(b.first);
  });
  std::string out, family;
  for (const auto& [labels, value] : samples) {
    const auto* meta = family_of(metadata, labels.metric_name());
    const std::string_view own = meta != nullptr ? meta->name : labels.metric_name();
    if (own != family) append_head(out, meta, own);
    family = own;
    append_series(out, labels);
    out += core::format_value(value);
    out += '\n';
  }
  return out;
}

std::string expose_targets(const store::View& view, const Metadata& metadata, core::TimePoint now) {
  return Exposition().expose(view, metadata, now);
}

}  // namespace tocsin::daemon
