// What becomes of metrics that somebody else wrote: Prometheus's scrape options.
#pragma once

#include <cstddef>
#include <vector>

#include "tocsin/core/relabel.hpp"

namespace tocsin::probes {

/// Limits are of Prometheus's kind: past one of them the whole text is refused (Outcome::limit). 0: no limit.
struct ScrapeRules {
  /// A label that the target's labels have too: true leaves it as it was scraped, false renames it to `exported_...`.
  bool honor_labels = false;
  std::vector<core::RelabelRule> metric_relabel;
  std::size_t sample_limit = 0;  // after relabelling
  std::size_t label_limit = 0;
  std::size_t label_name_length_limit = 0;
  std::size_t label_value_length_limit = 0;
};

}  // namespace tocsin::probes
