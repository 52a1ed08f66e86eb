#include "src/scraped_series.hpp"

#include <algorithm>

#include "tocsin/probes/prober.hpp"

namespace tocsin::probes {

using core::Failure;
using core::Outcome;
using core::Phase;
using core::Result;
using core::TextFormat;
using core::TextReader;

namespace {

constexpr std::size_t max_families = 10'000;  // that are described
constexpr std::size_t max_help = 1'000;       // bytes of a description

Failure at_line(std::size_t line, Failure failure) {
  failure.detail = "line " + std::to_string(line) + ": " + failure.detail;
  return failure;
}

Failure past(const char* what, std::size_t limit) {
  return {Outcome::limit, Phase::parse, "more than " + std::to_string(limit) + " " + what};
}

std::string cut(std::string text) {
  if (text.size() <= max_help) return text;
  std::size_t end = max_help;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0U) == 0x80U) --end;  // not within a character
  text.resize(end);
  return text;
}

}  // namespace

ScrapedSeries::ScrapedSeries(core::Labels base, ScrapeRules rules, std::span<const core::MetricMeta> own,
                             std::size_t max_series)
    : base_(std::move(base)), rules_(std::move(rules)), relabeling_(rules_.metric_relabel), max_series_(max_series) {
  for (const core::MetricMeta& meta : own) own_.push_back(meta.name);
  for (const core::MetricMeta& meta : common_metadata()) own_.push_back(meta.name);
}

Result<void> ScrapedSeries::read(std::string_view text, TextFormat format) {
  ++round_;
  auto done = read_all(text, format);
  if (!done) {
    rows_.clear();
    order_.clear();
    std::erase_if(entries_, [this](const auto& entry) { return entry.second.created == round_; });
    counts_ = ScrapeCounts();
    return done;
  }
  order_.resize(place_);
  if (entries_.size() > place_) {
    std::erase_if(entries_, [this](const auto& entry) { return entry.second.seen != round_; });
  }
  if (meta_hash_ != known_meta_) {
    read_families(text, format);
    known_meta_ = meta_hash_;
    describe_anew_ = true;
  }
  return done;
}

Result<void> ScrapedSeries::read_all(std::string_view text, TextFormat format) {
  counts_ = ScrapeCounts();
  rows_.clear();
  place_ = 0;
  meta_hash_ = 0;
  TextReader reader(text, format);
  while (true) {
    switch (reader.next(place_ < order_.size() ? std::string_view(order_[place_]->first) : std::string_view())) {
      case TextReader::Item::sample:
        if (auto taken = take_sample(reader); !taken) return at_line(reader.line(), taken.error());
        break;
      case TextReader::Item::type:
        note_meta(reader, true);
        break;
      case TextReader::Item::help:
        note_meta(reader, false);
        break;
      case TextReader::Item::end:
        counts_.kept = rows_.size();
        return {};
      case TextReader::Item::wrong:
        return at_line(reader.line(), {Outcome::protocol, Phase::parse, std::string(reader.error())});
    }
  }
}

Result<void> ScrapedSeries::take_sample(const TextReader& reader) {
  ++counts_.scraped;
  Entries::value_type* found = nullptr;
  if (place_ < order_.size() && order_[place_]->first == reader.series()) {
    found = order_[place_];
  } else {
    auto it = entries_.find(reader.series());
    if (it == entries_.end()) {
      auto entry = make_entry(reader.series());
      if (!entry) return entry.error();
      it = entries_.emplace(std::string(reader.series()), std::move(*entry)).first;
    }
    found = &*it;
  }
  Entry& entry = found->second;
  if (entry.seen == round_) {
    // With times of their own the last one is the newest; without, the first one stands, as in Prometheus.
    ++counts_.duplicates;
    if (entry.timed && reader.timed()) entry.value = reader.value();
    return {};
  }
  entry.seen = round_;
  entry.timed = reader.timed();
  entry.value = reader.value();
  if (place_ < order_.size()) {
    order_[place_] = found;
  } else {
    order_.push_back(found);
  }
  ++place_;
  if (!entry.kept) return {};
  if (rules_.sample_limit > 0 && rows_.size() == rules_.sample_limit) return past("samples", rules_.sample_limit);
  rows_.push_back(found);
  return {};
}

Result<ScrapedSeries::Entry> ScrapedSeries::make_entry(std::string_view series) const {
  auto labels = core::parse_series(series);
  if (!labels) return labels.error();
  Entry entry;
  entry.created = round_;
  auto relabelled = relabeling_.apply(with_base(std::move(*labels)));
  if (!relabelled || passes_for_own(*relabelled)) {
    entry.kept = false;
    return entry;
  }
  if (!core::is_metric_name(relabelled->metric_name())) {
    return Failure{Outcome::protocol, Phase::parse, "relabelling leaves a sample without the name of a metric"};
  }
  if (auto failure = beyond_limits(*relabelled)) return std::move(*failure);
  entry.labels = std::move(*relabelled);
  return entry;
}

core::Labels ScrapedSeries::with_base(core::Labels scraped) const {
  for (const core::Label& label : base_) {
    if (!scraped.has(label.name)) {
      scraped.set(label.name, label.value);
      continue;
    }
    if (rules_.honor_labels) continue;
    std::string name = "exported_" + label.name;
    while (scraped.has(name) || base_.has(name)) name.insert(0, "exported_");
    scraped.set(name, scraped.get(label.name));
    scraped.set(label.name, label.value);
  }
  return scraped;
}

bool ScrapedSeries::passes_for_own(const core::Labels& labels) const {
  if (std::find(own_.begin(), own_.end(), labels.metric_name()) == own_.end()) return false;
  return std::all_of(labels.begin(), labels.end(), [this](const core::Label& label) {
    return label.name == core::metric_name_label || label.name == "class" || base_.get(label.name) == label.value;
  });
}

std::optional<Failure> ScrapedSeries::beyond_limits(const core::Labels& labels) const {
  if (rules_.label_limit > 0 && labels.size() > rules_.label_limit) {
    return past("labels in a series", rules_.label_limit);
  }
  for (const core::Label& label : labels) {
    if (rules_.label_name_length_limit > 0 && label.name.size() > rules_.label_name_length_limit) {
      return past("bytes in the name of a label", rules_.label_name_length_limit);
    }
    if (rules_.label_value_length_limit > 0 && label.value.size() > rules_.label_value_length_limit) {
      return past("bytes in the value of a label", rules_.label_value_length_limit);
    }
  }
  return std::nullopt;
}

void ScrapedSeries::note_meta(const TextReader& reader, bool type) {
  const std::hash<std::string_view> hash;
  constexpr std::uint64_t odd = 0x9e3779b97f4a7c15ULL;
  meta_hash_ = (meta_hash_ ^ hash(reader.name())) * odd;
  meta_hash_ = (meta_hash_ ^ (type ? static_cast<std::uint64_t>(reader.type()) + 1 : hash(reader.text()))) * odd;
}

void ScrapedSeries::read_families(std::string_view text, TextFormat format) {
  families_.clear();
  // OpenMetrics says `x` of samples that are called `x_total`: HELP may come before TYPE says so.
  std::vector<std::pair<std::string, std::string>> renamed;
  TextReader reader(text, format);
  while (families_.size() < max_families) {
    const auto item = reader.next();
    if (item == TextReader::Item::end || item == TextReader::Item::wrong) break;
    if (item == TextReader::Item::sample) continue;
    Family& family = families_[std::string(reader.name())];
    if (item == TextReader::Item::help) {
      family.help = cut(core::unescape_help(reader.text(), format));
      continue;
    }
    family.type = reader.type();
    if (reader.suffix().empty()) continue;
    renamed.emplace_back(reader.name(), std::string(reader.name()) + std::string(reader.suffix()));
  }
  for (auto& [name, with_suffix] : renamed) {
    auto node = families_.extract(name);
    if (node.empty()) continue;
    node.key() = std::move(with_suffix);
    families_.insert(std::move(node));
  }
}

void ScrapedSeries::append(core::SeriesTable& table) {
  ++appended_;
  given_ = 0;
  const std::uint64_t refused_before = table.refused();
  for (Entries::value_type* row : rows_) {
    if (row->second.created == round_) ++counts_.added;
    give(table, row->first, row->second);
  }
  refused_ += table.refused() - refused_before;
  if (counts_.added > 0 || describe_anew_) describe(table);
  describe_anew_ = false;
}

void ScrapedSeries::give(core::SeriesTable& table, const std::string& series, Entry& entry) {
  const bool has_slot = entry.slot && table.serial(*entry.slot) == entry.serial;
  if (!has_slot && entry.labels.empty()) {
    // The slot is another's by now: after many texts that were refused.
    if (auto anew = make_entry(series)) entry.labels = std::move(anew->labels);
  }
  const std::optional<core::Slot> known = has_slot ? entry.slot : table.find(entry.labels);
  if (known && *known < slot_round_.size() && slot_round_[*known] == appended_) {
    ++counts_.duplicates;  // relabelling made two series the same
    return;
  }
  if (given_ >= max_series_) {
    ++refused_;
    return;
  }
  ++given_;
  if (has_slot) {
    static_cast<void>(table.add(*entry.slot, entry.serial, entry.value));
  } else {
    entry.slot = table.add(entry.labels, entry.value);
    if (!entry.slot) return;
    entry.serial = table.serial(*entry.slot);
    entry.labels = core::Labels();
  }
  if (*entry.slot >= slot_round_.size()) slot_round_.resize(*entry.slot + 1);
  slot_round_[*entry.slot] = appended_;
}

const std::pair<const std::string, ScrapedSeries::Family>* ScrapedSeries::family_of(std::string_view name) const {
  if (const auto it = families_.find(name); it != families_.end()) return &*it;
  for (const std::string_view suffix : {"_bucket", "_count", "_sum"}) {
    if (!name.ends_with(suffix)) continue;
    const auto it = families_.find(name.substr(0, name.size() - suffix.size()));
    if (it == families_.end()) continue;
    if (it->second.type == core::MetricType::histogram || it->second.type == core::MetricType::summary) return &*it;
  }
  return nullptr;
}

void ScrapedSeries::describe(const core::SeriesTable& table) {
  std::unordered_map<std::string, const Family*, Hash, std::equal_to<>> names;
  for (const Entries::value_type* row : rows_) {
    const std::optional<core::Slot> slot = row->second.slot;
    if (!slot || names.size() >= max_families) continue;
    const core::Labels labels = table.labels(*slot);
    const auto* family = family_of(labels.metric_name());
    const std::string_view name = family != nullptr ? std::string_view(family->first) : labels.metric_name();
    if (names.find(name) == names.end()) names.emplace(name, family != nullptr ? &family->second : nullptr);
  }
  std::vector<core::Described> now;
  now.reserve(names.size());
  for (const auto& [name, family] : names) {
    now.push_back({name, family != nullptr ? family->type : core::MetricType::unknown,
                   family != nullptr ? family->help : std::string()});
  }
  std::sort(now.begin(), now.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
  if (now == described_) return;
  described_ = std::move(now);
  described_changed_ = true;
}

std::vector<core::Described> ScrapedSeries::take_described() {
  if (!std::exchange(described_changed_, false)) return {};
  return described_;
}

}  // namespace tocsin::probes
