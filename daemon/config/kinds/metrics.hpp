// The keys of a job whose targets bring metrics of their own: `metrics`, `exec` and `push`.
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "tocsin/core/relabel.hpp"
#include "tocsin/probes/scrape_rules.hpp"

namespace tocsin::daemon::model {

struct ScrapeKeys {
  std::optional<bool> honor_labels;
  std::vector<core::RelabelRule> metric_relabel;
  std::optional<std::size_t> sample_limit;
  std::optional<std::size_t> label_limit;
  std::optional<std::size_t> label_name_length_limit;
  std::optional<std::size_t> label_value_length_limit;

  [[nodiscard]] probes::ScrapeRules rules() const {
    probes::ScrapeRules rules;
    rules.honor_labels = honor_labels.value_or(false);
    rules.metric_relabel = metric_relabel;
    rules.sample_limit = sample_limit.value_or(0);
    rules.label_limit = label_limit.value_or(0);
    rules.label_name_length_limit = label_name_length_limit.value_or(0);
    rules.label_value_length_limit = label_value_length_limit.value_or(0);
    return rules;
  }
};

}  // namespace tocsin::daemon::model
