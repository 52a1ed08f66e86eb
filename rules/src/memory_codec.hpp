// How what must outlive the process is written down: keys and values as bytes. Pure; reading bears any bytes.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tocsin/core/alert.hpp"
#include "tocsin/core/labels.hpp"
#include "tocsin/core/time.hpp"
#include "tocsin/rules/rule_file.hpp"

namespace tocsin::rules {

/// Which of a group's rules: known again by kind, name and labels.
struct RuleMark {
  std::uint64_t hash = 0;
  std::uint32_t twin = 0;  // of the rules with this hash, the how manieth
  bool operator==(const RuleMark&) const = default;
};
/// The same in every process.
[[nodiscard]] std::uint64_t rule_hash(const RuleSpec& spec);
[[nodiscard]] std::uint64_t stable_hash(std::string_view text);

/// A key: the group's prefix, and then this.
struct MemoryKey {
  enum class Kind : char {
    group = 'g',    // when it was last evaluated; of no rule
    alert = 'a',    // by its labels
    unknown = 'u',  // the alert of a threshold that says that the truth is unknown
    names = 'n',    // which labels the lines of a threshold have
    series = 's',   // what was last known of a label set of a line
  };
  Kind kind = Kind::group;
  RuleMark rule;
  std::uint64_t wording = 0;  // names and series hold for one wording of the threshold
  std::uint32_t line = 0;     // of a series
  core::Labels labels;
  bool operator==(const MemoryKey&) const = default;
};
[[nodiscard]] std::string encode(std::string_view prefix, const MemoryKey& key);
/// Of a key without the prefix.
[[nodiscard]] std::optional<MemoryKey> decode_key(std::string_view bytes);

struct AlertMemory {
  core::AlertState state = core::AlertState::pending;
  double value = 0;
  core::TimePoint active_at;
  std::optional<core::TimePoint> fired_at;
  std::optional<core::TimePoint> resolved_at;
  std::optional<core::TimePoint> keep_firing_since;
  std::optional<core::TimePoint> told_at;
  core::Labels annotations;
  core::Labels of;  // the label set of a threshold's lines that it speaks of
  bool operator==(const AlertMemory&) const = default;
};
struct SeriesMemory {
  bool on = false;
  std::optional<core::TimePoint> missing_since;  // when it was last seen, if it is missing
  double value = 0;
  bool operator==(const SeriesMemory&) const = default;
};
struct NamesMemory {
  std::vector<std::string> common;
  std::vector<std::vector<std::string>> lines;
  bool operator==(const NamesMemory&) const = default;
};

[[nodiscard]] std::string encode(const AlertMemory& memory);
[[nodiscard]] std::string encode(const SeriesMemory& memory);
[[nodiscard]] std::string encode(const NamesMemory& memory);
[[nodiscard]] std::string encode(core::TimePoint last_evaluation);
[[nodiscard]] std::optional<AlertMemory> decode_alert(std::string_view bytes);
[[nodiscard]] std::optional<SeriesMemory> decode_series(std::string_view bytes);
[[nodiscard]] std::optional<NamesMemory> decode_names(std::string_view bytes);
[[nodiscard]] std::optional<core::TimePoint> decode_time(std::string_view bytes);

}  // namespace tocsin::rules
