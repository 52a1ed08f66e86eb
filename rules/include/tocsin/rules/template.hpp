// Go's text/template, as far as Prometheus's rules use it: labels and annotations of alerts. Parsed once, expanded
// often.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "tocsin/core/labels.hpp"
#include "tocsin/core/time.hpp"
#include "tocsin/rules/promql/engine.hpp"
#include "tocsin/rules/rule_file.hpp"

namespace tocsin::rules {

/// What `$labels`, `$value` and the functions see.
struct TemplateData {
  const core::Labels& labels;
  double value = 0;
  core::TimePoint at;
  const TemplateContext& context;
  /// Answers the template function `query`; may be empty.
  std::function<std::variant<promql::Vector, std::string>(std::string_view)> query;
};

class Template {
 public:
  /// Throws std::invalid_argument with Go's words where the text does not parse: `template: NAME:LINE: ...`.
  /// Prometheus's name for the templates of an alert is `__alert_` and the alert's name.
  explicit Template(std::string_view text, std::string_view name = "__alert");
  ~Template();
  Template(Template&&) noexcept;
  Template& operator=(Template&&) noexcept;
  /// The expanded text; `<error expanding template: ...>` where it fails. Output over 64 KiB is an error.
  [[nodiscard]] std::string expand(const TemplateData& data) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tocsin::rules
