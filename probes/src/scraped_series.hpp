// Text with metrics as rows under a target's labels. A series is parsed, relabelled and looked up when it first comes;
// in a text that looks like the one before, a line then costs a comparison and a number.
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "tocsin/core/labels.hpp"
#include "tocsin/core/observation.hpp"
#include "tocsin/core/relabel.hpp"
#include "tocsin/core/result.hpp"
#include "tocsin/core/text_format.hpp"
#include "tocsin/probes/scrape_rules.hpp"

namespace tocsin::probes {

struct ScrapeCounts {
  std::size_t scraped = 0;     // samples in the text
  std::size_t kept = 0;        // after relabelling
  std::size_t added = 0;       // series that were not in the text before
  std::size_t duplicates = 0;  // left out: another sample of the same text has the same labels
};

class ScrapedSeries {
 public:
  /// Throws std::invalid_argument where a relabelling rule is bad. `own` is what the prober itself says of its target
  /// (beside the common metrics): samples that would pass for it are dropped. At most `max_series` rows are given.
  ScrapedSeries(core::Labels base, ScrapeRules rules, std::span<const core::MetricMeta> own = {},
                std::size_t max_series = std::numeric_limits<std::size_t>::max());

  /// Takes a text in. Of a text that is wrong or past a limit nothing is taken; the failure names the line.
  [[nodiscard]] core::Result<void> read(std::string_view text, core::TextFormat format);
  /// Adds a row for every series of the text that was read last; again and again, if that text is to stand.
  void append(core::SeriesTable& table);
  /// Of the text that was read last, complete after `append`.
  [[nodiscard]] const ScrapeCounts& counts() const { return counts_; }
  /// Rows that were left out since there were too many, or the table was full; all that there ever were.
  [[nodiscard]] std::uint64_t refused() const { return refused_; }
  /// What the metrics are, if that changed since it was asked for last.
  [[nodiscard]] std::vector<core::Described> take_described();

 private:
  struct Entry {
    bool kept = true;     // not dropped by relabelling
    core::Labels labels;  // until there is a slot
    std::optional<core::Slot> slot;
    std::uint32_t serial = 0;
    std::uint32_t created = 0;  // rounds
    std::uint32_t seen = 0;
    bool timed = false;
    double value = 0;
  };
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
  };
  using Entries = std::unordered_map<std::string, Entry, Hash, std::equal_to<>>;
  struct Family {
    core::MetricType type = core::MetricType::unknown;
    std::string help;
  };

  [[nodiscard]] core::Result<void> read_all(std::string_view text, core::TextFormat format);
  [[nodiscard]] core::Result<void> take_sample(const core::TextReader& reader);
  [[nodiscard]] core::Result<Entry> make_entry(std::string_view series) const;
  [[nodiscard]] core::Labels with_base(core::Labels scraped) const;
  [[nodiscard]] bool passes_for_own(const core::Labels& labels) const;
  [[nodiscard]] std::optional<core::Failure> beyond_limits(const core::Labels& labels) const;
  void note_meta(const core::TextReader& reader, bool type);
  void read_families(std::string_view text, core::TextFormat format);
  [[nodiscard]] const std::pair<const std::string, Family>* family_of(std::string_view name) const;
  void describe(const core::SeriesTable& table);
  void give(core::SeriesTable& table, const std::string& series, Entry& entry);

  core::Labels base_;
  ScrapeRules rules_;
  core::Relabeling relabeling_;
  std::vector<std::string_view> own_;  // names
  std::size_t max_series_;
  std::size_t given_ = 0;  // rows, of this time
  std::uint64_t refused_ = 0;
  std::uint32_t round_ = 0;
  Entries entries_;
  std::vector<Entries::value_type*> order_;  // as the last text had them
  std::size_t place_ = 0;                    // in order_, of the next sample
  std::vector<Entries::value_type*> rows_;   // kept ones of the last text
  std::uint32_t appended_ = 0;               // how often rows were given
  std::vector<std::uint32_t> slot_round_;    // which of those times a slot had a row last
  ScrapeCounts counts_;
  std::uint64_t meta_hash_ = 0;  // over HELP and TYPE of the text
  std::uint64_t known_meta_ = 1;
  std::unordered_map<std::string, Family, Hash, std::equal_to<>> families_;
  bool describe_anew_ = false;
  std::vector<core::Described> described_;
  bool described_changed_ = false;
};

}  // namespace tocsin::probes
