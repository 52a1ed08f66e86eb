#include "src/exposition.hpp"

#include <algorithm>
#include <array>
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

/// The series of one family: they stand together on the page, in the order in which the store numbers them, so that
/// what one probe gave stays as the probe gave it (a histogram's buckets, say).
struct Family {
  const core::MetricMeta* meta = nullptr;
  std::vector<store::SeriesId> series;
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

/// The page without its values: the lines' beginnings in order, and where a family's head goes.
struct Exposition::Layout {
  struct Series {
    store::SeriesId id = 0;
    std::uint32_t family = 0;
    std::size_t end = 0;  // in `text`; it begins where the one before ends
  };
  std::uint64_t generation = 0;
  std::uint64_t metadata = 0;
  std::vector<Series> series;
  std::vector<std::string> heads;  // of the families
  std::string text;
};

Exposition::Exposition() = default;
Exposition::~Exposition() = default;

std::shared_ptr<const Exposition::Layout> Exposition::lay_out(const store::View& view, const Metadata& metadata,
                                                              std::uint64_t version) {
  const std::vector<core::Matcher> everything{{core::Matcher::Kind::not_equal, "job", ""},
                                              {core::Matcher::Kind::not_equal, "instance", ""}};
  // Hundreds of thousands of series have some hundred names: each name is looked up once, and nothing is sorted but
  // them.
  std::map<std::string_view, Family> families;
  std::unordered_map<std::string_view, Family*> by_name;
  std::size_t count = 0;
  for (const store::SeriesId id : view.select(everything)) {
    const std::string_view name = view.label(id, core::metric_name_label);
    const auto [it, unknown] = by_name.try_emplace(name, nullptr);
    if (unknown && from_probe(metadata, name)) {
      const core::MetricMeta* meta = family_of(metadata, name);
      it->second = &families[meta != nullptr ? meta->name : name];
      it->second->meta = meta;
    }
    if (it->second == nullptr) continue;
    it->second->series.push_back(id);
    ++count;
  }
  auto layout = std::make_shared<Layout>();
  layout->generation = view.generation();
  layout->metadata = version;
  layout->series.reserve(count);
  for (const auto& [name, family] : families) {
    append_head(layout->heads.emplace_back(), family.meta, name);
    for (const store::SeriesId id : family.series) {
      append_series(layout->text, view.labels(id));
      layout->series.push_back({id, static_cast<std::uint32_t>(layout->heads.size() - 1), layout->text.size()});
    }
  }
  return layout;
}

std::string Exposition::expose(const store::View& view, const Metadata& metadata, core::TimePoint now,
                               std::uint64_t version) {
  std::shared_ptr<const Layout> layout;
  {
    const std::lock_guard lock(mutex_);
    layout = kept_;
  }
  if (layout == nullptr || layout->generation != view.generation() || layout->metadata != version) {
    layout = lay_out(view, metadata, version);
    const std::lock_guard lock(mutex_);
    kept_ = layout->text.size() <= most_kept ? layout : nullptr;
  }
  std::string out;
  out.reserve(layout->text.size() + layout->series.size() * 16 + layout->heads.size() * 128);
  std::size_t begin = 0;
  std::size_t headed = 0;  // families whose head is written, or that have no value at all
  for (const Layout::Series& series : layout->series) {
    const std::size_t from = std::exchange(begin, series.end);
    const auto sample = view.latest(series.id, now, lookback);
    if (!sample) continue;
    if (series.family >= headed) {
      out += layout->heads[series.family];
      headed = series.family + 1;
    }
    out.append(layout->text, from, series.end - from);
    out += core::format_value(sample->value);
    out += '\n';
  }
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
