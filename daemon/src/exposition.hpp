// The targets' latest values in Prometheus's text format (version 0.0.4).
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tocsin/core/observation.hpp"
#include "tocsin/store/store.hpp"

namespace tocsin::daemon {

/// TYPE and HELP by metric name, of all kinds that are built in.
using Metadata = std::map<std::string, core::MetricMeta, std::less<>>;
[[nodiscard]] Metadata all_metadata();

/// Every live series that a probe gave, as of `now`, with its job and instance; what rules record, ALERTS and tocsin's
/// own are left out.
[[nodiscard]] std::string expose_targets(const store::View& view, const Metadata& metadata, core::TimePoint now);

/// Samples that are in no store, in the same format.
[[nodiscard]] std::string expose_samples(std::vector<std::pair<core::Labels, double>> samples,
                                         const Metadata& metadata);

/// The same page, time after time: what stays the same between two is kept, and a series that is new is added to it.
/// Any thread.
class Exposition {
 public:
  Exposition();
  ~Exposition();
  /// `version`: another one whenever the metadata are others. `before`: what the page begins with.
  [[nodiscard]] std::string expose(const store::View& view, const Metadata& metadata, core::TimePoint now,
                                   std::uint64_t version = 0, std::string before = {});

 private:
  struct Layout;
  std::mutex mutex_;
  std::unique_ptr<Layout> kept_;  // nothing while a page is made of it
};

}  // namespace tocsin::daemon
