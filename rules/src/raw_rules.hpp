// Rule files and threshold files as tables of fields: what stands in them, before it is understood.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "tocsin/core/fields.hpp"
#include "tocsin/rules/rule_file.hpp"

namespace tocsin::rules {

struct RawLabel {
  std::string name;
  std::string value;
  core::Position at;  // of the name
  core::Position value_at;
};

/// A scalar, and where and how it stood.
struct RawText {
  std::string text;
  core::Position at;
  bool quoted = false;
};

struct RawRule {
  RawText record;
  RawText alert;
  RawText expr;
  core::Duration hold{0};
  core::Duration keep_firing{0};
  std::vector<RawLabel> labels;
  std::vector<RawLabel> annotations;
  core::Place place;
};

struct RawGroup {
  RawText name;
  std::optional<core::Duration> interval;
  std::optional<core::Duration> query_offset;
  std::uint64_t limit = 0;
  std::vector<RawLabel> labels;
  std::vector<RawRule> rules;
  core::Place place;
};

struct RawRuleFile {
  std::vector<RawGroup> groups;
};

/// A number of a threshold: `80%`, `1000`, `256MiB`.
struct RawLimit {
  double value = 0;
  bool percent = false;
  core::Position at;
};

struct RawLine {
  RawText metric;
  std::optional<RawLimit> above;
  std::optional<RawLimit> below;
  std::optional<RawLimit> clear_below;
  std::optional<RawLimit> clear_above;
  core::Place place;
};

struct RawThreshold {
  RawText alert;
  std::vector<RawLine> all;
  std::vector<RawLine> any;
  RawText where;
  std::optional<core::Duration> average;
  std::optional<std::pair<unsigned, unsigned>> breaches;
  core::Duration hold{0};
  core::Duration keep_firing{0};
  ThresholdSpec::OnMissing on_missing = ThresholdSpec::OnMissing::hold;
  core::Duration hold_max{std::chrono::hours{1}};
  std::vector<RawLabel> labels;
  std::vector<RawLabel> annotations;
  core::Place place;
};

struct RawThresholdFile {
  std::optional<core::Duration> interval;
  std::vector<RawThreshold> thresholds;
};

[[nodiscard]] const core::Section<RawRuleFile>& rule_file_section();
[[nodiscard]] const core::Section<RawThresholdFile>& threshold_file_section();

}  // namespace tocsin::rules
