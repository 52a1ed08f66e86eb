// What the readers of rule files and of threshold files share.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "raw_rules.hpp"
#include "tocsin/core/source.hpp"
#include "tocsin/rules/promql/engine.hpp"
#include "tocsin/rules/rule_file.hpp"

namespace tocsin::rules {

struct ReadContext {
  std::shared_ptr<const core::SourceFile> file;
  core::Diagnostics& diagnostics;

  void error(core::Position at, std::string message) const { diagnostics.error(file, at, std::move(message)); }
};

/// The place of byte `offset` of a scalar, where the scalar stands in the file as it is: within one line and without
/// escapes; else the scalar's own place.
[[nodiscard]] core::Position place_within(const core::SourceFile& file, const RawText& text, std::size_t offset);

/// Checks names and templates and appends the labels to `out`; a name that is there already is replaced. `what` is
/// "label" or "annotation"; `prefix` begins every message.
void read_labels(const ReadContext& context, const std::vector<RawLabel>& labels, std::string_view what,
                 std::string_view alert, const std::string& prefix, std::vector<core::Label>& out);

[[nodiscard]] std::vector<GroupSpec> read_thresholds(const ReadContext& context, const RawThresholdFile& raw);

}  // namespace tocsin::rules
